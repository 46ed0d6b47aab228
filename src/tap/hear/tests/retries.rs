//! Who comes back after a failure, and when.

use super::calls::timeline;
use super::*;
use crate::domain::verdict::Cause;

#[test]
fn a_retry_without_a_count_is_known_by_its_body() {
    let (hearing, paper) = hearing();
    let sends = asks(false, "hi");
    throttled(&hearing, &sends, Some("17"), 0.0);
    throttled(&hearing, &sends, Some("12"), 5.0);
    well(&hearing, &sends, 17.0);
    well(&hearing, &sends, 18.0);
    let all = tally(&hearing, 20.0);
    assert_eq!(
        (all.logical, all.wire, all.retries),
        (2, 4, 2),
        "a success closes a call"
    );
    assert_eq!(all.refused.get(&Cause::OutputTokensPerMinute), Some(&2));
    assert_eq!(all.early, 1);
    assert!((all.early_s - 12.0).abs() < 1e-6 && (all.early_worst_s - 12.0).abs() < 1e-6);
    assert!((all.asked_s - 29.0).abs() < 1e-6 && (all.slept_s - 17.0).abs() < 1e-6);
    assert_eq!(all.amplification(), Some(2.0));
    let timeline = timeline(&paper);
    let call = timeline.calls().next().unwrap();
    assert_eq!(
        (call.attempts.len(), call.result),
        (3, Some(CallResult::Ok))
    );
    assert_eq!(call.early_retries(), 1);
    assert_eq!(call.attempts[0].slept_s, Some(5.0));
    assert_eq!(call.attempts[0].asked_s, Some(17.0));
    let reason = &call.attempts[0].decision.as_ref().unwrap().reason;
    assert_eq!(reason, "the client came back after 5 s, 12 s too early");
}

/// An agent's next request repeats all that was said before; what is new is anywhere in it.
#[test]
fn long_prompts_that_differ_in_one_letter_are_calls_of_their_own() {
    let prompt = "x".repeat(300_000);
    for at in [0, 70_000, 150_100, 299_999] {
        let (hearing, _) = hearing();
        let mut other = prompt.clone();
        other.replace_range(at..=at, "y");
        throttled(&hearing, &asks(false, &prompt), Some("17"), 0.0);
        throttled(&hearing, &asks(false, &other), Some("17"), 5.0);
        well(&hearing, &asks(false, &prompt), 18.0);
        let all = tally(&hearing, 20.0);
        assert_eq!(
            (all.logical, all.wire, all.retries, all.early),
            (2, 3, 1, 0)
        );
    }
}

#[test]
fn an_sdks_own_count_links_and_a_loop_around_it_is_flagged() {
    let (hearing, paper) = hearing();
    let sends = || asks(false, "hi");
    for n in ["0", "1", "2", "0", "1"] {
        let at = paper.all().len() as f64 / 10.0;
        passes(
            &hearing,
            &sends().retry(n),
            529,
            &[],
            &refusal("overloaded_error", "Overloaded"),
            at,
        );
    }
    let all = tally(&hearing, 10.0);
    assert_eq!(
        (all.logical, all.wire, all.retries, all.stacked),
        (1, 5, 4, 1)
    );
    assert_eq!(all.refused.get(&Cause::Overloaded), Some(&5));
    let timeline = timeline(&paper);
    let numbers: Vec<u32> = timeline
        .calls()
        .next()
        .unwrap()
        .attempts
        .iter()
        .map(|a| a.n)
        .collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
}

#[test]
fn two_workers_with_one_body_are_two_calls() {
    let (hearing, _) = hearing();
    let sends = asks(false, "hi").retry("0");
    let first = sends.send(&hearing, 0.0);
    let second = sends.send(&hearing, 0.1);
    let all = tally(&hearing, 0.2);
    assert_eq!((all.logical, all.open), (2, 2));
    drop((first, second));
    assert_eq!(
        tally(&hearing, 0.3).cancelled,
        2,
        "what is dropped was given up"
    );
}

#[test]
fn a_timeout_of_the_client_and_its_retry_are_one_call() {
    let (hearing, paper) = hearing();
    let sends = asks(false, "hi");
    let mut exchange = sends.send(&hearing, 0.0);
    exchange.ended(End::ClientGone, t(10.0));
    well(&hearing, &sends.retry("1"), 10.5);
    let all = tally(&hearing, 11.0);
    assert_eq!(
        (all.logical, all.wire, all.cancelled, all.whole),
        (1, 2, 1, 1)
    );
    assert_eq!(
        timeline(&paper).calls().next().unwrap().result,
        Some(CallResult::Ok)
    );
}

#[test]
fn what_nobody_repeats_closes_its_call() {
    let (hearing, paper) = hearing();
    for (n, status) in [400, 401, 402, 403, 404, 413].into_iter().enumerate() {
        let at = n as f64;
        passes(
            &hearing,
            &asks(false, "hi"),
            status,
            &[],
            &refusal("some_error", "x"),
            at,
        );
    }
    let all = tally(&hearing, 10.0);
    assert_eq!((all.logical, all.refusals()), (6, 6));
    for cause in [
        Cause::InvalidRequest,
        Cause::Auth,
        Cause::Billing,
        Cause::Permission,
        Cause::NotFound,
        Cause::TooLarge,
    ] {
        assert_eq!(all.refused.get(&cause), Some(&1), "{cause:?}");
    }
    assert!(
        timeline(&paper)
            .calls()
            .all(|call| call.result == Some(CallResult::Failed))
    );
}
