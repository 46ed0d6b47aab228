//! The engine: one call admitted, headed and ended; a refusal; the limits list; a second of unseen
//! clients; one stream told to its end.

use divan::{Bencher, black_box};
use http::{HeaderMap, HeaderValue, Method};
use ratetop::{
    domain::time::{Time, after},
    sim::{
        engine::{Answered, Engine},
        scenario::Scenario,
        speak::ask::{ADMIN_KEY, API_KEY, Ask, read},
    },
};

fn main() {
    divan::main();
}

fn start() -> Time {
    Time::from_timestamp(1_795_000_000, 0).unwrap_or_default()
}

fn engine(name: &str) -> Engine {
    match Scenario::named(name) {
        Ok(world) => Engine::new(world, 1, start()),
        Err(error) => panic!("{error}"),
    }
}

fn headers(key: &'static str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("x-api-key", HeaderValue::from_static(key));
    headers.insert("anthropic-version", HeaderValue::from_static("2023-06-01"));
    headers
}

const BODY: &str = r#"{"model":"claude-sonnet-4-6","max_tokens":1024,"messages":[{"role":"user","content":"hello there, please answer briefly"}]}"#;

fn message(headers: &HeaderMap) -> Ask {
    read(&Method::POST, "/v1/messages", headers, BODY.as_bytes())
}

#[divan::bench]
fn read_a_request(bencher: Bencher<'_, '_>) {
    let headers = headers(API_KEY);
    bencher.bench_local(|| message(black_box(&headers)));
}

#[divan::bench]
fn admit_head_and_end(bencher: Bencher<'_, '_>) {
    let (mut engine, headers) = (engine("flood"), headers(API_KEY));
    let mut n = 0;
    bencher.bench_local(|| {
        n += 1;
        let now = after(start(), f64::from(n) * 1e-5);
        if let Answered::Call(mut call) = engine.answer(message(&headers), now) {
            let head = engine.head(&mut call.ticket, now);
            engine.end(call.ticket, now);
            black_box((head, call.reply.whole()));
        }
    });
}

#[divan::bench]
fn refuse(bencher: Bencher<'_, '_>) {
    let (mut engine, headers) = (engine("tiny"), headers(API_KEY));
    let body = BODY.replace("claude-sonnet-4-6", "claude-haiku-4-5");
    let ask = read(&Method::POST, "/v1/messages", &headers, body.as_bytes());
    bencher.bench_local(|| engine.answer(ask.clone(), start()));
}

#[divan::bench]
fn list_limits(bencher: Bencher<'_, '_>) {
    let (mut engine, headers) = (engine("busy-afternoon"), headers(ADMIN_KEY));
    let ask = read(&Method::GET, "/v1/organizations/rate_limits", &headers, b"");
    bencher.bench_local(|| engine.answer(ask.clone(), start()));
}

#[divan::bench]
fn a_second_of_unseen_clients(bencher: Bencher<'_, '_>) {
    let mut engine = engine("busy-afternoon");
    let mut n = 0;
    bencher.bench_local(|| {
        n += 1;
        engine.level(
            "claude-haiku-4-5",
            "requests_per_minute",
            after(start(), f64::from(n)),
        )
    });
}

#[divan::bench]
fn tell_a_stream(bencher: Bencher<'_, '_>) {
    let (mut engine, headers) = (engine("calm"), headers(API_KEY));
    let body = BODY.replace("\"max_tokens\"", "\"stream\":true,\"max_tokens\"");
    let ask = read(&Method::POST, "/v1/messages", &headers, body.as_bytes());
    let Answered::Call(call) = engine.answer(ask, start()) else {
        return;
    };
    bencher.bench_local(|| {
        let mut script = call.reply.clone().script();
        let mut bytes = 0;
        while let Some(Ok(event)) = script.event() {
            bytes += event.len();
        }
        bytes
    });
}
