//! What reports in tests are of: a board with each kind of gauge, its limits, a call; and the schema
//! that each report must keep to. Numbers are those of the rate-limits page (Build tier).

use super::{Subject, to_line};
use crate::domain::{
    board::Board,
    fixtures::{seen, t},
    headers,
    id::{ModelId, RequestId, WorkspaceId},
    observation::{CallResult, Observation, What},
    org::{
        ConfiguredLimit, Group, GroupKind, LimitsSnapshot, LimitsState, Organization, Override,
        Workspace,
    },
    outcome::{ApiError, Outcome},
    retry::{Action, Decision},
    time::Time,
    timeline::Timeline,
    usage::Usage,
    verdict::{Cause, Certainty, Evidence, EvidenceFrom, Scope, Verdict},
};
use serde_json::Value;

pub(super) const SUBJECT: Subject<'_> = Subject {
    profile: "prod",
    base_url: "https://api.anthropic.com",
};

pub(super) fn valid(schema: &str, report: &impl serde::Serialize) -> Value {
    let path = format!("{}/assets/schema/{schema}.json", env!("CARGO_MANIFEST_DIR"));
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let line = to_line(report).unwrap();
    assert_eq!(line.matches('\n').count(), 1, "one object is one line");
    assert!(line.starts_with("{\"schema\":\"ratetop."), "{line}");
    let value: Value = serde_json::from_str(&line).unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&value)
        .map(|error| format!("{} at {}", error, error.instance_path()))
        .collect();
    assert_eq!(errors, Vec::<String>::new(), "{value:#}");
    value
}

pub(super) fn group(
    id: &str,
    kind: GroupKind,
    name: &str,
    models: &[&str],
    limits: &[(&str, u64)],
) -> Group {
    Group {
        id: id.into(),
        entry: Some(format!("entry_{id}")),
        kind,
        name: name.to_owned(),
        models: models.iter().map(|id| ModelId::from(*id)).collect(),
        limits: limits
            .iter()
            .map(|&(limiter, value)| ConfiguredLimit {
                limiter: limiter.into(),
                value,
            })
            .collect(),
        guess: false,
    }
}

pub(super) fn snapshot() -> LimitsSnapshot {
    let workspace = WorkspaceId::from("wrkspc_a");
    LimitsSnapshot {
        at: t(0.0),
        organization: Some(Organization {
            id: "6a3f0f4e-0000-4000-8000-000000000001".into(),
            name: "Acme\u{202e} Corp".to_owned(),
        }),
        groups: vec![
            group(
                "rlg_opus55",
                GroupKind::ModelGroup,
                "Opus 5.5",
                &["claude-opus-5-5"],
                &[
                    ("requests_per_minute", 5_000),
                    ("input_tokens_per_minute_cache_aware", 5_000_000),
                    ("output_tokens_per_minute", 1_000_000),
                    ("a_new_limiter", 7),
                ],
            ),
            group(
                "rlg_batch",
                GroupKind::Batch,
                "Message Batches",
                &[],
                &[("enqueued_batch_requests", 300_000)],
            ),
        ],
        workspaces: vec![
            Workspace {
                id: workspace.clone(),
                name: "Batch jobs".to_owned(),
            },
            Workspace {
                id: "wrkspc_b".into(),
                name: "Unread".to_owned(),
            },
        ],
        overrides: vec![(
            workspace.clone(),
            vec![Override {
                workspace,
                group: "rlg_opus55".into(),
                limiter: "requests_per_minute".into(),
                value: 9_000,
                org_limit: Some(5_000),
            }],
        )],
        faults: vec!["entry 3 has no limits".to_owned()],
    }
}

/// Section 2.1 of the header families, with one that nothing knows.
pub(super) fn head(at: Time) -> Observation {
    let lines = [
        ("date", "Tue, 24 Nov 2026 12:00:01 GMT"),
        (
            "anthropic-organization-id",
            "6a3f0f4e-0000-4000-8000-000000000001",
        ),
        ("anthropic-ratelimit-requests-limit", "5000"),
        ("anthropic-ratelimit-requests-remaining", "4412"),
        ("anthropic-ratelimit-requests-reset", "2026-11-24T12:00:08Z"),
        ("anthropic-ratelimit-output-tokens-limit", "1000000"),
        ("anthropic-ratelimit-output-tokens-remaining", "206000"),
        (
            "anthropic-ratelimit-output-tokens-reset",
            "2026-11-24T12:00:48Z",
        ),
        ("anthropic-ratelimit-new-limit", "7"),
    ];
    let reading = headers::read(lines.iter().map(|(n, v)| (*n, v.as_bytes())), at);
    seen(
        at,
        What::Head {
            status: 200,
            reading,
            first_byte_s: 0.1,
        },
    )
}

pub(super) fn polled() -> Observation {
    seen(
        t(0.0),
        What::Limits {
            state: LimitsState::Ok,
            error: None,
            snapshot: Some(Box::new(snapshot())),
        },
    )
}

pub(super) fn board() -> Board {
    let mut board = Board::default();
    board.absorb(&polled());
    board.absorb(&head(t(1.0)));
    board
}

pub(super) fn verdict() -> Verdict {
    Verdict {
        cause: Cause::OutputTokensPerMinute,
        limiter: Some("output_tokens_per_minute".into()),
        scope: Scope::Unknown,
        certainty: Certainty::Stated,
        evidence: vec![Evidence {
            from: EvidenceFrom::Message,
            text: "8,000 output tokens per minute".into(),
        }],
        status: Some(429),
        model: Some("claude-opus-5-5".into()),
        pool: None,
        retry_helps: true,
        retry_at: Some(t(20.0)),
        asked_s: Some(17.0),
        request_id: Some("req_1".into()),
        sentence: "output tokens per minute of Opus 5.5 are used up".into(),
    }
}

/// 429, a wait, then an answer.
pub(super) fn timeline() -> Timeline {
    let usage = Usage {
        input_tokens: 14,
        output_tokens: 9,
        ..Usage::default()
    };
    let refused = Outcome::Refused {
        status: 429,
        error: ApiError {
            kind: "rate_limit_error".into(),
            request: Some(RequestId::from("req_1")),
            ..ApiError::default()
        },
        hint: headers::Hint {
            retry_after_s: Some(17.0),
            ..headers::Hint::default()
        },
    };
    let mut timeline = Timeline::new(8);
    let began = What::Began {
        policy: "hint-jitter".into(),
        attempts: Some(5),
        stream: true,
        input_estimate: 12,
    };
    let finished = |outcome, usage, verdict| What::Finished {
        outcome,
        usage,
        duration_s: 0.25,
        verdict,
    };
    let decided = |action, wait_s: f64, reason: &str| What::Decided {
        decision: Decision {
            action,
            wait_s,
            jitter_s: 0.4,
            reason: reason.to_owned(),
        },
        asked_s: (action == Action::Retry).then_some(17.0),
    };
    let whole = Outcome::Complete {
        status: 200,
        stop_reason: Some("end_turn".into()),
    };
    let told = [
        (1, 0.0, began),
        (1, 0.0, What::Sent),
        (1, 0.25, finished(refused, None, Some(Box::new(verdict())))),
        (1, 0.25, decided(Action::Retry, 17.4, "asked")),
        (2, 17.65, What::Sent),
        (2, 17.9, finished(whole, Some(usage), None)),
        (2, 17.9, decided(Action::Stop, 0.0, "a whole answer")),
        (
            2,
            17.9,
            What::Closed {
                result: CallResult::Ok,
            },
        ),
    ];
    for (attempt, at, what) in told {
        let mut seen = seen(t(at), what);
        seen.attempt = Some(attempt);
        timeline.absorb(&seen);
    }
    timeline
}
