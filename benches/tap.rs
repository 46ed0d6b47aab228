//! What listening costs for one exchange that passes the tap, beside forwarding it.

use divan::{Bencher, black_box};
use http::{HeaderMap, HeaderName, HeaderValue, Request, request::Parts};
use ratetop::{
    domain::{
        id::CallId,
        observation::Observation,
        time::{Time, after},
        timeline::FIRST_FOREIGN_CALL,
    },
    tap::hear::{End, Hearing, Known, Settings, Sink},
};
use std::sync::Arc;

fn main() {
    divan::main();
}

struct Nobody;

impl Sink for Nobody {
    fn sample(&self, seen: Observation) -> bool {
        black_box(seen);
        true
    }

    fn must(&self, seen: Observation) {
        black_box(seen);
    }
}

fn hearing() -> Arc<Hearing> {
    let settings = Settings {
        key: [7; 16],
        first_call: CallId(FIRST_FOREIGN_CALL),
        since: at(0),
        known: Known::default(),
    };
    Hearing::new(settings, Arc::new(Nobody))
}

/// The nth of 38,000 requests a second.
fn at(n: u64) -> Time {
    after(Time::UNIX_EPOCH, 1_795_521_840.0 + n as f64 / 38_000.0)
}

fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
    lines
        .iter()
        .map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        })
        .collect()
}

fn head() -> Parts {
    let request = Request::builder().method("POST").uri("/v1/messages");
    let Ok(request) = request.body(()) else {
        unreachable!("a constant")
    };
    let mut head = request.into_parts().0;
    head.headers = headers(&[
        ("host", "127.0.0.1:4788"),
        ("accept", "application/json"),
        ("accept-encoding", "gzip, deflate"),
        ("user-agent", "Anthropic/Python 2.12.0"),
        ("content-type", "application/json"),
        ("anthropic-version", "2026-10-21"),
        ("authorization", "Bearer sk-ant-api03-0000"),
        ("x-stainless-lang", "python"),
        ("x-stainless-package-version", "2.12.0"),
        ("x-stainless-retry-count", "0"),
        ("x-stainless-timeout", "600"),
    ]);
    head
}

fn answer_head(kind: &'static str) -> HeaderMap {
    let mut map = headers(&[
        ("date", "Tue, 24 Nov 2026 12:00:00 GMT"),
        ("server", "cloudflare"),
        ("cf-ray", "8f0000000000-FRA"),
        ("request-id", "req_011CX00000000000000009f"),
        (
            "anthropic-organization-id",
            "6a3f0f4e-0000-4000-8000-000000000001",
        ),
        ("anthropic-ratelimit-requests-limit", "5000"),
        ("anthropic-ratelimit-requests-remaining", "4412"),
        ("anthropic-ratelimit-requests-reset", "2026-11-24T12:00:07Z"),
        ("anthropic-ratelimit-tokens-limit", "6000000"),
        ("anthropic-ratelimit-tokens-remaining", "3306000"),
        ("anthropic-ratelimit-tokens-reset", "2026-11-24T12:00:48Z"),
        ("anthropic-ratelimit-input-tokens-limit", "5000000"),
        ("anthropic-ratelimit-input-tokens-remaining", "3100000"),
        (
            "anthropic-ratelimit-input-tokens-reset",
            "2026-11-24T12:00:23Z",
        ),
        ("anthropic-ratelimit-output-tokens-limit", "1000000"),
        ("anthropic-ratelimit-output-tokens-remaining", "206000"),
        (
            "anthropic-ratelimit-output-tokens-reset",
            "2026-11-24T12:00:48Z",
        ),
    ]);
    map.insert("content-type", HeaderValue::from_static(kind));
    map
}

fn body(bytes: usize, stream: bool) -> String {
    let prompt = "Write a short story about a lighthouse. ".repeat(bytes / 40 + 1);
    format!(
        r#"{{"max_tokens":1024,"messages":[{{"role":"user","content":"{prompt}"}}],"model":"claude-opus-5-5","stream":{stream}}}"#
    )
}

const MESSAGE: &str = r#"{"id":"msg_01XFDUDYJgAACzvnptvVoYEL","type":"message","role":"assistant","model":"claude-opus-5-5","content":[{"type":"text","text":"Hi! My name is Claude, and I would be glad to tell you a story about a lighthouse."}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":25,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0},"output_tokens":22,"service_tier":"standard"}}"#;

/// One exchange after another at the full rate of a hop on one core, so that nearly all are sampled out.
fn exchanges(bencher: Bencher, request: &str, status: u16, answer: &HeaderMap, pieces: &[String]) {
    let hearing = hearing();
    let head = head();
    let mut n = 0;
    bencher.bench_local(|| {
        n += 1;
        let now = at(n);
        let mut exchange = hearing.begin(&head, now);
        exchange.request_bytes(black_box(request.as_bytes()), now);
        exchange.request_end(now);
        exchange.answered(status, answer, now);
        for piece in pieces {
            exchange.response_bytes(black_box(piece.as_bytes()), now);
        }
        exchange.ended(End::Whole, now);
    });
}

#[divan::bench(args = [300, 10_000, 100_000, 1_000_000])]
fn json(bencher: Bencher, request_bytes: usize) {
    let answer = answer_head("application/json");
    let body = body(request_bytes, false);
    exchanges(bencher, &body, 200, &answer, &[MESSAGE.to_owned()]);
}

#[divan::bench(args = [10, 200])]
fn events(bencher: Bencher, events: usize) {
    let mut pieces = vec![
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"model\":\"claude-opus-5-5\",\"stop_reason\":null,\"usage\":{\"input_tokens\":25,\"output_tokens\":1}}}\n\n".to_owned(),
    ];
    pieces.extend((0..events).map(|n| {
        format!("event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\" word {n}\"}}}}\n\n")
    }));
    pieces.push("event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":200}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n".to_owned());
    let answer = answer_head("text/event-stream; charset=utf-8");
    exchanges(bencher, &body(300, true), 200, &answer, &pieces);
}

#[divan::bench]
fn gzip_json(bencher: Bencher) {
    use std::io::Write as _;
    let hearing = hearing();
    let head = head();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    let encoded = encoder
        .write_all(MESSAGE.as_bytes())
        .and_then(|()| encoder.finish());
    let Ok(encoded) = encoded else {
        unreachable!("memory does not fail")
    };
    let mut answer = answer_head("application/json");
    answer.insert("content-encoding", HeaderValue::from_static("gzip"));
    let body = body(300, false);
    let mut n = 0;
    bencher.bench_local(|| {
        n += 1;
        let now = at(n);
        let mut exchange = hearing.begin(&head, now);
        exchange.request_bytes(black_box(body.as_bytes()), now);
        exchange.request_end(now);
        exchange.answered(200, &answer, now);
        exchange.response_bytes(black_box(&encoded), now);
        exchange.ended(End::Whole, now);
    });
}

#[divan::bench]
fn refusal(bencher: Bencher) {
    let mut answer = answer_head("application/json");
    answer.insert("retry-after", HeaderValue::from_static("17"));
    let refused = r#"{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your organization's rate limit of 8,000 output tokens per minute (org: 6a3f0f4e-0000-4000-8000-000000000001, model: claude-opus-5-5). For details, refer to the documentation."},"request_id":"req_011CX00000000000000009f"}"#;
    let hearing = hearing();
    let head = head();
    let mut n = 0;
    bencher.bench_local(|| {
        n += 1;
        let now = at(n);
        // Each a call of its own, as thousands of workers send them.
        let body = format!(r#"{{"model":"claude-opus-5-5","messages":[{n}]}}"#);
        let mut exchange = hearing.begin(&head, now);
        exchange.request_bytes(black_box(body.as_bytes()), now);
        exchange.request_end(now);
        exchange.answered(429, &answer, now);
        exchange.response_bytes(black_box(refused.as_bytes()), now);
        exchange.ended(End::Whole, now);
    });
}
