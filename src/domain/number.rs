//! Numbers in sentences.

/// With separators: `1,000,000`.
pub fn thousands(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Below this many percent a level reads 0 %, and is called empty.
pub const EMPTY_PERCENT: f64 = 0.2;

/// `21%`, `0%`, `100%`; never rounds something to nothing or nearly all to all. What is called empty
/// reads 0 %, and nothing else does.
pub fn percent(share: f64) -> String {
    let whole = match share {
        share if share > 99.0 && share < 100.0 => 99,
        share if share < EMPTY_PERCENT => 0,
        share if share < 1.0 => 1,
        share => share.round().clamp(0.0, 999.0) as u64,
    };
    format!("{whole}%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_stand_every_three_digits() {
        for (value, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(thousands(value), text);
        }
    }

    #[test]
    fn something_is_never_0_percent_and_nearly_all_never_100() {
        for (share, text) in [
            (0.0, "0%"),
            (0.199, "0%"),
            (0.2, "1%"),
            (20.6, "21%"),
            (99.7, "99%"),
            (100.0, "100%"),
        ] {
            assert_eq!(percent(share), text);
        }
    }
}
