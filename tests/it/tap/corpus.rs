//! Transparency: the same exchange with and without the tap, compared byte for byte.

use super::{
    rig::{PATIENCE, Peer, Stub, Tapped, Then},
    wire::{self, Kind, Message, chunked, cut},
};
use std::{io::Write, net::SocketAddr, time::Duration};

const ASK: &str = "GET /v1/models HTTP/1.1\r\nHost: {host}\r\n\r\n";
const SSE: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"claude-opus-5-5\",\"usage\":{\"input_tokens\":3}}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"Grüße, 世界 🦀\"}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

/// Both messages of an exchange; neither where the connection broke before a head.
type Exchange = (Option<Message>, Option<Message>);

/// Plays an exchange at `address`, where `stub` stands or a tap before it.
fn play(address: SocketAddr, asked: &[Vec<u8>], kind: Kind) -> Option<Message> {
    let mut client = Peer::to(address);
    let mut out = client.out.try_clone().unwrap();
    let host = address.to_string();
    let mut asked = asked.to_vec();
    let first = String::from_utf8_lossy(&asked[0]).replace("{host}", &host);
    if asked[0].windows(6).any(|part| part == b"{host}") {
        asked[0] = first.into_bytes();
    }
    // An upstream that answers early may not read to the end.
    let writing =
        std::thread::spawn(move || asked.iter().try_for_each(|piece| out.write_all(piece)));
    let answer = wire::message(&mut client.lines, kind);
    let _ = writing.join().unwrap();
    match answer {
        Ok(answer) => answer,
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => None,
        Err(error) => panic!("{error}"),
    }
}

/// Without what belongs to one hop: the host, how the body was framed, what becomes of the connection.
/// Order is kept within each name.
fn of_any_hop(message: Option<Message>) -> Option<Message> {
    let mut message = message?;
    message.headers.retain(|(name, _)| {
        let hop = [
            "host",
            "connection",
            "keep-alive",
            "transfer-encoding",
            "te",
        ];
        !hop.contains(&name.to_ascii_lowercase().as_str())
    });
    // The version is of one hop too, and a reason may be empty but not missing.
    message.start = message.start.replacen("HTTP/1.0", "HTTP/1.1", 1);
    message.start = message.start.trim_end().to_owned();
    message
        .headers
        .sort_by_key(|(name, _)| name.to_ascii_lowercase());
    Some(message)
}

fn both(asked: &[Vec<u8>], answer: &[Vec<u8>], then: Then, kind: Kind) -> (Exchange, Exchange) {
    let run = |tapped: bool| {
        let (stub, requests) = Stub::answering(answer.to_vec(), then);
        let tap = tapped.then(|| Tapped::before(stub.address));
        let address = tap.as_ref().map_or(stub.address, |tap| tap.address);
        let answer = play(address, asked, kind);
        let Ok(request) = requests.recv_timeout(PATIENCE) else {
            panic!("nothing was passed on, and {answer:?} came");
        };
        assert!(requests.recv_timeout(Duration::ZERO).is_err(), "sent twice");
        (of_any_hop(Some(request)), of_any_hop(answer))
    };
    (run(false), run(true))
}

/// The exchange is the same with and without the tap.
fn same(name: &str, asked: &[Vec<u8>], answer: &[Vec<u8>], then: Then, kind: Kind) {
    let (direct, tapped) = both(asked, answer, then, kind);
    let short = |exchange: &Exchange| {
        let text = format!("{exchange:?}");
        text.chars().take(3_000).collect::<String>()
    };
    assert!(
        direct == tapped,
        "{name}\ndirect {}\ntapped {}",
        short(&direct),
        short(&tapped)
    );
}

fn same_answer(name: &str, answer: &[Vec<u8>]) {
    let asked = [ASK.as_bytes().to_vec()];
    same(name, &asked, answer, Then::Keep, Kind::Answer);
}

fn same_request(name: &str, asked: &[Vec<u8>]) {
    let answer = [b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_vec()];
    same(name, asked, &answer, Then::Keep, Kind::Answer);
}

/// Bytes that no encoder likes.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut dice = fastrand::Rng::with_seed(seed);
    let mut bytes = vec![0; length];
    dice.fill(&mut bytes);
    bytes
}

fn head(lines: &str, length: usize) -> String {
    format!("HTTP/1.1 200 OK\r\n{lines}Content-Length: {length}\r\n\r\n")
}

#[test]
fn bodies_in_pieces_of_every_size() {
    let body = noise(3_000, 1);
    for size in [1, 2, 7, 1_000, 100_000] {
        let answer = cut(&head("", body.len()), &body, size);
        same_answer(&format!("length, cut at {size}"), &answer);
        let lines = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        same_answer(&format!("chunks of {size}"), &chunked(lines, &body, size));
    }
    let body = noise(5_000_000, 2);
    for size in [1 << 10, 1 << 16, 1 << 20] {
        let lines = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        same_answer(&format!("chunks of {size}"), &chunked(lines, &body, size));
        let answer = cut(&head("", body.len()), &body, size);
        same_answer(&format!("length, cut at {size}"), &answer);
    }
    let seeds = 0..20;
    for seed in seeds {
        let mut dice = fastrand::Rng::with_seed(seed);
        let body = noise(dice.usize(0..4_000), seed);
        let lines = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let whole = chunked(lines, &body, dice.usize(1..900)).concat();
        let pieces = cut("", &whole, dice.usize(1..900));
        same_answer(&format!("chunks cut anywhere, seed {seed}"), &pieces);
    }
}

#[test]
fn streams_of_events_cut_anywhere() {
    for (ends, text) in [("LF", SSE.to_owned()), ("CRLF", SSE.replace('\n', "\r\n"))] {
        let lines = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n";
        for size in [1, 3, 100, 10_000] {
            // A size of 1 and 3 cuts within characters of 2, 3 and 4 bytes.
            let answer = chunked(lines, text.as_bytes(), size);
            same_answer(&format!("{ends} in chunks of {size}"), &answer);
        }
    }
}

#[test]
fn compressed_bodies_are_untouched() {
    // They are not even valid, and that is nobody's business here.
    for encoding in ["gzip", "br", "zstd", "deflate", "gzip, br", "unheard-of"] {
        let body = noise(2_000, 3);
        let lines = format!("Content-Encoding: {encoding}\r\nVary: accept-encoding\r\n");
        same_answer(encoding, &cut(&head(&lines, body.len()), &body, 333));
    }
}

#[test]
fn heads_keep_case_values_duplicates_and_order() {
    let lines = "X-ODD-Case: 1\r\nx-odd-case: 2\r\nX-Odd-Case: 1\r\nset-cookie: a=1; Path=/\r\nSet-Cookie: b=2\r\nSET-COOKIE: a=3\r\nanthropic-ratelimit-requests-remaining: 0\r\nRetry-After: 17\r\nx-empty:\r\nx-spaces:   a  b   \r\nDate: Tue, 24 Nov 2026 12:00:00 GMT\r\nServer: cloudflare\r\n";
    same_answer("an answer's head", &cut(&head(lines, 2), b"{}", 40));
    let mut odd = b"HTTP/1.1 200 OK\r\nx-bytes: \xe4\xf6\xfc \x80\xff\r\n".to_vec();
    odd.extend_from_slice(b"content-length: 0\r\n\r\n");
    same_answer("values beyond ASCII", &[odd]);
    let none = [b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec()];
    let (_, (_, answer)) = both(&[ASK.as_bytes().to_vec()], &none, Then::Keep, Kind::Answer);
    let names: Vec<String> = answer.unwrap().headers.into_iter().map(|it| it.0).collect();
    assert_eq!(
        names,
        ["content-length"],
        "nothing is added, not even a date"
    );
}

#[test]
fn statuses_and_their_reasons() {
    for start in [
        "429 Too Many Requests",
        "429 Slow Down, Please",
        "529 Overloaded",
        "529",
        "299 Odd",
        "404 not found at all",
        "301 Moved Permanently",
        "500 Internal Server Error",
        "999 Beyond",
    ] {
        let answer = format!("HTTP/1.1 {start}\r\nLocation: /x\r\nContent-Length: 5\r\n\r\nerror");
        same_answer(start, &[answer.into_bytes()]);
    }
}

#[test]
fn answers_without_a_body() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 1234\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ] {
        same_answer(answer, &[answer.as_bytes().to_vec()]);
    }
    let asked = [b"HEAD /v1/models HTTP/1.1\r\nHost: {host}\r\n\r\n".to_vec()];
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nX-A: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX-A: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 1234\r\n\r\n",
    ] {
        let pieces = [answer.as_bytes().to_vec()];
        same(answer, &asked, &pieces, Then::Keep, Kind::BareAnswer);
    }
}

#[test]
fn answers_that_end_with_their_connection() {
    let asked = [ASK.as_bytes().to_vec()];
    let body = noise(70_000, 4);
    for start in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.0 200 OK\r\nx: y\r\n\r\n"] {
        same(
            start,
            &asked,
            &cut(start, &body, 999),
            Then::Close,
            Kind::Answer,
        );
    }
    let close = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";
    same(close, &asked, &[close.into()], Then::Close, Kind::Answer);
}

#[test]
fn what_breaks_off_breaks_off_as_it_did() {
    let asked = [ASK.as_bytes().to_vec()];
    let length = head("", 100);
    let chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let cases: [(&str, Vec<Vec<u8>>); 5] = [
        ("length, nothing came", vec![length.clone().into_bytes()]),
        ("length, half came", cut(&length, &[b'x'; 50], 70)),
        ("no chunk", vec![chunks.into()]),
        (
            "two chunks",
            vec![chunks.into(), wire::chunk(b"one"), wire::chunk(b"two")],
        ),
        (
            "within a chunk",
            vec![chunks.into(), b"ff\r\nhalf".to_vec()],
        ),
    ];
    for (name, pieces) in &cases {
        same(name, &asked, pieces, Then::Close, Kind::Answer);
    }
    for (name, pieces) in &cases {
        let (direct, tapped) = both(&asked, pieces, Then::Reset, Kind::Answer);
        // A reset may overtake what was sent before it, so only the end must be the same.
        for exchange in [direct, tapped] {
            let ended = exchange.1.map(|answer| answer.ended);
            assert_ne!(ended, Some(wire::Ended::Whole), "{name}");
            assert_ne!(ended, Some(wire::Ended::Closed), "{name}");
        }
    }
}

#[test]
fn trailers_pass_to_clients_that_take_them() {
    let asked =
        [b"GET /x HTTP/1.1\r\nHost: {host}\r\nTE: trailers\r\nConnection: TE\r\n\r\n".to_vec()];
    let answer = [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-checksum\r\n\r\n2\r\nok\r\n0\r\nx-checksum: abc\r\n\r\n".to_vec()];
    same(
        "an answer's trailers",
        &asked,
        &answer,
        Then::Keep,
        Kind::Answer,
    );
    let (_, (request, answer)) = both(&asked, &answer, Then::Keep, Kind::Answer);
    assert_eq!(
        answer.unwrap().trailers,
        [("x-checksum".into(), b"abc".to_vec())]
    );
    assert!(request.is_some());
    let asked = [b"POST /x HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\nTrailer: x-checksum\r\n\r\n2\r\nok\r\n0\r\nx-checksum: abc\r\n\r\n".to_vec()];
    same_request("a request's trailers", &asked);
}

#[test]
fn requests_of_every_kind() {
    let post = |lines: &str, body: &[u8]| {
        let head = format!(
            "POST /v1/messages?beta=true HTTP/1.1\r\nHost: {{host}}\r\n{lines}Content-Length: {}\r\n\r\n",
            body.len()
        );
        [head.as_bytes(), body].concat()
    };
    let json = br#"{"model":"claude-opus-5-5","max_tokens":9,"messages":[]}"#;
    let lines = "X-Api-Key: sk-ant-api03-x\r\nanthropic-version: 2023-06-01\r\nUser-Agent: Anthropic/Python 2.12.0\r\nX-Stainless-Retry-Count: 1\r\nAccept-Encoding: gzip, br\r\nx-dup: 2\r\nX-DUP: 1\r\nContent-Type: application/json\r\n";
    same_request("a call", &[post(lines, json)]);
    same_request("an empty body", &[post("", b"")]);
    let get = |line: &str| vec![format!("{line} HTTP/1.1\r\nHost: {{host}}\r\n\r\n").into_bytes()];
    for line in [
        "GET /v1/models/../x%2F%2e//\"{|}?a=b%20c&&d='{|}^`[]\\?/?:@",
        "GET /café?q=世界",
        "GET /",
        "DELETE /v1/files/file_1",
        "OPTIONS /v1/messages",
        "OPTIONS *",
        "PURGE /x",
        "PATCH /x?",
        "POST /without/a/body",
        "PUT /x",
    ] {
        same_request(line, &get(line));
    }
    let body = noise(2_000_000, 5);
    let head = "POST /v1/files HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n";
    for size in [1_000, 1 << 20] {
        same_request(&format!("chunks of {size}"), &chunked(head, &body, size));
    }
    same_request("chunks of 1", &chunked(head, &noise(300, 6), 1));
    let head = format!(
        "PUT /x HTTP/1.1\r\nHost: {{host}}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    for size in [777, 1 << 16] {
        let mut pieces = vec![head.clone().into_bytes()];
        pieces.extend(body.chunks(size).map(<[u8]>::to_vec));
        same_request(&format!("length, cut at {size}"), &pieces);
    }
    let head = "GET /with/a/body HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n";
    same_request("a body where few expect one", &chunked(head, b"hello", 2));
    let head = "GET /with/a/body HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\n\r\nhello";
    same_request("the same with a length", &[head.into()]);
    let old =
        "POST /x HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";
    same_request("a connection for one request", &[old.into()]);
}

#[test]
fn heads_of_64_kb_pass_both_ways() {
    let long = "v".repeat(60_000);
    let asked = format!("GET /x HTTP/1.1\r\nHost: {{host}}\r\nX-Long: {long}\r\n\r\n");
    let answer = cut(&head(&format!("X-Long: {long}\r\n"), 2), b"ok", 5_000);
    let pieces = cut("", asked.as_bytes(), 9_000);
    // The host stands in the first piece.
    same("one long line", &pieces, &answer, Then::Keep, Kind::Answer);
    let many: Vec<String> = (0..95)
        .map(|n| format!("X-Many-{n}: {}\r\n", "v".repeat(650)))
        .collect();
    let many = many.concat();
    let asked = format!("GET /x HTTP/1.1\r\nHost: {{host}}\r\n{many}\r\n");
    let answer = cut(&head(&many, 2), b"ok", 5_000);
    same(
        "many lines",
        &[asked.into()],
        &answer,
        Then::Keep,
        Kind::Answer,
    );
}

#[test]
fn a_path_of_the_upstream_stands_in_front() {
    let (stub, asked) = Stub::plain();
    let tap = Tapped::at(
        &format!("http://localhost:{}/anthropic/", stub.address.port()),
        None,
    );
    let mut client = tap.client();
    client.send(format!("{}\r\n", tap.head("GET /v1/models?limit=1")));
    assert_eq!(client.next(Kind::Answer).text(), "ok");
    let asked = asked.recv_timeout(PATIENCE).unwrap();
    assert_eq!(asked.start, "GET /anthropic/v1/models?limit=1 HTTP/1.1");
    let host = format!("localhost:{}", stub.address.port());
    assert_eq!(asked.all("host"), [host]);
}
