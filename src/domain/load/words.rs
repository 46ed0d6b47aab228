//! Spans, rates and ramps as people write them, and as they are shown.

use super::plan::{LONGEST_S, MOST_PER_S, Ramp};
use std::{fmt, str::FromStr};

/// Seconds of a span: `30`, `30 s`, `1.5 min`, `2m`, `500ms`, `1h`. Above 0, at most a week.
pub fn read_span(text: &str) -> Result<f64, String> {
    const FORM: &str = "a time, please, such as 30 s or 2 min";
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (number, unit) = text.split_at(digits.unwrap_or(text.len()));
    let number: f64 = number.parse().map_err(|_| FORM.to_owned())?;
    let seconds = number
        * match unit.trim() {
            "" | "s" | "sec" => 1.0,
            "ms" => 1e-3,
            "m" | "min" => 60.0,
            "h" => 3_600.0,
            _ => return Err(FORM.to_owned()),
        };
    // 4.1 h is 14,760 s, not a hair less.
    let seconds = (seconds * 1e6).round() / 1e6;
    if !(seconds > 0.0 && seconds <= LONGEST_S) {
        return Err("above 0 and at most a week".to_owned());
    }
    Ok(seconds)
}

/// The same in words: `30 s`, `500 ms`, `2 min`, `1.5 h`; read again it is the same span.
pub fn span(seconds: f64) -> String {
    let units = [(3_600.0, "h"), (60.0, "min"), (1.0, "s")];
    let whole = units
        .iter()
        .find(|(unit, _)| seconds >= *unit && (seconds / unit * 10.0).fract() == 0.0);
    match whole {
        Some((unit, name)) => format!("{} {name}", seconds / unit),
        None => format!("{} ms", seconds * 1e3),
    }
}

/// Starts a second: `20`, `20/s`, `90/min`.
pub fn read_rate(text: &str) -> Result<f64, String> {
    let text = text.trim();
    let (number, per) = match text.split_once('/') {
        Some((number, unit)) => match unit.trim() {
            "s" | "sec" => (number, 1.0),
            "m" | "min" => (number, 60.0),
            _ => return Err("starts a second, such as 20/s".to_owned()),
        },
        None => (text, 1.0),
    };
    let number: f64 = number
        .trim()
        .parse()
        .map_err(|_| "starts a second, such as 20/s".to_owned())?;
    let rate = number / per;
    if rate > 0.0 && rate <= MOST_PER_S {
        Ok(rate)
    } else {
        Err(format!("above 0 and at most {MOST_PER_S} a second"))
    }
}

/// The same in words: `20/s`, `30/min`.
pub fn rate(per_s: f64) -> String {
    if per_s < 1.0 {
        format!("{}/min", per_s * 60.0)
    } else {
        format!("{per_s}/s")
    }
}

impl fmt::Display for Ramp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("at once"),
            Self::Linear(over_s) => write!(f, "over {}", span(*over_s)),
            Self::Steps { steps, over_s } => write!(f, "{steps} steps over {}", span(*over_s)),
        }
    }
}

impl FromStr for Ramp {
    type Err = String;

    /// `at once`, `30 s`, `over 30 s`, `4 steps over 30 s`, `4x30s`.
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if matches!(text, "" | "0" | "at once" | "none") {
            return Ok(Self::None);
        }
        let steps = text.split_once("steps").or_else(|| text.split_once('x'));
        let (steps, span) = match steps {
            Some((steps, span)) => {
                let steps = steps.trim().parse().ok();
                let steps = steps.filter(|steps| (2..=1_000).contains(steps));
                (Some(steps.ok_or("from 2 to 1000 steps")?), span.trim())
            }
            None => (None, text),
        };
        let span = span.strip_prefix("over").unwrap_or(span);
        let over_s = read_span(span.trim_start_matches([',', ' ']))
            .map_err(|_| "at once, over 30 s, or 4 steps over 30 s".to_owned())?;
        Ok(match steps {
            Some(steps) => Self::Steps { steps, over_s },
            None => Self::Linear(over_s),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_people_write() {
        let spans = [
            ("30", 30.0),
            ("1.5 min", 90.0),
            ("500ms", 0.5),
            ("2h", 7_200.0),
        ];
        for (text, seconds) in spans {
            assert_eq!(read_span(text), Ok(seconds), "{text}");
        }
        for text in ["", "0", "-5", "s", "1e9", "9 days", "8000h", "nan", "1..5"] {
            assert!(read_span(text).is_err(), "{text}");
        }
        assert_eq!(
            (read_rate("20"), read_rate(" 90 / min")),
            (Ok(20.0), Ok(1.5))
        );
        for text in ["", "0", "-1/s", "inf", "nan", "3000", "5/h"] {
            assert!(read_rate(text).is_err(), "{text}");
        }
        let steps = Ramp::Steps {
            steps: 4,
            over_s: 30.0,
        };
        for text in ["4 steps over 30 s", "4 steps, 30s", "4x30s"] {
            assert_eq!(text.parse(), Ok(steps), "{text}");
        }
        assert_eq!("10 s".parse(), Ok(Ramp::Linear(10.0)));
        for text in ["1 steps over 3 s", "steps", "4 steps", "over", "soon"] {
            assert!(text.parse::<Ramp>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_as_the_same(ms in 1_u64..100_000_000, per_min in 1_u32..60_000, steps in 2_u32..1000) {
            let seconds = ms as f64 / 1e3;
            let close = |a: f64, b: f64| (a - b).abs() < 1e-6 * b;
            prop_assert!(close(read_span(&span(seconds)).unwrap(), seconds));
            let starts = f64::from(per_min) / 60.0;
            prop_assert!(close(read_rate(&rate(starts)).unwrap(), starts));
            let ramp = Ramp::Steps { steps, over_s: f64::from(per_min) };
            prop_assert_eq!(ramp.to_string().parse(), Ok(ramp));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,20}") {
            let _ = (read_span(&text), read_rate(&text), text.parse::<Ramp>());
        }
    }
}
