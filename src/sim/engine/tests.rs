//! Laws of the engine, in virtual time and without sockets.

use super::*;
use crate::{
    domain::time::after,
    sim::speak::{
        ask::{ADMIN_KEY, API_KEY, read},
        script::Ending,
    },
};
use proptest::prelude::*;
use serde_json::Value;

pub(super) fn t() -> Time {
    "2026-11-24T12:00:07Z".parse().unwrap()
}

pub(super) fn world(text: &str) -> Scenario {
    Scenario::parse(&format!("about = \"a test\"\n{text}"), "test.toml")
        .unwrap_or_else(|error| panic!("{error}"))
}

const SMALL: &str = r#"
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

fn ask(method: &str, target: &str, body: &str, key: &str) -> Ask {
    let mut headers = HeaderMap::new();
    headers.insert("x-api-key", key.parse().unwrap());
    headers.insert("anthropic-version", HeaderValue::from_static("2023-06-01"));
    read(&method.parse().unwrap(), target, &headers, body.as_bytes())
}

pub(super) fn message(prompt_tokens: u64, max_tokens: u64, stream: bool) -> Ask {
    let prompt = "x".repeat(((prompt_tokens.max(9) - 8) * 4) as usize);
    let body = format!(
        r#"{{"model":"claude-opus-5-5","max_tokens":{max_tokens},"stream":{stream},"messages":[{{"role":"user","content":"{prompt}"}}]}}"#
    );
    ask("POST", "/v1/messages", &body, API_KEY)
}

fn refused(answered: Answered) -> Answer {
    match answered {
        Answered::Now(answer) => answer,
        Answered::Call(call) => panic!("admitted: {call:?}"),
    }
}

fn admitted(answered: Answered) -> Admitted {
    match answered {
        Answered::Call(call) => *call,
        Answered::Now(answer) => panic!("{}", String::from_utf8_lossy(&answer.body)),
    }
}

fn header<'a>(head: &'a HeaderMap, name: &str) -> &'a str {
    head.get(name)
        .map_or("absent", |value| value.to_str().unwrap())
}

fn get(engine: &mut Engine, target: &str, now: Time) -> (u16, Value) {
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

#[test]
fn a_workspace_limit_below_the_organizations_is_enforced_and_shown() {
    let text = format!(
        "workspace = \"w\"\n{SMALL}\n[[workspaces]]\nname = \"w\"\nid = \"wrkspc_1\"\nlimits.\"Opus 5.5\" = {{ output_tokens_per_minute = 2000, requests_per_minute = 2 }}"
    );
    let mut engine = Engine::new(world(&text), 1, t());
    let mut call = admitted(engine.answer(message(100, 500, true), t()));
    let head = engine.head(&mut call.ticket, t());
    assert_eq!(header(&head, "anthropic-workspace-id"), "wrkspc_1");
    assert_eq!(header(&head, "anthropic-ratelimit-requests-limit"), "2");
    assert_eq!(header(&head, "anthropic-ratelimit-tokens-limit"), "2000");
    admitted(engine.answer(message(100, 500, true), t()));
    let answer = refused(engine.answer(message(100, 500, true), t()));
    assert_eq!(header(&answer.headers, "retry-after"), "30");
}

#[test]
fn spend_caps_have_a_code_and_no_wait_and_own_limits_are_400() {
    for (kind, status, code) in [
        ("tier", 429, "enforced_spend_limit_reached"),
        ("contract", 429, "contract_spend_limit_reached"),
        ("own", 400, ""),
        ("own-workspace", 400, ""),
    ] {
        let text = format!("{SMALL}\n[rules]\nspend = {{ kind = \"{kind}\", left_usd = 0 }}");
        let mut engine = Engine::new(world(&text), 1, t());
        let answer = refused(engine.answer(message(100, 500, true), t()));
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(answer.status, status);
        assert_eq!(
            body["error"]["details"]["error_code"]
                .as_str()
                .unwrap_or_default(),
            code
        );
        assert_eq!(header(&answer.headers, "retry-after"), "absent");
        assert!(
            body["error"]["message"]
                .as_str()
                .unwrap()
                .contains("2026-12-01"),
            "{body}"
        );
    }
}

#[test]
fn growth_steps_at_the_minute_boundary() {
    let text = format!("{SMALL}\n[rules]\nramp = {{ start = 1000, step = 500 }}");
    let mut engine = Engine::new(world(&text), 1, t());
    admitted(engine.answer(message(900, 500, true), t()));
    let answer = refused(engine.answer(message(300, 500, true), t()));
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(
        body["error"]["details"]["error_code"],
        "ramp_limit_exceeded"
    );
    let text = body["error"]["message"].as_str().unwrap();
    assert!(
        text.contains("current limit is 1,000") && text.contains("increase to 1,500"),
        "{text}"
    );
    assert_eq!(
        header(&answer.headers, "retry-after"),
        "53",
        "12:00:07 to 12:01:00"
    );
    admitted(engine.answer(message(1_400, 500, true), after(t(), 53.0)));
}

#[test]
fn concurrency_and_burst_windows() {
    let text = format!("{SMALL}\n[rules]\nconcurrent = 2");
    let mut engine = Engine::new(world(&text), 1, t());
    let first = admitted(engine.answer(message(100, 500, true), t()));
    admitted(engine.answer(message(100, 500, true), t()));
    let answer = refused(engine.answer(message(100, 500, true), t()));
    assert!(String::from_utf8_lossy(&answer.body).contains("concurrent connections"));
    engine.end(first.ticket, t());
    admitted(engine.answer(message(100, 500, true), t()));

    let text = format!("{SMALL}\n[rules]\nburst_window_s = 1.0");
    let mut engine = Engine::new(world(&text), 1, t());
    admitted(engine.answer(message(100, 500, true), t()));
    let answer = refused(engine.answer(message(100, 500, true), t()));
    assert_eq!(header(&answer.headers, "retry-after"), "1");
    assert_eq!(
        header(&answer.headers, "anthropic-ratelimit-requests-remaining"),
        "59"
    );
    admitted(engine.answer(message(100, 500, true), after(t(), 1.0)));
}

#[test]
fn keys_versions_and_paths_are_checked_as_the_api_does() {
    let mut engine = Engine::new(Scenario::named("idle").unwrap(), 1, t());
    let mut status = |method: &str, target: &str, key: &str, version: &str| {
        let mut headers = HeaderMap::new();
        if !key.is_empty() {
            headers.insert("authorization", format!("Bearer {key}").parse().unwrap());
        }
        if !version.is_empty() {
            headers.insert("anthropic-version", version.parse().unwrap());
        }
        let answer =
            refused(engine.answer(read(&method.parse().unwrap(), target, &headers, b"{}"), t()));
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let kind = body["error"]["type"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        (answer.status, kind)
    };
    let is = |status: u16, kind: &str| (status, kind.to_owned());
    assert_eq!(
        status("POST", "/v1/messages", "", "2023-06-01"),
        is(401, "authentication_error")
    );
    assert_eq!(
        status("POST", "/v1/messages", "sk-ant-x", "2023-06-01"),
        is(401, "authentication_error")
    );
    assert_eq!(
        status("POST", "/v1/messages", ADMIN_KEY, "2023-06-01"),
        is(401, "authentication_error")
    );
    assert_eq!(
        status("POST", "/v1/messages", API_KEY, ""),
        is(400, "invalid_request_error")
    );
    assert_eq!(
        status("POST", "/v1/messages", API_KEY, "2026-10-21"),
        is(400, "invalid_request_error")
    );
    assert_eq!(
        status(
            "GET",
            "/v1/organizations/rate_limits",
            API_KEY,
            "2023-06-01"
        ),
        is(403, "permission_error")
    );
    assert_eq!(
        status(
            "GET",
            "/v1/organizations/rate_limits",
            ADMIN_KEY,
            "2026-10-21"
        ),
        is(200, "")
    );
    assert_eq!(
        status("GET", "/v1/nothing", "", ""),
        is(404, "not_found_error")
    );
    assert_eq!(status("HEAD", "/", "", ""), is(200, ""));
    assert_eq!(status("GET", "/_ratetop/simulator", "", ""), is(200, ""));
    assert_eq!(
        status(
            "GET",
            "/v1/models/claude-haiku-4-5-20251001",
            API_KEY,
            "2026-10-21"
        ),
        is(200, "")
    );
    assert_eq!(
        status("GET", "/v1/models/gpt", API_KEY, "2026-10-21"),
        is(404, "not_found_error")
    );
}

/// Section "rate_limits": envelope, pages, filters, shapes.
#[test]
fn rate_limits_page_filter_and_take_shape() {
    let mut engine = Engine::new(Scenario::named("busy-afternoon").unwrap(), 1, t());
    let base = "/v1/organizations/rate_limits";
    let (_, all) = get(&mut engine, base, t());
    let first = &all["data"][0];
    assert_eq!(first["group_type"], "model_group");
    assert_eq!(first["group"]["display_name"], "Claude Opus 5.5");
    assert_eq!(
        first["limits"][1]["type"],
        "input_tokens_per_minute_cache_aware"
    );
    assert_eq!(all["next_page"], Value::Null);
    let (mut page, mut seen) = (String::new(), 0);
    loop {
        let (_, one) = get(&mut engine, &format!("{base}?limit=4{page}"), t());
        seen += one["data"].as_array().unwrap().len();
        match one["next_page"].as_str() {
            Some(next) => page = format!("&page={next}"),
            None => break,
        }
    }
    assert_eq!(seen, all["data"].as_array().unwrap().len());
    let (_, one) = get(
        &mut engine,
        &format!("{base}?model=claude-sonnet-4-5-20250929"),
        t(),
    );
    assert_eq!(one["data"].as_array().unwrap().len(), 1);
    assert_eq!(get(&mut engine, &format!("{base}?model=gpt"), t()).0, 404);
    assert_eq!(get(&mut engine, &format!("{base}?page=zzz"), t()).0, 400);
    assert_eq!(get(&mut engine, &format!("{base}?limit=0"), t()).0, 400);
    let (_, batch) = get(&mut engine, &format!("{base}?group_type=batch"), t());
    assert_eq!(batch["data"][0]["models"], Value::Null);
    assert_eq!(
        get(&mut engine, &format!("{base}?group_type=teapot"), t()).0,
        400
    );
}

#[test]
fn workspaces_list_their_overrides_and_what_they_inherit() {
    let mut engine = Engine::new(Scenario::named("busy-afternoon").unwrap(), 1, t());
    let base = "/v1/organizations/workspaces";
    let (_, list) = get(&mut engine, &format!("{base}?limit=2"), t());
    assert_eq!(list["has_more"], true);
    let after_id = list["last_id"].as_str().unwrap();
    let (_, rest) = get(
        &mut engine,
        &format!("{base}?limit=2&after_id={after_id}"),
        t(),
    );
    assert_eq!(
        (
            rest["has_more"].as_bool(),
            rest["data"].as_array().unwrap().len()
        ),
        (Some(false), 1)
    );
    let (_, with) = get(&mut engine, &format!("{base}?include_default=true"), t());
    assert_eq!(with["data"].as_array().unwrap().len(), 4);
    let research = format!("{base}/wrkspc_01SimResearchxB3d/rate_limits");
    let (_, own) = get(&mut engine, &research, t());
    assert_eq!(own["data"].as_array().unwrap().len(), 2);
    let limit = &own["data"][0]["limits"][0];
    assert_eq!(
        (limit["value"].as_u64(), limit["org_limit"].as_u64()),
        (Some(500), Some(5000))
    );
    assert_eq!(limit["source"]["type"], "workspace");
    let (_, all) = get(
        &mut engine,
        &format!("{research}?include_inherited=true"),
        t(),
    );
    assert!(all["data"].as_array().unwrap().len() > 10);
    assert_eq!(
        all["data"][1]["limits"][0]["source"]["type"],
        "organization"
    );
    assert_eq!(
        get(
            &mut engine,
            &format!("{base}/wrkspc_nobody/rate_limits"),
            t()
        )
        .0,
        404
    );
}

#[test]
fn usage_appears_five_minutes_late() {
    let mut engine = Engine::new(world(SMALL), 1, t());
    let call = admitted(engine.answer(message(1_000, 50, true), t()));
    engine.end(call.ticket, after(t(), 2.0));
    let target = "/v1/organizations/usage_report/messages?starting_at=2026-11-24T12:00:00Z&bucket_width=1m&group_by[]=model";
    let (_, early) = get(&mut engine, target, after(t(), 200.0));
    assert_eq!(early["data"].as_array().unwrap().len(), 0);
    let (_, late) = get(&mut engine, target, after(t(), 400.0));
    let row = &late["data"][0]["results"][0];
    assert_eq!(row["model"], "claude-opus-5-5");
    assert_eq!(
        (
            row["uncached_input_tokens"].as_u64(),
            row["output_tokens"].as_u64()
        ),
        (Some(1000), Some(50))
    );
}

#[test]
fn each_fault_is_what_it_says() {
    let world_with = |kind: &str| {
        world(&format!(
            "{SMALL}\n[[faults]]\nkind = \"{kind}\"\nshare = 1.0\nafter_tokens = 3\nwait_s = 2.0"
        ))
    };
    for (kind, status) in [
        ("overloaded", 529),
        ("server-error", 500),
        ("timeout", 504),
        ("conflict", 409),
        ("opaque", 429),
    ] {
        let mut engine = Engine::new(world_with(kind), 1, t());
        let answer = refused(engine.answer(message(100, 500, true), t()));
        assert_eq!(answer.status, status);
        assert_eq!(header(&answer.headers, "retry-after"), "absent");
        assert_eq!(
            header(&answer.headers, "anthropic-ratelimit-requests-limit"),
            "absent"
        );
    }
    for (kind, ending) in [
        ("stream-error", Ending::Error("overloaded_error".into(), 3)),
        ("cut", Ending::Cut(3)),
        ("truncated", Ending::Truncated(3)),
    ] {
        let mut engine = Engine::new(world_with(kind), 1, t());
        assert_eq!(
            admitted(engine.answer(message(100, 500, true), t()))
                .reply
                .ending,
            ending
        );
    }
    for (kind, stop) in [
        ("pause-turn", "pause_turn"),
        ("refusal", "refusal"),
        ("slow", "end_turn"),
    ] {
        let mut engine = Engine::new(world_with(kind), 1, t());
        let call = admitted(engine.answer(message(100, 500, true), t()));
        assert_eq!(call.reply.stop_reason, stop);
        assert_eq!(call.wait_s > 2.0, kind == "slow");
    }
}

proptest! {
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
