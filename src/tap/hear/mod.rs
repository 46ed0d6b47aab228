//! Listening to what passes. Bytes and the time go in; totals and observations come out. Nothing here
//! waits, asks a clock, or keeps anything of prompts, replies or keys.

use crate::domain::{
    id::{CallId, WorkspaceId},
    observation::Observation,
    org::{Group, Override},
    outcome::Unreachable,
    time::Time,
    traffic::Totals,
};
use http::{HeaderMap, request::Parts};
use std::{fmt, sync::Arc};

/// Takes what was seen.
pub trait Sink: Send + Sync {
    /// Takes a sample, or says by `false` that there was no room; that is counted.
    fn sample(&self, seen: Observation) -> bool;
    /// Takes what must not be lost: refusals, changes of limits, ends of calls that failed.
    fn must(&self, seen: Observation);
}

/// What is known around the traffic when refusals are judged; taken from the board after each poll.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Pools with their configured limits.
    pub groups: Vec<Group>,
    /// Overrides that were read.
    pub overrides: Vec<Override>,
    /// The profile's workspace.
    pub workspace: Option<WorkspaceId>,
}

/// How a tap listens.
#[derive(Clone)]
pub struct Settings {
    /// Keys the hashes by which a client's retries are recognised: random, made once a run.
    pub key: [u8; 16],
    /// The first id given to a call: [`crate::domain::timeline::FIRST_FOREIGN_CALL`] or above.
    pub first_call: CallId,
    /// When it began.
    pub since: Time,
    /// What is known so far.
    pub known: Known,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("first_call", &self.first_call)
            .field("since", &self.since)
            .finish_non_exhaustive()
    }
}

/// The ear of one tap. Shared by all its exchanges; knows no clock.
pub struct Hearing {
    settings: Settings,
    #[expect(dead_code, reason = "read by the next step of this module")]
    sink: Arc<dyn Sink>,
}

impl fmt::Debug for Hearing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hearing").finish_non_exhaustive()
    }
}

impl Hearing {
    /// An ear that has heard nothing yet.
    pub fn new(settings: Settings, sink: Arc<dyn Sink>) -> Arc<Self> {
        Arc::new(Self { settings, sink })
    }

    /// Replaces what is known around the traffic.
    pub fn know(&self, known: Known) {
        let _ = known;
    }

    /// A request's head arrived at `now`. Its target must be the API's own path: a token's prefix is
    /// taken off before.
    pub fn begin(self: &Arc<Self>, head: &Parts, now: Time) -> Exchange {
        let _ = (head, now);
        Exchange {
            hearing: Arc::clone(self),
        }
    }

    /// Everything so far, exact. Also closes calls whose clients did not come back in time.
    pub fn totals(&self, now: Time) -> Totals {
        Totals {
            until: now,
            ..Totals::empty(self.settings.since)
        }
    }
}

/// How an exchange ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The answer's body is whole.
    Whole,
    /// The client went away.
    ClientGone,
    /// The answer broke off; in a few words how.
    UpstreamBroke(String),
    /// No answer came.
    Unreachable {
        /// What kind of failure.
        kind: Unreachable,
        /// For people: what failed, for which address.
        how: String,
    },
}

/// One request and its answer, as they pass. Dropped without [`Exchange::ended`], it counts as given up
/// by the client.
pub struct Exchange {
    #[expect(dead_code, reason = "read by the next step of this module")]
    hearing: Arc<Hearing>,
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").finish_non_exhaustive()
    }
}

impl Exchange {
    /// The next bytes of the request's body, as they came.
    pub fn request_bytes(&mut self, bytes: &[u8], now: Time) {
        let _ = (bytes, now);
    }

    /// The request's body is whole.
    pub fn request_end(&mut self, now: Time) {
        let _ = now;
    }

    /// The answer's head arrived. Informational answers (1xx) are not told.
    pub fn answered(&mut self, status: u16, headers: &HeaderMap, now: Time) {
        let _ = (status, headers, now);
    }

    /// The next bytes of the answer's body, as they came.
    pub fn response_bytes(&mut self, bytes: &[u8], now: Time) {
        let _ = (bytes, now);
    }

    /// It is over. What comes afterwards is ignored.
    pub fn ended(&mut self, end: End, now: Time) {
        let _ = (end, now);
    }
}
