//! The metrics port: what passed and what is left, for Prometheus; read-only, behind its own gate.

use super::{
    planted,
    process::{Home, Running},
    rig::{Peer, Stub},
    wire::{Kind, Message},
};
use std::net::{SocketAddr, TcpListener};

struct Scraped {
    tap: Running,
    metrics: SocketAddr,
    _stub: Stub,
    _home: Home,
}

impl Scraped {
    fn new(more: &[&str]) -> Self {
        let stub = planted::upstream(
            "request-id: req_planted\r\n\
             anthropic-organization-id: org_1\r\n\
             anthropic-ratelimit-output-tokens-limit: 8000\r\n\
             anthropic-ratelimit-output-tokens-remaining: 2000\r\n\
             anthropic-ratelimit-output-tokens-reset: 2026-11-24T12:00:45Z\r\n",
        );
        let home = Home::new();
        home.file("token", "planted-token-0123456789", 0o600);
        let upstream = format!("http://{}", stub.address);
        let args = [
            "--upstream",
            &upstream,
            "--metrics",
            "127.0.0.1:0",
            "--json",
        ];
        let tap = Running::tap(&home, &[&args, more].concat(), &[]);
        let said = crate::cli::valid(&tap.first);
        let url = said["metrics_url"].as_str().unwrap();
        Self {
            metrics: url.strip_prefix("http://").unwrap().parse().unwrap(),
            tap,
            _stub: stub,
            _home: home,
        }
    }

    fn ask(&self, head: &str) -> Message {
        let mut peer = Peer::to(self.metrics);
        peer.send(format!("{head}\r\n\r\n"));
        peer.next(Kind::Answer)
    }

    fn get(&self, path: &str, more: &str) -> Message {
        let host = self.metrics;
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: {host}{more}"))
    }

    fn call(&self) {
        planted::call(&self.tap);
    }

    /// The page, once it has that line.
    fn page_with(&self, line: &str) -> String {
        let mut text = String::new();
        for _ in 0..1_000 {
            text = self.get("/metrics", "").text();
            if text.lines().any(|own| own == line) {
                return text;
            }
        }
        panic!("{line}\n{text}")
    }
}

#[test]
fn what_passed_and_what_is_left_is_told_and_no_secret() {
    let it = Scraped::new(&[]);
    let empty = it.get("/metrics", "");
    assert_eq!(empty.status(), 200);
    assert_eq!(
        empty.get("content-type").as_deref(),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    assert!(!empty.text().contains("ratetop_remaining"));
    for _ in 0..3 {
        it.call();
    }
    let text =
        it.page_with(r#"ratetop_model_ended_total{model="claude-opus-5-5",outcome="whole"} 3"#);
    for line in [
        r#"ratetop_client_requests_total{client="mine/1.0"} 3"#,
        r#"ratetop_model_responses_total{model="claude-opus-5-5",code="200"} 3"#,
        r#"ratetop_model_tokens_total{model="claude-opus-5-5",kind="output"} 6"#,
        r#"ratetop_model_first_byte_seconds_count{model="claude-opus-5-5"} 3"#,
    ] {
        assert!(text.lines().any(|own| own == line), "{line}\n{text}");
    }
    let limit = text.lines().find(|line| {
        line.starts_with("ratetop_limit{")
            && line.contains("limiter=\"output_tokens_per_minute\"")
            && line.ends_with(" 8000")
    });
    assert!(limit.is_some_and(|line| line.contains("org_1")), "{text}");
    assert!(text.contains("\nratetop_remaining{"), "{text}");
    for secret in ["planted", "sk-ant", "/v1/messages\""] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let open = it.get(
        "/metrics",
        "\r\nAccept: application/openmetrics-text;version=1.0.0",
    );
    assert!(
        open.get("content-type")
            .unwrap()
            .starts_with("application/openmetrics-text")
    );
    assert!(open.text().ends_with("# EOF\n"));
    let (_, _, err) = it.tap.end();
    assert!(err.contains("/metrics\n"), "{err}");
}

#[test]
fn the_metrics_port_only_tells_and_only_those_on_this_machine() {
    let it = Scraped::new(&[]);
    let host = it.metrics;
    assert_eq!(it.get("/healthz", "").text(), "ok\n");
    for (head, status) in [
        (format!("GET / HTTP/1.1\r\nHost: {host}"), 404),
        (format!("GET /events HTTP/1.1\r\nHost: {host}"), 404),
        (format!("DELETE /metrics HTTP/1.1\r\nHost: {host}"), 405),
        (
            "GET /metrics HTTP/1.1\r\nHost: evil.example".to_owned(),
            403,
        ),
        (
            format!("GET http://x/metrics HTTP/1.1\r\nHost: {host}"),
            400,
        ),
    ] {
        assert_eq!(it.ask(&head).status(), status, "{head}");
    }
    it.tap.end();
    let it = Scraped::new(&["--token-file", "token"]);
    assert_eq!(it.get("/metrics", "").status(), 401);
    assert_eq!(
        it.get("/t/planted-token-0123456789/metrics", "").status(),
        200
    );
    let with = "\r\nX-Ratetop-Token: planted-token-0123456789";
    assert_eq!(it.get("/metrics", with).status(), 200);
    it.tap.end();
}

#[test]
fn without_the_flag_there_are_no_metrics_and_an_address_that_is_taken_is_named() {
    let home = Home::new();
    let (stub, _) = Stub::plain();
    let upstream = format!("http://{}", stub.address);
    let tap = Running::tap(&home, &["--upstream", &upstream, "--json"], &[]);
    assert!(crate::cli::valid(&tap.first)["metrics_url"].is_null());
    tap.end();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (address, code, said) in [
        (taken.as_str(), 1, "name another address with --metrics"),
        (
            "0.0.0.0:0",
            2,
            "--metrics: 0.0.0.0:0 can be reached from other machines",
        ),
        ("here", 2, "must be an address with a port"),
    ] {
        let args = [
            "tap",
            "--listen",
            "127.0.0.1:0",
            "--admin",
            "off",
            "--metrics",
            address,
        ];
        let (got, out, err) = home.run(&args, &[]);
        assert_eq!((got, out.as_str()), (code, ""), "{err}");
        assert!(err.contains(said), "{err}");
    }
}
