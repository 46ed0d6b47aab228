//! What was left, over the last ten minutes, for a curve.

use super::super::time::{Time, seconds_between};
use std::collections::VecDeque;

/// Seconds that one kept point covers.
const SLOT_S: f64 = 2.0;
/// How far back points are kept, seconds.
const KEEP_S: f64 = 660.0;
/// Two points further apart than this are not joined, seconds.
const JOIN_S: f64 = 60.0;

/// Shares left (0 to 1) at moments when they were read.
#[derive(Clone, Debug, Default)]
pub(super) struct Series {
    points: VecDeque<(Time, f32)>,
}

impl Series {
    /// Notes what was left. Of points in one slot the lowest stays: a dip must not be smoothed away.
    pub(super) fn note(&mut self, at: Time, share: f64) {
        let share = share.clamp(0.0, 1.0) as f32;
        match self.points.back_mut() {
            Some((last, kept)) if seconds_between(*last, at) < SLOT_S => *kept = kept.min(share),
            _ => self.points.push_back((at, share)),
        }
        while self
            .points
            .front()
            .is_some_and(|(t, _)| seconds_between(*t, at) > KEEP_S)
        {
            self.points.pop_front();
        }
    }

    /// Seconds since the oldest point that is kept; none when nothing was read.
    pub(super) fn age_s(&self, now: Time) -> Option<f64> {
        let (oldest, _) = self.points.front()?;
        Some(seconds_between(*oldest, now).max(0.0))
    }

    /// Points kept.
    pub(super) fn kept(&self) -> usize {
        self.points.len()
    }

    /// `slots` evenly spaced values over the `span_s` seconds before `now`, oldest first. Between
    /// two points that are at most a minute apart the value is interpolated; else it is unknown.
    pub(super) fn sampled(&self, now: Time, span_s: f64, slots: usize) -> Vec<Option<f32>> {
        let mut next = 0;
        (0..slots)
            .map(|slot| {
                let ago = span_s * (slots - 1 - slot) as f64 / (slots.max(2) - 1) as f64;
                while self
                    .points
                    .get(next)
                    .is_some_and(|(t, _)| seconds_between(*t, now) > ago)
                {
                    next += 1;
                }
                let (t1, v1) = *self.points.get(next.checked_sub(1)?)?;
                let since = seconds_between(t1, now) - ago;
                match self.points.get(next) {
                    Some((t2, v2)) if seconds_between(t1, *t2) <= JOIN_S => {
                        let part = since / seconds_between(t1, *t2).max(1e-3);
                        Some(v1 + (v2 - v1) * part as f32)
                    }
                    _ => (since <= SLOT_S * 2.0).then_some(v1),
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::super::time::after, *};

    #[test]
    fn gaps_stay_gaps_and_neighbours_are_joined() {
        let now: Time = "2026-11-24T12:00:00Z".parse().unwrap();
        let mut series = Series::default();
        for (ago, share) in [(500.0, 1.0), (100.0, 0.8), (60.0, 0.4), (1.0, 0.2)] {
            series.note(after(now, -ago), share);
        }
        let seen = series.sampled(now, 600.0, 61);
        assert_eq!(seen.len(), 61);
        assert_eq!(seen[0], None, "nothing was known ten minutes ago");
        assert_eq!(seen[30], None, "400 s between two readings are not joined");
        let at = |ago: usize| seen[60 - ago / 10].unwrap();
        assert!((at(80) - 0.6).abs() < 0.02 && (at(60) - 0.4).abs() < 0.02);
        assert!((at(0) - 0.2).abs() < 0.02);
    }
}
