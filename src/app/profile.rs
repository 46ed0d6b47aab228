//! Everything of one profile: its card, its board, its calls. The boards of all profiles stay.

use super::{
    answers::{Answer, Answers},
    calls::Calls,
    effect::Effect,
    event::{FormDefaults, ProfileCard, Thresholds},
    runs::{Runs, is_of_run},
    traffic::Passed,
};
use crate::domain::{
    board::Board,
    id::CallId,
    notice::{Draft, NoticeKind},
    observation::{Observation, What},
    outcome::Outcome,
    retry::Policy,
    spend::Spend,
    tier::Tiers,
    time::Time,
    timeline::{Attempt, Call, Timeline},
    verdict::{Cause, Verdict},
};
use std::sync::Arc;

/// Calls kept for the timeline: a minute of busy traffic, about 3 MB.
pub const CALLS: usize = 1_000;

/// The newest call that was not served.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// When.
    pub at: Time,
    /// The call and its attempt, for what happened after it.
    pub call: Option<(CallId, u32)>,
    /// What it was.
    pub verdict: Box<Verdict>,
}

/// Everything of one profile.
#[derive(Clone, Debug)]
pub struct Profile {
    /// What the app may know of it.
    pub card: ProfileCard,
    /// Its pools.
    pub board: Board,
    /// Its calls.
    pub timeline: Timeline,
    /// Its runs of many calls; their calls are not in the timeline.
    pub runs: Runs,
    /// What of them passed from other programs, in order and in numbers.
    pub passed: Passed,
    /// What its test calls answered.
    pub answers: Answers,
    /// State of tab 2.
    pub calls: Calls,
    /// The newest refusal.
    pub refusal: Option<Refusal>,
    /// When a call was last answered whole.
    served_at: Option<Time>,
    /// Whether the cost of a probe was said and accepted.
    pub probe_accepted: bool,
}

impl Profile {
    /// A profile of which nothing has been seen yet.
    pub fn new(card: ProfileCard, tiers: Arc<Tiers>) -> Self {
        let board = Board::new(card.workspace.clone(), tiers);
        let mut calls = Calls::default();
        calls.adopt(&card);
        Self {
            card,
            board,
            timeline: Timeline::new(CALLS),
            runs: Runs::default(),
            passed: Passed::default(),
            answers: Answers::default(),
            calls,
            refusal: None,
            served_at: None,
            probe_accepted: false,
        }
    }

    /// Takes one observation in; what is worth telling comes back, and the call that the timeline has
    /// let go of.
    pub fn absorb(&mut self, seen: &Observation) -> (Vec<Draft>, Option<Call>) {
        let of_run = seen.call.is_some_and(is_of_run);
        let told_alone = !of_run || self.runs.absorb(seen);
        let gone = if of_run {
            None
        } else {
            self.timeline.absorb(seen)
        };
        if let Some(gone) = &gone {
            self.passed.index.remove(gone.id);
        }
        if !of_run {
            self.passed.absorb(seen, &self.timeline);
        }
        if let What::Finished {
            verdict: Some(verdict),
            ..
        } = &seen.what
        {
            self.refusal = Some(Refusal {
                at: seen.at,
                call: seen.call.zip(seen.attempt),
                verdict: verdict.clone(),
            });
        }
        if let What::Finished { outcome, .. } = &seen.what
            && outcome.is_complete()
        {
            self.served_at = Some(seen.at);
        }
        let mut told = self.board.absorb(seen);
        if !told_alone {
            told.retain(|draft| draft.kind != NoticeKind::Refusal);
        }
        if matches!(seen.what, What::Limits { .. }) {
            self.calls.know(&self.board);
        }
        (told, gone)
    }

    /// What runs that follow the server's buckets are to know of somebody else's answer.
    pub fn overheard(&self, seen: &Observation) -> Vec<Effect> {
        if !matches!(seen.what, What::Head { .. }) {
            return Vec::new();
        }
        let paced = self
            .runs
            .all()
            .filter(|run| run.is_open() && run.asked.follows_limits());
        let strangers = paced.filter(|run| {
            let own = seen.call.and_then(|call| self.runs.of(call));
            own.is_none_or(|own| own.first() != run.first())
        });
        strangers
            .filter_map(|run| {
                let mut models = run.asked.models().into_iter();
                let told = models.find_map(|model| Some((model, self.board.told_of(seen, model)?)));
                let (model, levels) = told?;
                Some(Effect::Overheard {
                    first: run.first(),
                    at: seen.at,
                    model: model.clone(),
                    levels: levels.to_vec(),
                })
            })
            .collect()
    }

    /// Takes a piece of an answer. A further attempt answers anew, unless it continues a whole one
    /// (`pause_turn`).
    pub fn hear(&mut self, call: CallId, attempt: u32, delta: &str) {
        let before = self.call(call).and_then(|seen| {
            seen.attempts
                .iter()
                .rev()
                .find(|earlier| earlier.n < attempt)?
                .outcome
                .as_ref()
        });
        let continues = before.is_some_and(Outcome::is_complete);
        if is_of_run(call) {
            self.runs.hear(call, attempt, continues, delta);
        } else {
            self.answers.append(call, attempt, continues, delta);
        }
    }

    /// A call of the timeline, or of a run, while it is kept.
    pub fn call(&self, id: CallId) -> Option<&Call> {
        if is_of_run(id) {
            return self.runs.of(id)?.call_of(id);
        }
        self.timeline.call(id)
    }

    /// What a test call answered.
    pub fn answer(&self, id: CallId) -> Option<&Answer> {
        if is_of_run(id) {
            return self.runs.answer(id);
        }
        self.answers.of(id)
    }

    /// The newest refusal, where it was for money and nothing was served since: then no bucket matters.
    pub fn spent(&self) -> Option<&Refusal> {
        let refusal = self.refusal.as_ref()?;
        let cause = refusal.verdict.cause;
        let money = cause.is_spend() || cause == Cause::Billing;
        let served_since = self.served_at.is_some_and(|at| at > refusal.at);
        (money && !served_since).then_some(refusal)
    }

    /// The attempt that met the newest refusal, while the timeline still has it.
    pub fn refused_attempt(&self) -> Option<&Attempt> {
        let (_, n) = self.refusal.as_ref()?.call?;
        let attempts = &self.refused_call()?.attempts;
        attempts.iter().find(|attempt| attempt.n == n)
    }

    /// Its call.
    pub fn refused_call(&self) -> Option<&Call> {
        let (call, _) = self.refusal.as_ref()?.call?;
        self.call(call)
    }
}

/// A card for a profile whose own has not come yet: it can do nothing.
pub fn blank_card(name: Arc<str>) -> ProfileCard {
    ProfileCard {
        siblings: vec![name.clone()],
        name,
        host: String::new(),
        can_call: false,
        cannot_call_because: Some("This profile is not ready yet.".to_owned()),
        can_poll: false,
        tap: None,
        attached: None,
        chaos: None,
        meet: None,
        workspace: None,
        thresholds: Thresholds {
            tight_percent: 25.0,
            critical_percent: 10.0,
        },
        form: FormDefaults {
            model: String::new(),
            prompt: String::new(),
            max_tokens: 256,
            stream: true,
            policy: Policy::HintJitter,
            attempts: None,
            policies: Policy::ALL.into(),
        },
        spend: Spend::default(),
    }
}
