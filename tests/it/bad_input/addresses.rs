//! Where keys may go, and machines without certificates or with a proxy that is dead.

use super::{
    ask::{ask_at, options},
    server::{Server, http},
};
use ratetop::{
    clock::Clock,
    domain::outcome::{Outcome, Unreachable},
    net::{
        base::Base,
        outbound::{Options, Outbound},
    },
};
use std::process::Command;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

const OK: &str = r#"{"type":"message","content":[]}"#;
/// Tells the child from the parent; holds the address to ask.
const CHILD: &str = "RATETOP_TEST_ADDRESS";

#[test]
fn a_key_travels_unencrypted_only_on_this_machine_or_when_it_is_allowed() {
    let open = |url: &str, allow_plain_http| {
        let options = Options {
            allow_plain_http,
            ..options(true)
        };
        Outbound::new(Base::parse(url).unwrap(), options).map(|_| ())
    };
    let refused = open("http://gateway.example.com", false).unwrap_err();
    assert!(
        refused.contains("http://gateway.example.com") && refused.contains("allow_plain_http"),
        "{refused}"
    );
    assert_eq!(open("http://gateway.example.com", true), Ok(()));
    assert_eq!(open("https://gateway.example.com", false), Ok(()));
    assert_eq!(open("http://[::1]:4787", false), Ok(()));
    assert!(open("http://127.0.0.1.example.com", false).is_err());
}

/// Runs in a process of its own, whose environment has a dead proxy and no certificates.
#[tokio::test]
async fn child() {
    let Ok(url) = std::env::var(CHILD) else {
        return;
    };
    let asked = ask_at(&url, options(true), false, Clock::start()).await;
    match asked.attempt.outcome {
        Some(Outcome::Complete { .. }) => println!("said: complete"),
        Some(Outcome::Unreachable { kind, how }) => println!("said: {kind:?}: {how}"),
        other => println!("said: {other:?}"),
    }
}

fn in_a_bare_container(url: &str) -> String {
    let out = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "bad_input::addresses::child", "--nocapture"])
        .env(CHILD, url)
        .env("SSL_CERT_FILE", "/nonexistent")
        .env("SSL_CERT_DIR", "/nonexistent")
        .envs(
            [
                "HTTP_PROXY",
                "http_proxy",
                "HTTPS_PROXY",
                "https_proxy",
                "ALL_PROXY",
                "all_proxy",
            ]
            .map(|name| (name, "http://127.0.0.1:1")),
        )
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let said = text.lines().find_map(|line| line.split_once("said: "));
    said.unwrap_or_else(|| panic!("{text}")).1.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loopback_address_needs_neither_certificates_nor_a_proxy() {
    let server = Server::start(|_| http("200 OK", "content-type: application/json\r\n", OK)).await;
    assert_eq!(in_a_bare_container(&server.url()), "complete");
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_certificates_there_is_advice() {
    let said = in_a_bare_container("https://api.example.com");
    assert!(
        said.starts_with("Tls: No trusted certificates were found on this machine"),
        "{said}"
    );
    assert!(
        said.contains("api.example.com:443") && said.contains("ca-certificates"),
        "{said}"
    );
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_is_said() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut hello = [0; 5];
        stream.read_exact(&mut hello).await.unwrap();
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    });
    let url = format!("https://{address}");
    let asked = ask_at(&url, options(true), false, Clock::start()).await;
    let Some(Outcome::Unreachable { kind, how }) = asked.attempt.outcome else {
        panic!("reached");
    };
    // On a machine without certificates the handshake is not even begun.
    assert!(
        matches!(kind, Unreachable::Tls | Unreachable::Broken),
        "{kind:?} {how}"
    );
    assert!(how.contains(&address.to_string()), "{how}");
}
