//! What there is to draw or print of one gauge at one moment.

use super::super::{
    limit::{Dimension, Family},
    observation::Source,
    time::Time,
};
use serde::{Deserialize, Serialize};

/// On what a gauge stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GaugeState {
    /// A header of a few seconds ago.
    Live,
    /// A header, and what the bucket must have done since.
    Projected,
    /// A configured limit only; what is left was never seen.
    LimitOnly,
    /// The last header is too old to say anything.
    Stale,
    /// Nothing is known.
    NoData,
}

/// How the level stands, apart from how it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fill {
    /// Not known.
    Unknown,
    /// Enough is left: above the tight threshold (see `Thresholds`).
    Calm,
    /// Little is left.
    Tight,
    /// Nothing is left.
    Empty,
    /// Running streams have drawn more than there was: shown as 0, new calls wait.
    Debt,
}

/// Everything there is to draw or print of one gauge at one moment. Copyable; made on demand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GaugeView {
    /// What it counts.
    pub dimension: Dimension,
    /// Its header family.
    pub family: Family,
    /// On what it stands.
    pub state: GaugeState,
    /// How the level stands.
    pub fill: Fill,
    /// Who said it last.
    pub source: Option<Source>,
    /// The organization's limit.
    pub limit: Option<u64>,
    /// The workspace's override.
    pub workspace_limit: Option<u64>,
    /// What is enforced: the lower of both, or what the last header said.
    pub effective_limit: Option<u64>,
    /// Best estimate of what is left now.
    pub remaining: Option<u64>,
    /// Lower edge of the band.
    pub remaining_low: Option<u64>,
    /// Upper edge of the band.
    pub remaining_high: Option<u64>,
    /// What the last header said, unprojected.
    pub reading: Option<u64>,
    /// Seconds since the last header.
    pub age_s: Option<f64>,
    /// When the bucket would be full if nobody drew from it.
    pub full_at: Option<Time>,
    /// Everybody's burn, per minute.
    pub burn_per_min: Option<f64>,
    /// Our own burn, per minute.
    pub own_burn_per_min: Option<f64>,
    /// Others' burn, per minute; none while unresolved.
    pub others_burn_per_min: Option<f64>,
    /// Seconds until it is empty at the present burn; none when it does not empty.
    pub empty_in_s: Option<f64>,
    /// The same with the band's lower and upper edge.
    pub empty_in_range_s: Option<(f64, f64)>,
    /// Subscription windows: share used, may exceed 1.
    pub utilization: Option<f64>,
}

impl GaugeView {
    /// Share left in percent, 0 to 100.
    pub fn percent_left(&self) -> Option<f64> {
        if let Some(used) = self.utilization {
            return Some(((1.0 - used) * 100.0).clamp(0.0, 100.0));
        }
        let limit = self.effective_limit.filter(|limit| *limit > 0)?;
        Some((self.remaining? as f64 / limit as f64 * 100.0).clamp(0.0, 100.0))
    }
}
