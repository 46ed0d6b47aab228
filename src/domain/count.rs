//! Counting a prompt's tokens without sending it: free, from a pool of its own.

use super::{id::ModelId, verdict::Verdict};

/// What is to be counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountOrder {
    /// The model whose tokenizer counts.
    pub model: ModelId,
    /// The user message.
    pub prompt: String,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Count {
    /// What was asked.
    pub order: CountOrder,
    /// Input tokens; none when they could not be counted.
    pub tokens: Option<u64>,
    /// Why not.
    pub verdict: Option<Box<Verdict>>,
}

impl Count {
    /// Input tokens, where this is the count of that model and prompt.
    pub fn of(&self, model: &str, prompt: &str) -> Option<u64> {
        let same = self.order.model.as_str() == model && self.order.prompt == prompt;
        self.tokens.filter(|_| same)
    }

    /// In one sentence.
    pub fn sentence(&self) -> String {
        match (self.tokens, &self.verdict) {
            (Some(1), _) => format!("{}: 1 input token.", self.order.model),
            (Some(tokens), _) => format!(
                "{}: {} input tokens.",
                self.order.model,
                super::number::thousands(tokens)
            ),
            (None, Some(verdict)) => format!("Not counted: {}", verdict.sentence),
            (None, None) => "Not counted.".to_owned(),
        }
    }
}
