//! What a refusal was, on what evidence, and whether retrying helps. One type for every refusal.
//! `judge` is the way in, `refused` goes by code, message and status, `limits` by headers and
//! configured limits, `broken` by what else can go wrong; `prose` reads messages.
//!
//! To add one of these: a variant of [`Cause`] with its words, the place that finds it,
//! and, when it is told by a message only, a pattern in `prose` with its sample in the tests.

mod broken;
mod judge;
mod limits;
mod prose;
mod refused;
#[cfg(test)]
mod tests;

pub use judge::{Context, judge};

use super::{
    id::{GroupId, Limiter, ModelId, RequestId},
    time::Time,
};
use serde::{Deserialize, Serialize};

/// Why a call was not served. The words of the JSON contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// RPM.
    RequestsPerMinute,
    /// ITPM, plain or cache-aware.
    InputTokensPerMinute,
    /// OTPM.
    OutputTokensPerMinute,
    /// A token limit, input or output not told apart.
    Tokens,
    /// Growth faster than the ramp allowance.
    Ramp,
    /// Too many connections at once.
    Concurrency,
    /// The tier's or contract's monthly cap: 429 without a hint; retrying does not help.
    SpendCap,
    /// A limit the customer set: 400.
    SpendLimit,
    /// A 5 h or 7 d window of a subscription.
    SubscriptionWindow,
    /// 529: everyone's load, says nothing about own headroom.
    Overloaded,
    /// 500 and other 5xx.
    ServerError,
    /// 504, 408, or no answer in time.
    Timeout,
    /// An error event, a cut, or a missing end after a 200.
    StreamError,
    /// 401.
    Auth,
    /// 403.
    Permission,
    /// 402.
    Billing,
    /// 404.
    NotFound,
    /// 409.
    Conflict,
    /// 400 and other 4xx.
    InvalidRequest,
    /// 413.
    TooLarge,
    /// An answer that is not the API's.
    Gateway,
    /// No connection.
    Unreachable,
    /// A 429 that nothing explains.
    Unknown,
}

impl Cause {
    /// In words, for sentences and lists.
    pub const fn words(self) -> &'static str {
        match self {
            Self::RequestsPerMinute => "requests per minute",
            Self::InputTokensPerMinute => "input tokens per minute",
            Self::OutputTokensPerMinute => "output tokens per minute",
            Self::Tokens => "tokens per minute",
            Self::Ramp => "acceleration limit",
            Self::Concurrency => "concurrent connections",
            Self::SpendCap => "monthly spend cap",
            Self::SpendLimit => "own spend limit",
            Self::SubscriptionWindow => "subscription window",
            Self::Overloaded => "overloaded",
            Self::ServerError => "server error",
            Self::Timeout => "timeout",
            Self::StreamError => "error inside a stream",
            Self::Auth => "key refused",
            Self::Permission => "not permitted",
            Self::Billing => "billing",
            Self::NotFound => "not found",
            Self::Conflict => "conflict",
            Self::InvalidRequest => "invalid request",
            Self::TooLarge => "request too large",
            Self::Gateway => "not the API's answer",
            Self::Unreachable => "unreachable",
            Self::Unknown => "unexplained refusal",
        }
    }

    /// Whether it says that a limit of the organization, a workspace or a subscription is reached.
    /// A 529, a server error or a wrong request says nothing about limits.
    pub const fn is_refusal_of_limit(self) -> bool {
        matches!(
            self,
            Self::RequestsPerMinute
                | Self::InputTokensPerMinute
                | Self::OutputTokensPerMinute
                | Self::Tokens
                | Self::Ramp
                | Self::Concurrency
                | Self::SpendCap
                | Self::SpendLimit
                | Self::SubscriptionWindow
                | Self::Unknown
        )
    }

    /// Whether money is what ran out: no retry helps.
    pub const fn is_spend(self) -> bool {
        matches!(self, Self::SpendCap | Self::SpendLimit)
    }
}

/// How sure the cause is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// The server said so (code, status or message).
    Stated,
    /// Concluded from headers or limits, or from how the connection behaved.
    Inferred,
    /// No evidence.
    Unknown,
}

/// How far the breached limit reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The organization's limit.
    Organization,
    /// A workspace's own limit.
    Workspace,
    /// Not said. "organization" in a message proves nothing.
    Unknown,
}

/// Where a piece of evidence comes from, in the order in which it is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceFrom {
    /// `error.details.error_code`.
    ErrorCode,
    /// The prose of the message.
    Message,
    /// Rate-limit headers of the same answer.
    Headers,
    /// Configured limits, or the size of the call.
    Limits,
    /// What this end saw of the connection: nobody said it.
    Connection,
}

impl EvidenceFrom {
    /// In words: `error code`, `message`, `headers`, `limits`, `connection`.
    pub const fn label(self) -> &'static str {
        match self {
            Self::ErrorCode => "error code",
            Self::Message => "message",
            Self::Headers => "headers",
            Self::Limits => "limits",
            Self::Connection => "connection",
        }
    }
}

/// One line of evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Its source.
    pub from: EvidenceFrom,
    /// What it says, short, cleaned.
    pub text: String,
}

/// What a refusal was. JSON: `VERDICT` of the command-line contract.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Why.
    pub cause: Cause,
    /// The limiter that was hit, where known.
    pub limiter: Option<Limiter>,
    /// How far it reaches.
    pub scope: Scope,
    /// How sure.
    pub certainty: Certainty,
    /// On what evidence, most trusted first.
    pub evidence: Vec<Evidence>,
    /// HTTP status; none when there was no answer.
    pub status: Option<u16>,
    /// The model that was asked for.
    pub model: Option<ModelId>,
    /// Its pool, where known.
    pub pool: Option<GroupId>,
    /// Whether the same call can succeed later without anybody changing anything.
    pub retry_helps: bool,
    /// The earliest useful retry, where one can be named; of a tier's monthly spend cap the moment at
    /// which access returns, although no retry before it helps.
    pub retry_at: Option<Time>,
    /// What the server asked for, seconds.
    pub asked_s: Option<f64>,
    /// For support.
    pub request_id: Option<RequestId>,
    /// All of it in one sentence for people.
    pub sentence: String,
}

impl Verdict {
    /// Whether nobody said it: the connection broke or nothing came, and this end saw that.
    pub fn is_seen_here(&self) -> bool {
        self.evidence
            .iter()
            .any(|evidence| evidence.from == EvidenceFrom::Connection)
    }
}
