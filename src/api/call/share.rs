//! What the calls of a run share: a retry budget, the pace at which requests leave, the models that they
//! are spread over, and a switch that holds them back.

use crate::{
    clock::Clock,
    domain::{
        headers::{Level, Reading},
        id::{GroupId, ModelId},
        load::{
            pace::{Admit, Cost, Ended, Gate, Pace, Waited},
            run::RunOrder,
            spread::{Spread, Spreader},
        },
        retry::{Action, Budget, Decision},
        time::{Time, after},
    },
};
use futures_util::future::BoxFuture;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
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
    paced: Option<Paces>,
    spread: Option<Routes>,
    pools: BTreeMap<ModelId, GroupId>,
}

/// Where the calls go.
#[derive(Debug)]
struct Routes {
    models: Vec<ModelId>,
    spreader: Mutex<Spreader>,
}

/// One pace for each pool that is asked: limits are a pool's own, and its models share them.
#[derive(Debug)]
struct Paces {
    /// How each of them begins.
    first: Pace,
    /// By the name of a pool, or of a model whose pool is not known.
    of: Mutex<BTreeMap<String, Arc<Paced>>>,
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

    /// What the calls of a run share, which begins now; `pools` as of [`Share::pools`].
    pub fn of(run: &RunOrder, pools: Vec<(ModelId, GroupId)>, now: Time) -> Self {
        let share = Self::new(run.budget()).paced(run.pace());
        let share = share.spread(run.spread.as_ref()).pools(pools);
        for (model, levels) in &run.known {
            share.overheard(now, model, levels);
        }
        share
    }

    /// The same, with requests held back by that pace.
    #[must_use]
    pub fn paced(self, pace: Option<Pace>) -> Self {
        let paced = pace.map(|first| Paces {
            first,
            of: Mutex::default(),
        });
        Self { paced, ..self }
    }

    /// The same, with calls going to several models.
    #[must_use]
    pub fn spread(self, spread: Option<&Spread>) -> Self {
        let spread = spread.map(|spread| Routes {
            models: spread.parts.iter().map(|it| it.model.clone()).collect(),
            spreader: Mutex::new(Spreader::new(spread)),
        });
        Self { spread, ..self }
    }

    /// The same, knowing which pool serves which model. A model that is not there is a pool of its own.
    #[must_use]
    pub fn pools(self, pools: impl IntoIterator<Item = (ModelId, GroupId)>) -> Self {
        let pools = pools.into_iter().collect();
        Self { pools, ..self }
    }

    fn pool<'a>(&'a self, model: &'a ModelId) -> &'a str {
        let pool = self.pools.get(model);
        pool.map_or(model.as_str(), GroupId::as_str)
    }

    /// The pace of the pool that serves a model, if there is a pace.
    fn pace(&self, model: &ModelId) -> Option<Arc<Paced>> {
        let paces = self.paced.as_ref()?;
        let pool = self.pool(model);
        let mut all = lock(&paces.of);
        if let Some(paced) = all.get(pool) {
            return Some(Arc::clone(paced));
        }
        let paced = Arc::new(Paced::new(paces.first.clone()));
        all.insert(pool.to_owned(), Arc::clone(&paced));
        Some(paced)
    }

    /// Tells whoever spreads the calls what is left of a model's pool: of all its models.
    fn left(&self, model: &ModelId, at: Time, levels: &[Level]) {
        let Some(routes) = &self.spread else {
            return;
        };
        let pool = self.pool(model);
        let mut spreader = lock(&routes.spreader);
        for one in routes.models.iter().filter(|one| self.pool(one) == pool) {
            spreader.heard(one, at, levels);
        }
    }

    /// The model that the next call asks, where calls are spread; it takes that much. Tell
    /// [`Share::arrived`] when the call is over.
    pub fn route(&self, now: Time, cost: Cost) -> Option<ModelId> {
        let routes = self.spread.as_ref()?;
        let place = lock(&routes.spreader).next(now, cost);
        routes.models.get(place).cloned()
    }

    /// A call to that model is over.
    pub fn arrived(&self, model: &ModelId) {
        if let Some(routes) = &self.spread {
            lock(&routes.spreader).ended(model);
        }
    }

    /// What waited for which gate of the pace.
    pub fn waited(&self) -> BTreeMap<Gate, Waited> {
        let mut all: BTreeMap<Gate, Waited> = BTreeMap::new();
        let paces = self.paced.as_ref();
        let paces = paces.map_or_else(Vec::new, |it| lock(&it.of).values().cloned().collect());
        for paced in paces {
            for (gate, waited) in &lock(&paced.kept).waited {
                let sum = all.entry(*gate).or_default();
                sum.requests += waited.requests;
                sum.seconds += waited.seconds;
            }
        }
        all
    }

    /// Waits until a request to that model that takes that much may leave; what was reserved for it. What
    /// it waits for is told, and told again when that changes.
    pub(super) async fn admit<'a>(
        &self,
        clock: &Clock,
        model: &ModelId,
        cost: Cost,
        held: impl Fn(Gate) -> BoxFuture<'a, ()> + Send,
    ) -> Cost {
        let Some(paced) = self.pace(model) else {
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

    /// What is left of the pool that serves a model, as somebody else's answer said, or as it was known
    /// before the first request.
    pub fn overheard(&self, at: Time, model: &ModelId, levels: &[Level]) {
        self.left(model, at, levels);
        if let Some(paced) = self.pace(model) {
            lock(&paced.kept).pace.overheard(at, levels);
            paced.changed.notify_one();
        }
    }

    /// The head of an admitted request to that model is here.
    pub(super) fn heard(&self, model: &ModelId, reading: &Reading, reserved: Cost) {
        self.left(model, reading.at, &reading.levels);
        if let Some(paced) = self.pace(model) {
            lock(&paced.kept).pace.heard(reading, reserved);
            paced.changed.notify_one();
        }
    }

    /// An admitted request to that model is over.
    pub(super) fn ended(&self, now: Time, model: &ModelId, ended: &Ended) {
        if let (Some(routes), true, Some(asked_s)) = (&self.spread, ended.refused, ended.asked_s) {
            lock(&routes.spreader).refused(model, after(now, asked_s));
        }
        if let Some(paced) = self.pace(model) {
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

impl Paced {
    fn new(pace: Pace) -> Self {
        Self {
            kept: Mutex::new(Kept {
                pace,
                last: None,
                waited: BTreeMap::new(),
            }),
            turn: tokio::sync::Mutex::default(),
            changed: Notify::new(),
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
