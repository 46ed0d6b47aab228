//! A message batch from the client's side: its state as `GET /v1/messages/batches/{id}` tells it, its
//! results line by line, and what they come to. Half price, from pools of its own.
//!
//! Field names are those of the SDKs' `MessageBatch` and `MessageBatchIndividualResponse`.

use super::{
    answer::{answer, error},
    clean::clean,
    number::thousands,
    outcome::ApiError,
    time::Time,
    usage::Usage,
};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use std::{borrow::Cow, collections::BTreeMap};

/// Requests of one batch at most (batch-processing page).
pub const MOST_REQUESTS: u32 = 100_000;
/// Bytes of one batch at most (batch-processing page).
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

/// What became of one request of a batch.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    /// It was answered.
    Succeeded {
        /// Tokens.
        usage: Option<Usage>,
        /// `end_turn`, …
        stop_reason: Option<String>,
        /// What the answer says, uncleaned.
        text: String,
    },
    /// It failed.
    Errored(ApiError),
    /// It was cancelled.
    Canceled,
    /// It was not done within 24 h.
    Expired,
    /// A result that nobody has told us of.
    Other(String),
}

/// One line of the results: the caller's name for the request, and what became of it. None where the
/// line is no result.
pub fn result(line: &[u8]) -> Option<(String, Ended)> {
    #[derive(Deserialize)]
    struct Wire<'a> {
        #[serde(borrow)]
        custom_id: Cow<'a, str>,
        #[serde(borrow)]
        result: Result<'a>,
    }
    #[derive(Deserialize)]
    struct Result<'a> {
        #[serde(borrow, rename = "type")]
        kind: Cow<'a, str>,
        #[serde(borrow)]
        message: Option<&'a RawValue>,
        error: Option<Value>,
    }
    let wire: Wire<'_> = serde_json::from_slice(line).ok()?;
    let ended = match wire.result.kind.as_ref() {
        "succeeded" => {
            let message = wire.result.message.map(|it| it.get().as_bytes());
            let message = message.and_then(answer)?;
            Ended::Succeeded {
                usage: message.usage,
                text: message.text(),
                stop_reason: message.stop_reason,
            }
        }
        "errored" => {
            let error = wire.result.error.as_ref().and_then(error::from_value);
            Ended::Errored(error.unwrap_or_default())
        }
        "canceled" => Ended::Canceled,
        "expired" => Ended::Expired,
        other => Ended::Other(clean(other, 60)),
    };
    Some((clean(&wire.custom_id, 64), ended))
}

/// The tokens of the answer in a line of results; none where it holds no answer.
pub fn result_usage(line: &[u8]) -> Option<Usage> {
    match result(line)?.1 {
        Ended::Succeeded { usage, .. } => Some(usage.unwrap_or_default()),
        _ => None,
    }
}

/// What the results of a batch come to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// Lines that were read.
    pub results: u64,
    /// Requests that were answered.
    pub succeeded: u64,
    /// Requests that failed, by the API's type of the error.
    pub errored: BTreeMap<String, u64>,
    /// Requests that were cancelled.
    pub canceled: u64,
    /// Requests that expired.
    pub expired: u64,
    /// Lines that were no result, or one of a kind that is not known.
    pub strange: u64,
    /// Tokens of the answers.
    pub usage: Usage,
    /// Answers by `stop_reason`.
    pub stop_reasons: BTreeMap<String, u64>,
}

impl Tally {
    /// Takes one line in.
    pub fn take(&mut self, line: &[u8]) {
        if line.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        self.results += 1;
        match result(line) {
            Some((
                _,
                Ended::Succeeded {
                    usage, stop_reason, ..
                },
            )) => {
                self.succeeded += 1;
                self.usage = self.usage.plus(&usage.unwrap_or_default());
                if let Some(reason) = stop_reason {
                    *self.stop_reasons.entry(reason).or_default() += 1;
                }
            }
            Some((_, Ended::Errored(error))) => {
                *self.errored.entry(error.kind).or_default() += 1;
            }
            Some((_, Ended::Canceled)) => self.canceled += 1,
            Some((_, Ended::Expired)) => self.expired += 1,
            Some((_, Ended::Other(_))) | None => self.strange += 1,
        }
    }

    /// Requests that failed.
    pub fn failed(&self) -> u64 {
        self.errored.values().sum()
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

    #[test]
    fn results_are_counted_by_what_became_of_them() {
        let lines = [
            r#"{"custom_id":"c-1","result":{"type":"succeeded","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-haiku-4-5","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","usage":{"input_tokens":10,"output_tokens":4,"service_tier":"batch"}}}}"#,
            r#"{"custom_id":"c-2","result":{"type":"errored","error":{"type":"error","error":{"type":"invalid_request_error","message":"max_tokens: too large"},"request_id":null}}}"#,
            r#"{"custom_id":"c-3","result":{"type":"canceled"}}"#,
            "",
            r#"{"custom_id":"c-4","result":{"type":"expired"}}"#,
            r#"{"custom_id":"c-5","result":{"type":"teleported"}}"#,
            "<html>",
        ];
        let mut tally = Tally::default();
        for line in lines {
            tally.take(line.as_bytes());
        }
        assert_eq!((tally.results, tally.succeeded, tally.failed()), (6, 1, 1));
        assert_eq!((tally.canceled, tally.expired, tally.strange), (1, 1, 2));
        assert_eq!(
            (tally.usage.input_tokens, tally.usage.output_tokens),
            (10, 4)
        );
        assert_eq!(tally.errored.get("invalid_request_error"), Some(&1));
        assert_eq!(tally.stop_reasons.get("end_turn"), Some(&1));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), cut in 0_usize..400) {
            let _ = (Batch::read(&bytes), result(&bytes));
            let cut = cut.min(BATCH.len() - 1);
            prop_assert_eq!(Batch::read(&BATCH.as_bytes()[..cut]), None);
            let mut tally = Tally::default();
            tally.take(&bytes);
            prop_assert!(tally.results <= 1);
        }
    }
}
