//! A client of sockets that checks every answer.

use super::{
    Play, Seen,
    upstream::{PLAY, message, tokens},
};
use crate::{
    rig::Peer,
    wire::{self, Ended, Kind},
};
use flate2::read::GzDecoder;
use std::{
    io::{BufRead, Read},
    net::SocketAddr,
    sync::Arc,
};

/// Bytes of an upload.
const UPLOAD: usize = 300_000;

/// One client; it keeps its connection as long as it can.
pub(super) struct Client {
    address: SocketAddr,
    seen: Arc<Seen>,
    connection: Option<Peer>,
}

/// What exchange `n` sends.
pub(super) fn body(play: Play, n: u64) -> Vec<u8> {
    let stream = matches!(
        play,
        Play::Stream | Play::ErrorEvent | Play::Cut | Play::Truncated | Play::Leaves
    );
    let fill = match play {
        Play::Models => return Vec::new(),
        Play::Upload => "x".repeat(UPLOAD),
        _ => "hello".to_owned(),
    };
    let model = n % 5;
    format!(
        r#"{{"model":"model-{model}","max_tokens":64,"stream":{stream},"messages":[{{"role":"user","content":"{n} {fill}"}}]}}"#
    )
    .into_bytes()
}

impl Client {
    pub(super) fn new(address: SocketAddr, seen: Arc<Seen>) -> Self {
        Self {
            address,
            seen,
            connection: None,
        }
    }

    /// Plays one exchange; the tokens that it was told.
    pub(super) fn play(&mut self, play: Play, n: u64) -> (u64, u64) {
        let mut peer = self
            .connection
            .take()
            .unwrap_or_else(|| Peer::to(self.address));
        let body = body(play, n);
        let line = if play == Play::Models {
            "GET /v1/models"
        } else {
            "POST /v1/messages"
        };
        let head = format!(
            "{line} HTTP/1.1\r\nHost: {}\r\nUser-Agent: Soak/{}\r\n{PLAY}: {} {n}\r\nContent-Length: {}\r\n\r\n",
            self.address,
            n % 3,
            play as usize,
            body.len()
        );
        peer.send(head).send(&body);
        match play {
            Play::Reset => {
                let answer = peer.answer();
                let reset = answer.unwrap_err().kind();
                assert_eq!(reset, std::io::ErrorKind::ConnectionReset, "exchange {n}");
                return (0, 0);
            }
            Play::ErrorEvent | Play::Cut | Play::Truncated | Play::Leaves => {
                return self.broken(peer, play, n);
            }
            _ => {}
        }
        let answer = peer.next(Kind::Answer);
        assert_eq!(answer.ended, Ended::Whole, "exchange {n}");
        match play {
            Play::Limited => assert_eq!(
                (answer.status(), answer.get("retry-after")),
                (429, Some("7".into()))
            ),
            Play::Overloaded => assert_eq!(answer.status(), 529),
            _ => assert_eq!(answer.status(), 200),
        }
        let expected = tokens(play, n);
        match play {
            Play::Json | Play::Upload => assert_eq!(answer.body, message(n, expected)),
            Play::Gzip => {
                let mut plain = Vec::new();
                GzDecoder::new(answer.body.as_slice())
                    .read_to_end(&mut plain)
                    .unwrap();
                assert_eq!(plain, message(n, expected));
            }
            Play::Stream => {
                let text = answer.text();
                assert!(
                    text.contains(&format!("msg_{n}\"")) && text.ends_with("message_stop\"}\n\n")
                );
                assert_eq!(text.matches("text_delta").count() as u64, n % 12);
            }
            _ => {}
        }
        self.connection = Some(peer);
        expected
    }

    /// A stream that does not come to its end.
    fn broken(&mut self, mut peer: Peer, play: Play, n: u64) -> (u64, u64) {
        let head = wire::head(&mut peer.lines).unwrap().unwrap();
        assert_eq!(head.status(), 200);
        let mut line = String::new();
        while !line.starts_with("data: ") {
            line.clear();
            assert!(peer.lines.read_line(&mut line).unwrap() > 0, "exchange {n}");
        }
        assert!(line.contains(&format!("msg_{n}\"")), "exchange {n}");
        if play == Play::Leaves {
            return tokens(play, n);
        }
        self.seen.tell(n);
        let mut rest = Vec::new();
        loop {
            line.clear();
            match peer.lines.read_line(&mut line) {
                Ok(0) => panic!("exchange {n} ended without its last chunk and without a reset"),
                Ok(_) if line == "0\r\n" => break,
                Ok(_) => rest.push(line.clone()),
                Err(error) => {
                    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
                    assert_eq!(play, Play::Cut, "exchange {n}");
                    return tokens(play, n);
                }
            }
        }
        assert_ne!(play, Play::Cut, "exchange {n}");
        let failed = rest.iter().any(|line| line.contains("overloaded_error"));
        assert_eq!(failed, play == Play::ErrorEvent, "exchange {n}");
        line.clear();
        assert_eq!(peer.lines.read_line(&mut line).unwrap(), 2);
        self.connection = Some(peer);
        tokens(play, n)
    }
}
