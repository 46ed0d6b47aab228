//! Policies that a config file defines: a backoff with settings of one's own, under a name.

use super::{Policy, backoff::Backoff, backoff::Jitter};
use crate::domain::time::spoken as secs;
use std::hash::{Hash, Hasher};

/// A policy with a name and settings. It lives as long as the program, so that a [`Policy`] stays a
/// small value: configuration is read once.
#[derive(Debug)]
pub struct Defined {
    name: String,
    rule: String,
    backoff: Backoff,
}

impl Defined {
    /// The policy of that name and these settings.
    pub fn policy(name: &str, backoff: Backoff) -> Policy {
        Policy::Defined(Box::leak(Box::new(Self {
            name: name.to_owned(),
            rule: rule(&backoff),
            backoff,
        })))
    }

    /// As flags and config write it.
    pub const fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Its rule in one sentence.
    pub const fn rule(&self) -> &str {
        self.rule.as_str()
    }

    /// Its settings.
    pub const fn backoff(&self) -> &Backoff {
        &self.backoff
    }
}

impl PartialEq for Defined {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.backoff == other.backoff
    }
}

impl Eq for Defined {}

impl Hash for Defined {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

fn rule(backoff: &Backoff) -> String {
    let jitter = match backoff.jitter {
        Jitter::None => "no jitter",
        Jitter::Full => "full jitter",
        Jitter::Equal => "equal jitter",
        Jitter::Decorrelated => "decorrelated jitter",
    };
    let grown = format!(
        "{} times {} up to {}, {jitter}",
        secs(backoff.base_s),
        backoff.factor,
        secs(backoff.cap_s)
    );
    let mut rule = if backoff.obeys_hint {
        format!("never before the hint, plus 0 to 25 % of it; else {grown}")
    } else {
        format!("{grown}; ignores the server's hint")
    };
    if backoff.retry_on.streams {
        rule += "; broken answers anew";
    }
    if let Some(budget) = backoff.budget_s {
        rule = format!("{rule}; {} in all", secs(budget));
    }
    rule
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        headers::Hint,
        outcome::{ApiError, Outcome},
        retry::{Action, Ended, RetryOn},
    };
    use proptest::prelude::*;

    fn backoff() -> Backoff {
        Backoff {
            base_s: 1.0,
            cap_s: 60.0,
            factor: 2.0,
            jitter: Jitter::Full,
            obeys_hint: true,
            retry_on: RetryOn {
                statuses: vec![(429, 429), (500, 599)].into(),
                connections: true,
                streams: false,
            },
            attempts: 4,
            budget_s: Some(90.0),
        }
    }

    fn ended(outcome: &Outcome, attempts: u32, die: f64) -> Ended<'_> {
        Ended {
            attempts,
            allowed: 20,
            elapsed_s: 0.0,
            last_wait_s: 0.0,
            outcome,
            verdict: None,
            die,
        }
    }

    fn refused(asked: Option<f64>) -> Outcome {
        Outcome::Refused {
            status: 429,
            error: ApiError::default(),
            hint: Hint {
                retry_after_s: asked,
                ..Hint::default()
            },
        }
    }

    #[test]
    fn it_says_its_rule() {
        let gentle = Defined::policy("gentle", backoff());
        assert_eq!((gentle.name(), gentle.attempts()), ("gentle", 4));
        assert_eq!(
            gentle.rule(),
            "never before the hint, plus 0 to 25 % of it; else 1 s times 2 up to 60 s, full jitter; 90 s in all"
        );
        let deaf = Defined::policy(
            "deaf",
            Backoff {
                obeys_hint: false,
                jitter: Jitter::None,
                budget_s: None,
                factor: 1.5,
                ..backoff()
            },
        );
        assert!(deaf.ignores_hint() && !deaf.spreads(true));
        assert_eq!(
            deaf.rule(),
            "1 s times 1.5 up to 60 s, no jitter; ignores the server's hint"
        );
        assert_eq!(gentle, Defined::policy("gentle", backoff()));
        assert_ne!(gentle, deaf);
    }

    #[test]
    fn a_broken_answer_is_surfaced_or_called_anew_as_it_says() {
        let broken = Outcome::StreamTruncated;
        let action = |streams| {
            let mut backoff = backoff();
            backoff.retry_on.streams = streams;
            let policy = Defined::policy("it", backoff);
            policy.decide(&ended(&broken, 1, 0.5)).action
        };
        assert_eq!((action(false), action(true)), (Action::Stop, Action::Retry));
    }

    proptest! {
        /// Whatever is configured: a policy that obeys never comes before the hint, none waits longer
        /// than its cap without one, nor past its budget.
        #[test]
        fn any_settings_keep_the_laws(
            base_s in 0.1_f64..10.0,
            more in 1.0_f64..100.0,
            factor in 1.0_f64..10.0,
            jitter in prop::sample::select(vec![
                Jitter::None, Jitter::Full, Jitter::Equal, Jitter::Decorrelated,
            ]),
            obeys_hint: bool,
            budget_s in prop::option::of(1.0_f64..300.0),
            asked in prop::option::of(0.1_f64..400.0),
            attempts in 1_u32..19,
            die in 0.0_f64..1.0,
        ) {
            let cap_s = base_s * more;
            let it = Backoff { base_s, cap_s, factor, jitter, obeys_hint, budget_s, ..backoff() };
            let policy = Defined::policy("any", it);
            let outcome = refused(asked);
            let decision = policy.decide(&ended(&outcome, attempts, die));
            prop_assert!(budget_s.is_none_or(|budget| decision.wait_s <= budget));
            if decision.action == Action::Retry {
                match asked.filter(|_| obeys_hint) {
                    Some(asked) => prop_assert!(decision.wait_s >= asked),
                    None => prop_assert!((0.0..=cap_s).contains(&decision.wait_s)),
                }
            }
        }
    }
}
