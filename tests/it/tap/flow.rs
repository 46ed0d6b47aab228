//! Bodies flow both ways as they come, and as fast as whoever takes them.

use super::{
    rig::{PATIENCE, Peer, Stub, Tapped, step, wait},
    wire::{self, Ended, Kind, chunk},
};
use std::{
    io::{ErrorKind, Read, Write},
    sync::{Mutex, mpsc},
    time::Duration,
};

const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/// The next data of a chunked body.
fn next_chunk(peer: &mut Peer) -> Vec<u8> {
    let mut size = Vec::new();
    while !size.ends_with(b"\r\n") {
        let mut byte = [0];
        peer.lines.read_exact(&mut byte).unwrap();
        size.push(byte[0]);
    }
    let size = usize::from_str_radix(std::str::from_utf8(&size).unwrap().trim(), 16).unwrap();
    let mut data = vec![0; size + 2];
    peer.lines.read_exact(&mut data).unwrap();
    data.truncate(size);
    data
}

/// Writes until nobody takes more for a while, and tells how much was taken. On a slow machine it
/// ends earlier: what is asserted of it is only that it is little.
fn write_until_held_back(peer: &mut Peer, body: &[u8]) -> usize {
    peer.out
        .set_write_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    let mut sent = 0;
    while sent < body.len() {
        match peer
            .out
            .write(&body[sent..body.len().min(sent + (1 << 16))])
        {
            Ok(n) => sent += n,
            Err(error) => {
                assert!(matches!(
                    error.kind(),
                    ErrorKind::WouldBlock | ErrorKind::TimedOut
                ));
                break;
            }
        }
    }
    peer.out.set_write_timeout(Some(PATIENCE)).unwrap();
    sent
}

#[test]
fn nothing_waits_for_more_in_either_direction() {
    let (go, gone) = step();
    let (tell, told) = mpsc::channel();
    let tell = Mutex::new(tell);
    let stub = Stub::playing(move |mut peer, _| {
        wire::head(&mut peer.lines).unwrap().unwrap();
        for _ in 0..3 {
            tell.lock().unwrap().send(next_chunk(&mut peer)).unwrap();
        }
        next_chunk(&mut peer);
        // An answer whose head comes long before its body, and that in pieces.
        wait(&gone);
        peer.send(CHUNKED);
        for piece in ["one", "two"] {
            wait(&gone);
            peer.send(chunk(piece.as_bytes()));
        }
        peer.send("0\r\n\r\n");
    });
    let tap = Tapped::before(stub.address);
    let mut client = tap.client();
    client.send(tap.head("POST /v1/messages") + "Transfer-Encoding: chunked\r\n\r\n");
    for piece in [b"aaa".as_slice(), b"b", b"cc"] {
        client.send(chunk(piece));
        // It is there before anything follows.
        assert_eq!(told.recv_timeout(PATIENCE).unwrap(), piece);
    }
    client.send("0\r\n\r\n");
    go.send(()).unwrap();
    wire::head(&mut client.lines).unwrap().unwrap();
    for piece in [b"one", b"two"] {
        go.send(()).unwrap();
        assert_eq!(next_chunk(&mut client), piece);
    }
    assert_eq!(next_chunk(&mut client), b"");
}

#[test]
fn a_slow_client_holds_upstream_back() {
    const MOST: usize = 64 << 20;
    let (go, gone) = step();
    let (tell, told) = mpsc::channel();
    let tell = Mutex::new(tell);
    let stub = Stub::playing(move |mut peer, _| {
        peer.next(Kind::Request);
        peer.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {MOST}\r\n\r\n"));
        let body = vec![7; MOST];
        let sent = write_until_held_back(&mut peer, &body);
        tell.lock().unwrap().send(sent).unwrap();
        wait(&gone);
        peer.out.write_all(&body[sent..]).unwrap();
    });
    let tap = Tapped::before(stub.address);
    let mut client = tap.client();
    client.send(tap.head("GET /") + "\r\n");
    let before = told.recv_timeout(PATIENCE).unwrap();
    assert!(
        before < MOST / 2,
        "{before} bytes were taken ahead of the client"
    );
    go.send(()).unwrap();
    let answer = client.next(Kind::Answer);
    assert_eq!((answer.body.len(), answer.ended), (MOST, Ended::Whole));
}

#[test]
fn a_slow_upstream_holds_the_client_back() {
    const MOST: usize = 64 << 20;
    // Of no length that buffers have, so that no block is lost, doubled or swapped unseen.
    let turn: Vec<u8> = (0..251).collect();
    let mut body = turn.repeat(MOST / turn.len() + 1);
    body.truncate(MOST);
    let expected = body.clone();
    let (go, gone) = step();
    let stub = Stub::playing(move |mut peer, _| {
        wire::head(&mut peer.lines).unwrap().unwrap();
        // The request is here, and nothing of its body is read before the client says so.
        wait(&gone);
        let mut came = vec![0; MOST];
        peer.lines.read_exact(&mut came).unwrap();
        assert!(came == expected, "the body came as another one");
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nall");
    });
    let tap = Tapped::before(stub.address);
    let mut client = tap.client();
    let length = format!("Content-Length: {MOST}\r\n\r\n");
    client.send(tap.head("POST /v1/messages") + &length);
    let before = write_until_held_back(&mut client, &body);
    // What was taken lies in the sockets' buffers or in the tap: so much is all it can hold.
    assert!(
        before < MOST / 2,
        "{before} bytes were taken ahead of upstream"
    );
    go.send(()).unwrap();
    client.out.write_all(&body[before..]).unwrap();
    assert_eq!(client.next(Kind::Answer).text(), "all");
}

#[test]
fn an_answer_before_the_end_of_the_request_reaches_the_client() {
    // Refused early, as a gateway does with what is too large, and not read any further.
    let stub = Stub::playing(|mut peer, _| {
        wire::head(&mut peer.lines).unwrap().unwrap();
        peer.send("HTTP/1.1 413 Payload Too Large\r\nContent-Length: 3\r\n\r\nbig");
        peer.half_close();
        peer.wait_for_the_end();
    });
    let tap = Tapped::before(stub.address);
    let mut client = tap.client();
    client.send(tap.head("POST /v1/messages") + "Content-Length: 1000000\r\n\r\nonly a little");
    let answer = client.next(Kind::Answer);
    assert_eq!((answer.status(), answer.text().as_str()), (413, "big"));
}

#[test]
fn both_ways_flow_at_the_same_time() {
    let stub = Stub::playing(|mut peer, _| {
        wire::head(&mut peer.lines).unwrap().unwrap();
        peer.send(CHUNKED);
        // An echo: each piece comes back before the next is sent.
        loop {
            let piece = next_chunk(&mut peer);
            if piece.is_empty() {
                break;
            }
            peer.send(chunk(&piece));
        }
        peer.send("0\r\n\r\n");
        peer.wait_for_the_end();
    });
    let tap = Tapped::before(stub.address);
    let mut client = tap.client();
    client.send(tap.head("POST /echo") + "Transfer-Encoding: chunked\r\n\r\n");
    wire::head(&mut client.lines).unwrap().unwrap();
    for piece in [b"one".as_slice(), b"two", &vec![9; 40_000]] {
        client.send(chunk(piece));
        let mut back = Vec::new();
        while back.len() < piece.len() {
            back.extend(next_chunk(&mut client));
        }
        assert_eq!(back, piece);
    }
    client.send("0\r\n\r\n");
    assert_eq!(next_chunk(&mut client), b"");
}

#[test]
fn expect_100_continue_asks_upstream() {
    // One that wants the body,
    let expects = "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n";
    let stub = Stub::playing(|mut peer, _| {
        let head = wire::head(&mut peer.lines).unwrap().unwrap();
        assert_eq!(head.get("expect").as_deref(), Some("100-continue"));
        peer.send("HTTP/1.1 100 Continue\r\n\r\n");
        let mut body = [0; 2];
        peer.lines.read_exact(&mut body).unwrap();
        assert_eq!(&body, b"hi");
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        peer.wait_for_the_end();
    });
    let tap = Tapped::before(stub.address);
    let mut client = tap.client();
    client.send(tap.head("POST /v1/messages") + expects);
    let start = wire::head(&mut client.lines).unwrap().unwrap().start;
    assert_eq!(start, "HTTP/1.1 100 Continue");
    client.send("hi");
    assert_eq!(client.next(Kind::Answer).text(), "ok");
    // and one that refuses without it.
    let stub = Stub::playing(|mut peer, _| {
        wire::head(&mut peer.lines).unwrap().unwrap();
        peer.send("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno");
        peer.wait_for_the_end();
    });
    let tap = Tapped::before(stub.address);
    let mut client = tap.client();
    client.send(tap.head("POST /v1/messages") + expects);
    let answer = client.next(Kind::Answer);
    assert_eq!((answer.status(), answer.informed.len()), (401, 0));
}
