//! The sentence at the foot of the screen: it goes after a while, and one that says what is under way goes
//! when that is over.

use super::effect::Effect;
use crate::domain::{
    id::CallId,
    observation::{Observation, What},
    time::Time,
};

/// A sentence at the foot of the screen, for a while.
#[derive(Clone, Debug, PartialEq)]
pub struct Toast {
    /// The sentence.
    pub text: String,
    /// When it goes.
    pub until: Time,
    /// The call that it says is under way.
    call: Option<CallId>,
}

impl Toast {
    pub(super) const fn new(text: String, until: Time) -> Self {
        Self {
            text,
            until,
            call: None,
        }
    }

    /// The same about the call that one of these effects makes.
    pub(super) fn of(self, effects: &[Effect]) -> Self {
        let call = effects.iter().find_map(|effect| match effect {
            Effect::Call(order) => Some(order.call),
            _ => None,
        });
        Self { call, ..self }
    }

    /// Whether what was seen is the end of its call.
    pub(super) fn ends_with(&self, seen: &Observation) -> bool {
        matches!(seen.what, What::Closed { .. }) && self.call.is_some() && self.call == seen.call
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        fixtures::{order, seen, t},
        observation::CallResult,
    };

    #[test]
    fn what_is_under_way_is_said_until_it_is_over() {
        let toast = Toast::new("Probing Opus 5.5.".to_owned(), t(6.0));
        let over = seen(
            t(1.0),
            What::Closed {
                result: CallResult::Ok,
            },
        );
        assert!(!toast.ends_with(&over), "a sentence of no call");
        let probing = toast.of(&[Effect::Call(order("claude-opus-5-5"))]);
        assert!(!probing.ends_with(&seen(t(0.5), What::Sent)));
        assert!(probing.ends_with(&over));
        let other = Observation {
            call: Some(CallId(2)),
            ..over
        };
        assert!(!probing.ends_with(&other));
    }
}
