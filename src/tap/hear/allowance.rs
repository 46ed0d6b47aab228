//! How many calls of one model are told one by one: a bucket that fills again.

use crate::domain::time::{Time, seconds_between};

/// Calls that are told one by one in a second, and how many at once.
const A_SECOND: f64 = 20.0;
const AT_ONCE: f64 = 40.0;

/// What is left of it; full at first.
#[derive(Default)]
pub(super) struct Allowance {
    left: f64,
    at: Option<Time>,
}

impl Allowance {
    /// Whether one more call may be told at `now`.
    pub(super) fn takes(&mut self, now: Time) -> bool {
        let passed = self
            .at
            .map_or(f64::MAX, |at| seconds_between(at, now).max(0.0));
        self.at = Some(now);
        self.left = (self.left + passed * A_SECOND).min(AT_ONCE);
        let takes = self.left >= 1.0;
        if takes {
            self.left -= 1.0;
        }
        takes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::t;
    use proptest::prelude::*;

    proptest! {
        /// Whenever calls come, and even when the clock goes back, no more are told than fit.
        #[test]
        fn no_more_is_told_than_fits(mut steps in prop::collection::vec(-0.1_f64..0.4, 1..400)) {
            let mut allowance = Allowance::default();
            let (mut at, mut forward, mut told) = (0.0, 0.0, 0_u32);
            steps.insert(0, 0.0);
            for step in steps {
                at += step;
                forward += step.max(0.0);
                told += u32::from(allowance.takes(t(at)));
                prop_assert!(f64::from(told) <= AT_ONCE + forward * A_SECOND + 1e-3);
            }
        }
    }
}
