//! Tokens of one response, as `usage` reports them.

use serde::{Deserialize, Serialize};

/// `usage` of a message. In a stream it is cumulative: the last value counts, never the sum.
/// Total input is `input_tokens + cache_creation_input_tokens + cache_read_input_tokens`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Uncached input; already without cache reads.
    #[serde(deserialize_with = "absent_is_default")]
    pub input_tokens: u64,
    /// Generated tokens.
    #[serde(deserialize_with = "absent_is_default")]
    pub output_tokens: u64,
    /// Written to the cache.
    #[serde(deserialize_with = "absent_is_default")]
    pub cache_creation_input_tokens: u64,
    /// Read from the cache: cheap, and not counted towards ITPM.
    #[serde(deserialize_with = "absent_is_default")]
    pub cache_read_input_tokens: u64,
    /// What was written to the cache, by how long it is kept; zeros where the answer does not say.
    #[serde(deserialize_with = "absent_is_default")]
    pub cache_creation: CacheCreation,
}

/// `cache_creation` of a `usage`: tokens written, by lifetime.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CacheCreation {
    /// For five minutes.
    #[serde(deserialize_with = "absent_is_default")]
    pub ephemeral_5m_input_tokens: u64,
    /// For an hour.
    #[serde(deserialize_with = "absent_is_default")]
    pub ephemeral_1h_input_tokens: u64,
}

impl CacheCreation {
    /// That many tokens, kept for an hour or for five minutes.
    pub const fn of(tokens: u64, hour: bool) -> Self {
        Self {
            ephemeral_5m_input_tokens: if hour { 0 } else { tokens },
            ephemeral_1h_input_tokens: if hour { tokens } else { 0 },
        }
    }
}

fn absent_is_default<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(from)?.unwrap_or_default())
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

    /// Of what was written to the cache, the tokens that are surely kept for five minutes only; the
    /// others may be kept for an hour, which costs more.
    pub fn written_5m(&self) -> u64 {
        let short = self.cache_creation.ephemeral_5m_input_tokens;
        short.min(self.cache_creation_input_tokens)
    }

    /// Both summed, field by field (hops of a continued `pause_turn`, calls of a run).
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        self.with(other, u64::saturating_add)
    }

    /// The larger of both, field by field: a stream's usage is cumulative, so that is the later.
    #[must_use]
    pub fn larger(&self, other: &Self) -> Self {
        self.with(other, u64::max)
    }

    /// So many times that.
    #[must_use]
    pub fn times(&self, times: u64) -> Self {
        self.with(self, |tokens, _| tokens.saturating_mul(times))
    }

    /// Both, field by field.
    #[must_use]
    pub fn with(&self, other: &Self, both: impl Fn(u64, u64) -> u64) -> Self {
        let (kept, others) = (&self.cache_creation, &other.cache_creation);
        Self {
            input_tokens: both(self.input_tokens, other.input_tokens),
            output_tokens: both(self.output_tokens, other.output_tokens),
            cache_creation_input_tokens: both(
                self.cache_creation_input_tokens,
                other.cache_creation_input_tokens,
            ),
            cache_read_input_tokens: both(
                self.cache_read_input_tokens,
                other.cache_read_input_tokens,
            ),
            cache_creation: CacheCreation {
                ephemeral_5m_input_tokens: both(
                    kept.ephemeral_5m_input_tokens,
                    others.ephemeral_5m_input_tokens,
                ),
                ephemeral_1h_input_tokens: both(
                    kept.ephemeral_1h_input_tokens,
                    others.ephemeral_1h_input_tokens,
                ),
            },
        }
    }
}
