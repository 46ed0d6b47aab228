//! Results of a batch, line by line, and what they come to.

use crate::domain::{
    answer::{answer, error},
    clean::clean,
    outcome::ApiError,
    usage::Usage,
};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use std::{borrow::Cow, collections::BTreeMap};

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
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = result(&bytes);
            let mut tally = Tally::default();
            tally.take(&bytes);
            prop_assert!(tally.results <= 1);
        }
    }
}
