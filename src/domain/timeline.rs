//! Calls and their attempts, folded from observations: what tab 2 draws and `call --json` prints.
//! Any source that sends the same observations can be drawn the same way.

use super::{
    headers::Reading,
    id::{CallId, ClientId, ModelId, RequestId},
    observation::{CallResult, Observation, Source},
    outcome::Outcome,
    retry::Decision,
    time::Time,
    usage::Usage,
    verdict::Verdict,
};
use std::collections::VecDeque;

/// One attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// From 1.
    pub n: u32,
    /// When the request left.
    pub sent_at: Time,
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
    /// What the server asked for, seconds.
    pub asked_s: Option<f64>,
    /// What the policy decided, once the attempt has ended.
    pub decision: Option<Decision>,
    /// When it decided.
    pub decided_at: Option<Time>,
    /// Seconds from the decision to the next attempt, once that has left.
    pub slept_s: Option<f64>,
    /// Whether the next attempt left before the server's hint had passed.
    pub early: bool,
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
    /// The policy's name.
    pub policy: String,
    /// Attempts allowed in all.
    pub allowed: u32,
    /// Whether it streams.
    pub stream: bool,
    /// When it began.
    pub began_at: Time,
    /// When it ended.
    pub closed_at: Option<Time>,
    /// How it ended.
    pub result: Option<CallResult>,
    /// First to last.
    pub attempts: Vec<Attempt>,
}

/// The newest calls, bounded.
#[derive(Clone, Debug)]
pub struct Timeline {
    calls: VecDeque<Call>,
    capacity: usize,
}

impl Timeline {
    /// An empty timeline that keeps the newest `capacity` calls.
    pub fn new(capacity: usize) -> Self {
        Self {
            calls: VecDeque::new(),
            capacity: capacity.max(1),
        }
    }

    /// Takes one observation in; those that belong to no call are ignored.
    pub fn absorb(&mut self, seen: &Observation) {
        let _ = (seen, self.capacity);
    }

    /// Oldest first.
    pub fn calls(&self) -> impl DoubleEndedIterator<Item = &Call> + ExactSizeIterator {
        self.calls.iter()
    }

    /// The call of that id, if it is still kept.
    pub fn call(&self, id: CallId) -> Option<&Call> {
        self.calls.iter().rev().find(|call| call.id == id)
    }
}
