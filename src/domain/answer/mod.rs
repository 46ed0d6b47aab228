//! What the API answers, read from bytes: a message, an error, an event stream. Parsing is total and
//! bounded; nothing here knows where the bytes came from.
//!
//! To add one of these: a file that reads it from bytes, never panics, and says how much it takes at
//! most; its cases in `tests/it/bad_input`.

pub mod error;
pub mod sse;
pub mod stream;
pub mod thought;

pub use thought::Thought;

use super::{clean::clean, usage::Usage};
use serde_json::Value;

/// Bytes of an answer that are read.
pub const LONGEST: usize = 16 << 20;

/// A whole answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// Tokens; none when the answer says nothing of them.
    pub usage: Option<Usage>,
    /// `end_turn`, `pause_turn`, …
    pub stop_reason: Option<String>,
    /// What it says of its thinking.
    pub thought: Thought,
    /// Content blocks as they came, to be sent back after a `pause_turn`.
    pub content: Vec<Value>,
}

impl Answer {
    /// What the text blocks say, uncleaned.
    pub fn text(&self) -> String {
        self.content
            .iter()
            .filter(|block| block.get("type").and_then(Value::as_str) == Some("text"))
            .filter_map(|block| block.get("text").and_then(Value::as_str))
            .collect()
    }
}

/// A message, if the bytes are one: an object of type `message`, or one with a list `content`.
pub fn answer(body: &[u8]) -> Option<Answer> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let message = value.as_object()?;
    let content = message.get("content").and_then(Value::as_array);
    let is_message = message.get("type").and_then(Value::as_str) == Some("message");
    if !is_message && content.is_none() {
        return None;
    }
    let mut usage = None;
    take_usage(&mut usage, message.get("usage"));
    let mut thought = Thought::in_blocks(content.into_iter().flatten());
    thought.take_usage(message.get("usage"));
    Some(Answer {
        usage,
        thought,
        stop_reason: reason(message.get("stop_reason")),
        content: content.cloned().unwrap_or_default(),
    })
}

/// A `stop_reason`, cleaned.
pub fn reason(value: Option<&Value>) -> Option<String> {
    value.and_then(Value::as_str).map(|text| clean(text, 60))
}

/// Overwrites what a `usage` object says; what it leaves out, or says as null, stays. Values are
/// cumulative: never summed.
pub fn take_usage(usage: &mut Option<Usage>, said: Option<&Value>) {
    let Some(said) = said.and_then(Value::as_object) else {
        return;
    };
    let held = usage.get_or_insert_default();
    let take = |field: &mut u64, name: &str| {
        if let Some(number) = said.get(name).and_then(Value::as_u64) {
            *field = number;
        }
    };
    take(&mut held.input_tokens, "input_tokens");
    take(&mut held.output_tokens, "output_tokens");
    take(
        &mut held.cache_creation_input_tokens,
        "cache_creation_input_tokens",
    );
    take(&mut held.cache_read_input_tokens, "cache_read_input_tokens");
    let Some(created) = said.get("cache_creation").and_then(Value::as_object) else {
        return;
    };
    let take = |field: &mut u64, name: &str| {
        if let Some(number) = created.get(name).and_then(Value::as_u64) {
            *field = number;
        }
    };
    let held = &mut held.cache_creation;
    take(
        &mut held.ephemeral_5m_input_tokens,
        "ephemeral_5m_input_tokens",
    );
    take(
        &mut held.ephemeral_1h_input_tokens,
        "ephemeral_1h_input_tokens",
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[test]
    fn a_message_is_read_and_null_cache_fields_are_zero() {
        // Streaming page: fields of `usage`.
        let body = br#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-opus-5-5","content":[{"type":"text","text":"Hel"},{"type":"text","text":"lo"}],"stop_reason":"end_turn","usage":{"input_tokens":14,"output_tokens":9,"cache_creation_input_tokens":null,"cache_read_input_tokens":3}}"#;
        let answer = answer(body).unwrap();
        assert_eq!(answer.text(), "Hello");
        assert_eq!(answer.stop_reason.as_deref(), Some("end_turn"));
        assert_eq!(
            answer.usage,
            Some(Usage {
                input_tokens: 14,
                output_tokens: 9,
                cache_creation_input_tokens: 0,
                cache_read_input_tokens: 3,
                ..Usage::default()
            })
        );
    }

    // Section 6: `cache_creation` splits what was written by its lifetime.
    #[test]
    fn what_was_written_is_split_by_its_lifetime_and_null_changes_nothing() {
        let mut usage = None;
        let said = json!({"cache_creation_input_tokens": 30,
            "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20}});
        take_usage(&mut usage, Some(&said));
        for later in [json!({"output_tokens": 5}), json!({"cache_creation": null})] {
            take_usage(&mut usage, Some(&later));
        }
        let usage = usage.unwrap();
        assert_eq!(usage.cache_creation.ephemeral_5m_input_tokens, 10);
        assert_eq!(usage.cache_creation.ephemeral_1h_input_tokens, 20);
        assert_eq!(usage.written_5m(), 10);
        let read: Usage = serde_json::from_value(said).unwrap();
        assert_eq!(read.cache_creation, usage.cache_creation);
        let null: Usage = serde_json::from_value(json!({"cache_creation": null})).unwrap();
        assert_eq!(null, Usage::default());
    }

    #[rstest]
    #[case(b"")]
    #[case(b"null")]
    #[case(b"{}")]
    #[case(br#"{"content":"x"}"#)]
    #[case(br#"{"type":"message""#)]
    #[case(br#"{"choices":[]}"#)]
    fn what_is_no_message(#[case] body: &[u8]) {
        assert_eq!(answer(body), None);
    }

    #[test]
    fn wrong_types_in_usage_are_ignored() {
        let mut usage = None;
        take_usage(
            &mut usage,
            Some(&json!({"input_tokens": 5, "output_tokens": 1})),
        );
        take_usage(
            &mut usage,
            Some(&json!({"input_tokens": -5, "output_tokens": "many"})),
        );
        take_usage(&mut usage, Some(&json!([])));
        assert_eq!(usage.unwrap().input_tokens, 5);
        assert_eq!(usage.unwrap().output_tokens, 1);
    }
}
