//! What a world limits besides its buckets, and what goes wrong in it.

use serde::Deserialize;

/// What else is limited.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// Whether a refused call counts towards RPM.
    pub refused_counts_rpm: bool,
    /// Seconds of RPM that may come at once (a 60 RPM limit enforced as 1/s is 1.0); none is a minute.
    pub burst_window_s: Option<f64>,
    /// Calls in flight at once.
    pub concurrent: Option<u32>,
    /// Growth allowance of uncached input tokens.
    pub ramp: Option<Ramp>,
    /// Money.
    pub spend: Option<Spend>,
    /// Whether a call that a Priority commitment cannot hold is refused; else it runs as standard.
    pub priority_refuses: bool,
    /// What `rate_limits` looks like.
    pub admin_shape: AdminShape,
    /// Whether the API key may read limits, as unscoped personal keys may since August 2026.
    pub api_key_reads_limits: bool,
    /// Whether any key is accepted: for load tests.
    pub any_key: bool,
}

/// Growth allowance: steps at each minute boundary, back to `start` after five idle minutes.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ramp {
    /// Uncached input tokens in the first minute.
    pub start: u64,
    /// More in each further minute.
    pub step: u64,
}

/// Money.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spend {
    /// Whose cap it is.
    pub kind: SpendKind,
    /// Dollars until it is reached; may be 0.
    pub left_usd: f64,
}

/// Whose spend cap it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpendKind {
    /// The tier's monthly cap: 429 with a code, without `retry-after`.
    Tier,
    /// A contract's: likewise.
    Contract,
    /// The organization's own limit: 400.
    Own,
    /// A workspace's own limit: 400.
    OwnWorkspace,
}

/// What `rate_limits` looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AdminShape {
    /// By the `anthropic-version` of the request: the old one gets `group_type` and `group`, the new
    /// one only `group`.
    #[default]
    ByVersion,
    /// Only `group_type`, as before September 2026.
    #[serde(rename = "2023")]
    Y2023,
    /// Only `group`.
    #[serde(rename = "2026")]
    Y2026,
    /// Only `group_type`, and no `id`, as in the guide's samples.
    Guide,
}

/// How message batches go.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BatchRules {
    /// Seconds until the last request of a batch is done (most batches of the API: within an hour).
    pub takes_s: super::Range,
    /// How many times as fast as the real ones their clock goes: with 60 an hour is a minute, and a
    /// batch expires after 24 of them.
    pub clock: f64,
    /// Share of the requests that fail with a server's error.
    pub errored: f64,
}

impl Default for BatchRules {
    fn default() -> Self {
        Self {
            takes_s: (600.0, 2_400.0),
            clock: 60.0,
            errored: 0.0,
        }
    }
}

/// Something that goes wrong with some calls.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What.
    pub kind: FaultKind,
    /// Share of calls, 0 to 1.
    pub share: f64,
    /// Only calls to these models; all when empty.
    #[serde(default)]
    pub models: Vec<String>,
    /// Not before this many seconds from the start.
    #[serde(default)]
    pub from_s: f64,
    /// Only during this many seconds of every `period_s`.
    #[serde(default)]
    pub for_s: Option<f64>,
    /// See `for_s`; 60 unless said.
    #[serde(default)]
    pub period_s: Option<f64>,
    /// Seconds to wait first: for `slow`, `timeout`.
    #[serde(default)]
    pub wait_s: f64,
    /// Tokens before it happens: for `stream-error`, `cut`, `truncated`.
    #[serde(default)]
    pub after_tokens: u64,
    /// `error.type` of a `stream-error`; `overloaded_error` unless said.
    #[serde(default)]
    pub error: Option<String>,
}

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// 529.
    Overloaded,
    /// 500.
    ServerError,
    /// 504 after `wait_s`.
    Timeout,
    /// 409.
    Conflict,
    /// 429 that explains nothing, without headers.
    Opaque,
    /// 402: a linked organization's spend limit is reached.
    Billing,
    /// 400: the organization is on hold.
    OnHold,
    /// 529 that names a part of the API, compaction, as unavailable.
    CompactionUnavailable,
    /// The head comes `wait_s` later.
    Slow,
    /// 200, then an `error` event; a call that does not stream gets the error's own status.
    StreamError,
    /// The connection breaks.
    Cut,
    /// The stream ends cleanly but without `message_stop`.
    Truncated,
    /// `stop_reason` `pause_turn`, once; the continuation ends normally.
    PauseTurn,
    /// `stop_reason` `refusal`.
    Refusal,
}
