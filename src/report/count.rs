//! `ratetop.count/1`: how many tokens a prompt has.

use crate::domain::{count::Count, id::ModelId, verdict::Verdict};
use serde::Serialize;

/// The whole object.
#[derive(Clone, Debug, Serialize)]
pub struct CountOut<'a> {
    schema: &'static str,
    model: &'a ModelId,
    input_tokens: Option<u64>,
    verdict: Option<&'a Verdict>,
}

impl<'a> CountOut<'a> {
    /// Of that count.
    pub fn of(count: &'a Count) -> Self {
        Self {
            schema: "ratetop.count/1",
            model: &count.order.model,
            input_tokens: count.tokens,
            verdict: count.verdict.as_deref(),
        }
    }
}
