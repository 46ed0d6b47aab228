//! The message batch that the form describes.

use super::{Field, Form};
use crate::domain::{
    batch::{BatchOrder, MOST_REQUESTS},
    id::CallId,
    load::{plan::MOST_CALLS, run::RunOrder},
    number::thousands,
};

impl Form {
    /// Requests of the batch: as many as there are calls, else one for each worker.
    pub fn requests(&self) -> u32 {
        self.calls.unwrap_or(self.workers).min(MOST_CALLS)
    }

    /// The batch that the form describes.
    pub fn batch_order(&self, id: CallId) -> BatchOrder {
        BatchOrder {
            order: self.order(id),
            requests: self.requests(),
        }
    }

    /// A form that describes that batch again, with the same policies to choose from.
    #[must_use]
    pub fn again_as_batch(&self, asked: &BatchOrder) -> Self {
        let run = RunOrder {
            order: asked.order.clone(),
            ..self.run(asked.order.call)
        };
        let form = self.again(&run);
        Self {
            calls: Some(asked.requests),
            batch: true,
            ..form
        }
    }

    /// What of the form a batch cannot have, and why.
    pub(in crate::app::calls) fn no_batch(&self) -> Option<(Field, String)> {
        if !self.batch {
            return None;
        }
        if self.requests() > MOST_REQUESTS {
            let most = thousands(u64::from(MOST_REQUESTS));
            return Some((Field::Calls, format!("a batch has at most {most}")));
        }
        let whenever = "not in a batch: the API works on it when it likes";
        let wrong = [
            (Field::Rate, self.rate.is_some(), whenever),
            (Field::Duration, self.duration_s.is_some(), whenever),
            (Field::Pace, self.pacing.is_some(), whenever),
            (
                Field::Spread,
                self.spread.is_some(),
                "not in a batch: it goes to one model",
            ),
            (
                Field::Ending,
                self.ending.is_some(),
                "not in a batch: its answers end as they come",
            ),
        ];
        let found = wrong.into_iter().find(|(_, wrong, _)| *wrong);
        found.map(|(field, _, why)| (field, why.to_owned()))
    }
}
