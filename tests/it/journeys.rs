//! Real loopback.
use ratetop::{
    clock::Clock,
    sim::{
        engine::Engine,
        scenario::Scenario,
        server,
        speak::ask::{ADMIN_KEY, API_KEY, MAX_BODY},
    },
};
use rstest::rstest;
use std::{
    io::Read,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A simulator on a free port, for as long as it is held.
struct Simulator {
    address: SocketAddr,
    engine: Arc<Mutex<Engine>>,
    clock: Clock,
    stop: CancellationToken,
    served: tokio::task::JoinHandle<()>,
    _guard: DropGuard,
}

impl Simulator {
    async fn of(world: Scenario) -> Self {
        let clock = Clock::start();
        let engine = Arc::new(Mutex::new(Engine::new(world, 7, clock.now())));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let serving = server::serve(listener, Arc::clone(&engine), clock.clone(), stop.clone());
        Self {
            address,
            engine,
            clock,
            served: tokio::spawn(serving),
            _guard: stop.clone().drop_guard(),
            stop,
        }
    }

    async fn with(settings: &str) -> Self {
        let text = format!("about = \"a test\"\n{settings}");
        Self::of(Scenario::parse(&text, "test.toml").unwrap()).await
    }

    /// Sends raw bytes of a request and reads until the server closes.
    async fn raw(&self, request: &[u8]) -> Vec<u8> {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        socket.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        // A cut connection may end in an error; what came before counts.
        let _ = tokio::time::timeout(PATIENCE, socket.read_to_end(&mut answer))
            .await
            .unwrap();
        answer
    }
}

fn messages(model: &str, stream: bool, max_tokens: u32, more: &str) -> Vec<u8> {
    let body = format!(
        r#"{{"model":"{model}","max_tokens":{max_tokens},"stream":{stream},"messages":[{{"role":"user","content":"Say hello."}}]}}"#
    );
    format!(
        "POST /v1/messages?beta=true HTTP/1.1\r\nhost: x\r\nx-api-key: {API_KEY}\r\nanthropic-version: 2023-06-01\r\n{more}content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Head and body of an answer, whole chunks joined; whether the chunked body is complete.
fn parted(answer: &[u8]) -> (String, Vec<u8>, bool) {
    let at = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap();
    let head = String::from_utf8(answer[..at].to_vec())
        .unwrap()
        .to_lowercase();
    let mut rest = &answer[at + 4..];
    if !head.contains("transfer-encoding: chunked") {
        return (head, rest.to_vec(), true);
    }
    let mut body = Vec::new();
    loop {
        let Some(line) = rest.windows(2).position(|two| two == b"\r\n") else {
            return (head, body, false);
        };
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..line]).unwrap(), 16).unwrap();
        rest = &rest[line + 2..];
        if size == 0 {
            return (head, body, true);
        }
        if rest.len() < size + 2 {
            return (head, body, false);
        }
        body.extend_from_slice(&rest[..size]);
        rest = &rest[size + 2..];
    }
}

const FAST: &str =
    "[answers]\ntokens = [40, 40]\nfirst_byte_s = [0.01, 0.02]\ntokens_per_s = [400, 400]\n";

/// Takes what comes next; false at the connection's end.
async fn more(socket: &mut TcpStream, into: &mut Vec<u8>) -> bool {
    into.reserve(4096);
    let read = tokio::time::timeout(PATIENCE, socket.read_buf(into));
    read.await.unwrap().unwrap() > 0
}

#[tokio::test]
async fn the_simulator_answers_and_streams() {
    let sim = Simulator::with(FAST).await;
    let (head, body, _) = parted(&sim.raw(&messages("claude-opus-5-5", false, 500, "")).await);
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(
        head.contains("anthropic-ratelimit-input-tokens-remaining: 5000000"),
        "{head}"
    );
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["usage"]["output_tokens"], 40);

    let (head, body, complete) =
        parted(&sim.raw(&messages("claude-opus-5-5", true, 500, "")).await);
    assert!(head.contains("content-type: text/event-stream"), "{head}");
    assert!(complete);
    let text = String::from_utf8(body).unwrap();
    assert!(text.starts_with("event: message_start\ndata: {"), "{text}");
    assert!(text.ends_with("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"));
}

fn decoded(coding: &str, bytes: &[u8]) -> String {
    let mut out = Vec::new();
    let _ = match coding {
        "gzip" => flate2::read::GzDecoder::new(bytes).read_to_end(&mut out),
        "br" => brotli::Decompressor::new(bytes, 4096).read_to_end(&mut out),
        _ => zstd::stream::read::Decoder::new(bytes)
            .unwrap()
            .read_to_end(&mut out),
    };
    String::from_utf8(out).unwrap()
}

/// Every event can be read when it is due, not only at the end: whole events are there while the
/// stream still runs.
#[rstest]
#[tokio::test]
async fn a_compressed_stream_arrives_event_by_event(#[values("gzip", "br", "zstd")] coding: &str) {
    let sim = Simulator::with(
        "[answers]\ntokens = [60, 60]\nfirst_byte_s = [0.01, 0.01]\ntokens_per_s = [200, 200]\n",
    )
    .await;
    let mut socket = TcpStream::connect(sim.address).await.unwrap();
    let accept = format!("accept-encoding: {coding}\r\n");
    socket
        .write_all(&messages("claude-opus-5-5", true, 500, &accept))
        .await
        .unwrap();
    let mut answer = Vec::new();
    let mut sizes = Vec::new();
    while more(&mut socket, &mut answer).await {
        let (head, body, _) = parted(&answer);
        assert!(
            head.contains(&format!("content-encoding: {coding}")),
            "{head}"
        );
        let text = decoded(coding, &body);
        assert!(
            text.is_empty() || text.ends_with("\n\n"),
            "only whole events are flushed: {text:?}"
        );
        sizes.push(text.len());
    }
    sizes.dedup();
    assert!(sizes.len() >= 5, "the text grows as it is told: {sizes:?}");
    let (_, body, complete) = parted(&answer);
    assert!(complete && decoded(coding, &body).contains("event: message_stop"));
}

#[rstest]
#[tokio::test]
async fn a_whole_answer_is_compressed_as_well(#[values("gzip", "br", "zstd")] coding: &str) {
    let sim = Simulator::with(FAST).await;
    let accept = format!("accept-encoding: {coding}\r\n");
    let (head, body, _) = parted(
        &sim.raw(&messages("claude-opus-5-5", false, 500, &accept))
            .await,
    );
    assert!(
        head.contains(&format!("content-encoding: {coding}")),
        "{head}"
    );
    assert!(decoded(coding, &body).contains("\"stop_reason\":\"end_turn\""));
}

#[tokio::test]
async fn a_dropped_connection_is_really_cut() {
    let fault = format!("{FAST}\n[[faults]]\nkind = \"cut\"\nshare = 1.0\nafter_tokens = 12\n");
    let sim = Simulator::with(&fault).await;
    let (head, body, complete) =
        parted(&sim.raw(&messages("claude-opus-5-5", true, 500, "")).await);
    assert!(head.starts_with("http/1.1 200") && !complete);
    let text = String::from_utf8(body).unwrap();
    assert!(
        text.contains("content_block_delta") && !text.contains("message_stop"),
        "{text}"
    );
    assert!(
        sim.raw(&messages("claude-opus-5-5", false, 500, ""))
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn an_error_after_a_200_is_an_event() {
    let fault =
        format!("{FAST}\n[[faults]]\nkind = \"stream-error\"\nshare = 1.0\nafter_tokens = 12\n");
    let sim = Simulator::with(&fault).await;
    let (head, body, complete) =
        parted(&sim.raw(&messages("claude-opus-5-5", true, 500, "")).await);
    assert!(head.starts_with("http/1.1 200") && complete);
    let text = String::from_utf8(body).unwrap();
    assert!(text.ends_with("event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n"), "{text}");
}

#[tokio::test]
async fn a_caller_that_leaves_is_charged_only_for_what_was_said() {
    let sim = Simulator::with("[answers]\ntokens = [900, 900]\nfirst_byte_s = [0, 0]\ntokens_per_s = [200, 200]\n[[pools]]\nname = \"Opus 5.5\"\nlimits = { output_tokens_per_minute = 1000 }\n").await;
    let mut socket = TcpStream::connect(sim.address).await.unwrap();
    socket
        .write_all(&messages("claude-opus-5-5", true, 900, ""))
        .await
        .unwrap();
    let mut first = [0; 512];
    assert!(socket.read(&mut first).await.unwrap() > 0);
    drop(socket);
    // The server notices the closed connection with its next writes; then the level climbs again.
    let level = || {
        let now = sim.clock.now();
        sim.engine
            .lock()
            .unwrap()
            .level("claude-opus-5-5", "output_tokens_per_minute", now)
            .unwrap()
    };
    let climbed = async {
        let mut lowest = level();
        loop {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let now = level();
            if now > lowest {
                return lowest;
            }
            lowest = now;
        }
    };
    let lowest = tokio::time::timeout(PATIENCE, climbed).await.unwrap();
    assert!(
        lowest > 500.0,
        "900 tokens were planned, about a tenth was said: {lowest}"
    );
}

#[rstest]
#[case::declared(true)]
#[case::chunked(false)]
#[tokio::test]
async fn more_than_32_mb_is_413(#[case] declared: bool) {
    let sim = Simulator::with(FAST).await;
    let mut request = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: {API_KEY}\r\nanthropic-version: 2023-06-01\r\nconnection: close\r\n"
    )
    .into_bytes();
    let megabyte = vec![b'x'; 1 << 20];
    if declared {
        request.extend_from_slice(format!("content-length: {}\r\n\r\n", MAX_BODY + 1).as_bytes());
        request.resize(request.len() + MAX_BODY + 1, b'x');
    } else {
        request.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n");
        for _ in 0..33 {
            request.extend_from_slice(b"100000\r\n");
            request.extend_from_slice(&megabyte);
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"0\r\n\r\n");
    }
    let (head, body, _) = parted(&sim.raw(&request).await);
    assert!(head.starts_with("http/1.1 413"), "{head}");
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["error"]["type"], "request_too_large");
}

#[tokio::test]
async fn one_connection_serves_many_requests_and_both_kinds_of_key() {
    let sim = Simulator::with(FAST).await;
    let mut socket = TcpStream::connect(sim.address).await.unwrap();
    for (target, key) in [
        ("/v1/models", API_KEY),
        ("/v1/organizations/rate_limits", ADMIN_KEY),
        ("/v1/organizations/me", ADMIN_KEY),
        ("/_ratetop/simulator", "none"),
    ] {
        let request = format!(
            "GET {target} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\nanthropic-version: 2026-10-21\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        loop {
            let stays = more(&mut socket, &mut answer).await;
            assert!(stays, "the connection stays");
            if !answer.windows(4).any(|four| four == b"\r\n\r\n") {
                continue;
            }
            let (head, body, _) = parted(&answer);
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .unwrap();
            if body.len() == length.parse::<usize>().unwrap() {
                assert!(head.starts_with("http/1.1 200"), "{head}");
                let _: serde_json::Value = serde_json::from_slice(&body).unwrap();
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_stop_ends_the_server() {
    let mut sim = Simulator::with(FAST).await;
    sim.raw(&messages("claude-opus-5-5", false, 5, "")).await;
    let idle = TcpStream::connect(sim.address).await.unwrap();
    sim.stop.cancel();
    tokio::time::timeout(PATIENCE, &mut sim.served)
        .await
        .unwrap()
        .unwrap();
    drop(idle);
    assert!(TcpStream::connect(sim.address).await.is_err());
}
