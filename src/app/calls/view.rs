//! What of the calls is looked at: which call, which attempt, how far the text is scrolled, which part
//! of the time axis.

use super::run::RunView;
use crate::{
    app::runs::{Runs, is_of_run},
    domain::{
        batch::Work,
        id::CallId,
        load::run::Run,
        time::Time,
        timeline::{Attempt, Call, Timeline},
    },
};

/// Deepest zoom: the axis shows a 32nd of the call.
const ZOOM_MAX: u8 = 5;

/// What is listed: a call, or a run of many.
#[derive(Clone, Copy, Debug)]
pub enum Item<'a> {
    /// One call.
    Call(&'a Call),
    /// A run of many.
    Run(&'a Run),
    /// A message batch.
    Batch(&'a Work),
}

impl Item<'_> {
    /// By which it is known: of a run that of its first call.
    pub fn id(&self) -> CallId {
        match self {
            Self::Call(call) => call.id,
            Self::Run(run) => run.first(),
            Self::Batch(batch) => batch.id(),
        }
    }

    /// When it began.
    pub fn began_at(&self) -> Time {
        match self {
            Self::Call(call) => call.began_at,
            Self::Run(run) => run.began,
            Self::Batch(batch) => batch.began,
        }
    }
}

/// What is looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct View {
    /// The call that was chosen, or the run whose first call that is; none follows the newest.
    pub chosen: Option<CallId>,
    /// Whether calls of other clients are listed too.
    pub others: bool,
    /// The attempt that was chosen; none follows the last.
    pub attempt: Option<u32>,
    /// Whether the raw headers stand where the answer is.
    pub evidence: bool,
    /// Lines that the answer is scrolled up from its end.
    pub up: usize,
    /// The axis shows 1 / 2^zoom of the call.
    pub zoom: u8,
    /// Share (0 to 1) of the axis left of what is shown, of what can be; 1 is the newest.
    pub pan: f64,
    /// What of a run is looked at.
    pub run: RunView,
}

/// Runs and batches, newest first; of two of the same moment the one of the higher number.
fn many(runs: &Runs) -> Vec<Item<'_>> {
    let mut all: Vec<(u32, Item<'_>)> =
        runs.all().map(|run| (run.number, Item::Run(run))).collect();
    all.extend(
        runs.batches()
            .map(|batch| (batch.number, Item::Batch(batch))),
    );
    all.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
    all.into_iter().map(|(_, item)| item).collect()
}

impl View {
    /// Listed calls, newest first.
    pub fn listed<'a>(&self, timeline: &'a Timeline) -> Vec<&'a Call> {
        let listed = timeline.calls().rev();
        listed.filter(|call| self.others || call.is_own()).collect()
    }

    /// Listed calls, runs and batches, newest first.
    pub fn items<'a>(&self, timeline: &'a Timeline, runs: &'a Runs) -> Vec<Item<'a>> {
        let mut many = many(runs).into_iter().peekable();
        let mut items = Vec::new();
        for call in self.listed(timeline) {
            while let Some(item) = many.next_if(|item| item.began_at() >= call.began_at) {
                items.push(item);
            }
            items.push(Item::Call(call));
        }
        items.extend(many);
        items
    }

    /// The call or the run that is looked at.
    pub fn item<'a>(&self, timeline: &'a Timeline, runs: &'a Runs) -> Option<Item<'a>> {
        let chosen = self.chosen.and_then(|id| {
            if is_of_run(id) {
                let batch = || runs.batch(id).map(Item::Batch);
                runs.get(id).map(Item::Run).or_else(batch)
            } else {
                timeline.call(id).map(Item::Call)
            }
        });
        chosen.or_else(|| {
            let mut calls = timeline.calls().rev();
            let call = calls.find(|call| self.others || call.is_own());
            let many = many(runs).into_iter().next();
            match (call, many) {
                (Some(call), Some(item)) if call.began_at > item.began_at() => {
                    Some(Item::Call(call))
                }
                (_, Some(item)) => Some(item),
                (call, None) => call.map(Item::Call),
            }
        })
    }

    /// The call that is drawn in full, where there are no runs.
    pub fn shown<'a>(&self, timeline: &'a Timeline) -> Option<&'a Call> {
        let chosen = self.chosen.and_then(|id| timeline.call(id));
        chosen.or_else(|| {
            timeline
                .calls()
                .rev()
                .find(|call| self.others || call.is_own())
        })
    }

    /// The attempt whose verdict and headers are shown.
    pub fn attempt<'a>(&self, call: &'a Call) -> Option<&'a Attempt> {
        let chosen = self
            .attempt
            .and_then(|n| call.attempts.iter().find(|attempt| attempt.n == n));
        chosen.or_else(|| call.attempts.last())
    }

    /// The attempt whose verdict is shown: the chosen one, else the last that has a verdict.
    pub fn judged<'a>(&self, call: &'a Call) -> Option<&'a Attempt> {
        if self.attempt.is_some() {
            return self
                .attempt(call)
                .filter(|attempt| attempt.verdict.is_some());
        }
        call.attempts
            .iter()
            .rev()
            .find(|attempt| attempt.verdict.is_some())
    }

    /// Chooses the call or run `by` places older. Going newer than the newest follows the newest again.
    pub fn older(&mut self, timeline: &Timeline, runs: &Runs, by: isize) {
        let against = self.run.against;
        let listed = match against {
            // Beside another run only runs are chosen.
            Some(_) => runs.all().rev().map(Item::Run).collect(),
            None => self.items(timeline, runs),
        };
        let shown = self.item(timeline, runs).map(|item| item.id());
        let here = listed
            .iter()
            .position(|item| Some(item.id()) == shown)
            .unwrap_or(0);
        let to = here as isize + by;
        let chosen = if to < 0 || listed.is_empty() {
            None
        } else {
            Some(listed[(to as usize).min(listed.len() - 1)].id())
        };
        *self = Self {
            chosen,
            others: self.others,
            evidence: self.evidence,
            run: RunView {
                against,
                ..RunView::default()
            },
            ..Self::default()
        };
    }

    /// Chooses another attempt of that call.
    pub fn step_attempt_of(&mut self, call: &Call, by: isize) {
        let Some(now) = self.attempt(call) else {
            return;
        };
        let here = call
            .attempts
            .iter()
            .position(|attempt| attempt.n == now.n)
            .unwrap_or(0);
        let to = here.saturating_add_signed(by).min(call.attempts.len() - 1);
        // The last one is followed, so that the next attempt is looked at when it comes.
        self.attempt = (to + 1 < call.attempts.len()).then(|| call.attempts[to].n);
        self.up = 0;
    }

    /// Calls of other clients in or out.
    pub fn toggle_others(&mut self) {
        *self = Self {
            others: !self.others,
            evidence: self.evidence,
            ..Self::default()
        };
    }

    /// After a call was sent: it is looked at.
    pub fn follow(&mut self) {
        *self = Self {
            zoom: 0,
            ..Self::default()
        };
    }

    /// Scrolls the answer; `most` lines at most.
    pub fn scroll(&mut self, by: isize, most: usize) {
        self.up = self.up.saturating_add_signed(by).min(most);
    }

    /// Zooms the axis in (1) or out (-1).
    pub fn zoom(&mut self, by: i8) {
        if self.zoom == 0 {
            self.pan = 1.0;
        }
        self.zoom = self.zoom.saturating_add_signed(by).min(ZOOM_MAX);
    }

    /// Moves the shown part of a zoomed axis: by a quarter of what is shown.
    pub fn pan(&mut self, by: f64) {
        let shown = 0.5_f64.powi(i32::from(self.zoom));
        let rest = 1.0 - shown;
        if rest > 0.0 {
            self.pan = (self.pan + by * shown / 4.0 / rest).clamp(0.0, 1.0);
        }
    }

    /// The part of an axis of `whole` seconds that is shown: from, to. A zoomed axis does not go
    /// beyond `end`, where there is nothing more to see.
    pub fn span(&self, whole: f64, end: f64) -> (f64, f64) {
        let shown = whole * 0.5_f64.powi(i32::from(self.zoom));
        let from = (end.min(whole) - shown).max(0.0) * self.pan.clamp(0.0, 1.0);
        (from, from + shown)
    }
}
