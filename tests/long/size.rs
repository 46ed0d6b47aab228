//! How long is long.

/// The variable with the share of the full size.
const VARIABLE: &str = "RATETOP_LONG";
/// Where nobody asks: enough to see that the tests run.
const GLANCE: f64 = 0.001;

/// The share that was asked for, 0 to 1.
pub(crate) fn share() -> f64 {
    let Some(text) = std::env::var_os(VARIABLE) else {
        return GLANCE;
    };
    let share = text.to_str().and_then(|text| text.parse::<f64>().ok());
    match share {
        Some(share) if (0.0..=1.0).contains(&share) => share.max(GLANCE),
        _ => panic!("{VARIABLE} is a share from 0 to 1, such as 0.1"),
    }
}

/// That share of `full`, and at least `least`.
pub(crate) fn sized(full: u32, least: u32) -> u32 {
    ((f64::from(full) * share()).round() as u32).max(least)
}
