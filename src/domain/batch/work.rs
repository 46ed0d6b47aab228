//! A batch that is made: ordered, watched, over.

use super::{Batch, Tally};
use crate::domain::{
    call::CallOrder,
    id::CallId,
    limit::Dimension,
    org::Group,
    outcome::Outcome,
    time::{Time, seconds_between},
    verdict::Verdict,
};

/// A batch to make.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchOrder {
    /// What each of its requests asks; its id is that of the batch.
    pub order: CallOrder,
    /// How many, 1 to [`super::MOST_REQUESTS`].
    pub requests: u32,
}

/// Why something could not be had.
#[derive(Clone, Debug, PartialEq)]
pub struct Refused {
    /// What came instead.
    pub outcome: Outcome,
    /// What that was.
    pub verdict: Option<Box<Verdict>>,
}

/// What is known of a batch so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standing {
    /// The batch group with its limits, where it is known.
    pub pool: Option<Group>,
    /// As it was told last; none before it was made.
    pub batch: Option<Batch>,
    /// Its results, once they were read.
    pub results: Option<Tally>,
    /// Requests that were made for it: its creation, looks at it, its results.
    pub made: u64,
    /// Of these, refused with 429.
    pub limited: u64,
    /// When it is looked at again; none while that is under way, or when it is no longer watched.
    pub next_look: Option<Time>,
    /// Whether it was cancelled from here.
    pub cancelled: bool,
    /// Why it could not be made, or is no longer watched.
    pub refused: Option<Refused>,
    /// Why nothing was sent.
    pub unsent: Option<String>,
    /// What it cost, US dollars, once that is known.
    pub cost_usd: Option<f64>,
}

impl Standing {
    /// Requests that wait in the queue, as far as was told last.
    pub fn queued(&self) -> Option<u64> {
        let batch = self.batch.as_ref()?;
        Some(if batch.is_over() {
            0
        } else {
            batch.counts.processing
        })
    }

    /// A limit of the batch group: requests per minute, or the queue.
    pub fn limit(&self, dimension: Dimension) -> Option<u64> {
        let mut limits = self.pool.as_ref()?.limits.iter();
        let found = limits.find(|it| it.limiter.dimension() == dimension);
        found.map(|it| it.value)
    }
}

/// One batch of the session, as it is watched.
#[derive(Clone, Debug, PartialEq)]
pub struct Work {
    /// Its number among the session's runs and batches.
    pub number: u32,
    /// What was asked.
    pub asked: BatchOrder,
    /// When it was ordered.
    pub began: Time,
    /// When it was over, or watching it ended.
    pub ended: Option<Time>,
    /// Whether somebody wants it cancelled.
    pub cancelling: bool,
    /// What is known of it.
    pub standing: Standing,
}

impl Work {
    /// By which it is known.
    pub const fn id(&self) -> CallId {
        self.asked.order.call
    }

    /// Whether it is still made or watched.
    pub const fn is_open(&self) -> bool {
        self.ended.is_none()
    }

    /// Seconds since it was ordered, until now or its end.
    pub fn elapsed_s(&self, now: Time) -> f64 {
        seconds_between(self.began, self.ended.unwrap_or(now)).max(0.0)
    }

    /// What the API said of a refusal, where it said something.
    pub fn said(&self) -> Option<&str> {
        match &self.standing.refused.as_ref()?.outcome {
            Outcome::Refused { error, .. } => {
                Some(error.message.as_str()).filter(|it| !it.is_empty())
            }
            _ => None,
        }
    }

    /// How it stands, in one sentence.
    pub fn sentence(&self) -> String {
        let standing = &self.standing;
        let refused = standing.refused.as_ref();
        let why = refused.and_then(|it| it.verdict.as_ref().map(|it| it.sentence.clone()));
        match (&standing.batch, &standing.unsent) {
            (_, Some(why)) => format!("Nothing was sent: {why}."),
            (None, None) if self.is_open() && self.cancelling => {
                "Being cancelled as soon as it is made.".to_owned()
            }
            (None, None) if self.is_open() => "Being submitted.".to_owned(),
            (None, None) => why.unwrap_or_else(|| "It was not made.".to_owned()),
            (Some(batch), None) => {
                let mut sentence = batch.sentence();
                if let Some(first) = sentence.get(..1) {
                    sentence.replace_range(..1, &first.to_uppercase());
                }
                match why {
                    Some(why) if !batch.is_over() => {
                        format!("{sentence}. No longer watched: {why}")
                    }
                    Some(why) => format!("{sentence}. Its results could not be read: {why}"),
                    None => format!("{sentence}."),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        batch::{Counts, Stage},
        fixtures::t,
        outcome::Unreachable,
    };

    fn work() -> Work {
        Work {
            number: 1,
            asked: BatchOrder {
                order: CallOrder::probe(CallId(1), "me".into(), "claude-opus-5-5".into()),
                requests: 24,
            },
            began: t(0.0),
            ended: None,
            cancelling: false,
            standing: Standing::default(),
        }
    }

    fn batch(stage: Stage, processing: u64, succeeded: u64) -> Batch {
        Batch {
            id: "msgbatch_01".to_owned(),
            stage,
            counts: Counts {
                processing,
                succeeded,
                ..Counts::default()
            },
            created_at: None,
            ended_at: None,
            expires_at: None,
        }
    }

    #[test]
    fn how_it_stands_is_said_from_its_order_to_its_end() {
        let mut it = work();
        assert_eq!(it.sentence(), "Being submitted.");
        assert_eq!(it.standing.queued(), None);
        it.standing.batch = Some(batch(Stage::InProgress, 24, 0));
        assert_eq!(it.sentence(), "In progress: 0 of 24 done.");
        assert_eq!(it.standing.queued(), Some(24));
        it.standing.batch = Some(batch(Stage::Ended, 0, 24));
        it.ended = Some(t(9.0));
        assert_eq!(it.sentence(), "Ended: 24 of 24 done.");
        assert_eq!(it.standing.queued(), Some(0));
        assert!((it.elapsed_s(t(60.0)) - 9.0).abs() < 1e-9);
    }

    #[test]
    fn what_could_not_be_is_said_with_its_reason() {
        let mut it = work();
        it.ended = Some(t(1.0));
        assert_eq!(it.sentence(), "It was not made.");
        it.standing.unsent = Some("today's cap of $1.00 is reached".to_owned());
        assert_eq!(
            it.sentence(),
            "Nothing was sent: today's cap of $1.00 is reached."
        );
        let mut lost = work();
        lost.standing.batch = Some(batch(Stage::InProgress, 24, 0));
        lost.standing.refused = Some(Refused {
            outcome: Outcome::Unreachable {
                kind: Unreachable::Broken,
                how: "gone".to_owned(),
            },
            verdict: None,
        });
        lost.ended = Some(t(1.0));
        assert_eq!(lost.sentence(), "In progress: 0 of 24 done.");
    }
}
