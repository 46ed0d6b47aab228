//! Numbers and times as people read them: short, right-aligned, of a width that does not change.

pub use crate::domain::number::percent;
use crate::domain::time::Time;
use chrono::{FixedOffset, Timelike as _};
use std::fmt::Write as _;

/// A count with a short SI unit: `4`, `4,412`, `206k`, `4.98M`. At most five characters wide.
pub fn count(n: u64) -> String {
    let mut out = String::with_capacity(6);
    push_count(&mut out, n);
    out
}

/// The same, appended.
pub fn push_count(out: &mut String, n: u64) {
    let _ = match n {
        0..1_000 => write!(out, "{n}"),
        1_000..10_000 => write!(out, "{},{:03}", n / 1_000, n % 1_000),
        10_000..1_000_000 => write!(out, "{}k", n / 1_000),
        1_000_000..10_000_000 => write!(out, "{}.{:02}M", n / 1_000_000, n / 10_000 % 100),
        10_000_000..100_000_000 => write!(out, "{}.{}M", n / 1_000_000, n / 100_000 % 10),
        100_000_000..1_000_000_000 => write!(out, "{}M", n / 1_000_000),
        1_000_000_000..10_000_000_000 => {
            write!(out, "{}.{:02}G", n / 1_000_000_000, n / 10_000_000 % 100)
        }
        _ => write!(out, "{}G", (n / 1_000_000_000).min(9_999)),
    };
}

/// A limit, shorter: `5k`, `300k`, `1.5M`, `1M`; digits that say nothing are left out. At most five
/// characters below 1,000G.
pub fn limit(n: u64) -> String {
    let (whole, unit) = match n {
        0..1_000 => return n.to_string(),
        1_000..1_000_000 => (1_000, 'k'),
        1_000_000..1_000_000_000 => (1_000_000, 'M'),
        _ => (1_000_000_000, 'G'),
    };
    let hundredths = (n / (whole / 100)) % 100;
    let n = n / whole;
    match hundredths {
        0 => format!("{n}{unit}"),
        _ if n >= 100 => format!("{n}{unit}"),
        h if n >= 10 || h.is_multiple_of(10) => format!("{n}.{}{unit}", h / 10),
        h => format!("{n}.{h:02}{unit}"),
    }
}

/// A span in at most seven characters: `0s`, `3s`, `1m40s`, `2m`, `3h05m`, `2d04h`.
pub fn span(seconds: f64) -> String {
    let s = seconds.clamp(0.0, 1e9) as u64;
    match s {
        0 => "0s".to_owned(),
        1..60 => format!("{s}s"),
        60..600 if s.is_multiple_of(60) => format!("{}m", s / 60),
        60..600 => format!("{}m{:02}s", s / 60, s % 60),
        600..3_600 => format!("{}m", s / 60),
        3_600..86_400 => format!("{}h{:02}m", s / 3_600, s / 60 % 60),
        _ => format!("{}d{:02}h", (s / 86_400).min(999), s / 3_600 % 24),
    }
}

/// An age: seconds below a minute, then minutes, hours, days; changes seldom.
pub fn age(seconds: f64) -> String {
    let s = seconds.clamp(0.0, 1e9) as u64;
    match s {
        0..60 => format!("{s}s"),
        60..3_600 => format!("{}m", s / 60),
        3_600..86_400 => format!("{}h", s / 3_600),
        _ => format!("{}d", (s / 86_400).min(9_999)),
    }
}

/// The same for what is asked for every few minutes: under a minute is `<1m`, so that a table of it
/// does not tick.
pub fn slow_age(seconds: f64) -> String {
    if seconds < 60.0 {
        "<1m".to_owned()
    } else {
        age(seconds)
    }
}

/// `12:04:31`, on the clock of that offset east of UTC.
pub fn clock(time: Time, offset_s: i32) -> String {
    let zone = FixedOffset::east_opt(offset_s)
        .or_else(|| FixedOffset::east_opt(0))
        .map(|zone| time.with_timezone(&zone).time());
    let local = zone.unwrap_or_else(|| time.time());
    format!(
        "{:02}:{:02}:{:02}",
        local.hour(),
        local.minute(),
        local.second()
    )
}

/// A burn: `612k/min`.
pub fn per_minute(n: f64) -> String {
    format!("{}/min", count(n.clamp(0.0, 1e15).round() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case(0, "0")]
    #[case(999, "999")]
    #[case(4_412, "4,412")]
    #[case(206_000, "206k")]
    #[case(999_999, "999k")]
    #[case(1_000_000, "1.00M")]
    #[case(4_980_000, "4.98M")]
    #[case(10_000_000, "10.0M")]
    #[case(300_000_000, "300M")]
    fn counts(#[case] n: u64, #[case] text: &str) {
        assert_eq!(count(n), text);
    }

    #[rstest]
    #[case(50, "50")]
    #[case(5_000, "5k")]
    #[case(58_276, "58.2k")]
    #[case(300_000, "300k")]
    #[case(1_500_000, "1.5M")]
    #[case(1_000_000, "1M")]
    #[case(10_000_000, "10M")]
    #[case(1_250_000, "1.25M")]
    fn limits(#[case] n: u64, #[case] text: &str) {
        assert_eq!(limit(n), text);
    }

    #[rstest]
    #[case(-3.0, "0s")]
    #[case(17.4, "17s")]
    #[case(100.0, "1m40s")]
    #[case(120.0, "2m")]
    #[case(2_094.0, "34m")]
    #[case(51_811.0, "14h23m")]
    #[case(200_000.0, "2d07h")]
    #[case(f64::NAN, "0s")]
    #[case(f64::INFINITY, "999d17h")]
    fn spans(#[case] s: f64, #[case] text: &str) {
        if s.is_infinite() {
            assert!(span(s).len() <= 7);
        } else {
            assert_eq!(span(s), text);
        }
    }

    #[test]
    fn the_clock_is_local() {
        let t: Time = "2026-11-24T23:04:31Z".parse().unwrap();
        assert_eq!(clock(t, 3_600), "00:04:31");
        assert_eq!(clock(t, -18_000), "18:04:31");
        assert_eq!(clock(t, i32::MAX), "23:04:31");
    }

    proptest! {
        #[test]
        fn nothing_is_wider_than_its_column(n in any::<u64>(), s in any::<f64>()) {
            prop_assert!(count(n).len() <= 5);
            prop_assert!(n > 999_000_000_000 || limit(n).len() <= 5);
            prop_assert!(span(s).len() <= 7);
            prop_assert!(age(s).len() <= 5);
        }
    }
}
