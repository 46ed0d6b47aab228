//! A run under way, folded from what its calls tell.

use super::{plan::MOST_WORKERS, result::Summary, spread::Spread};
use crate::domain::{
    id::{CallId, ModelId},
    observation::{Observation, What},
    timeline::{Call, Doing, Timeline},
};

/// Open calls, the first ended ones, and the numbers of all. Whoever uses it gives it the
/// observations of the run's own calls and no others; those of one call in their order.
#[derive(Clone, Debug)]
pub struct Live {
    open: Timeline,
    summary: Summary,
    ended: Vec<Call>,
    keeps: usize,
    /// By model, where calls are spread over several.
    models: Vec<(ModelId, Summary)>,
}

/// How many open calls do what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Busy {
    /// On the wire: no head yet, or the body arrives.
    pub in_flight: usize,
    /// Asleep before a retry.
    pub waiting: usize,
    /// Held back by the run's own pacing.
    pub held: usize,
}

impl Live {
    /// A run that begins now, its numbers empty. `keeps` ended calls are kept whole, the first ones; the
    /// rest only counts.
    pub fn new(summary: Summary, keeps: usize) -> Self {
        Self {
            open: Timeline::new(MOST_WORKERS as usize),
            summary,
            ended: Vec::new(),
            keeps,
            models: Vec::new(),
        }
    }

    /// The same with numbers of each model that the calls are spread over, if they are.
    #[must_use]
    pub fn by_model(mut self, spread: Option<&Spread>) -> Self {
        let parts = spread.map_or(&[][..], |spread| &spread.parts);
        let summary = &self.summary;
        self.models = parts
            .iter()
            .map(|part| (part.model.clone(), summary.clone()))
            .collect();
        self
    }

    /// The numbers of each model, where calls are spread over several.
    pub fn models(&self) -> &[(ModelId, Summary)] {
        &self.models
    }

    /// Takes one observation in. A call that it ended comes back, if it is not kept here.
    pub fn absorb(&mut self, seen: &Observation) -> Option<Call> {
        self.open.absorb(seen);
        if !matches!(seen.what, What::Closed { .. }) {
            return None;
        }
        let call = self.open.remove(seen.call?)?;
        self.summary.take(&call);
        if let Some((_, model)) = self.models.iter_mut().find(|(it, _)| *it == call.model) {
            model.take(&call);
        }
        if self.ended.len() < self.keeps {
            self.ended.push(call);
            return None;
        }
        Some(call)
    }

    /// The run is over: starts that were missed, by how much each of an open loop was late (seconds), and
    /// retries that the budget refused.
    pub fn end(&mut self, missed: u64, late_s: &[f64], denied: u64) {
        self.summary.missed = missed;
        self.summary.denied = denied;
        for late_s in late_s {
            self.summary.late.take(*late_s);
        }
    }

    /// The numbers so far.
    pub const fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Calls under way, in the order in which they began.
    pub fn open(&self) -> impl Iterator<Item = &Call> {
        self.open.calls()
    }

    /// A call under way.
    pub fn call(&self, id: CallId) -> Option<&Call> {
        self.open.call(id)
    }

    /// The first ended calls, in the order in which they ended.
    pub fn ended(&self) -> &[Call] {
        &self.ended
    }

    /// What the open calls do.
    pub fn busy(&self) -> Busy {
        let mut busy = Busy::default();
        for call in self.open.calls() {
            match call.doing() {
                Doing::InFlight | Doing::Receiving => busy.in_flight += 1,
                Doing::Waiting(_) => busy.waiting += 1,
                Doing::Held(_) => busy.held += 1,
                Doing::Deciding | Doing::Over(_) => {}
            }
        }
        busy
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::timeline::fixtures::{began, refused_then_ok, seen, t};

    #[test]
    fn calls_count_when_they_end_and_only_the_first_are_kept() {
        let mut live = Live::new(Summary::new(t(0.0)), 2);
        let mut gone = Vec::new();
        for id in 1..=3 {
            gone.extend(
                refused_then_ok(id, 17.4)
                    .iter()
                    .filter_map(|it| live.absorb(it)),
            );
        }
        live.absorb(&began(4, 0.0));
        live.absorb(&seen(4, Some(1), 0.0, What::Sent));
        assert_eq!((live.summary().logical, live.summary().wire), (3, 6));
        assert_eq!(live.ended().len(), 2);
        assert_eq!(gone.len(), 1);
        assert_eq!(live.open().count(), 1);
        let busy = Busy {
            in_flight: 1,
            waiting: 0,
            held: 0,
        };
        assert_eq!(live.busy(), busy);
        live.end(7, &[0.001], 0);
        assert_eq!((live.summary().missed, live.summary().late.count()), (7, 1));
    }

    #[test]
    fn a_call_between_two_attempts_waits() {
        let mut live = Live::new(Summary::new(t(0.0)), 2);
        for one in &refused_then_ok(1, 17.4)[..5] {
            live.absorb(one);
        }
        assert_eq!(live.busy().waiting, 1, "{:?}", live.open().next());
    }
}
