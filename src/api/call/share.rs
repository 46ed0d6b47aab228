//! What the calls of a run share: a retry budget, and a switch that holds them back.

use crate::domain::retry::{Action, Budget, Decision};
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::watch, time::Instant};

/// What many calls have in common. A call on its own has [`Share::default`], which changes nothing.
#[derive(Debug, Default)]
pub struct Share {
    budget: Option<Mutex<Counted>>,
    held: watch::Sender<bool>,
    pauses: Mutex<Pauses>,
}

#[derive(Debug)]
struct Counted {
    budget: Budget,
    denied: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Pauses {
    since: Option<Instant>,
    over: Duration,
}

impl Share {
    /// Calls that share a retry budget, if there is one.
    pub fn new(budget: Option<Budget>) -> Self {
        Self {
            budget: budget.map(|budget| Mutex::new(Counted { budget, denied: 0 })),
            ..Self::default()
        }
    }

    /// Nothing more is sent until [`Share::resume`]; what is under way goes on to its end.
    pub fn pause(&self, now: Instant) {
        lock(&self.pauses).since.get_or_insert(now);
        self.held.send_replace(true);
    }

    /// Goes on.
    pub fn resume(&self, now: Instant) {
        let mut pauses = lock(&self.pauses);
        if let Some(since) = pauses.since.take() {
            pauses.over += now.saturating_duration_since(since);
        }
        drop(pauses);
        self.held.send_replace(false);
    }

    /// Whether nothing is sent now.
    pub fn is_paused(&self) -> bool {
        *self.held.borrow()
    }

    /// How long it was paused so far, without a pause that still lasts.
    pub fn paused_for(&self) -> Duration {
        lock(&self.pauses).over
    }

    /// Retries that the budget refused.
    pub fn denied(&self) -> u64 {
        self.budget.as_ref().map_or(0, |it| lock(it).denied)
    }

    /// Waits while it is paused.
    pub async fn go(&self) {
        // The sender lives as long as this does, so this ends only with the pause.
        let _ = self.held.subscribe().wait_for(|held| !held).await;
    }

    /// A call begins.
    pub(super) fn called(&self) {
        if let Some(it) = &self.budget {
            lock(it).budget.called();
        }
    }

    /// A policy's decision, or a stop where it would retry and no retry is left for all together.
    pub(super) fn bound(&self, decision: Decision) -> Decision {
        let Some(it) = self
            .budget
            .as_ref()
            .filter(|_| decision.action == Action::Retry)
        else {
            return decision;
        };
        let mut it = lock(it);
        if it.budget.take() {
            return decision;
        }
        it.denied += 1;
        Decision {
            action: Action::Stop,
            wait_s: 0.0,
            jitter_s: 0.0,
            reason: format!(
                "the retry budget of all workers, {} % of calls, is used up",
                it.budget.percent()
            ),
        }
    }
}

fn lock<T>(it: &Mutex<T>) -> MutexGuard<'_, T> {
    it.lock().unwrap_or_else(PoisonError::into_inner)
}
