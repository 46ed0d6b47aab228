//! Which rate-limit headers a world sends.

use serde::Deserialize;

/// Which headers are sent, and what they mean.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HeaderRules {
    /// Families that are sent: `requests`, `tokens`, `input-tokens`, `output-tokens`, `fast`,
    /// `priority`.
    pub families: Vec<HeaderFamily>,
    /// What `tokens-*` shows.
    pub tokens: TokensHeader,
    /// When levels are read: as the call is admitted, or as the head goes out.
    pub levels_as_of: AsOf,
    /// Subscription headers instead of the families.
    pub subscription: Option<Subscription>,
    /// Sent as `x-should-retry` with refusals and faults.
    pub should_retry: Option<bool>,
    /// Whether refusals that have a wait also send it as `retry-after-ms`.
    pub retry_after_ms: bool,
}

impl Default for HeaderRules {
    fn default() -> Self {
        use HeaderFamily::{Fast, InputTokens, OutputTokens, Priority, Requests, Tokens};
        Self {
            families: vec![Requests, Tokens, InputTokens, OutputTokens, Fast, Priority],
            tokens: TokensHeader::default(),
            levels_as_of: AsOf::default(),
            subscription: None,
            should_retry: None,
            retry_after_ms: false,
        }
    }
}

/// A family of rate-limit headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HeaderFamily {
    /// `anthropic-ratelimit-requests-*`
    Requests,
    /// `anthropic-ratelimit-tokens-*`
    Tokens,
    /// `anthropic-ratelimit-input-tokens-*`
    InputTokens,
    /// `anthropic-ratelimit-output-tokens-*`
    OutputTokens,
    /// `anthropic-fast-*`, for fast calls
    Fast,
    /// `anthropic-priority-*`, for pools with a Priority commitment (`priority_input`,
    /// `priority_output` among their limits)
    Priority,
}

/// What `anthropic-ratelimit-tokens-*` shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokensHeader {
    /// Input and output in one number; the workspace's token limit where one is in force.
    #[default]
    MostRestrictive,
    /// Input and output in one number, always.
    Combined,
    /// The same as `input-tokens-*`.
    Input,
    /// The same as `output-tokens-*`.
    Output,
}

/// When the levels in a head are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AsOf {
    /// As the head goes out.
    #[default]
    Head,
    /// As the call is admitted: `reset` may then be earlier than the response's own `date`.
    Admission,
}

/// Subscription windows.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// Used share of the 5 h window at the start.
    pub five_hour: f64,
    /// Used share of the 7 d window at the start.
    pub seven_day: f64,
    /// Share of the 5 h window that a thousand tokens use; a tenth of it for the 7 d window.
    pub per_1000_tokens: f64,
    /// Used share of the 7 d window with overage at the start, which only calls to Fable show and use;
    /// none where there is no such window.
    #[serde(default)]
    pub seven_day_overage: Option<f64>,
}
