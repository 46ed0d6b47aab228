//! How an attempt ended, as plainly as the wire showed it. Judging it is `verdict`'s work.

use super::{headers::Hint, id::RequestId};
use serde::{Deserialize, Serialize};

/// The API's error envelope, or what could be read of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiError {
    /// `error.type`, an open set.
    pub kind: String,
    /// `error.message`, cleaned, cut to 2,000 characters.
    pub message: String,
    /// `error.details.error_code`, an open set.
    pub code: Option<String>,
    /// `request_id` of the body.
    pub request: Option<RequestId>,
}

/// How one attempt ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ended", rename_all = "snake_case")]
pub enum Outcome {
    /// A whole answer.
    Complete {
        /// 200.
        status: u16,
        /// `stop_reason`, an open set: `end_turn`, `max_tokens`, `pause_turn`, `refusal`, …
        stop_reason: Option<String>,
    },
    /// An error status with the API's envelope.
    Refused {
        /// 4xx or 5xx.
        status: u16,
        /// The envelope.
        error: ApiError,
        /// What the head asked for.
        hint: Hint,
    },
    /// Any answer that is not the API's: HTML, another envelope, a redirect, broken JSON.
    Foreign {
        /// Its status.
        status: u16,
        /// What it looked like, in a few words: "an HTML page".
        looks_like: String,
        /// What the head asked for.
        hint: Hint,
    },
    /// An `error` event after a 200.
    StreamError {
        /// The event's error.
        error: ApiError,
    },
    /// The connection broke after a 200, before `message_stop`.
    StreamCut {
        /// What broke, in a few words.
        how: String,
    },
    /// The stream ended cleanly but without `message_stop`.
    StreamTruncated,
    /// No answer at all.
    Unreachable {
        /// What kind of failure.
        kind: Unreachable,
        /// For people: what failed, for which address.
        how: String,
    },
    /// Somebody pressed Esc.
    Cancelled,
}

/// Why there was no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unreachable {
    /// The name does not resolve.
    Dns,
    /// Nobody listens.
    Refused,
    /// TLS failed.
    Tls,
    /// Too slow.
    Timeout,
    /// The connection broke before a status line, or what came was not HTTP.
    Broken,
}

impl Outcome {
    /// The HTTP status, when there was one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Complete { status, .. }
            | Self::Refused { status, .. }
            | Self::Foreign { status, .. } => Some(*status),
            Self::StreamError { .. } | Self::StreamCut { .. } | Self::StreamTruncated => Some(200),
            Self::Unreachable { .. } | Self::Cancelled => None,
        }
    }

    /// Whether the answer is whole.
    pub fn is_complete(&self) -> bool {
        matches!(self, Self::Complete { .. })
    }

    /// Whether the request may have been served, and charged, also when nobody said so: a connection
    /// that never stood served nothing, one that broke may have.
    pub fn maybe_served(&self) -> bool {
        match self {
            Self::Refused { .. } => false,
            Self::Foreign { status, .. } => *status < 300,
            Self::Unreachable { kind, .. } => {
                matches!(kind, Unreachable::Timeout | Unreachable::Broken)
            }
            _ => true,
        }
    }

    /// What the server asked for about a retry; nothing after a 200.
    pub fn hint(&self) -> Hint {
        match self {
            Self::Refused { hint, .. } | Self::Foreign { hint, .. } => *hint,
            _ => Hint::default(),
        }
    }
}
