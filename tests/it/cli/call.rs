//! `ratetop call`, one call at a time.

use super::home::{Gateway, Home, Simulator, nowhere};
use assert_cmd::Command;
use rstest::rstest;
use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

#[test]
fn a_default_model_that_the_server_lacks_gives_way_and_a_simulator_is_free() {
    // The tiny organization has no Haiku 5.5.
    let simulator = Simulator::named("tiny");
    let home = Home::at(&simulator.url);
    let value = home.run("call --json --max-tokens 5").exits(0).json();
    assert_eq!(value["calls"][0]["model"], "claude-haiku-4-5");
    assert_eq!(value["totals"]["cost_usd"], 0.0);
    let text = home.run("call --max-tokens 5").exits(0);
    assert!(text.err.contains("free: simulator"), "{}", text.err);
    // One that somebody named stays.
    let named = home.run("call --json --model claude-haiku-5-5").exits(1);
    assert_eq!(named.json()["calls"][0]["model"], "claude-haiku-5-5");
}

#[rstest]
#[case("--stream")]
#[case("--no-stream")]
fn a_call_is_told_whole(#[case] how: &str) {
    let simulator = Simulator::named("calm");
    let home = Home::at(&simulator.url);
    let line = format!(
        "call --json {how} --model claude-opus-5-5 --max-tokens 50 --policy none --prompt hello"
    );
    let value = home.run(&line).exits(0).json();
    let call = &value["calls"][0];
    assert_eq!(
        (&call["outcome"], &call["policy"]),
        (&"ok".into(), &"none".into())
    );
    assert_eq!(call["attempts"][0]["status"], 200);
    assert!(
        call["attempts"][0]["request_id"]
            .as_str()
            .unwrap()
            .starts_with("req_")
    );
    assert_eq!(
        call["attempts"][0]["first_token_ms"].is_number(),
        how == "--stream"
    );
    assert!(!call["text"].as_str().unwrap().is_empty());
    assert!(call["usage"]["output_tokens"].as_u64().unwrap() > 0);
    assert!(call["cost_usd"].as_f64().unwrap() == 0.0);
    assert_eq!(value["totals"]["wire"], 1);
    assert_eq!(value["totals"]["slept_s"].to_string(), "0.0");
}

/// Section "streaming": thinking deltas come first, and unknown events and deltas are passed over.
#[test]
fn thinking_is_read_and_is_no_part_of_the_answer() {
    let simulator = Simulator::with("[answers]\nthinking = true\ntokens = [40, 40]\n");
    let home = Home::at(&simulator.url);
    let line = "call --json --stream --model claude-opus-5-5 --policy none --prompt hello";
    let value = home.run(line).exits(0).json();
    let call = &value["calls"][0];
    assert_eq!(call["outcome"], "ok");
    assert_eq!(call["stop_reason"], "end_turn");
    assert_eq!(call["usage"]["output_tokens"], 40);
    assert!(call["attempts"][0]["first_token_ms"].is_number());
    let text = call["text"].as_str().unwrap();
    assert!(!text.is_empty() && !text.contains("Which words?"), "{text}");
    // What it thought is told apart, streamed or not, to machines and to people.
    for line in [line, &line.replace("--stream", "--no-stream")] {
        let value = home.run(line).exits(0).json();
        let thinking = serde_json::json!({"blocks": 1, "tokens": 3});
        assert_eq!(value["calls"][0]["thinking"], thinking, "{line}");
        assert_eq!(value["calls"][0]["attempts"][0]["thinking"], thinking);
        let done = home.run(&line.replace("--json ", "")).exits(0);
        assert!(
            done.err.contains("thought 3 tokens in 1 block"),
            "{}",
            done.err
        );
    }
    let silent = Simulator::named("calm");
    let value = Home::at(&silent.url).run(line).exits(0).json();
    assert!(value["calls"][0]["thinking"].is_null());
}

#[test]
fn a_call_for_people_puts_the_answer_on_stdout_and_the_rest_on_stderr() {
    let simulator = Simulator::named("calm");
    let home = Home::at(&simulator.url);
    let done = home
        .run_with(
            &["call", "--prompt", "-", "--model", "claude-haiku-4-5"],
            "from a pipe",
        )
        .exits(0);
    assert!(
        !done.out.trim().is_empty() && !done.out.contains("attempt"),
        "{}",
        done.out
    );
    assert!(
        done.err.contains("attempt 1: 200") && done.err.contains("ok: claude-haiku-4-5"),
        "{}",
        done.err
    );
    assert!(
        home.run_with(&["call", "--prompt", "-"], " \n")
            .exits(2)
            .err
            .contains("the prompt is empty")
    );
}

#[test]
fn refusals_are_judged_and_waits_are_told() {
    let simulator = Simulator::with(
        "tier = \"none\"\n[[pools]]\nname = \"Haiku 4.5\"\nlimits = { requests_per_minute = 60 }\n[rules]\nspend = { kind = \"tier\", left_usd = 0.0 }",
    );
    let home = Home::at(&simulator.url);
    let value = home
        .run("call --json --model claude-haiku-4-5 --policy hint-jitter --attempts 3")
        .exits(1)
        .json();
    let attempt = &value["calls"][0]["attempts"][0];
    assert_eq!(attempt["status"], 429);
    assert_eq!(attempt["verdict"]["cause"], "spend_cap");
    assert_eq!(attempt["verdict"]["retry_helps"], false);
    // Error table: a tier's monthly cap ends at 00:00 UTC on the 1st.
    let back = attempt["verdict"]["retry_at"].as_str().unwrap();
    assert!(back.ends_with("-01T00:00:00Z"), "{back}");
    assert_eq!(attempt["decision"]["action"], "stop");
    assert_eq!(value["totals"]["refused"]["spend_cap"], 1);
}

#[test]
fn immediate_retries_are_for_simulators_only() {
    let command = "call --json --model claude-haiku-4-5 --policy immediate";
    let elsewhere = Home::at(&nowhere()).run(command).exits(2);
    assert!(
        elsewhere
            .err
            .contains("policy immediate is for simulators only"),
        "{}",
        elsewhere.err
    );
    let simulator = Simulator::named("overloaded");
    let value = Home::at(&simulator.url).run(command).json();
    for attempt in value["calls"][0]["attempts"].as_array().unwrap() {
        if attempt["decision"]["action"] == "retry" {
            assert_eq!(attempt["decision"]["wait_s"], 0.0);
        }
    }
}

#[test]
fn a_deadline_and_a_longest_wait_bind_every_policy() {
    let simulator = Simulator::with(
        "tier = \"none\"\n[[pools]]\nname = \"Haiku 4.5\"\nlimits = { requests_per_minute = 60 }\n[[faults]]\nkind = \"overloaded\"\nshare = 1.0",
    );
    let home = Home::at(&simulator.url);
    let ended = |bounds: &str| {
        let line =
            format!("call --json --model claude-haiku-4-5 --policy exponential-jitter {bounds}");
        let value = home.run(&line).exits(1).json();
        let attempts = value["calls"][0]["attempts"].as_array().unwrap().clone();
        let last = attempts.last().unwrap()["decision"].clone();
        assert_eq!(last["action"], "stop");
        (attempts.len(), last["reason"].as_str().unwrap().to_owned())
    };
    // The first wait of this policy is at least 4 s.
    let (attempts, why) = ended("--deadline 3s");
    assert!(
        attempts == 1 && why.contains("would pass the deadline"),
        "{why}"
    );
    let (attempts, why) = ended("--max-wait 10ms --attempts 3");
    assert!(attempts == 3 && why.contains("no attempt is left"), "{why}");
}

#[test]
fn exit_codes_of_calls_tell_keys_from_addresses() {
    let simulator = Simulator::named("calm");
    let call = "call --json --policy none --model claude-haiku-4-5";
    let wrong = Home::at(&simulator.url).var("ANTHROPIC_API_KEY", "sk-ant-api03-planted");
    let value = wrong.run(call).exits(4).json();
    assert_eq!(value["calls"][0]["attempts"][0]["verdict"]["cause"], "auth");
    let value = Home::at(&nowhere()).run(call).exits(5).json();
    assert_eq!(
        value["calls"][0]["attempts"][0]["verdict"]["cause"],
        "unreachable"
    );
    assert_eq!(value["totals"]["cost_usd"], 0.0);
    let unknown = Home::at(&simulator.url)
        .run("call --json --model claude-nonsense-1")
        .exits(1);
    assert_eq!(
        unknown.json()["calls"][0]["attempts"][0]["verdict"]["cause"],
        "not_found"
    );
}

#[test]
fn the_log_is_private_and_holds_no_key() {
    let echo = r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key {key}"}}"#;
    let gateway = Gateway::answering(401, echo);
    let home = Home::at(&gateway.url)
        .var("ANTHROPIC_API_KEY", "sk-ant-api03-planted")
        .var("RATETOP_LOG", "trace,hyper=trace,reqwest=trace");
    home.run("call --json").exits(4);
    let logs = home.files("log");
    assert_eq!(logs.len(), 1, "{logs:?}");
    let text = std::fs::read_to_string(&logs[0]).unwrap();
    assert!(!text.is_empty() && !text.contains("planted"), "{text}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(
            (mode(&logs[0]), mode(logs[0].parent().unwrap())),
            (0o600, 0o700)
        );
    }
    home.var("RATETOP_LOG", "loud").run("call").exits(2);
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_wait_at_once_and_says_what_was_done() {
    // Without a hint the policy waits 60 s (the guide's retry-after of absent headers).
    let limited =
        r#"{"type":"error","error":{"type":"rate_limit_error","message":"Rate limited"}}"#;
    let gateway = Gateway::answering(429, limited);
    // Held until the command has ended: its directory goes with it.
    let home = Home::at(&gateway.url);
    let mut child = home
        .command()
        .args([
            "call",
            "--model",
            "claude-haiku-4-5",
            "--policy",
            "retry-after",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let told = lines.find(|line| line.as_ref().unwrap().contains("waits 60 s"));
    assert!(told.is_some());
    let pid = child.id().to_string();
    let sent = std::process::Command::new("kill")
        .args(["-INT", &pid])
        .status();
    assert!(sent.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let last = lines.last().unwrap().unwrap();
    assert!(last.starts_with("cancelled: claude-haiku-4-5"), "{last}");
    assert_eq!(gateway.posts(), 1);
}

#[test]
fn a_policy_is_written_as_code_without_a_key_and_with_its_bounds() {
    let dir = tempfile::tempdir().unwrap();
    let code = |args: &[&str]| {
        let ended = Command::cargo_bin("ratetop")
            .unwrap()
            .env_clear()
            .env("HOME", dir.path())
            .args(["call", "--as-code"])
            .args(args)
            .assert()
            .success();
        String::from_utf8(ended.get_output().stdout.clone()).unwrap()
    };
    assert!(code(&["python"]).contains("ATTEMPTS = 5  #"));
    let bound = ["python", "--policy", "full-jitter", "--attempts", "3"];
    let bound = code(&[&bound[..], &["--deadline", "30s", "--max-wait", "8s"]].concat());
    for said in ["ATTEMPTS = 3  #", "BUDGET = 30  #", "LONGEST = 8  #"] {
        assert!(bound.contains(said), "{bound}");
    }
}

/// Section "stop reasons": a paused turn is sent back and goes on; each attempt is told once.
#[test]
fn a_continued_turn_is_told_attempt_by_attempt() {
    let simulator = Simulator::named("calm");
    let home = Home::at(&simulator.url);
    let args = [
        "call",
        "--model",
        "claude-opus-5-5",
        "--prompt",
        "[stop: pause_turn]",
    ];
    let told = home.run_with(&args, "").exits(0).err;
    for n in [1, 2] {
        let times = told.matches(&format!("attempt {n}: 200")).count();
        assert_eq!(times, 1, "{told}");
    }
    assert!(
        told.contains("\n  pause_turn: continued with its content unchanged"),
        "{told}"
    );
}

#[test]
fn an_admin_key_in_the_place_of_an_api_key_is_named() {
    let simulator = Simulator::named("calm");
    let home = Home::bare()
        .var("ANTHROPIC_BASE_URL", &simulator.url)
        .var("ANTHROPIC_API_KEY", ratetop::sim::speak::ask::ADMIN_KEY);
    let told = home.run("call --max-tokens 5").exits(4).err;
    assert!(
        told.contains("profile env has an Admin key (sk-ant-admin…) as its api_key"),
        "{told}"
    );
    assert!(
        !told.contains(ratetop::sim::speak::ask::ADMIN_KEY),
        "{told}"
    );
}

/// A server that says nothing holds nobody: the first Ctrl-C cancels as soon as it answers, the second leaves.
#[cfg(unix)]
#[test]
fn a_second_ctrl_c_leaves_a_batch_that_nobody_answers() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let home = Home::at(&format!("http://{}", silent.local_addr().unwrap()));
    let server = std::thread::spawn(move || {
        // Whether it is a simulator, models, limits: not. The batch: nothing.
        for socket in silent.incoming() {
            let mut socket = socket.unwrap();
            let mut head = String::new();
            let mut lines = BufReader::new(socket.try_clone().unwrap());
            lines.read_line(&mut head).unwrap();
            if head.starts_with("POST /v1/messages/batches") {
                return socket;
            }
            let none = b"HTTP/1.1 404 X\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
            std::io::Write::write_all(&mut socket, none).unwrap();
        }
        unreachable!("a listener has no end")
    });
    let mut child = home
        .command()
        .args(["call", "--batch", "--model", "claude-haiku-4-5"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let _open = server.join().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut interrupt_until = |said: &str| {
        let pid = child.id().to_string();
        let kill = std::process::Command::new("kill")
            .args(["-INT", &pid])
            .status();
        assert!(kill.unwrap().success());
        let told = lines.find(|line| line.as_ref().unwrap().contains(said));
        assert!(told.is_some(), "{said}");
    };
    interrupt_until("cancelling, as soon as the API answers");
    interrupt_until("left: if the API has the batch");
    assert_eq!(child.wait().unwrap().code(), Some(1));
}
