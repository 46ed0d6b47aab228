//! What a board knows of the limits that a model's calls draw on, for those who hold calls back.

use super::Board;
use crate::domain::{
    gauge::GaugeState,
    headers::Level,
    id::ModelId,
    limit::{Dimension, Family},
    observation::{Observation, What},
    time::Time,
};

impl Board {
    /// What is left at least of the standard limits of a model's pool, as far as headers of a moment ago
    /// tell. Input is told as the header names it, whichever limiter stands behind it.
    pub fn levels_of(&self, model: &ModelId, now: Time) -> Vec<Level> {
        let Some(pool) = self.pool_of(model) else {
            return Vec::new();
        };
        let known = |dimension, told| {
            let gauge = pool.gauge(dimension, Family::Standard)?;
            let view = gauge.view(now);
            if !matches!(view.state, GaugeState::Live | GaugeState::Projected) {
                return None;
            }
            Some(Level {
                limiter: gauge.limiter.clone(),
                dimension: told,
                family: Family::Standard,
                limit: view.effective_limit?,
                remaining: view.remaining_low?,
                full_in_s: None,
            })
        };
        let input = known(Dimension::Itpm, Dimension::Itpm);
        let input = input.or_else(|| known(Dimension::ItpmAll, Dimension::Itpm));
        [
            known(Dimension::Rpm, Dimension::Rpm),
            input,
            known(Dimension::Otpm, Dimension::Otpm),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// The levels that an answer's head tells of the pool that serves a model; none where it is another
    /// pool's, another organization's or workspace's.
    pub fn told_of<'a>(&self, seen: &'a Observation, model: &ModelId) -> Option<&'a [Level]> {
        let What::Head { reading, .. } = &seen.what else {
            return None;
        };
        let organization = reading.organization.as_ref().or(seen.organization.as_ref());
        let workspace = reading.workspace.as_ref().or(seen.workspace.as_ref());
        if seen.fast || self.is_elsewhere(seen.source, organization, workspace) {
            return None;
        }
        let (one, other) = (self.pool_of(seen.model.as_ref()?)?, self.pool_of(model)?);
        (one.key == other.key && !reading.levels.is_empty()).then_some(&reading.levels)
    }
}
