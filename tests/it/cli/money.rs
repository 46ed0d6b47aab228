//! What is spent, what is not, and that keys stay here.

use super::home::{Gateway, Home};

pub const ANSWER: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-opus-5-5","content":[{"type":"text","text":"Hello, {key}!"}],"stop_reason":"end_turn","usage":{"input_tokens":14,"output_tokens":9}}"#;

#[test]
fn a_gateway_costs_and_the_day_is_counted_over_restarts() {
    let gateway = Gateway::answering(200, ANSWER);
    let home = Home::at(&gateway.url);
    let call = "call --json --no-stream --model claude-opus-5-5";
    let value = home.run(call).exits(0).json();
    // Prices of section 10: 4 and 20 USD per million.
    let cost = 14.0 * 4e-6 + 9.0 * 20e-6;
    assert!((value["totals"]["cost_usd"].as_f64().unwrap() - cost).abs() < 1e-9);
    home.run(call).exits(0);
    let spent = home.ledger().unwrap()["usd"].as_f64().unwrap();
    assert!((spent - 2.0 * cost).abs() < 1e-9, "{spent}");
    // A key that an answer repeats is blanked.
    assert_eq!(value["calls"][0]["text"], "Hello, (a key)!");
    assert_eq!(gateway.posts(), 2);
}

#[test]
fn nothing_is_sent_against_read_only_or_a_cap() {
    let gateway = Gateway::answering(200, ANSWER);
    let home = Home::at(&gateway.url);
    let done = home
        .run("call --json --model claude-opus-5-5 --read-only")
        .exits(1);
    assert!(
        done.err.contains("read-only: nothing that costs is sent"),
        "{}",
        done.err
    );
    assert_eq!(done.json()["totals"]["wire"], 0);
    let done = home
        .run("call --model claude-opus-5-5 --max-spend 0.000001")
        .exits(1);
    assert!(done.err.contains("cap of"), "{}", done.err);
    let done = home.run("call --model a-model-without-a-price").exits(1);
    assert!(
        done.err.contains("price of this model is not known"),
        "{}",
        done.err
    );
    let done = home.run("status --read-only --probe claude-opus-5-5");
    assert!(
        done.err.contains("probe of claude-opus-5-5: read-only"),
        "{}",
        done.err
    );
    assert_eq!(gateway.posts(), 0);
}

#[test]
fn a_key_that_a_server_repeats_is_not_printed() {
    let echo = r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key {key}"}}"#;
    let gateway = Gateway::answering(401, echo);
    let home = Home::at(&gateway.url).var("ANTHROPIC_API_KEY", "sk-ant-api03-planted");
    for line in [
        "call --json",
        "call",
        "call --no-stream",
        "status --probe claude-opus-5-5",
        "status --json --probe claude-opus-5-5",
    ] {
        let done = home.run(line).exits(4);
        assert!(
            (done.out + &done.err).contains("invalid x-api-key (the key)"),
            "{line}"
        );
    }
}
