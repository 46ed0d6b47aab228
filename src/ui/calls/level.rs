//! The bucket's level under a call's bars, on the same axis.

use super::axis::Axis;
use crate::domain::{
    board::Pool,
    limit::{Dimension, Family},
    time::{Time, after, seconds_between},
    timeline::{Attempt, Call},
};

/// What was left in one cell's time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// 0 to 1.
    pub left: f32,
    /// Computed from an earlier header, not read.
    pub projected: bool,
}

/// The limit that matters for a call: the breached one, else the tightest of the last head.
pub fn dimension(call: &Call, judged: Option<&Attempt>) -> Option<Dimension> {
    let breached = judged
        .and_then(|attempt| attempt.verdict.as_ref())
        .and_then(|verdict| verdict.limiter.as_ref())
        .map(crate::domain::id::Limiter::dimension)
        .filter(|dimension| dimension.refill_seconds().is_some());
    breached.or_else(|| {
        let reading = call
            .attempts
            .iter()
            .rev()
            .find_map(|attempt| attempt.reading.as_ref())?;
        let own = reading
            .levels
            .iter()
            .filter(|level| level.family != Family::Combined && level.limit > 0);
        let share = |remaining: u64, limit: u64| remaining as f64 / limit as f64;
        own.min_by(|a, b| share(a.remaining, a.limit).total_cmp(&share(b.remaining, b.limit)))
            .map(|level| level.dimension)
    })
}

/// What was left, cell by cell; nothing where nothing was known, nor after `now`.
pub fn shares(
    call: &Call,
    pool: Option<&Pool>,
    of: Dimension,
    axis: &Axis,
    now: Time,
) -> Vec<Option<Share>> {
    let now = call.closed_at.map_or(now, |closed| closed.min(now));
    let now_s = seconds_between(call.began_at, now);
    let read = readings(call, of);
    let mut shares: Vec<Option<Share>> = (0..axis.cells)
        .map(|cell| {
            let (a, b) = axis.span(cell);
            let (at, left, refill) = *read.iter().rev().find(|(at, ..)| *at < b)?;
            let since = (b.min(now_s) - at).max(0.0);
            let left = (left + since / refill).clamp(0.0, 1.0) as f32;
            (a <= now_s).then_some(Share {
                left,
                projected: at < a,
            })
        })
        .collect();
    let gauge = pool.and_then(|pool| {
        let mut gauges = pool.gauges.iter();
        gauges.find(|gauge| gauge.dimension == of && gauge.family == Family::Standard)
    });
    if let Some(gauge) = gauge {
        let known = (0..axis.cells)
            .take_while(|cell| axis.span(*cell).0 <= now_s)
            .count();
        let per_cell = axis.span(0).1 - axis.span(0).0;
        if known > 1 {
            let end = after(call.began_at, axis.from + per_cell * known as f64).min(now);
            let seen = gauge.series(end, per_cell * (known - 1) as f64, known);
            for (share, seen) in shares.iter_mut().zip(seen) {
                if let (None, Some(left)) = (&share, seen) {
                    *share = Some(Share {
                        left,
                        projected: false,
                    });
                }
            }
        }
    }
    shares
}

/// Second, share left and seconds for a full refill, from every head of the call.
fn readings(call: &Call, of: Dimension) -> Vec<(f64, f64, f64)> {
    let heads = call
        .attempts
        .iter()
        .filter_map(|attempt| Some((attempt.head_at?, attempt.reading.as_ref()?)));
    let mut read: Vec<_> = heads
        .filter_map(|(at, reading)| {
            let mut levels = reading.levels.iter();
            let level = levels.find(|level| level.dimension == of && level.limit > 0)?;
            let left = level.remaining as f64 / level.limit as f64;
            Some((
                seconds_between(call.began_at, at),
                left,
                of.refill_seconds()?,
            ))
        })
        .collect();
    read.sort_by(|a, b| a.0.total_cmp(&b.0));
    read
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::timeline::{
        Timeline,
        fixtures::{refused_then_ok, t},
    };

    #[test]
    fn an_empty_bucket_refills_under_the_wait_and_the_future_is_blank() {
        let mut timeline = Timeline::new(1);
        for seen in &refused_then_ok(1, 17.4)[..5] {
            timeline.absorb(seen);
        }
        let call = timeline.calls().next().unwrap();
        let of = dimension(call, call.attempts.last()).unwrap();
        assert_eq!(of, Dimension::Otpm);
        let axis = Axis::new((0.0, 20.0), 20);
        let shares = shares(call, None, of, &axis, t(10.0));
        assert!(!shares[0].unwrap().projected);
        let nine = shares[9].unwrap();
        assert!(nine.projected && (nine.left - 9.9 / 60.0).abs() < 0.01);
        assert_eq!(shares[12], None);
    }
}
