//! The numbers of one client or one model.

use crate::domain::{usage::Usage, verdict::Cause};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
