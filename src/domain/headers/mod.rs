//! What one response head says about limits. Parsing is total: any bytes give a `Reading`.
//!
//! To add one of these: a family is a row in [`super::limit::KNOWN`], a header that stands alone is an
//! arm in `parse::sort`; each with a fixture in `tests`.

mod parse;
#[cfg(test)]
mod tests;
mod unified;

pub use parse::{raw_rate_limit_headers, read};

use super::{
    id::{Limiter, OrganizationId, RequestId, WorkspaceId},
    limit::{Dimension, Family},
    time::Time,
};
use serde::{Deserialize, Serialize};

/// Everything of interest in one response head.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// When the head arrived here. Readings are ordered by it.
    pub at: Time,
    /// The response's own `date`; instants in the head are taken relative to it, not to our clock.
    pub date: Option<Time>,
    /// `anthropic-organization-id`.
    pub organization: Option<OrganizationId>,
    /// `anthropic-workspace-id`.
    pub workspace: Option<WorkspaceId>,
    /// `request-id`.
    pub request: Option<RequestId>,
    /// What the server asks for about a retry.
    pub hint: Hint,
    /// One entry for each header family with a limit and a remaining.
    pub levels: Vec<Level>,
    /// Subscription windows, if any.
    pub unified: Option<Unified>,
    /// Rate-limit headers that are not understood, as they came (cleaned, cut to 200 characters).
    pub unknown: Vec<(String, String)>,
    /// Every header of interest as it came, for evidence; [`read`] leaves it empty, whoever wants it
    /// fills it from [`raw_rate_limit_headers`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub raw: Vec<(String, String)>,
}

/// `remaining` of one limiter at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// The table's name for the header stem. For the input family this is the cache-aware one; the
    /// board files it under the plain one where only that is configured.
    pub limiter: Limiter,
    /// What it counts.
    pub dimension: Dimension,
    /// Its header family.
    pub family: Family,
    /// Bucket size. May differ from one response to the next for the combined family.
    pub limit: u64,
    /// Rounded to 1,000 for tokens, exact for requests.
    pub remaining: u64,
    /// Seconds from the response's `date` to the moment when the bucket is full; never negative.
    pub full_in_s: Option<f64>,
}

/// What the server said about when to come back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Hint {
    /// `retry-after-ms`, in seconds. Undocumented; the SDKs read it first.
    pub retry_after_ms_s: Option<f64>,
    /// `retry-after` as seconds, or as the distance of an HTTP date from the response's `date`.
    /// May be zero or negative when the server said so.
    pub retry_after_s: Option<f64>,
    /// `x-should-retry`.
    pub should_retry: Option<bool>,
}

impl Hint {
    /// The wait the server asks for, in seconds, if it asks for a positive one.
    pub fn asked_s(&self) -> Option<f64> {
        self.retry_after_ms_s
            .filter(|s| *s > 0.0)
            .or(self.retry_after_s)
            .filter(|s| *s > 0.0 && s.is_finite())
    }
}

/// `anthropic-ratelimit-unified-*`: never documented, seen on subscription traffic.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Unified {
    /// `allowed`, `allowed_warning`, `rejected`.
    pub status: Option<String>,
    /// When the representative window resets (epoch seconds on the wire).
    pub reset: Option<Time>,
    /// `five_hour`, `seven_day`, …
    pub representative: Option<String>,
    /// `allowed`, `rejected`, …
    pub overage_status: Option<String>,
    /// `out_of_credits`, `org_spend_cap_reached`, …
    pub overage_disabled_reason: Option<String>,
    /// `-5h-`, `-7d-`, and any other window.
    pub windows: Vec<Window>,
}

/// One subscription window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// `5h`, `7d`, `7d_oi`, …
    pub name: String,
    /// Its own status.
    pub status: Option<String>,
    /// 0 to 1, but may exceed 1.
    pub utilization: Option<f64>,
    /// When it resets.
    pub reset: Option<Time>,
}
