//! What a panel may look at while it reacts, and what it may answer.

use super::{answers::Answers, effect::Effect, event::ProfileCard, runs::Runs};
use crate::domain::{
    board::Board,
    id::CallId,
    load::plan::MOST_CALLS,
    spend::Prices,
    time::Time,
    timeline::{FIRST_FOREIGN_CALL, FIRST_RUN_CALL, Timeline},
};

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
    /// Its runs of many calls.
    pub runs: &'a Runs,
    /// What its test calls answered.
    pub answers: &'a Answers,
    /// What calls cost.
    pub prices: &'a Prices,
    /// Whether anything that costs is refused.
    pub read_only: bool,
    pub(super) next_call: &'a mut u64,
    pub(super) next_run: &'a mut u64,
}

impl Ground<'_> {
    /// A fresh id. The app numbers its calls upwards from 1; other sources start at
    /// [`crate::domain::timeline::FIRST_FOREIGN_CALL`].
    pub fn new_call(&mut self) -> CallId {
        let id = *self.next_call;
        *self.next_call += 1;
        CallId(id)
    }

    /// The first id of a run; those after it, as many as a run may have calls, are its own too.
    pub fn new_run(&mut self) -> CallId {
        let blocks = (FIRST_FOREIGN_CALL - FIRST_RUN_CALL) / u64::from(MOST_CALLS);
        let block = *self.next_run % blocks;
        *self.next_run += 1;
        CallId(FIRST_RUN_CALL + block * u64::from(MOST_CALLS))
    }

    /// Whether calls can be made at all; else one sentence why not.
    pub fn may_call(&self) -> Result<(), String> {
        if self.card.can_call {
            return Ok(());
        }
        let why = self.card.cannot_call_because.clone();
        Err(why.unwrap_or_else(|| "This profile has no API key, so it cannot call.".to_owned()))
    }

    /// Whether a call that costs at most `usd` may be sent now; else one sentence why not.
    pub fn may_send(&self, usd: Option<f64>) -> Result<(), String> {
        self.may_call()?;
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
    /// A question before something that costs is sent.
    pub ask: Option<String>,
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
            ..Self::default()
        }
    }

    /// A sentence.
    pub fn say(sentence: impl Into<String>) -> Self {
        Self {
            said: Some(sentence.into()),
            ..Self::default()
        }
    }

    /// A question before something that costs is sent.
    pub fn ask(sentence: String) -> Self {
        Self {
            ask: Some(sentence),
            ..Self::default()
        }
    }
}
