//! One logical call with all its attempts: send, read, judge, decide, wait, again.
//!
//! Everything that happens is told as it happens: `Began (Held* Sent Head Thought* FirstToken? Progress*
//! Finished Decided?)+ Closed`. A `pause_turn` is continued as a further attempt of the same call, with the
//! content sent back unchanged and a `Decided` that says so: on the wire it is one more request, and it
//! draws on the limits like one. Continuations do not use up the policy's attempts; failures do.
//!
//! To add one of these (a new kind of ending): a variant of `Outcome`, the place in `attempt` that
//! finds it, and what it costs in `Spent`.

mod attempt;
mod share;
mod told;

pub use share::Share;
pub use told::{Ear, OpenPurse, Purse, Spent, Ticket, Told};

use super::{connection::Connection, messages};
use crate::{
    clock::Clock,
    domain::{
        call::{BYTES_A_TOKEN, CallOrder},
        id::{OrganizationId, WorkspaceId},
        load::pace::{self, Cost},
        observation::{CallResult, Observation, What},
        org::{Group, Override},
        outcome::Outcome,
        retry::{Action, Decision, Ended},
        time::{Time, seconds_between},
        verdict::{Context, Verdict, judge},
    },
};
use attempt::Tried;
use futures_util::FutureExt;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// `pause_turn`s that are continued in one call. The API pauses after 10 rounds of server tools.
pub const MOST_HOPS: u32 = 10;
/// No wait is longer, whatever a server asks for: a year.
const LONGEST_WAIT_S: f64 = 365.0 * 86_400.0;

/// What is known around a call when its refusals are judged; taken from the board when it is ordered.
#[derive(Clone, Debug, Default)]
pub struct Around {
    /// The pool of the model, with its configured limits.
    pub pool: Option<Group>,
    /// Overrides that were read.
    pub overrides: Vec<Override>,
}

/// Makes calls on one connection. Cheap to clone; each clone may make calls at the same time.
#[derive(Clone)]
pub struct Driver {
    /// Where to.
    pub connection: Arc<Connection>,
    /// The time.
    pub clock: Clock,
    /// Who is asked before money is spent.
    pub purse: Arc<dyn Purse>,
    /// Who is told.
    pub ear: Arc<dyn Ear>,
    /// What its calls share with others.
    pub share: Arc<Share>,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallEnd {
    /// As `Closed` said it.
    pub result: CallResult,
    /// Requests that were sent.
    pub wire: u32,
    /// Why an attempt was not even sent: the purse's or the connection's sentence.
    pub unsent: Option<String>,
}

impl Driver {
    /// Makes one logical call. Ends at once when `cancel` is, also in a wait and in a stream.
    pub async fn run(
        &self,
        order: &CallOrder,
        around: &Around,
        dice: &mut fastrand::Rng,
        cancel: &CancellationToken,
    ) -> CallEnd {
        let mut call = Run {
            driver: self,
            order,
            around,
            began: self.clock.now(),
            input_estimate: order.input_estimate(),
            wire: 0,
            reserved: Cost::default(),
            organization: None,
            workspace: self.connection.workspace.clone(),
        };
        call.tell(What::Began {
            policy: order.policy.name().to_owned(),
            attempts: Some(order.attempts.max(1)),
            stream: order.stream,
            input_estimate: call.input_estimate,
        })
        .await;
        self.share.called();
        let (result, unsent) = call.attempts(dice, cancel).await;
        call.tell(What::Closed { result }).await;
        CallEnd {
            result,
            wire: call.wire,
            unsent,
        }
    }
}

/// A call under way.
struct Run<'a> {
    driver: &'a Driver,
    order: &'a CallOrder,
    around: &'a Around,
    began: Time,
    input_estimate: u64,
    wire: u32,
    /// For the request that is out, where a pace holds requests back.
    reserved: Cost,
    /// Of the last head.
    organization: Option<OrganizationId>,
    workspace: Option<WorkspaceId>,
}

impl Run<'_> {
    async fn attempts(
        &mut self,
        dice: &mut fastrand::Rng,
        cancel: &CancellationToken,
    ) -> (CallResult, Option<String>) {
        let mut failures = 0;
        let mut last_wait_s = 0.0;
        let mut earlier = Vec::new();
        loop {
            tokio::select! {
                biased;
                () = cancel.cancelled() => return (CallResult::Cancelled, None),
                reserved = self.may_leave() => self.reserved = reserved,
            }
            let (ticket, request) = match self.prepare(&earlier) {
                Ok(ready) => ready,
                Err(why) => {
                    self.over(None);
                    self.decided(stop(why.clone()), None).await;
                    return (CallResult::Failed, Some(why));
                }
            };
            self.wire += 1;
            let tried = self.attempt(request, cancel).await;
            self.driver.purse.settle(ticket, tried.spent);
            self.over(Some(&tried));
            let verdict = self.finish(&tried).await;
            let decision = match &tried.outcome {
                Outcome::Cancelled => return (CallResult::Cancelled, None),
                Outcome::Complete { stop_reason, .. } => {
                    if stop_reason.as_deref() != Some("pause_turn") {
                        return (CallResult::Ok, None);
                    }
                    let decision = continuation(earlier.len() as u32, tried.content.is_empty());
                    earlier.push(tried.content);
                    decision
                }
                failed => {
                    failures += 1;
                    let ended = Ended {
                        attempts: failures,
                        allowed: self.order.attempts.max(1),
                        elapsed_s: seconds_between(self.began, self.driver.clock.now()),
                        last_wait_s,
                        outcome: failed,
                        verdict: verdict.as_ref(),
                        die: dice.f64(),
                    };
                    let decision = self.order.limits.decide(self.order.policy, &ended);
                    self.driver.share.bound(decision)
                }
            };
            let wait = decision.wait_s;
            last_wait_s = wait;
            let again = decision.action == Action::Retry;
            self.decided(decision, tried.outcome.hint().asked_s()).await;
            if !again {
                return (CallResult::Failed, None);
            }
            let wait =
                Duration::try_from_secs_f64(wait.clamp(0.0, LONGEST_WAIT_S)).unwrap_or_default();
            tokio::select! {
                biased;
                () = cancel.cancelled() => return (CallResult::Cancelled, None),
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Waits until a request may leave: while the run is paused, and for its pace.
    async fn may_leave(&self) -> Cost {
        let share = &self.driver.share;
        share.go().await;
        let cost = Cost::from(&self.order.most());
        let next = self.wire + 1;
        let told = |gate| {
            let at = self.driver.clock.now();
            self.tell_of(at, Some(next), What::Held { gate }).boxed()
        };
        share
            .admit(&self.driver.clock, &self.order.model, cost, told)
            .await
    }

    /// Gives back what was reserved for a request that is over, or that never left.
    fn over(&self, tried: Option<&Tried>) {
        let outcome = tried.map(|tried| &tried.outcome);
        let refused = matches!(
            outcome,
            Some(Outcome::Refused {
                status: 429 | 529,
                ..
            })
        );
        let ended = pace::Ended {
            reserved: self.reserved,
            usage: tried.and_then(|tried| tried.usage),
            headed: tried.is_some_and(|tried| tried.reading.is_some()),
            refused,
            asked_s: outcome.and_then(|outcome| outcome.hint().asked_s()),
        };
        let share = &self.driver.share;
        share.ended(self.driver.clock.now(), &self.order.model, &ended);
    }

    /// Asks the purse and writes the request; an error is why nothing is sent.
    fn prepare(
        &self,
        earlier: &[Vec<serde_json::Value>],
    ) -> Result<(Ticket, crate::net::transport::Request), String> {
        let request = messages::request(&self.driver.connection, self.order, earlier)?;
        // What goes back after a pause is input too.
        let bytes: usize = earlier.iter().flatten().map(|b| b.to_string().len()).sum();
        let mut most = self.order.most();
        most.input_tokens += (bytes / BYTES_A_TOKEN) as u64;
        let ticket = self.driver.purse.reserve(self.order, &most)?;
        Ok((ticket, request))
    }

    /// Judges an attempt and tells how it ended.
    async fn finish(&self, tried: &Tried) -> Option<Verdict> {
        let verdict = judge(
            &tried.outcome,
            &Context {
                now: tried.ended_at,
                model: Some(&self.order.model),
                pool: self.around.pool.as_ref(),
                workspace: self.workspace.as_ref(),
                overrides: &self.around.overrides,
                reading: tried.reading.as_ref(),
                input_estimate: Some(self.input_estimate),
                fast: self.driver.connection.fast,
            },
        );
        if let Some(thought) = tried.thought.any() {
            self.tell_at(tried.ended_at, What::Thought(thought)).await;
        }
        self.tell_at(
            tried.ended_at,
            What::Finished {
                outcome: tried.outcome.clone(),
                usage: tried.usage,
                duration_s: seconds_between(tried.sent_at, tried.ended_at),
                verdict: verdict.clone().map(Box::new),
            },
        )
        .await;
        verdict
    }

    async fn decided(&self, decision: Decision, asked_s: Option<f64>) {
        self.tell(What::Decided { decision, asked_s }).await;
    }

    async fn tell(&self, what: What) {
        self.tell_at(self.driver.clock.now(), what).await;
    }

    async fn tell_at(&self, at: Time, what: What) {
        let out = self.wire > 0 && !matches!(what, What::Closed { .. });
        self.tell_of(at, out.then_some(self.wire), what).await;
    }

    async fn tell_of(&self, at: Time, attempt: Option<u32>, what: What) {
        let seen = Observation {
            at,
            source: self.order.source,
            call: Some(self.order.call),
            attempt,
            client: Some(self.order.client.clone()),
            organization: self.organization.clone(),
            workspace: self.workspace.clone(),
            model: Some(self.order.model.clone()),
            fast: self.driver.connection.fast,
            what,
        };
        self.driver.ear.hear(Told::Seen(Box::new(seen))).await;
    }

    async fn tell_text(&self, delta: String) {
        let delta = self.driver.connection.without_key(delta);
        self.driver
            .ear
            .hear(Told::Text {
                call: self.order.call,
                attempt: self.wire,
                delta,
            })
            .await;
    }
}

/// What follows a `pause_turn` when `hops` were continued before.
fn continuation(hops: u32, content_is_lost: bool) -> Decision {
    if content_is_lost {
        return stop(
            "pause_turn: the content could not be kept whole, so it cannot be sent back".into(),
        );
    }
    if hops >= MOST_HOPS {
        return stop(format!(
            "pause_turn: still paused after {hops} continuations"
        ));
    }
    Decision {
        action: Action::Retry,
        wait_s: 0.0,
        jitter_s: 0.0,
        reason: format!(
            "pause_turn: continued with its content unchanged, {} of at most {MOST_HOPS}",
            hops + 1
        ),
    }
}

fn stop(reason: String) -> Decision {
    Decision {
        action: Action::Stop,
        wait_s: 0.0,
        jitter_s: 0.0,
        reason,
    }
}

#[cfg(test)]
mod tests;
