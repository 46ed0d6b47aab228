//! A tap that speaks HTTP/2 upstream: the same laws, towards a server that is hyper's.

use super::{
    http2_server::{Server, Told},
    process::{Home, Running},
    rig::{PATIENCE, Peer, Stub},
    wire::{self, Ended, Kind, Message, chunked},
};
use http::Version;
use std::{
    io::{self, Read},
    net::SocketAddr,
    sync::atomic::Ordering::SeqCst,
};

fn tap(upstream: SocketAddr) -> Running {
    let upstream = format!("http://{upstream}/base");
    Running::tap(&Home::new(), &["--upstream", &upstream, "--http2"], &[])
}

fn head(tap: &Running, line: &str) -> String {
    format!("{line} HTTP/1.1\r\nHost: {}\r\n", tap.address)
}

fn get(client: &mut Peer, tap: &Running, path: &str) -> io::Result<Option<Message>> {
    client.send(head(tap, &format!("GET {path}")) + "\r\n");
    client.answer()
}

#[test]
fn what_the_client_sent_arrives_and_comes_back() {
    let server = Server::new(100);
    let tap = tap(server.address);
    let mut client = Peer::to(tap.address);
    let body: Vec<u8> = (0..1_000_000_u32).map(|n| n as u8).collect();
    let odd = "X-Odd-Case: 1\r\nx-odd-case: 2\r\nConnection: x-hop\r\nX-Hop: 1\r\n";
    // With a length.
    client.send(head(&tap, "POST /echo?a=b") + odd + "Content-Length: 1000000\r\n\r\n");
    client.send(&body);
    let answer = client.next(Kind::Answer);
    assert_eq!((answer.status(), answer.ended), (200, Ended::Whole));
    assert!(answer.body == body);
    assert_eq!(answer.all("x-twice"), ["1", "2"]);
    let (asked, size, _) = server.asked();
    assert_eq!((asked.version, size), (Version::HTTP_2, body.len()));
    let target = format!("http://{}/base/echo?a=b", server.address);
    assert_eq!(asked.uri.to_string(), target);
    let values: Vec<_> = asked.headers.get_all("x-odd-case").iter().collect();
    assert_eq!(values, ["1", "2"]);
    assert_eq!(asked.headers["content-length"], "1000000");
    for hop in ["host", "connection", "x-hop", "transfer-encoding"] {
        assert!(!asked.headers.contains_key(hop), "{hop}");
    }
    // In chunks, with trailers.
    let start = head(&tap, "POST /trailers")
        + "TE: trailers\r\nTransfer-Encoding: chunked\r\nTrailer: x-end\r\n\r\n";
    for piece in chunked(&start, &body, 7_000) {
        client.send(piece);
    }
    let answer = client.next(Kind::Answer);
    assert_eq!((answer.text().as_str(), answer.ended), ("ok", Ended::Whole));
    assert_eq!(answer.trailers, [("x-sum".to_owned(), b"1".to_vec())]);
    let (asked, size, _) = server.asked();
    assert_eq!(
        (asked.headers["te"].as_bytes(), size),
        (&b"trailers"[..], body.len())
    );
    // Without any.
    let nothing = get(&mut client, &tap, "/nothing").unwrap().unwrap();
    assert_eq!((nothing.status(), nothing.body.len()), (204, 0));
    assert_eq!(server.connections.load(SeqCst), 1);
    tap.end();
}

#[test]
fn many_share_few_connections_as_far_as_the_server_lets_them() {
    let server = Server::new(10);
    let tap = tap(server.address);
    let clients: Vec<Peer> = (0..25)
        .map(|_| {
            let mut client = Peer::to(tap.address);
            client.send(head(&tap, "GET /for-ever") + "\r\n");
            client
        })
        .collect();
    for _ in &clients {
        server.asked();
    }
    assert_eq!(server.connections.load(SeqCst), 3);
    drop(clients);
    for _ in 0..25 {
        assert!(matches!(
            server.told.recv_timeout(PATIENCE).unwrap(),
            Told::Dropped
        ));
    }
    tap.end();
}

#[test]
fn a_stream_that_is_reset_is_a_reset_for_the_client() {
    let server = Server::new(100);
    let tap = tap(server.address);
    let mut client = Peer::to(tap.address);
    client.send(head(&tap, "GET /broken") + "\r\n");
    let answer = wire::head(&mut client.lines).unwrap().unwrap();
    assert_eq!(answer.status(), 200);
    let mut first = [0; 9];
    client.lines.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"4\r\nhalf\r\n");
    server.cut.notify_one();
    let end = client.lines.read(&mut first).unwrap_err();
    assert_eq!(end.kind(), io::ErrorKind::ConnectionReset);
    // It was one stream's end, not the connection's.
    let mut client = Peer::to(tap.address);
    assert_eq!(
        get(&mut client, &tap, "/fine").unwrap().unwrap().status(),
        200
    );
    assert_eq!(server.connections.load(SeqCst), 1);
    tap.end();
}

#[test]
fn a_client_that_goes_away_is_gone_upstream_at_once() {
    let server = Server::new(100);
    let tap = tap(server.address);
    let mut client = Peer::to(tap.address);
    client.send(head(&tap, "GET /for-ever") + "\r\n");
    server.asked();
    let first = wire::head(&mut client.lines).unwrap().unwrap();
    assert_eq!(first.status(), 200);
    drop(client);
    assert!(matches!(
        server.told.recv_timeout(PATIENCE).unwrap(),
        Told::Dropped
    ));
    tap.end();
}

#[test]
fn a_connection_that_breaks_before_the_answer_is_a_reset_and_nothing_is_sent_twice() {
    let server = Server::new(100);
    let tap = tap(server.address);
    let mut client = Peer::to(tap.address);
    client.send(head(&tap, "POST /never") + "Content-Length: 2\r\n\r\n{}");
    server.asked();
    server.kill.notify_waiters();
    let error = client.answer().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    let mut client = Peer::to(tap.address);
    assert_eq!(
        get(&mut client, &tap, "/fine").unwrap().unwrap().status(),
        200
    );
    let (asked, ..) = server.asked();
    assert_eq!(asked.uri.path(), "/base/fine");
    assert_eq!(server.connections.load(SeqCst), 2);
    tap.end();
}

#[test]
fn an_upstream_that_speaks_http1_only_is_named_and_gets_no_request() {
    let (stub, asked) = Stub::plain();
    let tap = tap(stub.address);
    let mut client = Peer::to(tap.address);
    client.send(head(&tap, "POST /v1/messages") + "Content-Length: 2\r\n\r\n{}");
    let answer = client.next(Kind::Answer);
    assert_eq!(answer.status(), 502);
    let text = answer.text();
    assert!(
        text.contains("HTTP/2 is not spoken there: turn the setting http2 off"),
        "{text}"
    );
    while let Ok(asked) = asked.try_recv() {
        // The preface, as an HTTP/1.1 server reads it.
        let start = asked.start.as_str();
        assert!(["PRI * HTTP/2.0", "SM"].contains(&start), "{asked:?}");
    }
    tap.end();
}

#[test]
fn a_body_that_is_held_back_is_asked_for_by_the_tap() {
    let server = Server::new(100);
    let tap = tap(server.address);
    let mut client = Peer::to(tap.address);
    client.send(head(&tap, "POST /echo") + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    let start = wire::head(&mut client.lines).unwrap().unwrap().start;
    assert_eq!(start, "HTTP/1.1 100 Continue");
    client.send("hi");
    assert_eq!(client.next(Kind::Answer).text(), "hi");
    let (_, size, _) = server.asked();
    assert_eq!(size, 2);
    tap.end();
}

#[test]
fn the_simulator_speaks_it_too() {
    let home = Home::new();
    let broken = home.file(
        "cuts.toml",
        "about = \"Cut streams.\"\n[[faults]]\nkind = \"cut\"\nshare = 1.0\nafter_tokens = 8\nmodels = [\"claude-haiku-5-5\"]\n",
        0o600,
    );
    let sim = Running::sim(&home, &["--scenario", &broken]);
    let upstream = format!("http://{}", sim.address);
    let tap = Running::tap(&home, &["--upstream", &upstream, "--http2"], &[]);
    let mut client = Peer::to(tap.address);
    let mut call = |model: &str, stream: bool| {
        let body = format!(
            r#"{{"model":"{model}","max_tokens":40,"stream":{stream},"messages":[{{"role":"user","content":"Say hello."}}]}}"#
        );
        client.send(
            head(&tap, "POST /v1/messages")
                + "x-api-key: sk-ant-api03-ratetop-sim\r\nanthropic-version: 2023-06-01\r\n"
                + &format!("Content-Length: {}\r\n\r\n{body}", body.len()),
        );
        client.answer()
    };
    let whole = call("claude-haiku-4-5", false).unwrap().unwrap();
    assert_eq!((whole.status(), whole.ended), (200, Ended::Whole));
    assert!(whole.text().contains("\"output_tokens\""), "{whole:?}");
    assert!(
        whole
            .get("anthropic-ratelimit-requests-remaining")
            .is_some()
    );
    let streamed = call("claude-haiku-4-5", true).unwrap().unwrap();
    assert!(
        streamed.text().contains("event: message_stop\n"),
        "{streamed:?}"
    );
    let cut = call("claude-haiku-5-5", true).unwrap().unwrap();
    assert_eq!((cut.status(), cut.ended), (200, Ended::Reset));
    tap.end();
    sim.end();
}
