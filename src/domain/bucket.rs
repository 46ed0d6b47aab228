//! A token bucket that refills continuously: the arithmetic behind the simulator, gauges and the lab.
//!
//! Exact as far as `f64` goes: amounts are far below 2^52, and time is kept to the nanosecond.

use super::time::{Time, after, seconds_between};

/// Amounts closer than this are the same: it absorbs the rounding of instants to nanoseconds.
const HAIR: f64 = 1e-3;

/// A bucket: a capacity, a refill, a level that may fall below zero, and whatever flows out of it
/// steadily (running streams).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    capacity: f64,
    refill_per_s: f64,
    outflow_per_s: f64,
    level: f64,
    at: Time,
}

impl Bucket {
    /// A full bucket of `capacity` units that fills from empty in `refill_seconds`.
    /// A capacity below zero, or one that is no number, counts as zero.
    pub fn full(capacity: f64, refill_seconds: f64, at: Time) -> Self {
        let capacity = if capacity.is_finite() {
            capacity.max(0.0)
        } else {
            0.0
        };
        Self {
            capacity,
            refill_per_s: if refill_seconds > 0.0 {
                capacity / refill_seconds
            } else {
                0.0
            },
            outflow_per_s: 0.0,
            level: capacity,
            at,
        }
    }

    /// The same with another level; at most the capacity, may be negative.
    #[must_use]
    pub fn with_level(mut self, level: f64) -> Self {
        self.level = level.min(self.capacity);
        self
    }

    /// The most it holds.
    pub const fn capacity(&self) -> f64 {
        self.capacity
    }

    /// Units that come back each second while it is not full.
    pub const fn refill_per_s(&self) -> f64 {
        self.refill_per_s
    }

    /// What it holds at `now`; negative is debt. An instant before the last change gives the level
    /// of the last change: time does not run backwards here.
    pub fn level(&self, now: Time) -> f64 {
        let passed = seconds_between(self.at, now).max(0.0);
        (self.level + (self.refill_per_s - self.outflow_per_s) * passed).min(self.capacity)
    }

    /// Brings the stored level to `now`.
    pub fn settle(&mut self, now: Time) {
        if now > self.at {
            self.level = self.level(now);
            self.at = now;
        }
    }

    /// Takes `amount` whether it is there or not: the level may become negative. A negative amount
    /// gives back, at most up to the capacity.
    pub fn draw(&mut self, amount: f64, now: Time) {
        self.settle(now);
        self.level = (self.level - amount).min(self.capacity);
    }

    /// Whether `amount` is there.
    pub fn holds(&self, amount: f64, now: Time) -> bool {
        self.level(now) + HAIR >= amount
    }

    /// Takes `amount` if it is there, else takes nothing and says in how many seconds it will be
    /// there if nobody else draws; none when it is more than the bucket ever holds.
    pub fn take(&mut self, amount: f64, now: Time) -> Result<(), Option<f64>> {
        if self.holds(amount, now) {
            self.draw(amount, now);
            Ok(())
        } else {
            Err(self.seconds_until(amount, now))
        }
    }

    /// Seconds until `amount` exists if nothing draws any more; none when it never will.
    pub fn seconds_until(&self, amount: f64, now: Time) -> Option<f64> {
        let missing = amount - self.level(now);
        if missing <= HAIR {
            return Some(0.0);
        }
        (amount <= self.capacity && self.refill_per_s > 0.0).then(|| missing / self.refill_per_s)
    }

    /// When `amount` exists if nothing draws any more; none when it never will.
    pub fn time_when(&self, amount: f64, now: Time) -> Option<Time> {
        self.seconds_until(amount, now)
            .map(|seconds| after(now, seconds))
    }

    /// Seconds until it is full if nothing draws any more; none when it does not refill.
    pub fn seconds_to_full(&self, now: Time) -> Option<f64> {
        self.seconds_until(self.capacity, now)
    }

    /// From `now` on, `per_s` more units (fewer when negative) flow out each second.
    pub fn flow(&mut self, per_s: f64, now: Time) {
        self.settle(now);
        self.outflow_per_s += per_s;
        if self.outflow_per_s.abs() < 1e-9 {
            self.outflow_per_s = 0.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn t() -> Time {
        "2026-11-24T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn refills_continuously_and_not_by_window() {
        let mut bucket = Bucket::full(60.0, 60.0, t());
        bucket.draw(60.0, t());
        assert!((bucket.level(after(t(), 0.5)) - 0.5).abs() < 1e-6);
        assert_eq!(bucket.take(1.0, after(t(), 0.5)), Err(Some(0.5)));
        assert_eq!(bucket.take(1.0, after(t(), 1.0)), Ok(()));
        assert_eq!(bucket.take(61.0, after(t(), 1.0)), Err(None));
    }

    #[test]
    fn streams_may_draw_it_into_debt() {
        let mut bucket = Bucket::full(600.0, 60.0, t());
        bucket.flow(110.0, t());
        let later = after(t(), 10.0);
        bucket.flow(-110.0, later);
        assert!((bucket.level(later) + 400.0).abs() < 1e-6);
        assert!(!bucket.holds(1.0, later));
        assert!((bucket.seconds_until(1.0, later).unwrap() - 40.1).abs() < 1e-6);
    }

    #[test]
    fn time_does_not_run_backwards() {
        let mut bucket = Bucket::full(60.0, 60.0, t());
        bucket.draw(30.0, after(t(), 10.0));
        bucket.settle(t());
        assert!((bucket.level(t()) - 30.0).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn level_never_exceeds_capacity(
            capacity in 0.0..1e7_f64,
            moves in prop::collection::vec((0.0..30.0_f64, -1e6..1e6_f64), 0..40),
        ) {
            let mut bucket = Bucket::full(capacity, 60.0, t());
            let mut now = t();
            for (wait, amount) in moves {
                now = after(now, wait);
                bucket.draw(amount, now);
                prop_assert!(bucket.level(now) <= capacity);
                prop_assert!(bucket.level(after(now, 3600.0)) <= capacity);
            }
        }

        #[test]
        fn refill_is_additive_in_time(
            drawn in 0.0..2e6_f64,
            a in 0.0..40.0_f64,
            b in 0.0..40.0_f64,
        ) {
            let mut whole = Bucket::full(1e6, 60.0, t());
            whole.draw(drawn, t());
            let mut parts = whole;
            parts.settle(after(t(), a));
            let end = after(after(t(), a), b);
            prop_assert!((parts.level(end) - whole.level(end)).abs() < 1e-3);
        }

        #[test]
        fn what_was_promised_is_there(
            capacity in 1.0..1e7_f64,
            drawn in 0.0..3.0_f64,
            share in 0.0..1.0_f64,
        ) {
            let mut bucket = Bucket::full(capacity, 60.0, t());
            bucket.draw(drawn * capacity, t());
            let amount = share * capacity;
            let wait = bucket.seconds_until(amount, t()).unwrap();
            prop_assert!(bucket.holds(amount, after(t(), wait.ceil())));
            prop_assert!(wait < 1.0 || !bucket.holds(amount, after(t(), wait - 1.0)));
        }
    }
}
