//! What calls cost, and the guard that keeps them below a cap. Amounts are US dollars, estimates.
//!
//! To add a price: a row in `assets/prices.toml`. To add a cap: a field of [`Spend`] and a row in
//! [`Spend::check`].

mod price;
#[cfg(test)]
mod tests;

pub use price::{LongPrompt, Price, Prices, Rates};

use serde::{Deserialize, Serialize};

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
    /// price is unknown (`None`) may not be sent while a cap is set. A free address always passes.
    pub fn check(&self, usd: Option<f64>) -> Result<(), String> {
        if self.free {
            return Ok(());
        }
        if self.read_only {
            return Err(
                "read-only: nothing that costs is sent; start without --read-only to send it"
                    .to_owned(),
            );
        }
        let caps = [
            (
                self.session_cap_usd,
                self.session_usd,
                "this session's",
                SESSION_ADVICE,
            ),
            (self.day_cap_usd, self.day_usd, "today's", DAY_ADVICE),
        ];
        for (cap, spent, whose, advice) in caps {
            let Some(cap) = cap else { continue };
            let Some(usd) = usd else {
                return Err(format!(
                    "the price of this model is not known, so {whose} cap of {} cannot be kept; \
                     choose a model of the price table",
                    dollars(cap)
                ));
            };
            // A cent's fraction of rounding must not refuse the call that just fits. NaN refuses.
            if spent + usd <= cap + 1e-9 {
                continue;
            }
            return Err(format!(
                "{whose} cap of {} is reached: {} spent, this call may cost {}; {advice}",
                dollars(cap),
                dollars(spent),
                dollars(usd)
            ));
        }
        Ok(())
    }

    /// The cap that is reached before so much is spent: the dollars it leaves and whose it is. An amount
    /// that is not known may pass any cap.
    pub fn ends_before(&self, usd: Option<f64>) -> Option<(f64, &'static str)> {
        let caps = [
            (self.session_cap_usd, self.session_usd, "session"),
            (self.day_cap_usd, self.day_usd, "day"),
        ];
        caps.into_iter()
            .filter_map(|(cap, spent, whose)| Some(((cap? - spent).max(0.0), whose)))
            .min_by(|(one, _), (other, _)| one.total_cmp(other))
            .filter(|(left, _)| usd.is_none_or(|usd| usd > *left))
    }
}

const SESSION_ADVICE: &str = "raise spend.session_usd or --max-spend";
const DAY_ADVICE: &str = "raise spend.day_usd or wait for 00:00 UTC";

/// `$1.00`, `$0.05`; below a cent with two digits that count: `$0.0052`, `$0.000015`.
pub fn dollars(usd: f64) -> String {
    if usd >= 0.01 || usd <= 0.0 || !usd.is_finite() {
        return format!("${usd:.2}");
    }
    let places = (1.0 - usd.log10().floor()).clamp(2.0, 9.0) as usize;
    format!("${usd:.places$}")
}
