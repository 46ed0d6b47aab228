//! What the calls of a run share: a retry budget, the pace at which requests leave, and a switch that
//! holds them back.

use crate::{
    clock::Clock,
    domain::{
        headers::{Level, Reading},
        load::pace::{Admit, Cost, Ended, Gate, Pace, Waited},
        retry::{Action, Budget, Decision},
        time::Time,
    },
};
use futures_util::future::BoxFuture;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

/// A shorter wait for the pace is none: clocks and timers are not finer.
const NO_WAIT: Duration = Duration::from_millis(2);
/// The longest sleep before the pace is asked again.
const ASK_AGAIN: Duration = Duration::from_mins(1);

/// What many calls have in common. A call on its own has [`Share::default`], which changes nothing.
#[derive(Debug, Default)]
pub struct Share {
    budget: Option<Mutex<Counted>>,
    held: watch::Sender<bool>,
    pauses: Mutex<Pauses>,
    paced: Option<Paced>,
}

#[derive(Debug)]
struct Paced {
    kept: Mutex<Kept>,
    /// Whoever waits first leaves first.
    turn: tokio::sync::Mutex<()>,
    /// An answer came, so that more may leave.
    changed: Notify,
}

#[derive(Debug)]
struct Kept {
    pace: Pace,
    last: Option<Gate>,
    waited: BTreeMap<Gate, Waited>,
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

    /// The same, with requests held back by that pace.
    #[must_use]
    pub fn paced(self, pace: Option<Pace>) -> Self {
        let paced = pace.map(|pace| Paced {
            kept: Mutex::new(Kept {
                pace,
                last: None,
                waited: BTreeMap::new(),
            }),
            turn: tokio::sync::Mutex::default(),
            changed: Notify::new(),
        });
        Self { paced, ..self }
    }

    /// What waited for which gate of the pace.
    pub fn waited(&self) -> BTreeMap<Gate, Waited> {
        let paced = self.paced.as_ref();
        paced.map_or_else(BTreeMap::new, |it| lock(&it.kept).waited.clone())
    }

    /// Waits until a request that takes that much may leave; what was reserved for it. What it waits for
    /// is told, and told again when that changes.
    pub(super) async fn admit<'a>(
        &self,
        clock: &Clock,
        cost: Cost,
        held: impl Fn(Gate) -> BoxFuture<'a, ()> + Send,
    ) -> Cost {
        let Some(paced) = &self.paced else {
            return Cost::default();
        };
        let since = clock.instant();
        let mut told = None;
        let turn = paced.turn.try_lock();
        if turn.is_err() {
            // Behind somebody who waits: for the same as far as is known.
            let gate = lock(&paced.kept).last;
            if let Some(gate) = gate {
                told = Some(gate);
                held(gate).await;
            }
        }
        let _turn = match turn {
            Ok(turn) => turn,
            Err(_) => paced.turn.lock().await,
        };
        loop {
            let admit = {
                let mut kept = lock(&paced.kept);
                let admit = kept.pace.admit(clock.now(), cost);
                match admit {
                    Admit::Wait { gate, .. } => kept.last = Some(gate),
                    Admit::Go(_) => kept.left(clock.instant() - since),
                }
                admit
            };
            match admit {
                Admit::Go(reserved) => return reserved,
                Admit::Wait { seconds, gate } => {
                    if told != Some(gate) {
                        told = Some(gate);
                        held(gate).await;
                    }
                    let wait = Duration::try_from_secs_f64(seconds.max(0.001));
                    let wait = wait.map_or(ASK_AGAIN, |wait| wait.min(ASK_AGAIN));
                    // Who is told that more may leave, or has slept, asks again.
                    let _ = tokio::time::timeout(wait, paced.changed.notified()).await;
                }
            }
        }
    }

    /// What is left, as somebody else's answer said, or as it was known before the first request.
    pub fn overheard(&self, at: Time, levels: &[Level]) {
        if let Some(paced) = &self.paced {
            lock(&paced.kept).pace.overheard(at, levels);
            paced.changed.notify_one();
        }
    }

    /// The head of an admitted request is here.
    pub(super) fn heard(&self, reading: &Reading, reserved: Cost) {
        if let Some(paced) = &self.paced {
            lock(&paced.kept).pace.heard(reading, reserved);
            paced.changed.notify_one();
        }
    }

    /// An admitted request is over.
    pub(super) fn ended(&self, now: Time, ended: &Ended) {
        if let Some(paced) = &self.paced {
            lock(&paced.kept).pace.ended(now, ended);
            paced.changed.notify_one();
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

impl Kept {
    /// A request has left after that wait.
    fn left(&mut self, wait: Duration) {
        if let Some(gate) = self.last.filter(|_| wait >= NO_WAIT) {
            let waited = self.waited.entry(gate).or_default();
            waited.add(wait.as_secs_f64());
        }
    }
}

fn lock<T>(it: &Mutex<T>) -> MutexGuard<'_, T> {
    it.lock().unwrap_or_else(PoisonError::into_inner)
}
