//! Sending the same work as a message batch, and looking at one.

use super::{Calls, view::Item};
use crate::{
    app::{
        effect::Effect,
        ground::{Ground, Reply},
        runs::Runs,
    },
    domain::{batch::Work, timeline::Timeline},
};

/// Batches that may be watched at once: each look at one is a request.
const WATCHED_MAX: usize = 2;

impl Calls {
    /// The batch that is looked at.
    pub fn batch<'a>(&self, timeline: &'a Timeline, runs: &'a Runs) -> Option<&'a Work> {
        match self.view.item(timeline, runs)? {
            Item::Batch(batch) => Some(batch),
            Item::Run(_) | Item::Call(_) => None,
        }
    }

    /// Sends the batch that the form describes; where it may cost more than a little, asks first.
    pub(super) fn send_batch(&mut self, asked: bool, ground: &mut Ground<'_>) -> Reply {
        let watched = ground.runs.batches().filter(|batch| batch.is_open());
        if watched.count() >= WATCHED_MAX {
            return Reply::say(format!(
                "{WATCHED_MAX} batches are watched; Esc cancels one."
            ));
        }
        let estimate = self.form.estimate(ground.prices);
        // All of it is booked before it is sent.
        if let Err(why) = ground.may_send(estimate.usd) {
            return Reply::say(why);
        }
        if !asked && !ground.card.spend.free && !estimate.is_little() {
            return Reply::ask(estimate.sentence(&ground.card.spend));
        }
        let id = ground.new_run();
        self.open = false;
        self.sent = None;
        self.view.follow();
        Reply::of(Effect::Batch(self.form.batch_order(id)))
    }
}
