//! The single coin of the house: one thing that was seen. Sources send them, the board, the timeline,
//! history and replay fold them. Replaying is sending them again.

use super::{
    answer::Thought,
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

/// What was seen. The life of a call is `Began (Held* Sent Head Thought* FirstToken? Progress* Finished Decided?)+ Closed`.
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
    /// The answer says that the model thinks, or how much it thought; cumulative.
    Thought(Thought),
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
mod tests;
