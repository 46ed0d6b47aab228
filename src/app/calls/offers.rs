//! Which keys do something on tab 2 as it stands: the footer names no others.

use super::{
    Calls,
    view::{Item, View},
};
use crate::{
    app::{command::Command, runs::Runs},
    domain::{id::CallId, load::run::Run, timeline::Timeline},
};

/// What Esc does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Esc {
    /// It ends that call, run or batch.
    Cancels(CallId),
    /// It comes out of something.
    Leaves,
    /// Nothing.
    Nothing,
}

impl Calls {
    /// What Esc does: it comes out of an attempt of a run; else it ends what is looked at and goes on,
    /// else the newest that does; else it comes out of whatever else is open.
    pub fn esc(&self, timeline: &Timeline, runs: &Runs) -> Esc {
        if self.view.run.inside {
            return Esc::Leaves;
        }
        let looked_at = self.view.item(timeline, runs).filter(goes_on);
        let all = View::default().items(timeline, runs);
        if let Some(item) = looked_at.or_else(|| all.into_iter().find(goes_on)) {
            return Esc::Cancels(item.id());
        }
        let unseen = self.sent.filter(|id| timeline.call(*id).is_none());
        if let Some(unseen) = unseen {
            return Esc::Cancels(unseen);
        }
        if self.open || self.view != View::default() {
            return Esc::Leaves;
        }
        Esc::Nothing
    }

    /// Whether that command does something here now.
    pub fn offers(&self, command: Command, timeline: &Timeline, runs: &Runs) -> bool {
        let run = || self.run(timeline, runs);
        let inside = self.view.run.inside;
        let call = || self.call(timeline, runs);
        match command {
            Command::Back => self.esc(timeline, runs) != Esc::Nothing,
            Command::Open => run().is_some(),
            Command::Compare => run().is_some() && !inside && runs.all().len() > 1,
            Command::Hold => run().is_some_and(Run::is_open),
            Command::Again => run().is_some() || self.batch(timeline, runs).is_some(),
            Command::Evidence => call().is_some(),
            Command::PrevAttempt => match run() {
                Some(run) if !inside => run.lanes.all().len() > 1,
                _ => call().is_some_and(|call| call.attempts.len() > 1),
            },
            Command::OlderCall => self.view.items(timeline, runs).len() > 1,
            Command::Others => self.view.others || timeline.calls().any(|call| !call.is_own()),
            _ => true,
        }
    }
}

fn goes_on(item: &Item<'_>) -> bool {
    match item {
        Item::Call(call) => call.is_own() && call.is_open(),
        Item::Run(run) => run.is_open() && !run.cancelled,
        Item::Batch(batch) => batch.is_open() && !batch.cancelling,
    }
}
