//! Each world shows its point within ten seconds of ordinary calls. Virtual time, no sockets.

use super::{
    engine::{Admitted, Answered, Engine},
    scenario::Scenario,
    speak::{
        ask::{API_KEY, read},
        reply::Ending,
    },
    traffic::Traffic,
};
use crate::domain::{
    call::CallOrder,
    time::{Time, after, seconds_between},
};
use http::{HeaderMap, HeaderValue, Method};
use serde_json::{Value, json};

fn t() -> Time {
    "2026-11-24T12:00:03Z".parse().unwrap()
}

/// One call of a make-believe client, as it was answered at first.
struct Seen {
    at_s: f64,
    order: CallOrder,
    status: u16,
    headers: HeaderMap,
    error: Value,
    reply: Option<super::speak::reply::Reply>,
}

impl Seen {
    fn code(&self) -> &str {
        self.error["error"]["details"]["error_code"]
            .as_str()
            .unwrap_or_default()
    }

    fn says(&self, part: &str) -> bool {
        self.error["error"]["message"]
            .as_str()
            .unwrap_or_default()
            .contains(part)
    }
}

fn ask(order: &CallOrder) -> super::speak::ask::Ask {
    let mut headers = HeaderMap::new();
    headers.insert("x-api-key", HeaderValue::from_static(API_KEY));
    headers.insert("anthropic-version", HeaderValue::from_static("2026-10-21"));
    let body = json!({
        "model": order.model.as_str(),
        "max_tokens": order.max_tokens,
        "stream": order.stream,
        "messages": [{ "role": "user", "content": order.prompt }],
    });
    read(
        &Method::POST,
        "/v1/messages",
        &headers,
        body.to_string().as_bytes(),
    )
}

/// When a call that was admitted at `at` is over.
fn over(call: &Admitted, at: Time) -> Time {
    let said = match call.reply.ending {
        Ending::Normal => call.reply.usage.output_tokens,
        Ending::Error(_, after) | Ending::Cut(after) | Ending::Truncated(after) => after,
    };
    let telling = if call.stream && call.reply.tokens_per_s > 0.0 {
        said as f64 / call.reply.tokens_per_s
    } else {
        0.0
    };
    after(at, call.wait_s + telling)
}

/// Lets the clients of a world call for so many seconds, without retries.
fn live(name: &str, seconds: f64) -> (Engine, Vec<Seen>, Time) {
    let world = Scenario::named(name).unwrap();
    let mut traffic = Traffic::new(&world, 1, t());
    let mut engine = Engine::new(world, 1, t());
    let end = after(t(), seconds);
    let mut seen = Vec::new();
    let mut running: Vec<(Time, Admitted)> = Vec::new();
    while let Some(due) = traffic.next_due().filter(|due| *due <= end) {
        running.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        while running.last().is_some_and(|(at, _)| *at <= due) {
            let (at, call) = running.pop().unwrap();
            engine.end(call.ticket, at);
        }
        for order in traffic.take(due) {
            let at_s = seconds_between(t(), due);
            match engine.answer(ask(&order), due) {
                Answered::Now(answer) => seen.push(Seen {
                    at_s,
                    order,
                    status: answer.status,
                    headers: answer.headers,
                    error: serde_json::from_slice(&answer.body).unwrap(),
                    reply: None,
                }),
                Answered::Call(mut call) => {
                    let headers = engine.head(&mut call.ticket, after(due, call.wait_s.min(0.3)));
                    seen.push(Seen {
                        at_s,
                        order,
                        status: 200,
                        headers,
                        error: Value::Null,
                        reply: Some(call.reply.clone()),
                    });
                    running.push((over(&call, due), *call));
                }
            }
        }
    }
    (engine, seen, end)
}

fn share(engine: &mut Engine, model: &str, limiter: &str, now: Time) -> f64 {
    let level = engine.level(model, limiter, now).unwrap();
    let pool = engine
        .world()
        .pools
        .iter()
        .find(|pool| pool.models.iter().any(|name| name == model))
        .unwrap();
    level / pool.limits[limiter] as f64
}

const ITPM: &str = "input_tokens_per_minute_cache_aware";
const OTPM: &str = "output_tokens_per_minute";
const RPM: &str = "requests_per_minute";

#[test]
fn idle_nothing_moves() {
    let (mut engine, seen, _) = live("idle", 10.0);
    assert!(seen.is_empty());
    let later = after(t(), 10.0);
    for model in ["claude-opus-5-5", "claude-haiku-4-5", "claude-fable-5-2"] {
        assert!(share(&mut engine, model, OTPM, later) >= 1.0);
    }
}

#[test]
fn calm_everything_is_served() {
    let (mut engine, seen, now) = live("calm", 10.0);
    assert!(seen.len() >= 4 && seen.iter().all(|call| call.status == 200));
    assert!(share(&mut engine, "claude-sonnet-5-5", ITPM, now) > 0.8);
}

#[test]
fn busy_afternoon_is_lively() {
    let (mut engine, seen, now) = live("busy-afternoon", 10.0);
    assert!(seen.len() >= 15, "{}", seen.len());
    assert!(
        seen.iter().any(|call| call.status == 429
            && call.says("requests per minute")
            && call.order.client.as_str() == "classifier"),
        "Haiku is empty now and then"
    );
    assert!(seen.iter().filter(|call| call.status == 200).count() > seen.len() / 2);
    let levels: Vec<f64> = [
        ("claude-opus-5-5", OTPM),
        ("claude-opus-5-5", ITPM),
        ("claude-haiku-4-5", RPM),
        ("claude-sonnet-4-6", ITPM),
        ("claude-sonnet-5-5", OTPM),
    ]
    .into_iter()
    .map(|(model, limiter)| share(&mut engine, model, limiter, now))
    .collect();
    assert!(levels[0] < 0.5, "output of Opus is tight: {levels:?}");
    assert!(levels[2] < 0.1, "requests of Haiku are gone: {levels:?}");
    assert!(levels[4] > 0.5, "Sonnet is calm: {levels:?}");
    // And it goes on: minutes later no pool is empty for good.
    let mut best = 0.0_f64;
    let mut worst = 1.0_f64;
    for s in 0..150 {
        let now = after(now, f64::from(s));
        best = best.max(share(&mut engine, "claude-haiku-4-5", RPM, now));
        worst = worst.min(share(&mut engine, "claude-opus-5-5", OTPM, now));
    }
    assert!(best > 0.6 && worst < 0.5, "{best} {worst}");
}

#[test]
fn tight_output_refuses_for_output_and_runs_into_debt() {
    let world = Scenario::named("tight-output").unwrap();
    assert!(world.pools.iter().any(|pool| pool.name == "Sonnet 5.5"));
    let (mut engine, seen, now) = live("tight-output", 10.0);
    assert!(
        seen.iter()
            .any(|call| call.status == 429 && call.says("output tokens per minute"))
    );
    let lowest = (0..100)
        .map(|n| {
            share(
                &mut engine,
                "claude-sonnet-5-5",
                OTPM,
                after(now, f64::from(n) * 0.02),
            )
        })
        .fold(1.0, f64::min);
    assert!(lowest < 0.02, "{lowest}");
    assert!(share(&mut engine, "claude-sonnet-5-5", ITPM, now) > 0.9);
}

#[test]
fn ramp_refuses_far_below_the_limit() {
    let (mut engine, seen, now) = live("ramp", 10.0);
    assert!(seen.iter().any(|call| call.status == 200));
    let refused = seen
        .iter()
        .find(|call| call.code() == "ramp_limit_exceeded")
        .unwrap();
    assert!(refused.headers.contains_key("retry-after") && refused.at_s < 10.0);
    assert!(share(&mut engine, "claude-opus-5-5", ITPM, now) > 0.9);
}

#[test]
fn overloaded_is_nobodys_quota() {
    let (mut engine, seen, now) = live("overloaded", 10.0);
    let busy: Vec<_> = seen.iter().filter(|call| call.status == 529).collect();
    assert!(
        busy.len() >= 2
            && busy
                .iter()
                .all(|call| !call.headers.contains_key("retry-after"))
    );
    assert!(seen.iter().any(|call| call.status == 200));
    assert!(share(&mut engine, "claude-sonnet-5-5", OTPM, now) > 0.9);
}

#[test]
fn noisy_neighbour_burns_more_than_you() {
    let (mut engine, seen, now) = live("noisy-neighbour", 10.0);
    let own: u64 = seen
        .iter()
        .filter_map(|call| call.reply.as_ref())
        .map(|reply| reply.usage.counted_input())
        .sum();
    let hidden = engine.hidden_drawn("claude-sonnet-5-5", ITPM, now).unwrap();
    assert!(hidden > 10.0 * own as f64, "{hidden} {own}");
    assert!((hidden - 83_300.0).abs() < 6_000.0, "{hidden}");
    assert!((engine.hidden_rate("claude-sonnet-5-5", ITPM, now).unwrap() - 500_000.0).abs() < 1.0);
    assert!(share(&mut engine, "claude-sonnet-5-5", ITPM, now) < 0.97);
}

#[test]
fn spend_cap_has_a_code_and_no_wait() {
    let (_, seen, _) = live("spend-cap", 10.0);
    let refused: Vec<_> = seen.iter().filter(|call| call.status == 429).collect();
    assert!(!refused.is_empty() && seen[0].status == 200);
    assert!(
        refused
            .iter()
            .all(|call| call.code() == "enforced_spend_limit_reached"
                && !call.headers.contains_key("retry-after"))
    );
}

#[test]
fn cold_cache_drains_itpm_until_it_is_warm() {
    let (_, seen, _) = live("cold-cache", 10.0);
    assert!(
        seen.iter()
            .any(|call| call.status == 429 && call.says("input tokens per minute"))
    );
    let written = |seen: &[Seen]| {
        seen.iter()
            .filter_map(|call| call.reply.as_ref())
            .map(|reply| reply.usage.cache_creation_input_tokens)
            .sum::<u64>()
    };
    assert!(written(&seen) > 10_000);
    let (_, seen, _) = live("cold-cache", 60.0);
    let warm: Vec<Seen> = seen.into_iter().filter(|call| call.at_s > 40.0).collect();
    assert_eq!(written(&warm), 0);
    assert!(warm.iter().filter(|call| call.status == 200).count() * 10 > warm.len() * 9);
}

#[test]
fn tiny_allows_five_requests() {
    let (_, seen, _) = live("tiny", 10.0);
    assert!(
        seen.iter()
            .any(|call| call.status == 429 && call.says("rate limit of 5 requests per minute"))
    );
    assert_eq!(seen[0].headers["anthropic-ratelimit-requests-limit"], "5");
}

#[test]
fn bare_sends_no_levels() {
    let (_, seen, _) = live("bare", 10.0);
    assert!(seen.len() >= 3);
    let silent = |call: &Seen| {
        !call
            .headers
            .keys()
            .any(|name| name.as_str().contains("ratelimit"))
    };
    assert!(seen.iter().all(|call| call.status == 200 && silent(call)));
}

/// Section "other headers seen": epoch seconds, shares, hours of waiting.
#[test]
fn subscription_warns_and_then_rejects() {
    let (_, seen, _) = live("subscription", 10.0);
    let first = &seen[0].headers;
    assert_eq!(
        first["anthropic-ratelimit-unified-status"],
        "allowed_warning"
    );
    assert_eq!(
        first["anthropic-ratelimit-unified-representative-claim"],
        "five_hour"
    );
    let reset: i64 = first["anthropic-ratelimit-unified-5h-reset"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(reset > t().timestamp());
    assert!(!first.contains_key("anthropic-ratelimit-requests-limit"));
    let refused = seen.iter().find(|call| call.status == 429).unwrap();
    assert_eq!(
        refused.headers["anthropic-ratelimit-unified-status"],
        "rejected"
    );
    let wait: u64 = refused.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(wait > 3_600);
    let used: f64 = refused.headers["anthropic-ratelimit-unified-5h-utilization"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(used >= 1.0);
}

#[test]
fn mid_stream_breaks_in_every_way() {
    let (_, seen, _) = live("mid-stream", 20.0);
    let endings: Vec<&Ending> = seen
        .iter()
        .filter_map(|call| call.reply.as_ref())
        .map(|reply| &reply.ending)
        .collect();
    assert!(
        endings
            .iter()
            .any(|ending| matches!(ending, Ending::Error(kind, 30) if kind == "overloaded_error"))
    );
    assert!(
        endings
            .iter()
            .any(|ending| matches!(ending, Ending::Cut(_)))
    );
    assert!(
        endings
            .iter()
            .any(|ending| matches!(ending, Ending::Truncated(_)))
    );
    assert!(
        endings
            .iter()
            .any(|ending| matches!(ending, Ending::Normal))
    );
    let (_, early, _) = live("mid-stream", 10.0);
    assert!(
        early
            .iter()
            .filter(|call| call
                .reply
                .as_ref()
                .is_some_and(|reply| reply.ending != Ending::Normal))
            .count()
            >= 3
    );
}
