//! An upstream of sockets that plays what a request asks it to.

use super::{Counts, Play, Seen};
use crate::{
    rig::{Peer, Stub},
    wire::{self, Kind, Message, chunk},
};
use flate2::{Compression, write::GzEncoder};
use std::{io::Write, net::SocketAddr, sync::Arc};

/// Says which play, and of which exchange.
pub(super) const PLAY: &str = "X-Play";

/// Where it listens.
pub(super) fn open(counts: Arc<Counts>, seen: Arc<Seen>) -> SocketAddr {
    let stub = Stub::playing(move |mut peer, _| {
        while let Ok(Some(request)) = wire::message(&mut peer.lines, Kind::Request) {
            let Some(next) = answer(peer, &request, &counts, &seen) else {
                return;
            };
            peer = next;
        }
    });
    stub.address
}

/// Answers; the connection, unless that was the end of it.
fn answer(mut peer: Peer, request: &Message, counts: &Counts, seen: &Seen) -> Option<Peer> {
    let asked = request.get(PLAY).unwrap();
    let (play, n) = asked.split_once(' ').unwrap();
    let play = Play::ALL[play.parse::<usize>().unwrap()];
    let n: u64 = n.parse().unwrap();
    // A request is whole and as it was sent.
    assert!(request.ended == wire::Ended::Whole);
    assert!(request.body == super::client::body(play, n), "exchange {n}");
    let tokens = tokens(play, n);
    match play {
        Play::Json | Play::Upload => whole(&mut peer, &message(n, tokens), ""),
        Play::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&message(n, tokens)).unwrap();
            let body = encoder.finish().unwrap();
            whole(&mut peer, &body, "content-encoding: gzip\r\n");
        }
        Play::Models => whole(&mut peer, br#"{"data":[]}"#, ""),
        Play::Limited => {
            let lines = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 7\r\n";
            error(&mut peer, lines, "rate_limit_error");
        }
        Play::Overloaded => error(&mut peer, "HTTP/1.1 529 Overloaded\r\n", "overloaded_error"),
        Play::Reset => {
            counts.add(play, tokens);
            peer.reset();
            return None;
        }
        Play::Stream | Play::ErrorEvent | Play::Cut | Play::Truncated | Play::Leaves => {
            return stream(peer, play, n, tokens, counts, seen);
        }
    }
    counts.add(play, tokens);
    Some(peer)
}

/// Input and output tokens that an exchange tells. A stream that breaks has told of its first only.
pub(super) fn tokens(play: Play, n: u64) -> (u64, u64) {
    match play {
        Play::Json | Play::Gzip | Play::Upload | Play::Stream => (n % 97 + 1, n % 31 + 2),
        Play::ErrorEvent | Play::Cut | Play::Truncated | Play::Leaves => (n % 97 + 1, 1),
        Play::Limited | Play::Overloaded | Play::Reset | Play::Models => (0, 0),
    }
}

fn whole(peer: &mut Peer, body: &[u8], lines: &str) {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{lines}anthropic-ratelimit-requests-limit: 4000\r\nanthropic-ratelimit-requests-remaining: 3999\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    peer.send(head).send(body);
}

fn error(peer: &mut Peer, lines: &str, kind: &str) {
    let body = format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"Not now."}}}}"#);
    let length = body.len();
    peer.send(format!(
        "{lines}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    ));
}

/// The message that answers exchange `n`.
pub(super) fn message(n: u64, (input, output): (u64, u64)) -> Vec<u8> {
    let text = "word ".repeat((n % 50) as usize);
    format!(
        r#"{{"id":"msg_{n}","type":"message","role":"assistant","model":"m","content":[{{"type":"text","text":"{text}"}}],"stop_reason":"end_turn","usage":{{"input_tokens":{input},"output_tokens":{output}}}}}"#
    )
    .into_bytes()
}

fn event(name: &str, rest: &str) -> Vec<u8> {
    chunk(format!("event: {name}\ndata: {{\"type\":\"{name}\"{rest}}}\n\n").as_bytes())
}

fn stream(
    mut peer: Peer,
    play: Play,
    n: u64,
    tokens: (u64, u64),
    counts: &Counts,
    seen: &Seen,
) -> Option<Peer> {
    let (input, output) = tokens;
    peer.send(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    peer.send(event(
        "message_start",
        &format!(r#","message":{{"id":"msg_{n}","type":"message","model":"m","usage":{{"input_tokens":{input},"output_tokens":1}}}}"#),
    ));
    match play {
        Play::Cut => {
            seen.wait(n);
            counts.add(play, tokens);
            peer.reset();
            return None;
        }
        Play::Leaves => {
            peer.wait_for_the_end();
            counts.add(play, tokens);
            return None;
        }
        Play::Truncated => {
            seen.wait(n);
        }
        Play::ErrorEvent => {
            seen.wait(n);
            peer.send(event(
                "error",
                r#","error":{"type":"overloaded_error","message":"Overloaded"}"#,
            ));
        }
        _ => {
            for _ in 0..n % 12 {
                let delta = r#","index":0,"delta":{"type":"text_delta","text":"hello "}"#;
                peer.send(event("content_block_delta", delta));
            }
            let delta = format!(
                r#","delta":{{"stop_reason":"end_turn"}},"usage":{{"output_tokens":{output}}}"#
            );
            peer.send(event("message_delta", &delta));
            peer.send(event("message_stop", ""));
        }
    }
    counts.add(play, tokens);
    peer.send("0\r\n\r\n");
    Some(peer)
}
