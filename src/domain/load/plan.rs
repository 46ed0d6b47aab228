//! When calls start.

use std::fmt;

/// Most workers of a run.
pub const MOST_WORKERS: u32 = 256;
/// Most calls of a run.
pub const MOST_CALLS: u32 = 1_000_000;
/// Most starts in a second.
pub const MOST_PER_S: f64 = 2_000.0;
/// Longest run, seconds: a week.
pub const LONGEST_S: f64 = 7.0 * 86_400.0;
/// A start that is later than this is missed, seconds: after a suspended laptop or a clock that jumped
/// a herd of overdue calls would say nothing about the policy.
pub const LATE_S: f64 = 1.0;

/// How calls are started.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// Calls at the same time, 1 to [`MOST_WORKERS`].
    pub workers: u32,
    /// Starts a second whatever becomes of the calls (an open loop); without it each worker starts its
    /// next call when the one before is over (a closed loop).
    pub rate: Option<f64>,
    /// Calls in all, where they are counted.
    pub calls: Option<u32>,
    /// Seconds after which no call is started, where time is the end.
    pub duration_s: Option<f64>,
    /// How the run comes up.
    pub ramp: Ramp,
}

/// How a run comes up to its full rate, or its full number of workers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Ramp {
    /// All at once.
    #[default]
    None,
    /// Evenly over so many seconds.
    Linear(f64),
    /// In so many equal steps over so many seconds.
    Steps {
        /// Steps, at least 2.
        steps: u32,
        /// Seconds until the last of them.
        over_s: f64,
    },
}

/// Which part of a plan makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// `workers`.
    Workers,
    /// `rate`.
    Rate,
    /// `calls`.
    Calls,
    /// `duration`.
    Duration,
    /// `ramp`.
    Ramp,
}

/// What is wrong with a plan, for the field or flag it concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadPlan {
    /// Which part.
    pub part: Part,
    /// Why, in a few words that follow the part's name.
    pub why: String,
}

impl fmt::Display for BadPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = match self.part {
            Part::Workers => "workers",
            Part::Rate => "rate",
            Part::Calls => "calls",
            Part::Duration => "duration",
            Part::Ramp => "ramp",
        };
        write!(f, "{part} {}", self.why)
    }
}

impl std::error::Error for BadPlan {}

impl Default for Plan {
    /// One call.
    fn default() -> Self {
        Self {
            workers: 1,
            rate: None,
            calls: Some(1),
            duration_s: None,
            ramp: Ramp::None,
        }
    }
}

impl Plan {
    /// Whether it makes sense.
    pub fn check(&self) -> Result<(), BadPlan> {
        let bad = |part, why: String| Err(BadPlan { part, why });
        if !(1..=MOST_WORKERS).contains(&self.workers) {
            return bad(Part::Workers, format!("must be from 1 to {MOST_WORKERS}"));
        }
        if let Some(rate) = self.rate
            && !(rate > 0.0 && rate <= MOST_PER_S)
        {
            return bad(
                Part::Rate,
                format!("must be above 0 and at most {MOST_PER_S} a second"),
            );
        }
        if let Some(calls) = self.calls
            && !(1..=MOST_CALLS).contains(&calls)
        {
            return bad(Part::Calls, format!("must be from 1 to {MOST_CALLS}"));
        }
        if self.calls.is_none() && self.duration_s.is_none() {
            return bad(Part::Calls, "or a duration must be given".to_owned());
        }
        if let Some(seconds) = self.duration_s
            && !(seconds > 0.0 && seconds <= LONGEST_S)
        {
            return bad(
                Part::Duration,
                "must be above 0 and at most a week".to_owned(),
            );
        }
        let (over_s, steps) = match self.ramp {
            Ramp::None => (0.0, 2),
            Ramp::Linear(over_s) => (over_s, 2),
            Ramp::Steps { steps, over_s } => (over_s, steps),
        };
        if !(0.0..=LONGEST_S).contains(&over_s) {
            return bad(Part::Ramp, "must be from 0 to a week".to_owned());
        }
        if !(2..=1_000).contains(&steps) {
            return bad(Part::Ramp, "must have from 2 to 1000 steps".to_owned());
        }
        Ok(())
    }

    /// Whether it is one call and no more.
    pub fn is_single(&self) -> bool {
        self.calls == Some(1)
    }

    /// Calls that it can make at most.
    pub fn most_calls(&self) -> u32 {
        let by_time = match (self.rate, self.duration_s) {
            (Some(rate), Some(seconds)) => (rate * seconds).ceil() as u32,
            _ => u32::MAX,
        };
        self.calls.unwrap_or(u32::MAX).min(by_time)
    }

    /// Seconds from the beginning to the start of call `k` (from 0) in an open loop, and to the first
    /// call of worker `k` in a closed one. None when it is never started.
    pub fn due_s(&self, k: u32) -> Option<f64> {
        let due = match self.rate {
            None if k >= self.workers => return None,
            None => self.ramp.worker_s(k, self.workers),
            Some(_) if self.calls.is_some_and(|calls| k >= calls) => return None,
            Some(rate) => self.ramp.start_s(f64::from(k), rate),
        };
        (self.duration_s.is_none_or(|end| due < end)).then_some(due)
    }
}

impl Ramp {
    /// When worker `k` of so many begins.
    fn worker_s(self, k: u32, workers: u32) -> f64 {
        let share = f64::from(k) / f64::from(workers);
        match self {
            Self::None => 0.0,
            Self::Linear(over_s) => share * over_s,
            Self::Steps { steps, over_s } => {
                let step = (share * f64::from(steps)).floor();
                step * over_s / f64::from(steps - 1)
            }
        }
    }

    /// When start `k` is due at a full rate of so many a second: the moment at which the integral of
    /// the rate reaches `k`.
    fn start_s(self, k: f64, rate: f64) -> f64 {
        match self {
            Self::None => k / rate,
            Self::Linear(over_s) => {
                // Over the ramp the rate is rate * t / over, so rate * t^2 / (2 over) have started.
                let on_ramp = rate * over_s / 2.0;
                if k < on_ramp {
                    (2.0 * over_s * k / rate).sqrt()
                } else {
                    over_s + (k - on_ramp) / rate
                }
            }
            Self::Steps { steps, over_s } => {
                // Step i of n holds rate * i / n from (i - 1) * over / (n - 1) on.
                let long = over_s / f64::from(steps - 1);
                let mut begun = 0.0;
                for step in 1..steps {
                    let here = rate * f64::from(step) / f64::from(steps);
                    let until = begun + here * long;
                    if k < until {
                        return f64::from(step - 1) * long + (k - begun) / here;
                    }
                    begun = until;
                }
                over_s + (k - begun) / rate
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn open(rate: f64, ramp: Ramp) -> Plan {
        Plan {
            workers: 10,
            rate: Some(rate),
            calls: None,
            duration_s: Some(LONGEST_S),
            ramp,
        }
    }

    fn started_by(plan: &Plan, seconds: f64) -> usize {
        (0..)
            .map_while(|k| plan.due_s(k))
            .take_while(|due| *due < seconds)
            .count()
    }

    #[test]
    fn a_linear_ramp_starts_half_as_many() {
        let plan = open(10.0, Ramp::Linear(60.0));
        assert_eq!(started_by(&plan, 60.0), 300);
        assert_eq!(started_by(&plan, 30.0), 75);
        assert_eq!(started_by(&plan, 120.0), 900);
    }

    #[test]
    fn steps_hold_their_rate() {
        // A quarter of 40 a second, then half, three quarters and all of it, over 30 s.
        let ramp = Ramp::Steps {
            steps: 4,
            over_s: 30.0,
        };
        let plan = open(40.0, ramp);
        assert_eq!(started_by(&plan, 10.0), 100);
        assert_eq!(started_by(&plan, 20.0), 300);
        assert_eq!(started_by(&plan, 30.0), 600);
        assert_eq!(started_by(&plan, 31.0), 640);
    }

    #[test]
    fn workers_of_a_closed_loop_come_up_one_by_one_or_in_steps() {
        let plan = |ramp| Plan {
            workers: 4,
            calls: Some(100),
            ramp,
            ..Plan::default()
        };
        let dues = |ramp| (0..).map_while(|k| plan(ramp).due_s(k)).collect::<Vec<_>>();
        assert_eq!(dues(Ramp::None), [0.0; 4]);
        assert_eq!(dues(Ramp::Linear(8.0)), [0.0, 2.0, 4.0, 6.0]);
        let steps = Ramp::Steps {
            steps: 2,
            over_s: 9.0,
        };
        assert_eq!(dues(steps), [0.0, 0.0, 9.0, 9.0]);
    }

    #[rstest]
    #[case(Plan { workers: 0, ..Plan::default() }, Part::Workers)]
    #[case(Plan { workers: 257, ..Plan::default() }, Part::Workers)]
    #[case(Plan { rate: Some(-1.0), ..Plan::default() }, Part::Rate)]
    #[case(Plan { rate: Some(f64::NAN), ..Plan::default() }, Part::Rate)]
    #[case(Plan { rate: Some(f64::INFINITY), ..Plan::default() }, Part::Rate)]
    #[case(Plan { calls: Some(0), ..Plan::default() }, Part::Calls)]
    #[case(Plan { calls: None, ..Plan::default() }, Part::Calls)]
    #[case(Plan { duration_s: Some(0.0), ..Plan::default() }, Part::Duration)]
    #[case(Plan { duration_s: Some(1e9), ..Plan::default() }, Part::Duration)]
    #[case(Plan { ramp: Ramp::Linear(-1.0), ..Plan::default() }, Part::Ramp)]
    #[case(Plan { ramp: Ramp::Steps { steps: 1, over_s: 1.0 }, ..Plan::default() }, Part::Ramp)]
    fn nonsense_is_refused_for_its_part(#[case] plan: Plan, #[case] part: Part) {
        assert_eq!(plan.check().unwrap_err().part, part);
    }

    proptest! {
        /// Starts never go back, none is before the beginning or after the end, and after the ramp they
        /// come at the full rate.
        #[test]
        fn starts_are_in_order_and_reach_the_rate(
            rate in 0.1_f64..500.0,
            over_s in 0.0_f64..300.0,
            steps in 2_u32..20,
            shape in 0_u8..3,
            duration_s in 1.0_f64..600.0,
        ) {
            let ramp = match shape {
                0 => Ramp::None,
                1 => Ramp::Linear(over_s),
                _ => Ramp::Steps { steps, over_s },
            };
            let plan = Plan { duration_s: Some(duration_s), ..open(rate, ramp) };
            prop_assert!(plan.check().is_ok());
            let dues: Vec<f64> = (0..20_000).map_while(|k| plan.due_s(k)).collect();
            prop_assert!(dues.windows(2).all(|two| two[0] <= two[1]));
            prop_assert!(dues.iter().all(|due| (0.0..duration_s).contains(due)));
            for two in dues.windows(2).filter(|two| two[0] > over_s) {
                prop_assert!((two[1] - two[0] - 1.0 / rate).abs() < 1e-6);
            }
        }
    }
}
