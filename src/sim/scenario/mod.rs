//! A world to simulate, as its TOML file describes it. Everything about the API that is not
//! established is a setting here.
//!
//! To add a setting: a field with a default here or in one of the files beside, a look at it in `engine`.
//! To add a model or a pool: a row in [`catalogue`].

pub mod catalogue;
mod client;
mod headers;
mod read;
mod rules;

use serde::Deserialize;
use std::collections::BTreeMap;

pub use client::{Client, Pattern};
pub use headers::{AsOf, HeaderFamily, HeaderRules, Subscription, TokensHeader};
pub use read::BadScenario;
pub use rules::{AdminShape, BatchRules, Fault, FaultKind, Ramp, Rules, Spend, SpendKind};

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
    /// How a test call meets that, where the first may miss it: a sentence or two for tab 2 of a demo.
    #[serde(default)]
    pub meet: Option<String>,
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
    /// How message batches go.
    #[serde(default)]
    pub batches: BatchRules,
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

impl Scenario {
    /// The model that a test call meets the scenario's point with: that of the visible client which calls
    /// most.
    pub fn point(&self) -> Option<&str> {
        let busiest = self.me.iter().rev();
        let busiest = busiest.max_by(|a, b| a.per_minute.total_cmp(&b.per_minute))?;
        Some(&busiest.model)
    }
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
    /// Share of every prompt that is read from the cache, beyond what `cache_control` asks for. A
    /// share below the model's minimum is not cached.
    pub cache_share: f64,
    /// Tokens below which nothing is cached, for models whose minimum is not established.
    pub cache_minimum: u64,
    /// Seconds from the start during which that share is written to the cache instead of read.
    pub cache_cold_s: f64,
    /// What is charged on admission, as a multiple of the true uncached input; trued up at the head.
    pub estimate: f64,
    /// Whether a whole (not streamed) 200 already shows its own output as gone.
    pub own_output_in_remaining: bool,
    /// Share of the calls with `tools` whose answer asks for one, where `tool_choice` leaves it to the
    /// model and no result came back yet.
    pub tool_use: f64,
    /// Whether answers begin with a block of thinking, and say how many of their output tokens it took.
    /// A stream then also says things that no client knows yet: an event and a delta of unknown names.
    pub thinking: bool,
}

impl Default for Answers {
    fn default() -> Self {
        Self {
            tokens: (40.0, 400.0),
            first_byte_s: (0.25, 0.7),
            tokens_per_s: (60.0, 110.0),
            cache_share: 0.0,
            cache_minimum: 1_024,
            cache_cold_s: 0.0,
            estimate: 1.05,
            own_output_in_remaining: true,
            tool_use: 1.0,
            thinking: false,
        }
    }
}
