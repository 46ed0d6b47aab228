//! What a panel may look at while it reacts, and what it may answer.

use super::{answers::Answers, effect::Effect, event::ProfileCard};
use crate::domain::{board::Board, id::CallId, spend::Prices, time::Time, timeline::Timeline};

/// What a panel sees of the rest while it reacts to a key.
pub struct Ground<'a> {
    /// Now.
    pub now: Time,
    /// The profile in front.
    pub card: &'a ProfileCard,
    /// Its board.
    pub board: &'a Board,
    /// Its calls.
    pub timeline: &'a Timeline,
    /// What its test calls answered.
    pub answers: &'a Answers,
    /// What calls cost.
    pub prices: &'a Prices,
    /// Whether anything that costs is refused.
    pub read_only: bool,
    pub(super) next_call: &'a mut u64,
}

impl Ground<'_> {
    /// A fresh id. The app numbers its calls upwards from 1; other sources start at
    /// [`crate::domain::timeline::FIRST_FOREIGN_CALL`].
    pub fn new_call(&mut self) -> CallId {
        let id = *self.next_call;
        *self.next_call += 1;
        CallId(id)
    }

    /// Whether a call that costs at most `usd` may be sent now; else one sentence why not.
    pub fn may_send(&self, usd: Option<f64>) -> Result<(), String> {
        if !self.card.can_call {
            return Err(self
                .card
                .cannot_call_because
                .clone()
                .unwrap_or_else(|| "This profile has no API key, so it cannot call.".to_owned()));
        }
        if !self.card.spend.free && (self.read_only || self.card.spend.read_only) {
            return Err("Read only: nothing that costs is sent.".to_owned());
        }
        self.card.spend.check(usd)
    }
}

/// What a panel answers to a key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    /// To be done.
    pub effects: Vec<Effect>,
    /// One sentence for the foot of the screen.
    pub said: Option<String>,
}

impl Reply {
    /// Nothing more than a redraw.
    pub fn none() -> Self {
        Self::default()
    }

    /// One effect.
    pub fn of(effect: Effect) -> Self {
        Self {
            effects: vec![effect],
            said: None,
        }
    }

    /// A sentence.
    pub fn say(sentence: impl Into<String>) -> Self {
        Self {
            effects: Vec::new(),
            said: Some(sentence.into()),
        }
    }
}
