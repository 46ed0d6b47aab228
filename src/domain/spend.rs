//! What calls cost, and the guard that keeps them below a cap. Amounts are US dollars, estimates.

use super::{id::ModelId, usage::Usage};
use serde::{Deserialize, Serialize};

/// USD per million tokens of one model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Uncached input.
    pub input: f64,
    /// Cache write, 5 minutes.
    pub write_5m: Option<f64>,
    /// Cache write, 1 hour.
    pub write_1h: Option<f64>,
    /// Cache read.
    pub read: Option<f64>,
    /// Output.
    pub output: f64,
}

/// The dated price table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prices {
    /// When the table was made, `2026-11-24`.
    pub as_of: String,
    /// By model id; a model that is missing has an unknown price.
    pub models: Vec<(ModelId, Price)>,
}

impl Prices {
    /// The price of a model.
    pub fn of(&self, model: &ModelId) -> Option<&Price> {
        self.models
            .iter()
            .find(|(id, _)| id == model)
            .map(|(_, price)| price)
    }

    /// What that usage cost at most; none for a model without a price.
    pub fn cost(&self, model: &ModelId, usage: &Usage) -> Option<f64> {
        let _ = (model, usage);
        None
    }
}

/// Spent so far, and the caps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spend {
    /// This session.
    pub session_usd: f64,
    /// This UTC day, all sessions of the profile.
    pub day_usd: f64,
    /// Cap of a session.
    pub session_cap_usd: Option<f64>,
    /// Cap of a day.
    pub day_cap_usd: Option<f64>,
    /// Whether the address is free of charge (a simulator that says so).
    pub free: bool,
    /// `--read-only`: nothing that costs is sent.
    pub read_only: bool,
}

impl Spend {
    /// Whether a call that costs at most `usd` may be sent; else one sentence why not. A call whose
    /// price is unknown (`None`) may not be sent while a cap is set.
    pub fn check(&self, usd: Option<f64>) -> Result<(), String> {
        let _ = usd;
        Ok(())
    }
}
