//! Keys of a shape that nobody knows, repeated by the server wherever it can.

use super::{
    ask::{ask_with, connection, options},
    server::{Do, Server, raw},
};
use ratetop::{
    api::{
        connection::Connection,
        limits::{Poller, TURNS},
        models,
    },
    clock::Clock,
    domain::{id::ModelId, observation::What},
};
use rstest::rstest;
use std::sync::Arc;

/// What a gateway may hand out: nothing about it says that it is a key.
const ODD: &str = "gw/9f8E-very-secret+Q==";
const SECRET: &str = "very-secret";

fn with_odd_key(url: &str) -> Connection {
    Connection {
        key: Some(ODD.into()),
        ..connection(url, options(true))
    }
}

/// An answer that repeats the key in its reason phrase, in headers that are read, and in its body.
fn echo(status: u16, body: &str) -> Vec<Do> {
    let body = body.replace("{key}", ODD);
    let headers = format!(
        "content-length: {}\r\nrequest-id: req {ODD}\r\nanthropic-organization-id: org {ODD}\r\n\
         anthropic-workspace-id: {ODD}\r\nanthropic-ratelimit-requests-limit: {ODD}\r\n\
         anthropic-new-limit: {}{ODD}\r\nretry-after: {ODD}\r\n",
        body.len(),
        // The raw value is cut at 200 characters, in the middle of the key.
        "x".repeat(190),
    );
    raw(&format!("{status} {ODD}"), &headers, body)
}

#[rstest]
#[case::message(401, r#"{"type":"error","error":{"type":"authentication_error","message":"{key} is no key","details":{"error_code":"{key}"}},"request_id":"{key}"}"#)]
#[case::escaped(
    500,
    r#"{"type":"error","error":{"type":"x {key}","message":"gw\/9f8E-very-secret+Q=="}}"#
)]
#[case::page(
    502,
    "<html><title>Bad Gateway: key {key} was refused upstream</title></html>"
)]
#[case::page_cut_in_the_key(502, &format!("<html><title>{}{{key}}</title></html>", "x".repeat(70)))]
#[case::another_error(403, r#"{"detail":"{key}"}"#)]
#[case::not_json(200, "{key}")]
#[case::names(200, r#"{"type":"message","id":"{key}","content":[{"type":"text","text":"your key is {key}"}],"stop_reason":"{key}","data":[{"id":"{key}","display_name":"{key}","group":{"type":"model_group","id":"rlg_1","display_name":"{key}"},"models":["m {key}"],"limits":[{"type":"{key}","value":1},{"type":"x","value":"{key}"}]}],"next_page":null}"#)]
#[tokio::test]
async fn a_key_of_an_odd_shape_comes_back_nowhere(#[case] status: u16, #[case] body: &str) {
    let script = echo(status, body);
    let server = Server::start(move |_| script.clone()).await;
    let clock = Clock::start();

    let odd = Arc::new(with_odd_key(&server.url()));
    let polled = Poller::new(Arc::clone(&odd), clock.clone(), TURNS)
        .poll()
        .await;
    assert!(matches!(polled.seen.what, What::Limits { .. }));
    let told = format!("{:?}", polled.seen);
    assert!(!told.contains(SECRET), "{told}");
    if status != 200 {
        assert!(told.contains(&format!("{status}")), "{told}");
    }

    let told = format!("{:?}", models::list(&odd, &clock).await);
    assert!(!told.contains(SECRET), "{told}");

    // A call: every observation is looked at on its way.
    let asked = ask_with(with_odd_key(&server.url()), false, clock).await;
    assert!(!asked.text.contains(SECRET), "{}", asked.text);
    let told = format!("{:?}", asked.attempt);
    assert!(!told.contains(SECRET), "{told}");
    let pool = asked.board.pool_of(&ModelId::from("claude-opus-5-5"));
    assert!(!format!("{pool:?}").contains(SECRET));
    for head in server.asked() {
        assert!(head.contains(ODD), "the server did get the key: {head}");
    }
}
