//! Laws of the engine, in virtual time and without sockets.

mod answers;
mod batches;
mod gates;
mod look_ups;
mod overrides;

use super::*;
use crate::{
    domain::time::after,
    sim::speak::{
        ask::{ADMIN_KEY, API_KEY, read},
        reply::Ending,
    },
};
use proptest::prelude::*;
use serde_json::Value;

pub(in crate::sim::engine) fn t() -> Time {
    "2026-11-24T12:00:07Z".parse().unwrap()
}

pub(in crate::sim::engine) fn world(text: &str) -> Scenario {
    Scenario::parse(&format!("about = \"a test\"\n{text}"), "test.toml")
        .unwrap_or_else(|error| panic!("{error}"))
}

pub(in crate::sim::engine) const SMALL: &str = r#"
tier = "none"
[answers]
tokens = [50, 50]
first_byte_s = [1, 1]
tokens_per_s = [50, 50]
estimate = 1.0
[[pools]]
name = "Opus 5.5"
limits = { requests_per_minute = 60, input_tokens_per_minute_cache_aware = 30000, output_tokens_per_minute = 8000 }
"#;

pub(in crate::sim::engine) fn ask(method: &str, target: &str, body: &str, key: &str) -> Ask {
    let mut headers = HeaderMap::new();
    headers.insert("x-api-key", key.parse().unwrap());
    headers.insert("anthropic-version", HeaderValue::from_static("2023-06-01"));
    read(&method.parse().unwrap(), target, &headers, body.as_bytes())
}

pub(in crate::sim::engine) fn message(prompt_tokens: u64, max_tokens: u64, stream: bool) -> Ask {
    let prompt = "x".repeat(((prompt_tokens.max(9) - 8) * 4) as usize);
    let body = format!(
        r#"{{"model":"claude-opus-5-5","max_tokens":{max_tokens},"stream":{stream},"messages":[{{"role":"user","content":"{prompt}"}}]}}"#
    );
    ask("POST", "/v1/messages", &body, API_KEY)
}

pub(in crate::sim::engine) fn refused(answered: Answered) -> Answer {
    match answered {
        Answered::Now(answer) => answer,
        Answered::Call(call) => panic!("admitted: {call:?}"),
    }
}

pub(in crate::sim::engine) fn admitted(answered: Answered) -> Admitted {
    match answered {
        Answered::Call(call) => *call,
        Answered::Now(answer) => panic!("{}", String::from_utf8_lossy(&answer.body)),
    }
}

pub(in crate::sim::engine) fn header<'a>(head: &'a HeaderMap, name: &str) -> &'a str {
    head.get(name)
        .map_or("absent", |value| value.to_str().unwrap())
}

pub(in crate::sim::engine) fn get(engine: &mut Engine, target: &str, now: Time) -> (u16, Value) {
    let answer = refused(engine.answer(ask("GET", target, "", ADMIN_KEY), now));
    (answer.status, serde_json::from_slice(&answer.body).unwrap())
}

/// Section "documented set": names, rounding, whole seconds, time to full.
#[test]
fn a_head_shows_every_family_as_documented() {
    let mut engine = Engine::new(world(SMALL), 1, t());
    let mut call = admitted(engine.answer(message(2_700, 500, true), t()));
    let head = engine.head(&mut call.ticket, after(t(), 1.0));
    assert_eq!(header(&head, "anthropic-ratelimit-requests-limit"), "60");
    assert_eq!(
        header(&head, "anthropic-ratelimit-requests-remaining"),
        "60"
    );
    assert_eq!(
        header(&head, "anthropic-ratelimit-input-tokens-limit"),
        "30000"
    );
    // 2,700 drawn, 500 refilled in a second: 27,800 is shown to the nearest 1,000.
    assert_eq!(
        header(&head, "anthropic-ratelimit-input-tokens-remaining"),
        "28000"
    );
    // 2,200 missing of 30,000 is 4.4 s to full, from the unrounded level, in whole seconds.
    assert_eq!(
        header(&head, "anthropic-ratelimit-input-tokens-reset"),
        "2026-11-24T12:00:12Z"
    );
    assert_eq!(header(&head, "anthropic-ratelimit-tokens-limit"), "38000");
    assert_eq!(
        header(&head, "anthropic-ratelimit-output-tokens-remaining"),
        "8000"
    );
    assert_eq!(
        header(&head, "anthropic-organization-id"),
        "5f0c0a52-7e1d-4c58-9b0e-2d6a4f1c8e90"
    );
    assert_eq!(header(&head, "date"), "Tue, 24 Nov 2026 12:00:08 GMT");
    assert!(header(&head, "request-id").starts_with("req_011C"));
    assert_eq!(header(&head, "anthropic-workspace-id"), "absent");
}

#[test]
fn a_refusal_names_its_limit_and_its_wait_and_after_it_the_call_is_admitted() {
    let mut engine = Engine::new(world(SMALL), 1, t());
    let first = admitted(engine.answer(message(29_000, 500, true), t()));
    engine.end(first.ticket, t());
    let answer = refused(engine.answer(message(5_000, 500, true), t()));
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(answer.status, 429);
    assert_eq!(body["error"]["type"], "rate_limit_error");
    assert_eq!(body["error"]["details"], Value::Null);
    let message_text = body["error"]["message"].as_str().unwrap();
    assert!(
        message_text.contains("rate limit of 30,000 input tokens per minute (org: 5f0c0a52"),
        "{message_text}"
    );
    assert!(
        message_text.contains("model: claude-opus-5-5)"),
        "{message_text}"
    );
    assert_eq!(body["request_id"], header(&answer.headers, "request-id"));
    // 4,000 missing at 500 a second.
    assert_eq!(header(&answer.headers, "retry-after"), "8");
    assert_eq!(
        header(
            &answer.headers,
            "anthropic-ratelimit-input-tokens-remaining"
        ),
        "1000"
    );
    assert_eq!(
        refused(engine.answer(message(5_000, 500, true), after(t(), 7.0))).status,
        429
    );
    admitted(engine.answer(message(5_000, 500, true), after(t(), 8.0)));
}

#[test]
fn output_drains_as_it_streams_and_stops_when_the_caller_leaves() {
    let mut engine = Engine::new(world(SMALL), 1, t());
    let level = |engine: &mut Engine, s: f64| {
        engine
            .level("claude-opus-5-5", "output_tokens_per_minute", after(t(), s))
            .unwrap()
    };
    // 8,000/min refill is faster than 50 tokens/s: the level only stays full. Slow the refill down.
    engine.pools[0].limits.iter_mut().for_each(|limit| {
        if limit.dimension == Dimension::Otpm {
            *limit = Limit::new("output_tokens_per_minute", 1_200, false, 1.0, t());
        }
    });
    let call = admitted(engine.answer(message(100, 500, true), t()));
    assert!((level(&mut engine, 1.0) - 1200.0).abs() < 0.01);
    assert!(
        (level(&mut engine, 1.5) - 1185.0).abs() < 0.01,
        "50 out, 20 back, for half a second"
    );
    engine.end(call.ticket, after(t(), 1.5));
    assert!((level(&mut engine, 2.0) - 1195.0).abs() < 0.01);
    assert!((level(&mut engine, 9.0) - 1200.0).abs() < 0.01);
}

#[test]
fn estimates_are_trued_up_at_the_head_and_cache_reads_do_not_count() {
    let text = SMALL.replace("estimate = 1.0", "estimate = 1.5\ncache_share = 0.5");
    let mut engine = Engine::new(world(&text), 1, t());
    let level = |engine: &mut Engine, s: f64| {
        engine
            .level(
                "claude-opus-5-5",
                "input_tokens_per_minute_cache_aware",
                after(t(), s),
            )
            .unwrap()
    };
    let call = admitted(engine.answer(message(8_000, 500, true), t()));
    assert_eq!(
        (
            call.reply.usage.input_tokens,
            call.reply.usage.cache_read_input_tokens
        ),
        (4_000, 4_000)
    );
    assert!((level(&mut engine, 0.0) - 24_000.0).abs() < 0.1);
    assert!(
        (level(&mut engine, 1.0) - 26_500.0).abs() < 0.1,
        "6,000 charged, 2,000 given back"
    );
}

#[test]
fn a_breakpoint_writes_first_and_reads_later_until_it_expires() {
    let mut engine = Engine::new(world(SMALL), 1, t());
    let prompt = "word ".repeat(2_000);
    let body = format!(
        r#"{{"model":"claude-opus-5-5","max_tokens":9,"system":[{{"type":"text","text":"{prompt}","cache_control":{{"type":"ephemeral"}}}}],"messages":[{{"role":"user","content":"hi"}}]}}"#
    );
    let mut usage = |s: f64| {
        let call =
            admitted(engine.answer(ask("POST", "/v1/messages", &body, API_KEY), after(t(), s)));
        engine.end(call.ticket, after(t(), s));
        (
            call.reply.usage.cache_creation_input_tokens,
            call.reply.usage.cache_read_input_tokens,
        )
    };
    assert_eq!(usage(0.0), (2_500, 0));
    assert_eq!(usage(10.0), (0, 2_500));
    assert_eq!(usage(320.0), (2_500, 0));
}

#[test]
fn same_seed_same_answers_whatever_the_time() {
    let run = |seed: u64, pace: f64| {
        let mut engine = Engine::new(Scenario::named("mid-stream").unwrap(), seed, t());
        (0..60)
            .map(|n| {
                let now = after(t(), f64::from(n) * pace);
                match engine.answer(message(50, 300, true), now) {
                    Answered::Now(answer) => format!(
                        "{} {}",
                        answer.status,
                        header(&answer.headers, "request-id")
                    ),
                    Answered::Call(mut call) => {
                        let head = engine.head(&mut call.ticket, now);
                        engine.end(call.ticket, now);
                        format!("{} {:?}", header(&head, "request-id"), call.reply)
                    }
                }
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(run(7, 1.0), run(7, 3.3));
    assert_ne!(run(7, 1.0), run(8, 1.0));
}

/// Section "semantics": fast mode has pools of its own; the standard ones are left alone.
#[test]
fn fast_calls_draw_from_the_fast_pool_and_show_its_family() {
    let text = SMALL.replace(
        "output_tokens_per_minute = 8000",
        "output_tokens_per_minute = 8000, fast_itpmca = 5000, fast_otpm = 2000",
    );
    let mut engine = Engine::new(world(&text), 1, t());
    let body = r#"{"model":"claude-opus-5-5","max_tokens":50,"speed":"fast","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
    let mut call = admitted(engine.answer(ask("POST", "/v1/messages", body, API_KEY), t()));
    let head = engine.head(&mut call.ticket, t());
    assert_eq!(header(&head, "anthropic-fast-input-tokens-limit"), "5000");
    assert_eq!(
        header(&head, "anthropic-fast-output-tokens-remaining"),
        "2000"
    );
    assert_eq!(
        header(&head, "anthropic-ratelimit-requests-remaining"),
        "59"
    );
    assert!(call.reply.fast);
    let level =
        |engine: &mut Engine, limiter| engine.level("claude-opus-5-5", limiter, t()).unwrap();
    assert!(level(&mut engine, "fast_itpmca") < 5_000.0);
    assert!(level(&mut engine, "input_tokens_per_minute_cache_aware") >= 30_000.0);
    let mut call = admitted(engine.answer(message(100, 50, true), t()));
    let head = engine.head(&mut call.ticket, t());
    assert_eq!(header(&head, "anthropic-fast-input-tokens-limit"), "absent");
}

/// Section "response headers": seen on a capture, where `requests-reset` was before the `date`.
#[test]
fn levels_may_be_those_of_the_admission() {
    let text = format!("{SMALL}\n[headers]\nlevels_as_of = \"admission\"");
    let mut engine = Engine::new(world(&text), 1, t());
    let mut call = admitted(engine.answer(message(2_700, 500, false), t()));
    let head = engine.head(&mut call.ticket, after(t(), 9.0));
    assert_eq!(header(&head, "date"), "Tue, 24 Nov 2026 12:00:16 GMT");
    assert_eq!(
        header(&head, "anthropic-ratelimit-requests-reset"),
        "2026-11-24T12:00:08Z"
    );
    assert_eq!(
        header(&head, "anthropic-ratelimit-requests-remaining"),
        "59"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Levels never exceed the capacity, and whoever waits as told is admitted if nobody else draws.
    #[test]
    fn levels_stay_below_capacity_and_waits_are_honest(
        calls in prop::collection::vec((0.0..8.0_f64, 10_u64..20_000, 1_u64..200), 1..60),
        seed in 0_u64..1000,
    ) {
        let mut engine = Engine::new(world(SMALL), seed, t());
        let mut now = t();
        for (wait, input, output) in calls {
            now = after(now, wait);
            match engine.answer(message(input, output, true), now) {
                Answered::Call(call) => engine.end(call.ticket, now),
                Answered::Now(answer) => {
                    prop_assert_eq!(answer.status, 429);
                    let wait: f64 = header(&answer.headers, "retry-after").parse().unwrap();
                    now = after(now, wait);
                    let call = admitted(engine.answer(message(input, output, true), now));
                    engine.end(call.ticket, now);
                }
            }
            for (limiter, capacity) in [("requests_per_minute", 60.0), ("input_tokens_per_minute_cache_aware", 30_000.0), ("output_tokens_per_minute", 8_000.0)] {
                prop_assert!(engine.level("claude-opus-5-5", limiter, now).unwrap() <= capacity);
            }
        }
    }
}
