//! Whatever a server may answer, and any policy.

use proptest::prelude::*;
use ratetop::domain::{
    headers::Hint,
    outcome::{ApiError, Outcome, Unreachable},
    retry::Policy,
};

/// Seconds as a header may carry them: sensible, absurd, negative, not a number.
pub(super) fn seconds() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => 0.001..200.0f64,
        2 => 200.0..1e7f64,
        1 => any::<f64>(),
        1 => Just(0.0),
        1 => Just(-1.0),
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
        1 => Just(f64::NEG_INFINITY),
    ]
}

pub(super) fn hint() -> impl Strategy<Value = Hint> {
    let maybe = || proptest::option::of(seconds());
    (
        maybe(),
        maybe(),
        proptest::option::weighted(0.2, any::<bool>()),
    )
        .prop_map(|(retry_after_ms_s, retry_after_s, should_retry)| Hint {
            retry_after_ms_s,
            retry_after_s,
            should_retry,
        })
}

pub(super) fn error() -> impl Strategy<Value = ApiError> {
    let kind = prop_oneof![
        Just("rate_limit_error"),
        Just("overloaded_error"),
        Just("api_error"),
        Just("invalid_request_error"),
    ];
    let message = prop_oneof![
        Just(String::new()),
        Just("exceed your organization's rate limit of 30,000 input tokens per minute".to_owned()),
        Just("You have reached your API usage limits: see the Console".to_owned()),
        "\\PC{0,40}",
    ];
    let code = proptest::option::weighted(
        0.3,
        prop_oneof![
            Just("ramp_limit_exceeded".to_owned()),
            Just("enforced_spend_limit_reached".to_owned()),
            Just("contract_spend_limit_reached".to_owned()),
            "[a-z_]{0,20}",
        ],
    );
    (kind, message, code).prop_map(|(kind, message, code)| ApiError {
        kind: kind.to_owned(),
        message,
        code,
        request: None,
    })
}

pub(super) fn status() -> impl Strategy<Value = u16> {
    prop_oneof![
        6 => Just(429u16),
        2 => Just(529u16),
        2 => Just(500u16),
        1 => prop::sample::select(vec![400, 401, 408, 409, 413, 503, 504]),
        1 => any::<u16>(),
    ]
}

pub(super) fn outcome() -> impl Strategy<Value = Outcome> {
    let kinds = vec![
        Unreachable::Dns,
        Unreachable::Refused,
        Unreachable::Tls,
        Unreachable::Timeout,
        Unreachable::Broken,
    ];
    prop_oneof![
        8 => (status(), error(), hint())
            .prop_map(|(status, error, hint)| Outcome::Refused { status, error, hint }),
        1 => (status(), "\\PC{0,20}", hint())
            .prop_map(|(status, looks_like, hint)| Outcome::Foreign { status, looks_like, hint }),
        1 => error().prop_map(|error| Outcome::StreamError { error }),
        1 => "\\PC{0,20}".prop_map(|how| Outcome::StreamCut { how }),
        1 => Just(Outcome::StreamTruncated),
        1 => prop::sample::select(kinds)
            .prop_map(|kind| Outcome::Unreachable { kind, how: String::new() }),
        1 => Just(Outcome::Cancelled),
        1 => Just(Outcome::Complete { status: 200, stop_reason: None }),
    ]
}

pub(super) fn policy() -> impl Strategy<Value = Policy> {
    prop::sample::select(Policy::ALL)
}
