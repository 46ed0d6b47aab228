//! The attempts of a run as bars, worker by worker: what drawing needs and no more, so that a long run
//! of many workers stays small. Seconds count from the beginning of the run.

use crate::domain::{
    load::pace::Gate,
    observation::CallResult,
    outcome::Outcome,
    time::{Time, seconds_between},
    timeline::{Attempt, Call},
    verdict::Cause,
};
use std::collections::VecDeque;

/// Bars kept of all lanes together; the oldest of a lane go first.
const BARS: usize = 24_576;
/// Bars that a lane keeps however many lanes there are.
const LEAST: usize = 96;

/// How an attempt ended, as far as it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It has not.
    Open,
    /// A whole answer.
    Answered,
    /// It failed, for this reason.
    Failed(Cause),
    /// Ended from here.
    Cancelled,
}

/// One attempt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bar {
    /// Number of its call in the run, from 0.
    pub call: u32,
    /// Number of the attempt in its call, from 1.
    pub n: u32,
    /// Since when its request was held back by the run's own pacing, and for what, if it was.
    pub held: Option<(f32, Gate)>,
    /// When it left.
    pub sent_s: f32,
    /// When its answer began to come: the first token, or the head of one that does not stream.
    pub answer_s: Option<f32>,
    /// When it ended.
    pub ended_s: Option<f32>,
    /// How.
    pub ending: Ending,
    /// Whether it broke after a 200.
    pub broken: bool,
    /// How long the server asked to wait, seconds.
    pub asked_s: Option<f32>,
    /// Until when that is.
    pub hint_s: Option<f32>,
    /// When the wait for the next attempt began.
    pub asleep_s: Option<f32>,
    /// When the next attempt is to leave, as the policy decided.
    pub due_s: Option<f32>,
    /// When that wait was over: the next attempt left, or was held back from then on.
    pub awake_s: Option<f32>,
    /// When it left.
    pub next_s: Option<f32>,
    /// Whether it left before the hint had passed.
    pub early: bool,
    /// Whether the call ended here without an answer: its policy gave up.
    pub gave_up: bool,
    /// Whether the call was ended from here while it waited after this attempt.
    pub cancelled: bool,
}

impl Bar {
    /// The attempt at that place of a call that is the run's `number`-th.
    fn of(began: Time, call: &Call, number: u32, at: usize) -> Option<Self> {
        let attempt = call.attempts.get(at)?;
        if attempt.status.is_none() && attempt.outcome.is_none() && attempt.decision.is_some() {
            // Refused before it left.
            return None;
        }
        let since = |time: Time| seconds_between(began, time) as f32;
        let sent_s = since(attempt.sent_at);
        let last = at + 1 == call.attempts.len();
        let next = call.attempts.get(at + 1).map(|next| since(next.sent_at));
        let held_next = call.hold_of(attempt.n + 1).map(|hold| since(hold.since));
        let cancelled = last && call.result == Some(CallResult::Cancelled);
        let due = match (cancelled, call.closed_at) {
            // The wait was cut off.
            (true, Some(closed)) => attempt.next_due().map(|due| since(due.min(closed))),
            _ => attempt.next_due().map(since),
        };
        let answered = attempt
            .first_token_s
            .or(attempt.first_byte_s.filter(|_| !call.stream));
        let whole = attempt.outcome.as_ref().is_none_or(Outcome::is_complete);
        Some(Self {
            call: number,
            n: attempt.n,
            sent_s,
            held: call
                .hold_of(attempt.n)
                .map(|hold| (since(hold.since).min(sent_s), hold.gate)),
            answer_s: answered
                .filter(|_| whole || attempt.first_token_s.is_some())
                .map(|s| sent_s + s as f32),
            ended_s: attempt.ended_at.map(since),
            ending: ending(attempt),
            broken: is_broken(attempt),
            asked_s: attempt.asked_s.map(|s| s as f32),
            hint_s: attempt.hint_until().map(since),
            asleep_s: attempt.asleep_since().map(since),
            due_s: due,
            awake_s: held_next.or(next),
            next_s: next,
            early: attempt.early,
            gave_up: last && call.result == Some(CallResult::Failed),
            cancelled,
        })
    }

    /// Until when it has something to show, as of second `now`: its end, its wait, what was asked for.
    pub fn until_s(&self, now: f32) -> f32 {
        let end = self.ended_s.unwrap_or(now);
        let wait = self.awake_s.or(self.due_s).unwrap_or(end);
        end.max(wait).max(self.hint_s.unwrap_or(end))
    }

    /// Whether it sleeps at second `now`.
    pub fn waits(&self) -> bool {
        self.due_s.is_some() && self.awake_s.is_none() && !self.gave_up && !self.cancelled
    }

    /// Seconds that were slept after it; none while it sleeps.
    pub fn slept_s(&self) -> Option<f32> {
        Some((self.awake_s? - self.asleep_s?).max(0.0))
    }

    /// Seconds for which its request was held back.
    pub fn held_s(&self) -> f32 {
        let held = self.held.map(|(since, _)| self.sent_s - since);
        held.unwrap_or(0.0).max(0.0)
    }
}

fn ending(attempt: &Attempt) -> Ending {
    match (&attempt.outcome, &attempt.verdict) {
        (None, _) => Ending::Open,
        (Some(Outcome::Complete { .. }), _) => Ending::Answered,
        (Some(Outcome::Cancelled), _) => Ending::Cancelled,
        (Some(_), verdict) => Ending::Failed(
            verdict
                .as_ref()
                .map_or(Cause::Unknown, |verdict| verdict.cause),
        ),
    }
}

fn is_broken(attempt: &Attempt) -> bool {
    matches!(
        attempt.outcome,
        Some(Outcome::StreamError { .. } | Outcome::StreamCut { .. } | Outcome::StreamTruncated)
    )
}

/// A request that is held back and has not left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pending {
    /// Number of its call in the run, from 0.
    pub call: u32,
    /// The attempt, from 1.
    pub n: u32,
    /// Since when.
    pub since_s: f32,
    /// For what it waits.
    pub gate: Gate,
}

/// The bars of one worker, first to last, and its counts.
#[derive(Clone, Debug, Default)]
pub struct Lane {
    bars: VecDeque<Bar>,
    /// Calls that were answered.
    pub ok: u32,
    /// Attempts that failed.
    pub failed: u32,
    /// Retries that left before the hint had passed.
    pub early: u32,
    /// Seconds slept before retries.
    pub slept_s: f32,
    /// Seconds for which requests that have left were held back.
    pub held_s: f32,
    /// The request that is held back now.
    pub pending: Option<Pending>,
    /// Bars that had to go.
    pub gone: u32,
}

impl Lane {
    /// First to last.
    pub fn bars(&self) -> impl DoubleEndedIterator<Item = &Bar> + ExactSizeIterator {
        self.bars.iter()
    }

    /// The newest.
    pub fn last(&self) -> Option<&Bar> {
        self.bars.back()
    }

    /// Those that may show something between two seconds: all that left before `to`, from the last call
    /// that began before `from` on. What an earlier one asked for may reach in too, so a few more come.
    pub fn between(&self, from: f32, to: f32) -> impl DoubleEndedIterator<Item = &Bar> {
        const MORE: usize = 24;
        let first = self.bars.partition_point(|bar| bar.sent_s < from);
        let end = self.bars.partition_point(|bar| bar.sent_s <= to);
        let first = first.saturating_sub(MORE).min(end);
        self.bars.range(first..end)
    }

    /// The bar of an attempt, if it is still kept, and its place.
    pub fn find(&self, call: u32, n: u32) -> Option<(usize, &Bar)> {
        let bars = self.bars.iter().enumerate().rev();
        let mut newest = bars.skip_while(|(_, bar)| (bar.call, bar.n) > (call, n));
        newest
            .next()
            .filter(|(_, bar)| (bar.call, bar.n) == (call, n))
    }

    /// The bar at a place.
    pub fn get(&self, at: usize) -> Option<&Bar> {
        self.bars.get(at)
    }

    fn put(&mut self, bar: Bar, most: usize) {
        if let Some((at, old)) = self.find(bar.call, bar.n).map(|(at, old)| (at, *old)) {
            self.count(&old, false);
            self.bars[at] = bar;
        } else {
            if self.bars.len() >= most {
                self.bars.pop_front();
                self.gone += 1;
            }
            self.bars.push_back(bar);
        }
        self.count(&bar, true);
    }

    fn count(&mut self, bar: &Bar, add: bool) {
        let by = |n: &mut u32, yes: bool| {
            *n = n.saturating_add_signed(i32::from(yes) * if add { 1 } else { -1 });
        };
        by(
            &mut self.ok,
            bar.ending == Ending::Answered && bar.next_s.is_none(),
        );
        by(&mut self.failed, matches!(bar.ending, Ending::Failed(_)));
        by(&mut self.early, bar.early);
        let slept = bar.slept_s().unwrap_or(0.0);
        let sign = if add { 1.0 } else { -1.0 };
        self.slept_s += sign * slept;
        self.held_s += sign * bar.held_s();
    }
}

/// Every worker's lane.
#[derive(Clone, Debug)]
pub struct Lanes {
    began: Time,
    most: usize,
    workers: Vec<Lane>,
}

impl Lanes {
    /// Empty lanes of so many workers for a run that begins then.
    pub fn new(began: Time, workers: u32) -> Self {
        let workers = workers.max(1) as usize;
        Self {
            began,
            most: (BARS / workers).max(LEAST),
            workers: vec![Lane::default(); workers],
        }
    }

    /// By worker, from 0.
    pub fn all(&self) -> &[Lane] {
        &self.workers
    }

    /// Takes in what is known of attempt `n` of a worker's call, the run's `number`-th, and of its
    /// neighbours, about which it says something too.
    pub fn take(&mut self, worker: u32, call: &Call, number: u32, n: Option<u32>) {
        let Some(lane) = self.workers.get_mut(worker as usize) else {
            return;
        };
        lane.pending = call.held().map(|hold| Pending {
            call: number,
            n: hold.n,
            since_s: seconds_between(self.began, hold.since) as f32,
            gate: hold.gate,
        });
        let last = call.attempts.len().saturating_sub(1);
        let at = n.map_or(last, |n| {
            let place = call.attempts.binary_search_by_key(&n, |attempt| attempt.n);
            place.unwrap_or_else(|place| place.min(last))
        });
        for at in at.saturating_sub(1)..=at {
            if let Some(bar) = Bar::of(self.began, call, number, at) {
                lane.put(bar, self.most);
            }
        }
    }
}
