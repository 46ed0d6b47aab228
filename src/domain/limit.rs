//! What can be limited: dimensions, families of headers, and the table that ties both to limiter types.

use super::id::Limiter;
use serde::{Deserialize, Serialize};

/// What a limiter counts. The order is the order of columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// Requests per minute.
    Rpm,
    /// Input tokens per minute, cache reads not counted.
    Itpm,
    /// Input tokens per minute, cache reads counted.
    ItpmAll,
    /// Output tokens per minute.
    Otpm,
    /// Input and output tokens in one number (`tokens_per_minute`, the `tokens-*` headers).
    Combined,
    /// A subscription window: only a utilization is known.
    Window,
    /// Requests waiting in a queue (batches).
    Queue,
    /// Tokens per day.
    Tpd,
    /// Tool uses per second.
    Tools,
    /// A limiter type this version does not know.
    Other,
}

impl Dimension {
    /// The column head: `RPM`, `ITPM`, …
    pub const fn label(self) -> &'static str {
        match self {
            Self::Rpm => "RPM",
            Self::Itpm => "ITPM",
            Self::ItpmAll => "ITPM all",
            Self::Otpm => "OTPM",
            Self::Combined => "TPM",
            Self::Window => "window",
            Self::Queue => "queue",
            Self::Tpd => "TPD",
            Self::Tools => "tools/s",
            Self::Other => "other",
        }
    }

    /// In words, for sentences: "output tokens per minute".
    pub const fn words(self) -> &'static str {
        match self {
            Self::Rpm => "requests per minute",
            Self::Itpm => "input tokens per minute",
            Self::ItpmAll => "input tokens per minute, cache reads counted",
            Self::Otpm => "output tokens per minute",
            Self::Combined => "tokens per minute",
            Self::Window => "subscription window",
            Self::Queue => "queued batch requests",
            Self::Tpd => "tokens per day",
            Self::Tools => "tool uses per second",
            Self::Other => "another limiter",
        }
    }

    /// Half the step to which headers round `remaining` (rate-limits page: tokens to the nearest
    /// 1,000, requests exact).
    pub const fn rounding(self) -> u64 {
        match self {
            Self::Itpm | Self::ItpmAll | Self::Otpm | Self::Combined => 500,
            _ => 0,
        }
    }

    /// Seconds in which an empty bucket of this dimension is full again; none where it does not
    /// refill with time.
    pub const fn refill_seconds(self) -> Option<f64> {
        match self {
            Self::Rpm | Self::Itpm | Self::ItpmAll | Self::Otpm | Self::Combined => Some(60.0),
            Self::Tpd => Some(86_400.0),
            Self::Tools => Some(1.0),
            Self::Window | Self::Queue | Self::Other => None,
        }
    }
}

/// Which set of headers, and so which set of buckets, a number belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// `anthropic-ratelimit-{requests,input-tokens,output-tokens}-*`.
    Standard,
    /// `anthropic-ratelimit-tokens-*`: the most restrictive token limit in effect.
    Combined,
    /// `anthropic-fast-*`, only for `speed: "fast"`.
    Fast,
    /// `anthropic-priority-*`, only with a Priority commitment.
    Priority,
    /// `anthropic-ratelimit-unified-*`, subscription traffic.
    Unified,
}

impl Family {
    /// In one word.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Combined => "combined",
            Self::Fast => "fast",
            Self::Priority => "priority",
            Self::Unified => "unified",
        }
    }
}

/// One row of the table of known limiters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The `type` of the Admin API (SDK: `WorkspaceRateLimitType`), or our name for a header family
    /// that the Admin API does not list.
    pub limiter: &'static str,
    /// What it counts.
    pub dimension: Dimension,
    /// Which headers report it.
    pub family: Family,
    /// The header stem, without `-limit`, `-remaining`, `-reset`; empty when no header reports it.
    pub stem: &'static str,
}

/// Every limiter with a meaning here. To add one: a row, and a fixture in `headers`.
pub const KNOWN: &[Known] = &[
    row(
        "requests_per_minute",
        Dimension::Rpm,
        Family::Standard,
        "anthropic-ratelimit-requests",
    ),
    row(
        "input_tokens_per_minute_cache_aware",
        Dimension::Itpm,
        Family::Standard,
        "anthropic-ratelimit-input-tokens",
    ),
    row(
        "input_tokens_per_minute",
        Dimension::ItpmAll,
        Family::Standard,
        "",
    ),
    row(
        "output_tokens_per_minute",
        Dimension::Otpm,
        Family::Standard,
        "anthropic-ratelimit-output-tokens",
    ),
    row(
        "tokens",
        Dimension::Combined,
        Family::Combined,
        "anthropic-ratelimit-tokens",
    ),
    row(
        "tokens_per_minute",
        Dimension::Combined,
        Family::Standard,
        "",
    ),
    row("tokens_per_day", Dimension::Tpd, Family::Standard, ""),
    row(
        "fast_itpmca",
        Dimension::Itpm,
        Family::Fast,
        "anthropic-fast-input-tokens",
    ),
    row(
        "fast_otpm",
        Dimension::Otpm,
        Family::Fast,
        "anthropic-fast-output-tokens",
    ),
    row(
        "priority_input",
        Dimension::Itpm,
        Family::Priority,
        "anthropic-priority-input-tokens",
    ),
    row(
        "priority_output",
        Dimension::Otpm,
        Family::Priority,
        "anthropic-priority-output-tokens",
    ),
    row(
        "tool_uses_per_second",
        Dimension::Tools,
        Family::Standard,
        "",
    ),
    row(
        "enqueued_batch_requests",
        Dimension::Queue,
        Family::Standard,
        "",
    ),
];

const fn row(
    limiter: &'static str,
    dimension: Dimension,
    family: Family,
    stem: &'static str,
) -> Known {
    Known {
        limiter,
        dimension,
        family,
        stem,
    }
}

impl Limiter {
    /// The row of the table for this limiter.
    pub fn known(&self) -> Option<&'static Known> {
        KNOWN.iter().find(|known| known.limiter == self.as_str())
    }

    /// What it counts; `Other` for a type that is not in the table.
    pub fn dimension(&self) -> Dimension {
        self.known()
            .map_or(Dimension::Other, |known| known.dimension)
    }

    /// The family whose headers report it.
    pub fn family(&self) -> Family {
        self.known().map_or(Family::Standard, |known| known.family)
    }
}
