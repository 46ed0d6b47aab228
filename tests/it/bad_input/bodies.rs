//! Bodies of answers and of errors.

use super::{
    ask::{Expect, bad, check, fine, usage},
    server::{Do, http, raw, then},
};
use ratetop::domain::{outcome::Outcome, usage::Usage, verdict::Cause};
use rstest::rstest;

const OK: &str = r#"{"type":"message","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","usage":{"input_tokens":14,"output_tokens":9}}"#;

fn ok(body: impl AsRef<[u8]>) -> Vec<Do> {
    http("200 OK", "content-type: application/json\r\n", body)
}

fn chunked(body: &str) -> Vec<Do> {
    raw("200 OK", "transfer-encoding: chunked\r\n", body)
}

fn error(kind: &str, message: &str) -> String {
    serde_json::json!({"type": "error", "error": {"type": kind, "message": message}}).to_string()
}

#[rstest]
#[case::a_good_one(ok(OK), fine())]
#[case::html_for_json(
    ok("<!doctype html><html><head><title>Sign in</title></head></html>"),
    bad(Cause::Gateway, "an HTML page titled \"Sign in\"")
)]
#[case::html_with_a_hostile_title(
    ok("<html><title>\x1b]0;owned\x07\u{202e}x</title>"),
    bad(Cause::Gateway, "titled \"]0;ownedx\"")
)]
#[case::nothing(ok(""), bad(Cause::Gateway, "an empty body"))]
#[case::blanks(ok("  \r\n\t"), bad(Cause::Gateway, "an empty body"))]
#[case::null(ok("null"), bad(Cause::Gateway, "JSON that is no object"))]
#[case::a_list(ok("[]"), bad(Cause::Gateway, "JSON that is no object"))]
#[case::a_string(ok("\"hello\""), bad(Cause::Gateway, "JSON that is no object"))]
#[case::another_vendors_answer(
    ok(r#"{"choices":[{"message":{"content":"Hi"}}]}"#),
    bad(Cause::Gateway, "JSON of another kind")
)]
#[case::another_vendors_error(
    ok(r#"{"error":{"message":"m","param":null,"code":"x"}}"#),
    bad(Cause::Gateway, "JSON of another kind")
)]
#[case::json_that_stops(ok(&OK[..40]), bad(Cause::Gateway, "JSON that cannot be read"))]
#[case::json_a_thousand_deep(ok("[".repeat(1000)), bad(Cause::Gateway, "JSON that cannot be read"))]
#[case::not_utf_8(
    ok(b"\xff\xfe{\x00}\x00"),
    bad(Cause::Gateway, "bytes that are not text")
)]
#[case::twenty_megabytes(ok("x".repeat(20 << 20)), bad(Cause::Gateway, "far too large"))]
#[case::an_error_with_status_200(
    ok(error("overloaded_error", "Overloaded")),
    bad(Cause::StreamError, "overloaded_error")
)]
#[case::shorter_than_its_length(
    raw("200 OK", "content-length: 9999\r\n", OK),
    bad(Cause::StreamError, "broke in the middle of the answer")
)]
#[case::reset_in_the_middle(
    then(raw("200 OK", "content-length: 9999\r\n", OK), Do::Reset),
    bad(Cause::StreamError, "broke in the middle of the answer")
)]
#[case::longer_than_its_length(raw("200 OK", &format!("content-length: {}\r\n", OK.len()), format!("{OK}HTTP/1.1 500 x\r\n\r\n")), fine())]
#[case::length_of_an_exabyte(
    raw("200 OK", "content-length: 1000000000000000000\r\n", OK),
    bad(Cause::StreamError, "broke in the middle")
)]
#[case::chunks(chunked(&format!("{:x}\r\n{OK}\r\n0\r\n\r\n", OK.len())), fine())]
#[case::chunks_and_a_length(raw("200 OK", "transfer-encoding: chunked\r\ncontent-length: 3\r\n", format!("{:x}\r\n{OK}\r\n0\r\n\r\n", OK.len())), fine())]
#[case::a_chunk_size_of_garbage(
    chunked("zz\r\nhello\r\n0\r\n\r\n"),
    bad(Cause::StreamError, "broke in the middle of the answer")
)]
#[case::a_chunk_size_that_overflows(
    chunked("ffffffffffffffffff\r\nhello"),
    bad(Cause::StreamError, "broke in the middle of the answer")
)]
#[case::a_chunk_that_stops(
    chunked("ff\r\n{\"type\":"),
    bad(Cause::StreamError, "broke in the middle of the answer")
)]
#[case::no_last_chunk(chunked(&format!("{:x}\r\n{OK}\r\n", OK.len())), bad(Cause::StreamError, "broke in the middle of the answer"))]
#[case::gzip_nobody_asked_for(
    http("200 OK", "content-encoding: gzip\r\n", b"\x1f\x8b\x08\x00\xff\xff"),
    bad(Cause::Gateway, "bytes that are not text")
)]
#[case::fields_of_the_wrong_type(
    ok(r#"{"type":"message","content":7,"stop_reason":{},"usage":[]}"#),
    fine()
)]
#[case::key_refused(
    http("401 x", "", error("authentication_error", "invalid x-api-key")),
    bad(Cause::Auth, "401")
)]
#[case::key_may_not(
    http("403 x", "", error("permission_error", "no")),
    bad(Cause::Permission, "403")
)]
#[case::a_proxy_says_403(
    http("403 x", "", "<html>blocked</html>"),
    bad(Cause::Gateway, "an HTML page")
)]
#[case::too_large_at_the_edge(
    http("413 x", "", "<html>cloudflare</html>"),
    bad(Cause::TooLarge, "413")
)]
#[case::a_429_without_a_word(http("429 x", "", ""), bad(Cause::Gateway, "an empty body"))]
#[case::a_429_that_stops(
    http("429 x", "", r#"{"type":"error","error":{"type":"rate_l"#),
    bad(Cause::Gateway, "JSON that cannot be read")
)]
#[case::a_429_that_explains_nothing(
    http("429 x", "", error("rate_limit_error", "Rate limited")),
    bad(Cause::Unknown, "")
)]
#[case::an_envelope_of_nulls(
    http(
        "500 x",
        "",
        r#"{"type":"error","error":{"type":null,"message":null}}"#
    ),
    bad(Cause::Gateway, "JSON of another kind")
)]
#[case::an_unknown_error_type(
    http("500 x", "", error("brand_new_error", "m")),
    bad(Cause::ServerError, "500")
)]
#[case::an_unknown_status(
    http("418 x", "", error("teapot_error", "m")),
    bad(Cause::InvalidRequest, "418")
)]
#[case::overloaded(
    http("529 x", "", error("overloaded_error", "Overloaded")),
    bad(Cause::Overloaded, "529")
)]
#[case::a_hostile_message(http("400 x", "", error("invalid_request_error", &format!("\u{1b}[2J\u{202e}{}", "evil ".repeat(30_000)))), bad(Cause::InvalidRequest, "400"))]
#[case::a_megabyte_of_error(http("500 x", "", "e".repeat(1 << 20)), bad(Cause::Gateway, "far too large"))]
#[case::an_error_body_that_breaks(
    raw("500 x", "content-length: 900\r\n", r#"{"type":"#),
    bad(Cause::Gateway, "broke off in the middle")
)]
#[case::a_bad_gateway(
    http(
        "502 Bad Gateway",
        "",
        "<html><head><title>502 Bad Gateway</title></head></html>"
    ),
    bad(Cause::Gateway, "502")
)]
#[tokio::test]
async fn bodies(#[case] script: Vec<Do>, #[case] expect: Expect) {
    check(script, false, true, expect).await;
}

#[rstest]
#[case::hangs_in_the_body(
    then(raw("200 OK", "content-length: 999\r\n", "{"), Do::Hang),
    bad(Cause::StreamError, "after 0.15 s")
)]
#[case::drips_a_body(
    then(raw("200 OK", "content-length: 99999\r\n", "{"), Do::Drip(b' ')),
    bad(Cause::StreamError, "after 0.15 s")
)]
#[case::hangs_in_an_error(
    then(raw("500 x", "content-length: 999\r\n", "{"), Do::Hang),
    bad(Cause::Gateway, "broke off in the middle")
)]
#[tokio::test]
async fn silences(#[case] script: Vec<Do>, #[case] expect: Expect) {
    check(script, false, false, expect).await;
}

#[tokio::test]
async fn text_is_shown_without_what_moves_the_cursor() {
    let body = serde_json::json!({"type": "message", "content": [{"type": "text", "text": "a\u{1b}[31mb\u{202e}c\nd"}]});
    let asked = check(ok(body.to_string()), false, true, fine()).await;
    assert_eq!(asked.text, "a[31mbc\nd");
    let Some(Outcome::Complete { stop_reason, .. }) = asked.attempt.outcome else {
        panic!("not complete");
    };
    assert_eq!(stop_reason, None);
    assert_eq!(asked.attempt.usage, None);
}

#[tokio::test]
async fn counts_that_are_none_are_left_out() {
    let body = r#"{"type":"message","content":[],"usage":{"input_tokens":-1,"output_tokens":1e300,"cache_read_input_tokens":99999999999999999999,"cache_creation_input_tokens":7}}"#;
    let asked = check(ok(body), false, true, fine()).await;
    let expected = Usage {
        cache_creation_input_tokens: 7,
        ..Usage::default()
    };
    assert_eq!(usage(&asked), expected);
}
