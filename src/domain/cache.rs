//! Prompt caching as a test call tries it: a system prompt of a chosen length with `cache_control`, and
//! what the answer's `usage` says came of it.
//!
//! To add a model's minimum: a row of `MINIMUMS`, with its source.

use super::{call::BYTES_A_TOKEN, id::undated, number::thousands, usage::Usage};
use std::{
    fmt::{self, Write as _},
    str::FromStr,
};

/// Most tokens of a system prompt that is made up here.
pub const MOST_TOKENS: u32 = 1_000_000;
/// A system prompt for a model of which no minimum is known.
const LONG_ENOUGH: u32 = 8_192;

/// Tokens below which nothing is cached, and nobody says so (prompt-caching page, August 2026; Haiku
/// 5.5 as seen). Of the models that are not here it is not established.
const MINIMUMS: &[(&str, u64)] = &[
    ("claude-opus-5", 512),
    ("claude-fable-5", 512),
    ("claude-mythos-5", 512),
    ("claude-haiku-5-5", 512),
    ("claude-opus-4-8", 1_024),
    ("claude-sonnet-5", 1_024),
    ("claude-sonnet-4-6", 1_024),
    ("claude-sonnet-4-5", 1_024),
    ("claude-opus-4-7", 2_048),
    ("claude-mythos-preview", 2_048),
    ("claude-opus-4-6", 4_096),
    ("claude-opus-4-5", 4_096),
    ("claude-haiku-4-5", 4_096),
];

/// The shortest prompt that a model's cache keeps, in tokens; by its id, dated or not. None where it is
/// not established.
pub fn minimum(model: &str) -> Option<u64> {
    let of = |id: &str| MINIMUMS.iter().find(|(name, _)| *name == id);
    let known = of(model).or_else(|| of(undated(model)?));
    known.map(|(_, tokens)| *tokens)
}

/// How long an entry lives after its last use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// `5m`, the API's default.
    FiveMinutes,
    /// `1h`: a write costs more.
    Hour,
}

impl Lifetime {
    /// As `ttl` names it: `5m`, `1h`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FiveMinutes => "5m",
            Self::Hour => "1h",
        }
    }
}

impl fmt::Display for Lifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Lifetime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim() {
            "5m" | "5 min" => Ok(Self::FiveMinutes),
            "1h" | "1 h" => Ok(Self::Hour),
            _ => Err("5m or 1h".to_owned()),
        }
    }
}

/// A system prompt to be kept in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheOrder {
    /// For how long.
    pub lifetime: Lifetime,
    /// Tokens that the prompt has, about: 1 to [`MOST_TOKENS`].
    pub tokens: u32,
}

impl CacheOrder {
    /// One that is surely long enough for a model, where its minimum is known: twice that.
    pub fn enough(lifetime: Lifetime, model: &str) -> Self {
        let twice = minimum(model).and_then(|tokens| u32::try_from(tokens * 2).ok());
        Self {
            lifetime,
            tokens: twice.unwrap_or(LONG_ENOUGH),
        }
    }

    /// The system prompt: always the same text for one length, so that a second call finds it.
    pub fn text(self) -> String {
        let bytes = (self.tokens.clamp(1, MOST_TOKENS) as usize) * BYTES_A_TOKEN;
        let mut text = String::with_capacity(bytes + 80);
        for rule in 1_u32.. {
            if text.len() >= bytes {
                break;
            }
            // A String takes everything.
            let _ = writeln!(
                text,
                "Rule {rule}: answer in one short sentence and say what you know."
            );
        }
        text.truncate(bytes);
        text
    }
}

/// What became of the input of one answer, or of many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheUse {
    /// Tokens written to the cache.
    pub written: u64,
    /// Tokens read from it.
    pub read: u64,
    /// Tokens that were neither.
    pub uncached: u64,
}

impl From<&Usage> for CacheUse {
    fn from(usage: &Usage) -> Self {
        Self {
            written: usage.cache_creation_input_tokens,
            read: usage.cache_read_input_tokens,
            uncached: usage.input_tokens,
        }
    }
}

impl CacheUse {
    /// Tokens that counted towards the cache-aware input limit: all but the reads (rate-limits page).
    pub const fn counted(&self) -> u64 {
        self.uncached.saturating_add(self.written)
    }

    /// All input tokens: what a plain `input_tokens_per_minute` counts.
    pub const fn all(&self) -> u64 {
        self.counted().saturating_add(self.read)
    }

    /// How many input tokens went through for each that counted towards the cache-aware limit: what the
    /// cache makes of that limit. None before any counted.
    pub fn multiplier(&self) -> Option<f64> {
        (self.counted() > 0).then(|| self.all() as f64 / self.counted() as f64)
    }

    /// Why nothing of that prompt is cached, although it was asked for; none where something is, or
    /// where nothing was answered.
    pub fn why_not(&self, order: CacheOrder, model: &str) -> Option<String> {
        if self.written > 0 || self.read > 0 || self.all() == 0 {
            return None;
        }
        let about = thousands(u64::from(order.tokens));
        Some(match minimum(model) {
            Some(least) if self.all() < least || u64::from(order.tokens) < least => format!(
                "nothing was cached: about {about} tokens are below {model}'s minimum of {}, and the \
                 API says nothing of it",
                thousands(least)
            ),
            Some(least) => format!(
                "nothing was cached, although {model} keeps prompts from {} tokens on",
                thousands(least)
            ),
            None => format!(
                "nothing was cached: about {about} tokens may be below {model}'s minimum, which is not \
                 published; try a longer prompt"
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // Prompt-caching page, August 2026.
    #[test]
    fn minimums_are_found_by_dated_ids_too() {
        assert_eq!(minimum("claude-haiku-4-5"), Some(4_096));
        assert_eq!(minimum("claude-haiku-4-5-20251001"), Some(4_096));
        assert_eq!(minimum("claude-mythos-preview"), Some(2_048));
        assert_eq!(minimum("claude-opus-5-5"), None, "not established");
        assert_eq!(minimum(""), None);
    }

    #[test]
    fn an_answer_that_cached_nothing_is_explained() {
        let order = CacheOrder {
            lifetime: Lifetime::FiveMinutes,
            tokens: 600,
        };
        let nothing = CacheUse {
            uncached: 611,
            ..CacheUse::default()
        };
        let why = nothing.why_not(order, "claude-haiku-4-5").unwrap();
        assert!(
            why.contains("below claude-haiku-4-5's minimum of 4,096"),
            "{why}"
        );
        let why = nothing.why_not(order, "claude-opus-5").unwrap();
        assert!(why.contains("keeps prompts from 512 tokens on"), "{why}");
        let why = nothing.why_not(order, "claude-opus-5-5").unwrap();
        assert!(why.contains("not published"), "{why}");
        let written = CacheUse {
            written: 600,
            ..nothing
        };
        assert_eq!(written.why_not(order, "claude-haiku-4-5"), None);
        assert_eq!(CacheUse::default().why_not(order, "claude-opus-5"), None);
    }

    // Rate-limits page: uncached and written input counts, reads do not.
    #[test]
    fn reads_do_not_count() {
        let one = CacheUse {
            written: 0,
            read: 9_000,
            uncached: 1_000,
        };
        assert_eq!((one.counted(), one.all()), (1_000, 10_000));
        assert_eq!(one.multiplier(), Some(10.0));
        assert_eq!(CacheUse::default().multiplier(), None);
    }

    proptest! {
        #[test]
        fn the_text_has_its_length_and_is_the_same_again(tokens in 1_u32..20_000) {
            let order = CacheOrder { lifetime: Lifetime::Hour, tokens };
            let text = order.text();
            prop_assert_eq!(text.len(), tokens as usize * BYTES_A_TOKEN);
            prop_assert_eq!(text, order.text());
        }

        #[test]
        fn nothing_is_counted_twice(written in any::<u64>(), read in any::<u64>(), uncached in any::<u64>()) {
            let it = CacheUse { written, read, uncached };
            prop_assert!(it.counted() <= it.all());
            prop_assert!(it.multiplier().is_none_or(|times| times >= 1.0));
        }
    }
}
