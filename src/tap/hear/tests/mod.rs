//! Exchanges as they pass, and what is heard of them. Bodies and headers are those of the API's
//! documentation.

mod calls;
mod drops;
mod retries;
mod secrets;
mod times;

use super::*;
use crate::domain::{outcome::Unreachable, time::after, traffic::Tally};
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use std::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
};

/// `s` seconds after the beginning.
fn t(s: f64) -> Time {
    after(Time::UNIX_EPOCH, 1_795_521_840.0 + s)
}

/// Keeps everything it is told.
#[derive(Default)]
struct Paper {
    seen: Mutex<Vec<Observation>>,
    full: AtomicBool,
}

impl Sink for Paper {
    fn sample(&self, seen: Observation) -> bool {
        let room = !self.full.load(Ordering::Relaxed);
        if room {
            self.must(seen);
        }
        room
    }

    fn must(&self, seen: Observation) {
        self.seen.lock().unwrap().push(seen);
    }
}

impl Paper {
    fn all(&self) -> Vec<Observation> {
        self.seen.lock().unwrap().clone()
    }

    /// The kinds of what was told, in order: `1 began`, `1.1 sent`, …
    fn lines(&self) -> Vec<String> {
        let line = |seen: &Observation| {
            let json = serde_json::to_value(&seen.what).unwrap();
            let kind = json["seen"].as_str().unwrap().to_owned();
            let first = crate::domain::timeline::FIRST_FOREIGN_CALL;
            match (seen.call, seen.attempt) {
                (Some(call), Some(n)) => format!("{}.{n} {kind}", call.0 - first),
                (Some(call), None) => format!("{} {kind}", call.0 - first),
                (None, _) => kind,
            }
        };
        self.all().iter().map(line).collect()
    }

    fn verdicts(&self) -> Vec<crate::domain::verdict::Verdict> {
        let all = self.all();
        let verdicts = all.iter().filter_map(|seen| match &seen.what {
            What::Finished { verdict, .. } => verdict.as_deref().cloned(),
            _ => None,
        });
        verdicts.collect()
    }
}

fn hearing() -> (Arc<Hearing>, Arc<Paper>) {
    let paper = Arc::new(Paper::default());
    let settings = Settings {
        key: *b"sixteen bytes ok",
        first_call: CallId(crate::domain::timeline::FIRST_FOREIGN_CALL),
        since: t(0.0),
        known: Known::default(),
    };
    (
        Hearing::new(settings, Arc::clone(&paper) as Arc<dyn Sink>),
        paper,
    )
}

fn headers(lines: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in lines {
        map.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_str(value).unwrap(),
        );
    }
    map
}

fn head(path: &str, lines: &[(&str, &str)]) -> Parts {
    let request = Request::builder().method(Method::POST).uri(path);
    let mut parts = request.body(()).unwrap().into_parts().0;
    parts.headers = headers(lines);
    parts
}

/// What a client sends.
#[derive(Clone)]
struct Sends<'a> {
    headers: Vec<(&'a str, &'a str)>,
    body: String,
}

fn asks(stream: bool, prompt: &str) -> Sends<'static> {
    Sends {
        headers: vec![("user-agent", "Anthropic/Python 2.12.0")],
        body: serde_json::json!({
            "max_tokens": 1024,
            "messages": [{"role": "user", "content": prompt}],
            "model": "claude-opus-5-5",
            "stream": stream,
        })
        .to_string(),
    }
}

impl<'a> Sends<'a> {
    fn with(mut self, name: &'a str, value: &'a str) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The same as its client's nth retry.
    fn retry(self, n: &'a str) -> Self {
        self.with("x-stainless-retry-count", n)
    }

    fn send(&self, hearing: &Arc<Hearing>, at: f64) -> Exchange {
        let mut exchange = hearing.begin(&head("/v1/messages?beta=true", &self.headers), t(at));
        for piece in self.body.as_bytes().chunks(17) {
            exchange.request_bytes(piece, t(at));
        }
        exchange.request_end(t(at));
        exchange
    }
}

const LIMITS: [(&str, &str); 6] = [
    ("content-type", "application/json"),
    ("request-id", "req_011CX"),
    (
        "anthropic-organization-id",
        "6a3f0f4e-0000-4000-8000-000000000001",
    ),
    ("anthropic-ratelimit-output-tokens-limit", "1000000"),
    ("anthropic-ratelimit-output-tokens-remaining", "206000"),
    (
        "anthropic-ratelimit-output-tokens-reset",
        "2026-11-24T12:00:48Z",
    ),
];

const MESSAGE: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-opus-5-5","content":[{"type":"text","text":"Hello"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":14,"output_tokens":9,"cache_creation_input_tokens":null,"cache_read_input_tokens":3}}"#;

fn refusal(kind: &str, message: &str) -> String {
    serde_json::json!({"type":"error","error":{"type":kind,"message":message},"request_id":"req_011CX"})
        .to_string()
}

/// What an upstream answers.
fn answers(exchange: &mut Exchange, status: u16, lines: &[(&str, &str)], body: &str, at: f64) {
    exchange.answered(status, &headers(lines), t(at));
    for piece in body.as_bytes().chunks(23) {
        exchange.response_bytes(piece, t(at));
    }
}

/// A whole exchange at one moment.
fn passes(
    hearing: &Arc<Hearing>,
    sends: &Sends<'_>,
    status: u16,
    lines: &[(&str, &str)],
    body: &str,
    at: f64,
) {
    let mut exchange = sends.send(hearing, at);
    answers(&mut exchange, status, lines, body, at);
    exchange.ended(End::Whole, t(at));
}

fn throttled(hearing: &Arc<Hearing>, sends: &Sends<'_>, asked: Option<&str>, at: f64) {
    let mut lines = vec![
        ("content-type", "application/json"),
        ("request-id", "req_429"),
    ];
    lines.extend(asked.map(|asked| ("retry-after", asked)));
    let text = "This request would exceed your organization's rate limit of 8,000 output tokens per minute (org: 6a3f0f4e, model: claude-opus-5-5)";
    passes(
        hearing,
        sends,
        429,
        &lines,
        &refusal("rate_limit_error", text),
        at,
    );
}

fn well(hearing: &Arc<Hearing>, sends: &Sends<'_>, at: f64) {
    passes(hearing, sends, 200, &LIMITS, MESSAGE, at);
}

/// All clients together, after checking that the rows of clients and of models agree and that every
/// wire call is somewhere.
fn tally(hearing: &Hearing, at: f64) -> Tally {
    let totals = hearing.totals(t(at));
    let all = totals.all();
    let mut models = Tally::default();
    for row in &totals.models {
        models.merge(&row.tally);
    }
    assert_eq!(models, all, "rows of models and of clients agree");
    assert_eq!(
        all.ended() + all.open,
        all.wire,
        "every wire call is somewhere"
    );
    all
}
