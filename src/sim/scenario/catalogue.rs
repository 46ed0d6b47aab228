//! The models and pools that a simulated organization may have: ids of the SDK's `Model` type
//! (2026-11-20), groups and numbers of the rate-limits page (section "current", November 2026).

use super::{PoolSpec, Tier};

/// A model of `GET /v1/models`.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    /// The id that answers carry.
    pub id: &'static str,
    /// Another name for it, dated or short.
    pub alias: Option<&'static str>,
    /// For people.
    pub display_name: &'static str,
    /// `haiku`, `sonnet`, `opus`, `fable`, `mythos`.
    pub line: &'static str,
    /// RFC 3339.
    pub created_at: &'static str,
    /// When it retires, if that is known: then it is deprecated.
    pub retires_at: Option<&'static str>,
}

/// Newest first, as the models endpoint lists them.
pub const MODELS: &[Model] = &[
    model(
        "claude-fable-5-2",
        "Claude Fable 5.2",
        "fable",
        "2026-11-09T00:00:00Z",
    ),
    model(
        "claude-haiku-5-5",
        "Claude Haiku 5.5",
        "haiku",
        "2026-10-13T00:00:00Z",
    ),
    model(
        "claude-sonnet-5-5",
        "Claude Sonnet 5.5",
        "sonnet",
        "2026-09-22T00:00:00Z",
    ),
    model(
        "claude-fable-5-1",
        "Claude Fable 5.1",
        "fable",
        "2026-09-08T00:00:00Z",
    ),
    model(
        "claude-opus-5-5",
        "Claude Opus 5.5",
        "opus",
        "2026-08-27T00:00:00Z",
    ),
    model(
        "claude-sonnet-5",
        "Claude Sonnet 5",
        "sonnet",
        "2026-06-30T00:00:00Z",
    ),
    model(
        "claude-fable-5",
        "Claude Fable 5",
        "fable",
        "2026-06-16T00:00:00Z",
    ),
    model(
        "claude-opus-5",
        "Claude Opus 5",
        "opus",
        "2026-06-02T00:00:00Z",
    ),
    model(
        "claude-opus-4-8",
        "Claude Opus 4.8",
        "opus",
        "2026-04-28T00:00:00Z",
    ),
    model(
        "claude-opus-4-7",
        "Claude Opus 4.7",
        "opus",
        "2026-04-16T00:00:00Z",
    ),
    model(
        "claude-sonnet-4-6",
        "Claude Sonnet 4.6",
        "sonnet",
        "2026-02-17T00:00:00Z",
    ),
    model(
        "claude-opus-4-6",
        "Claude Opus 4.6",
        "opus",
        "2026-02-05T00:00:00Z",
    ),
    Model {
        alias: Some("claude-opus-4-5-20251101"),
        ..model(
            "claude-opus-4-5",
            "Claude Opus 4.5",
            "opus",
            "2025-11-24T00:00:00Z",
        )
    },
    Model {
        alias: Some("claude-haiku-4-5-20251001"),
        ..model(
            "claude-haiku-4-5",
            "Claude Haiku 4.5",
            "haiku",
            "2025-10-15T00:00:00Z",
        )
    },
    Model {
        alias: Some("claude-sonnet-4-5-20250929"),
        retires_at: Some("2026-11-30T00:00:00Z"),
        ..model(
            "claude-sonnet-4-5",
            "Claude Sonnet 4.5",
            "sonnet",
            "2025-09-29T00:00:00Z",
        )
    },
];

const fn model(
    id: &'static str,
    display_name: &'static str,
    line: &'static str,
    created_at: &'static str,
) -> Model {
    Model {
        id,
        alias: None,
        display_name,
        line,
        created_at,
        retires_at: None,
    }
}

/// The id of a model that may be named by its alias.
pub fn id_of(model: &str) -> &str {
    MODELS
        .iter()
        .find(|known| known.alias == Some(model))
        .map_or(model, |known| known.id)
}

/// Whether a model is of the Fable line.
pub fn is_fable(model: &str) -> bool {
    let id = id_of(model);
    MODELS
        .iter()
        .any(|known| known.id == id && known.line == "fable")
}

/// Whether a model takes `temperature`, `top_p` and `top_k` (under the old version): those before 4.7
/// do, and nothing is known of strangers.
pub fn takes_sampling(model: &str) -> bool {
    const OLD: [&str; 2] = ["claude-opus-4-6", "claude-sonnet-4-6"];
    let id = id_of(model);
    takes_prefill(id) || OLD.contains(&id) || MODELS.iter().all(|known| known.id != id)
}

/// Whether a model continues a message of the assistant: those before 4.6 do.
pub fn takes_prefill(model: &str) -> bool {
    const OLD: [&str; 3] = ["claude-opus-4-5", "claude-sonnet-4-5", "claude-haiku-4-5"];
    OLD.contains(&id_of(model))
}

/// Requests, cache-aware input tokens and output tokens a minute.
type Numbers = [u64; 3];

/// What Opus, Sonnet and Haiku pools have in Start, Build and Scale.
const USUAL: [Numbers; 3] = [
    [1_000, 2_000_000, 400_000],
    [5_000, 5_000_000, 1_000_000],
    [10_000, 10_000_000, 2_000_000],
];
const FABLE: [Numbers; 3] = [
    [1_000, 500_000, 100_000],
    [2_000, 1_500_000, 300_000],
    [4_000, 4_000_000, 800_000],
];

/// Name, id, members, numbers.
type Row = (
    &'static str,
    &'static str,
    &'static [&'static str],
    [Numbers; 3],
);

/// To add a pool of models: a row here, and its models above.
const POOLS: &[Row] = &[
    (
        "Opus 5.5",
        "rlg_01SimOpus55aQ7cVm2Rt9Kx4E",
        &["claude-opus-5-5"],
        USUAL,
    ),
    (
        "Opus 5",
        "rlg_01SimOpus5xB3dLn8Wy6Hz1Fv",
        &["claude-opus-5"],
        USUAL,
    ),
    (
        "Opus 4.x",
        "rlg_01SimOpus4xC9gPs4Tu7Jb2Mw",
        &[
            "claude-opus-4-5",
            "claude-opus-4-5-20251101",
            "claude-opus-4-6",
            "claude-opus-4-7",
            "claude-opus-4-8",
        ],
        USUAL,
    ),
    (
        "Sonnet 5.5",
        "rlg_01SimSonn55D5hRv1Yx8Nd3Qa",
        &["claude-sonnet-5-5"],
        USUAL,
    ),
    (
        "Sonnet 5",
        "rlg_01SimSonn5xE2jSw6Za4Pf7Rc",
        &["claude-sonnet-5"],
        USUAL,
    ),
    (
        "Sonnet 4.x",
        "rlg_01SimSonn4xF8kTx3Cb9Rg5Sd",
        &[
            "claude-sonnet-4-5",
            "claude-sonnet-4-5-20250929",
            "claude-sonnet-4-6",
        ],
        USUAL,
    ),
    (
        "Haiku 5.5",
        "rlg_01SimHaik55G4mVz7Dc2Th8Uf",
        &["claude-haiku-5-5"],
        USUAL,
    ),
    (
        "Haiku 4.5",
        "rlg_01SimHaik45H1nWa5Fd6Vj9Wg",
        &["claude-haiku-4-5", "claude-haiku-4-5-20251001"],
        USUAL,
    ),
    (
        "Fable 5.x",
        "rlg_01SimFabl5xJ6pXb9Ge3Xk4Yh",
        &["claude-fable-5", "claude-fable-5-1", "claude-fable-5-2"],
        FABLE,
    ),
];

/// Kind, id, limiter type and its value in Start, Build and Scale.
type OtherRow = (
    &'static str,
    &'static str,
    &'static [(&'static str, [u64; 3])],
);

const OTHERS: &[OtherRow] = &[
    (
        "batch",
        "rlg_01SimBatchK3qYc8Hf5Zm6Aj1",
        &[
            ("requests_per_minute", [1_000, 2_000, 4_000]),
            ("enqueued_batch_requests", [200_000, 300_000, 500_000]),
        ],
    ),
    (
        "token_count",
        "rlg_01SimCountL9rZd2Jg7An4Bk6",
        &[("requests_per_minute", [2_000, 4_000, 8_000])],
    ),
    (
        "files",
        "rlg_01SimFilesM5sAe4Kh8Bp2Cm7",
        &[("requests_per_minute", [500, 500, 500])],
    ),
    (
        "web_search",
        "rlg_01SimWebseN7tBf6Lj3Cq5Dn8",
        &[("tool_uses_per_second", [30, 30, 30])],
    ),
];

/// The pools of a tier: model groups, then the others.
pub fn pools(tier: Tier) -> Vec<PoolSpec> {
    let column = match tier {
        Tier::None => return Vec::new(),
        Tier::Start => 0,
        Tier::Build => 1,
        Tier::Scale => 2,
    };
    let models = POOLS.iter().map(|(name, id, members, numbers)| PoolSpec {
        name: (*name).into(),
        id: (*id).into(),
        kind: "model_group".into(),
        models: members.iter().map(|id| (*id).into()).collect(),
        limits: [
            "requests_per_minute",
            "input_tokens_per_minute_cache_aware",
            "output_tokens_per_minute",
        ]
        .into_iter()
        .zip(numbers[column])
        .map(|(limiter, value)| (limiter.into(), value))
        .collect(),
        ..PoolSpec::default()
    });
    let others = OTHERS.iter().map(|(kind, id, limits)| PoolSpec {
        name: (*kind).into(),
        id: (*id).into(),
        kind: (*kind).into(),
        limits: limits
            .iter()
            .map(|(limiter, values)| ((*limiter).into(), values[column]))
            .collect(),
        ..PoolSpec::default()
    });
    models.chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_model_is_in_exactly_one_pool_and_every_member_is_a_model() {
        let mut seen = BTreeSet::new();
        for member in POOLS.iter().flat_map(|(_, _, members, _)| *members) {
            assert!(seen.insert(*member), "{member} is in two pools");
        }
        let known: BTreeSet<&str> = MODELS
            .iter()
            .flat_map(|model| [Some(model.id), model.alias])
            .flatten()
            .collect();
        assert_eq!(seen, known);
    }

    #[test]
    fn models_are_listed_newest_first() {
        assert!(MODELS.is_sorted_by(|a, b| a.created_at >= b.created_at));
    }
}
