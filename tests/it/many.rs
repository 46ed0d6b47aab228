//! `ratetop call` with many workers, as a shell sees it.
use crate::cli::{ANSWER, Gateway, Home, Simulator, nowhere, valid, world};
use rstest::rstest;
use serde_json::Value;
use std::{io::Read, process::Stdio, time::Duration};

/// Longer than anything here takes, but for a wait of a minute.
const PATIENCE_MS: u32 = 40_000;

fn totals(value: &Value) -> &Value {
    &value["totals"]
}

#[test]
fn a_run_is_told_whole() {
    let simulator = Simulator::named("calm");
    let home = Home::at(&simulator.url);
    let line = "call --json --workers 4 --calls 12 --model claude-haiku-4-5 --max-tokens 5";
    let value = home.run(line).exits(0).json();
    let sums = totals(&value);
    assert_eq!(
        (&sums["logical"], &sums["wire"], &sums["ok"]),
        (&12.into(), &12.into(), &12.into())
    );
    assert_eq!(sums["amplification"], 1.0);
    assert_eq!(sums["statuses"]["200"], 12);
    assert_eq!(sums["latency"]["call"]["count"], 12);
    assert!(sums["herd_peak"].as_u64().unwrap() >= 4);
    assert_eq!(sums["sentence"], "every call was answered at once");
    assert_eq!(value["run"]["workers"], 4);
    assert_eq!(value["calls"].as_array().unwrap().len(), 12);
    assert!(value["calls"][0]["text"].is_null());

    let text = home.run(&line.replace("--json ", "")).exits(0).out;
    assert!(
        text.starts_with("12 calls to claude-haiku-4-5 by hint-jitter in ")
            && text.contains("12 of 12, 100 %")
            && text.ends_with("every call was answered at once\n"),
        "{text}"
    );
}

/// Section 6 of the API's facts: a `pause_turn` goes on in one more request, which is no retry.
#[test]
fn turns_that_the_server_paused_are_counted_apart_from_retries() {
    let simulator = Simulator::named("calm");
    let home = Home::at(&simulator.url);
    let call = |more: &[&str]| {
        let prompt = "[stop: pause_turn] Look it up.";
        let line = ["call", "--model", "claude-haiku-4-5", "--prompt", prompt];
        home.run_with(&[&line[..], more].concat(), "").exits(0)
    };
    let many = ["--workers", "2", "--calls", "3"];
    let value = valid(&call(&[&many[..], &["--json"]].concat()).out);
    let of = |name: &str| totals(&value)[name].as_u64().unwrap();
    assert_eq!(
        (
            of("logical"),
            of("sent"),
            of("retries"),
            of("continued"),
            of("wire")
        ),
        (3, 3, 0, 3, 6)
    );
    let text = call(&many).out;
    assert!(text.contains("6 requests, 2.00 for each call"), "{text}");
    assert!(
        text.contains("0 retries · 3 paused turns continued"),
        "{text}"
    );
    let one = call(&[]).err;
    assert!(
        one.contains("in 2 wire calls, 1 of them to continue a paused turn"),
        "{one}"
    );
}

#[test]
fn starts_at_a_rate_are_made_on_time_and_a_ramp_starts_fewer() {
    let simulator = Simulator::named("calm");
    let home = Home::at(&simulator.url);
    let run = |ramp: &str| {
        let line = format!(
            "call --json --rate 20/s --duration 2s {ramp} --model claude-haiku-4-5 --max-tokens 5"
        );
        let value = home.run(&line).exits(0).json();
        assert_eq!(value["run"]["rate_per_s"], 20.0);
        let late = &totals(&value)["latency"]["late_start"];
        let made = late["count"].as_u64().unwrap();
        made + totals(&value)["missed_starts"].as_u64().unwrap()
    };
    // A linear ramp to the end starts half as many.
    std::thread::scope(|threads| {
        let steady = threads.spawn(|| run(""));
        assert_eq!(run("--ramp 2s"), 20);
        assert_eq!(steady.join().unwrap(), 40);
    });
}

#[test]
fn a_policy_that_ignores_the_hint_is_told_so() {
    let simulator = Simulator::with(
        "tier = \"none\"\n[[pools]]\nname = \"Haiku 4.5\"\nlimits = { requests_per_minute = 2 }",
    );
    let home = Home::at(&simulator.url);
    let line = "call --json --workers 3 --calls 6 --policy exponential --attempts 2 --model claude-haiku-4-5 --max-tokens 5";
    let value = home.run(line).exits(1).json();
    let sums = totals(&value);
    let early = sums["early_retries"].as_u64().unwrap();
    assert!(early >= 3, "{sums:#}");
    assert_eq!(
        sums["refused"]["requests_per_minute"],
        sums["statuses"]["429"]
    );
    let sentence = sums["sentence"].as_str().unwrap();
    let retries = &sums["retries"];
    assert!(
        sentence.starts_with(&format!(
            "{early} of {retries} retries came before the hint"
        )),
        "{sentence}"
    );
    // Without a retry to spare nobody retries.
    let value = home
        .run(&format!("{line} --retry-budget 0"))
        .exits(1)
        .json();
    assert_eq!(totals(&value)["retries"], 0);
    assert!(totals(&value)["retries_over_budget"].as_u64().unwrap() >= 3);
}

#[rstest]
#[case("--workers 0", "workers must be from 1 to 256")]
#[case("--workers -3", "invalid value")]
#[case("--rate -5 --calls 9", "must be above 0")]
#[case("--rate 5", "calls or a duration must be given")]
#[case("--calls 2000000", "calls must be from 1 to 1000000")]
#[case("--workers 2 --policy hint-jiter", "hint-jitter")]
fn nonsense_is_refused_with_a_reason(#[case] flags: &str, #[case] why: &str) {
    let simulator = Simulator::named("calm");
    let done = Home::at(&simulator.url)
        .run(&format!("call {flags}"))
        .exits(2);
    assert!(done.err.contains(why), "{}", done.err);
}

/// Four requests are there and one comes back each second, for eight calls.
#[test]
fn a_paced_run_avoids_the_refusals_of_the_same_run_without() {
    let run = |flags: &str| {
        let simulator = Simulator::of(world(
            "tier = \"none\"\n[answers]\nfirst_byte_s = [0.2, 0.2]\n\
             [[pools]]\nname = \"Haiku 4.5\"\nlimits = { requests_per_minute = 60 }\n\
             start = { requests_per_minute = 0.067 }",
        ));
        let line = format!(
            "call --json --workers 6 --calls 8 --model claude-haiku-4-5 --max-tokens 5 {flags}"
        );
        Home::at(&simulator.url).run(&line).exits(0).json()
    };
    let [plain, paced, felt] = std::thread::scope(|threads| {
        ["", "--pace", "--pace aimd"]
            .map(|flags| threads.spawn(move || run(flags)))
            .map(|run| run.join().unwrap())
    });
    assert!(plain["run"]["pace"].is_null());
    assert!(
        totals(&plain)["statuses"]["429"].as_u64().unwrap() > 0,
        "{:#}",
        totals(&plain)
    );
    assert_eq!(totals(&paced)["statuses"], serde_json::json!({"200": 8}));
    let waited = &paced["run"]["pace"]["waited"];
    assert!(
        waited["first_answer"]["requests"].as_u64().unwrap() > 0,
        "{waited:#}"
    );
    assert!(
        waited["requests_per_minute"]["waited_s"].as_f64().unwrap() > 0.5,
        "{waited:#}"
    );
    assert_eq!(felt["run"]["pace"]["by"], "aimd");
}

#[test]
fn a_policy_of_the_config_file_is_used_and_a_wrong_one_is_named() {
    let simulator = Simulator::with("[[faults]]\nkind = \"overloaded\"\nshare = 0.4\n");
    let profile = format!(
        "[profiles.p]\nbase_url = \"{}\"\napi_key = {{ env = \"ANTHROPIC_API_KEY\" }}\n",
        simulator.url
    );
    let mine = "[profiles.p.call]\npolicy = \"brisk\"\n[policies.brisk]\nbase = \"100ms\"\nfactor = 1\nattempts = 9\n";
    let home = Home::at(&simulator.url).config(&format!("{profile}{mine}"));
    for flags in ["", "--policy brisk"] {
        let line = format!(
            "call --json --profile p --workers 4 --calls 12 --model claude-haiku-4-5 --max-tokens 5 {flags}"
        );
        let value = home.run(&line).json();
        assert_eq!(value["run"]["policy"], "brisk");
        for call in value["calls"].as_array().unwrap() {
            for attempt in call["attempts"].as_array().unwrap() {
                let wait = attempt["decision"]["wait_s"].as_f64().unwrap_or(0.0);
                assert!((0.0..=0.1).contains(&wait), "{wait}");
            }
        }
    }
    let done = home.run("call --profile p --policy brsk").exits(2);
    assert!(
        done.err.contains("no policy `brsk`; did you mean `brisk`?"),
        "{}",
        done.err
    );
    let code = home.run("call --profile p --as-code python").exits(0).out;
    assert!(code.starts_with("# brisk: never before the hint"), "{code}");
    let typo = home.config(&format!("{profile}[policies.brisk]\nbse = \"100ms\"\n"));
    let done = typo.run("call --profile p").exits(2);
    assert!(
        done.err
            .contains("config.toml:5: unknown key `bse` in [policies.brisk]; did you mean `base`?"),
        "{}",
        done.err
    );
}

#[test]
fn a_prompt_of_40_mb_is_refused() {
    let simulator = Simulator::named("calm");
    let prompt = "x".repeat(40 << 20);
    let args = ["call", "--workers", "2", "--prompt", "-"];
    let done = Home::at(&simulator.url).run_with(&args, &prompt).exits(2);
    assert!(done.err.contains("longer than 32 MB"), "{}", done.err);
}

#[test]
fn exit_codes_of_runs_tell_keys_from_addresses() {
    let simulator = Simulator::named("calm");
    let run = "call --json --workers 2 --calls 4 --policy none --model claude-haiku-4-5";
    let wrong = Home::at(&simulator.url).var("ANTHROPIC_API_KEY", "sk-ant-api03-planted");
    assert_eq!(
        totals(&wrong.run(run).exits(4).json())["refused"]["auth"],
        4
    );
    let value = Home::at(&nowhere()).run(run).exits(5).json();
    assert_eq!(totals(&value)["refused"]["unreachable"], 4);
}

/// Prices of the pricing page for Opus 5.5: 4 and 20 USD per million tokens.
#[test]
fn a_run_that_costs_is_estimated_asked_about_and_never_passes_a_cap() {
    let gateway = Gateway::answering(200, ANSWER);
    let home = Home::at(&gateway.url);
    let run = "call --json --no-stream --workers 3 --model claude-opus-5-5 --max-tokens 100";
    let done = home.run(&format!("{run} --calls 5000")).exits(2);
    assert!(
        done.err.contains("5,000 real calls of claude-opus-5-5")
            && done.err.contains("at most $10.")
            && done.err.contains("add --yes"),
        "{}",
        done.err
    );
    assert_eq!((gateway.posts(), done.out.as_str()), (0, ""));

    // Each call may cost 0.0021 and costs 0.000236. Three are reserved at a time.
    let done = home.run(&format!("{run} --calls 5000 --yes --max-spend 0.01"));
    let done = done.exits(1);
    assert!(
        done.err
            .contains("the session's cap ends the run after $0.01"),
        "{}",
        done.err
    );
    let value = done.json();
    let spent = totals(&value)["cost_usd"].as_f64().unwrap();
    let ledger = home.ledger().unwrap()["usd"].as_f64().unwrap();
    assert!(
        spent <= 0.01 && (spent - ledger).abs() < 1e-9,
        "{spent} and {ledger}"
    );
    assert!(spent > 0.003, "{spent}");
    assert!(
        value["run"]["unsent"]
            .as_str()
            .unwrap()
            .contains("cap of $0.01")
    );
    assert_eq!(totals(&value)["wire"], gateway.posts());

    let before = gateway.posts();
    let value = home
        .run(&format!("{run} --calls 9 --read-only"))
        .exits(1)
        .json();
    assert_eq!(
        (&totals(&value)["wire"], gateway.posts()),
        (&0.into(), before)
    );
    assert!(totals(&value)["unsent"].as_u64().unwrap() >= 1);
}

#[test]
fn an_upstream_that_dies_in_mid_run_ends_each_call_with_its_verdict() {
    // This one takes a hundred connections and is gone.
    let gateway = Gateway::answering(200, ANSWER);
    let home = Home::at(&gateway.url);
    let line = "call --json --no-stream --workers 4 --calls 130 --policy none --model claude-haiku-5-5 --max-tokens 9";
    let value = home.run(line).exits(1).json();
    let sums = totals(&value);
    assert_eq!(sums["logical"], 130);
    let (ok, failed) = (
        sums["ok"].as_u64().unwrap(),
        sums["failed"].as_u64().unwrap(),
    );
    assert!(ok > 80 && failed > 20 && ok + failed == 130, "{sums:#}");
    for call in value["calls"].as_array().unwrap() {
        let cause = &call["attempts"][0]["verdict"]["cause"];
        assert!(cause.is_null() == (call["outcome"] == "ok"), "{call:#}");
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_run_with_the_result_so_far() {
    let refusal = r#"{"type":"error","error":{"type":"rate_limit_error","message":"m"}}"#;
    let gateway = Gateway::answering(429, refusal);
    let home = Home::at(&gateway.url);
    // Refused without a hint, this policy waits a minute.
    let line = "call --json --workers 8 --duration 10m --yes --policy retry-after --model claude-haiku-5-5";
    let mut child = home
        .command()
        .args(line.split(' '))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    for _ in 0..PATIENCE_MS {
        if gateway.posts() == 8 {
            break;
        }
        std::thread::park_timeout(Duration::from_millis(1));
    }
    let pid = child.id().to_string();
    let kill = std::process::Command::new("kill")
        .args(["-INT", &pid])
        .status();
    assert!(kill.unwrap().success());
    let mut out = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut out)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let value = valid(&out);
    assert_eq!(value["run"]["interrupted"], true);
    let sums = totals(&value);
    assert_eq!((&sums["wire"], &sums["cancelled"]), (&8.into(), &8.into()));
    assert_eq!(gateway.posts(), 8);
}
