//! A message batch from the client's side: its state as `GET /v1/messages/batches/{id}` tells it, its
//! results line by line and what they come to, and one that is being made ([`Work`]). Half price, from
//! pools of its own.
//!
//! Field names are those of the SDKs' `MessageBatch` and `MessageBatchIndividualResponse`.
//!
//! To add a figure about a batch: a field of [`Standing`], its line in `ui::calls::batch` and in
//! `report::batch`.

mod results;
mod work;

pub use results::{Ended, Tally, result, result_usage};
pub use work::{BatchOrder, Refused, Standing, Work};

use super::{clean::clean, number::thousands, time::Time};
use serde::Deserialize;
use std::borrow::Cow;

/// Requests of one batch at most (batch-processing page, "Batch limitations").
pub const MOST_REQUESTS: u32 = 100_000;
/// Bytes of one batch at most (batch-processing page, "Batch limitations").
pub const MOST_BYTES: usize = 256 << 20;
/// What a request of a batch costs, beside one that is sent by itself (pricing page).
pub const PRICE: f64 = 0.5;

/// Seconds until it is looked at again after so many looks: soon at first, then once a minute; each look
/// is a request.
pub fn look_again_s(looks: u32) -> f64 {
    2_f64.powi(looks.min(10) as i32).min(60.0)
}

/// Where a batch stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Its requests are being worked on.
    InProgress,
    /// Somebody has cancelled it; what is under way goes on.
    Canceling,
    /// It is over, and has results.
    Ended,
    /// A state that nobody has told us of.
    Other(String),
}

impl Stage {
    /// As the API writes it.
    pub fn word(&self) -> &str {
        match self {
            Self::InProgress => "in_progress",
            Self::Canceling => "canceling",
            Self::Ended => "ended",
            Self::Other(word) => word,
        }
    }
}

/// Requests of a batch by what became of them. While it is in progress all of them are `processing`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Not done yet.
    pub processing: u64,
    /// Answered.
    pub succeeded: u64,
    /// Failed.
    pub errored: u64,
    /// Cancelled before they were sent to the model.
    pub canceled: u64,
    /// Not done within 24 h.
    pub expired: u64,
}

impl Counts {
    /// All of them.
    pub const fn all(&self) -> u64 {
        self.done().saturating_add(self.processing)
    }

    /// Those that are over.
    pub const fn done(&self) -> u64 {
        self.succeeded
            .saturating_add(self.errored)
            .saturating_add(self.canceled)
            .saturating_add(self.expired)
    }
}

/// A batch as it was told last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// `msgbatch_…`.
    pub id: String,
    /// Where it stands.
    pub stage: Stage,
    /// Its requests.
    pub counts: Counts,
    /// When it was made.
    pub created_at: Option<Time>,
    /// When it was over.
    pub ended_at: Option<Time>,
    /// When it expires.
    pub expires_at: Option<Time>,
}

impl Batch {
    /// Reads one; none where the bytes are no batch.
    pub fn read(body: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Wire<'a> {
            #[serde(borrow)]
            id: Cow<'a, str>,
            #[serde(borrow)]
            processing_status: Cow<'a, str>,
            #[serde(default)]
            request_counts: Counts,
            created_at: Option<Time>,
            ended_at: Option<Time>,
            expires_at: Option<Time>,
        }
        let wire: Wire<'_> = serde_json::from_slice(body).ok()?;
        // It becomes part of an address.
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        if wire.id.is_empty() || wire.id.len() > 200 || !wire.id.bytes().all(fits) {
            return None;
        }
        Some(Self {
            id: wire.id.into_owned(),
            stage: match wire.processing_status.as_ref() {
                "in_progress" => Stage::InProgress,
                "canceling" => Stage::Canceling,
                "ended" => Stage::Ended,
                other => Stage::Other(clean(other, 60)),
            },
            counts: wire.request_counts,
            created_at: wire.created_at,
            ended_at: wire.ended_at,
            expires_at: wire.expires_at,
        })
    }

    /// Whether its results can be had.
    pub fn is_over(&self) -> bool {
        self.stage == Stage::Ended
    }

    /// In one sentence.
    pub fn sentence(&self) -> String {
        let counts = &self.counts;
        let mut parts = vec![format!(
            "{} of {} done",
            thousands(counts.done()),
            thousands(counts.all())
        )];
        for (n, what) in [
            (counts.errored, "errored"),
            (counts.canceled, "cancelled"),
            (counts.expired, "expired"),
        ] {
            if n > 0 {
                parts.push(format!("{} {what}", thousands(n)));
            }
        }
        format!(
            "{}: {}",
            self.stage.word().replace('_', " "),
            parts.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // The SDKs' own example of a batch.
    const BATCH: &str = r#"{"id":"msgbatch_013Zva2CMHLNnXjNJJKqJ2EF","archived_at":null,"cancel_initiated_at":null,"created_at":"2026-11-24T12:00:00Z","ended_at":null,"expires_at":"2026-11-25T12:00:00Z","processing_status":"in_progress","request_counts":{"canceled":0,"errored":3,"expired":0,"processing":1100,"succeeded":50},"results_url":null,"type":"message_batch"}"#;

    #[test]
    fn a_batch_is_read() {
        let batch = Batch::read(BATCH.as_bytes()).unwrap();
        assert_eq!(batch.id, "msgbatch_013Zva2CMHLNnXjNJJKqJ2EF");
        assert_eq!(
            (batch.stage.clone(), batch.counts.all()),
            (Stage::InProgress, 1_153)
        );
        assert!(batch.created_at.is_some() && batch.ended_at.is_none() && !batch.is_over());
        assert_eq!(batch.sentence(), "in progress: 53 of 1,153 done, 3 errored");
    }

    #[test]
    fn what_is_no_batch() {
        for body in [
            "",
            "{}",
            "[]",
            r#"{"id":"x"}"#,
            r#"{"id":"../x","processing_status":"ended"}"#,
        ] {
            assert_eq!(Batch::read(body.as_bytes()), None, "{body}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), cut in 0_usize..400) {
            let _ = Batch::read(&bytes);
            let cut = cut.min(BATCH.len() - 1);
            prop_assert_eq!(Batch::read(&BATCH.as_bytes()[..cut]), None);
        }
    }
}
