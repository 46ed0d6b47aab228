//! Status lines and headers.

use super::{
    ask::{EARLIER, Expect, ask_at, bad, check, fine, left, options},
    server::{Do, Server, http, raw, then},
};
use ratetop::{
    clock::Clock,
    domain::{
        id::ModelId,
        outcome::{Outcome, Unreachable},
        verdict::Cause,
    },
};
use rstest::rstest;

const OK: &str = r#"{"type":"message","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","usage":{"input_tokens":14,"output_tokens":9}}"#;
const LIMITED: &str = r#"{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your organization's rate limit of 8,000 output tokens per minute"}}"#;

fn send(bytes: &[u8]) -> Vec<Do> {
    vec![Do::Send(bytes.to_vec())]
}

fn ok(headers: &str) -> Vec<Do> {
    http("200 OK", headers, OK)
}

/// A good answer with one family of limits, each header as given.
fn level(limit: &str, remaining: &str, others: &str) -> Vec<Do> {
    ok(&format!(
        "anthropic-ratelimit-output-tokens-limit: {limit}\r\nanthropic-ratelimit-output-tokens-remaining: {remaining}\r\n{others}"
    ))
}

#[rstest]
#[case::closes_without_a_byte(vec![], bad(Cause::Unreachable, "closed the connection before it answered"))]
#[case::resets_at_once(vec![Do::Reset], bad(Cause::Unreachable, "closed the connection before it answered"))]
#[case::garbage(
    send(b"\x00\x01\x02garbage\r\n\r\n"),
    bad(Cause::Unreachable, "is not HTTP")
)]
#[case::an_ssh_server(
    send(b"SSH-2.0-OpenSSH_9.6\r\n"),
    bad(Cause::Unreachable, "is not HTTP")
)]
#[case::http_0_9(send(b"<html>hello</html>"), bad(Cause::Unreachable, "is not HTTP"))]
#[case::a_tls_alert(
    send(b"\x15\x03\x01\x00\x02\x02\x28"),
    bad(Cause::Unreachable, "is not HTTP")
)]
#[case::half_a_status_line(
    send(b"HTTP/1.1 2"),
    bad(Cause::Unreachable, "closed the connection before it answered")
)]
#[case::status_zero(raw("000 x", "", ""), bad(Cause::Unreachable, "is not HTTP"))]
#[case::status_999(
    http("999 x", "", ""),
    bad(Cause::Gateway, "999: the answer is not the API's but an empty body")
)]
#[case::no_reason(send(format!("HTTP/1.1 200\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{OK}", OK.len()).as_bytes()), fine())]
#[case::http_1_0_with_length(send(format!("HTTP/1.0 200 OK\r\ncontent-length: {}\r\n\r\n{OK}", OK.len()).as_bytes()), fine())]
#[case::http_1_0_until_it_closes(send(format!("HTTP/1.0 200 OK\r\n\r\n{OK}").as_bytes()), fine())]
#[case::early_hints_first(send(format!("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{OK}", OK.len()).as_bytes()), fine())]
#[case::fifty_early_hints(send(format!("{}HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{OK}", "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(50), OK.len()).as_bytes()), fine())]
#[case::switching_protocols(
    send(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n"),
    bad(Cause::Gateway, "101: the answer is not the API's")
)]
#[case::a_redirect(
    http(
        "302 Found",
        "location: https://login.example.com/sso?token=abc\r\n",
        "moved"
    ),
    bad(Cause::Gateway, "a redirect to https://login.example.com;")
)]
#[case::a_redirect_to_nowhere(
    http("307 Temporary Redirect", "location: \x1b[2J\r\n", ""),
    bad(Cause::Gateway, "307")
)]
#[case::not_modified(raw("304 Not Modified", "", ""), bad(Cause::Gateway, "304"))]
#[case::no_content(raw("204 No Content", "", ""), bad(Cause::Gateway, "an empty body"))]
#[case::two_lengths(
    send(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!"),
    bad(Cause::Unreachable, "is not HTTP")
)]
#[case::length_is_a_word(
    raw("200 OK", "content-length: many\r\n", OK),
    bad(Cause::Unreachable, "is not HTTP")
)]
#[case::length_is_negative(
    raw("200 OK", "content-length: -1\r\n", OK),
    bad(Cause::Unreachable, "is not HTTP")
)]
#[case::length_overflows(
    raw("200 OK", "content-length: 99999999999999999999999\r\n", OK),
    bad(Cause::Unreachable, "is not HTTP")
)]
#[case::a_header_of_a_megabyte(raw("200 OK", &format!("x: {}\r\n", "y".repeat(1 << 20)), OK), bad(Cause::Unreachable, "is not HTTP"))]
#[case::ten_thousand_headers(raw("200 OK", &"x-y: z\r\n".repeat(10_000), OK), bad(Cause::Unreachable, "is not HTTP"))]
#[case::a_head_without_end(vec![Do::Repeat(b"HTTP/1.1 200 OK\r\nx: y\r\n".to_vec())], bad(Cause::Unreachable, "is not HTTP"))]
#[case::a_header_without_a_colon(ok("this is no header\r\n"), fine())]
#[case::a_control_character_in_a_header(ok("x-y: a\x01b\r\n"), fine())]
#[case::a_folded_header(ok("x-y: a\r\n b\r\n"), fine())]
#[case::limits_are_read(level("400000", "55000", ""), fine().left(55_000))]
#[case::remaining_is_negative(level("400000", "-5", ""), fine())]
#[case::remaining_overflows(level("400000", "18446744073709551616", ""), fine())]
#[case::remaining_is_a_word(level("400000", "plenty", ""), fine())]
#[case::remaining_is_empty(level("400000", "", ""), fine())]
#[case::limit_is_missing(ok("anthropic-ratelimit-output-tokens-remaining: 7000\r\n"), fine())]
#[case::reset_lies_in_1970(level("400000", "55000", "anthropic-ratelimit-output-tokens-reset: 1970-01-01T00:00:00Z\r\n"), fine().left(55_000))]
#[case::reset_lies_in_9999(level("400000", "55000", "anthropic-ratelimit-output-tokens-reset: 9999-12-31T23:59:59Z\r\n"), fine().left(55_000))]
#[case::reset_is_garbage(level("400000", "55000", "anthropic-ratelimit-output-tokens-reset: soon\r\n"), fine().left(55_000))]
#[case::the_date_is_from_1970(level("400000", "55000", "date: Thu, 01 Jan 1970 00:00:00 GMT\r\nanthropic-ratelimit-output-tokens-reset: 1970-01-01T00:00:30Z\r\n"), fine().left(55_000))]
#[case::the_date_is_garbage(level("400000", "55000", "date: now\r\n"), fine().left(55_000))]
#[case::the_same_header_twice(level("400000", "55000", "anthropic-ratelimit-output-tokens-remaining: 1\r\n"), fine().left(55_000))]
#[case::retry_after_is_garbage(
    http("429 x", "retry-after: \x1b[31msoon\r\n", LIMITED),
    bad(Cause::OutputTokensPerMinute, "output tokens per minute")
)]
#[case::retry_after_is_endless(
    http("429 x", "retry-after: 1e308\r\n", LIMITED),
    bad(Cause::OutputTokensPerMinute, "output tokens per minute")
)]
#[case::retry_after_is_negative(
    http("429 x", "retry-after: -7\r\n", LIMITED),
    bad(Cause::OutputTokensPerMinute, "output tokens per minute")
)]
#[case::retry_after_is_a_date_long_past(
    http("429 x", "retry-after: Thu, 01 Jan 1970 00:00:00 GMT\r\n", LIMITED),
    bad(Cause::OutputTokensPerMinute, "output tokens per minute")
)]
#[case::retry_after_is_a_date_of_9999(
    http("429 x", "retry-after: Fri, 31 Dec 9999 23:59:59 GMT\r\n", LIMITED),
    bad(Cause::OutputTokensPerMinute, "output tokens per minute")
)]
#[case::an_id_of_ten_kilobytes(ok(&format!("request-id: {}\r\n", "r\u{202e}".repeat(3000))), fine())]
#[tokio::test]
async fn heads(#[case] script: Vec<Do>, #[case] expect: Expect) {
    let asked = check(script, false, true, expect).await;
    if let Some(id) = asked.attempt.request {
        assert!(id.as_str().chars().count() <= 201);
    }
}

#[rstest]
#[case::hangs_before_the_head(vec![Do::Hang], bad(Cause::Timeout, "sent no answer within 0.15 s"))]
#[case::hangs_inside_the_head(
    then(send(b"HTTP/1.1 200 OK\r\nx"), Do::Hang),
    bad(Cause::Timeout, "sent no answer within 0.15 s")
)]
#[case::drips_a_head(
    then(send(b"HTTP/1.1 200 OK\r\nx: "), Do::Drip(b'y')),
    bad(Cause::Timeout, "sent no answer within 0.15 s")
)]
#[tokio::test]
async fn silences(#[case] script: Vec<Do>, #[case] expect: Expect) {
    check(script, false, false, expect).await;
}

#[tokio::test]
async fn header_values_that_are_not_utf_8_are_kept_raw_and_hide_nothing() {
    let mut head = b"HTTP/1.1 200 OK\r\nconnection: close\r\nanthropic-ratelimit-output-tokens-limit: 400000\r\nanthropic-ratelimit-output-tokens-remaining: \xff\xfe\r\nanthropic-ratelimit-new-thing: \xe2\x80\xae\xff\r\nrequest-id: req_1\r\n".to_vec();
    head.extend(format!("content-length: {}\r\n\r\n{OK}", OK.len()).bytes());
    let asked = check(send(&head), false, true, fine()).await;
    let reading = asked.attempt.reading.unwrap();
    assert_eq!(reading.unknown.len(), 3);
    assert_eq!(reading.request.unwrap().as_str(), "req_1");
}

#[tokio::test]
async fn nobody_listens() {
    let address = Server::start(|_| vec![]).await.address;
    let asked = ask_at(
        &format!("http://{address}"),
        options(true),
        false,
        Clock::start(),
    )
    .await;
    let Some(Outcome::Unreachable { kind, how }) = asked.attempt.outcome else {
        panic!("reached");
    };
    // The server ended when it went out of scope, so its port is closed.
    assert_eq!(kind, Unreachable::Refused, "{how}");
    assert!(
        how.contains(&format!("Nobody listens at {address}")),
        "{how}"
    );
    assert_eq!(asked.exit, ratetop::cli::exits::UNREACHABLE);
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_the_key() {
    let elsewhere = Server::start(|_| ok("")).await;
    let location = format!("location: {}/v1/messages\r\n", elsewhere.url());
    for status in ["301 x", "302 x", "303 x", "307 x", "308 x"] {
        check(
            http(status, &location, ""),
            false,
            true,
            bad(Cause::Gateway, "a redirect to http://127.0.0.1"),
        )
        .await;
    }
    assert_eq!(elsewhere.asked(), Vec::<String>::new());
}

/// A server whose clock is years away from ours, and then our own clock jumps: distances are taken from
/// the server's own date, ages from our own arrivals.
#[rstest]
#[case::ours_is_ten_years_behind("2016-11-24T12:00:00Z")]
#[case::ours_is_ten_years_ahead("2036-11-24T12:00:00Z")]
#[tokio::test]
async fn a_clock_that_is_wrong(#[case] ours: &str) {
    let script = level(
        "400000",
        "200000",
        "date: Tue, 24 Nov 2026 12:00:00 GMT\r\nanthropic-ratelimit-output-tokens-reset: 2026-11-24T12:00:30Z\r\n",
    );
    let server = Server::start(move |_| script.clone()).await;
    let clock = Clock::anchored(ours.parse().unwrap());
    let asked = ask_at(&server.url(), options(true), false, clock).await;
    let reading = asked.attempt.reading.as_ref().unwrap();
    assert_eq!(reading.levels[0].full_in_s, Some(30.0));
    let model = ModelId::from("claude-opus-5-5");
    assert_eq!(left(&asked.board, &model, asked.now), Some(200_000));
    assert_ne!(left(&asked.board, &model, asked.now), Some(EARLIER));
}
