//! What came of a run: folded call by call as each ends, so that a run may be of any length.

use crate::domain::{
    observation::CallResult,
    outcome::Outcome,
    spend::Prices,
    time::{Time, seconds_between},
    timeline::{Attempt, Call},
    usage::Usage,
    verdict::Cause,
};
pub use spans::Spans;
use std::{collections::BTreeMap, sync::Arc};

mod sentence;
mod spans;

/// Starts within this span count as at the same moment, seconds.
pub const HERD_S: f64 = 0.1;
/// Columns of the arrival histogram, at most.
pub const COLUMNS: usize = 60;
/// Starts that are kept for the herd peak and the histogram.
const MOST_STARTS: usize = 1 << 20;

/// A run in numbers. Every wire call is one attempt: the first of a call, a retry, or the continuation
/// of a paused turn, so that [`Self::sent`], `retries` and `continued` add up to `wire`.
#[derive(Clone, Debug)]
pub struct Summary {
    began: Time,
    /// What the caller wanted done.
    pub logical: u64,
    /// Requests on the wire.
    pub wire: u64,
    /// Calls that were answered whole.
    pub ok: u64,
    /// Calls that gave up, those included that never left.
    pub failed: u64,
    /// Of these, calls of which no request left: a cap was reached, or nothing may be spent.
    pub unsent: u64,
    /// Calls that were ended from here.
    pub cancelled: u64,
    /// Failed attempts by cause.
    pub refused: BTreeMap<Cause, u64>,
    /// Attempts by HTTP status, those that had one.
    pub statuses: BTreeMap<u16, u64>,
    /// Attempts that failed after a 200.
    pub broken: u64,
    /// Retries that came before the hint had passed.
    pub early: u64,
    /// Retries in all; continuations of a paused turn are none.
    pub retries: u64,
    /// Turns that the server paused (`pause_turn`) and that went on in a further request.
    pub continued: u64,
    /// Seconds slept before retries.
    pub slept_s: f64,
    /// Of these, before attempts that failed again.
    pub wasted_s: f64,
    /// The last moment at which something ended.
    pub ended: Time,
    /// Tokens of all attempts.
    pub usage: Usage,
    /// Of these, in answers that broke.
    pub thrown_away: Usage,
    /// Of these, in answers that were called anew: paid twice.
    pub paid_twice: Usage,
    /// Starts that were due but not made: no worker was free, or it was too late.
    pub missed: u64,
    /// Retries that the budget of all workers refused.
    pub denied: u64,
    /// From sending to the head.
    pub first_byte: Spans,
    /// From sending to the first token.
    pub first_token: Spans,
    /// From the beginning of a call to its end, retries and waits included.
    pub total: Spans,
    /// From when a start was due to when it was made; of an open loop.
    pub late: Spans,
    /// The give-up that is worth a sentence: how long the server asked to wait, and how long the call
    /// had waited when it gave up.
    gave_up: Option<GaveUp>,
    starts: Vec<f64>,
    /// Calls of which a request left.
    left: u64,
    prices: Option<Arc<Prices>>,
    usd: f64,
    /// Attempts that may have been charged, nobody knows how much.
    unpriced: u64,
}

#[derive(Clone, Copy, Debug)]
struct GaveUp {
    asked_s: f64,
    after_s: f64,
}

impl Summary {
    /// A run that begins now.
    pub fn new(began: Time) -> Self {
        Self {
            began,
            logical: 0,
            wire: 0,
            ok: 0,
            failed: 0,
            cancelled: 0,
            unsent: 0,
            left: 0,
            statuses: BTreeMap::new(),
            refused: BTreeMap::new(),
            broken: 0,
            early: 0,
            retries: 0,
            continued: 0,
            slept_s: 0.0,
            wasted_s: 0.0,
            ended: began,
            usage: Usage::default(),
            thrown_away: Usage::default(),
            paid_twice: Usage::default(),
            missed: 0,
            denied: 0,
            first_byte: Spans::new(),
            first_token: Spans::new(),
            total: Spans::new(),
            late: Spans::new(),
            gave_up: None,
            starts: Vec::new(),
            prices: None,
            usd: 0.0,
            unpriced: 0,
        }
    }

    /// The same with prices: without them the address is free of charge.
    #[must_use]
    pub fn with_prices(self, prices: Option<Arc<Prices>>) -> Self {
        Self { prices, ..self }
    }

    /// A call is over.
    pub fn take(&mut self, call: &Call) {
        self.logical += 1;
        match call.result {
            Some(CallResult::Ok) => self.ok += 1,
            Some(CallResult::Failed) => self.failed += 1,
            Some(CallResult::Cancelled) => self.cancelled += 1,
            None => {}
        }
        if let Some(closed) = call.closed_at {
            self.ended = self.ended.max(closed);
            if call.result != Some(CallResult::Cancelled) {
                self.total.take(seconds_between(call.began_at, closed));
            }
        }
        let mut before: Option<&Attempt> = None;
        for attempt in call.attempts.iter().filter(|it| was_sent(it)) {
            self.attempt(attempt);
            if let Some(prices) = &self.prices {
                match cost(call, attempt, prices) {
                    Some(usd) => self.usd += usd,
                    None => self.unpriced += 1,
                }
            }
            self.continued += u64::from(before.is_some_and(Attempt::is_paused_turn));
            if let Some(before) = before.filter(|before| !before.is_paused_turn()) {
                self.retries += 1;
                self.early += u64::from(before.early);
                if broke(before) {
                    let again = before.usage.unwrap_or_default();
                    self.paid_twice = self.paid_twice.plus(&again);
                }
                let slept = before.slept_s.unwrap_or(0.0);
                self.slept_s += slept;
                if attempt.outcome.as_ref().is_some_and(failed) {
                    self.wasted_s += slept;
                }
            }
            before = Some(attempt);
        }
        self.left += u64::from(before.is_some());
        if before.is_none() && call.result == Some(CallResult::Failed) {
            self.unsent += 1;
        }
        if let (Some(CallResult::Failed), Some(last)) = (call.result, call.attempts.last())
            && let Some(asked_s) = last.asked_s
        {
            let after_s = call.elapsed_s(call.closed_at.unwrap_or(self.ended));
            if self.gave_up.is_none_or(|worst| worst.asked_s < asked_s) {
                self.gave_up = Some(GaveUp { asked_s, after_s });
            }
        }
    }

    fn attempt(&mut self, attempt: &Attempt) {
        self.wire += 1;
        if self.starts.len() < MOST_STARTS {
            self.starts
                .push(seconds_between(self.began, attempt.sent_at));
        }
        if let Some(seconds) = attempt.first_byte_s {
            self.first_byte.take(seconds);
        }
        if let Some(seconds) = attempt.first_token_s {
            self.first_token.take(seconds);
        }
        if let Some(status) = attempt.status {
            *self.statuses.entry(status).or_default() += 1;
        }
        let usage = attempt.usage.unwrap_or_default();
        self.usage = self.usage.plus(&usage);
        if broke(attempt) {
            self.broken += 1;
            self.thrown_away = self.thrown_away.plus(&usage);
        }
        if let Some(verdict) = &attempt.verdict {
            *self.refused.entry(verdict.cause).or_default() += 1;
        }
    }

    /// Calls of which a request left.
    pub const fn sent(&self) -> u64 {
        self.left
    }

    /// Wire calls for each logical one of which a request left; none before the first.
    pub fn amplification(&self) -> Option<f64> {
        (self.left > 0).then(|| self.wire as f64 / self.left as f64)
    }

    /// What it cost, US dollars; none when somebody may have charged something that nobody told.
    pub fn cost_usd(&self) -> Option<f64> {
        (self.unpriced == 0).then_some(self.usd)
    }

    /// The part of the cost that is known, US dollars.
    pub const fn at_least_usd(&self) -> f64 {
        self.usd
    }

    /// When it began.
    pub const fn began(&self) -> Time {
        self.began
    }

    /// Share of calls that were answered whole, of those that left and were not ended from here.
    pub fn success(&self) -> Option<f64> {
        let counted = self.ok + self.failed - self.unsent;
        (counted > 0).then(|| self.ok as f64 / counted as f64)
    }

    /// [`Self::success`] where that is the share of all calls: none was ended from here or kept back.
    pub fn success_of_all(&self) -> Option<f64> {
        self.success().filter(|_| self.cancelled + self.unsent == 0)
    }

    /// Seconds from the beginning to the last end.
    pub fn elapsed_s(&self) -> f64 {
        seconds_between(self.began, self.ended)
    }

    /// Most starts within any [`HERD_S`].
    pub fn herd_peak(&self) -> usize {
        let mut starts = self.starts.clone();
        starts.sort_by(f64::total_cmp);
        let mut first = 0;
        let mut peak = 0;
        for (last, start) in starts.iter().enumerate() {
            while start - starts[first] >= HERD_S {
                first += 1;
            }
            peak = peak.max(last - first + 1);
        }
        peak
    }

    /// Starts in equal spans from the first to the last, and the length of a span in seconds; a run of
    /// a few starts has as many spans as make sense.
    pub fn arrivals(&self) -> (Vec<u32>, f64) {
        let last = self.starts.iter().copied().fold(0.0, f64::max);
        let span = (last / COLUMNS as f64).max(HERD_S);
        let columns = ((last / span) as usize + 1).min(COLUMNS);
        let mut arrivals = vec![0; columns];
        for start in &self.starts {
            let at = ((start / span) as usize).min(columns - 1);
            arrivals[at] += 1;
        }
        (arrivals, span)
    }
}

/// What an attempt cost, US dollars; none when its price, or what was charged, is not known.
pub fn cost(call: &Call, attempt: &Attempt, prices: &Prices) -> Option<f64> {
    match (&attempt.outcome, &attempt.usage) {
        (Some(outcome), _) if !outcome.maybe_served() => Some(0.0),
        (_, Some(usage)) => prices.cost(&call.model, usage),
        (_, None) => None,
    }
}

fn failed(outcome: &Outcome) -> bool {
    !matches!(outcome, Outcome::Complete { .. } | Outcome::Cancelled)
}

/// Whether its answer broke after a 200.
fn broke(attempt: &Attempt) -> bool {
    matches!(
        attempt.outcome,
        Some(Outcome::StreamError { .. } | Outcome::StreamCut { .. } | Outcome::StreamTruncated)
    )
}

/// Whether it went over the wire: the timeline also notes an attempt that was refused before it left.
pub fn was_sent(attempt: &Attempt) -> bool {
    attempt.outcome.is_some() || attempt.status.is_some()
}

#[cfg(test)]
mod tests;
