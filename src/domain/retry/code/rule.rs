//! A policy with its bounds, taken apart into what code has to say.

use super::Plan;
use crate::domain::retry::{
    Broken, Policy,
    backoff::{Backoff, Jitter},
    own, sdk,
};

/// What a hint of the server does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Hint {
    /// Nothing.
    Ignored,
    /// It is waited exactly; one above `up_to` seconds, where there is such a bound, is none.
    Exact { up_to: Option<f64> },
    /// It is waited, plus uniform 0 to a `share` of it, at least `least` seconds of spread.
    Floor { share: f64, least: f64 },
}

/// What is waited without one, seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Unasked {
    /// Always that.
    Fixed(f64),
    /// More each time.
    Grown(Growth),
}

/// `base * factor^n` seconds, from `floor` to `cap`, spread by the jitter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Growth {
    pub(super) base: f64,
    pub(super) factor: f64,
    pub(super) floor: f64,
    pub(super) cap: f64,
    pub(super) jitter: Spread,
}

/// How a die spreads what has grown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Spread {
    /// Not at all.
    None,
    /// Uniform between that share of it and all of it; 0: full jitter, 0.5: equal jitter.
    Share(f64),
    /// Plus uniform 0 to that many seconds.
    Plus(f64),
    /// Uniform between the base and three times the last wait, at most the cap.
    Decorrelated,
}

/// What code has to say.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rule {
    pub(super) policy: Policy,
    /// Attempts in all, the first included.
    pub(super) attempts: u32,
    /// Statuses from the first to the second, both included, that are retried.
    pub(super) statuses: Vec<(u16, u16)>,
    /// Whether failed connections and time-outs are.
    pub(super) connections: bool,
    /// Whether what broke after a 200 is called anew.
    pub(super) streams: bool,
    pub(super) hint: Hint,
    pub(super) unasked: Unasked,
    /// Seconds in all, beyond which it waits no more.
    pub(super) budget: Option<f64>,
    /// No wait is longer, seconds.
    pub(super) longest: Option<f64>,
}

impl Rule {
    pub(super) fn of(plan: &Plan) -> Self {
        let policy = plan.policy;
        let limits = plan.limits;
        let budget = [policy.budget_s(), limits.deadline_s];
        let rule = Self {
            policy,
            attempts: plan.attempts.max(1),
            statuses: Vec::new(),
            connections: false,
            streams: false,
            hint: Hint::Ignored,
            unasked: Unasked::Fixed(0.0),
            budget: budget.into_iter().flatten().reduce(f64::min),
            longest: limits.longest_wait_s,
        };
        let rule = match policy {
            Policy::None => Self {
                attempts: 1,
                ..rule
            },
            Policy::Immediate => rule.on(&[(429, 429), (500, 500), (529, 529)]),
            Policy::RetryAfter => Self {
                hint: Hint::Exact { up_to: None },
                unasked: Unasked::Fixed(own::NO_HINT_S),
                ..rule.on(&[(429, 429)])
            },
            Policy::ExponentialJitter => Self {
                unasked: Unasked::Grown(Growth {
                    base: 1.0,
                    factor: 2.0,
                    floor: own::GUIDE_MIN_S,
                    cap: own::GUIDE_MAX_S,
                    jitter: Spread::Plus(own::GUIDE_JITTER_S),
                }),
                ..rule.on(&[(429, 429), (500, 500), (529, 529)])
            },
            Policy::Sdk => rule.of_sdk(None),
            Policy::SdkClassic => rule.of_sdk(Some(sdk::CLASSIC_LONGEST_S)),
            _ => match policy.backoff() {
                Some(backoff) => rule.of_backoff(backoff),
                None => rule,
            },
        };
        Self {
            streams: match limits.broken {
                Broken::AsPolicy => rule.streams,
                Broken::Surface => false,
                Broken::Anew => rule.attempts > 1,
            },
            ..rule
        }
    }

    /// Whether it decides as the official SDKs, today's or those before September 2026.
    pub(super) fn is_sdk(&self) -> bool {
        matches!(self.policy, Policy::Sdk | Policy::SdkClassic)
    }

    pub(super) fn obeys_hint(&self) -> bool {
        self.hint != Hint::Ignored
    }

    fn on(self, statuses: &[(u16, u16)]) -> Self {
        Self {
            statuses: statuses.to_vec(),
            ..self
        }
    }

    fn of_sdk(self, up_to: Option<f64>) -> Self {
        Self {
            connections: true,
            hint: Hint::Exact { up_to },
            unasked: Unasked::Grown(Growth {
                base: sdk::BASE_S,
                factor: 2.0,
                floor: 0.0,
                cap: sdk::CAP_S,
                jitter: Spread::Share(1.0 - sdk::SPREAD),
            }),
            ..self.on(&[(408, 409), (429, 429), (500, u16::MAX)])
        }
    }

    fn of_backoff(self, backoff: &Backoff) -> Self {
        Self {
            connections: backoff.retry_on.connections,
            streams: backoff.retry_on.streams,
            hint: if backoff.obeys_hint {
                Hint::Floor {
                    share: Backoff::SPREAD,
                    least: Backoff::LEAST_SPREAD_S,
                }
            } else {
                Hint::Ignored
            },
            unasked: Unasked::Grown(Growth {
                base: backoff.base_s,
                factor: backoff.factor,
                floor: 0.0,
                cap: backoff.cap_s,
                jitter: match backoff.jitter {
                    Jitter::None => Spread::None,
                    Jitter::Full => Spread::Share(0.0),
                    Jitter::Equal => Spread::Share(0.5),
                    Jitter::Decorrelated => Spread::Decorrelated,
                },
            }),
            ..self.on(&backoff.retry_on.statuses)
        }
    }
}

/// Whether a setting is that number, so that the text may be shorter.
pub(super) fn equal(a: f64, b: f64) -> bool {
    (a - b).abs() < f64::EPSILON
}
