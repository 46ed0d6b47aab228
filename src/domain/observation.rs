//! The single coin of the house: one thing that was seen. Sources send them, the board, the timeline,
//! history and replay fold them. Replaying is sending them again.

use super::{
    headers::Reading,
    id::{CallId, ClientId, ModelId, OrganizationId, WorkspaceId},
    load::pace::Gate,
    org::{GroupKind, LimitsSnapshot, LimitsState},
    outcome::Outcome,
    retry::Decision,
    time::Time,
    usage::Usage,
    verdict::Verdict,
};
use serde::{Deserialize, Serialize};

/// Who saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A test call.
    Call,
    /// A one-token probe.
    Probe,
    /// Traffic that passed the tap.
    Tap,
    /// The Admin API's limits.
    Admin,
    /// The built-in dated table.
    Table,
    /// The Usage Admin API, minutes late.
    Usage,
    /// A recording.
    Replay,
    /// Another exporter.
    Prometheus,
}

impl Source {
    /// In one word.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Probe => "probe",
            Self::Tap => "tap",
            Self::Admin => "admin",
            Self::Table => "table",
            Self::Usage => "usage",
            Self::Replay => "replay",
            Self::Prometheus => "prometheus",
        }
    }
}

/// One thing that was seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// When, by our clock.
    pub at: Time,
    /// Who saw it.
    pub source: Source,
    /// The logical call it belongs to.
    pub call: Option<CallId>,
    /// The attempt of that call, from 1.
    pub attempt: Option<u32>,
    /// Whose call.
    pub client: Option<ClientId>,
    /// The organization, where known before or without a head.
    pub organization: Option<OrganizationId>,
    /// The workspace, likewise.
    pub workspace: Option<WorkspaceId>,
    /// The model that was asked for, or that answered.
    pub model: Option<ModelId>,
    /// Whether `speed: "fast"` was asked for, so that fast families are expected.
    #[serde(default)]
    pub fast: bool,
    /// What was seen.
    pub what: What,
}

/// What was seen. The life of a call is `Began (Held* Sent Head FirstToken? Progress* Finished Decided?)+ Closed`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "seen", rename_all = "snake_case")]
pub enum What {
    /// A logical call began.
    Began {
        /// The policy's name; empty for somebody else's client, whose policy nobody told us.
        policy: String,
        /// How many attempts it allows; none where that is not known.
        attempts: Option<u32>,
        /// Whether it streams.
        stream: bool,
        /// Input tokens it will probably take, so that its own burn is known at once.
        input_estimate: u64,
    },
    /// An attempt's request is ready, but the run's own pacing holds it back; again when that waits for
    /// something else.
    Held {
        /// For what.
        gate: Gate,
    },
    /// An attempt's request left.
    Sent,
    /// A response head arrived.
    Head {
        /// HTTP status.
        status: u16,
        /// What it says.
        reading: Reading,
        /// From `Sent` to here, seconds.
        first_byte_s: f64,
    },
    /// The first token of a stream arrived.
    FirstToken {
        /// From `Sent` to here, seconds.
        after_s: f64,
    },
    /// A stream goes on.
    Progress {
        /// Usage so far, cumulative. Output is counted from deltas until the server says it.
        usage: Usage,
    },
    /// An attempt ended.
    Finished {
        /// How.
        outcome: Outcome,
        /// Tokens, as far as the server said; of a broken stream the output beyond that is counted from
        /// its text, four bytes a token.
        usage: Option<Usage>,
        /// From `Sent` to here, seconds.
        duration_s: f64,
        /// Why, unless it was whole or cancelled.
        verdict: Option<Box<Verdict>>,
    },
    /// A policy decided what comes next.
    Decided {
        /// Wait or stop, and why.
        decision: Decision,
        /// What the server had asked for, seconds.
        asked_s: Option<f64>,
    },
    /// The logical call ended.
    Closed {
        /// How.
        result: CallResult,
    },
    /// Whole answers that were counted but are not told one by one, because there are too many. They
    /// belong to no call.
    Counted {
        /// How many.
        requests: u64,
        /// Their tokens, together.
        usage: Usage,
    },
    /// A request to a group that serves no model was answered or not: token counting, batches. It
    /// belongs to no call.
    Aside {
        /// Whose limits it counts to.
        group: GroupKind,
        /// HTTP status; none without an answer.
        status: Option<u16>,
        /// Why, unless it was fine.
        verdict: Option<Box<Verdict>>,
    },
    /// A poll of the Admin API ended.
    Limits {
        /// What became of it.
        state: LimitsState,
        /// One sentence when it was not fine.
        error: Option<String>,
        /// What was learnt, if anything.
        snapshot: Option<Box<LimitsSnapshot>>,
    },
}

/// How a logical call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallResult {
    /// A whole answer.
    Ok,
    /// The policy gave up, or nothing could help.
    Failed,
    /// Somebody pressed Esc.
    Cancelled,
}

/// The version of [`Recorded`]. A reader refuses lines of a later one.
pub const VERSION: u32 = 1;

/// An observation as it is written down: one JSON object a line, the version first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// [`VERSION`] of the writer.
    pub v: u32,
    /// What was seen.
    #[serde(flatten)]
    pub seen: Observation,
}

impl Recorded {
    /// That observation, in this version.
    pub fn now(seen: Observation) -> Self {
        Self { v: VERSION, seen }
    }
}

#[cfg(test)]
mod tests {
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
}
