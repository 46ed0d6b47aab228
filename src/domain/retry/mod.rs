//! Retry policies as pure functions: what happened goes in, wait or stop comes out. The elapsed time
//! and the die are arguments. `backoff` holds those that are a formula with settings, `own` the rest of
//! ours, `sdk` what the official SDKs do and did. Around any of them: `limits`, the bounds of one call,
//! `broken`, what becomes of an answer that breaks after its 200, and `budget`, the retries that many calls share. [`code`] writes a policy down for other programs.
//!
//! To add one of these: a variant and an entry in [`Policy::ALL`], its arms in this file (name,
//! attempts, rule, longest wait, spread), and its settings in `backoff` or its decision in `own`. The
//! laws in `tests/it/laws.rs` then cover it.

mod backoff;
mod broken;
mod budget;
pub mod code;
mod defined;
mod limits;
mod own;
mod sdk;

pub use backoff::{Backoff, Jitter, RetryOn};
pub use broken::Broken;
pub use budget::Budget;
pub use defined::Defined;
pub use limits::Limits;

use super::{
    outcome::{Outcome, Unreachable},
    verdict::Verdict,
};
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
    /// Again at once; towards free addresses only.
    Immediate,
    /// The hint to the second; 60 s for a 429 without one; 429 only.
    RetryAfter,
    /// The guide's: 4, 4, 4, 8, 16 s plus uniform 0 to 2 s; ignores the hint.
    ExponentialJitter,
    /// What the official SDKs do today, also where it is unwise.
    Sdk,
    /// What they did before September 2026: a hint of more than 60 s counts as none.
    SdkClassic,
    /// 0.5 s doubled up to 30 s; ignores the hint.
    Exponential,
    /// Uniform between 0 and that; ignores the hint.
    FullJitter,
    /// Between half of that and that; ignores the hint.
    EqualJitter,
    /// Between 0.5 s and three times the last wait, up to 30 s; ignores the hint.
    DecorrelatedJitter,
    /// The default: the hint as a floor plus 0 to 25 %; without one full jitter.
    HintJitter,
    /// One that a config file defines.
    Defined(&'static Defined),
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
    /// Seconds that were waited before this attempt; 0 before the first.
    pub last_wait_s: f64,
    /// How the attempt ended.
    pub outcome: &'a Outcome,
    /// What that was.
    pub verdict: Option<&'a Verdict>,
    /// A number in [0, 1).
    pub die: f64,
}

impl Policy {
    /// Every built-in policy, in the order of lists. To add one: an entry here and its arms below.
    pub const ALL: &'static [Self] = &[
        Self::None,
        Self::Immediate,
        Self::RetryAfter,
        Self::ExponentialJitter,
        Self::Sdk,
        Self::SdkClassic,
        Self::Exponential,
        Self::FullJitter,
        Self::EqualJitter,
        Self::DecorrelatedJitter,
        Self::HintJitter,
    ];

    /// As flags and config write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Immediate => "immediate",
            Self::RetryAfter => "retry-after",
            Self::ExponentialJitter => "exponential-jitter",
            Self::Sdk => "sdk",
            Self::SdkClassic => "sdk-classic",
            Self::Exponential => "exponential",
            Self::FullJitter => "full-jitter",
            Self::EqualJitter => "equal-jitter",
            Self::DecorrelatedJitter => "decorrelated-jitter",
            Self::HintJitter => "hint-jitter",
            Self::Defined(defined) => defined.name(),
        }
    }

    /// The built-in policy of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|policy| policy.name() == name)
    }

    /// Attempts in all, the first included.
    pub fn attempts(self) -> u32 {
        match self {
            Self::None => 1,
            Self::RetryAfter | Self::Sdk | Self::SdkClassic => 3,
            Self::Immediate => 5,
            Self::ExponentialJitter => 6,
            _ => self.backoff().map_or(1, |backoff| backoff.attempts),
        }
    }

    /// Its rule in one sentence, for the screen. A policy that ignores the hint says so.
    pub const fn rule(self) -> &'static str {
        match self {
            Self::None => "one attempt, no retry",
            Self::Immediate => "at once, simulators only; ignores the server's hint",
            Self::RetryAfter => {
                "429 only: waits exactly what it asks for, 60 s when it asks nothing"
            }
            Self::ExponentialJitter => "4, 4, 4, 8, 16 s plus 0 to 2 s; ignores the server's hint",
            Self::Sdk => "as the official SDKs: the hint without jitter, else under 1.5 s in all",
            Self::SdkClassic => "as the SDKs before September 2026: a hint of over 60 s is no hint",
            Self::Exponential => "0.5, 1, 2, 4 up to 30 s, no jitter; ignores the server's hint",
            Self::FullJitter => "0 to 0.5, 1, 2, 4 up to 30 s; ignores the server's hint",
            Self::EqualJitter => "half to all of 0.5, 1, 2 up to 30 s; ignores the server's hint",
            Self::DecorrelatedJitter => {
                "0.5 s to 3 times the last wait, up to 30 s; ignores the server's hint"
            }
            Self::HintJitter => {
                "never before the hint, plus 0 to 25 % of it; else full jitter; 120 s in all"
            }
            Self::Defined(defined) => defined.rule(),
        }
    }

    /// Whether it waits the same whatever the server asked for.
    pub fn ignores_hint(self) -> bool {
        match self {
            Self::Immediate | Self::ExponentialJitter => true,
            _ => self.backoff().is_some_and(|backoff| !backoff.obeys_hint),
        }
    }

    /// Whether two clients that are refused in the same moment come back at different ones, when the
    /// server named a wait (`hinted`) or none. Where not, they come back as a herd.
    pub fn spreads(self, hinted: bool) -> bool {
        match self {
            Self::None | Self::Immediate | Self::RetryAfter => false,
            Self::ExponentialJitter => true,
            Self::Sdk | Self::SdkClassic => !hinted,
            _ => self.backoff().is_some_and(|backoff| {
                backoff.jitter != backoff::Jitter::None || (backoff.obeys_hint && hinted)
            }),
        }
    }

    /// Whether it may be used only where nobody is charged and nobody else is harmed: towards a
    /// simulator.
    pub const fn is_free_only(self) -> bool {
        matches!(self, Self::Immediate)
    }

    /// Why it must not be used towards an address that is `free` or not, beginning with its name.
    pub fn refusal(self, free: bool) -> Option<String> {
        (self.is_free_only() && !free).then(|| {
            format!(
                "{} is for simulators only, anywhere else it would be an attack: choose another, such \
                 as {}",
                self.name(),
                Self::HintJitter.name()
            )
        })
    }

    /// The longest single wait it can decide on, seconds.
    pub fn longest_wait_s(self) -> f64 {
        match self {
            Self::RetryAfter => own::LONGEST_HINT_S,
            Self::ExponentialJitter => own::GUIDE_MAX_S + own::GUIDE_JITTER_S,
            Self::Sdk => sdk::LONGEST_S,
            Self::SdkClassic => sdk::CLASSIC_LONGEST_S,
            _ => self.backoff().map_or(0.0, backoff::Backoff::longest_wait_s),
        }
    }

    /// Seconds that a call may take in all before it waits no more; none where the policy has no
    /// such budget.
    pub fn budget_s(self) -> Option<f64> {
        self.backoff()?.budget_s
    }

    /// Whether it calls an answer anew that broke after a 200: each such attempt is paid.
    pub(super) fn repeats_broken(self) -> bool {
        self.backoff()
            .is_some_and(|backoff| backoff.retry_on.streams)
    }

    /// Whether it calls anew where no answer came: a request that timed out may have been served, and
    /// paid, all the same.
    pub(super) fn repeats_unanswered(self) -> bool {
        matches!(self, Self::Sdk | Self::SdkClassic)
            || self
                .backoff()
                .is_some_and(|backoff| backoff.retry_on.connections)
    }

    /// Its settings, where it is a backoff by formula.
    fn backoff(self) -> Option<&'static backoff::Backoff> {
        match self {
            Self::Exponential => Some(&backoff::EXPONENTIAL),
            Self::FullJitter => Some(&backoff::FULL),
            Self::EqualJitter => Some(&backoff::EQUAL),
            Self::DecorrelatedJitter => Some(&backoff::DECORRELATED),
            Self::HintJitter => Some(&backoff::HINT_JITTER),
            Self::Defined(defined) => Some(defined.backoff()),
            _ => None,
        }
    }

    /// What to do after an attempt has ended.
    pub fn decide(self, ended: &Ended<'_>) -> Decision {
        match ended.outcome {
            Outcome::Complete { .. } => return stop("the answer is whole"),
            Outcome::Cancelled => return stop("cancelled"),
            _ => {}
        }
        match self {
            Self::Immediate => own::immediate(ended),
            Self::RetryAfter => own::retry_after(ended),
            Self::ExponentialJitter => own::exponential_jitter(ended),
            Self::Sdk => sdk::decide(ended),
            Self::SdkClassic => sdk::decide_classic(ended),
            _ => match self.backoff() {
                Some(backoff) => backoff.decide(ended),
                None => stop("this policy makes one attempt"),
            },
        }
    }
}

impl Ended<'_> {
    /// Retries already made: 0 after the first attempt.
    fn retries(&self) -> u32 {
        self.attempts.saturating_sub(1)
    }

    /// The die, forced into [0, 1) whatever came.
    fn die(&self) -> f64 {
        const BELOW_ONE: f64 = 1.0 - f64::EPSILON;
        if self.die.is_finite() {
            self.die.clamp(0.0, BELOW_ONE)
        } else {
            0.0
        }
    }

    /// A stop when no attempts are left.
    fn used_up(&self) -> Option<Decision> {
        (self.attempts >= self.allowed).then(|| {
            stop(format!(
                "attempt {} of {}: no attempt is left",
                self.attempts, self.allowed
            ))
        })
    }

    /// What happened, in two or three words, for reasons: `429`, `a timeout`.
    fn what(&self) -> String {
        match self.outcome {
            Outcome::Refused { status, .. } | Outcome::Complete { status, .. } => {
                status.to_string()
            }
            Outcome::Foreign { status, .. } => format!("{status} that is not the API's"),
            Outcome::StreamError { .. } => "an error inside a stream".to_owned(),
            Outcome::StreamCut { .. } => "a stream that was cut".to_owned(),
            Outcome::StreamTruncated => "a stream without its end".to_owned(),
            Outcome::Unreachable { kind, .. } => match kind {
                Unreachable::Dns => "a name that does not resolve",
                Unreachable::Refused => "a refused connection",
                Unreachable::Tls => "a failed TLS handshake",
                Unreachable::Timeout => "a timeout",
                Unreachable::Broken => "a broken connection",
            }
            .to_owned(),
            Outcome::Cancelled => "a cancelled call".to_owned(),
        }
    }

    /// Whether the refusal is a spend cap or an own spend limit, with or without a verdict.
    fn is_spend(&self) -> bool {
        self.verdict.is_some_and(|verdict| verdict.cause.is_spend())
            || matches!(self.outcome, Outcome::Refused { error, .. }
                if error.code.as_deref().is_some_and(|code| code.contains("spend_limit_reached")))
    }
}

fn stop(reason: impl Into<String>) -> Decision {
    Decision {
        action: Action::Stop,
        wait_s: 0.0,
        jitter_s: 0.0,
        reason: reason.into(),
    }
}

fn retry(wait_s: f64, jitter_s: f64, reason: String) -> Decision {
    Decision {
        action: Action::Retry,
        wait_s,
        jitter_s,
        reason,
    }
}

#[cfg(test)]
mod tests;
