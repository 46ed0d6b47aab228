//! Statuses and times, as the rows count them.

use super::*;

/// `(upper edge, how many were not above it)`, where that changes.
fn steps(spans: &crate::domain::traffic::Spans) -> Vec<(f64, u64)> {
    let mut steps: Vec<(f64, u64)> = Vec::new();
    for (edge, count) in spans.up_to() {
        if count > steps.last().map_or(0, |(_, before)| *before) {
            steps.push((edge, count));
        }
    }
    steps
}

#[test]
fn a_whole_answer_counts_its_status_and_when_its_head_came_once_it_is_over() {
    let (hearing, _) = hearing();
    let mut exchange = asks(false, "hi").send(&hearing, 1.0);
    answers(&mut exchange, 200, &LIMITS, MESSAGE, 1.2);
    assert!(tally(&hearing, 1.3).statuses.is_empty());
    exchange.ended(End::Whole, t(9.0));
    let all = tally(&hearing, 9.0);
    assert_eq!(all.statuses, [(200, 1)].into());
    assert_eq!(steps(&all.first_byte), [(0.25, 1)]);
    assert!((all.first_byte.sum_s() - 0.2).abs() < 1e-6);
    assert!(all.first_token.is_empty(), "it is no stream");
}

#[test]
fn a_refusal_counts_its_status_and_not_how_quick_it_was() {
    let (hearing, _) = hearing();
    throttled(&hearing, &asks(false, "hi"), Some("3"), 1.0);
    let all = tally(&hearing, 2.0);
    assert_eq!(all.statuses, [(429, 1)].into());
    assert!(all.first_byte.is_empty());
}

#[test]
fn a_call_without_an_answer_has_no_status() {
    let (hearing, _) = hearing();
    let mut exchange = asks(false, "hi").send(&hearing, 1.0);
    exchange.ended(End::UpstreamBroke("gone".into()), t(2.0));
    let mut exchange = asks(false, "other").send(&hearing, 3.0);
    exchange.ended(End::ClientGone, t(4.0));
    let all = tally(&hearing, 5.0);
    assert!(all.statuses.is_empty());
    assert_eq!(all.ended(), 2);
}

#[test]
fn the_first_token_of_every_stream_counts_told_or_not_and_of_broken_ones_too() {
    let (hearing, paper) = hearing();
    let delta = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}}\n\n";
    let started = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":25,\"output_tokens\":1}}}\n\n";
    let done = "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":2}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    let kind = [("content-type", "text/event-stream")];
    // More at once than are told one by one.
    let many = 200;
    for n in 0..many {
        let prompt = format!("{n}");
        let mut exchange = asks(true, &prompt).send(&hearing, 0.0);
        answers(&mut exchange, 200, &kind, started, 0.3);
        exchange.response_bytes(delta.as_bytes(), t(0.7));
        exchange.response_bytes(delta.as_bytes(), t(3.0));
        let end = if n % 2 == 0 {
            End::UpstreamBroke("reset".into())
        } else {
            exchange.response_bytes(done.as_bytes(), t(3.5));
            End::Whole
        };
        exchange.ended(end, t(4.0));
    }
    let told = paper
        .lines()
        .iter()
        .filter(|line| line.ends_with("began"))
        .count();
    assert!(told < many, "{told}");
    let all = tally(&hearing, 5.0);
    assert_eq!(all.statuses, [(200, many as u64)].into());
    assert_eq!(steps(&all.first_byte), [(0.5, many as u64)]);
    assert_eq!(steps(&all.first_token), [(1.0, many as u64)]);
}
