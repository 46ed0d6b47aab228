//! Whole calls in virtual time, on scripted answers without sockets. Messages are those of the errors
//! page and of the streaming page.

mod rig;
mod script;

use super::*;
use crate::api::{
    connection::tests::{connection, nowhere},
    messages::tests::order,
};
use crate::domain::{
    outcome::Unreachable, retry::Policy, timeline::Timeline, usage::Usage, verdict::Cause,
};
use rig::{Book, play};
use script::{Piece, Play, Script, closing, event, message, opening, refusal, stream};
use serde_json::json;
use std::sync::Mutex;
use tokio::sync::mpsc;

#[tokio::test(start_paused = true)]
async fn a_refused_call_waits_for_the_hint_and_then_succeeds() {
    let plays = vec![
        refusal(429, "rate_limit_error", &[("retry-after", "17")]),
        message("end_turn", &json!([{"type": "text", "text": "Hello!"}])),
    ];
    let played = play(&order(false), plays, Book::default(), None).await;
    assert_eq!(
        played.names(),
        [
            "began", "sent", "head", "finished", "decided", "sent", "head", "finished", "closed"
        ]
    );
    assert_eq!(
        played.end,
        CallEnd {
            result: CallResult::Ok,
            wire: 2,
            unsent: None
        }
    );
    assert_eq!(played.text, "Hello!");
    let slept = played.attempts()[0].slept_s.unwrap();
    assert!((17.0..=21.3).contains(&slept), "{slept}");
    assert!(!played.attempts()[0].early);
    // The organization of the head is on everything after it.
    assert_eq!(
        played.seen.last().unwrap().organization,
        Some("org-1".into())
    );
    assert_eq!(played.seen.last().unwrap().attempt, None);
    assert_eq!(
        *played.book.settled.lock().unwrap(),
        [
            Spent::Nothing,
            Spent::Tokens(Usage {
                input_tokens: 14,
                output_tokens: 9,
                ..Usage::default()
            })
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_key_that_the_server_repeats_is_told_to_nobody() {
    let key = "sk-ant-api03-ratetop-sim";
    let body = json!({"type": "error", "error": {
        "type": "invalid_request_error", "message": format!("no such key: {key}")}});
    let plays = vec![Play::Answer(
        400,
        vec![("anthropic-ratelimit-odd-limit", key)],
        vec![Piece::Bytes(body.to_string())],
    )];
    let played = play(&order(false), plays, Book::default(), None).await;
    let told = serde_json::to_string(&played.seen).unwrap();
    assert!(
        told.contains("no such key: (") && !told.contains(key),
        "{told}"
    );
    let connection = Connection {
        key: Some("gateway-token-1".into()),
        ..connection(Script::new(Vec::new()))
    };
    let said = connection.without_key("bad gateway-token-1!".into());
    assert_eq!(said, "bad (the key)!");
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_told_from_the_first_token_to_the_end() {
    let mut pieces = opening();
    pieces.push(Piece::Pause(0.2));
    pieces.push(event(&json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": " there"}})));
    pieces.extend(closing("end_turn"));
    let played = play(&order(true), vec![stream(pieces)], Book::default(), None).await;
    assert_eq!(
        played.names(),
        [
            "began",
            "sent",
            "head",
            "progress",
            "first_token",
            "progress",
            "finished",
            "closed"
        ]
    );
    assert_eq!(played.text, "Hello there");
    let attempt = &played.attempts()[0];
    assert_eq!(attempt.usage.unwrap().output_tokens, 9);
    assert!(attempt.duration_s.unwrap() >= 0.2);
    assert_eq!(played.end.result, CallResult::Ok);
}

#[tokio::test(start_paused = true)]
async fn progress_comes_at_most_ten_times_a_second() {
    let mut pieces = opening();
    for _ in 0..500 {
        pieces.push(Piece::Pause(0.002));
        pieces.push(event(&json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "x"}})));
    }
    pieces.extend(closing("end_turn"));
    let played = play(&order(true), vec![stream(pieces)], Book::default(), None).await;
    let progress = played
        .names()
        .iter()
        .filter(|name| *name == "progress")
        .count();
    assert!((5..=12).contains(&progress), "{progress}");
}

#[tokio::test(start_paused = true)]
async fn an_error_event_a_cut_and_a_missing_end_are_three_things_and_each_has_its_tokens() {
    let error = event(
        &json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
    );
    let with = |last: Option<Piece>| {
        let mut pieces = opening();
        pieces.extend(last);
        vec![stream(pieces)]
    };
    let mut order = order(true);
    order.policy = Policy::None;
    for (plays, kind) in [
        (with(Some(error)), "stream_error"),
        (with(Some(Piece::Break)), "stream_cut"),
        (with(None), "stream_truncated"),
    ] {
        let played = play(&order, plays, Book::default(), None).await;
        let attempt = &played.attempts()[0];
        let ended = serde_json::to_value(attempt.outcome.as_ref().unwrap()).unwrap();
        assert_eq!(ended["ended"], kind);
        assert_eq!(attempt.verdict.as_ref().unwrap().cause, Cause::StreamError);
        assert_eq!(attempt.status, Some(200));
        // 14 in, and the 5 bytes that came are about 2 tokens beside the placeholder.
        assert_eq!(attempt.usage.unwrap().output_tokens, 3);
        assert_eq!(played.end.result, CallResult::Failed);
        assert!(
            matches!(played.book.settled.lock().unwrap()[0], Spent::Tokens(u) if u.input_tokens == 14)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn esc_ends_a_wait_at_once() {
    let plays = vec![refusal(429, "rate_limit_error", &[("retry-after", "17")])];
    let played = play(&order(false), plays, Book::default(), Some(3.0)).await;
    assert_eq!(played.end.result, CallResult::Cancelled);
    let took = seconds_between(played.seen[0].at, played.seen.last().unwrap().at);
    assert!((3.0..3.01).contains(&took), "{took}");
}

#[tokio::test(start_paused = true)]
async fn esc_ends_a_stream_at_once_and_its_tokens_stay_counted() {
    let mut pieces = opening();
    pieces.push(Piece::Forever);
    let played = play(
        &order(true),
        vec![stream(pieces)],
        Book::default(),
        Some(1.0),
    )
    .await;
    assert_eq!(played.end.result, CallResult::Cancelled);
    assert_eq!(played.attempts()[0].outcome, Some(Outcome::Cancelled));
    assert!(played.attempts()[0].verdict.is_none());
    assert!(
        matches!(played.book.settled.lock().unwrap()[0], Spent::Tokens(u) if u.output_tokens == 3)
    );
}

#[tokio::test(start_paused = true)]
async fn esc_ends_a_request_without_an_answer() {
    let played = play(&order(true), vec![Play::Never], Book::default(), Some(1.0)).await;
    assert_eq!(played.names(), ["began", "sent", "finished", "closed"]);
    assert_eq!(*played.book.settled.lock().unwrap(), [Spent::Unknown]);
}

#[tokio::test(start_paused = true)]
async fn a_pause_is_continued_with_its_content_unchanged() {
    let paused =
        json!([{"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}]);
    let plays = vec![
        message("pause_turn", &paused),
        message("pause_turn", &json!([{"type": "text", "text": "a"}])),
        message("end_turn", &json!([{"type": "text", "text": "b"}])),
    ];
    let mut order = order(false);
    order.policy = Policy::None;
    order.attempts = 1;
    let played = play(&order, plays, Book::default(), None).await;
    assert_eq!(
        played.end,
        CallEnd {
            result: CallResult::Ok,
            wire: 3,
            unsent: None
        }
    );
    assert_eq!(played.text, "ab");
    let requests = played.script.requests();
    assert_eq!(
        requests[1]["messages"][1],
        json!({"role": "assistant", "content": paused})
    );
    assert_eq!(requests[2]["messages"].as_array().unwrap().len(), 3);
    let reason = &played.attempts()[0].decision.as_ref().unwrap().reason;
    assert!(reason.contains("pause_turn: continued"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_never_stops_pausing_is_ended() {
    let paused = json!([{"type": "text", "text": "."}]);
    let plays = vec![message("pause_turn", &paused); 11];
    let played = play(&order(false), plays, Book::default(), None).await;
    assert_eq!(
        played.end,
        CallEnd {
            result: CallResult::Failed,
            wire: 11,
            unsent: None
        }
    );
}

#[tokio::test(start_paused = true)]
async fn the_purse_is_asked_before_every_request() {
    let plays = vec![refusal(529, "overloaded_error", &[])];
    let book = Book {
        refuse_from: Some(2),
        ..Book::default()
    };
    let played = play(&order(false), plays, book, None).await;
    assert_eq!(played.end.wire, 1);
    assert_eq!(
        played.end.unsent.as_deref(),
        Some("the day's cap of $1.00 is reached")
    );
    assert_eq!(played.end.result, CallResult::Failed);
    let decision = played.attempts()[0].decision.as_ref().unwrap();
    assert_eq!(
        (decision.action, decision.reason.as_str()),
        (Action::Stop, "the day's cap of $1.00 is reached")
    );
    assert_eq!(played.book.reserved.lock().unwrap()[0].output_tokens, 256);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_when_the_purse_says_no() {
    let book = Book {
        refuse_from: Some(1),
        ..Book::default()
    };
    let played = play(&order(false), vec![], book, None).await;
    assert_eq!(played.names(), ["began", "decided", "closed"]);
    assert_eq!((played.end.wire, played.end.unsent.is_some()), (0, true));
}

#[tokio::test(start_paused = true)]
async fn nobody_there_costs_nothing_and_a_timeout_may_cost() {
    for (kind, spent) in [
        (Unreachable::Refused, Spent::Nothing),
        (Unreachable::Dns, Spent::Nothing),
        (Unreachable::Timeout, Spent::Unknown),
        (Unreachable::Broken, Spent::Unknown),
    ] {
        let mut order = order(false);
        order.policy = Policy::None;
        let played = play(&order, vec![Play::Nobody(kind)], Book::default(), None).await;
        assert_eq!(*played.book.settled.lock().unwrap(), [spent]);
        assert_eq!(
            played.names(),
            ["began", "sent", "finished", "decided", "closed"]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_dice_give_the_same_waits() {
    let plays = || vec![refusal(529, "overloaded_error", &[]); 5];
    let first = play(&order(false), plays(), Book::default(), None).await;
    let second = play(&order(false), plays(), Book::default(), None).await;
    assert_eq!(first.seen, second.seen);
    assert_eq!(first.end.wire, 5);
}

#[tokio::test]
async fn a_driver_can_move_to_a_task() {
    fn sendable(_: impl Send) {}
    let driver = Driver {
        connection: Arc::new(connection(nowhere())),
        clock: Clock::anchored("2026-11-24T12:00:00Z".parse().unwrap()),
        purse: Arc::new(OpenPurse),
        ear: Arc::new(mpsc::channel(1).0),
        share: Arc::default(),
    };
    sendable(async move {
        let mut dice = fastrand::Rng::with_seed(1);
        let cancel = CancellationToken::new();
        driver
            .run(&order(true), &Around::default(), &mut dice, &cancel)
            .await
    });
}
