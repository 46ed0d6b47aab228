//! Event streams.

use super::{
    ask::{Expect, bad, check, fine, usage},
    server::{Do, http, raw, then},
};
use ratetop::domain::verdict::Cause;
use rstest::rstest;

const SSE: &str = "content-type: text/event-stream\r\n";
const START: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":14,\"output_tokens\":1}}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hello\"}}\n\n";
const STOP: &str = "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":9}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

/// A stream that ends when the connection does.
fn until_close(body: impl AsRef<[u8]>) -> Vec<Do> {
    raw("200 OK", SSE, body)
}

/// A stream in one chunk; whether the last chunk comes is a matter of the case.
fn chunk(body: &str, last: bool) -> Vec<Do> {
    let end = if last { "0\r\n\r\n" } else { "" };
    let headers = format!("{SSE}transfer-encoding: chunked\r\n");
    raw(
        "200 OK",
        &headers,
        format!("{:x}\r\n{body}\r\n{end}", body.len()),
    )
}

fn event(name: &str, data: &str) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

#[rstest]
#[case::a_good_one(chunk(&format!("{START}{STOP}"), true), fine())]
#[case::until_it_closes(until_close(format!("{START}{STOP}")), fine())]
#[case::crlf(until_close(format!("{START}{STOP}").replace('\n', "\r\n")), fine())]
#[case::cr(until_close(format!("{START}{STOP}").replace('\n', "\r")), fine())]
#[case::a_byte_order_mark(until_close(format!("\u{feff}{START}{STOP}")), fine())]
#[case::comments_and_done(until_close(format!(": hi\n\n{START}: keep-alive\n\n{STOP}data: [DONE]\n\n")), fine())]
#[case::without_a_type(raw("200 OK", "", format!("{START}{STOP}")), fine())]
#[case::json_instead(
    http(
        "200 OK",
        "content-type: application/json\r\n",
        r#"{"type":"message","content":[],"stop_reason":"end_turn"}"#
    ),
    fine()
)]
#[case::unknown_events_and_deltas(until_close(format!("{START}{}{}{STOP}", event("brand_new", "{"), event("content_block_delta", r#"{"type":"content_block_delta","index":0,"delta":{"type":"new"}}"#))), fine())]
#[case::an_index_out_of_range(until_close(format!("{START}{}{STOP}", event("content_block_delta", r#"{"type":"content_block_delta","index":18446744073709551615,"delta":{"type":"text_delta","text":"x"}}"#))), fine())]
#[case::fields_of_the_wrong_type(until_close(format!("{START}{}{}{STOP}", event("content_block_delta", r#"{"type":"content_block_delta","index":[],"delta":7}"#), event("message_delta", r#"{"type":"message_delta","delta":null,"usage":"x"}"#))), fine())]
#[case::an_end_without_a_start(until_close(STOP), fine())]
#[case::no_last_blank_line(until_close(format!("{START}{}", STOP.trim_end())), fine())]
#[case::more_after_the_end(then(until_close(format!("{START}{STOP}")), Do::Hang), fine())]
#[case::empty(until_close(""), bad(Cause::StreamError, "without message_stop"))]
#[case::ends_without_message_stop(
    chunk(START, true),
    bad(Cause::StreamError, "without message_stop")
)]
#[case::cut_between_events(chunk(START, false), bad(Cause::StreamError, "broke in the middle"))]
#[case::cut_inside_an_event(chunk(&format!("{START}event: message_stop\nda"), false), bad(Cause::StreamError, "broke in the middle"))]
#[case::cut_inside_the_last_event(until_close(format!("{START}event: message_stop\ndata: {{\"type\":")), bad(Cause::StreamError, "without message_stop"))]
#[case::reset(
    then(chunk(START, false), Do::Reset),
    bad(Cause::StreamError, "broke in the middle")
)]
#[case::an_error_event(until_close(format!("{START}{}", event("error", r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#))), bad(Cause::StreamError, "overloaded_error"))]
#[case::an_error_event_first(
    until_close(event(
        "error",
        r#"{"type":"error","error":{"type":"api_error","message":"m"}}"#
    )),
    bad(Cause::StreamError, "api_error")
)]
#[case::an_error_event_without_error(until_close(format!("{START}{}", event("error", "{}"))), bad(Cause::StreamError, "without a type"))]
#[case::a_hostile_error_event(until_close(format!("{START}{}", event("error", r#"{"type":"error","error":{"type":"\u001b[2J","message":"\u202eevil\u0007"}}"#))), bad(Cause::StreamError, "[2J"))]
#[case::an_error_event_that_is_no_json(until_close(format!("{START}{}", event("error", "oops"))), bad(Cause::StreamError, "not JSON"))]
#[case::a_known_event_that_is_no_json(until_close(format!("{START}{}{STOP}", event("content_block_delta", "{\"type\":"))), bad(Cause::StreamError, "not JSON"))]
#[case::an_event_of_two_megabytes(until_close(format!("{START}data: {}\n\n{STOP}", "x".repeat(2 << 20))), bad(Cause::StreamError, "larger than 1 MB"))]
#[case::a_line_without_end(then(until_close(START), Do::Repeat(vec![b'x'; 8192])), bad(Cause::StreamError, "larger than 1 MB"))]
#[case::comments_without_end(then(until_close(START), Do::Repeat(format!(": {}\n\n", "ping".repeat(4096)).into_bytes())), bad(Cause::StreamError, "larger than ratetop reads"))]
#[case::html_that_claims_to_be_a_stream(
    until_close("<html><title>Oops</title></html>"),
    bad(Cause::Gateway, "an HTML page titled \"Oops\"")
)]
#[case::gzip_nobody_asked_for(
    until_close(b"\x1f\x8b\x08\x00\xff\xff"),
    bad(Cause::Gateway, "bytes that are not text")
)]
#[case::a_pause_that_cannot_be_continued(until_close(format!("{START}{}{}", event("content_block_delta", r#"{"type":"content_block_delta","index":9,"delta":{"type":"text_delta","text":"x"}}"#), STOP.replace("end_turn", "pause_turn"))), Expect { exit: 1, ..fine() })]
#[tokio::test]
async fn streams(#[case] script: Vec<Do>, #[case] expect: Expect) {
    check(script, true, true, expect).await;
}

#[rstest]
#[case::hangs_after_the_head(
    then(until_close(""), Do::Hang),
    bad(Cause::StreamError, "sent nothing for 0.15 s")
)]
#[case::hangs_in_the_middle(
    then(chunk(START, false), Do::Hang),
    bad(Cause::StreamError, "sent nothing for 0.15 s")
)]
#[case::drips_for_ever(
    then(until_close(START), Do::Drip(b'\n')),
    bad(Cause::StreamError, "after 0.3 s")
)]
#[tokio::test]
async fn silences(#[case] script: Vec<Do>, #[case] expect: Expect) {
    check(script, true, false, expect).await;
}

#[tokio::test]
async fn a_broken_stream_says_what_it_has_spent() {
    let expect = bad(Cause::StreamError, "broke in the middle");
    let asked = check(chunk(START, false), true, true, expect).await;
    assert_eq!(asked.text, "Hello");
    assert_eq!(
        (usage(&asked).input_tokens, usage(&asked).output_tokens),
        (14, 3)
    );
}

#[tokio::test]
async fn bytes_that_are_not_utf_8_are_replaced() {
    let mut body = START
        .replace("Hello", "He\u{1}llo")
        .replace('\u{1}', "\\u0007")
        .into_bytes();
    let at = body.windows(2).position(|two| two == b"He").unwrap();
    body.splice(at..at + 2, *b"H\xff");
    body.extend_from_slice(STOP.as_bytes());
    let asked = check(until_close(body), true, true, fine()).await;
    assert_eq!(asked.text, "H\u{fffd}llo");
}

#[tokio::test]
async fn one_byte_at_a_time_is_the_same_answer() {
    let mut script = until_close("");
    script.extend(
        format!("{START}{STOP}")
            .bytes()
            .map(|byte| Do::Send(vec![byte])),
    );
    let asked = check(script, true, true, fine()).await;
    assert_eq!(
        (asked.text.as_str(), usage(&asked).output_tokens),
        ("Hello", 9)
    );
}
