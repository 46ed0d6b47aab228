//! Calls and their attempts, folded from observations: what tab 2 draws and `call --json` prints.
//! Any source that sends the same observations can be drawn the same way.
//!
//! To add something to an attempt: a field of [`Attempt`], one arm in `fold.rs`, and its place in the
//! law that the order of arrival does not matter.

#[cfg(test)]
pub mod fixtures;
mod fold;
mod keep;

pub use keep::Timeline;

use super::{
    answer::Thought,
    headers::Reading,
    id::{CallId, ClientId, ModelId, RequestId},
    load::pace::Gate,
    observation::{CallResult, Source},
    outcome::Outcome,
    retry::{Action, Decision},
    time::{Time, after, seconds_between},
    usage::Usage,
    verdict::Verdict,
};

/// Ids below are given by the app to calls that a person sends from the form or as a probe. Traffic of
/// other sources (the demo's clients, a tap) numbers its calls from here on.
pub const FIRST_FOREIGN_CALL: u64 = 1 << 32;

/// Calls of a run of many that a person makes from here have ids from here on, each run in a block of
/// its own.
pub const FIRST_RUN_CALL: u64 = 1 << 31;

/// One attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// From 1.
    pub n: u32,
    /// When the request left.
    pub sent_at: Time,
    /// When the head was here.
    pub head_at: Option<Time>,
    /// When it ended.
    pub ended_at: Option<Time>,
    /// Of the head, once it is here.
    pub status: Option<u16>,
    /// For support.
    pub request: Option<RequestId>,
    /// The head, with its raw unknown headers.
    pub reading: Option<Reading>,
    /// Seconds from sending to the head.
    pub first_byte_s: Option<f64>,
    /// Seconds from sending to the first token.
    pub first_token_s: Option<f64>,
    /// Seconds from sending to the end.
    pub duration_s: Option<f64>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// What that was.
    pub verdict: Option<Verdict>,
    /// Tokens so far; also of broken streams.
    pub usage: Option<Usage>,
    /// What its answer said of thinking, if it did.
    pub thought: Option<Thought>,
    /// What the server asked for, seconds.
    pub asked_s: Option<f64>,
    /// What the policy decided, once the attempt has ended.
    pub decision: Option<Decision>,
    /// When it decided.
    pub decided_at: Option<Time>,
    /// Seconds from the decision to the next attempt, once that has left; of a client whose decisions
    /// are not told, from the failure.
    pub slept_s: Option<f64>,
    /// Whether the next attempt left before the server's hint had passed.
    pub early: bool,
}

impl Attempt {
    fn new(n: u32, sent_at: Time) -> Self {
        Self {
            n,
            sent_at,
            head_at: None,
            ended_at: None,
            status: None,
            request: None,
            reading: None,
            first_byte_s: None,
            first_token_s: None,
            duration_s: None,
            outcome: None,
            verdict: None,
            usage: None,
            thought: None,
            asked_s: None,
            decision: None,
            decided_at: None,
            slept_s: None,
            early: false,
        }
    }

    /// The earliest moment that the server's hint allows, counted from the head that carried it.
    pub fn hint_until(&self) -> Option<Time> {
        let heard = self.head_at.or(self.ended_at)?;
        Some(after(heard, self.asked_s?))
    }

    /// When the wait for the next attempt began: the decision, or the failure where none is told.
    pub fn asleep_since(&self) -> Option<Time> {
        let failed = self
            .outcome
            .as_ref()
            .is_some_and(|outcome| !outcome.is_complete());
        self.decided_at.or(self.ended_at.filter(|_| failed))
    }

    /// When the next attempt is to leave, if the policy decided to retry.
    pub fn next_due(&self) -> Option<Time> {
        let decision = self.decision.as_ref()?;
        (decision.action == Action::Retry).then_some(after(self.decided_at?, decision.wait_s))
    }

    /// Whether the answer was whole but is to be continued: `pause_turn`. That is no retry.
    pub fn is_paused_turn(&self) -> bool {
        matches!(&self.outcome, Some(Outcome::Complete { stop_reason: Some(reason), .. }) if reason == "pause_turn")
    }

    /// Generated tokens per second, from the first token to the end.
    pub fn tokens_per_second(&self) -> Option<f64> {
        let span = self.duration_s? - self.first_token_s?;
        let tokens = self.usage?.output_tokens;
        (span > 0.0 && tokens > 1).then(|| tokens as f64 / span)
    }
}

/// A request that was ready before it could leave: the run's own pacing held it back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hold {
    /// The attempt, from 1.
    pub n: u32,
    /// Since when.
    pub since: Time,
    /// For what it waited last.
    pub gate: Gate,
    /// When that was told.
    pub told: Time,
}

/// What a call is doing at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Doing {
    /// A request is out; no head yet.
    InFlight,
    /// A head is here, the body arrives.
    Receiving,
    /// Asleep until then.
    Waiting(Time),
    /// Awake, but held back by the run's own pacing.
    Held(Hold),
    /// Between two of these.
    Deciding,
    /// Over.
    Over(CallResult),
}

/// One logical call.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Its id.
    pub id: CallId,
    /// Whose.
    pub client: ClientId,
    /// Who saw it.
    pub source: Source,
    /// The model asked for.
    pub model: ModelId,
    /// The policy's name; empty where it is not known.
    pub policy: String,
    /// Attempts allowed in all; none where that is not known.
    pub allowed: Option<u32>,
    /// Whether it streams.
    pub stream: bool,
    /// Input tokens it was expected to take.
    pub input_estimate: u64,
    /// When it began.
    pub began_at: Time,
    /// When it ended.
    pub closed_at: Option<Time>,
    /// How it ended.
    pub result: Option<CallResult>,
    /// First to last.
    pub attempts: Vec<Attempt>,
    /// Those whose requests were held back, by number.
    pub holds: Vec<Hold>,
}

impl Call {
    /// Whether a person sent it from here (form or probe), by its id.
    pub const fn is_own(&self) -> bool {
        self.id.0 < FIRST_FOREIGN_CALL
    }

    /// Whether another program made it, that is neither a test call nor a probe.
    pub const fn is_traffic(&self) -> bool {
        !self.is_own() && !matches!(self.source, Source::Probe)
    }

    /// Whether it still goes on.
    pub const fn is_open(&self) -> bool {
        self.result.is_none()
    }

    /// What it is doing.
    pub fn doing(&self) -> Doing {
        if let Some(result) = self.result {
            return Doing::Over(result);
        }
        match self.attempts.last() {
            _ if self.held().is_some() => self.held().map_or(Doing::Deciding, Doing::Held),
            None => Doing::Deciding,
            Some(last) => match (last.next_due(), &last.outcome, last.head_at) {
                (Some(due), _, _) => Doing::Waiting(due),
                (None, Some(_), _) => Doing::Deciding,
                (None, None, Some(_)) => Doing::Receiving,
                (None, None, None) => Doing::InFlight,
            },
        }
    }

    /// How an attempt's request was held back by the run's own pacing, if it was.
    pub fn hold_of(&self, n: u32) -> Option<Hold> {
        let at = self.holds.binary_search_by_key(&n, |hold| hold.n).ok()?;
        Some(self.holds[at])
    }

    /// How its next request is held back now.
    pub fn held(&self) -> Option<Hold> {
        let hold = self.holds.last()?;
        let left = self.attempts.last().is_some_and(|last| last.n >= hold.n);
        (self.is_open() && !left).then_some(*hold)
    }

    /// When its last attempt failed, while nobody knows whether its client will come back: a client
    /// that tells no decisions says so only by coming.
    pub fn may_come_back_since(&self) -> Option<Time> {
        let last = self.attempts.last()?;
        let unknown = self.is_open() && self.policy.is_empty() && last.decision.is_none();
        last.asleep_since().filter(|_| unknown)
    }

    /// Seconds from its beginning to its end, or to `now`; of a call whose client may come back, to its
    /// last failure.
    pub fn elapsed_s(&self, now: Time) -> f64 {
        let end = self.closed_at.or_else(|| self.may_come_back_since());
        seconds_between(self.began_at, end.unwrap_or(now)).max(0.0)
    }

    /// Tokens of every attempt together, also of broken ones; none when no server said anything.
    pub fn usage(&self) -> Option<Usage> {
        let said = self.attempts.iter().filter_map(|attempt| attempt.usage);
        said.reduce(|sum, usage| sum.plus(&usage))
    }

    /// What the answers of its attempts said of thinking, together; none when none said anything.
    pub fn thought(&self) -> Option<Thought> {
        let said = self.attempts.iter().filter_map(|attempt| attempt.thought);
        said.reduce(Thought::plus)
    }

    /// Tries that count towards `allowed`: continuations of a paused turn do not.
    pub fn tries(&self) -> u32 {
        let mut tries = 0;
        let mut continues = false;
        for attempt in &self.attempts {
            tries += u32::from(!continues);
            continues = attempt.is_paused_turn();
        }
        tries
    }

    /// `3 of 5`, or `3` where nobody knows how many are allowed.
    pub fn tries_of_allowed(&self) -> String {
        let tries = self.tries();
        self.allowed.map_or_else(
            || tries.to_string(),
            |allowed| format!("{tries} of {}", allowed.max(tries)),
        )
    }

    /// Attempts that left before the server's hint had passed.
    pub fn early_retries(&self) -> usize {
        self.attempts.iter().filter(|attempt| attempt.early).count()
    }

    /// Seconds by which the attempt after `attempt` left before the server's hint had passed; none
    /// unless it did.
    pub fn early_by(&self, attempt: &Attempt) -> Option<f64> {
        let next = self.attempts.iter().find(|next| next.n == attempt.n + 1)?;
        let until = attempt.hint_until()?;
        attempt.early.then(|| seconds_between(next.sent_at, until))
    }

    /// The stop reason of the last whole answer.
    pub fn stop_reason(&self) -> Option<&str> {
        self.attempts
            .iter()
            .rev()
            .find_map(|attempt| match &attempt.outcome {
                Some(Outcome::Complete { stop_reason, .. }) => stop_reason.as_deref(),
                _ => None,
            })
    }
}
