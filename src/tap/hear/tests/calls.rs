//! Calls and their attempts, from beginning to end.

use super::*;
use crate::domain::{outcome::Outcome, timeline::Timeline, usage::Usage, verdict::Cause};

const STREAM: [&str; 7] = [
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"content\":[],\"stop_reason\":null,\"usage\":{\"input_tokens\":25,\"output_tokens\":1}}}\n\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
    "event: ping\ndata: {\"type\": \"ping\"}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hello, you all there\"}}\n\n",
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":15}}\n\n",
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
];

pub(super) fn timeline(paper: &Paper) -> Timeline {
    let mut timeline = Timeline::new(100);
    for seen in paper.all() {
        timeline.absorb(&seen);
    }
    timeline
}

#[test]
fn a_message_is_told_in_full() {
    let (hearing, paper) = hearing();
    let mut exchange = asks(false, "hi").send(&hearing, 1.0);
    answers(&mut exchange, 200, &LIMITS, MESSAGE, 1.25);
    exchange.ended(End::Whole, t(1.5));
    assert_eq!(
        paper.lines(),
        [
            "0 began",
            "0.1 sent",
            "0.1 head",
            "0.1 finished",
            "0 closed"
        ]
    );
    let timeline = timeline(&paper);
    let call = timeline.calls().next().unwrap();
    assert_eq!(call.client.as_str(), "Anthropic/Python 2.12.0");
    assert_eq!(call.model.as_str(), "claude-opus-5-5");
    assert_eq!(
        (call.source, call.allowed, call.policy.as_str()),
        (Source::Tap, None, "")
    );
    let attempt = &call.attempts[0];
    assert_eq!(attempt.request.as_ref().unwrap().as_str(), "req_011CX");
    assert_eq!(
        (attempt.first_byte_s, attempt.duration_s),
        (Some(0.25), Some(0.5))
    );
    let usage = Usage {
        input_tokens: 14,
        output_tokens: 9,
        cache_creation_input_tokens: 0,
        cache_read_input_tokens: 3,
        ..Usage::default()
    };
    assert_eq!(attempt.usage, Some(usage));
    assert_eq!(call.stop_reason(), Some("end_turn"));
    let seen = paper.all();
    assert!(
        seen[2]
            .organization
            .as_ref()
            .unwrap()
            .as_str()
            .starts_with("6a3f")
    );
    let all = tally(&hearing, 2.0);
    assert_eq!(
        (all.logical, all.wire, all.whole, all.usage),
        (1, 1, 1, usage)
    );
}

#[test]
fn a_stream_tells_its_first_token_and_its_progress() {
    let (hearing, paper) = hearing();
    let mut exchange = asks(true, "hi").send(&hearing, 0.0);
    answers(
        &mut exchange,
        200,
        &[("content-type", "text/event-stream; charset=utf-8")],
        "",
        0.2,
    );
    for (n, event) in STREAM.iter().enumerate() {
        exchange.response_bytes(event.as_bytes(), t(0.3 + n as f64 / 10.0));
    }
    assert_eq!(tally(&hearing, 1.0).open, 1);
    exchange.ended(End::Whole, t(1.0));
    assert_eq!(
        paper.lines(),
        [
            "0 began",
            "0.1 sent",
            "0.1 head",
            "0.1 progress",
            "0.1 first_token",
            "0.1 progress",
            "0.1 progress",
            "0.1 finished",
            "0 closed"
        ]
    );
    let timeline = timeline(&paper);
    let attempt = &timeline.calls().next().unwrap().attempts[0];
    assert!((attempt.first_token_s.unwrap() - 0.6).abs() < 1e-6);
    // 15 tokens from the first at 0.6 s to the end at 1 s.
    assert!((attempt.tokens_per_second().unwrap() - 37.5).abs() < 0.01);
    assert_eq!(tally(&hearing, 1.0).usage.output_tokens, 15);
}

#[test]
fn a_stream_that_fails_after_a_200_has_thrown_its_tokens_away() {
    let error = format!(
        "event: error\ndata: {}\n\n",
        r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#
    );
    let cases: [(&str, &str, End); 4] = [
        ("error", &error, End::Whole),
        ("cut", "", End::UpstreamBroke("connection reset".into())),
        ("truncated", "", End::Whole),
        (
            "garbled",
            "event: message_delta\ndata: {\"type\"\n\n",
            End::Whole,
        ),
    ];
    for (name, last, end) in cases {
        let (hearing, paper) = hearing();
        let mut exchange = asks(true, "hi").send(&hearing, 0.0);
        let body = STREAM[..4].concat() + last;
        answers(
            &mut exchange,
            200,
            &[("content-type", "text/event-stream")],
            &body,
            0.2,
        );
        exchange.ended(end, t(1.0));
        let all = tally(&hearing, 1.0);
        assert_eq!((all.broken, all.whole), (1, 0), "{name}");
        // 25 in; 1 that the server said and 20 bytes of text.
        assert_eq!(
            (all.lost.input_tokens, all.lost.output_tokens),
            (25, 6),
            "{name}"
        );
        assert_eq!(all.usage, all.lost, "{name}");
        assert_eq!(paper.verdicts()[0].cause, Cause::StreamError, "{name}");
        assert!(
            timeline(&paper).calls().next().unwrap().is_open(),
            "it may be repeated"
        );
        hearing.totals(t(200.0));
        let result = timeline(&paper).calls().next().unwrap().result;
        assert_eq!(result, Some(CallResult::Failed), "{name}");
    }
}

#[test]
fn a_client_that_leaves_after_the_last_event_has_its_answer() {
    let (hearing, _) = hearing();
    for (n, (body, whole)) in [(STREAM.concat(), 1), (STREAM[..6].concat(), 0)]
        .into_iter()
        .enumerate()
    {
        let mut exchange = asks(true, &n.to_string()).send(&hearing, 0.0);
        answers(
            &mut exchange,
            200,
            &[("content-type", "text/event-stream")],
            &body,
            0.2,
        );
        let before = tally(&hearing, 1.0).whole;
        exchange.ended(End::ClientGone, t(1.0));
        assert_eq!(tally(&hearing, 1.0).whole - before, whole);
    }
    assert_eq!(tally(&hearing, 1.0).cancelled, 1);
}

#[test]
fn a_client_that_leaves_a_refusal_unread_was_refused() {
    let (hearing, paper) = hearing();
    let mut exchange = asks(false, "hi").send(&hearing, 0.0);
    answers(
        &mut exchange,
        429,
        &[("retry-after", "3")],
        "{\"type\":\"err",
        0.2,
    );
    exchange.ended(End::ClientGone, t(0.3));
    let all = tally(&hearing, 1.0);
    assert_eq!((all.refusals(), all.cancelled), (1, 0));
    assert_eq!(paper.verdicts()[0].asked_s, Some(3.0));
}

#[test]
fn no_answer_is_told_as_such() {
    let (hearing, paper) = hearing();
    let mut exchange = asks(false, "hi").send(&hearing, 0.0);
    let end = End::Unreachable {
        kind: Unreachable::Refused,
        how: "nobody listens at 127.0.0.1:9".into(),
    };
    exchange.ended(end, t(0.1));
    let mut exchange = asks(false, "ho").send(&hearing, 0.0);
    exchange.ended(End::UpstreamBroke("reset".into()), t(0.1));
    assert_eq!(tally(&hearing, 1.0).unreachable, 2);
    assert_eq!(paper.verdicts()[0].cause, Cause::Unreachable);
}

#[test]
fn an_answer_while_the_request_still_uploads_is_heard() {
    let (hearing, paper) = hearing();
    let mut exchange = hearing.begin(&head("/v1/messages", &[]), t(0.0));
    exchange.request_bytes(br#"{"model":"claude-opus-5-5","messages":["#, t(0.0));
    answers(&mut exchange, 413, &[], "<html>too large</html>", 0.1);
    exchange.request_bytes(b"1,2,3", t(0.2));
    exchange.ended(End::Whole, t(0.2));
    let all = tally(&hearing, 1.0);
    assert_eq!(all.refused.get(&Cause::TooLarge), Some(&1));
    assert_eq!(
        paper.all()[0].model.as_ref().unwrap().as_str(),
        "claude-opus-5-5"
    );
}

#[test]
fn answers_that_are_not_the_apis() {
    let (hearing, _) = hearing();
    let cases = [
        (502, "text/html", "<html><title>Bad gateway</title>"),
        (200, "application/json", "{}"),
        (200, "application/json", ""),
        (200, "text/html", "<html>log in"),
        (302, "text/plain", ""),
    ];
    for (n, (status, kind, body)) in cases.into_iter().enumerate() {
        let sends = asks(false, &n.to_string());
        passes(
            &hearing,
            &sends,
            status,
            &[("content-type", kind)],
            body,
            n as f64,
        );
    }
    assert_eq!(tally(&hearing, 9.0).refused.get(&Cause::Gateway), Some(&5));
}

#[test]
fn other_paths_are_counted_not_read() {
    let (hearing, paper) = hearing();
    let ends = [
        (Some(200), End::Whole),
        (Some(429), End::Whole),
        (Some(200), End::ClientGone),
        (Some(200), End::UpstreamBroke("x".into())),
        (None, End::ClientGone),
    ];
    for (status, end) in ends {
        let mut exchange = hearing.begin(&head("/v1/messages/count_tokens", &[]), t(0.0));
        exchange.request_bytes(b"{\"model\":\"x\"}", t(0.0));
        if let Some(status) = status {
            exchange.answered(status, &headers(&LIMITS), t(0.0));
        }
        exchange.ended(end, t(0.0));
    }
    let _open = hearing.begin(&head("/v1/models", &[]), t(0.0));
    let totals = hearing.totals(t(1.0));
    let it = totals.elsewhere;
    assert_eq!(
        (
            it.wire,
            it.whole,
            it.refused,
            it.cancelled,
            it.failed,
            it.open
        ),
        (6, 1, 1, 2, 1, 1)
    );
    assert_eq!((totals.clients.len(), paper.all().len()), (0, 0));
}

#[test]
fn a_verdict_knows_the_pool_and_its_limits() {
    let (hearing, paper) = hearing();
    hearing.know(Known {
        groups: vec![Group {
            id: "rlg_x".into(),
            entry: None,
            kind: "model_group".to_owned().into(),
            name: "Opus 5.5".into(),
            models: vec!["claude-opus-5-5".into()],
            limits: vec![],
            guess: false,
        }],
        ..Known::default()
    });
    throttled(&hearing, &asks(false, "hi"), Some("17"), 0.0);
    let verdict = &paper.verdicts()[0];
    assert_eq!(verdict.pool.as_ref().unwrap().as_str(), "rlg_x");
    assert_eq!(verdict.request_id.as_ref().unwrap().as_str(), "req_429");
    assert!(
        verdict.sentence.contains("Opus 5.5"),
        "{}",
        verdict.sentence
    );
}

#[test]
fn fast_traffic_is_told_as_such() {
    let (hearing, paper) = hearing();
    let mut sends = asks(false, "hi");
    sends.body = sends
        .body
        .replace('}', "")
        .replace(']', "}],\"speed\":\"fast\"")
        + "}";
    well(&hearing, &sends, 0.0);
    assert!(paper.all().iter().all(|seen| seen.fast));
    let outcomes = paper.all();
    assert!(outcomes.iter().any(|seen| matches!(
        &seen.what,
        What::Finished {
            outcome: Outcome::Complete { .. },
            ..
        }
    )));
}
