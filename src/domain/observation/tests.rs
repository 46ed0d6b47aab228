use super::*;
use crate::domain::{
    headers::{Hint, Level, Unified, Window},
    limit::{Dimension, Family},
    org::{ConfiguredLimit, Group, Override, Workspace},
    outcome::{ApiError, Unreachable},
    retry::Action,
    verdict::{Cause, Certainty, Evidence, EvidenceFrom, Scope},
};

fn reading(at: Time) -> Reading {
    Reading {
        at,
        date: Some(at),
        organization: Some("org".into()),
        workspace: Some("wrkspc_a".into()),
        request: Some("req_1".into()),
        hint: Hint {
            retry_after_s: Some(17.0),
            ..Hint::default()
        },
        levels: vec![Level {
            limiter: "output_tokens_per_minute".into(),
            dimension: Dimension::Otpm,
            family: Family::Standard,
            limit: 1_000_000,
            remaining: 206_000,
            full_in_s: Some(47.5),
        }],
        unified: Some(Unified {
            windows: vec![Window {
                name: "5h".into(),
                status: Some("allowed_warning".into()),
                utilization: Some(1.02),
                reset: Some(at),
            }],
            ..Unified::default()
        }),
        unknown: vec![("anthropic-ratelimit-new-limit".into(), "7".into())],
        raw: vec![("retry-after".into(), "17".into())],
    }
}

fn verdict(at: Time) -> Verdict {
    Verdict {
        cause: Cause::OutputTokensPerMinute,
        limiter: Some("output_tokens_per_minute".into()),
        scope: Scope::Unknown,
        certainty: Certainty::Stated,
        evidence: vec![Evidence {
            from: EvidenceFrom::Message,
            text: "8,000".into(),
        }],
        status: Some(429),
        model: Some("claude-opus-5-5".into()),
        pool: Some("rlg_x".into()),
        retry_helps: true,
        retry_at: Some(at),
        asked_s: Some(17.0),
        request_id: Some("req_1".into()),
        sentence: "output tokens per minute".into(),
    }
}

fn every_kind(at: Time) -> Vec<What> {
    let usage = Usage {
        input_tokens: 12,
        output_tokens: 9,
        ..Usage::default()
    };
    let error = ApiError {
        kind: "overloaded_error".into(),
        ..ApiError::default()
    };
    let finished = |outcome| What::Finished {
        outcome,
        usage: Some(usage),
        duration_s: 0.5,
        verdict: Some(Box::new(verdict(at))),
    };
    let group = Group {
        id: "rlg_x".into(),
        entry: Some("rl_1".into()),
        kind: "batch".to_owned().into(),
        name: "Batches".into(),
        models: vec![],
        limits: vec![ConfiguredLimit {
            limiter: "a_new_type".into(),
            value: 7,
        }],
        guess: false,
    };
    let stored = Override {
        workspace: "wrkspc_a".into(),
        group: "rlg_x".into(),
        limiter: "a_new_type".into(),
        value: 5,
        org_limit: None,
    };
    vec![
        What::Began {
            policy: "sdk".into(),
            attempts: Some(3),
            stream: true,
            input_estimate: 14,
        },
        What::Began {
            policy: String::new(),
            attempts: None,
            stream: false,
            input_estimate: 0,
        },
        What::Counted { requests: 7, usage },
        What::Aside {
            group: GroupKind::TokenCount,
            status: Some(429),
            verdict: Some(Box::new(verdict(at))),
        },
        What::Held { gate: Gate::Input },
        What::Sent,
        What::Head {
            status: 429,
            reading: reading(at),
            first_byte_s: 0.25,
        },
        What::FirstToken { after_s: 0.5 },
        What::Thought(Thought {
            blocks: 1,
            tokens: None,
        }),
        What::Progress { usage },
        finished(Outcome::Complete {
            status: 200,
            stop_reason: Some("end_turn".into()),
        }),
        finished(Outcome::Refused {
            status: 429,
            error: error.clone(),
            hint: Hint::default(),
        }),
        finished(Outcome::Foreign {
            status: 502,
            looks_like: "an HTML page".into(),
            hint: Hint::default(),
        }),
        finished(Outcome::StreamError { error }),
        finished(Outcome::StreamCut {
            how: "reset".into(),
        }),
        finished(Outcome::StreamTruncated),
        finished(Outcome::Unreachable {
            kind: Unreachable::Dns,
            how: "no such name".into(),
        }),
        finished(Outcome::Cancelled),
        What::Decided {
            decision: Decision {
                action: Action::Retry,
                wait_s: 17.5,
                jitter_s: 0.5,
                reason: "asked".into(),
            },
            asked_s: Some(17.0),
        },
        What::Closed {
            result: CallResult::Cancelled,
        },
        What::Limits {
            state: LimitsState::Ok,
            error: None,
            snapshot: Some(Box::new(LimitsSnapshot {
                at,
                organization: None,
                groups: vec![group],
                workspaces: vec![Workspace {
                    id: "wrkspc_a".into(),
                    name: "A".into(),
                }],
                overrides: vec![("wrkspc_a".into(), vec![stored])],
                faults: vec!["one entry could not be read".into()],
            })),
        },
    ]
}

#[test]
fn every_kind_of_observation_survives_being_written_down() {
    let at: Time = "2026-11-24T12:00:00.250Z".parse().unwrap();
    for what in every_kind(at) {
        let seen = Observation {
            at,
            source: Source::Tap,
            call: Some(CallId(7)),
            attempt: Some(2),
            client: Some("me".into()),
            organization: Some("org".into()),
            workspace: None,
            model: Some("claude-opus-5-5".into()),
            fast: false,
            what,
        };
        let line = serde_json::to_string(&Recorded::now(seen.clone())).unwrap();
        assert!(
            line.starts_with(r#"{"v":1,"at":"2026-11-24T12:00:00.250Z""#),
            "{line}"
        );
        assert!(!line.contains('\n'));
        let back: Recorded = serde_json::from_str(&line).unwrap();
        assert_eq!(back.seen, seen, "{line}");
    }
}
