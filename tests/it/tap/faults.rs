//! Everything that can break, break off, or take its time.

use super::{
    rig::{PATIENCE, Stub, Tapped, Then, step, wait},
    wire::{self, Ended, Kind, chunk},
};
use ratetop::{domain::observation::Observation, tap::hear::Sink};
use std::{
    io::{ErrorKind, Read},
    net::TcpListener,
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

#[test]
fn an_upstream_that_is_not_there_is_told_by_the_tap_as_the_api_would() {
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let tap = Tapped::before(free);
    let mut client = tap.client();
    for n in 1..3 {
        client.send(tap.head("POST /v1/messages") + "Content-Length: 2\r\n\r\n{}");
        let answer = client.next(Kind::Answer);
        assert_eq!(answer.status(), 502);
        assert_eq!(
            answer.get("content-type").as_deref(),
            Some("application/json")
        );
        let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(body["type"], "error");
        assert_eq!(body["error"]["type"], "api_error");
        let message = body["error"]["message"].as_str().unwrap();
        assert!(
            message.starts_with("ratetop tap: no answer from upstream: Nobody listens at"),
            "{message}"
        );
        assert_eq!(tap.counted().unreachable, n);
        // Later ones go on: the connection of the client stays.
    }
}

#[test]
fn what_is_not_http_is_told_by_the_tap() {
    for answer in [
        "SSH-2.0-OpenSSH_9.9\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
    ] {
        let (stub, _asked) = Stub::answering(vec![answer.into()], Then::Close);
        let tap = Tapped::before(stub.address);
        let mut client = tap.client();
        client.send(tap.head("GET /") + "\r\n");
        let got = client.next(Kind::Answer);
        assert_eq!(got.status(), 502, "{got:?}");
    }
}

#[test]
fn an_answers_head_of_100_lines_passes_and_one_of_more_is_told_by_the_tap() {
    for (lines, status) in [(100, 204), (101, 502)] {
        let lines = "X-A: 1\r\n".repeat(lines);
        let answer = format!("HTTP/1.1 204 No Content\r\n{lines}\r\n");
        let (stub, _asked) = Stub::answering(vec![answer.into()], Then::Close);
        let tap = Tapped::before(stub.address);
        let mut client = tap.client();
        client.send(tap.head("GET /") + "\r\n");
        assert_eq!(client.next(Kind::Answer).status(), status);
    }
}

#[test]
fn a_break_before_the_answer_is_a_reset_and_nothing_is_sent_twice() {
    for then in [Then::Close, Then::Reset] {
        for answer in ["", "HTTP/1.1 200 OK\r\nContent-Le"] {
            let (stub, asked) = Stub::answering(vec![answer.into()], then);
            let tap = Tapped::before(stub.address);
            let mut client = tap.client();
            client.send(tap.head("POST /v1/messages") + "Content-Length: 2\r\n\r\n{}");
            let error = client.answer().unwrap_err();
            assert_eq!(
                error.kind(),
                ErrorKind::ConnectionReset,
                "{then:?} {answer:?}"
            );
            asked.recv_timeout(PATIENCE).unwrap();
            assert!(asked.recv_timeout(Duration::ZERO).is_err());
            assert_eq!(stub.connections(), 1);
        }
    }
}

#[test]
fn a_kept_connection_that_dies_under_a_request_is_a_reset() {
    let (tell, told) = mpsc::channel();
    let tell = Mutex::new(tell);
    let stub = Stub::playing(move |mut peer, _| {
        for n in 0.. {
            let Ok(Some(request)) = wire::message(&mut peer.lines, Kind::Request) else {
                return;
            };
            tell.lock().unwrap().send(request).unwrap();
            if n == 1 {
                return;
            }
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
    });
    let tap = Tapped::before(stub.address);
    let mut client = tap.client();
    let post = tap.head("POST /v1/messages") + "Content-Length: 2\r\n\r\n{}";
    client.send(&post);
    assert_eq!(client.next(Kind::Answer).text(), "ok");
    client.send(&post);
    assert_eq!(
        client.answer().unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
    assert_eq!(told.iter().take(2).count(), 2);
    assert!(told.recv_timeout(Duration::ZERO).is_err(), "sent twice");
    assert_eq!(stub.connections(), 1);
}

#[test]
fn a_kept_connection_that_was_closed_meanwhile_is_not_used() {
    let (tell, told) = mpsc::channel();
    let tell = Mutex::new(tell);
    let stub = Stub::playing(move |mut peer, _| {
        peer.next(Kind::Request);
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        drop(peer);
        tell.lock().unwrap().send(()).unwrap();
    });
    let tap = Tapped::before(stub.address);
    let mut client = tap.client();
    for n in 1..5 {
        client.send(tap.head("POST /v1/messages") + "Content-Length: 2\r\n\r\n{}");
        assert_eq!(client.next(Kind::Answer).text(), "ok");
        told.recv_timeout(PATIENCE).unwrap();
        assert_eq!(stub.connections(), n);
    }
}

#[test]
fn connections_are_kept_and_used_again() {
    let (stub, _asked) = Stub::plain();
    let tap = Tapped::before(stub.address);
    for _ in 0..10 {
        // Also by another client.
        let mut client = tap.client();
        for _ in 0..10 {
            client.send(tap.head("POST /v1/messages") + "Content-Length: 2\r\n\r\n{}");
            assert_eq!(client.next(Kind::Answer).text(), "ok");
        }
    }
    assert_eq!(stub.connections(), 1);
    assert_eq!(tap.unused(), 1);
}

#[test]
fn a_reset_within_the_answer_is_one_for_the_client() {
    for lines in [
        CHUNKED,
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
    ] {
        let (go, gone) = step();
        let lines = lines.to_owned();
        let stub = Stub::playing(move |mut peer, _| {
            peer.next(Kind::Request);
            peer.send(&lines);
            peer.send(if lines.contains("chunked") {
                chunk(b"first")
            } else {
                b"first".to_vec()
            });
            wait(&gone);
            peer.reset();
        });
        let tap = Tapped::before(stub.address);
        let mut client = tap.client();
        client.send(tap.head("POST /v1/messages") + "Content-Length: 2\r\n\r\n{}");
        wire::head(&mut client.lines).unwrap().unwrap();
        let mut first = vec![0; b"5\r\nfirst\r\n".len()];
        client.lines.read_exact(&mut first[..5]).unwrap();
        go.send(()).unwrap();
        let error = std::io::copy(&mut client.lines, &mut std::io::sink()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
}

#[test]
fn an_old_client_sees_a_break_where_only_the_end_would_tell() {
    let pieces = vec![CHUNKED.into(), chunk(b"first")];
    let (stub, _asked) = Stub::answering(pieces, Then::Close);
    let tap = Tapped::before(stub.address);
    let mut client = tap.client();
    client.send(format!("GET / HTTP/1.0\r\nHost: {}\r\n\r\n", tap.address));
    let answer = client.next(Kind::Answer);
    assert_eq!(answer.get("transfer-encoding"), None);
    assert_eq!(answer.ended, Ended::Reset, "{answer:?}");
    // And a whole answer is a whole one.
    let pieces = vec![CHUNKED.into(), chunk(b"first"), b"0\r\n\r\n".to_vec()];
    let (stub, _asked) = Stub::answering(pieces, Then::Keep);
    let tap = Tapped::before(stub.address);
    let mut client = tap.client();
    client.send(format!("GET / HTTP/1.0\r\nHost: {}\r\n\r\n", tap.address));
    let answer = client.next(Kind::Answer);
    assert_eq!(
        (answer.text().as_str(), answer.ended),
        ("first", Ended::Whole)
    );
}

#[test]
fn an_upstream_that_closes_its_way_after_the_answer_has_answered() {
    let (tell, closed) = mpsc::channel();
    let tell = Mutex::new(tell);
    let stub = Stub::playing(move |mut peer, _| {
        peer.next(Kind::Request);
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        peer.half_close();
        tell.lock().unwrap().send(()).unwrap();
        peer.wait_for_the_end();
    });
    let tap = Tapped::before(stub.address);
    let mut client = tap.client();
    for _ in 0..2 {
        client.send(tap.head("GET /") + "\r\n");
        assert_eq!(client.next(Kind::Answer).text(), "ok");
        // Before that the tap may pick this connection again, and tell of a reset.
        closed.recv_timeout(PATIENCE).unwrap();
    }
}

#[test]
fn more_than_was_promised_reaches_nobody() {
    let (stub, _asked) = Stub::answering(
        vec![b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged".to_vec()],
        Then::Keep,
    );
    let tap = Tapped::before(stub.address);
    let mut client = tap.client();
    for n in 1..3 {
        client.send(tap.head("GET /") + "\r\n");
        assert_eq!(client.next(Kind::Answer).text(), "ok");
        // Each time on another connection: one that said too much is not trusted again.
        assert_eq!(stub.connections(), n);
    }
    assert_eq!(tap.unused(), 0);
}

/// A stub that tells when its connection has ended before it could answer.
fn deserted(answer: &'static str) -> (Stub, mpsc::Receiver<&'static str>) {
    let (tell, told) = mpsc::channel();
    let tell = Mutex::new(tell);
    let stub = Stub::playing(move |mut peer, _| {
        peer.next(Kind::Request);
        peer.send(answer);
        tell.lock().unwrap().send("asked").unwrap();
        peer.wait_for_the_end();
        tell.lock().unwrap().send("gone").unwrap();
    });
    (stub, told)
}

#[test]
fn a_client_that_goes_away_is_gone_upstream_at_once() {
    let partial = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n";
    for answer in ["", partial] {
        for half in [false, true] {
            let (stub, told) = deserted(answer);
            let tap = Tapped::before(stub.address);
            let mut client = tap.client();
            client.send(tap.head("POST /v1/messages") + "Content-Length: 2\r\n\r\n{}");
            assert_eq!(told.recv_timeout(PATIENCE).unwrap(), "asked");
            if half {
                // Whoever closes only one way cannot be told from whoever left; leaving is what matters.
                client.half_close();
            } else {
                drop(client);
            }
            assert_eq!(told.recv_timeout(PATIENCE).unwrap(), "gone");
            assert_eq!(tap.unused(), 0);
        }
    }
}

#[test]
fn a_client_that_goes_away_within_its_request_is_gone_upstream() {
    let (tell, told) = mpsc::channel();
    let tell = Mutex::new(tell);
    let stub = Stub::playing(move |mut peer, _| {
        let request = wire::message(&mut peer.lines, Kind::Request);
        let whole = matches!(request, Ok(Some(request)) if request.ended == Ended::Whole);
        tell.lock().unwrap().send(whole).unwrap();
    });
    let tap = Tapped::before(stub.address);
    for lines in [
        "Content-Length: 100\r\n\r\nhalf",
        "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    ] {
        let mut client = tap.client();
        client.send(tap.head("POST /v1/messages") + lines);
        drop(client);
        assert!(
            !told.recv_timeout(PATIENCE).unwrap(),
            "a broken request looked whole"
        );
    }
}

/// A reader that cannot bear a refusal.
struct Fragile;

impl Sink for Fragile {
    fn sample(&self, _: Observation) -> bool {
        true
    }

    fn must(&self, _: Observation) {
        panic!("planted: the reader fails");
    }
}

#[test]
fn a_reader_that_fails_is_counted_and_traffic_goes_on() {
    let error = r#"{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}"#;
    let answer = format!(
        "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{error}",
        error.len()
    );
    let (stub, _asked) = Stub::answering(vec![answer.into()], Then::Keep);
    let upstream = format!("http://{}", stub.address);
    let tap = Tapped::heard_by(&upstream, None, Arc::new(Fragile));
    let mut client = tap.client();
    let ask = r#"{"model":"claude-opus-5-5","max_tokens":1,"messages":[]}"#;
    for n in 1..4 {
        let head = tap.head("POST /v1/messages");
        client.send(format!("{head}Content-Length: {}\r\n\r\n{ask}", ask.len()));
        assert_eq!(client.next(Kind::Answer).text(), error);
        assert!(tap.unheard() >= n);
    }
    assert_eq!(stub.connections(), 1);
}
