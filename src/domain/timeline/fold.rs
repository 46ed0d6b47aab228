//! The fold. Observations of one call may arrive in any order after its `Began`; the result is the
//! same. Those of unknown calls are ignored.

use super::{Attempt, Call, Hold, Timeline};
use crate::domain::{
    id::{CallId, ClientId},
    load::pace::Gate,
    observation::{Observation, What},
    time::{after, seconds_between},
};

/// More attempts than any policy makes (100) plus continuations; the rest is not kept.
const MAX_ATTEMPTS: usize = 256;

/// A hint counts as passed when it is missed by less: clocks and timers are not finer.
const TOLERANCE_S: f64 = 0.002;

impl Timeline {
    /// Takes one observation in; those that belong to no call are ignored. A call that had to go to
    /// make room comes back.
    pub fn absorb(&mut self, seen: &Observation) -> Option<Call> {
        let id = seen.call?;
        if let What::Began { .. } = &seen.what {
            return self.begin(id, seen);
        }
        let call = self.call_mut(id)?;
        if let What::Closed { result } = &seen.what {
            call.result = Some(*result);
            call.closed_at = Some(seen.at);
        } else if let What::Held { gate } = seen.what {
            call.hold(seen, gate);
        } else if let Some(index) = call.place_of(seen) {
            call.attempts[index].take(seen);
            call.settle(index);
        }
        None
    }

    fn begin(&mut self, id: CallId, seen: &Observation) -> Option<Call> {
        let What::Began {
            policy,
            attempts,
            stream,
            input_estimate,
        } = &seen.what
        else {
            return None;
        };
        if self.call(id).is_some_and(|call| call.began_at == seen.at) {
            return None;
        }
        // Another moment: the id came back, because a recording is played again.
        self.remove(id);
        self.push(Call {
            id,
            client: seen
                .client
                .clone()
                .unwrap_or_else(|| ClientId::from("unknown")),
            source: seen.source,
            model: seen.model.clone().unwrap_or_else(|| "unknown".into()),
            policy: policy.clone(),
            allowed: *attempts,
            stream: *stream,
            input_estimate: *input_estimate,
            began_at: seen.at,
            closed_at: None,
            result: None,
            attempts: Vec::new(),
            holds: Vec::new(),
        })
    }
}

impl Call {
    /// Where the attempt of an observation is, made when it is not there yet.
    fn place_of(&mut self, seen: &Observation) -> Option<usize> {
        if matches!(
            seen.what,
            What::Began { .. }
                | What::Held { .. }
                | What::Closed { .. }
                | What::Counted { .. }
                | What::Aside { .. }
                | What::Limits { .. }
        ) {
            return None;
        }
        let n = match seen.attempt {
            Some(n) => n.max(1),
            None => self.attempts.last().map_or(1, |last| last.n),
        };
        match self.attempts.binary_search_by_key(&n, |attempt| attempt.n) {
            Ok(index) => Some(index),
            Err(_) if self.attempts.len() >= MAX_ATTEMPTS => None,
            Err(index) => {
                // Until `Sent` itself is here, its moment follows from the spans.
                let since_sent = match &seen.what {
                    What::Head { first_byte_s, .. } => *first_byte_s,
                    What::FirstToken { after_s } => *after_s,
                    What::Finished { duration_s, .. } => *duration_s,
                    _ => 0.0,
                };
                self.attempts
                    .insert(index, Attempt::new(n, after(seen.at, -since_sent)));
                Some(index)
            }
        }
    }

    /// An attempt's request is held back: since the first time that is told, for what is told last.
    fn hold(&mut self, seen: &Observation, gate: Gate) {
        let n = seen.attempt.unwrap_or(1).max(1);
        match self.holds.binary_search_by_key(&n, |hold| hold.n) {
            Ok(at) => {
                let hold = &mut self.holds[at];
                hold.since = hold.since.min(seen.at);
                if (seen.at, gate) >= (hold.told, hold.gate) {
                    (hold.told, hold.gate) = (seen.at, gate);
                }
            }
            Err(_) if self.holds.len() >= MAX_ATTEMPTS => {}
            Err(at) => self.holds.insert(
                at,
                Hold {
                    n,
                    since: seen.at,
                    gate,
                    told: seen.at,
                },
            ),
        }
        if let Some(before) = self.attempts.iter().position(|it| it.n + 1 == n) {
            self.settle(before);
        }
    }

    /// What an attempt and its neighbours say about each other.
    fn settle(&mut self, changed: usize) {
        for index in [changed.checked_sub(1), Some(changed)]
            .into_iter()
            .flatten()
        {
            let next_sent = self
                .attempts
                .get(index + 1)
                .filter(|next| next.n == self.attempts[index].n + 1)
                .map(|next| next.sent_at);
            // What its pacing added is not the policy's sleep.
            let hold = self.hold_of(self.attempts[index].n + 1);
            let attempt = &mut self.attempts[index];
            let Some(next_sent) = next_sent else { continue };
            attempt.slept_s = attempt.asleep_since().map(|since| {
                let awake = hold.map_or(next_sent, |hold| hold.since.min(next_sent));
                seconds_between(since, awake).max(0.0)
            });
            attempt.early = attempt
                .hint_until()
                .is_some_and(|until| seconds_between(next_sent, until) > TOLERANCE_S);
        }
    }
}

impl Attempt {
    fn take(&mut self, seen: &Observation) {
        match &seen.what {
            What::Sent => self.sent_at = seen.at,
            What::Head {
                status,
                reading,
                first_byte_s,
            } => {
                self.head_at = Some(seen.at);
                self.status = Some(*status);
                self.first_byte_s = Some(*first_byte_s);
                self.request = reading.request.clone().or(self.request.take());
                self.asked_s = self.asked_s.or(reading.hint.asked_s());
                self.reading = Some(reading.clone());
            }
            What::FirstToken { after_s } => self.first_token_s = Some(*after_s),
            What::Thought(thought) => {
                let kept = self.thought.unwrap_or_default();
                self.thought = kept.larger(*thought).any();
            }
            What::Progress { usage } => {
                // Late progress says less than the end did.
                if self.outcome.is_none() {
                    self.usage = Some(self.usage.map_or(*usage, |kept| kept.larger(usage)));
                }
            }
            What::Finished {
                outcome,
                usage,
                duration_s,
                verdict,
            } => {
                self.ended_at = Some(seen.at);
                self.duration_s = Some(*duration_s);
                self.usage = usage.or(self.usage);
                self.status = self.status.or(outcome.status());
                self.asked_s = self.asked_s.or(outcome.hint().asked_s());
                let named = verdict
                    .as_ref()
                    .and_then(|verdict| verdict.request_id.clone());
                self.request = self.request.take().or(named);
                self.verdict = verdict.as_deref().cloned();
                self.outcome = Some(outcome.clone());
            }
            What::Decided { decision, asked_s } => {
                self.decided_at = Some(seen.at);
                self.asked_s = self.asked_s.or(*asked_s);
                self.decision = Some(decision.clone());
            }
            What::Began { .. }
            | What::Held { .. }
            | What::Closed { .. }
            | What::Counted { .. }
            | What::Aside { .. }
            | What::Limits { .. } => {}
        }
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
