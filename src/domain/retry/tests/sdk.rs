//! The official SDKs' policies, against what their sources say and what they were measured to do.

use super::*;

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
