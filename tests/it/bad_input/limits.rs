//! Polls of the Admin API.

use super::{
    ask::{KEY, connection, options},
    server::{Do, Server, http, raw, then},
};
use ratetop::{
    api::limits::{Poller, TURNS},
    clock::Clock,
    domain::{
        board::Board,
        clean::is_harmless,
        id::ModelId,
        limit::{Dimension, Family},
        observation::What,
        org::LimitsState,
    },
};
use rstest::rstest;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

// Rate-limits API guide, the shape of 2026-10-21.
const LIST: &str = r#"{"data":[{"type":"rate_limit","id":"rl_1","group":{"type":"model_group","id":"rlg_1","display_name":"Opus 5.5"},"models":["claude-opus-5-5"],"limits":[{"type":"output_tokens_per_minute","value":400000}]}],"next_page":null}"#;
const ME: &str = r#"{"id":"org-1","type":"organization","name":"Acme"}"#;
const NONE: &str = r#"{"data":[],"next_page":null,"has_more":false}"#;

fn ok(body: impl AsRef<[u8]>) -> Vec<Do> {
    http("200 OK", "content-type: application/json\r\n", body)
}

fn error(status: &str, kind: &str) -> Vec<Do> {
    let body = format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"m"}}}}"#);
    http(status, "retry-after: 30\r\n", body)
}

fn target(head: &str) -> &str {
    head.split(' ').nth(1).unwrap_or_default()
}

/// A good server, but for the list of limits from the second poll on.
async fn second_poll(script: Vec<Do>, patient: bool) -> (Board, LimitsState, String, Server) {
    let polls = AtomicUsize::new(0);
    let server = Server::start(move |head| match target(head) {
        "/v1/organizations/me" => ok(ME),
        "/v1/organizations/workspaces?limit=1000" => ok(NONE),
        _ if polls.fetch_add(1, Ordering::Relaxed) == 0 => ok(LIST),
        _ => script.clone(),
    })
    .await;
    let mut board = Board::default();
    let connection = Arc::new(connection(&server.url(), options(patient)));
    let mut poller = Poller::new(connection, Clock::start(), TURNS);
    board.absorb(&poller.poll().await.seen);
    assert_eq!(board.sources().limits, Some(LimitsState::Ok));
    let seen = poller.poll().await.seen;
    board.absorb(&seen);
    let What::Limits { state, error, .. } = seen.what else {
        panic!("no limits");
    };
    (board, state, error.unwrap_or_default(), server)
}

fn limit(board: &Board) -> Option<u64> {
    let pool = board.pool_of(&ModelId::from("claude-opus-5-5"))?;
    pool.gauge(Dimension::Otpm, Family::Standard)?.configured()
}

const FAILED: LimitsState = LimitsState::Failed;
const REFUSED: LimitsState = LimitsState::Refused;

#[rstest]
#[case::json_that_stops(ok(&LIST[..90]), FAILED, "JSON that cannot be read")]
#[case::nothing(ok(""), FAILED, "an empty body")]
#[case::null_data(ok(r#"{"data":null}"#), FAILED, "\"data\" is null")]
#[case::data_is_an_object(ok(r#"{"data":{}}"#), FAILED, "\"data\" is no list")]
#[case::no_data(ok("{}"), FAILED, "no \"data\"")]
#[case::a_list(ok("[]"), FAILED, "JSON that is no object")]
#[case::html(
    ok("<html><title>Sign in</title>"),
    FAILED,
    "an HTML page titled \"Sign in\""
)]
#[case::not_utf_8(ok(b"{\"data\":[\xff]}"), FAILED, "bytes that are not text")]
#[case::ten_megabytes(ok(format!("{{\"data\":[{}]}}", "0,".repeat(5 << 20))), FAILED, "far too large")]
#[case::a_thousand_deep(ok(format!("{{\"data\":{}", "[".repeat(1000))), FAILED, "JSON that cannot be read")]
#[case::pages_in_a_circle(ok(r#"{"data":[],"next_page":"x"}"#), FAILED, "lead in a circle")]
#[case::cut_off(
    raw("200 OK", "content-length: 9999\r\n", LIST),
    FAILED,
    "broke in the middle"
)]
#[case::chunked_garbage(
    raw("200 OK", "transfer-encoding: chunked\r\n", "zz\r\n"),
    FAILED,
    "broke in the middle"
)]
#[case::closes_at_once(vec![], FAILED, "closed the connection before it answered")]
#[case::resets(vec![Do::Reset], FAILED, "closed the connection before it answered")]
#[case::not_http(vec![Do::Send(b"220 smtp\r\n".to_vec())], FAILED, "is not HTTP")]
#[case::a_redirect(
    http("302 Found", "location: https://login.example.com/x?y=z\r\n", ""),
    FAILED,
    "a redirect to https://login.example.com (status 302)"
)]
#[case::key_refused(
    error("401 x", "authentication_error"),
    REFUSED,
    "401 authentication_error: m"
)]
#[case::key_may_not(error("403 x", "permission_error"), REFUSED, "refuses limits")]
#[case::a_proxy_says_403(http("403 x", "", "<html>"), REFUSED, "an HTML page (status 403)")]
#[case::no_such_thing(error("404 x", "not_found_error"), FAILED, "admin_base_url")]
#[case::too_many_polls(error("429 x", "rate_limit_error"), FAILED, "limits the polling")]
#[case::server_error(error("500 x", "api_error"), FAILED, "500 api_error: m")]
#[case::hostile_error(
    http(
        "500 x",
        "",
        r#"{"type":"error","error":{"type":"\u001b[2J","message":"\u202e"}}"#
    ),
    FAILED,
    "500 [2J"
)]
#[tokio::test]
async fn limits_that_cannot_be_read(
    #[case] script: Vec<Do>,
    #[case] state: LimitsState,
    #[case] says: &str,
) {
    let (board, got, sentence, server) = second_poll(script, true).await;
    assert_eq!(got, state, "{sentence}");
    assert!(sentence.contains(says), "{sentence}");
    assert!(sentence.contains(&server.address.to_string()), "{sentence}");
    assert!(
        sentence.chars().all(is_harmless) && !sentence.contains(KEY),
        "{sentence}"
    );
    assert_eq!(
        board.sources().limits_error.as_deref(),
        Some(sentence.as_str())
    );
    assert_eq!(limit(&board), Some(400_000), "earlier limits stay");
}

#[rstest]
#[case::hangs(vec![Do::Hang], "sent no answer within 0.15 s")]
#[case::hangs_in_the_body(
    then(raw("200 OK", "content-length: 99\r\n", "{"), Do::Hang),
    "after 0.15 s"
)]
#[tokio::test]
async fn silences(#[case] script: Vec<Do>, #[case] says: &str) {
    // The good first poll needs patience, so another poller makes the second.
    let good = Server::start(|head| match target(head) {
        "/v1/organizations/me" => ok(ME),
        "/v1/organizations/workspaces?limit=1000" => ok(NONE),
        _ => ok(LIST),
    })
    .await;
    let mut board = Board::default();
    let patient = Arc::new(connection(&good.url(), options(true)));
    let mut poller = Poller::new(patient, Clock::start(), TURNS);
    board.absorb(&poller.poll().await.seen);
    let server = Server::start(move |_| script.clone()).await;
    let connection = Arc::new(connection(&server.url(), options(false)));
    let mut poller = Poller::new(connection, Clock::start(), TURNS);
    let seen = poller.poll().await.seen;
    board.absorb(&seen);
    let What::Limits {
        state,
        error,
        snapshot,
    } = seen.what
    else {
        panic!("no limits");
    };
    assert_eq!((state, snapshot), (FAILED, None));
    assert!(
        error.as_deref().unwrap_or_default().contains(says),
        "{error:?}"
    );
    assert_eq!(limit(&board), Some(400_000), "earlier limits stay");
}

#[tokio::test]
async fn pages_without_end_end() {
    let page = AtomicUsize::new(0);
    let server = Server::start(move |_| {
        let next = page.fetch_add(1, Ordering::Relaxed);
        ok(format!(r#"{{"data":[],"next_page":"{next}"}}"#))
    })
    .await;
    let connection = Arc::new(connection(&server.url(), options(true)));
    let mut poller = Poller::new(connection, Clock::start(), TURNS);
    let What::Limits { error, .. } = poller.poll().await.seen.what else {
        panic!("no limits");
    };
    assert!(error.unwrap().contains("more than 100 pages"));
    assert_eq!(server.asked().len(), 100);
}

#[tokio::test]
async fn a_cursor_cannot_leave_its_place() {
    let server = Server::start(|head| match target(head) {
        "/v1/organizations/rate_limits" => ok(r#"{"data":[],"next_page":"&x=1#/../ \r\nh: v"}"#),
        _ => ok(NONE),
    })
    .await;
    let connection = Arc::new(connection(&server.url(), options(true)));
    Poller::new(connection, Clock::start(), TURNS).poll().await;
    let second = server.asked()[1].clone();
    assert_eq!(
        target(&second),
        "/v1/organizations/rate_limits?page=%26x%3D1%23%2F..%2F%20%0D%0Ah%3A%20v"
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_the_key() {
    let elsewhere = Server::start(|_| ok(LIST)).await;
    let location = format!("location: {}/\r\n", elsewhere.url());
    let (board, state, _, _server) = second_poll(http("302 Found", &location, ""), true).await;
    assert_eq!((state, limit(&board)), (FAILED, Some(400_000)));
    assert_eq!(elsewhere.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn one_bad_entry_and_broken_neighbours_hide_nothing() {
    let list = LIST.replace("{\"data\":[", r#"{"data":[7,{"group_type":"batch"},{"group_type":"files","limits":[{"type":"requests_per_minute","value":-3}]},"#);
    let (board, state, _, _server) = second_poll(ok(list), true).await;
    assert_eq!((state, limit(&board)), (LimitsState::Ok, Some(400_000)));

    let server = Server::start(|head| match target(head) {
        "/v1/organizations/rate_limits" => ok(LIST),
        "/v1/organizations/me" => ok("[]"),
        _ => http("502 x", "", "<html>"),
    })
    .await;
    let connection = Arc::new(connection(&server.url(), options(true)));
    let seen = Poller::new(connection, Clock::start(), TURNS)
        .poll()
        .await
        .seen;
    let What::Limits {
        state, snapshot, ..
    } = &seen.what
    else {
        panic!("no limits");
    };
    assert_eq!(*state, LimitsState::Ok);
    assert_eq!(snapshot.as_ref().unwrap().faults.len(), 2);
    let mut board = Board::default();
    board.absorb(&seen);
    assert_eq!(limit(&board), Some(400_000));
}
