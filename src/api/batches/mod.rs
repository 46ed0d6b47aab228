//! `/v1/messages/batches`: the same work as a batch, half price. What is submitted is written in
//! `submit`, a batch is watched to its end in `watch`, and each request about it is made in `ask`. Every
//! request draws on the batch group's own requests per minute.
//!
//! To add one of these (an operation on a batch): a variant of `Ask`, and its method.

mod ask;
mod submit;
mod watch;

pub use ask::Results;
pub use submit::{body, fits};
pub use watch::Heed;

use super::{call::Ear, connection::Connection};
use crate::{
    clock::Clock,
    domain::{batch::Standing, call::CallOrder},
};
use std::sync::Arc;

/// Works on one batch.
pub struct Batches<'a> {
    /// Where to.
    pub connection: Arc<Connection>,
    /// The time.
    pub clock: Clock,
    /// Who is told of each request: it counts to the batch group.
    pub ear: Arc<dyn Ear>,
    /// What each of its requests asks, and the policy after a refusal.
    pub order: &'a CallOrder,
    /// What is known of it.
    pub standing: Standing,
    /// Cancels it: at once where it waits, else after the answer that is under way.
    pub cancel: Heed,
}
