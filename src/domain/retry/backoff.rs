//! Backoff by formula: a base that grows, a cap, a die, and whether the server's hint counts.
//! Exponential backoff and its jitters are Marc Brooker's "Exponential Backoff and Jitter" (AWS
//! Architecture Blog, 2015).

use super::{Decision, Ended, own, retry, stop};
use crate::domain::time::spoken as secs;
use std::borrow::Cow;

/// How the die spreads waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jitter {
    /// Not at all: clients refused together come back together.
    None,
    /// Uniform between 0 and the backoff.
    Full,
    /// Half the backoff, plus uniform between 0 and the other half.
    Equal,
    /// Uniform between the base and three times the last wait, at most the cap.
    Decorrelated,
}

/// Which endings are worth another attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryOn {
    /// Statuses from the first to the second, both included.
    pub statuses: Cow<'static, [(u16, u16)]>,
    /// Whether a failed connection or a time-out is.
    pub connections: bool,
    /// Whether an answer that breaks after a 200 is, as a whole new call: its tokens are paid twice.
    pub streams: bool,
}

impl RetryOn {
    const fn of(statuses: &'static [(u16, u16)], connections: bool) -> Self {
        Self {
            statuses: Cow::Borrowed(statuses),
            connections,
            streams: false,
        }
    }

    fn status(&self, status: u16) -> bool {
        let mut ranges = self.statuses.iter();
        ranges.any(|(first, last)| (*first..=*last).contains(&status))
    }
}

/// A backoff with all its settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Backoff {
    /// The first backoff, seconds, above 0.
    pub base_s: f64,
    /// The longest, seconds, at least the base. A hint that is obeyed may be longer.
    pub cap_s: f64,
    /// What each retry multiplies it by, at least 1.
    pub factor: f64,
    /// How the die spreads it.
    pub jitter: Jitter,
    /// Whether a hint takes its place: as a floor, plus uniform 0 to 25 % of it, at least 0.25 s of
    /// spread.
    pub obeys_hint: bool,
    /// What is retried.
    pub retry_on: RetryOn,
    /// Attempts in all, the first included.
    pub attempts: u32,
    /// Seconds that a call may take before it waits no more; none without such a budget.
    pub budget_s: Option<f64>,
}

/// AWS's, with the base and cap of all of ours.
const fn aws(jitter: Jitter) -> Backoff {
    Backoff {
        base_s: 0.5,
        cap_s: 30.0,
        factor: 2.0,
        jitter,
        obeys_hint: false,
        retry_on: RetryOn::of(&[(429, 429), (500, u16::MAX)], false),
        attempts: 6,
        budget_s: None,
    }
}

pub(super) static EXPONENTIAL: Backoff = aws(Jitter::None);
pub(super) static FULL: Backoff = aws(Jitter::Full);
pub(super) static EQUAL: Backoff = aws(Jitter::Equal);
pub(super) static DECORRELATED: Backoff = aws(Jitter::Decorrelated);
/// The default policy: the hint as a floor, full jitter without one.
pub(super) static HINT_JITTER: Backoff = Backoff::DEFAULT;

impl Backoff {
    /// The settings of `hint-jitter`.
    pub const DEFAULT: Self = Self {
        base_s: 0.5,
        cap_s: 30.0,
        factor: 2.0,
        jitter: Jitter::Full,
        obeys_hint: true,
        retry_on: RetryOn::of(&[(408, 408), (429, 429), (500, u16::MAX)], true),
        attempts: 5,
        budget_s: Some(120.0),
    };

    /// Share of a hint that the die may add.
    pub(super) const SPREAD: f64 = 0.25;
    /// The least spread after a hint, seconds.
    pub(super) const LEAST_SPREAD_S: f64 = 0.25;

    /// What to do after a failed attempt. Nothing that would pass the budget.
    pub(super) fn decide(&self, ended: &Ended<'_>) -> Decision {
        let mine = |status| self.retry_on.status(status);
        if let Some(stopped) = own::refuses(
            ended,
            mine,
            self.retry_on.connections,
            self.retry_on.streams,
        ) {
            return stopped;
        }
        let asked = ended.outcome.hint().asked_s();
        let (wait, jitter, reason) = match asked {
            Some(asked) if self.obeys_hint => {
                let jitter = ended.die() * (Self::SPREAD * asked).max(Self::LEAST_SPREAD_S);
                let reason = format!(
                    "the server asked {0}; {0} plus {1} of jitter",
                    secs(asked),
                    secs(jitter)
                );
                (asked + jitter, jitter, reason)
            }
            _ => {
                let (wait, jitter, plan) = self.unasked(ended);
                let reason = if self.obeys_hint {
                    format!("the server asked nothing; {plan}")
                } else {
                    own::regardless(&plan, wait, asked)
                };
                (wait, jitter, reason)
            }
        };
        let spent = ended.elapsed_s.max(0.0);
        match self.budget_s {
            Some(budget) if spent + wait > budget => stop(format!(
                "a wait of {} would pass the budget: {} of {} are spent",
                secs(wait),
                secs(spent),
                secs(budget)
            )),
            _ => retry(wait, jitter, reason),
        }
    }

    /// The longest single wait it can decide on, seconds.
    pub(super) const fn longest_wait_s(&self) -> f64 {
        match self.budget_s {
            Some(budget) => budget,
            None if self.obeys_hint => f64::MAX,
            None => self.cap_s,
        }
    }

    /// Wait, the die's part of it, and both in words, when no hint counts.
    fn unasked(&self, ended: &Ended<'_>) -> (f64, f64, String) {
        let grown = self.base_s * self.factor.powi(ended.retries().min(1_000) as i32);
        let ceiling = grown.min(self.cap_s);
        let (least, most) = match self.jitter {
            Jitter::None => return (ceiling, 0.0, format!("{}, without jitter", secs(ceiling))),
            Jitter::Full => (0.0, ceiling),
            Jitter::Equal => (ceiling / 2.0, ceiling),
            Jitter::Decorrelated => {
                let last = ended.last_wait_s.max(self.base_s).min(self.cap_s);
                (self.base_s, 3.0 * last)
            }
        };
        let drawn = least + ended.die() * (most - least);
        let wait = drawn.min(self.cap_s);
        let mut plan = format!(
            "{}, drawn between {} and {}",
            secs(wait),
            secs(least),
            secs(most)
        );
        if drawn > wait {
            plan += " and capped";
        }
        (wait, wait - least, plan)
    }
}
