//! State of tab 3: what has passed ([`Passed`], one for each profile), and what of it is looked at
//! ([`Traffic`]).
//!
//! To add an order: a variant of [`index::Sort`] with its key. To add a column: `ui/traffic`.

pub mod index;
mod react;

use super::{calls::view::View, profile::Profile};
use crate::domain::{
    id::CallId,
    observation::Observation,
    timeline::{Call, Timeline},
    traffic::Totals,
};
use index::Index;

/// What of the traffic is looked at.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    /// The selected call; none follows the first.
    pub id: Option<CallId>,
    /// Where it was when it was selected, for when it is gone.
    pub at: usize,
    /// The first line shown.
    pub first: usize,
    /// What of the selected call is looked at, while its details are open.
    pub open: Option<View>,
    /// The opened call, once the timeline has let go of it.
    pub kept: Option<Box<Call>>,
    /// The first line of the totals, while they have the whole tab.
    pub totals: Option<usize>,
}

impl Traffic {
    /// The place of the selected call.
    pub fn place(&self, index: &Index) -> usize {
        let Some(id) = self.id else { return 0 };
        let last = index.len().saturating_sub(1);
        index.place(id).unwrap_or_else(|| self.at.min(last))
    }

    /// Selects a place; the first follows whatever comes first.
    pub fn select(&mut self, index: &Index, place: usize) {
        self.at = place.min(index.len().saturating_sub(1));
        self.id = index.at(self.at).filter(|_| self.at > 0);
    }

    /// The call whose details are open, or which is selected.
    pub fn call<'a>(&'a self, profile: &'a Profile) -> Option<&'a Call> {
        if self.open.is_some()
            && let Some(id) = self.id
        {
            let kept = self.kept.as_deref().filter(|call| call.id == id);
            return profile.timeline.call(id).or(kept);
        }
        let index = &profile.passed.index;
        profile.timeline.call(index.at(self.place(index))?)
    }

    /// The timeline has let go of a call: the opened one is kept for its reader.
    pub fn gone(&mut self, call: &Call) {
        if self.open.is_some() && self.id == Some(call.id) {
            self.kept = Some(Box::new(call.clone()));
        }
    }
}

/// What has passed: the order of its calls, and its totals.
#[derive(Clone, Debug, Default)]
pub struct Passed {
    /// Which calls are listed, in which order.
    pub index: Index,
    /// As the tap has counted.
    totals: Option<Totals>,
}

impl Passed {
    /// Takes an observation in that the timeline has taken in already.
    pub fn absorb(&mut self, seen: &Observation, timeline: &Timeline) {
        let Some(call) = seen.call.and_then(|id| timeline.call(id)) else {
            return;
        };
        self.index.touch(call);
    }

    /// Takes a tap's snapshot in: it stands for the one before.
    pub fn take(&mut self, totals: Totals) {
        self.totals = Some(totals);
    }

    /// Everything that was counted; none before the first request.
    pub fn totals(&self) -> Option<&Totals> {
        self.totals.as_ref()
    }

    /// Sorts the list by the next order.
    pub fn next_sort(&mut self, timeline: &Timeline) {
        self.index.sort_by(self.index.sort().next(), timeline);
    }
}
