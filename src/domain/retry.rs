//! Retry policies as pure state machines. `now`, the elapsed time and the die are arguments.

use super::{outcome::Outcome, verdict::Verdict};
use serde::{Deserialize, Serialize};

/// What a policy decided after an attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Whether there will be another attempt.
    pub action: Action,
    /// Seconds to wait before it; 0 when stopping.
    pub wait_s: f64,
    /// The part of `wait_s` that the die added (or, for full jitter, chose).
    pub jitter_s: f64,
    /// One sentence: why.
    pub reason: String,
}

/// Retry or stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Wait, then send again.
    Retry,
    /// Surface the outcome.
    Stop,
}

/// A retry policy: pure, copyable, without state between calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Policy {
    /// One attempt.
    None,
    /// The hint to the second; 60 s for a 429 without one; 429 only.
    RetryAfter,
    /// The guide's: 4, 4, 4, 8, 16 s plus uniform 0 to 2 s; ignores the hint.
    ExponentialJitter,
    /// What the official SDKs do today, also where it is unwise.
    Sdk,
    /// The default: the hint as a floor plus 0 to 25 %; without one full jitter.
    HintJitter,
}

/// What a policy looks at when an attempt has ended.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    /// Attempts made so far, from 1.
    pub attempts: u32,
    /// Attempts allowed in all (the policy's own number unless overridden).
    pub allowed: u32,
    /// Seconds since the call began.
    pub elapsed_s: f64,
    /// How the attempt ended.
    pub outcome: &'a Outcome,
    /// What that was.
    pub verdict: Option<&'a Verdict>,
    /// A number in [0, 1).
    pub die: f64,
}

impl Policy {
    /// Every policy, in the order of lists. To add one: an entry here and its arms below.
    pub const ALL: &'static [Self] = &[
        Self::None,
        Self::RetryAfter,
        Self::ExponentialJitter,
        Self::Sdk,
        Self::HintJitter,
    ];

    /// As flags and config write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::RetryAfter => "retry-after",
            Self::ExponentialJitter => "exponential-jitter",
            Self::Sdk => "sdk",
            Self::HintJitter => "hint-jitter",
        }
    }

    /// The policy of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|policy| policy.name() == name)
    }

    /// Attempts in all, the first included.
    pub const fn attempts(self) -> u32 {
        match self {
            Self::None => 1,
            Self::RetryAfter | Self::Sdk => 3,
            Self::ExponentialJitter => 6,
            Self::HintJitter => 5,
        }
    }

    /// Its rule in one sentence, for the screen.
    pub const fn rule(self) -> &'static str {
        match self {
            Self::None => "one attempt, no retry",
            Self::RetryAfter => "waits exactly what a 429 asks for, 60 s when it asks for nothing",
            Self::ExponentialJitter => "4, 4, 4, 8, 16 s plus 0 to 2 s; ignores the server's hint",
            Self::Sdk => "as the official SDKs: the hint without jitter, else under 1.5 s in all",
            Self::HintJitter => "never before the hint, plus 0 to 25 % of it; else full jitter",
        }
    }

    /// What to do after an attempt has ended.
    pub fn decide(self, ended: &Ended<'_>) -> Decision {
        let _ = ended;
        Decision {
            action: Action::Stop,
            wait_s: 0.0,
            jitter_s: 0.0,
            reason: String::new(),
        }
    }
}
