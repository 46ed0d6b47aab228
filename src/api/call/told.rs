//! Whom a call speaks to: an ear that hears what happens, a purse that is asked before money is spent.

use crate::domain::{call::CallOrder, id::CallId, observation::Observation, usage::Usage};
use futures_util::{FutureExt, future::BoxFuture};
use tokio::sync::mpsc;

/// One thing told by a call under way.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// Something was seen.
    Seen(Box<Observation>),
    /// A piece of the answer, cleaned. A later attempt of the same call begins its answer anew, unless
    /// it continues a `pause_turn`.
    Text {
        /// The call.
        call: CallId,
        /// The attempt, from 1.
        attempt: u32,
        /// What to append.
        delta: String,
    },
}

/// Hears what a call tells. May make the call wait, which is how a slow screen slows a fast stream;
/// what it loses is lost.
pub trait Ear: Send + Sync {
    /// Takes one thing in.
    fn hear(&self, told: Told) -> BoxFuture<'_, ()>;
}

impl Ear for mpsc::Sender<Told> {
    fn hear(&self, told: Told) -> BoxFuture<'_, ()> {
        // A receiver that is gone does not end a call: its cancel token does.
        async move {
            let _ = self.send(told).await;
        }
        .boxed()
    }
}

/// A reservation of the purse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What an attempt turned out to cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spent {
    /// It was refused, or never arrived.
    Nothing,
    /// These tokens, as far as is known.
    Tokens(Usage),
    /// It may have been served and nobody said so (a timeout, a cut): the reservation stands.
    Unknown,
}

/// Is asked before every request on the wire, and told afterwards. A ticket that is never settled, in
/// a task that was ended, stays reserved.
pub trait Purse: Send + Sync {
    /// Whether a request that takes at most these tokens may be sent; else why not, in one sentence.
    fn reserve(&self, order: &CallOrder, most: &Usage) -> Result<Ticket, String>;
    /// What it cost.
    fn settle(&self, ticket: Ticket, spent: Spent);
    /// The same for a message batch of so many requests, each of which takes at most that; it costs half.
    fn reserve_batch(
        &self,
        order: &CallOrder,
        each: &Usage,
        requests: u64,
    ) -> Result<Ticket, String> {
        // At the full price, which is the safe side.
        self.reserve(order, &each.times(requests))
    }
    /// What a batch cost: the tokens of each answer; none where nobody knows.
    fn settle_batch(&self, ticket: Ticket, answers: Option<&[Usage]>) {
        let spent = match answers {
            Some([]) => Spent::Nothing,
            Some(answers) => {
                let sum = answers
                    .iter()
                    .fold(Usage::default(), |sum, it| sum.plus(it));
                Spent::Tokens(sum)
            }
            None => Spent::Unknown,
        };
        self.settle(ticket, spent);
    }
}

/// A purse without a bottom: free addresses, and tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenPurse;

impl Purse for OpenPurse {
    fn reserve(&self, _: &CallOrder, _: &Usage) -> Result<Ticket, String> {
        Ok(Ticket(0))
    }

    fn settle(&self, _: Ticket, _: Spent) {}
}
