//! A transport that plays answers from a list, in virtual time.

use crate::domain::outcome::Unreachable;
use crate::net::transport::{Broken, Request, Response, Transport};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, future::BoxFuture};
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

/// One scripted answer.
#[derive(Clone)]
pub(super) enum Play {
    Answer(u16, Vec<(&'static str, &'static str)>, Vec<Piece>),
    Nobody(Unreachable),
    Never,
}

#[derive(Clone)]
pub(super) enum Piece {
    Bytes(String),
    Pause(f64),
    Break,
    Forever,
}

pub(super) struct Script {
    plays: Mutex<VecDeque<Play>>,
    requests: Mutex<Vec<Value>>,
}

impl Script {
    pub(super) fn new(plays: Vec<Play>) -> Arc<Self> {
        Arc::new(Self {
            plays: Mutex::new(plays.into()),
            requests: Mutex::default(),
        })
    }

    pub(super) fn requests(&self) -> Vec<Value> {
        self.requests.lock().unwrap().clone()
    }
}

pub(super) fn broken() -> Broken {
    Broken {
        kind: Unreachable::Broken,
        how: "host:1: the connection broke in the middle of the answer".into(),
    }
}

impl Transport for Script {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, Broken>> {
        async move {
            self.requests
                .lock()
                .unwrap()
                .push(serde_json::from_slice(&request.body).unwrap());
            let play = self.plays.lock().unwrap().pop_front();
            match play.expect("one request more than the script has") {
                Play::Nobody(kind) => Err(Broken { kind, ..broken() }),
                Play::Never => std::future::pending().await,
                Play::Answer(status, lines, pieces) => {
                    let mut headers = http::HeaderMap::new();
                    for (name, value) in lines {
                        headers.append(name, value.parse().unwrap());
                    }
                    let body = futures_util::stream::iter(pieces)
                        .then(|piece| async {
                            match piece {
                                Piece::Bytes(text) => Some(Ok(Bytes::from(text))),
                                Piece::Break => Some(Err(broken())),
                                Piece::Forever => std::future::pending().await,
                                Piece::Pause(s) => {
                                    tokio::time::sleep(Duration::from_secs_f64(s)).await;
                                    None
                                }
                            }
                        })
                        .filter_map(|piece| async { piece })
                        .boxed();
                    Ok(Response {
                        status,
                        headers,
                        body,
                    })
                }
            }
        }
        .boxed()
    }
}

pub(super) fn refusal(status: u16, kind: &str, headers: &[(&'static str, &'static str)]) -> Play {
    let body =
        json!({"type": "error", "error": {"type": kind, "message": "m"}, "request_id": "req_1"});
    Play::Answer(
        status,
        headers.to_vec(),
        vec![Piece::Bytes(body.to_string())],
    )
}

pub(super) fn message(stop_reason: &str, content: &Value) -> Play {
    let body = json!({"type": "message", "content": content, "stop_reason": stop_reason,
                      "usage": {"input_tokens": 14, "output_tokens": 9}});
    let head = vec![
        ("content-type", "application/json"),
        ("anthropic-organization-id", "org-1"),
        ("anthropic-ratelimit-requests-limit", "50"),
        ("anthropic-ratelimit-requests-remaining", "49"),
    ];
    Play::Answer(200, head, vec![Piece::Bytes(body.to_string())])
}

pub(super) fn event(data: &Value) -> Piece {
    Piece::Bytes(format!(
        "event: {}\ndata: {data}\n\n",
        data["type"].as_str().unwrap()
    ))
}

pub(super) fn opening() -> Vec<Piece> {
    vec![
        event(
            &json!({"type": "message_start", "message": {"usage": {"input_tokens": 14, "output_tokens": 1}}}),
        ),
        event(
            &json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        ),
        event(
            &json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}}),
        ),
    ]
}

pub(super) fn closing(stop_reason: &str) -> Vec<Piece> {
    vec![
        event(&json!({"type": "content_block_stop", "index": 0})),
        event(
            &json!({"type": "message_delta", "delta": {"stop_reason": stop_reason}, "usage": {"output_tokens": 9}}),
        ),
        event(&json!({"type": "message_stop"})),
    ]
}

pub(super) fn stream(pieces: Vec<Piece>) -> Play {
    Play::Answer(
        200,
        vec![("content-type", "text/event-stream; charset=utf-8")],
        pieces,
    )
}
