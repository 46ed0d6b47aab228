//! Usage tiers: what the published table says about limits, pools and models. No endpoint names the
//! tier, so everything from here is a guess and is marked as one.

mod ending;

use super::{
    id::{GroupId, Limiter, ModelId},
    org::{ConfiguredLimit, Group, GroupKind},
};
use chrono::NaiveDate;
use serde::Deserialize;
use std::collections::BTreeMap;

pub use ending::ending;

/// The dated table. Field names are those of `assets/tiers.toml`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tiers {
    /// When the table was made, `2026-11-24`.
    pub as_of: String,
    /// Lowest first.
    pub tier: Vec<Tier>,
    /// What shares one set of buckets.
    pub pool: Vec<PoolRow>,
    /// Known models.
    pub model: Vec<ModelRow>,
}

/// What a tier has apart from the model pools.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// `Start`, `Build`, `Scale`.
    pub name: String,
    /// Monthly spend cap, US dollars.
    pub spend_cap_usd: u64,
    /// Message Batches: requests per minute.
    pub batch_rpm: u64,
    /// Message Batches: requests that may be queued.
    pub batch_queue: u64,
    /// `count_tokens`: requests per minute.
    pub count_tokens_rpm: u64,
}

/// One model group.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolRow {
    /// `Opus 4.x`.
    pub name: String,
    /// Whether the numbers, or that it stands alone, are assumed and not published.
    #[serde(default)]
    pub assumed: bool,
    /// By tier; empty when nothing is published.
    #[serde(default)]
    pub limits: BTreeMap<String, Numbers>,
}

/// Limits of one pool in one tier, per minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Numbers {
    /// Requests.
    pub rpm: u64,
    /// Input tokens, cache reads not counted.
    pub itpm: u64,
    /// Output tokens.
    pub otpm: u64,
}

/// One model.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelRow {
    /// The undated id.
    pub id: ModelId,
    /// `Opus 5.5`.
    pub name: String,
    /// Its pool's name; none when the model has ended.
    pub pool: Option<String>,
    /// Dated ids.
    #[serde(default)]
    pub aliases: Vec<ModelId>,
    /// Its last day, or the day on which it was retired.
    pub ends: Option<NaiveDate>,
}

const RPM: &str = "requests_per_minute";
const ITPM: &str = "input_tokens_per_minute_cache_aware";
const ITPM_ALL: &str = "input_tokens_per_minute";
const OTPM: &str = "output_tokens_per_minute";
const QUEUE: &str = "enqueued_batch_requests";

impl Tiers {
    /// The row of a model, by id or alias.
    pub fn model(&self, model: &ModelId) -> Option<&ModelRow> {
        self.model
            .iter()
            .find(|row| row.id == *model || row.aliases.contains(model))
    }

    /// What people call a model: `Opus 5.5`.
    pub fn name_of(&self, model: &ModelId) -> Option<&str> {
        self.model(model).map(|row| row.name.as_str())
    }

    /// The day on which a model ends or has ended, where one is announced.
    pub fn ends(&self, model: &ModelId) -> Option<NaiveDate> {
        self.model(model)?.ends
    }

    /// The pool that the table puts a model into.
    pub fn pool_of(&self, model: &ModelId) -> Option<&PoolRow> {
        let name = self.model(model)?.pool.as_deref()?;
        self.pool.iter().find(|pool| pool.name == name)
    }

    /// What a model's pool has in a tier.
    pub fn numbers(&self, model: &ModelId, tier: &str) -> Option<Numbers> {
        self.pool_of(model)?.limits.get(tier).copied()
    }

    /// The tier that configured limits look like: the only one whose published numbers all known model
    /// groups have. None as soon as one group disagrees, and when nothing is known. A guess, always.
    pub fn infer(&self, groups: &[Group]) -> Option<&str> {
        let mut known = groups
            .iter()
            .filter(|group| group.kind == GroupKind::ModelGroup && !group.guess)
            .filter_map(|group| {
                let pool = group.models.iter().find_map(|model| self.pool_of(model))?;
                let compared = !pool.assumed && has_any(group);
                compared.then_some((pool, group))
            })
            .peekable();
        known.peek()?;
        let pairs: Vec<_> = known.collect();
        let mut fitting = self.tier.iter().filter(|tier| {
            pairs
                .iter()
                .all(|(pool, group)| fits(group, pool.limits.get(&tier.name)))
        });
        let first = fitting.next()?;
        fitting.next().is_none().then_some(first.name.as_str())
    }

    /// Pools and members for when the Admin API does not say, marked as guesses. With a tier they have
    /// that tier's numbers and the pools for batches and token counting; without one no numbers.
    pub fn guess_groups(&self, tier: Option<&str>) -> Vec<Group> {
        let mut groups: Vec<Group> = self
            .pool
            .iter()
            .map(|pool| Group {
                id: guessed_id(&pool.name),
                entry: None,
                kind: GroupKind::ModelGroup,
                name: pool.name.clone(),
                models: self.members(&pool.name),
                limits: tier.and_then(|tier| pool.limits.get(tier)).map_or_else(
                    Vec::new,
                    |numbers| {
                        limits(&[
                            (RPM, numbers.rpm),
                            (ITPM, numbers.itpm),
                            (OTPM, numbers.otpm),
                        ])
                    },
                ),
                guess: true,
            })
            .collect();
        let tier = tier.and_then(|name| self.tier.iter().find(|tier| tier.name == name));
        if let Some(tier) = tier {
            let other = |kind, name: &str, numbers: &[(&str, u64)]| Group {
                id: guessed_id(name),
                entry: None,
                kind,
                name: name.to_owned(),
                models: Vec::new(),
                limits: limits(numbers),
                guess: true,
            };
            groups.push(other(
                GroupKind::Batch,
                "batches",
                &[(RPM, tier.batch_rpm), (QUEUE, tier.batch_queue)],
            ));
            groups.push(other(
                GroupKind::TokenCount,
                "token counting",
                &[(RPM, tier.count_tokens_rpm)],
            ));
        }
        groups
    }

    /// Ids and aliases of a pool's members.
    fn members(&self, pool: &str) -> Vec<ModelId> {
        self.model
            .iter()
            .filter(|row| row.pool.as_deref() == Some(pool))
            .flat_map(|row| std::iter::once(&row.id).chain(&row.aliases))
            .cloned()
            .collect()
    }
}

/// `guess:opus-5.5`: cannot be mistaken for the Admin API's `rlg_…`.
fn guessed_id(name: &str) -> GroupId {
    format!("guess:{}", name.to_lowercase().replace(' ', "-")).into()
}

fn limits(rows: &[(&str, u64)]) -> Vec<ConfiguredLimit> {
    rows.iter()
        .map(|(limiter, value)| ConfiguredLimit {
            limiter: Limiter::from(*limiter),
            value: *value,
        })
        .collect()
}

fn value(group: &Group, limiter: &str) -> Option<u64> {
    group
        .limits
        .iter()
        .find(|limit| limit.limiter.as_str() == limiter)
        .map(|limit| limit.value)
}

fn has_any(group: &Group) -> bool {
    [RPM, ITPM, ITPM_ALL, OTPM]
        .iter()
        .any(|limiter| value(group, limiter).is_some())
}

/// Whether every limit that the group has is the table's. A plain input limit beside a cache-aware
/// one is an addition and does not count.
fn fits(group: &Group, numbers: Option<&Numbers>) -> bool {
    let Some(numbers) = numbers else { return false };
    let input = value(group, ITPM).or_else(|| value(group, ITPM_ALL));
    value(group, RPM).is_none_or(|n| n == numbers.rpm)
        && input.is_none_or(|n| n == numbers.itpm)
        && value(group, OTPM).is_none_or(|n| n == numbers.otpm)
}

#[cfg(test)]
mod tests;
