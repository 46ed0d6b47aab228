//! The session's runs of many calls: the last few, and what their calls answered. Message batches too.

use super::answers::{Answer, Answers};
use crate::domain::{
    batch::{BatchOrder, Standing, Work},
    id::CallId,
    load::{
        plan::MOST_CALLS,
        run::{Run, RunEnd, RunOrder},
    },
    observation::{Observation, What},
    spend::Prices,
    time::Time,
    timeline::{FIRST_FOREIGN_CALL, FIRST_RUN_CALL},
};
use std::{collections::VecDeque, sync::Arc};

/// Runs that are kept.
const KEPT: usize = 8;
/// Of these, the newest of which everything is kept.
const WHOLE: usize = 2;
/// Answers that are kept, and bytes of each.
const ANSWERS: usize = 384;
const ANSWER_BYTES: usize = 4 * 1024;
/// Refusals of one cause that are told one by one; a run of thousands would drown everything else.
const TOLD: u64 = 3;

/// The runs of one profile, oldest first.
#[derive(Clone, Debug)]
pub struct Runs {
    kept: VecDeque<Run>,
    batches: VecDeque<Work>,
    answers: Answers,
    next: u32,
}

impl Default for Runs {
    fn default() -> Self {
        Self {
            kept: VecDeque::new(),
            batches: VecDeque::new(),
            answers: Answers::new(ANSWERS, ANSWER_BYTES),
            next: 1,
        }
    }
}

/// Whether a call may belong to a run, by its id.
pub fn is_of_run(call: CallId) -> bool {
    (FIRST_RUN_CALL..FIRST_FOREIGN_CALL).contains(&call.0)
}

impl Runs {
    /// Oldest first.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = &Run> + ExactSizeIterator {
        self.kept.iter()
    }

    /// The run whose first call that is.
    pub fn get(&self, first: CallId) -> Option<&Run> {
        self.kept.iter().find(|run| run.first() == first)
    }

    /// The batches, oldest first.
    pub fn batches(&self) -> impl DoubleEndedIterator<Item = &Work> {
        self.batches.iter()
    }

    /// The batch of that id.
    pub fn batch(&self, id: CallId) -> Option<&Work> {
        self.batches.iter().find(|batch| batch.id() == id)
    }

    /// The run to which a call belongs.
    pub fn of(&self, call: CallId) -> Option<&Run> {
        self.place(call).map(|at| &self.kept[at])
    }

    /// What a call of a run answered.
    pub fn answer(&self, call: CallId) -> Option<&Answer> {
        self.answers.of(call)
    }

    /// The newest other run that is over and was the same but for its pacing.
    pub fn twin(&self, run: &Run) -> Option<&Run> {
        let mut others = self.kept.iter().rev();
        others.find(|other| {
            let over = !other.is_open() && !other.cancelled && other.unsent.is_none();
            over && other.asked.is_twin_of(&run.asked)
        })
    }

    /// The newest run that still goes on.
    pub fn running(&self) -> Option<&Run> {
        self.kept.iter().rev().find(|run| run.is_open())
    }

    /// A run is ordered.
    pub fn begin(&mut self, order: RunOrder, now: Time, prices: Arc<Prices>) {
        if self.kept.len() >= KEPT {
            self.kept.pop_front();
        }
        let later = self.kept.len().saturating_sub(WHOLE - 1);
        for run in self.kept.iter_mut().take(later) {
            run.shrink();
        }
        self.kept.push_back(Run::new(self.next, order, now, prices));
        self.next += 1;
    }

    /// A batch is ordered.
    pub fn begin_batch(&mut self, asked: BatchOrder, now: Time) {
        if self.batches.len() >= KEPT {
            self.batches.pop_front();
        }
        self.batches.push_back(Work {
            number: self.next,
            asked,
            began: now,
            ended: None,
            cancelling: false,
            standing: Standing::default(),
        });
        self.next += 1;
    }

    /// What is known of a batch now; `over` where nothing more comes.
    pub fn batch_told(&mut self, id: CallId, standing: Standing, over: bool, now: Time) {
        if let Some(batch) = self.batches.iter_mut().find(|batch| batch.id() == id) {
            batch.standing = standing;
            batch.ended = batch.ended.or(over.then_some(now));
        }
    }

    /// Esc: it is being ended from here.
    pub fn cancelled(&mut self, first: CallId) {
        if let Some(batch) = self.batches.iter_mut().find(|batch| batch.id() == first) {
            batch.cancelling = true;
        }
        if let Some(run) = self.kept.iter_mut().find(|run| run.first() == first) {
            run.cancelled = true;
        }
    }

    /// It sends nothing more for now, or goes on.
    pub fn hold(&mut self, first: CallId, held: bool) {
        if let Some(run) = self.kept.iter_mut().find(|run| run.first() == first) {
            run.held = held;
        }
    }

    /// The making of a run has ended.
    pub fn end(&mut self, first: CallId, end: &RunEnd, now: Time) {
        if let Some(run) = self.kept.iter_mut().find(|run| run.first() == first) {
            run.end(end, now);
        }
    }

    /// Takes in what was seen of a call of a run. Whether its refusal is still worth telling by itself.
    pub fn absorb(&mut self, seen: &Observation) -> bool {
        let Some(at) = seen.call.and_then(|call| self.place(call)) else {
            return false;
        };
        self.kept[at].absorb(seen);
        match &seen.what {
            What::Finished {
                verdict: Some(verdict),
                ..
            } => self.kept[at]
                .failed
                .get(&verdict.cause)
                .is_none_or(|n| *n <= TOLD),
            _ => true,
        }
    }

    /// Takes a piece of an answer in.
    pub fn hear(&mut self, call: CallId, attempt: u32, continues: bool, delta: &str) {
        self.answers.append(call, attempt, continues, delta);
    }

    fn place(&self, call: CallId) -> Option<usize> {
        if !is_of_run(call) {
            return None;
        }
        let block = |id: CallId| (id.0 - FIRST_RUN_CALL) / u64::from(MOST_CALLS);
        self.kept
            .iter()
            .rposition(|run| is_of_run(run.first()) && block(run.first()) == block(call))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::calls::form::Form,
        domain::{
            id::ClientId,
            timeline::fixtures::{refused_then_ok, t},
        },
    };

    fn first(run: u64) -> CallId {
        CallId(FIRST_RUN_CALL + run * u64::from(MOST_CALLS))
    }

    fn begin(runs: &mut Runs, run: u64) {
        let form = Form {
            workers: 4,
            ..Form::default()
        };
        runs.begin(form.run(first(run)), t(0.0), Arc::default());
    }

    fn refused(runs: &mut Runs, call: CallId) -> Vec<bool> {
        let mut told = Vec::new();
        for mut seen in refused_then_ok(call.0, 1.0) {
            seen.client = Some(ClientId::from("me 001"));
            let judged = matches!(
                seen.what,
                What::Finished {
                    verdict: Some(_),
                    ..
                }
            );
            let worth = runs.absorb(&seen);
            if judged {
                told.push(worth);
            }
        }
        told
    }

    #[test]
    fn the_last_runs_are_kept_and_each_hears_its_own_calls() {
        let mut runs = Runs::default();
        for run in 0..10 {
            begin(&mut runs, run);
            refused(&mut runs, CallId(first(run).0 + 2));
        }
        assert_eq!(runs.all().len(), KEPT);
        assert!(runs.get(first(1)).is_none() && runs.get(first(2)).is_some());
        assert!(runs.all().all(|run| run.summary().logical == 1));
        assert_eq!(runs.of(CallId(first(9).0 + 3)).unwrap().number, 10);
        assert!(runs.of(CallId(1)).is_none() && runs.of(CallId(FIRST_FOREIGN_CALL)).is_none());
    }

    #[test]
    fn a_flood_of_refusals_is_told_by_a_few_of_them() {
        let mut runs = Runs::default();
        begin(&mut runs, 0);
        let told: Vec<bool> = (0..20)
            .flat_map(|n| refused(&mut runs, CallId(first(0).0 + n)))
            .collect();
        assert_eq!(told.iter().filter(|told| **told).count(), 3);
    }

    #[test]
    fn ended_runs_say_how() {
        let mut runs = Runs::default();
        begin(&mut runs, 0);
        assert!(runs.running().is_some());
        let end = RunEnd {
            missed: 2,
            unsent: Some("today's cap is reached".into()),
            ..RunEnd::default()
        };
        runs.cancelled(first(0));
        runs.end(first(0), &end, t(9.0));
        let run = runs.get(first(0)).unwrap();
        assert!(runs.running().is_none() && run.cancelled);
        assert_eq!((run.elapsed_s(t(99.0)), run.summary().missed), (9.0, 2));
    }
}
