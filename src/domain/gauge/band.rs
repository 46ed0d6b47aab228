//! Where the level can be between two headers: a lower, a likely and an upper path.

use super::{
    super::time::{Time, seconds_between},
    burn::{Bucket, OthersBurn, OwnUsage},
};

/// After this many seconds without a header nothing is known any more.
pub(super) const UNKNOWN_AFTER_S: f64 = 60.0;

/// Own usage is told about this much later than it was drawn, seconds: what refilled meanwhile was not
/// lost at the rim of a full bucket, so that the high path may go beyond it by so much.
const LATE_S: f64 = 0.5;

/// Three paths through time, each refilled, capped at the limit, and lowered by what is drawn.
///
/// - high: reading + rounding + refill − own usage that is certain
/// - mid: reading + refill − own usage, what is under way included − others at their present rate
/// - low: reading − rounding + refill − own usage − others at their highest rate of ten minutes, and
///   the largest lump that they drew beyond it; with no sight of others it falls to nothing within
///   a minute
#[derive(Clone, Copy, Debug)]
pub(super) struct Band {
    at: Time,
    low: f64,
    mid: f64,
    high: f64,
    bucket: Bucket,
    /// Units a second that others are assumed to draw, on the mid and on the low path.
    others: f64,
    others_high: f64,
}

/// The band at one moment. `mid` may be negative: debt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Levels {
    pub(super) low: f64,
    pub(super) mid: f64,
    pub(super) high: f64,
}

impl Band {
    /// A new band from a reading; own usage after it was taken is applied at once.
    pub(super) fn from_reading(
        taken: Time,
        level: f64,
        bucket: Bucket,
        others: &OthersBurn,
        own: &OwnUsage,
    ) -> Self {
        let low = level - bucket.rounding - others.lump(taken);
        let unseen = low.max(0.0) / UNKNOWN_AFTER_S + bucket.refill;
        let mut band = Self {
            at: taken,
            low,
            mid: level,
            high: (level + bucket.rounding).min(bucket.limit),
            bucket,
            others: others.current().unwrap_or(0.0),
            others_high: others.highest(taken).unwrap_or(unseen),
        };
        for (at, drawn) in own.events_after(taken) {
            band.draw(at, drawn);
        }
        band
    }

    /// The band moved to `now`. A clock that runs backwards moves nothing.
    fn moved(mut self, now: Time) -> Self {
        let time = seconds_between(self.at, now);
        if time > 0.0 {
            let Bucket { limit, refill, .. } = self.bucket;
            self.low = (self.low + (refill - self.others_high) * time).min(limit);
            self.mid = (self.mid + (refill - self.others) * time).min(limit);
            self.high = (self.high + refill * time).min(limit + refill * LATE_S);
            self.at = now;
        }
        self
    }

    /// Draws own usage at `at`.
    pub(super) fn draw(&mut self, at: Time, amount: f64) {
        *self = self.moved(at);
        let limit = self.bucket.limit;
        self.low = (self.low - amount).min(limit);
        self.mid = (self.mid - amount).min(limit);
        self.high = (self.high - amount).min(limit + self.bucket.refill * LATE_S);
    }

    /// The levels at `now`, when requests under way will draw so much: probably, and at most.
    pub(super) fn levels(self, now: Time, (expected, at_most): (f64, f64)) -> Levels {
        let Self { low, mid, high, .. } = self.moved(now);
        let (low, mid) = (low - at_most, mid - expected);
        let low = low.max(0.0);
        let high = high.clamp(0.0, self.bucket.limit.max(0.0)).max(low);
        // Others cannot push the likely level below the band; only own streams make a debt.
        let mid = if mid < 0.0 && high == 0.0 {
            mid
        } else {
            mid.clamp(low, high)
        };
        Levels { low, mid, high }
    }

    /// What others are taken to draw at most, units a second.
    pub(super) fn others_high(self) -> f64 {
        self.others_high
    }
}
