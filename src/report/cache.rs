//! What the cache did, as the `cache` of `ratetop.call/1` and as a row for people.

use super::rounded;
use crate::domain::{
    cache::{CacheOrder, CacheUse, minimum},
    number::thousands,
    usage::Usage,
};
use serde::Serialize;

/// `cache` of a call or of the totals.
#[derive(Clone, Debug, Serialize)]
pub(super) struct CacheOut {
    lifetime: &'static str,
    system_tokens: u32,
    minimum_tokens: Option<u64>,
    written_tokens: u64,
    read_tokens: u64,
    uncached_tokens: u64,
    itpm_tokens: u64,
    multiplier: Option<f64>,
    why_not: Option<String>,
}

impl CacheOut {
    /// What that usage says of a prompt that was to be cached; none where nothing was answered.
    pub(super) fn of(order: CacheOrder, model: &str, usage: Option<&Usage>) -> Option<Self> {
        let seen = CacheUse::from(usage?);
        Some(Self {
            lifetime: order.lifetime.name(),
            system_tokens: order.tokens,
            minimum_tokens: minimum(model),
            written_tokens: seen.written,
            read_tokens: seen.read,
            uncached_tokens: seen.uncached,
            itpm_tokens: seen.counted(),
            multiplier: seen.multiplier().and_then(|it| rounded(it, 3)),
            why_not: seen.why_not(order, model),
        })
    }
}

/// The same in a line: `8,192 written · 57,344 read · 80 uncached: 8,272 count towards ITPM, 7.9 times
/// as many go through`.
pub(super) fn row(order: CacheOrder, model: &str, usage: &Usage) -> String {
    let seen = CacheUse::from(usage);
    if let Some(why) = seen.why_not(order, model) {
        return why;
    }
    let times = match seen.multiplier() {
        Some(times) if seen.read > 0 => format!(", {times:.1} times as many go through"),
        _ => String::new(),
    };
    format!(
        "{} for {} written · {} read · {} uncached: {} count towards ITPM{times}",
        thousands(seen.written),
        order.lifetime,
        thousands(seen.read),
        thousands(seen.uncached),
        thousands(seen.counted())
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cache::Lifetime;

    #[test]
    fn a_row_says_what_counts_or_why_nothing_is_cached() {
        let order = CacheOrder {
            lifetime: Lifetime::FiveMinutes,
            tokens: 8_192,
        };
        let usage = Usage {
            input_tokens: 80,
            cache_creation_input_tokens: 8_192,
            cache_read_input_tokens: 57_344,
            output_tokens: 9,
            ..Usage::default()
        };
        assert_eq!(
            row(order, "claude-haiku-4-5", &usage),
            "8,192 for 5m written · 57,344 read · 80 uncached: 8,272 count towards ITPM, 7.9 times \
             as many go through"
        );
        let nothing = Usage {
            input_tokens: 90,
            ..Usage::default()
        };
        let short = CacheOrder {
            tokens: 80,
            ..order
        };
        assert!(row(short, "claude-haiku-4-5", &nothing).contains("minimum of 4,096"));
        assert!(CacheOut::of(order, "claude-haiku-4-5", None).is_none());
    }
}
