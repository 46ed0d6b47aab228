//! The numbers of one client or one model.

use super::Spans;
use crate::domain::{usage::Usage, verdict::Cause};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Statuses that are told apart; more than the API has. What else comes is [`OTHER_STATUS`].
pub const MOST_STATUSES: usize = 32;
/// No status: the others.
pub const OTHER_STATUS: u16 = 0;

/// What came of the requests of one client, or to one model. Every wire call that has ended is in
/// exactly one of `whole`, `refused`, `unreachable`, `cancelled` and `broken`; `wire` counts those and
/// the `open` ones.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    /// What the client wanted done: a call with all its retries counts once.
    pub logical: u64,
    /// Requests on the wire.
    pub wire: u64,
    /// Under way now.
    pub open: u64,
    /// Answered to the end.
    pub whole: u64,
    /// Answered with an error status, by cause.
    pub refused: BTreeMap<Cause, u64>,
    /// Not answered at all.
    pub unreachable: u64,
    /// Given up by the client.
    pub cancelled: u64,
    /// Failed after a 200: an error event, a cut, or a missing end.
    pub broken: u64,
    /// Tokens of all of them, as far as the server said (broken streams: counted from their text
    /// beyond that, four bytes a token).
    pub usage: Usage,
    /// Those of them that were thrown away, in answers that broke.
    pub lost: Usage,
    /// Wire calls that repeat a failed one.
    pub retries: u64,
    /// Retries by a program around an SDK that had already retried itself: loops stacked on loops.
    pub stacked: u64,
    /// Retries that came before the server's hint had passed.
    pub early: u64,
    /// Seconds by which they came too early, together.
    pub early_s: f64,
    /// The worst of them.
    pub early_worst_s: f64,
    /// Seconds that servers asked those to wait who came back.
    pub asked_s: f64,
    /// Seconds between a failed attempt's end and its retry.
    pub slept_s: f64,
    /// Answers by status, as far as they were read when they ended.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub statuses: BTreeMap<u16, u64>,
    /// From a request to the head of its answer, of answers below 300: a refusal is quicker than work.
    #[serde(skip_serializing_if = "Spans::is_empty")]
    pub first_byte: Spans,
    /// From a request to the first token of its stream.
    #[serde(skip_serializing_if = "Spans::is_empty")]
    pub first_token: Spans,
}

impl Tally {
    /// Adds another's.
    pub fn merge(&mut self, other: &Self) {
        self.logical += other.logical;
        self.wire += other.wire;
        self.open += other.open;
        self.whole += other.whole;
        for (cause, count) in &other.refused {
            *self.refused.entry(*cause).or_default() += count;
        }
        self.unreachable += other.unreachable;
        self.cancelled += other.cancelled;
        self.broken += other.broken;
        self.usage = self.usage.plus(&other.usage);
        self.lost = self.lost.plus(&other.lost);
        self.retries += other.retries;
        self.stacked += other.stacked;
        self.early += other.early;
        self.early_s += other.early_s;
        self.early_worst_s = self.early_worst_s.max(other.early_worst_s);
        self.asked_s += other.asked_s;
        self.slept_s += other.slept_s;
        for (status, count) in &other.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        self.first_byte.merge(&other.first_byte);
        self.first_token.merge(&other.first_token);
    }

    /// Counts an answer of that status.
    pub fn count_status(&mut self, status: u16) {
        let known = self.statuses.contains_key(&status);
        let room = self.statuses.len() < MOST_STATUSES;
        let status = if known || room { status } else { OTHER_STATUS };
        *self.statuses.entry(status).or_default() += 1;
    }

    /// Refusals of every cause.
    pub fn refusals(&self) -> u64 {
        self.refused.values().sum()
    }

    /// Wire calls that have ended.
    pub fn ended(&self) -> u64 {
        self.whole + self.refusals() + self.unreachable + self.cancelled + self.broken
    }

    /// Wire calls for each logical one; none before the first.
    pub fn amplification(&self) -> Option<f64> {
        (self.logical > 0).then(|| self.wire as f64 / self.logical as f64)
    }
}
