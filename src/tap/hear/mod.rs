//! Listening to what passes. Bytes and the time go in; totals and observations come out. Nothing here
//! waits, asks a clock, or keeps anything of prompts, replies or keys.

mod allowance;
mod ask;
mod body;
mod books;
mod decode;
mod events;
mod exchange;
mod fingerprint;
mod head;
mod names;
mod over;
mod said;
mod scan;
mod scrub;
mod state;
#[cfg(test)]
mod tests;
mod waiting;

use crate::domain::{
    id::{CallId, WorkspaceId},
    observation::{CallResult, Observation, Source, What},
    org::{Group, Override},
    retry::{Action, Decision},
    time::{Time, spoken},
    traffic::Totals,
};
use books::{Books, Bulk};
use decode::Idle;
use exchange::Heard;
pub use exchange::{End, Exchange};
use head::Asked;
use http::{Method, request::Parts};
use state::State;
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};
use waiting::{Again, Failed};

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
    since: Time,
    key: [u8; 16],
    known: RwLock<Arc<Known>>,
    books: Mutex<Books>,
    idle: Idle,
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
        Arc::new(Self {
            since: settings.since,
            key: settings.key,
            known: RwLock::new(Arc::new(settings.known)),
            books: Mutex::new(Books::new(settings.first_call)),
            idle: Idle::default(),
            sink,
        })
    }

    /// Replaces what is known around the traffic.
    pub fn know(&self, known: Known) {
        let mut held = self.known.write().unwrap_or_else(PoisonError::into_inner);
        *held = Arc::new(known);
    }

    /// A request's head arrived at `now`. Its target must be the API's own path: a token's prefix is
    /// taken off before.
    pub fn begin(self: &Arc<Self>, head: &Parts, now: Time) -> Exchange {
        let is_message = head.method == Method::POST && head.uri.path() == "/v1/messages";
        let state = if is_message {
            let asked = Asked::of(&head.headers);
            let client = self.books().client(&asked);
            Heard::Message(Box::new(State::new(self, &asked, client, now)))
        } else {
            let mut books = self.books();
            books.elsewhere.wire += 1;
            books.elsewhere.open += 1;
            Heard::Elsewhere(None)
        };
        Exchange::new(Arc::clone(self), state, now)
    }

    /// Everything so far, exact. Also tells what was only counted, and closes calls whose clients did
    /// not come back in time.
    pub fn totals(&self, now: Time) -> Totals {
        let (expired, bulks, mut totals) = {
            let mut books = self.books();
            let expired = books.expired(now);
            let bulks = books.all_bulks(now);
            (expired, bulks, books.totals(self.since, now))
        };
        self.close(&expired);
        for bulk in bulks {
            self.tell_bulk(Some(bulk));
        }
        totals.drops = self.books().drops;
        totals
    }

    /// Whether no failed call waits for its client: nothing will be told without a further request.
    pub fn rests(&self) -> bool {
        self.books().waiting.is_empty()
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self) -> Arc<Known> {
        let held = self.known.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&held)
    }

    /// Tells a sample; whether there was room.
    fn sample(&self, seen: Observation) -> bool {
        let taken = self.sink.sample(seen);
        if !taken {
            self.books().drops.screen += 1;
        }
        taken
    }

    /// Tells together what was not told one by one.
    fn tell_bulk(&self, bulk: Option<Bulk>) {
        let Some(bulk) = bulk else { return };
        let seen = Observation {
            at: bulk.at,
            source: Source::Tap,
            call: None,
            attempt: None,
            client: None,
            organization: bulk.owner.organization.clone(),
            workspace: bulk.owner.workspace.clone(),
            model: Some(bulk.model.clone()),
            fast: bulk.fast,
            what: What::Counted {
                requests: bulk.counted.requests,
                usage: bulk.counted.usage,
            },
        };
        if !self.sink.sample(seen) {
            self.books().back(&bulk);
        }
    }

    /// The client of a failed call came back.
    fn came_back(&self, again: &Again) {
        let slept = spoken(again.slept_s);
        let reason = match (again.early_s, again.stacked) {
            (Some(early), _) => {
                format!(
                    "the client came back after {slept}, {} too early",
                    spoken(early)
                )
            }
            (None, true) => format!("the program around the SDK began anew after {slept}"),
            (None, false) => format!("the client came back after {slept}"),
        };
        let decision = Decision {
            action: Action::Retry,
            wait_s: again.slept_s,
            jitter_s: 0.0,
            reason,
        };
        self.decided(&again.failed, decision);
    }

    /// Tells the end of calls whose clients did not come back.
    fn close(&self, failed: &[Failed]) {
        for failed in failed.iter().filter(|failed| failed.told) {
            let decision = Decision {
                action: Action::Stop,
                wait_s: 0.0,
                jitter_s: 0.0,
                reason: "the client did not come back".into(),
            };
            if failed.result == CallResult::Failed {
                self.decided(failed, decision);
            }
            let what = What::Closed {
                result: failed.result,
            };
            self.sink.must(of(failed, None, what));
        }
    }

    fn decided(&self, failed: &Failed, decision: Decision) {
        let what = What::Decided {
            decision,
            asked_s: failed.asked_s,
        };
        self.sink.must(of(failed, Some(failed.attempt), what));
    }
}

/// Something about a failed attempt, as of its end.
fn of(failed: &Failed, attempt: Option<u32>, what: What) -> Observation {
    Observation {
        at: failed.ended,
        source: Source::Tap,
        call: Some(failed.call),
        attempt,
        client: Some(failed.client.clone()),
        organization: failed.owner.organization.clone(),
        workspace: failed.owner.workspace.clone(),
        model: Some(failed.model.clone()),
        fast: failed.fast,
        what,
    }
}
