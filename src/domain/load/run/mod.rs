//! A run as it is watched: its calls folded into lanes, a track over time and a result. However long
//! it is, it stays small: of the newest calls everything is kept, of many more their bars, of all of
//! them the result.

use super::{
    lane::Lanes,
    live::{Busy, Live},
    pace::{Gate, Pace, Pacing, Waited},
    plan::Plan,
    result::{HERD_S, Summary},
    spread::{By, Spread},
    track::Track,
};
use crate::domain::{
    call::CallOrder,
    headers::Level,
    id::{CallId, ClientId, ModelId},
    observation::{Observation, What},
    retry::Budget,
    spend::Prices,
    time::{Time, seconds_between},
    timeline::{Call, Timeline},
    verdict::Cause,
};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

/// Calls of which everything is kept while the run is among the newest.
const DETAILS: usize = 384;
/// The same afterwards.
const DETAILS_LATER: usize = 16;

/// A run to make.
#[derive(Clone, Debug, PartialEq)]
pub struct RunOrder {
    /// What each call is. Its id is that of the first one, the next ones follow.
    pub order: CallOrder,
    /// When they start.
    pub plan: Plan,
    /// Retries that all calls together may make, percent of calls; none is no such budget.
    pub budget_percent: Option<f64>,
    /// How its requests are held back; none sends each when it is due.
    pub pacing: Option<Pacing>,
    /// The models that its calls go to; none is the order's own.
    pub spread: Option<Spread>,
    /// What was left of the limits of each model when it was ordered, as far as that was known.
    pub known: Vec<(ModelId, Vec<Level>)>,
}

/// Retries that a budget keeps for a run of few calls.
const RESERVE: f64 = 10.0;

impl RunOrder {
    /// The retry budget that its calls share.
    pub fn budget(&self) -> Option<Budget> {
        let percent = self.budget_percent?;
        Some(Budget::new(percent / 100.0, RESERVE))
    }

    /// The pace that its requests share; of each pool it is one of its own.
    pub fn pace(&self) -> Option<Pace> {
        Some(self.pacing?.pace(self.plan.workers))
    }

    /// The models that its calls may ask.
    pub fn models(&self) -> Vec<&ModelId> {
        match &self.spread {
            Some(spread) => spread.parts.iter().map(|part| &part.model).collect(),
            None => vec![&self.order.model],
        }
    }

    /// Whether it wants to know what is left of the limits: to hold its requests back, or to choose who
    /// is asked next.
    pub fn follows_limits(&self) -> bool {
        let spread = self.spread.as_ref();
        self.pacing.is_some() || spread.is_some_and(|spread| spread.by == By::Headroom)
    }

    /// Whether another run would be the same but for its pacing.
    pub fn is_twin_of(&self, other: &Self) -> bool {
        let twin = Self {
            order: CallOrder {
                call: self.order.call,
                ..other.order.clone()
            },
            pacing: self.pacing,
            known: self.known.clone(),
            ..other.clone()
        };
        self.pacing != other.pacing && *self == twin
    }
}

/// How the making of a run ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunEnd {
    /// Starts that were due but not made: no worker was free, or it was too late.
    pub missed: u64,
    /// Seconds from when a start was due to when it was made, one for each start of an open loop.
    pub late_s: Vec<f64>,
    /// Retries that the budget of all calls refused.
    pub denied: u64,
    /// Why a call was not even sent, which ended the run: a cap, `--read-only`.
    pub unsent: Option<String>,
    /// Whether it ended by a fault of this program.
    pub faulted: bool,
}

/// One run.
#[derive(Clone, Debug)]
pub struct Run {
    /// From 1, in this session.
    pub number: u32,
    /// What was asked for.
    pub asked: RunOrder,
    /// When it was ordered.
    pub began: Time,
    /// When the last of it was over.
    pub ended: Option<Time>,
    /// Whether nothing more is sent for now.
    pub held: bool,
    /// Whether it was ended from here.
    pub cancelled: bool,
    /// Why a call was not even sent.
    pub unsent: Option<String>,
    /// Whether it ended by a fault of this program.
    pub faulted: bool,
    /// Attempts by worker.
    pub lanes: Lanes,
    /// Starts and limits over time.
    pub track: Track,
    /// Calls that began.
    pub begun: u64,
    /// Of these, calls of which a request left; the others wait for their pace.
    pub left: u64,
    /// Requests that left: of each call its first, its retries, and the continuations of its paused turns.
    pub wire: u64,
    /// Of these, retries.
    pub retries: u64,
    /// Of these, continuations of a turn that the server had paused.
    pub continued: u64,
    /// Attempts that failed, by cause.
    pub failed: BTreeMap<Cause, u64>,
    /// Retries that left before the hint had passed.
    pub early: u64,
    /// What its requests were held back for by its own pacing, those that have left.
    pub paced: BTreeMap<Gate, Waited>,
    /// Most starts within any [`HERD_S`].
    pub herd: usize,
    window: VecDeque<f64>,
    live: Live,
    /// The newest calls that are over.
    details: Timeline,
}

impl Run {
    /// A run that is ordered now; its cost is counted at those prices, also where it is free.
    pub fn new(number: u32, asked: RunOrder, now: Time, prices: Arc<Prices>) -> Self {
        Self {
            number,
            lanes: Lanes::new(now, asked.plan.workers),
            live: Live::new(Summary::new(now).with_prices(Some(prices)), 0)
                .by_model(asked.spread.as_ref()),
            details: Timeline::new(DETAILS),
            asked,
            began: now,
            ended: None,
            held: false,
            cancelled: false,
            unsent: None,
            faulted: false,
            track: Track::default(),
            begun: 0,
            left: 0,
            wire: 0,
            retries: 0,
            continued: 0,
            failed: BTreeMap::new(),
            early: 0,
            paced: BTreeMap::new(),
            herd: 0,
            window: VecDeque::new(),
        }
    }

    /// Id of its first call, by which it is known.
    pub fn first(&self) -> CallId {
        self.asked.order.call
    }

    /// Whether it still goes on.
    pub fn is_open(&self) -> bool {
        self.ended.is_none()
    }

    /// Seconds from its beginning to its end, or to now.
    pub fn elapsed_s(&self, now: Time) -> f64 {
        seconds_between(self.began, self.ended.unwrap_or(now)).max(0.0)
    }

    /// The call of that number in the run, while everything of it is kept.
    pub fn call(&self, number: u32) -> Option<&Call> {
        self.call_of(CallId(self.first().0 + u64::from(number)))
    }

    /// The same by its id.
    pub fn call_of(&self, id: CallId) -> Option<&Call> {
        self.live.call(id).or_else(|| self.details.call(id))
    }

    /// Calls that are over, in numbers.
    pub const fn summary(&self) -> &Summary {
        self.live.summary()
    }

    /// The same of each model that the calls are spread over, if they are.
    pub fn models(&self) -> &[(ModelId, Summary)] {
        self.live.models()
    }

    /// The name under which it is listed: its policy.
    pub fn policy(&self) -> &'static str {
        self.asked.order.policy.name()
    }

    /// Attempts that were refused for a limit, as 429s are.
    pub fn limited(&self) -> u64 {
        let limits = self.failed.iter();
        let limits = limits.filter(|(cause, _)| cause.is_refusal_of_limit());
        limits.map(|(_, n)| n).sum()
    }

    /// Requests for each call of which one left; none before the first.
    pub fn amplification(&self) -> Option<f64> {
        (self.left > 0).then(|| self.wire as f64 / self.left as f64)
    }

    /// What the calls under way do.
    pub fn busy(&self) -> Busy {
        self.live.busy()
    }

    /// Takes one observation of one of its calls in.
    pub fn absorb(&mut self, seen: &Observation) {
        let Some(id) = seen.call else { return };
        let Some(number) = id.0.checked_sub(self.first().0) else {
            return;
        };
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        let over = self.live.absorb(seen);
        let Some(call) = over.as_ref().or_else(|| self.live.call(id)) else {
            return;
        };
        let second = seconds_between(self.began, seen.at);
        match &seen.what {
            What::Began { .. } => {
                self.begun += 1;
                return;
            }
            What::Sent => {
                self.wire += 1;
                self.track.started(second);
                if let Some(hold) = seen.attempt.and_then(|n| call.hold_of(n)) {
                    let waited = self.paced.entry(hold.gate).or_default();
                    waited.add(seconds_between(hold.since, seen.at));
                }
                let before = seen.attempt.and_then(|n| {
                    let at = call.attempts.iter().position(|attempt| attempt.n == n)?;
                    call.attempts.get(at.checked_sub(1)?)
                });
                let kind = match before {
                    None => &mut self.left,
                    Some(before) if before.is_paused_turn() => &mut self.continued,
                    Some(_) => &mut self.retries,
                };
                *kind += 1;
                if before.is_some_and(|before| before.early) {
                    self.early += 1;
                    self.track.early(second);
                }
                self.window.push_back(second);
                while self
                    .window
                    .front()
                    .is_some_and(|first| second - first >= HERD_S)
                {
                    self.window.pop_front();
                }
                self.herd = self.herd.max(self.window.len());
            }
            What::Head { reading, .. } => {
                for level in reading.levels.iter().filter(|level| level.limit > 0) {
                    let share = level.remaining as f64 / level.limit as f64;
                    self.track.left(second, level.dimension, share as f32);
                }
            }
            What::Finished {
                verdict: Some(verdict),
                ..
            } => *self.failed.entry(verdict.cause).or_default() += 1,
            _ => {}
        }
        let worker = seen.client.as_ref().map_or(0, Plan::worker_of);
        let n = seen
            .attempt
            .filter(|_| !matches!(seen.what, What::Closed { .. }));
        self.lanes.take(worker, call, number, n);
        if let Some(over) = over {
            self.details.keep(over);
        }
    }

    /// The making of it has ended.
    pub fn end(&mut self, end: &RunEnd, now: Time) {
        self.ended = Some(now);
        self.held = false;
        self.unsent.clone_from(&end.unsent);
        self.faulted = end.faulted;
        self.live.end(end.missed, &end.late_s, end.denied);
        self.window = VecDeque::new();
    }

    /// It is no longer among the newest: only a few of its calls are kept whole.
    pub fn shrink(&mut self) {
        let mut few = Timeline::new(DETAILS_LATER);
        let newest: Vec<&Call> = self.details.calls().rev().take(DETAILS_LATER).collect();
        for call in newest.into_iter().rev() {
            few.keep(call.clone());
        }
        self.details = few;
    }

    /// How many of the newest calls are kept whole.
    pub fn kept(&self) -> usize {
        self.details.calls().len()
    }
}

impl Plan {
    /// The name of a worker's calls, from 0: the client's own where there is one worker only, else with
    /// the worker's number behind it.
    pub fn client_of(&self, client: &ClientId, worker: u32) -> ClientId {
        if self.workers > 1 {
            ClientId::from(format!("{client} {:03}", worker + 1).as_str())
        } else {
            client.clone()
        }
    }

    /// The worker that [`Plan::client_of`] named; the first one for other names.
    pub fn worker_of(client: &ClientId) -> u32 {
        let number = client.as_str().rsplit_once(' ').map(|(_, number)| number);
        let number = number.and_then(|number| number.parse::<u32>().ok());
        number.map_or(0, |number| number.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests;
