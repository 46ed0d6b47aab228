//! Secrets planted wherever a client and an upstream may put them, and everything that ratetop writes
//! while they pass: no screen, answer of a port, output or file has one of them.

use super::{
    admin::admin_of,
    process::{Home, Running},
    rig::{Peer, Stub},
    wire::{self, Kind, Message},
};
use crate::pty::{RATETOP, Seen, Terminal};
use std::{
    io::{Read, Write},
    net::SocketAddr,
    path::Path,
};

/// Part of every secret.
const PLANTED: &str = "planted";
/// Everything that anybody would log, libraries too.
const LOG: &str = "trace,ratetop=trace";
const OWN: &str = "sk-ant-api03-PlantedOwn";
const ADMIN: &str = "sk-ant-admin01-PlantedAdmin";

/// One request and what it is answered.
struct Case {
    status: u16,
    stream: bool,
    encoding: Option<&'static str>,
    /// What the answer says: a body, or the events of a stream.
    says: String,
}

fn error(kind: &str, message: &str) -> String {
    let error = serde_json::json!({"type": kind, "message": message});
    serde_json::json!({"type": "error", "error": error, "request_id": "req_1"}).to_string()
}

fn delta(kind: &str, field: &str, text: &str) -> String {
    let delta = serde_json::json!({"type": kind, field: text});
    let data = serde_json::json!({"type": "content_block_delta", "index": 0, "delta": delta});
    format!("event: content_block_delta\ndata: {data}\n\n")
}

/// Whole answers, streams, streams that fail, and refusals that repeat what they were sent.
fn cases() -> Vec<Case> {
    let begun = [
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":5}}}\n\n".to_owned(),
        delta("text_delta", "text", "PlantedReply"),
        delta("thinking_delta", "thinking", "PlantedThinking"),
        delta("input_json_delta", "partial_json", "{\"a\":\"PlantedTool\"}"),
    ]
    .concat();
    let end = "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":7}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    let quoting = "messages.0: PlantedPrompt is no text, PlantedSystem neither";
    let leaking = "the key sk-ant-api03-PlantedKey has had too much, as has Bearer PlantedBearer";
    let failed =
        |kind: &str, text: &str| format!("{begun}event: error\ndata: {}\n\n", error(kind, text));
    let message = serde_json::json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-5-5",
        "content": [
            {"type": "thinking", "thinking": "PlantedThinking", "signature": "PlantedThinking"},
            {"type": "tool_use", "id": "toolu_1", "name": "PlantedTool", "input": {"a": "PlantedTool"}},
            {"type": "text", "text": "PlantedReply"},
        ],
        "stop_reason": "end_turn", "usage": {"input_tokens": 3, "output_tokens": 2},
    })
    .to_string();
    let mut cases = Vec::new();
    let mut case = |status, stream, encoding, says: &str| {
        let says = says.to_owned();
        cases.push(Case {
            status,
            stream,
            encoding,
            says,
        });
    };
    for encoding in [
        None,
        Some("gzip"),
        Some("br"),
        Some("zstd"),
        Some("deflate"),
    ] {
        case(200, false, encoding, &message);
        case(200, true, encoding, &format!("{begun}{end}"));
    }
    case(200, true, None, &begun);
    case(200, true, None, &failed("invalid_request_error", quoting));
    case(
        200,
        true,
        Some("gzip"),
        &failed("overloaded_error", leaking),
    );
    case(400, false, None, &error("invalid_request_error", quoting));
    case(
        400,
        true,
        Some("gzip"),
        &error("invalid_request_error", quoting),
    );
    case(404, false, None, &error("not_found_error", quoting));
    case(
        502,
        false,
        None,
        "<html><title>Bad gateway</title><p>PlantedReply</p>",
    );
    for status in [402, 403, 429, 500, 529] {
        case(status, false, None, &error("rate_limit_error", leaking));
    }
    cases
}

fn encoded(text: &str, encoding: Option<&str>) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    match encoding {
        Some("gzip") => {
            let mut encoder = flate2::write::GzEncoder::new(&mut out, flate2::Compression::fast());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap();
        }
        Some("deflate") => {
            let mut encoder =
                flate2::write::ZlibEncoder::new(&mut out, flate2::Compression::fast());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap();
        }
        Some("br") => {
            let mut encoder = brotli::CompressorReader::new(bytes, 4_096, 4, 22);
            encoder.read_to_end(&mut out).unwrap();
        }
        Some("zstd") => out = zstd::encode_all(bytes, 1).unwrap(),
        _ => out.extend_from_slice(bytes),
    }
    out
}

/// Answers each case by the number in its request's path, and the Admin API with a refusal that repeats
/// its key.
fn upstream() -> Stub {
    let cases = cases();
    Stub::playing(move |mut peer, _| {
        while let Ok(Some(request)) = wire::message(&mut peer.lines, Kind::Request) {
            let answer = answer(&cases, &request);
            if peer.out.write_all(&answer).is_err() {
                return;
            }
        }
    })
}

fn answer(cases: &[Case], request: &Message) -> Vec<u8> {
    let number = request.get("x-case").and_then(|n| n.parse().ok());
    let admin;
    let case = if let Some(case) = number.and_then(|n: usize| cases.get(n)) {
        case
    } else {
        let key = request.get("x-api-key").unwrap_or_default();
        admin = Case {
            status: 401,
            stream: false,
            encoding: None,
            says: error("authentication_error", &format!("{key} is no key")),
        };
        &admin
    };
    let body = encoded(&case.says, case.encoding);
    let kind = if case.stream && case.status == 200 {
        "text/event-stream"
    } else {
        "application/json"
    };
    let coding = case
        .encoding
        .map(|it| format!("Content-Encoding: {it}\r\n"));
    let mut answer = format!(
        "HTTP/1.1 {} X\r\nContent-Type: {kind}\r\n{}Content-Length: {}\r\nset-cookie: PlantedCookie\r\n\
         anthropic-ratelimit-requests-limit: 5000\r\nanthropic-ratelimit-requests-remaining: 4000\r\n\
         anthropic-ratelimit-new-limit: sk-ant-api03-PlantedKey\r\nrequest-id: req_1\r\n\r\n",
        case.status,
        coding.unwrap_or_default(),
        body.len()
    )
    .into_bytes();
    answer.extend(body);
    answer
}

/// What the client of a case sends, without the request line and `Host`.
fn asks(n: usize, case: &Case) -> String {
    let body = serde_json::json!({
        "model": "claude-opus-5-5", "max_tokens": 9, "stream": case.stream,
        "system": "PlantedSystem",
        "messages": [{"role": "user", "content": format!("PlantedPrompt {n}")}],
        "tools": [{"name": "PlantedTool", "input_schema": {"type": "PlantedTool"}}],
        "metadata": {"user_id": "PlantedMetadata"},
    })
    .to_string();
    format!(
        "X-Api-Key: sk-ant-api03-PlantedKey\r\nAuthorization: Bearer PlantedBearer\r\n\
         Cookie: session=PlantedCookie\r\nUser-Agent: case-{n:02}/1.0\r\nX-Case: {n}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// No secret in what is called `what`.
fn clean(what: &str, text: &str) {
    let is_bad = |line: &&str| line.to_lowercase().contains(PLANTED);
    if let Some(line) = text.lines().find(is_bad) {
        panic!("{what} tells a secret: {line}");
    }
}

/// No secret in any file below, but for those that are named; how many bytes of logs there are.
fn clean_files(directory: &Path, but: &[&str]) -> usize {
    let mut logged = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            logged += clean_files(&path, but);
        } else if !but.iter().any(|name| path.ends_with(name)) {
            let name = path.display().to_string();
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            clean(&name, &text);
            logged += if name.contains("log") { text.len() } else { 0 };
        }
    }
    logged
}

fn contents(seen: &Seen) -> String {
    seen.parser.screen().contents()
}

/// Waits for a text and looks at all that is shown with it.
fn look(screen: &Terminal, text: &str) {
    let shown = contents(&screen.until(text, |seen| contents(seen).contains(text)));
    clean(&format!("the screen with {text:?}"), &shown);
}

fn get(address: SocketAddr, path: &str, accept: &str) -> String {
    let mut peer = Peer::to(address);
    peer.send(format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: {accept}\r\nConnection: close\r\n\r\n"
    ));
    let mut text = String::new();
    peer.lines.read_to_string(&mut text).unwrap();
    text
}

fn port(tap: &Running, which: &str) -> SocketAddr {
    let said = crate::cli::valid(&tap.first);
    let url = said[which].as_str().unwrap().to_owned();
    url.strip_prefix("http://").unwrap().parse().unwrap()
}

/// Everything of the screen that looks on: the board, each request's details, totals, events.
fn screen_of(admin: SocketAddr, cases: &[Case]) {
    let url = format!("http://{admin}");
    let env = [("RATETOP_LOG", LOG)];
    let mut screen = Terminal::start(RATETOP, &["--attach", &url], &env, 160, 50);
    look(&screen, "Opus 5.5");
    screen.press("\r");
    look(&screen, "anthropic-ratelimit-requests-limit");
    screen.press("3");
    let last = cases.len() - 1;
    look(&screen, &format!("case-{last:02}"));
    screen.press("gg\r");
    for n in (0..cases.len()).rev() {
        look(&screen, &format!("╭ case-{n:02}"));
        screen.press("[");
    }
    // Escape and a key sent together would be one key.
    screen.press("\x1b");
    look(&screen, "newest first");
    screen.press("o");
    look(&screen, "Clients since");
    screen.press("7");
    look(&screen, "429");
    screen.press("\r");
    look(&screen, "request req_1");
    screen.press("q");
    assert_eq!(screen.end().1, 0);
    assert!(clean_files(screen.home.path(), &[]) > 0, "no log");
}

#[test]
fn what_was_planted_is_in_nothing_that_is_written() {
    let (home, stub, cases) = (Home::new(), upstream(), cases());
    let upstream = format!("http://{}", stub.address);
    let args = [
        "--upstream",
        &upstream,
        "--admin",
        "127.0.0.1:0",
        "--metrics",
        "127.0.0.1:0",
        "--json",
    ];
    let keys = [
        ("RATETOP_LOG", LOG),
        ("ANTHROPIC_BASE_URL", upstream.as_str()),
        ("ANTHROPIC_API_KEY", OWN),
        ("ANTHROPIC_ADMIN_KEY", ADMIN),
    ];
    let tap = Running::tap(&home, &args, &keys);
    let (admin, metrics) = (admin_of(&tap), port(&tap, "metrics_url"));
    for (n, case) in cases.iter().enumerate() {
        let line = "POST /v1/messages?session=PlantedQuery";
        let answer = tap.ask(&mut Peer::to(tap.address), line, &asks(n, case));
        assert_eq!(answer.status(), case.status);
        // What the client gets is the secret itself.
        assert_eq!(answer.body, encoded(&case.says, case.encoding));
    }
    screen_of(admin, &cases);
    let mut events = Peer::to(admin);
    events.send(format!("GET /events HTTP/1.1\r\nHost: {admin}\r\n\r\n"));
    for accept in ["*/*", "application/openmetrics-text;version=1.0.0"] {
        let page = get(metrics, "/metrics", accept);
        assert!(page.contains("claude-opus-5-5"), "{page}");
        clean("the metrics", &page);
    }
    for address in [admin, metrics] {
        clean("a port", &get(address, "/healthz", "*/*"));
        clean("a port", &get(address, "/no-such-thing", "*/*"));
    }
    clean("its first line", &tap.first);
    let (code, out, err) = tap.end();
    assert_eq!(code, 0, "{err}");
    // The stream ends with the tap, so that this is all of it.
    let mut told = String::new();
    events.lines.read_to_string(&mut told).unwrap();
    assert!(
        told.contains("case-00/1.0") && told.contains("has had too much"),
        "{told}"
    );
    clean("the event stream", &told);
    clean("standard output", &out);
    assert!(err.contains("429"), "{err}");
    clean("standard error", &err);
    // The command's own output is its own.
    let limited = cases.iter().position(|case| case.status == 429).unwrap();
    let request = asks(limited, &cases[limited]);
    home.file("request", &request, 0o600);
    let script = "exec 3<>/dev/tcp/127.0.0.1/${ANTHROPIC_BASE_URL##*:}; \
         printf 'POST /v1/messages?a=PlantedQuery HTTP/1.1\\r\\nHost: %s\\r\\nConnection: close\\r\\n' \"${ANTHROPIC_BASE_URL#http://}\" >&3; \
         cat request >&3; cat <&3 >/dev/null";
    let (code, out, err) = home.run(&["exec", "--", "bash", "-c", script], &keys);
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("1 request"), "{err}");
    clean("the output of exec", &(out + &err));
    for command in [
        ["status", "--json"],
        ["limits", "--json"],
        ["status", "--verbose"],
    ] {
        let (_, out, err) = home.run(&command, &keys);
        clean(command[0], &(out + &err));
    }
    assert!(clean_files(home.0.path(), &["request"]) > 0, "no log");
}
