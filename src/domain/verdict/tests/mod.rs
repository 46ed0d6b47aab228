//! Samples are the documented and publicly seen messages of rate-limits and errors pages and issue
//! threads, typed in; "pattern N" counts the prose patterns of the error notes, section 5.

mod endings;
mod evidence;
mod messages;

use super::*;
use crate::domain::{
    headers::{Hint, Level, Reading, Unified, Window},
    org::{ConfiguredLimit, Group, GroupKind, Override},
    outcome::{ApiError, Outcome, Unreachable},
    time::after,
};
use proptest::prelude::*;

const NOW: &str = "2026-11-24T12:04:14Z";

fn now() -> Time {
    NOW.parse().unwrap()
}

fn error(kind: &str, message: &str, code: Option<&str>) -> ApiError {
    ApiError {
        kind: kind.to_owned(),
        message: message.to_owned(),
        code: code.map(str::to_owned),
        request: Some("req_body".into()),
    }
}

fn refused(status: u16, error: ApiError, retry_after_s: Option<f64>) -> Outcome {
    Outcome::Refused {
        status,
        error,
        hint: Hint {
            retry_after_s,
            ..Hint::default()
        },
    }
}

fn limited(message: &str, retry_after_s: Option<f64>) -> Outcome {
    refused(429, error("rate_limit_error", message, None), retry_after_s)
}

fn plain(outcome: &Outcome) -> Verdict {
    judge(outcome, &Context::at(now())).unwrap()
}

fn reading(levels: &[(&str, u64, u64)]) -> Reading {
    Reading {
        at: after(now(), -1.0),
        date: None,
        organization: None,
        workspace: Some("wrkspc_EX".into()),
        request: Some("req_head".into()),
        hint: Hint::default(),
        levels: levels
            .iter()
            .map(|(limiter, remaining, limit)| {
                let limiter = Limiter::from(*limiter);
                Level {
                    dimension: limiter.dimension(),
                    family: limiter.family(),
                    limiter,
                    limit: *limit,
                    remaining: *remaining,
                    full_in_s: None,
                }
            })
            .collect(),
        unified: None,
        unknown: Vec::new(),
        raw: Vec::new(),
    }
}

fn pool(limits: &[(&str, u64)]) -> Group {
    Group {
        id: "rlg_EX".into(),
        entry: None,
        kind: GroupKind::ModelGroup,
        name: "Opus 5.5".to_owned(),
        models: vec!["claude-opus-5-5".into()],
        limits: limits
            .iter()
            .map(|(limiter, value)| ConfiguredLimit {
                limiter: Limiter::from(*limiter),
                value: *value,
            })
            .collect(),
        guess: false,
    }
}

fn from(verdict: &Verdict, from: EvidenceFrom) -> Vec<&str> {
    verdict
        .evidence
        .iter()
        .filter(|evidence| evidence.from == from)
        .map(|evidence| evidence.text.as_str())
        .collect()
}

#[test]
fn a_message_with_escapes_is_cleaned() {
    let verdict = plain(&refused(
        400,
        error("invalid_request_error", "a\x1b[31mb\u{202e}c", None),
        None,
    ));
    assert!(verdict.sentence.contains("a[31mbc"), "{}", verdict.sentence);
    assert_eq!(from(&verdict, EvidenceFrom::Message), ["a[31mbc"]);
}

#[test]
fn a_verdict_survives_json() {
    let verdict = plain(&limited("", None));
    let json = serde_json::to_value(&verdict).unwrap();
    assert_eq!(json["cause"], "unknown");
    assert_eq!(serde_json::from_value::<Verdict>(json).unwrap(), verdict);
}

proptest! {
    #[test]
    fn hostile_messages_never_panic(
        message in "(?s).{0,300}|(rate limit of |is |,|[0-9]{1,30}| (input tokens|requests) per minute|model: |İ|current limit is ){0,12}",
        kind in ".{0,20}",
        code in proptest::option::of("ramp_limit_exceeded|enforced_spend_limit_reached|.{0,20}"),
        status in any::<u16>(),
        hint in proptest::option::of(any::<f64>()),
        estimate in proptest::option::of(any::<u64>()),
        remaining in any::<u64>(),
        limit in any::<u64>(),
    ) {
        let reading = reading(&[("requests_per_minute", remaining, limit), ("tokens", limit, remaining)]);
        let context = Context { reading: Some(&reading), input_estimate: estimate, ..Context::at(now()) };
        let error = ApiError { kind, message, code, request: None };
        for outcome in [
            refused(status, error.clone(), hint),
            Outcome::StreamError { error: error.clone() },
            Outcome::Foreign { status, looks_like: error.message.clone(), hint: Hint::default() },
        ] {
            let verdict = judge(&outcome, &context).unwrap();
            prop_assert!(!verdict.sentence.is_empty());
            prop_assert!(verdict.sentence.chars().all(crate::domain::clean::is_harmless));
            prop_assert!(
                verdict.retry_helps
                    || verdict.retry_at.is_none()
                    || verdict.cause == Cause::SpendCap
            );
        }
    }
}
