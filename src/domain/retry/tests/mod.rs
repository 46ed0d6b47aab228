mod sdk;

use super::*;
use crate::domain::{headers::Hint, outcome::ApiError};
use rstest::rstest;

fn refused(status: u16, retry_after_s: Option<f64>) -> Outcome {
    Outcome::Refused {
        status,
        error: ApiError::default(),
        hint: Hint {
            retry_after_s,
            ..Hint::default()
        },
    }
}

fn ended(outcome: &Outcome, attempts: u32, die: f64) -> Ended<'_> {
    Ended {
        attempts,
        allowed: 10,
        elapsed_s: 0.0,
        last_wait_s: 0.0,
        outcome,
        verdict: None,
        die,
    }
}

fn wait(policy: Policy, outcome: &Outcome, attempts: u32, die: f64) -> f64 {
    let decision = policy.decide(&ended(outcome, attempts, die));
    assert_eq!(decision.action, Action::Retry, "{}", decision.reason);
    decision.wait_s
}

fn stops(policy: Policy, outcome: &Outcome) -> bool {
    policy.decide(&ended(outcome, 1, 0.5)).action == Action::Stop
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

#[test]
fn names_are_unique_and_found_again() {
    for policy in Policy::ALL {
        assert_eq!(Policy::named(policy.name()), Some(*policy));
        assert_eq!(
            policy.ignores_hint(),
            policy.rule().contains("ignores the server's hint")
        );
    }
    assert_eq!(Policy::named("HINT-JITTER"), None);
}

#[test]
fn retry_after_waits_exactly_the_hint_and_sixty_without() {
    assert!(close(
        wait(Policy::RetryAfter, &refused(429, Some(17.0)), 1, 0.9),
        17.0
    ));
    assert!(close(
        wait(Policy::RetryAfter, &refused(429, None), 1, 0.9),
        60.0
    ));
    assert!(close(
        wait(Policy::RetryAfter, &refused(429, Some(0.0)), 1, 0.9),
        0.0
    ));
    for status in [400, 401, 408, 409, 500, 503, 529] {
        assert!(
            stops(Policy::RetryAfter, &refused(status, Some(1.0))),
            "{status}"
        );
    }
}

// The guide: multiplier 1, min 4 s, max 60 s, that is 4, 4, 4, 8, 16 s, each plus uniform 0 to 2 s.
#[rstest]
#[case(1, 4.0)]
#[case(2, 4.0)]
#[case(3, 4.0)]
#[case(4, 8.0)]
#[case(5, 16.0)]
#[case(8, 60.0)]
#[case(9, 60.0)]
fn the_guides_backoff(#[case] attempts: u32, #[case] base: f64) {
    let policy = Policy::ExponentialJitter;
    assert!(close(
        wait(policy, &refused(429, None), attempts, 0.0),
        base
    ));
    assert!(close(
        wait(policy, &refused(529, Some(90.0)), attempts, 0.5),
        base + 1.0
    ));
}

#[test]
fn the_guides_backoff_says_how_early_it_is() {
    let outcome = refused(429, Some(17.0));
    let decision = Policy::ExponentialJitter.decide(&ended(&outcome, 1, 0.25));
    assert_eq!(
        decision.reason,
        "4 s plus 0.5 s of jitter; ignores the server's 17 s, so 12.5 s too early"
    );
    for status in [408, 409, 502, 503, 504] {
        assert!(
            stops(Policy::ExponentialJitter, &refused(status, None)),
            "{status}"
        );
    }
}

#[test]
fn hint_jitter_adds_to_a_hint_and_says_so() {
    let outcome = refused(429, Some(17.0));
    let decision = Policy::HintJitter.decide(&ended(&outcome, 1, 0.1));
    assert!(close(decision.wait_s, 17.0 + 0.1 * 4.25));
    assert_eq!(
        decision.reason,
        "the server asked 17 s; 17 s plus 0.4 s of jitter"
    );
    // At least 0.25 s of spread, also for a small hint.
    let outcome = refused(429, Some(0.2));
    assert!(close(
        wait(Policy::HintJitter, &outcome, 1, 0.8),
        0.2 + 0.8 * 0.25
    ));
}

#[rstest]
#[case(1, 0.5)]
#[case(2, 1.0)]
#[case(4, 4.0)]
#[case(9, 30.0)]
fn hint_jitter_without_a_hint_is_full_jitter(#[case] attempts: u32, #[case] ceiling: f64) {
    for status in [429, 408, 500, 502, 503, 504, 529] {
        let outcome = refused(status, None);
        assert!(close(
            wait(Policy::HintJitter, &outcome, attempts, 0.5),
            ceiling / 2.0
        ));
    }
}

#[test]
fn hint_jitter_stops_at_its_budget_and_names_both_numbers() {
    let outcome = refused(429, Some(30.0));
    let mut ended = ended(&outcome, 2, 0.0);
    ended.elapsed_s = 90.0;
    assert_eq!(Policy::HintJitter.decide(&ended).action, Action::Retry);
    ended.elapsed_s = 91.0;
    let decision = Policy::HintJitter.decide(&ended);
    assert_eq!(decision.action, Action::Stop);
    assert_eq!(
        decision.reason,
        "a wait of 30 s would pass the budget: 91 s of 120 s are spent"
    );
}

#[test]
fn only_connection_errors_that_a_policy_lists_are_retried() {
    let gone = Outcome::Unreachable {
        kind: Unreachable::Refused,
        how: "nobody listens at 127.0.0.1:9".to_owned(),
    };
    assert!(!stops(Policy::HintJitter, &gone));
    assert!(!stops(Policy::Sdk, &gone));
    for policy in [Policy::None, Policy::RetryAfter, Policy::ExponentialJitter] {
        assert!(stops(policy, &gone), "{}", policy.name());
    }
}

#[test]
fn nobody_retries_what_came_after_a_200() {
    let overloaded = Outcome::StreamError {
        error: ApiError {
            kind: "overloaded_error".to_owned(),
            ..ApiError::default()
        },
    };
    let cut = Outcome::StreamCut {
        how: "connection reset".to_owned(),
    };
    for outcome in [overloaded, cut, Outcome::StreamTruncated] {
        for policy in Policy::ALL {
            let decision = policy.decide(&ended(&outcome, 1, 0.5));
            assert_eq!(decision.action, Action::Stop, "{}", policy.name());
            assert!(!decision.reason.is_empty());
        }
    }
}

#[test]
fn immediate_waits_for_nobody_and_is_refused_where_calls_cost() {
    for status in [429, 500, 529] {
        assert!(close(
            wait(Policy::Immediate, &refused(status, Some(17.0)), 1, 0.9),
            0.0
        ));
    }
    for status in [408, 409, 503, 504] {
        assert!(stops(Policy::Immediate, &refused(status, None)), "{status}");
    }
    for policy in Policy::ALL {
        assert_eq!(policy.refusal(true), None);
        assert_eq!(
            policy.refusal(false).is_some(),
            *policy == Policy::Immediate
        );
    }
}

// AWS's formulas, base 0.5 s, cap 30 s, at a die of 0, a quarter, and nearly 1.
#[rstest]
#[case(Policy::Exponential, 1, [0.5, 0.5, 0.5])]
#[case(Policy::Exponential, 4, [4.0, 4.0, 4.0])]
#[case(Policy::Exponential, 7, [30.0, 30.0, 30.0])]
#[case(Policy::FullJitter, 1, [0.0, 0.125, 0.5])]
#[case(Policy::FullJitter, 9, [0.0, 7.5, 30.0])]
#[case(Policy::EqualJitter, 1, [0.25, 0.3125, 0.5])]
#[case(Policy::EqualJitter, 9, [15.0, 18.75, 30.0])]
#[case(Policy::DecorrelatedJitter, 1, [0.5, 0.75, 1.5])]
fn backoff_by_formula(#[case] policy: Policy, #[case] attempts: u32, #[case] waits: [f64; 3]) {
    for (die, expected) in [0.0, 0.25, 1.0 - 1e-12].into_iter().zip(waits) {
        for (status, asked) in [(429, Some(17.0)), (500, None), (503, None), (529, None)] {
            let waited = wait(policy, &refused(status, asked), attempts, die);
            assert!(close(waited, expected), "{}: {waited}", policy.name());
        }
    }
    for status in [400, 401, 408, 409, 413] {
        assert!(stops(policy, &refused(status, None)), "{status}");
    }
}

#[test]
fn decorrelated_jitter_grows_from_the_wait_before() {
    let outcome = refused(529, None);
    let policy = Policy::DecorrelatedJitter;
    let after = |last_wait_s, die| {
        let ended = Ended {
            last_wait_s,
            ..ended(&outcome, 3, die)
        };
        policy.decide(&ended).wait_s
    };
    // min(30, uniform between 0.5 and 3 times the wait before).
    assert!(close(after(4.0, 0.5), 0.5 + 0.5 * 11.5));
    assert!(close(after(20.0, 0.9), 30.0));
    // A wait of a broken clock or of nothing counts as the base.
    assert!(close(after(f64::NAN, 0.5), 1.0) && close(after(-7.0, 0.5), 1.0));
}

/// What an estimate of costs believes of a policy is what the policy does.
#[test]
fn a_policy_repeats_what_was_not_answered_where_it_says_so() {
    let outcome = Outcome::Unreachable {
        kind: Unreachable::Timeout,
        how: String::new(),
    };
    for policy in Policy::ALL {
        let again = policy.decide(&ended(&outcome, 1, 0.5)).action == Action::Retry;
        assert_eq!(again, policy.repeats_unanswered(), "{policy:?}");
    }
}

#[test]
fn attempts_end() {
    let outcome = refused(429, Some(1.0));
    for policy in Policy::ALL {
        let mut ended = ended(&outcome, policy.attempts(), 0.5);
        ended.allowed = policy.attempts();
        assert_eq!(policy.decide(&ended).action, Action::Stop);
    }
}

#[test]
fn whole_and_cancelled_calls_end() {
    let whole = Outcome::Complete {
        status: 200,
        stop_reason: None,
    };
    for policy in Policy::ALL {
        assert!(stops(*policy, &whole));
        assert!(stops(*policy, &Outcome::Cancelled));
    }
}
