//! Instants and spans. Nothing here reads a clock: `now` is always an argument.

use chrono::{DateTime, TimeDelta, Utc};

/// A point in time, UTC. Comes from `clock`, from a response header, or from a test.
pub type Time = DateTime<Utc>;

/// Nanoseconds of a second.
const NANOS: i64 = 1_000_000_000;

/// Seconds from `from` to `to`; negative when `to` is earlier.
pub fn seconds_between(from: Time, to: Time) -> f64 {
    let mut seconds = to.timestamp() - from.timestamp();
    let mut nanos =
        i64::from(to.timestamp_subsec_nanos()) - i64::from(from.timestamp_subsec_nanos());
    // Both of one sign, so that no digit is lost where they meet.
    if seconds > 0 && nanos < 0 {
        (seconds, nanos) = (seconds - 1, nanos + NANOS);
    } else if seconds < 0 && nanos > 0 {
        (seconds, nanos) = (seconds + 1, nanos - NANOS);
    }
    seconds as f64 + nanos as f64 / 1e9
}

/// `time` moved by `seconds` (negative moves back). Stays at `time` when the result is out of range.
pub fn after(time: Time, seconds: f64) -> Time {
    if !seconds.is_finite() {
        return time;
    }
    let whole = seconds.floor();
    // Rounded: a moment moved there and back must not end before itself.
    let nanos = ((seconds - whole) * 1e9).round() as i64;
    TimeDelta::try_seconds(whole as i64)
        .and_then(|delta| delta.checked_add(&TimeDelta::nanoseconds(nanos)))
        .and_then(|delta| time.checked_add_signed(delta))
        .unwrap_or(time)
}

/// Seconds for a sentence: `17 s`, `0.4 s`, `0.05 s`, `312 s`, `14 h 23 min`.
pub fn spoken(seconds: f64) -> String {
    if seconds >= 7_200.0 {
        let minutes = (seconds / 60.0).round() as u64;
        return format!("{} h {} min", minutes / 60, minutes % 60);
    }
    let text = if seconds >= 100.0 {
        format!("{seconds:.0}")
    } else if seconds >= 0.1 || seconds <= 0.0 {
        format!("{seconds:.1}")
    } else {
        format!("{seconds:.2}")
    };
    format!("{} s", text.strip_suffix(".0").unwrap_or(&text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn moving_by_seconds_and_back_is_the_same_instant() {
        let t: Time = "2026-11-24T12:00:00Z".parse().unwrap();
        for s in [0.0, 0.25, 17.4, -3.5, 86_400.125] {
            assert!((seconds_between(t, after(t, s)) - s).abs() < 1e-6, "{s}");
            assert!(
                seconds_between(after(after(t, s), -s), t).abs() < 1e-6,
                "{s}"
            );
        }
    }

    proptest! {
        #[test]
        fn the_span_is_that_of_the_calendar(
            from in -4_000_000_000_000_000_000..4_000_000_000_000_000_000_i64,
            by in prop_oneof![-3_000_000_000..3_000_000_000_i64, -4_000_000_000_000_000_000..4_000_000_000_000_000_000_i64],
        ) {
            let (from, to) = (DateTime::from_timestamp_nanos(from), DateTime::from_timestamp_nanos(from + by));
            let delta = to - from;
            let expected = delta.num_seconds() as f64 + f64::from(delta.subsec_nanos()) / 1e9;
            prop_assert_eq!(seconds_between(from, to).to_bits(), expected.to_bits());
        }
    }

    #[test]
    fn spans_are_spoken_shortly() {
        let cases = [
            (0.0, "0 s"),
            (0.04, "0.04 s"),
            (0.4, "0.4 s"),
            (17.0, "17 s"),
            (17.44, "17.4 s"),
            (312.4, "312 s"),
            (51_811.0, "14 h 24 min"),
        ];
        for (seconds, text) in cases {
            assert_eq!(spoken(seconds), text);
        }
        assert!(!spoken(f64::INFINITY).is_empty() && !spoken(f64::NAN).is_empty());
    }

    #[test]
    fn absurd_spans_leave_the_instant_alone() {
        let t: Time = "2026-11-24T12:00:00Z".parse().unwrap();
        assert_eq!(after(t, f64::INFINITY), t);
        assert_eq!(after(t, f64::NAN), t);
        assert_eq!(after(t, 1e300), t);
    }
}
