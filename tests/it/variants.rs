//! `ratetop call` with a cache, over several models, beside another run: as a shell sees it.
use crate::cli::{Home, Simulator};
use rstest::rstest;
use serde_json::Value;

fn home(scenario: &str) -> (Simulator, Home) {
    let simulator = Simulator::with(scenario);
    let home = Home::at(&simulator.url);
    (simulator, home)
}

fn number(value: &Value) -> u64 {
    value
        .as_u64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

/// Prompt-caching page: the first call writes, those within five minutes read; rate-limits page: reads
/// do not count towards ITPM.
#[rstest]
#[case("5m")]
#[case("1h")]
fn a_cached_prompt_is_written_once_and_then_read(#[case] lifetime: &str) {
    let (_simulator, home) = home("tier = \"scale\"");
    let line = format!(
        "call --json --cache {lifetime} --calls 4 --workers 1 --model claude-haiku-4-5 --max-tokens 5"
    );
    let value = home.run(&line).exits(0).json();
    let all = &value["totals"]["cache"];
    let written = number(&all["written_tokens"]);
    assert_eq!(all["lifetime"], lifetime);
    assert_eq!(
        (&all["system_tokens"], &all["minimum_tokens"]),
        (&8_192.into(), &4_096.into())
    );
    assert_eq!(number(&all["read_tokens"]), 3 * written, "{all:#}");
    // By its lifetime, as the answers said.
    let split = &value["totals"]["usage"]["cache_creation"];
    let other = if lifetime == "5m" { "1h" } else { "5m" };
    let kept = |lifetime: &str| number(&split[format!("ephemeral_{lifetime}_input_tokens")]);
    assert_eq!((kept(lifetime), kept(other)), (written, 0), "{split:#}");
    let counted = number(&all["uncached_tokens"]) + written;
    assert_eq!(number(&all["itpm_tokens"]), counted);
    let times = all["multiplier"].as_f64().unwrap();
    let expected = (counted + 3 * written) as f64 / counted as f64;
    assert!(
        (times - expected).abs() < 0.001 && times > 3.5,
        "{times} {expected}"
    );
    assert!(all["why_not"].is_null());
    // Call by call: the one that wrote comes first.
    let calls = value["calls"].as_array().unwrap();
    let of = |n: usize, what: &str| number(&calls[n]["cache"][what]);
    assert_eq!(
        (of(0, "written_tokens"), of(0, "read_tokens")),
        (written, 0)
    );
    for n in 1..4 {
        assert_eq!(
            (of(n, "written_tokens"), of(n, "read_tokens")),
            (0, written)
        );
    }
    let text = home.run(&line.replace("--json ", "")).exits(0).out;
    assert!(text.contains("count towards ITPM"), "{text}");
}

#[test]
fn a_prompt_below_the_minimum_is_explained() {
    let (_simulator, home) = home("tier = \"scale\"");
    let line = "call --cache 5m --cache-tokens 600 --model claude-haiku-4-5 --max-tokens 5 --json";
    let value = home.run(line).exits(0).json();
    let cache = &value["calls"][0]["cache"];
    assert_eq!(
        (&cache["written_tokens"], &cache["read_tokens"]),
        (&0.into(), &0.into())
    );
    let why = cache["why_not"].as_str().unwrap();
    assert!(
        why.contains("about 600 tokens are below claude-haiku-4-5's minimum of 4,096"),
        "{why}"
    );
    let plain = home
        .run("call --json --model claude-haiku-4-5 --max-tokens 5")
        .exits(0);
    assert!(plain.json()["calls"][0]["cache"].is_null());
    for wrong in [
        "--cache 9m",
        "--cache-tokens 5",
        "--cache 5m --cache-tokens 0",
    ] {
        home.run(&format!("call {wrong}")).exits(2);
    }
}

#[test]
fn calls_are_spread_by_shares_and_told_model_by_model() {
    let (_simulator, home) = home("tier = \"scale\"");
    let line = "call --json --spread claude-opus-5-5=3,claude-haiku-4-5=1 --calls 12 --workers 2 --max-tokens 5";
    let value = home.run(line).exits(0).json();
    assert_eq!(value["run"]["spread"]["by"], "share");
    let models = value["models"].as_array().unwrap();
    let of = |n: usize| number(&models[n]["totals"]["logical"]);
    assert_eq!(models[0]["model"], "claude-opus-5-5");
    assert!(
        models[0]["pool"].as_str().unwrap().contains("Opus 5.5"),
        "{models:#?}"
    );
    assert_eq!((of(0), of(1)), (9, 3));
    let asked = value["calls"].as_array().unwrap().iter();
    assert_eq!(
        asked
            .filter(|call| call["model"] == "claude-haiku-4-5")
            .count(),
        3
    );
    let text = home.run(&line.replace("--json ", "")).exits(0).out;
    assert!(
        text.contains("claude-haiku-4-5") && text.contains("claude-opus-5-5"),
        "{text}"
    );
    for wrong in [
        "--spread claude-opus-5-5",
        "--spread a=1,b=2",
        "--calls 2 --spread a,b --model c",
        "--calls 2 --spread a,a",
    ] {
        home.run(&format!("call {wrong}")).exits(2);
    }
}

/// One pool has five times the room of the other, so it takes most of the calls, and nothing is refused
/// before both are empty.
#[test]
fn calls_go_where_most_is_left() {
    let (_simulator, home) = home(
        "tier = \"none\"\n\
         [[pools]]\nname = \"Opus 5.5\"\nlimits = { requests_per_minute = 50 }\n\
         [[pools]]\nname = \"Haiku 4.5\"\nlimits = { requests_per_minute = 10 }",
    );
    let line = "call --json --spread headroom:claude-opus-5-5,claude-haiku-4-5 --calls 50 --workers 1 --max-tokens 5 --policy none";
    let value = home.run(line).exits(0).json();
    let models = value["models"].as_array().unwrap();
    let sent = |n: usize| number(&models[n]["totals"]["logical"]);
    assert_eq!(sent(0) + sent(1), 50);
    assert!(
        sent(0) > 4 * sent(1) && sent(1) >= 5,
        "{} and {}",
        sent(0),
        sent(1)
    );
    assert_eq!(value["totals"]["statuses"]["429"], Value::Null);
}

/// The same run without pacing and with it: the question is how many 429s it had without.
#[test]
fn a_paced_run_is_told_beside_the_same_run_without() {
    let (_simulator, home) = home(
        "tier = \"none\"\n[[pools]]\nname = \"Haiku 4.5\"\nlimits = { requests_per_minute = 600 }\n\
         [rules]\nburst_window_s = 1.0",
    );
    let line =
        "call --json --workers 20 --calls 25 --policy none --model claude-haiku-4-5 --max-tokens 5";
    let before = home.run(line);
    let before = before.json();
    let file = home.dir.path().join("run.json");
    std::fs::write(&file, before.to_string()).unwrap();
    let kept = home
        .run(&format!("{line} --compare={}", file.display()))
        .json();
    let told = &kept["comparison"];
    assert_eq!(
        told["before"]["refused_429"],
        before["totals"]["statuses"]["429"]
    );
    assert_eq!(told["before"]["name"], "the kept run (none, not paced)");
    assert_eq!(told["after"]["wire"], 25);
    let twice = home.run(&format!("{line} --pace --compare")).json();
    let told = &twice["comparison"];
    assert!(number(&told["before"]["refused_429"]) >= 5, "{told:#}");
    assert_eq!(
        told["avoided_429s"].as_i64().unwrap(),
        told["before"]["refused_429"].as_i64().unwrap()
            - told["after"]["refused_429"].as_i64().unwrap()
    );
    assert!(
        told["sentence"]
            .as_str()
            .unwrap()
            .starts_with("without pacing: ")
    );
    for wrong in [
        "--calls 5 --compare",
        "--compare --pace",
        "--calls 5 --compare=/nonexistent/run.json",
    ] {
        home.run(&format!("call {wrong} --model claude-haiku-4-5"))
            .exits(2);
    }
}

const BATCHES: &str = "tier = \"build\"\n[answers]\ntokens = [20, 40]\n\
                       [batches]\ntakes_s = [600, 600]\nclock = 600\n\
                       [[pools]]\nname = \"batch\"\nlimits = { enqueued_batch_requests = 5 }";

/// The same work as a batch: answered whole, from the batch group's own limits, at half price.
#[test]
fn a_batch_is_submitted_watched_and_counted() {
    let (_simulator, home) = home(BATCHES);
    let line = "call --batch --calls 5 --model claude-haiku-4-5 --max-tokens 50 --json";
    let value = home.run(line).exits(0).json();
    assert_eq!(value["schema"], "ratetop.batch/1");
    assert_eq!(
        (&value["batch"]["state"], &value["batch"]["succeeded"]),
        (&"ended".into(), &5.into())
    );
    let results = &value["results"];
    assert_eq!(
        (&results["lines"], &results["succeeded"]),
        (&5.into(), &5.into())
    );
    let output = number(&results["usage"]["output_tokens"]);
    assert!(
        (100..=200).contains(&output),
        "five answers of 20 to 40 tokens: {output}"
    );
    // Created, looked at at least once, its results read.
    assert!(number(&value["own_requests"]) >= 3 && value["own_429s"] == 0);
    assert_eq!(value["pool"]["queue"], 5);
    let text = home.run(&line.replace(" --json", "")).exits(0).out;
    assert!(
        text.contains("ended: 5 of 5 done") && text.contains("free: simulator"),
        "{text}"
    );
}

#[test]
fn a_batch_that_cannot_be_is_told_with_its_verdict() {
    let (_simulator, home) = home(BATCHES);
    let call = |flags: &str| {
        home.run(&format!(
            "call --batch --json --max-tokens 5 --policy none {flags}"
        ))
    };
    // The queue holds five.
    let value = call("--calls 6 --model claude-haiku-4-5").exits(1).json();
    assert!(value["batch"].is_null() && value["results"].is_null());
    assert_eq!(
        (&value["own_429s"], &value["verdict"]["status"]),
        (&1.into(), &429.into())
    );
    // What is wrong with a request shows in its result.
    let value = call("--calls 2 --model claude-none").exits(1).json();
    assert_eq!(value["batch"]["errored"], 2);
    assert_eq!(value["results"]["errored"]["not_found_error"], 2);
    for wrong in [
        "--workers 2",
        "--rate 5",
        "--pace",
        "--spread a,b",
        "--stream",
    ] {
        home.run(&format!("call --batch {wrong} --calls 2"))
            .exits(2);
    }
    call("--calls 100001 --model m").exits(2);
}
