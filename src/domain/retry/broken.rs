//! What becomes of an answer that breaks after its 200: the API's errors may come inside a stream whose
//! status was fine, and a connection may be cut. Neither SDK retries that.

use super::{Decision, Ended, Policy};
use crate::domain::{
    headers::Hint,
    outcome::{ApiError, Outcome},
};
use std::{fmt, str::FromStr};

/// What to do with an answer that broke after a 200.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Broken {
    /// What the policy does: the built-in ones surface it.
    #[default]
    AsPolicy,
    /// Surface it.
    Surface,
    /// Call anew, as a whole: what the broken answer took is paid twice.
    Anew,
}

impl Broken {
    /// Every choice, in the order of lists.
    pub const ALL: &'static [Self] = &[Self::AsPolicy, Self::Surface, Self::Anew];

    /// As flags write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AsPolicy => "policy",
            Self::Surface => "surface",
            Self::Anew => "anew",
        }
    }

    /// Whether an answer that broke is called anew under that policy.
    pub fn repeats(self, policy: Policy) -> bool {
        match self {
            Self::AsPolicy => policy.repeats_broken(),
            Self::Surface => false,
            Self::Anew => true,
        }
    }

    /// Its rule in one sentence.
    pub const fn rule(self) -> &'static str {
        match self {
            Self::AsPolicy => "as the policy does: the built-in ones surface it",
            Self::Surface => "an answer that breaks after a 200 ends the call",
            Self::Anew => {
                "an answer that breaks after a 200 is called anew: its tokens are paid twice"
            }
        }
    }

    /// What to do after an attempt has ended.
    pub(super) fn decide(self, policy: Policy, ended: &Ended<'_>) -> Decision {
        let broke = matches!(
            ended.outcome,
            Outcome::StreamError { .. } | Outcome::StreamCut { .. } | Outcome::StreamTruncated
        );
        let no_use = ended.verdict.is_some_and(|verdict| !verdict.retry_helps);
        match self {
            Self::Surface if broke => super::stop(format!(
                "{} came after a 200: surfaced, as chosen",
                ended.what()
            )),
            Self::Anew if broke && !no_use => anew(policy, ended),
            _ => policy.decide(ended),
        }
    }
}

/// As the policy waits where the server is overloaded and asks for no wait; one that knows no such wait
/// (it retries 429 only) as it does after a 429 without a hint.
fn anew(policy: Policy, ended: &Ended<'_>) -> Decision {
    let like = |status| {
        let refused = Outcome::Refused {
            status,
            error: ApiError::default(),
            hint: Hint::default(),
        };
        policy.decide(&Ended {
            outcome: &refused,
            verdict: None,
            ..*ended
        })
    };
    let decision = match policy {
        Policy::RetryAfter => like(429),
        _ => like(529),
    };
    let reason = format!(
        "{} came after a 200; called anew, as chosen: {}",
        ended.what(),
        decision.reason
    );
    match decision.action {
        super::Action::Retry => Decision { reason, ..decision },
        super::Action::Stop => decision,
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Broken {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let named = |it: &&Self| it.name() == text.trim();
        let found = Self::ALL.iter().find(named);
        found.copied().ok_or("must be policy, surface or anew")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::retry::{Action, Limits};

    fn decide(broken: Broken, policy: Policy, outcome: &Outcome, attempts: u32) -> Decision {
        let limits = Limits {
            broken,
            ..Limits::default()
        };
        let ended = Ended {
            attempts,
            allowed: policy.attempts(),
            elapsed_s: 1.0,
            last_wait_s: 0.0,
            outcome,
            verdict: None,
            die: 0.5,
        };
        limits.decide(policy, &ended)
    }

    #[test]
    fn a_broken_answer_is_surfaced_unless_somebody_chose_to_pay_twice() {
        for outcome in [
            Outcome::StreamTruncated,
            Outcome::StreamCut {
                how: "reset".into(),
            },
            Outcome::StreamError {
                error: ApiError::default(),
            },
        ] {
            for policy in Policy::ALL {
                let action = |broken| decide(broken, *policy, &outcome, 1).action;
                assert_eq!(action(Broken::AsPolicy), Action::Stop, "{policy:?}");
                assert_eq!(action(Broken::Surface), Action::Stop, "{policy:?}");
                let expected = match policy {
                    Policy::None => Action::Stop,
                    _ => Action::Retry,
                };
                assert_eq!(action(Broken::Anew), expected, "{policy:?}");
                let last = decide(Broken::Anew, *policy, &outcome, policy.attempts());
                assert_eq!(last.action, Action::Stop, "{policy:?}");
            }
        }
    }

    #[test]
    fn other_endings_are_the_policys_own() {
        let refused = Outcome::Refused {
            status: 529,
            error: ApiError::default(),
            hint: Hint::default(),
        };
        for broken in Broken::ALL {
            let one = decide(*broken, Policy::HintJitter, &refused, 1);
            assert_eq!(
                one,
                decide(Broken::AsPolicy, Policy::HintJitter, &refused, 1)
            );
            assert_eq!(broken.name().parse(), Ok(*broken));
        }
    }
}
