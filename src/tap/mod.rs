//! The tap: a pass-through that changes nothing, delays nothing and keeps nothing of what passes.
//!
//! - [`server`] accepts and serves connections; `link` is the client's side of one
//! - [`gate`] decides what may pass, [`refusal`] says why not; both pure
//! - `forward` carries one request; `bodies` are its two bodies on their way, `talk` is what both
//!   know of it
//! - [`hear`] listens on the side; [`chaos`] is trouble on purpose
//!
//! To add a reason to refuse: a variant of [`refusal::Refusal`], its check in [`gate`].
//! To add something that is heard: a reader in [`hear`], a number in `domain::traffic`.

mod bodies;
pub mod chaos;
mod forward;
pub mod gate;
pub mod hear;
mod hop;
mod link;
pub mod refusal;
pub mod server;
mod talk;

use crate::{clock::Clock, net::upstream::Upstream};
use bodies::Upload;
use gate::Gate;
use hear::Hearing;
use refusal::Refusal;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// The way out of a tap.
pub type Out = Upstream<Upload>;

/// One tap: where it leads, what it lets pass, who listens.
pub struct Tap {
    upstream: Out,
    gate: Gate,
    hearing: Arc<Hearing>,
    clock: Clock,
    counts: Counts,
    refused: Box<dyn Fn(&Refusal) + Send + Sync>,
}

/// What happened at the door.
#[derive(Debug, Default)]
struct Counts {
    refused: AtomicU64,
    unreachable: AtomicU64,
    unheard: AtomicU64,
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
            refused: Box::new(refused),
        }
    }

    /// Where it leads.
    pub const fn upstream(&self) -> &Out {
        &self.upstream
    }

    /// Who listens.
    pub fn hearing(&self) -> &Arc<Hearing> {
        &self.hearing
    }

    /// What happened at the door so far.
    pub fn counted(&self) -> Counted {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counted {
            refused: read(&self.counts.refused),
            unreachable: read(&self.counts.unreachable),
            unheard: read(&self.counts.unheard),
        }
    }

    /// Counts and tells a refusal.
    fn refuse(&self, refusal: &Refusal) {
        let count = match refusal {
            Refusal::Unreachable(_) => &self.counts.unreachable,
            _ => &self.counts.refused,
        };
        count.fetch_add(1, Ordering::Relaxed);
        (self.refused)(refusal);
    }
}
