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

// Python 2.12.0, `_should_retry`.
#[rstest]
#[case(400, false)]
#[case(401, false)]
#[case(402, false)]
#[case(403, false)]
#[case(404, false)]
#[case(408, true)]
#[case(409, true)]
#[case(413, false)]
#[case(429, true)]
#[case(500, true)]
#[case(504, true)]
#[case(529, true)]
fn the_sdk_by_status(#[case] status: u16, #[case] retried: bool) {
    assert_eq!(!stops(Policy::Sdk, &refused(status, None)), retried);
    for (word, expected) in [(true, true), (false, false)] {
        let outcome = Outcome::Refused {
            status,
            error: ApiError::default(),
            hint: Hint {
                should_retry: Some(word),
                ..Hint::default()
            },
        };
        assert_eq!(!stops(Policy::Sdk, &outcome), expected, "{status} {word}");
    }
}

// Python 2.12.0, `_parse_retry_after_header` and `_calculate_retry_timeout`.
#[rstest]
#[case(Some(0.25), Some(17.0), 0.25)]
#[case(None, Some(17.0), 17.0)]
#[case(None, Some(51_811.0), 51_811.0)]
#[case(None, Some(1e12), 4_294_967.0)]
#[case(Some(f64::INFINITY), None, 4_294_967.0)]
#[case(None, None, 0.5)]
#[case(None, Some(0.0), 0.5)]
#[case(None, Some(-5.0), 0.5)]
#[case(None, Some(f64::NAN), 0.5)]
#[case(Some(0.0), Some(17.0), 0.5)]
#[case(Some(-1.0), Some(17.0), 0.5)]
fn the_sdk_by_hint(#[case] ms: Option<f64>, #[case] seconds: Option<f64>, #[case] expected: f64) {
    let outcome = Outcome::Refused {
        status: 429,
        error: ApiError::default(),
        hint: Hint {
            retry_after_ms_s: ms,
            retry_after_s: seconds,
            should_retry: None,
        },
    };
    assert!(close(wait(Policy::Sdk, &outcome, 1, 0.0), expected));
}

#[rstest]
#[case(1, 0.5)]
#[case(2, 1.0)]
#[case(5, 8.0)]
#[case(9, 8.0)]
fn the_sdk_backs_off_a_little(#[case] attempts: u32, #[case] ceiling: f64) {
    let outcome = refused(529, None);
    assert!(close(wait(Policy::Sdk, &outcome, attempts, 0.0), ceiling));
    assert!(close(
        wait(Policy::Sdk, &outcome, attempts, 0.8),
        ceiling * 0.8
    ));
}

// What Python 2.12.0 itself answered for these headers, with its die at 0.5 and its clock at
// 12:04:13 UTC.
#[rstest]
#[case(429, 0, &[("retry-after", "17")], Some(17.0))]
#[case(429, 2, &[("retry-after", " 17.5 ")], Some(17.5))]
#[case(429, 0, &[("retry-after", "0x10")], Some(0.4375))]
#[case(429, 1, &[("retry-after", "1,000")], Some(0.875))]
#[case(429, 2, &[("retry-after", "4294968")], Some(4_294_967.0))]
#[case(429, 3, &[("retry-after", "-0.0")], Some(3.5))]
#[case(429, 0, &[("retry-after-ms", " 17 "), ("retry-after", "0")], Some(0.017))]
#[case(429, 0, &[("retry-after", "Tue, 24 Nov 2026 12:04:30 GMT")], Some(17.0))]
#[case(429, 3, &[("retry-after", "Tue, 24 Nov 2026 12:00:00 GMT")], Some(3.5))]
#[case(429, 3, &[("retry-after", "Tuesday, 24-Nov-26 12:04:30 GMT")], Some(17.0))]
#[case(429, 2, &[("retry-after", "Tue Nov 24 12:04:30 2026")], Some(17.0))]
#[case(402, 0, &[("retry-after", "17"), ("x-should-retry", "True")], None)]
#[case(429, 0, &[("retry-after", "17"), ("x-should-retry", "false")], None)]
#[case(413, 2, &[("retry-after", "17"), ("x-should-retry", "true")], Some(17.0))]
fn the_sdk_from_header_bytes(
    #[case] status: u16,
    #[case] retries: u32,
    #[case] lines: &[(&str, &str)],
    #[case] expected: Option<f64>,
) {
    let at = "2026-11-24T12:04:13Z".parse().unwrap();
    let bytes = lines.iter().map(|(name, value)| (*name, value.as_bytes()));
    let outcome = Outcome::Refused {
        status,
        error: ApiError::default(),
        hint: crate::domain::headers::read(bytes, at).hint,
    };
    let decision = Policy::Sdk.decide(&ended(&outcome, retries + 1, 0.5));
    let waited = (decision.action == Action::Retry).then_some(decision.wait_s);
    match (waited, expected) {
        (Some(waited), Some(expected)) => assert!(close(waited, expected), "{waited}"),
        other => assert_eq!(other, (None, None)),
    }
}

#[test]
fn the_sdk_retries_a_spend_cap_and_we_say_it_is_unwise() {
    let outcome = Outcome::Refused {
        status: 429,
        error: ApiError {
            kind: "rate_limit_error".to_owned(),
            code: Some("enforced_spend_limit_reached".to_owned()),
            ..ApiError::default()
        },
        hint: Hint::default(),
    };
    let decision = Policy::Sdk.decide(&ended(&outcome, 1, 0.5));
    assert_eq!(decision.action, Action::Retry);
    assert!(decision.reason.contains("unwise"), "{}", decision.reason);
    for policy in Policy::ALL {
        let follows_the_sdks = matches!(policy, Policy::Sdk | Policy::SdkClassic);
        assert_eq!(
            !stops(*policy, &outcome),
            follows_the_sdks,
            "{}",
            policy.name()
        );
    }
}

// Python before 1.6.0, `_calculate_retry_timeout`: `0 < retry_after <= 60`.
#[rstest]
#[case(Some(60.0), 60.0)]
#[case(Some(60.001), 0.5)]
#[case(Some(51_811.0), 0.5)]
#[case(Some(0.0), 0.5)]
#[case(None, 0.5)]
fn the_old_sdk_obeyed_a_minute_at_most(#[case] asked: Option<f64>, #[case] expected: f64) {
    assert!(close(
        wait(Policy::SdkClassic, &refused(429, asked), 1, 0.0),
        expected
    ));
}

#[test]
fn the_old_sdk_says_how_early_it_is() {
    let outcome = refused(429, Some(90.0));
    let decision = Policy::SdkClassic.decide(&ended(&outcome, 1, 0.0));
    assert_eq!(
        decision.reason,
        "the server's 90 s are more than 60 s, so 89.5 s too early; 0.5 s, drawn between 0.4 s and 0.5 s"
    );
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
