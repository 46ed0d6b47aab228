//! What passed the tap, in numbers: exact totals per client and per model, and every kind of drop.
//! Snapshots of several taps, or of several spans of time, merge into one.
//!
//! To add a number: a field of [`Tally`] (or [`Drops`]) with its line in `merge`, in the generator of
//! `tests`, and in the schema of whatever prints it.

mod drops;
mod spans;
mod tally;
#[cfg(test)]
mod tests;

pub use drops::Drops;
pub use spans::{EDGES_S, Spans};
pub use tally::{MOST_STATUSES, OTHER_STATUS, Tally};

use super::{
    id::{ClientId, ModelId},
    time::Time,
};
use serde::{Deserialize, Serialize};

/// The name under which clients and models are counted once there are too many to tell apart.
pub const OTHER: &str = "other";
/// The name of a client or model that did not say who it is.
pub const UNKNOWN: &str = "unknown";

/// Everything that passed since `since`. Every request to `/v1/messages` is in exactly one row of
/// `clients` and in exactly one of `models`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// From when on.
    pub since: Time,
    /// Up to when.
    pub until: Time,
    /// One row for each client, ordered by name.
    pub clients: Vec<ClientRow>,
    /// One row for each model that was asked for, ordered by name.
    pub models: Vec<ModelRow>,
    /// Requests to any other path: counted, not read.
    pub elsewhere: Elsewhere,
    /// What was dropped or not read.
    pub drops: Drops,
}

/// What one client sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientRow {
    /// Its user agent, with the SDK where that is known.
    pub client: ClientId,
    /// Its numbers.
    pub tally: Tally,
}

/// What was asked of one model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelRow {
    /// As the request names it.
    pub model: ModelId,
    /// Its numbers.
    pub tally: Tally,
}

/// Requests to paths other than `/v1/messages`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Elsewhere {
    /// Requests.
    pub wire: u64,
    /// Answered below 400, to the end.
    pub whole: u64,
    /// Answered with 400 or above.
    pub refused: u64,
    /// Not answered, or not to the end.
    pub failed: u64,
    /// Given up by the client.
    pub cancelled: u64,
    /// Under way at `until`.
    pub open: u64,
}

impl Totals {
    /// Nothing has passed yet.
    pub fn empty(since: Time) -> Self {
        Self {
            since,
            until: since,
            clients: Vec::new(),
            models: Vec::new(),
            elsewhere: Elsewhere::default(),
            drops: Drops::default(),
        }
    }

    /// All clients together.
    pub fn all(&self) -> Tally {
        let mut all = Tally::default();
        for row in &self.clients {
            all.merge(&row.tally);
        }
        all
    }

    /// Adds the totals of another tap, or of another span of time. Rows of one name become one.
    pub fn merge(&mut self, other: &Self) {
        self.since = self.since.min(other.since);
        self.until = self.until.max(other.until);
        for row in &other.clients {
            match self
                .clients
                .binary_search_by(|own| own.client.cmp(&row.client))
            {
                Ok(at) => self.clients[at].tally.merge(&row.tally),
                Err(at) => self.clients.insert(at, row.clone()),
            }
        }
        for row in &other.models {
            match self
                .models
                .binary_search_by(|own| own.model.cmp(&row.model))
            {
                Ok(at) => self.models[at].tally.merge(&row.tally),
                Err(at) => self.models.insert(at, row.clone()),
            }
        }
        self.elsewhere.merge(&other.elsewhere);
        self.drops.merge(&other.drops);
    }
}

impl Elsewhere {
    /// Adds another's.
    pub fn merge(&mut self, other: &Self) {
        self.wire += other.wire;
        self.whole += other.whole;
        self.refused += other.refused;
        self.failed += other.failed;
        self.cancelled += other.cancelled;
        self.open += other.open;
    }
}
