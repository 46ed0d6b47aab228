//! What must not pass, as bytes on a socket.

use super::{
    afterwards::Afterwards,
    rig::{PATIENCE, Stub, Tapped},
    wire::Kind,
};
use rstest::rstest;

#[rstest]
#[case::length_then_chunks(
    "POST /a HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /b HTTP/1.1\r\n\r\n",
    400
)]
#[case::chunks_then_length(
    "POST /a HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    400
)]
#[case::two_lengths(
    "POST /a HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    400
)]
#[case::two_lengths_in_a_line(
    "POST /a HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5, 5\r\n\r\nhello",
    400
)]
#[case::signed_length(
    "POST /a HTTP/1.1\r\nHost: {host}\r\nContent-Length: +5\r\n\r\nhello",
    400
)]
#[case::negative_length("POST /a HTTP/1.1\r\nHost: {host}\r\nContent-Length: -5\r\n\r\n", 400)]
#[case::length_in_hex(
    "POST /a HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0x5\r\n\r\nhello",
    400
)]
#[case::chunks_not_last(
    "POST /a HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    400
)]
#[case::unknown_coding(
    "POST /a HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    400
)]
#[case::old_with_chunks(
    "POST /a HTTP/1.0\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    400
)]
#[case::bad_chunk_size(
    "POST /a HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
    400
)]
#[case::chunk_size_too_large(
    "POST /a HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello\r\n",
    400
)]
#[case::chunk_without_end(
    "POST /a HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n",
    400
)]
#[case::folded_line("GET /a HTTP/1.1\r\nHost: {host}\r\nX-A: b\r\n c\r\n\r\n", 400)]
#[case::folded_first_line("GET /a HTTP/1.1\r\n Host: {host}\r\n\r\n", 400)]
#[case::space_before_colon(
    "POST /a HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    400
)]
#[case::nul("GET /a HTTP/1.1\r\nHost: {host}\r\nX-A: b\0c\r\n\r\n", 400)]
#[case::no_name("GET /a HTTP/1.1\r\nHost: {host}\r\n: b\r\n\r\n", 400)]
#[case::two_hosts("GET /a HTTP/1.1\r\nHost: {host}\r\nHost: evil.example\r\n\r\n", 403)]
#[case::no_host("GET /a HTTP/1.1\r\n\r\n", 403)]
#[case::old_without_host("GET /a HTTP/1.0\r\n\r\n", 403)]
#[case::foreign_host("GET /a HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403)]
#[case::absolute("GET http://{host}/a HTTP/1.1\r\nHost: {host}\r\n\r\n", 400)]
#[case::absolute_elsewhere("GET http://evil.example/ HTTP/1.1\r\nHost: {host}\r\n\r\n", 400)]
#[case::connect("CONNECT evil.example:443 HTTP/1.1\r\nHost: {host}\r\n\r\n", 405)]
#[case::websocket(
    "GET /a HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    501
)]
#[case::pipelined_behind_a_body(
    "POST /a HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\nX: \r\nContent-Length: 1\r\n\r\n0\r\n\r\n",
    400
)]
fn is_refused(#[case] bytes: &str, #[case] status: u16) {
    let upstream = Afterwards::new();
    let tap = Tapped::before(upstream.address);
    let mut client = tap.client();
    client.send(bytes.replace("{host}", &tap.address.to_string()));
    let answer = client.next(Kind::Answer);
    assert_eq!(answer.status(), status, "{answer:?}");
    if !answer.body.is_empty() {
        let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        let message = body["error"]["message"].as_str().unwrap();
        assert!(message.starts_with("ratetop tap: "), "{message}");
        assert_eq!(answer.get("x-ratetop-tap").as_deref(), Some("refused"));
    }
    // No answer of ours may be read by a page of another site.
    assert_eq!(answer.get("access-control-allow-origin"), None);
    // A body that turns out bad on its way was begun upstream, but never ends there.
    drop(client);
    assert_eq!(upstream.what_passed(tap), []);
}

#[test]
fn another_protocol_gets_no_answer() {
    let upstream = Afterwards::new();
    let tap = Tapped::before(upstream.address);
    for bytes in [
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\x16\x03\x01\x02\0\x01\0\x01",
    ] {
        let mut client = tap.client();
        client.send(bytes).half_close();
        client.wait_for_the_end();
    }
    assert_eq!(upstream.what_passed(tap), []);
}

#[test]
fn a_chunked_request_behind_another_is_refused_and_plain_ones_are_answered_in_order() {
    let (stub, asked) = Stub::plain();
    let tap = Tapped::before(stub.address);
    let mut client = tap.client();
    let get = |path: &str| format!("{}\r\n", tap.head(&format!("GET {path}")));
    client.send(get("/1") + &get("/2") + &get("/3"));
    for path in ["/1", "/2", "/3"] {
        assert_eq!(client.next(Kind::Answer).text(), "ok");
        let asked = asked.recv_timeout(PATIENCE).unwrap();
        assert_eq!(asked.start, format!("GET {path} HTTP/1.1"));
    }
    let chunked = format!(
        "{}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        tap.head("POST /4")
    );
    // By itself it passes, as often as it comes.
    for _ in 0..2 {
        client.send(&chunked);
        assert_eq!(client.next(Kind::Answer).text(), "ok");
        assert!(
            asked
                .recv_timeout(PATIENCE)
                .unwrap()
                .start
                .starts_with("POST /4")
        );
    }
    // Sent together with the one before, nobody can tell where its head began.
    let post = format!("{}Content-Length: 2\r\n\r\nhi", tap.head("POST /5"));
    client.send(post + &chunked);
    assert_eq!(client.next(Kind::Answer).text(), "ok");
    assert_eq!(client.next(Kind::Answer).status(), 400);
    assert_eq!(tap.counted().refused, 1);
}

#[test]
fn a_token_opens_the_way_and_stays_here() {
    let (stub, asked) = Stub::plain();
    let upstream = format!("http://{}", stub.address);
    let tap = Tapped::at(&upstream, Some("planted-token-0123456789"));
    let mut client = tap.client();
    for (line, header, path) in [
        (
            "GET /t/planted-token-0123456789/v1/models?a=b",
            "",
            "/v1/models?a=b",
        ),
        (
            "GET /v1/models",
            "X-Ratetop-Token: planted-token-0123456789\r\n",
            "/v1/models",
        ),
    ] {
        client.send(format!("{}{header}\r\n", tap.head(line)));
        assert_eq!(client.next(Kind::Answer).status(), 200);
        let asked = asked.recv_timeout(PATIENCE).unwrap();
        assert_eq!(asked.start, format!("GET {path} HTTP/1.1"));
        assert!(!format!("{asked:?}").contains("planted"));
    }
    for (line, header) in [
        ("GET /v1/models", ""),
        (
            "GET /v1/models",
            "X-Ratetop-Token: planted-token-012345678\r\n",
        ),
        ("GET /t/wrong/v1/models", ""),
    ] {
        client.send(format!("{}{header}\r\n", tap.head(line)));
        let refused = client.next(Kind::Answer);
        assert_eq!(refused.status(), 401);
        assert!(!refused.text().contains("planted"), "{}", refused.text());
    }
    // The next that upstream sees is the next that may pass.
    client.send(format!(
        "{}\r\n",
        tap.head("GET /t/planted-token-0123456789/next")
    ));
    assert_eq!(client.next(Kind::Answer).status(), 200);
    let next = asked.recv_timeout(PATIENCE).unwrap();
    assert_eq!(next.start, "GET /next HTTP/1.1");
}

#[rstest]
#[case::quote("GET /a?b=\"c\" HTTP/1.1\r\nHost: {host}\r\n\r\n", 400)]
#[case::less("GET /a?b<c HTTP/1.1\r\nHost: {host}\r\n\r\n", 400)]
#[case::greater("GET /a?b>c HTTP/1.1\r\nHost: {host}\r\n\r\n", 400)]
#[case::lines("GET /a HTTP/1.1\r\nHost: {host}\r\n{100 lines}\r\n", 431)]
fn what_is_no_target_and_a_head_of_too_many_lines_get_a_bare_answer(
    #[case] request: &str,
    #[case] status: u16,
) {
    let (stub, asked) = Stub::plain();
    let tap = Tapped::before(stub.address);
    let lines = |count: usize| "X-A: 1\r\n".repeat(count);
    let request = request.replace("{host}", &tap.address.to_string());
    let mut client = tap.client();
    client.send(request.replace("{100 lines}", &lines(100)));
    let answer = client.next(Kind::Answer);
    assert_eq!((answer.status(), answer.body.len()), (status, 0));
    // One line less passes.
    let mut client = tap.client();
    let host = tap.address;
    client.send(format!(
        "GET /a HTTP/1.1\r\nHost: {host}\r\n{}\r\n",
        lines(99)
    ));
    assert_eq!(client.next(Kind::Answer).status(), 200);
    // The first that upstream saw, as its answer came after it was told.
    assert_eq!(asked.recv_timeout(PATIENCE).unwrap().all("x-a").len(), 99);
}
