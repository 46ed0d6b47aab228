//! What an answer says of its thinking, where it says anything. The thinking itself is never kept for
//! show: it is no part of the answer's text.

use crate::domain::number::thousands;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Thinking that the wire told of. Streaming page: blocks of type `thinking` (and `redacted_thinking`,
/// official SDKs' types) before the text; `usage.output_tokens_details.thinking_tokens` counts the
/// output tokens that were reasoning, also where no block is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thought {
    /// Blocks of thinking that came.
    pub blocks: u32,
    /// Of the output tokens those that were thinking; none where the answer does not say.
    pub tokens: Option<u64>,
}

impl Thought {
    /// That, if anything was thought.
    pub fn any(self) -> Option<Self> {
        (self.blocks > 0 || self.tokens > Some(0)).then_some(self)
    }

    /// What the content blocks of a whole answer show.
    pub fn in_blocks<'a>(blocks: impl IntoIterator<Item = &'a Value>) -> Self {
        let thinking = blocks.into_iter().filter(|block| is_thinking(block));
        Self {
            blocks: u32::try_from(thinking.count()).unwrap_or(u32::MAX),
            tokens: None,
        }
    }

    /// Takes in what a `usage` object counts; what it leaves out, or says as null, stays. Values are
    /// cumulative: never summed.
    pub fn take_usage(&mut self, said: Option<&Value>) {
        let details = said.and_then(|said| said.get("output_tokens_details"));
        let counted = details.and_then(|details| details.get("thinking_tokens"));
        self.tokens = counted.and_then(Value::as_u64).or(self.tokens);
    }

    /// The larger of both, field by field: of one answer, that is the later.
    #[must_use]
    pub fn larger(self, other: Self) -> Self {
        Self {
            blocks: self.blocks.max(other.blocks),
            tokens: self.tokens.max(other.tokens),
        }
    }

    /// Both summed: hops of a continued turn, attempts of a call.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let tokens = match (self.tokens, other.tokens) {
            (Some(one), Some(more)) => Some(one.saturating_add(more)),
            (one, more) => one.or(more),
        };
        Self {
            blocks: self.blocks.saturating_add(other.blocks),
            tokens,
        }
    }

    /// `thought 1,024 tokens in 2 blocks`, as far as the answer said.
    pub fn words(self) -> String {
        let s = |n: u64| if n == 1 { "" } else { "s" };
        let tokens = self
            .tokens
            .map(|n| format!(" {} token{}", thousands(n), s(n)));
        let blocks = u64::from(self.blocks);
        let blocks = (blocks > 0).then(|| format!(" in {} block{}", thousands(blocks), s(blocks)));
        [
            "thought".to_owned(),
            tokens.unwrap_or_default(),
            blocks.unwrap_or_default(),
        ]
        .concat()
    }
}

/// Whether a content block is one of thinking.
pub fn is_thinking(block: &Value) -> bool {
    let kind = block.get("type").and_then(Value::as_str);
    matches!(kind, Some("thinking" | "redacted_thinking"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case(0, None, None)]
    #[case(0, Some(0), None)]
    #[case(1, None, Some("thought in 1 block"))]
    #[case(0, Some(1), Some("thought 1 token"))]
    #[case(2, Some(1_024), Some("thought 1,024 tokens in 2 blocks"))]
    fn it_is_told_as_far_as_the_answer_says(
        #[case] blocks: u32,
        #[case] tokens: Option<u64>,
        #[case] words: Option<&str>,
    ) {
        let thought = Thought { blocks, tokens }.any();
        assert_eq!(thought.map(Thought::words).as_deref(), words);
    }

    // Official SDKs: `output_tokens_details` is null or `{"thinking_tokens": n}`.
    #[test]
    fn tokens_are_cumulative_and_null_changes_nothing() {
        let mut thought = Thought::default();
        for said in [
            json!({"output_tokens": 1}),
            json!({"output_tokens_details": {"thinking_tokens": 7}}),
            json!({"output_tokens_details": {"thinking_tokens": 12}}),
            json!({"output_tokens_details": null}),
            json!({"output_tokens_details": {"thinking_tokens": "many"}}),
            json!({"output_tokens_details": [3]}),
        ] {
            thought.take_usage(Some(&said));
        }
        thought.take_usage(None);
        assert_eq!(thought.tokens, Some(12));
    }
}
