//! Bounds around any policy: a deadline for the whole call, a longest single wait, and what becomes of a
//! broken answer.

use super::{Action, Broken, Decision, Ended, Policy, stop};
use crate::domain::time::spoken as secs;

/// What a call may take, whatever its policy would do.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// No attempt begins later than this many seconds after the call; none without a deadline.
    pub deadline_s: Option<f64>,
    /// No wait is longer, seconds. A backoff is cut to it; a wait that the server asked for is not
    /// cut, as the retry would come too early: the call stops instead.
    pub longest_wait_s: Option<f64>,
    /// What to do with an answer that broke after a 200.
    pub broken: Broken,
}

impl Limits {
    /// What a policy does after an attempt has ended, within these bounds.
    #[must_use]
    pub fn decide(&self, policy: Policy, ended: &Ended<'_>) -> Decision {
        self.bound(self.broken.decide(policy, ended), ended)
    }

    /// The decision of a policy, kept within these bounds.
    #[must_use]
    pub fn bound(&self, decision: Decision, ended: &Ended<'_>) -> Decision {
        if decision.action == Action::Stop {
            return decision;
        }
        let decision = match self.longest_wait_s {
            Some(longest) if decision.wait_s > longest => shorter(decision, longest, ended),
            _ => decision,
        };
        let spent = ended.elapsed_s.max(0.0);
        match self.deadline_s {
            Some(deadline)
                if decision.action == Action::Retry && spent + decision.wait_s > deadline =>
            {
                stop(format!(
                    "a wait of {} would pass the deadline: {} of {} are spent",
                    secs(decision.wait_s),
                    secs(spent),
                    secs(deadline)
                ))
            }
            _ => decision,
        }
    }
}

/// Cuts a wait, unless that would make the retry an early one.
fn shorter(decision: Decision, longest: f64, ended: &Ended<'_>) -> Decision {
    let asked = ended.outcome.hint().asked_s();
    if let Some(asked) = asked.filter(|asked| decision.wait_s >= *asked && longest < *asked) {
        return stop(format!(
            "the server asked {}, more than the longest wait allowed, {}",
            secs(asked),
            secs(longest)
        ));
    }
    let wait_s = longest.max(0.0);
    let least = decision.wait_s - decision.jitter_s;
    Decision {
        wait_s,
        jitter_s: (wait_s - least).clamp(0.0, wait_s),
        reason: format!("{}; cut to {}", decision.reason, secs(wait_s)),
        ..decision
    }
}
