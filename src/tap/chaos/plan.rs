//! What goes wrong on purpose, as a TOML file describes it.

use crate::domain::{
    clean::clean,
    near::{line_of, meant, sentence},
};
use http::{HeaderName, HeaderValue};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Longest delay, seconds: the SDKs give up after 600.
const LONGEST_DELAY_S: f64 = 600.0;
/// Characters of a sentence; a name in it may be of any length.
const LONGEST: usize = 500;

/// Name and text of each built-in plan. To add one: a file and a row.
const BUILT_IN: &[(&str, &str)] = &[
    (
        "429-storm",
        include_str!("../../../assets/chaos/429-storm.toml"),
    ),
    (
        "overloaded",
        include_str!("../../../assets/chaos/overloaded.toml"),
    ),
    (
        "slow-first-byte",
        include_str!("../../../assets/chaos/slow-first-byte.toml"),
    ),
    (
        "error-after-200",
        include_str!("../../../assets/chaos/error-after-200.toml"),
    ),
    (
        "cut-stream",
        include_str!("../../../assets/chaos/cut-stream.toml"),
    ),
    ("ramp", include_str!("../../../assets/chaos/ramp.toml")),
];

/// Why a plan cannot be used: one sentence with file, line where there is one, and the nearest valid
/// name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadPlan(String);

/// Everything that is to go wrong. The first trouble that befalls a call is the only one.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Name of its file without `.toml`; not written in the file.
    #[serde(skip)]
    pub name: String,
    /// What it does, in one sentence.
    pub about: String,
    /// What goes wrong.
    pub troubles: Vec<Trouble>,
}

/// One thing that goes wrong with calls of `/v1/messages`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Trouble {
    /// An error instead of upstream's answer; upstream is not asked.
    Refuse {
        /// Share of calls, 0 to 1.
        share: f64,
        /// Only within these seconds of every minute, counted from the start of the tap.
        #[serde(default)]
        during_s: Option<(f64, f64)>,
        /// 400 to 599.
        status: u16,
        /// Seconds for `retry-after`.
        #[serde(default)]
        retry_after_s: Option<u64>,
        /// `error.type`.
        error: String,
        /// `error.message`.
        message: String,
        /// `error.details.error_code`.
        #[serde(default)]
        code: Option<String>,
        /// Further headers, such as those of a family of limits.
        #[serde(default)]
        headers: BTreeMap<String, String>,
    },
    /// The call waits before it goes to upstream.
    Delay {
        /// Share of calls, 0 to 1.
        share: f64,
        /// Seconds.
        delay_s: f64,
    },
    /// A stream ends with an `error` event instead of the rest.
    ErrorEvent {
        /// Share of streams, 0 to 1.
        share: f64,
        /// Events that pass before.
        after_events: u32,
        /// `error.type`.
        error: String,
        /// `error.message`.
        message: String,
    },
    /// A stream breaks off.
    Cut {
        /// Share of streams, 0 to 1.
        share: f64,
        /// Events that pass before.
        after_events: u32,
    },
    /// More calls in a minute than an allowance that grows: 429 with `ramp_limit_exceeded`.
    Ramp {
        /// Calls allowed in the first minute.
        start: u32,
        /// Factor from each minute to the next, at least 1.
        growth: f64,
    },
}

impl Plan {
    /// Names of the built-in plans.
    pub fn names() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, _)| *name)
    }

    /// A built-in plan.
    pub fn named(name: &str) -> Result<Self, BadPlan> {
        let Some((_, text)) = BUILT_IN.iter().find(|(known, _)| *known == name) else {
            let names: Vec<&str> = Self::names().collect();
            return Err(bad(&format!(
                "there is no chaos `{name}`{}; built in are {}, and a path to a .toml file works too",
                meant(name, names.iter().copied()),
                names.join(", "),
            )));
        };
        let mut plan = Self::parse(text, &format!("chaos {name}"))?;
        name.clone_into(&mut plan.name);
        Ok(plan)
    }

    /// A plan from the text of a file; `file` is named in errors.
    pub fn parse(text: &str, file: &str) -> Result<Self, BadPlan> {
        let mut plan: Self = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(String::new(), |span| {
                format!(", line {}", line_of(text, span.start))
            });
            bad(&format!("{file}{at}: {}", sentence(error.message())))
        })?;
        let stem = std::path::Path::new(file).file_stem();
        let stem = stem.and_then(|stem| stem.to_str()).unwrap_or(file);
        stem.clone_into(&mut plan.name);
        if plan.troubles.is_empty() {
            return Err(bad(&format!("{file}: there are no [[troubles]]")));
        }
        for (at, trouble) in plan.troubles.iter().enumerate() {
            trouble
                .check()
                .map_err(|why| bad(&format!("{file}: [[troubles]] number {}: {why}", at + 1)))?;
        }
        Ok(plan)
    }
}

fn bad(sentence: &str) -> BadPlan {
    BadPlan(clean(sentence, LONGEST))
}

impl Trouble {
    fn check(&self) -> Result<(), String> {
        if let Some(share) = self.share()
            && !(0.0..=1.0).contains(&share)
        {
            return Err(format!("share = {share} is not between 0 and 1"));
        }
        match self {
            Self::Refuse { status, .. } if !(400..600).contains(status) => Err(format!(
                "status = {status} is no refusal: it must be from 400 to 599"
            )),
            Self::Refuse {
                during_s: Some((from, to)),
                ..
            } if !(0.0 <= *from && from < to && *to <= 60.0) => {
                Err("during_s must be two rising seconds of a minute, such as [0, 20]".to_owned())
            }
            Self::Refuse { headers, .. } => headers.iter().try_for_each(header),
            Self::Delay { delay_s, .. } if !(0.0..=LONGEST_DELAY_S).contains(delay_s) => Err(
                format!("delay_s = {delay_s} is not between 0 and {LONGEST_DELAY_S}"),
            ),
            Self::Ramp { growth, .. } if !(growth.is_finite() && *growth >= 1.0) => {
                Err(format!("growth = {growth} is not at least 1"))
            }
            _ => Ok(()),
        }
    }

    const fn share(&self) -> Option<f64> {
        match self {
            Self::Refuse { share, .. }
            | Self::Delay { share, .. }
            | Self::ErrorEvent { share, .. }
            | Self::Cut { share, .. } => Some(*share),
            Self::Ramp { .. } => None,
        }
    }
}

fn header((name, value): (&String, &String)) -> Result<(), String> {
    if HeaderName::try_from(name).is_err() || HeaderValue::try_from(value).is_err() {
        return Err(format!("`{name}` in headers is no header with that value"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn every_built_in_plan_can_be_used() {
        for name in Plan::names() {
            let plan = Plan::named(name).unwrap();
            assert_eq!(plan.name, name);
            assert!(plan.about.ends_with('.'), "{name}");
        }
    }

    const REFUSE: &str = "kind = \"refuse\"\nerror = \"overloaded_error\"\nmessage = \"m\"\n";

    #[rstest]
    #[case(
        "kind = \"delay\"\nshare = 2\ndelay_s = 1",
        "share = 2 is not between 0 and 1"
    )]
    #[case("kind = \"delay\"\nshare = nan\ndelay_s = 1", "share = NaN is not")]
    #[case(
        "kind = \"delay\"\nshare = 1\ndelay_s = 1e9",
        "is not between 0 and 600"
    )]
    #[case(
        "kind = \"ramp\"\nstart = 1\ngrowth = 0.5",
        "growth = 0.5 is not at least 1"
    )]
    #[case("kind = \"cutt\"\nshare = 1", "did you mean `cut`?")]
    #[case("kind = \"cut\"\nshare = 1\nafter = 1", "unknown key `after`")]
    #[case(&format!("{REFUSE}share = 1\nstatus = 200"), "status = 200 is no refusal")]
    #[case(&format!("{REFUSE}share = 1\nstatus = 429\nduring_s = [20, 10]"), "two rising seconds")]
    #[case(&format!("{REFUSE}status = 429"), "missing field `share`")]
    #[case(&format!("{REFUSE}share = 1\nstatus = 429\nheaders = {{ \"a b\" = \"1\" }}"), "`a b` in headers is no header")]
    fn nonsense_is_refused_with_its_place(#[case] trouble: &str, #[case] why: &str) {
        let text = format!("about = \"x\"\n[[troubles]]\n{trouble}\n");
        let error = Plan::parse(&text, "mine.toml").unwrap_err().to_string();
        assert!(error.starts_with("mine.toml"), "{error}");
        assert!(error.contains(why), "{error}");
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest() {
        let error = Plan::named("429-strom").unwrap_err().to_string();
        assert!(error.contains("did you mean `429-storm`?"), "{error}");
        let empty = Plan::parse("about = \"x\"\ntroubles = []", "mine.toml");
        assert!(empty.unwrap_err().to_string().contains("no [[troubles]]"));
    }
}
