//! What calls take, and from which buckets.

use crate::domain::{limit::Family, usage::Usage};

/// What one call takes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Take {
    /// Requests.
    pub requests: f64,
    /// Input tokens without cache reads.
    pub uncached: f64,
    /// Input tokens with cache reads.
    pub all_input: f64,
    /// Input tokens as a Priority commitment counts them: 0.1 for a cache read, 1.25 for a write of
    /// five minutes, 2 for one of an hour (service-tiers page).
    pub weighted: f64,
    /// Output tokens.
    pub output: f64,
}

impl Take {
    /// One request with that input.
    pub fn of(usage: &Usage, one_hour: bool) -> Self {
        let write = if one_hour { 2.0 } else { 1.25 };
        Self {
            requests: 1.0,
            uncached: usage.counted_input() as f64,
            all_input: usage.all_input() as f64,
            weighted: usage.input_tokens as f64
                + usage.cache_creation_input_tokens as f64 * write
                + usage.cache_read_input_tokens as f64 * 0.1,
            output: 0.0,
        }
    }

    /// With its input as estimated on admission.
    #[must_use]
    pub fn estimated(&self, factor: f64) -> Self {
        Self {
            uncached: (self.uncached * factor).round(),
            all_input: (self.all_input * factor).round(),
            weighted: (self.weighted * factor).round(),
            ..*self
        }
    }

    /// The input of `more` beyond this one's.
    #[must_use]
    pub fn excess(&self, more: &Self) -> Self {
        Self {
            uncached: more.uncached - self.uncached,
            all_input: more.all_input - self.all_input,
            weighted: more.weighted - self.weighted,
            ..Self::default()
        }
    }
}

/// Which buckets a call draws from, besides that of requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// The regular ones.
    #[default]
    Standard,
    /// Those of fast mode alone.
    Fast,
    /// Those of a Priority commitment and the regular ones (service-tiers page).
    Priority,
}

impl Lane {
    /// Whether a call of this lane draws from buckets of that family.
    pub fn draws(self, family: Family) -> bool {
        match family {
            Family::Fast => self == Self::Fast,
            Family::Priority => self == Self::Priority,
            _ => self != Self::Fast,
        }
    }
}
