//! What is asked, and what our own upstream answers. Fixtures follow the reference pages: rate-limit
//! headers (Rate limits), error envelope and codes (Errors), events (Streaming messages).

use bytes::Bytes;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Megabytes of the largest request sent: the API takes 32 MB (Errors page), and a gateway has its own
/// words to add.
const BIG_REQUEST: usize = 30_000_000;
/// Bytes of text in the largest answer.
const BIG_ANSWER: usize = 2_000_000;
/// The mark by which our upstream knows a request again, whatever a gateway does to its headers.
const MARK: &str = "ratetop doctor";

/// Rate-limit headers of every answer (2.1 of the Rate limits page: four families).
pub const RATE_LIMIT_HEADERS: [(&str, &str); 12] = [
    ("anthropic-ratelimit-requests-limit", "4000"),
    ("anthropic-ratelimit-requests-remaining", "3999"),
    ("anthropic-ratelimit-requests-reset", "2026-11-24T12:00:01Z"),
    ("anthropic-ratelimit-tokens-limit", "2400000"),
    ("anthropic-ratelimit-tokens-remaining", "2399000"),
    ("anthropic-ratelimit-tokens-reset", "2026-11-24T12:00:02Z"),
    ("anthropic-ratelimit-input-tokens-limit", "2000000"),
    ("anthropic-ratelimit-input-tokens-remaining", "1999000"),
    (
        "anthropic-ratelimit-input-tokens-reset",
        "2026-11-24T12:00:03Z",
    ),
    ("anthropic-ratelimit-output-tokens-limit", "400000"),
    ("anthropic-ratelimit-output-tokens-remaining", "400000"),
    (
        "anthropic-ratelimit-output-tokens-reset",
        "2026-11-24T12:00:00Z",
    ),
];

/// One thing that is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Case {
    /// A stream whose second half waits for the first to arrive. The only one that is also made as a
    /// real call.
    Stream,
    /// A plain answer.
    Plain,
    /// A 429 that asks for 17 seconds.
    Refused,
    /// A 529 that asks for nothing.
    Overloaded,
    /// An `error` event after a 200.
    StreamError,
    /// A connection that breaks after a 200.
    CutStream,
    /// A gzip answer.
    Compressed,
    /// Nearly 32 MB up, two down.
    Big,
}

impl Case {
    /// Every case, in the order of an examination.
    pub const ALL: [Self; 8] = [
        Self::Stream,
        Self::Plain,
        Self::Refused,
        Self::Overloaded,
        Self::StreamError,
        Self::CutStream,
        Self::Compressed,
        Self::Big,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::Plain => "plain",
            Self::Refused => "refused",
            Self::Overloaded => "overloaded",
            Self::StreamError => "stream-error",
            Self::CutStream => "cut-stream",
            Self::Compressed => "compressed",
            Self::Big => "big",
        }
    }

    /// Whether the answer is a stream of events.
    pub const fn streams(self) -> bool {
        matches!(self, Self::Stream | Self::StreamError | Self::CutStream)
    }

    /// The user message, which carries the mark.
    pub fn prompt(self, nonce: u64) -> String {
        format!("{MARK} {nonce:016x} {}.", self.name())
    }

    /// The case and examination that a request's body belongs to.
    pub fn of_body(body: &[u8], nonce: u64) -> Option<Self> {
        let text = |case: Self| case.prompt(nonce).into_bytes();
        Self::ALL.into_iter().find(|case| {
            let mark = text(*case);
            // The mark stands near one end of the body; a gateway may have put its own words before.
            let near = body.get(..body.len().min(64 << 10)).unwrap_or_default();
            let far = body
                .get(body.len().saturating_sub(64 << 10)..)
                .unwrap_or_default();
            [near, far]
                .iter()
                .any(|part| part.windows(mark.len()).any(|window| window == mark))
        })
    }

    /// The request's body. Its odd spacing and its order of keys are there to be kept.
    pub fn body(self, nonce: u64, model: &str) -> Bytes {
        let prompt = self.prompt(nonce);
        let model = Value::from(model);
        let mut body = format!(
            r#"{{"model": {model},  "max_tokens":1,"messages":[{{"role":"user","content":"{prompt}"}}],"#
        );
        if self.streams() {
            body.push_str(r#""stream":true, "#);
        }
        let _ = write!(body, r#""metadata":{{"user_id":"doctor-{nonce:016x}"}}"#);
        if self == Self::Big {
            body.push_str(r#","system":""#);
            let rest = BIG_REQUEST.saturating_sub(body.len() + 2);
            body.push_str(&"x".repeat(rest));
            body.push('"');
        }
        body.push('}');
        Bytes::from(body)
    }

    /// What our upstream answers.
    pub fn script(self) -> Script {
        let mut headers: Vec<(&'static str, &'static str)> = Vec::new();
        headers.push(("request-id", "req_ratetop_doctor"));
        headers.push(("anthropic-organization-id", "ratetop-doctor"));
        headers.extend(RATE_LIMIT_HEADERS);
        let kind = if self.streams() {
            "text/event-stream; charset=utf-8"
        } else {
            "application/json"
        };
        headers.push(("content-type", kind));
        let (status, pieces) = match self {
            Self::Stream => (
                200,
                vec![
                    Piece::Bytes(Bytes::from(first_events())),
                    Piece::Withhold,
                    Piece::Bytes(Bytes::from(last_events())),
                ],
            ),
            Self::StreamError => (
                200,
                vec![
                    Piece::Bytes(Bytes::from(first_events())),
                    Piece::Bytes(Bytes::from(event(
                        "error",
                        &json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
                    ))),
                ],
            ),
            Self::CutStream => (
                200,
                vec![Piece::Bytes(Bytes::from(first_events())), Piece::Cut],
            ),
            Self::Plain => (200, vec![Piece::Bytes(message("Hello."))]),
            Self::Big => (200, vec![Piece::Bytes(message(&"y".repeat(BIG_ANSWER)))]),
            Self::Compressed => {
                headers.push(("content-encoding", "gzip"));
                headers.push(("vary", "accept-encoding"));
                (200, vec![Piece::Bytes(gzip(&message("Hello.")))])
            }
            Self::Refused => {
                headers.extend([("retry-after", "17"), ("x-should-retry", "true")]);
                let body = json!({"type": "error", "error": {"type": "rate_limit_error",
                    "message": "This request would exceed your organization's rate limit of 400,000 output tokens per minute.",
                    "details": {"error_code": "ratetop_doctor"}}, "request_id": "req_ratetop_doctor"});
                (429, vec![Piece::Bytes(Bytes::from(body.to_string()))])
            }
            Self::Overloaded => {
                let body = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"},
                    "request_id": "req_ratetop_doctor"});
                (529, vec![Piece::Bytes(Bytes::from(body.to_string()))])
            }
        };
        Script {
            status,
            headers,
            pieces,
        }
    }
}

/// One piece of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// These bytes.
    Bytes(Bytes),
    /// Nothing more until the caller has what was sent, or patience ends.
    Withhold,
    /// The connection breaks.
    Cut,
}

/// An answer of our upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: Vec<(&'static str, &'static str)>,
    /// Its body.
    pub pieces: Vec<Piece>,
}

impl Script {
    /// The whole body.
    pub fn body(&self) -> Vec<u8> {
        let bytes = self.pieces.iter().filter_map(|piece| match piece {
            Piece::Bytes(bytes) => Some(bytes.as_ref()),
            Piece::Withhold | Piece::Cut => None,
        });
        bytes.collect::<Vec<_>>().concat()
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&'static str> {
        let found = self.headers.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| *value)
    }
}

fn usage() -> Value {
    json!({"input_tokens": 14, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 1})
}

fn message(text: &str) -> Bytes {
    let message = json!({"id": "msg_ratetop_doctor", "type": "message", "role": "assistant",
        "model": "ratetop-doctor", "content": [{"type": "text", "text": text}],
        "stop_reason": "max_tokens", "stop_sequence": null, "usage": usage()});
    Bytes::from(message.to_string())
}

fn event(name: &str, data: &Value) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

fn first_events() -> String {
    let message = json!({"id": "msg_ratetop_doctor", "type": "message", "role": "assistant",
        "model": "ratetop-doctor", "content": [], "stop_reason": null, "stop_sequence": null, "usage": usage()});
    [
        event(
            "message_start",
            &json!({"type": "message_start", "message": message}),
        ),
        event(
            "content_block_start",
            &json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        ),
        event("ping", &json!({"type": "ping"})),
    ]
    .concat()
}

fn last_events() -> String {
    [
        event(
            "content_block_delta",
            &json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Grüße"}}),
        ),
        event(
            "content_block_stop",
            &json!({"type": "content_block_stop", "index": 0}),
        ),
        event(
            "message_delta",
            &json!({"type": "message_delta", "delta": {"stop_reason": "max_tokens", "stop_sequence": null}, "usage": {"output_tokens": 1}}),
        ),
        event("message_stop", &json!({"type": "message_stop"})),
    ]
    .concat()
}

fn gzip(bytes: &[u8]) -> Bytes {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    // Writing to memory does not fail; were it to, the check would say that nothing can be read.
    let _ = encoder.write_all(bytes);
    Bytes::from(encoder.finish().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_known_again_by_its_body_alone() {
        for case in Case::ALL {
            let body = case.body(7, "claude-haiku-5-5");
            assert_eq!(Case::of_body(&body, 7), Some(case), "{case:?}");
            assert_eq!(Case::of_body(&body, 8), None, "{case:?}");
            let read: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(read["metadata"]["user_id"], "doctor-0000000000000007");
            assert_eq!(read["stream"] == true, case.streams());
            // Written anew by a gateway, with words of its own before it.
            let anew = json!({"extra": "z".repeat(9_000), "was": read}).to_string();
            if case != Case::Big {
                assert_eq!(Case::of_body(anew.as_bytes(), 7), Some(case));
            }
        }
        let big = Case::Big.body(7, "m").len();
        assert!(big == BIG_REQUEST, "{big}");
    }

    #[test]
    fn answers_are_what_the_api_would_send() {
        use crate::domain::answer::sse::Reader;
        for case in Case::ALL.into_iter().filter(|case| case.streams()) {
            let mut events = Vec::new();
            Reader::new()
                .push(&case.script().body(), &mut events)
                .unwrap();
            for event in &events {
                let data: Value = serde_json::from_str(&event.data).unwrap();
                assert_eq!(data["type"], event.name.as_str());
            }
            let last = events.last().unwrap().name.as_str();
            let expected = match case {
                Case::Stream => "message_stop",
                Case::StreamError => "error",
                _ => "ping",
            };
            assert_eq!(last, expected);
        }
        assert_eq!(Case::Refused.script().header("retry-after"), Some("17"));
        assert_eq!(Case::Overloaded.script().header("retry-after"), None);
    }
}
