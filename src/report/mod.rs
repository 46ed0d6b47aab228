//! Output for machines and for pipes: JSON, aligned tables, one line. Pure projections of the same
//! state that the screen draws. Unknown is null, never 0. Text from outside is cleaned.
//!
//! To add an output: a file here with its structs, a schema of the same name in `assets/schema`, a case
//! in `tests/it/cli.rs` that validates it.

pub mod batch;
mod beside;
mod cache;
pub mod call;
pub mod call_text;
pub mod count;
pub mod doctor;
#[cfg(test)]
mod fixtures;
pub mod limits;
pub mod line;
pub mod metrics;
pub mod run;
pub mod run_text;
pub mod status;
pub mod status_text;
pub mod table;
pub mod tap_text;
#[cfg(test)]
mod tests;

/// Which profile a report is about.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The profile's name.
    pub profile: &'a str,
    /// Its base URL.
    pub base_url: &'a str,
}

/// `value` with `digits` decimals; none where it is not a number, which JSON cannot say.
pub(crate) fn rounded(value: f64, digits: i32) -> Option<f64> {
    let scale = 10_f64.powi(digits);
    // The sum with zero turns -0 into 0.
    let rounded = (value * scale).round() / scale + 0.0;
    rounded.is_finite().then_some(rounded)
}

/// One JSON object on one line.
pub fn to_line(report: &impl serde::Serialize) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string(report)?;
    text.push('\n');
    Ok(text)
}

/// JSON for reading.
pub fn to_pretty(report: &impl serde::Serialize) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(report)?;
    text.push('\n');
    Ok(text)
}
