//! Who draws from a bucket: our own usage as it is observed, and what others must have drawn.

use super::super::time::{Time, after, seconds_between};
use std::collections::VecDeque;

/// Own usage events kept, seconds; a little more than the longest window that asks for them.
const KEEP_S: f64 = 90.0;
/// Events closer together than this are one, seconds.
const MERGE_S: f64 = 0.05;

/// Requests under way that are remembered with what they may draw.
const MOST_EXPECTED: usize = 512;
/// An estimate is not wrong by more than this factor.
pub(in crate::domain) const MOST_SHARE: f64 = 4.0;

/// A request and the header that answers it are taken at the same moment, give or take this, seconds.
pub(super) const SAME_S: f64 = 0.001;

/// Own usage as a running total over time.
#[derive(Clone, Debug, Default)]
pub(super) struct OwnUsage {
    /// Time of an event, and the total up to and including it. In order of time.
    totals: VecDeque<(Time, f64)>,
    /// Total of all that was ever added.
    total: f64,
    /// Total of what is no longer kept event by event.
    base: f64,
    /// When the first event was seen.
    since: Option<Time>,
    /// Requests whose draw is not known yet. In order of arrival.
    expected: VecDeque<Expected>,
    /// What requests have drawn of late, as a share of what was expected: a cache lowers it, a
    /// tokenizer may raise it.
    share: Option<f64>,
}

/// A request whose draw is not known yet.
#[derive(Clone, Copy, Debug)]
struct Expected {
    /// When it left.
    at: Time,
    /// Its estimate.
    amount: f64,
    /// The share of their estimates that requests of its sender draw, where that is known.
    share: Option<f64>,
}

impl OwnUsage {
    /// Adds what was drawn at `at`, in its own place in time; negative for a refund.
    pub(super) fn add(&mut self, at: Time, amount: f64) {
        if amount == 0.0 || !amount.is_finite() {
            return;
        }
        self.since.get_or_insert(at);
        self.total += amount;
        let end = self.totals.len();
        let mut place = self.events_until(at);
        let before = place.checked_sub(1).and_then(|i| self.totals.get(i));
        match before {
            Some((last, _)) if seconds_between(*last, at) < MERGE_S => place -= 1,
            None if end > 0 && self.base != 0.0 => self.base += amount,
            before => {
                let total = before.map_or(self.base, |(_, total)| *total);
                self.totals.insert(place, (at, total));
            }
        }
        for (_, total) in self.totals.range_mut(place..) {
            *total += amount;
        }
        while self
            .totals
            .back()
            .zip(self.totals.front())
            .is_some_and(|((last, _), (first, _))| seconds_between(*first, *last) > KEEP_S)
        {
            self.base = self
                .totals
                .pop_front()
                .map_or(self.base, |(_, total)| total);
        }
    }

    /// A request left that will draw about `amount`, or that `share` of it; what it really draws is
    /// told with [`OwnUsage::settle`].
    pub(super) fn expect(&mut self, at: Time, amount: f64, share: Option<f64>) {
        self.since.get_or_insert(at);
        if self.expected.len() == MOST_EXPECTED {
            self.expected.pop_front();
        }
        self.expected.push_back(Expected { at, amount, share });
    }

    /// What was expected of the request that left at `at`, and what it has really drawn.
    pub(super) fn settle(&mut self, at: Time, expected: f64, drawn: f64) {
        let known = |it: &Expected| it.at == at && (it.amount - expected).abs() < 0.5;
        if let Some(place) = self.expected.iter().position(known) {
            self.expected.remove(place);
        }
        if expected > 0.0 && drawn > 0.0 {
            let share = (drawn / expected).min(MOST_SHARE);
            let share = self
                .share
                .map_or(share, |known| known + (share - known) * 0.2);
            self.share = Some(share);
        }
        self.add(at, drawn);
    }

    /// What requests that left after `from` are expected to draw: probably, and at most.
    pub(super) fn expected_after(&self, from: Time) -> (f64, f64) {
        let from = after(from, SAME_S);
        let late = self.expected.iter().filter(|it| it.at > from);
        late.fold((0.0, 0.0), |(probably, most), it| {
            let share = it.share.or(self.share).unwrap_or(1.0);
            (
                probably + it.amount * share,
                most + it.amount * share.max(1.0),
            )
        })
    }

    /// How many events there are up to and including `at`.
    fn events_until(&self, at: Time) -> usize {
        let until = after(at, SAME_S);
        self.totals.partition_point(|(t, _)| *t <= until)
    }

    /// The total of everything drawn up to and including `at`, as far back as events are kept.
    fn total_at(&self, at: Time) -> f64 {
        self.events_until(at)
            .checked_sub(1)
            .and_then(|i| self.totals.get(i))
            .map_or(self.base, |(_, total)| *total)
    }

    /// What was drawn in `(from, to]`, and probably will have been.
    pub(super) fn between(&self, from: Time, to: Time) -> f64 {
        let (from_then, to_then) = (self.expected_after(from).0, self.expected_after(to).0);
        self.total_at(to) - self.total_at(from) + from_then - to_then
    }

    /// Events after `from`, each with what it drew.
    pub(super) fn events_after(&self, from: Time) -> impl Iterator<Item = (Time, f64)> + '_ {
        let start = self.events_until(from);
        let mut before = self.total_at(from);
        self.totals.range(start..).map(move |(t, total)| {
            let drawn = total - before;
            before = *total;
            (*t, drawn)
        })
    }

    /// Events kept.
    pub(super) fn kept(&self) -> usize {
        self.totals.len() + self.expected.len()
    }

    /// Own burn per minute over the last minute; none before anything was drawn.
    pub(super) fn per_min(&self, now: Time) -> Option<f64> {
        let since = self.since?;
        // A few events of the first seconds are no rate: one probe must not read as a burn.
        let window = seconds_between(since, now).clamp(15.0, 60.0);
        Some((self.between(after(now, -window), now) / window * 60.0).max(0.0))
    }
}

/// One header's reading, kept to be compared with later ones.
#[derive(Clone, Copy, Debug)]
struct Mark {
    /// When the server took it.
    taken: Time,
    remaining: f64,
    /// Whether the bucket was full: then refill was lost, and a comparison is only an upper bound.
    full: bool,
}

/// Pairs of headers are compared when they are at least this far apart, seconds.
const PAIR_S: f64 = 5.0;
/// … and at most this far, seconds.
const WINDOW_S: f64 = 60.0;
/// Marks closer together than this are one, seconds.
const THIN_S: f64 = 0.5;
/// This close to the limit a bucket may have been full in between, share of the limit.
const RIM_SHARE: f64 = 0.02;
/// How long the highest rate is remembered, seconds.
const HIGHEST_S: f64 = 600.0;

/// What others must have drawn between two headers of one family and limit:
/// `(fall of remaining + refill − own usage) / time`, unresolved while below the rounding.
#[derive(Clone, Debug, Default)]
pub(super) struct OthersBurn {
    marks: VecDeque<Mark>,
    /// The estimate over the longest window, per second.
    current: Option<f64>,
    /// The highest rate, per second, of the last ten minutes.
    highest: Peak,
    /// The most that was drawn between two readings beyond the present rate: others draw in lumps,
    /// a request at a time.
    lump: Peak,
}

/// The highest value of the last ten minutes.
#[derive(Clone, Debug, Default)]
struct Peak {
    /// Falling values: the front is the highest.
    falling: VecDeque<(Time, f64)>,
}

impl Peak {
    fn note(&mut self, at: Time, value: f64) {
        while self
            .falling
            .back()
            .is_some_and(|(_, lower)| *lower <= value)
        {
            self.falling.pop_back();
        }
        self.falling.push_back((at, value));
        while self
            .falling
            .front()
            .is_some_and(|(t, _)| seconds_between(*t, at) > HIGHEST_S)
        {
            self.falling.pop_front();
        }
        // Slowly falling values would fill the queue with near-equals: 64 steps are fine enough.
        if self.falling.len() > 64 {
            self.falling.remove(self.falling.len() / 2);
        }
    }

    fn at(&self, now: Time) -> Option<f64> {
        let fresh = |(t, _): &&(Time, f64)| seconds_between(*t, now) <= HIGHEST_S;
        self.falling.iter().find(fresh).map(|(_, value)| *value)
    }
}

/// What a bucket does by itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    /// Size.
    pub(super) limit: f64,
    /// Units a second.
    pub(super) refill: f64,
    /// Half the step to which readings are rounded.
    pub(super) rounding: f64,
}

impl OthersBurn {
    /// Forgets everything: the limit changed, older readings are of another bucket.
    pub(super) fn reset(&mut self) {
        self.marks.clear();
        self.current = None;
    }

    /// Takes a reading in.
    pub(super) fn add(&mut self, taken: Time, remaining: f64, bucket: Bucket, own: &OwnUsage) {
        if self
            .marks
            .back()
            .is_some_and(|last| seconds_between(last.taken, taken) < THIN_S)
        {
            return;
        }
        let rim = (2.0 * bucket.rounding).max(RIM_SHARE * bucket.limit);
        let full = remaining >= bucket.limit - rim;
        let mark = Mark {
            taken,
            remaining,
            full,
        };
        let drawn = |from: &Mark| {
            let time = seconds_between(from.taken, taken);
            let own = own.between(from.taken, taken);
            (
                from.remaining - remaining + bucket.refill * time - own,
                time,
            )
        };
        // The longest stretch that ends here and never touched the rim.
        let start = self.marks.iter().rposition(|m| m.full).map_or(0, |i| i + 1);
        let oldest = self
            .marks
            .range(start..)
            .find(|m| seconds_between(m.taken, taken) <= WINDOW_S)
            .filter(|m| !full && seconds_between(m.taken, taken) >= PAIR_S);
        self.current = oldest.and_then(|from| {
            let (amount, time) = drawn(from);
            // A step of the rounding is what one token may make of a reading.
            (amount > (2.0 * bucket.rounding).max(1.0)).then_some(amount / time)
        });
        // The newest pair that is far enough apart bounds the rate from above, full or not.
        let near = self
            .marks
            .iter()
            .rev()
            .find(|m| seconds_between(m.taken, taken) >= PAIR_S)
            .filter(|m| seconds_between(m.taken, taken) <= WINDOW_S);
        if let Some(from) = near {
            let (amount, time) = drawn(from);
            self.highest.note(taken, amount.max(0.0) / time);
        }
        if let (Some(last), Some(rate)) = (self.marks.back(), self.current) {
            let (amount, time) = drawn(last);
            self.lump.note(taken, (amount - rate * time).max(0.0));
        }
        self.marks.push_back(mark);
        while self
            .marks
            .front()
            .is_some_and(|m| seconds_between(m.taken, taken) > WINDOW_S)
        {
            self.marks.pop_front();
        }
    }

    /// Others' burn per second over the last minute of headers; none while unresolved.
    pub(super) fn current(&self) -> Option<f64> {
        self.current
    }

    /// The highest burn per second of the last ten minutes; none with no sight of others.
    pub(super) fn highest(&self, now: Time) -> Option<f64> {
        self.highest.at(now)
    }

    /// Entries kept.
    pub(super) fn kept(&self) -> usize {
        self.marks.len() + self.highest.falling.len() + self.lump.falling.len()
    }

    /// What others drew at most between two readings beyond their rate, in the last ten minutes.
    pub(super) fn lump(&self, now: Time) -> f64 {
        self.lump.at(now).unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests;
