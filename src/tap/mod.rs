//! The tap: a pass-through that changes nothing, delays nothing and keeps nothing of what passes.
//!
//! - [`server`] accepts and serves connections; `link` is the client's side of one
//! - [`gate`] decides what may pass, [`refusal`] says why not; both pure
//! - `forward` carries one request, `http2` does where upstream is to speak that; `bodies` are its two bodies on their way, `talk` is what both
//!   know of it
//! - [`hear`] listens on the side; [`chaos`] is trouble on purpose, `mishap` what it does to a call
//! - [`port`] is a read-only port beside the tap's own, [`admin`] what the one for the screen tells
//!
//! To add a reason to refuse: a variant of [`refusal::Refusal`], its check in [`gate`].
//! To add something that is heard: a reader in [`hear`], a number in `domain::traffic`.

pub mod admin;
mod alarm;
mod bodies;
pub mod chaos;
mod forward;
pub mod gate;
pub mod hear;
mod hop;
mod http2;
mod link;
mod mishap;
pub mod port;
pub mod refusal;
pub mod server;
mod talk;

use crate::{clock::Clock, domain::time::Time, net::upstream::Upstream};
use bodies::Upload;
use chaos::{Chaos, Fate, plan::Plan};
use gate::Gate;
use hear::Hearing;
use http::{HeaderValue, Method, request::Parts};
use refusal::Refusal;
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};
use tokio::sync::Notify;

/// The way out of a tap. Boxed, as each connection has 32 places for a request.
pub type Out = Upstream<Box<Upload>>;

/// One tap: where it leads, what it lets pass, who listens.
pub struct Tap {
    upstream: Out,
    gate: Gate,
    hearing: Arc<Hearing>,
    clock: Clock,
    counts: Counts,
    chaos: Option<Box<(HeaderValue, Mutex<Chaos>)>>,
    refused: Box<dyn Fn(&Refusal) + Send + Sync>,
    stirred: Notify,
}

/// What happened at the door.
#[derive(Debug, Default)]
struct Counts {
    refused: AtomicU64,
    unreachable: AtomicU64,
    unheard: AtomicU64,
    chaos: AtomicU64,
}

/// What happened at the door, at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Requests that the gate refused.
    pub refused: u64,
    /// Requests for which there was no upstream.
    pub unreachable: u64,
    /// Exchanges in which listening failed; they were forwarded all the same.
    pub unheard: u64,
    /// Requests that chaos befell.
    pub chaos: u64,
}

impl Tap {
    /// A tap to that address. `refused` hears of each request that is not passed on; it must not block.
    pub fn new(
        upstream: Out,
        gate: Gate,
        hearing: Arc<Hearing>,
        clock: Clock,
        refused: impl Fn(&Refusal) + Send + Sync + 'static,
    ) -> Self {
        Self {
            upstream,
            gate,
            hearing,
            clock,
            counts: Counts::default(),
            chaos: None,
            refused: Box::new(refused),
            stirred: Notify::new(),
        }
    }

    /// With trouble on purpose.
    #[must_use]
    pub fn with_chaos(mut self, chaos: Chaos) -> Self {
        self.chaos = Some(Box::new((chaos.mark(), Mutex::new(chaos))));
        self
    }

    /// The plan of its trouble on purpose, if there is one.
    pub fn chaos(&self) -> Option<Plan> {
        let (_, chaos) = &**self.chaos.as_ref()?;
        let chaos = chaos.lock().unwrap_or_else(PoisonError::into_inner);
        Some(chaos.plan().clone())
    }

    /// Where it leads.
    pub const fn upstream(&self) -> &Out {
        &self.upstream
    }

    /// Who listens.
    pub fn hearing(&self) -> &Arc<Hearing> {
        &self.hearing
    }

    /// Waits for the next request, or returns at once if one came since this was last waited for. For
    /// one that looks at the totals: without traffic it need not look.
    pub async fn stirred(&self) {
        self.stirred.notified().await;
    }

    /// What happened at the door so far.
    pub fn counted(&self) -> Counted {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counted {
            refused: read(&self.counts.refused),
            unreachable: read(&self.counts.unreachable),
            unheard: read(&self.counts.unheard),
            chaos: read(&self.counts.chaos),
        }
    }

    /// What chaos does with a request that came at `now`, and the mark of that for its answer.
    fn befall(&self, head: &Parts, now: Time) -> Option<(Fate, HeaderValue)> {
        let (mark, chaos) = &**self.chaos.as_ref()?;
        if head.method != Method::POST || head.uri.path() != "/v1/messages" {
            return None;
        }
        let mut chaos = chaos.lock().unwrap_or_else(PoisonError::into_inner);
        let fate = chaos.befall(now)?;
        self.counts.chaos.fetch_add(1, Ordering::Relaxed);
        Some((fate, mark.clone()))
    }

    /// Counts and tells a refusal.
    fn refuse(&self, refusal: &Refusal) {
        self.count(refusal);
        (self.refused)(refusal);
    }

    /// Counts one that is told as what came of its request.
    fn count(&self, refusal: &Refusal) {
        let count = match refusal {
            Refusal::Unreachable(_) => &self.counts.unreachable,
            _ => &self.counts.refused,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}
