//! Tokens of one response, as `usage` reports them.

use serde::{Deserialize, Serialize};

/// `usage` of a message. In a stream it is cumulative: the last value counts, never the sum.
/// Total input is `input_tokens + cache_creation_input_tokens + cache_read_input_tokens`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Uncached input; already without cache reads.
    #[serde(deserialize_with = "absent_is_zero")]
    pub input_tokens: u64,
    /// Generated tokens.
    #[serde(deserialize_with = "absent_is_zero")]
    pub output_tokens: u64,
    /// Written to the cache.
    #[serde(deserialize_with = "absent_is_zero")]
    pub cache_creation_input_tokens: u64,
    /// Read from the cache: cheap, and not counted towards ITPM.
    #[serde(deserialize_with = "absent_is_zero")]
    pub cache_read_input_tokens: u64,
}

fn absent_is_zero<'de, D: serde::Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    Ok(Option::<u64>::deserialize(from)?.unwrap_or(0))
}

impl Usage {
    /// What counts towards the cache-aware input limit (rate-limits page).
    pub fn counted_input(&self) -> u64 {
        self.input_tokens
            .saturating_add(self.cache_creation_input_tokens)
    }

    /// Every input token, cache reads included: what a plain `input_tokens_per_minute` counts.
    pub fn all_input(&self) -> u64 {
        self.counted_input()
            .saturating_add(self.cache_read_input_tokens)
    }

    /// Both summed, field by field (hops of a continued `pause_turn`, calls of a run).
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            cache_creation_input_tokens: self
                .cache_creation_input_tokens
                .saturating_add(other.cache_creation_input_tokens),
            cache_read_input_tokens: self
                .cache_read_input_tokens
                .saturating_add(other.cache_read_input_tokens),
        }
    }
}
