//! Looking at a run of many calls: its lanes, one attempt of it, another run beside it; sending one,
//! again, and ending it.

use super::{Calls, view::Item};
use crate::app::{
    command::Command,
    effect::Effect,
    ground::{Ground, Reply},
    runs::Runs,
};
use crate::domain::{
    id::{CallId, ModelId},
    load::{
        lane::{Bar, Lane},
        run::Run,
    },
    timeline::{Call, Timeline},
};

/// Runs that may go on at once: a policy against another in the same bucket.
const RUNNING_MAX: usize = 2;
/// Lanes of half a page.
const PAGE: isize = 12;

/// What of a run is looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunView {
    /// The selected worker, from 0; none until one is selected.
    pub worker: Option<usize>,
    /// The selected attempt of its lane: call and attempt; none follows the newest.
    pub bar: Option<(u32, u32)>,
    /// Whether that attempt stands where the lanes are.
    pub inside: bool,
    /// The run that is drawn beneath, by its first call.
    pub against: Option<CallId>,
}

impl RunView {
    /// The worker whose lane is looked into: the selected one, else the first that was refused.
    pub fn worker(&self, run: &Run) -> usize {
        let lanes = run.lanes.all();
        let refused = || lanes.iter().position(|lane| lane.failed > 0).unwrap_or(0);
        let worker = self.worker.unwrap_or_else(refused);
        worker.min(lanes.len().saturating_sub(1))
    }

    /// Its lane.
    pub fn lane<'a>(&self, run: &'a Run) -> Option<&'a Lane> {
        run.lanes.all().get(self.worker(run))
    }

    /// The attempt that is looked at: the selected one, else the lane's first refusal where no lane was
    /// selected, else its newest.
    pub fn bar<'a>(&self, run: &'a Run) -> Option<&'a Bar> {
        let lane = self.lane(run)?;
        let chosen = self.bar.and_then(|(call, n)| lane.find(call, n));
        if let Some((_, bar)) = chosen {
            return Some(bar);
        }
        let refused = || lane.bars().find(|bar| bar.asked_s.is_some());
        (self.worker.is_none().then(refused).flatten()).or_else(|| lane.last())
    }

    /// The call of that attempt, while everything of it is kept.
    pub fn call<'a>(&self, run: &'a Run) -> Option<&'a Call> {
        run.call(self.bar(run)?.call)
    }

    /// The run that is drawn beneath: never the same one.
    pub fn other<'a>(&self, run: &Run, runs: &'a Runs) -> Option<&'a Run> {
        let other = runs.get(self.against?)?;
        (other.first() != run.first()).then_some(other)
    }

    fn step_worker(&mut self, run: &Run, by: isize) {
        let last = run.lanes.all().len().saturating_sub(1);
        let to = match self.worker {
            None if by > 0 => 0,
            None => last,
            Some(worker) => worker.saturating_add_signed(by).min(last),
        };
        *self = Self {
            worker: Some(to),
            bar: None,
            ..self.clone()
        };
    }

    fn step_bar(&mut self, run: &Run, by: isize) {
        let (Some(lane), Some(bar)) = (self.lane(run), self.bar(run)) else {
            return;
        };
        let Some((at, _)) = lane.find(bar.call, bar.n) else {
            return;
        };
        let to = at.saturating_add_signed(by);
        self.worker = Some(self.worker(run));
        // The newest is followed, so that the next attempt is looked at when it comes.
        self.bar = lane
            .get(to)
            .filter(|_| to + 1 < lane.bars().len())
            .map(|bar| (bar.call, bar.n));
    }
}

fn hold(run: &Run) -> Reply {
    if !run.is_open() {
        return Reply::say("This run is over; a runs it again.");
    }
    let said = if run.held {
        "The run goes on."
    } else {
        "Held: nothing more is sent; p goes on, Esc ends it."
    };
    Reply {
        said: Some(said.to_owned()),
        ..Reply::of(Effect::HoldRun(run.first(), !run.held))
    }
}

impl Calls {
    /// The run that is looked at.
    pub fn run<'a>(&self, timeline: &'a Timeline, runs: &'a Runs) -> Option<&'a Run> {
        match self.view.item(timeline, runs)? {
            Item::Run(run) => Some(run),
            Item::Call(_) | Item::Batch(_) => None,
        }
    }

    /// The call that is looked at: one of the timeline, or an attempt of a run that was opened.
    pub fn call<'a>(&self, timeline: &'a Timeline, runs: &'a Runs) -> Option<&'a Call> {
        match self.view.item(timeline, runs)? {
            Item::Call(call) => Some(call),
            Item::Run(run) => self.view.run.call(run).filter(|_| self.view.run.inside),
            Item::Batch(_) => None,
        }
    }

    /// A command while a run is looked at, if it means something there.
    pub(super) fn run_command(&mut self, command: Command, ground: &Ground<'_>) -> Option<Reply> {
        let run = self.run(ground.timeline, ground.runs)?;
        let inside = self.view.run.inside;
        match command {
            Command::Open if inside => self.view.run.inside = false,
            Command::Open => return Some(self.open_attempt(run)),
            Command::Compare => return Some(self.compare(run, ground.runs)),
            Command::Hold => return Some(hold(run)),
            _ if inside => return None,
            Command::PrevAttempt => self.view.run.step_worker(run, -1),
            Command::NextAttempt => self.view.run.step_worker(run, 1),
            Command::PageUp => self.view.run.step_worker(run, -PAGE),
            Command::PageDown => self.view.run.step_worker(run, PAGE),
            Command::Earlier => self.view.run.step_bar(run, -1),
            Command::Later => self.view.run.step_bar(run, 1),
            _ => return None,
        }
        Some(Reply::none())
    }

    fn open_attempt(&mut self, run: &Run) -> Reply {
        let Some(bar) = self.view.run.bar(run).copied() else {
            return Reply::say("This worker has sent nothing yet.");
        };
        if run.call(bar.call).is_none() {
            return Reply::say(format!(
                "Headers and text of that call are gone: the newest {} of the run are kept.",
                run.kept()
            ));
        }
        let worker = self.view.run.worker(run);
        self.view.run.worker = Some(worker);
        self.view.run.bar = Some((bar.call, bar.n));
        self.view.run.inside = true;
        self.view.attempt = Some(bar.n);
        self.view.up = 0;
        Reply::none()
    }

    /// Puts the run before this one beneath it, or takes it away.
    fn compare(&mut self, run: &Run, runs: &Runs) -> Reply {
        if self.view.run.other(run, runs).is_some() {
            self.view.run.against = None;
            return Reply::none();
        }
        let others = || runs.all().filter(|other| other.first() != run.first());
        let before = others().rfind(|other| other.number < run.number);
        let Some(other) = before.or_else(|| others().next()) else {
            return Reply::say(
                "There is one run only: send another, then b puts both side by side.",
            );
        };
        self.view.run = RunView {
            against: Some(other.first()),
            ..RunView::default()
        };
        // What is looked at stays, also when another begins.
        self.view.chosen = Some(run.first());
        Reply::none()
    }

    /// Puts the settings of the run that is looked at into the form.
    pub(super) fn take_settings(&mut self, ground: &Ground<'_>) {
        if let Some(run) = self.run(ground.timeline, ground.runs) {
            self.form = self.form.again(&run.asked);
        } else if let Some(batch) = self.batch(ground.timeline, ground.runs) {
            self.form = self.form.again_as_batch(&batch.asked);
        }
    }

    /// Sends the run that the form describes; where it may cost more than a little, asks first.
    pub(super) fn send_run(&mut self, asked: bool, ground: &mut Ground<'_>) -> Reply {
        if ground.runs.all().filter(|run| run.is_open()).count() >= RUNNING_MAX {
            return Reply::say(format!("{RUNNING_MAX} runs go on; Esc ends one."));
        }
        let estimate = self.form.estimate(ground.prices);
        // One call must be allowed; the caps end a run of more than they leave.
        if let Err(why) = ground.may_send(estimate.each_usd) {
            return Reply::say(why);
        }
        if !asked && !ground.card.spend.free && !estimate.is_little() {
            return Reply::ask(estimate.sentence(&ground.card.spend));
        }
        let first = ground.new_run();
        self.open = false;
        self.sent = None;
        let against = self.view.run.against;
        self.view.follow();
        // Who compares wants to see the next one beside the same.
        self.view.run.against = against;
        let mut order = self.form.run(first);
        if order.follows_limits() {
            let levels = |model: &ModelId| {
                let levels = ground.board.levels_of(model, ground.now);
                (!levels.is_empty()).then(|| (model.clone(), levels))
            };
            order.known = order.models().into_iter().filter_map(levels).collect();
        }
        Reply::of(Effect::Run(order))
    }
}
