//! A world to simulate, as its TOML file describes it. Everything about the API that is not
//! established is a setting here.

pub mod catalogue;
mod read;

use crate::domain::retry::Policy;
use serde::Deserialize;
use std::collections::BTreeMap;

pub use read::BadScenario;

/// Lowest and highest value of something that varies; written `[40, 400]`.
pub type Range = (f64, f64);

/// A world. Read one with [`Scenario::named`] or [`Scenario::parse`].
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Name of its file without `.toml`; not written in the file.
    #[serde(skip)]
    pub name: String,
    /// What it shows, in one sentence.
    pub about: String,
    /// Whose world it is.
    #[serde(default)]
    pub organization: OrganizationSpec,
    /// Pools of this tier exist without being listed.
    #[serde(default)]
    pub tier: Tier,
    /// Further pools, or changes to pools of the tier (same `name`).
    #[serde(default)]
    pub pools: Vec<PoolSpec>,
    /// Workspaces, with their overrides.
    #[serde(default)]
    pub workspaces: Vec<WorkspaceSpec>,
    /// Name of the workspace of the API key; none is the default workspace.
    #[serde(default)]
    pub workspace: Option<String>,
    /// How answers look.
    #[serde(default)]
    pub answers: Answers,
    /// Which headers are sent, and what they mean.
    #[serde(default)]
    pub headers: HeaderRules,
    /// What else is limited.
    #[serde(default)]
    pub rules: Rules,
    /// What goes wrong, and how often.
    #[serde(default)]
    pub faults: Vec<Fault>,
    /// Make-believe clients whose calls the tool makes itself.
    #[serde(default)]
    pub me: Vec<Client>,
    /// Make-believe clients that only show as others' burn.
    #[serde(default)]
    pub unseen: Vec<Client>,
}

/// Whose world it is.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OrganizationSpec {
    /// A uuid.
    pub id: String,
    /// For people.
    pub name: String,
}

impl Default for OrganizationSpec {
    fn default() -> Self {
        Self {
            id: "5f0c0a52-7e1d-4c58-9b0e-2d6a4f1c8e90".into(),
            name: "Acme Corp".into(),
        }
    }
}

/// Usage tiers (rate-limits page, section "current" of November 2026).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// No pools but the listed ones.
    None,
    /// The lowest paid one.
    Start,
    /// The middle one.
    #[default]
    Build,
    /// The highest one.
    Scale,
}

/// A pool, or a change to one of the tier.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PoolSpec {
    /// `Opus 5.5`; a name of the catalogue brings its id, members and limits.
    pub name: String,
    /// `rlg_…`.
    pub id: String,
    /// `model_group`, `batch`, `token_count`, `files`, `skills`, `web_search`; `model_group` unless said.
    pub kind: String,
    /// Members: ids and aliases.
    pub models: Vec<String>,
    /// By limiter type, over those of the tier. 0 removes one.
    pub limits: BTreeMap<String, u64>,
    /// Share of each bucket that is there at the start, by limiter type; full unless said.
    pub start: BTreeMap<String, f64>,
}

/// A workspace.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkspaceSpec {
    /// For people.
    pub name: String,
    /// `wrkspc_…`.
    pub id: String,
    /// By pool name, then limiter type.
    #[serde(default)]
    pub limits: BTreeMap<String, BTreeMap<String, u64>>,
    /// Whether it is archived.
    #[serde(default)]
    pub archived: bool,
}

/// How answers look.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Answers {
    /// Natural length in tokens; `max_tokens` may cut it.
    pub tokens: Range,
    /// Seconds until the head of a stream.
    pub first_byte_s: Range,
    /// Speed of one answer; 0 means at once.
    pub tokens_per_s: Range,
    /// Share of every prompt that is read from the cache, beyond what `cache_control` asks for.
    pub cache_share: f64,
    /// Seconds from the start during which that share is written to the cache instead of read.
    pub cache_cold_s: f64,
    /// What is charged on admission, as a multiple of the true uncached input; trued up at the head.
    pub estimate: f64,
    /// Whether a whole (not streamed) 200 already shows its own output as gone.
    pub own_output_in_remaining: bool,
}

impl Default for Answers {
    fn default() -> Self {
        Self {
            tokens: (40.0, 400.0),
            first_byte_s: (0.25, 0.7),
            tokens_per_s: (60.0, 110.0),
            cache_share: 0.0,
            cache_cold_s: 0.0,
            estimate: 1.05,
            own_output_in_remaining: true,
        }
    }
}

/// Which headers are sent, and what they mean.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HeaderRules {
    /// Families that are sent: `requests`, `tokens`, `input-tokens`, `output-tokens`, `fast`.
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
        use HeaderFamily::{Fast, InputTokens, OutputTokens, Requests, Tokens};
        Self {
            families: vec![Requests, Tokens, InputTokens, OutputTokens, Fast],
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
}

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

/// A make-believe client.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// Its name on the screen.
    pub name: String,
    /// The model it asks for.
    pub model: String,
    /// Calls per minute while it is busy.
    pub per_minute: f64,
    /// Input tokens of a call.
    pub input: Range,
    /// Output tokens of an unseen call; `max_tokens` of one of mine.
    pub output: Range,
    /// Share of its calls that stream (mine only).
    #[serde(default = "one")]
    pub stream: f64,
    /// Its retry policy (mine only); the default policy unless said.
    #[serde(default)]
    pub policy: Option<String>,
    /// Attempts in all (mine only); the policy's own number unless said.
    #[serde(default)]
    pub attempts: Option<u32>,
    /// How its rate changes over time.
    #[serde(default)]
    pub pattern: Pattern,
    /// Seconds of one turn of the pattern.
    #[serde(default = "minute")]
    pub period_s: f64,
    /// Share of a `bursts` period in which it is busy.
    #[serde(default = "half")]
    pub duty: f64,
    /// Seconds by which the pattern is shifted.
    #[serde(default)]
    pub phase_s: f64,
    /// How regular its calls are: 0 like a clock, 1 as likely early as late by a whole interval.
    #[serde(default = "half")]
    pub jitter: f64,
}

/// How a client's rate changes over time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pattern {
    /// It does not.
    #[default]
    Steady,
    /// Busy for `duty` of each period, then silent.
    Bursts,
    /// Swings between nothing and twice `per_minute`.
    Wave,
    /// Grows from nothing to `per_minute` over the first period, and stays.
    Grow,
}

fn one() -> f64 {
    1.0
}
fn half() -> f64 {
    0.5
}
fn minute() -> f64 {
    60.0
}

impl Client {
    /// Calls per minute, `at_s` seconds after the start of the world.
    pub fn rate(&self, at_s: f64) -> f64 {
        let period = self.period_s.max(1.0);
        let turn = ((at_s + self.phase_s) / period).rem_euclid(1.0);
        self.per_minute
            * match self.pattern {
                Pattern::Steady => 1.0,
                Pattern::Bursts if turn < self.duty => 1.0,
                Pattern::Bursts => 0.0,
                Pattern::Wave => 1.0 - (turn * std::f64::consts::TAU).cos(),
                Pattern::Grow => ((at_s + self.phase_s) / period).clamp(0.0, 1.0),
            }
    }

    /// Seconds from one call at `at_s` to the next, for a die in [0, 1). At least a millisecond, at
    /// most five seconds while nothing is due (then ask again; `false`).
    pub fn next_in(&self, at_s: f64, die: f64) -> (f64, bool) {
        let rate = self.rate(at_s);
        if rate < self.per_minute * 0.02 || rate <= 0.0 {
            return (0.25, false);
        }
        let spread = 1.0 + self.jitter.clamp(0.0, 1.0) * (2.0 * die - 1.0);
        ((60.0 / rate * spread).clamp(0.001, 3600.0), true)
    }

    /// Its retry policy.
    pub fn policy(&self) -> Policy {
        self.policy
            .as_deref()
            .and_then(Policy::named)
            .unwrap_or(Policy::HintJitter)
    }
}
