//! Additive increase, multiplicative decrease of calls at the same time, as TCP does with its window
//! (Chiu and Jain, 1989).

use super::{Admit, Cost, Gate};
use crate::domain::time::{Time, seconds_between};

/// Refusals within this many seconds are one: they answer the same burst.
const ONE_BURST_S: f64 = 1.0;
/// How often somebody who waits asks, should nobody tell him; seconds.
const AGAIN_S: f64 = 1.0;

/// How many calls may be under way: one more for every round that is answered, half as many when the
/// server refuses.
#[derive(Clone, Copy, Debug)]
pub struct Aimd {
    limit: f64,
    most: f64,
    under_way: u32,
    cut: Option<Time>,
}

impl Aimd {
    /// From one call at a time up to `most`.
    pub fn new(most: u32) -> Self {
        Self {
            limit: 1.0,
            most: f64::from(most.max(1)),
            under_way: 0,
            cut: None,
        }
    }

    /// Calls that may be under way now.
    pub const fn limit(&self) -> u32 {
        self.limit as u32
    }

    pub(super) fn admit(&mut self) -> Admit {
        if self.under_way < self.limit() {
            self.under_way += 1;
            return Admit::Go(Cost::default());
        }
        Admit::Wait {
            seconds: AGAIN_S,
            gate: Gate::Concurrency,
        }
    }

    pub(super) fn ended(&mut self, now: Time, refused: bool) {
        self.under_way = self.under_way.saturating_sub(1);
        if !refused {
            self.limit = (self.limit + 1.0 / self.limit).min(self.most);
            return;
        }
        let fresh = |cut: Time| seconds_between(cut, now) < ONE_BURST_S;
        if !self.cut.is_some_and(fresh) {
            self.limit = (self.limit / 2.0).max(1.0);
            self.cut = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::after;
    use proptest::prelude::*;

    fn t(s: f64) -> Time {
        after("2026-11-24T12:00:00Z".parse().unwrap(), s)
    }

    #[test]
    fn it_grows_by_one_a_round_and_halves_once_a_burst() {
        let mut it = Aimd::new(100);
        let round = |it: &mut Aimd, now: f64, refused: bool| {
            let n = it.limit();
            for _ in 0..n {
                assert!(matches!(it.admit(), Admit::Go(_)));
            }
            assert!(matches!(it.admit(), Admit::Wait { .. }));
            for _ in 0..n {
                it.ended(t(now), refused);
            }
        };
        for second in 0..20 {
            round(&mut it, f64::from(second), false);
        }
        let grown = it.limit();
        assert!((14..=22).contains(&grown), "{grown}");
        round(&mut it, 21.0, true);
        assert_eq!(it.limit(), grown / 2);
    }

    proptest! {
        /// Never below one, never above the most, never more under way than the limit at admission.
        #[test]
        fn it_stays_within_its_bounds(most in 1_u32..300, steps in prop::collection::vec((any::<bool>(), any::<bool>(), 0.0_f64..2.0), 0..400)) {
            let mut it = Aimd::new(most);
            let mut now = 0.0;
            let mut under_way = 0;
            for (begins, refused, later) in steps {
                now += later;
                if begins {
                    let limit = it.limit();
                    if matches!(it.admit(), Admit::Go(_)) {
                        under_way += 1;
                        prop_assert!(under_way <= limit);
                    }
                } else if under_way > 0 {
                    under_way -= 1;
                    it.ended(t(now), refused);
                }
                prop_assert!((1..=most).contains(&it.limit()));
            }
        }
    }
}
