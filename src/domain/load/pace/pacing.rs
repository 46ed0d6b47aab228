//! A pace as people ask for it: by a word, or by limits of their own.

use super::{Aimd, Buckets, Limits, Pace};
use std::{fmt, str::FromStr};

/// What is understood.
const FORM: &str = "must be live, aimd, or limits such as rpm=50,itpm=30k,otpm=8k";

/// How requests are to be held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pacing {
    /// By token buckets: the server's where no limit is set by hand.
    Buckets(Limits),
    /// By calls at the same time.
    Aimd,
}

impl Pacing {
    /// By what the server says is left.
    pub const LIVE: Self = Self::Buckets(Limits {
        requests: None,
        input: None,
        output: None,
    });

    /// As reports write it: `buckets`, `aimd`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Buckets(_) => "buckets",
            Self::Aimd => "aimd",
        }
    }

    /// Its rule in one sentence.
    pub fn rule(self) -> &'static str {
        match self {
            Self::LIVE => "waits until every bucket has room, as headers say",
            Self::Buckets(_) => "waits for buckets of these sizes, and for the server's",
            Self::Aimd => "one more call at a time each round, half as many after a refusal",
        }
    }

    /// The pace of a run with so many workers.
    pub fn pace(self, workers: u32) -> Pace {
        match self {
            Self::Buckets(limits) => Pace::Buckets(Box::new(Buckets::new(limits))),
            Self::Aimd => Pace::Aimd(Aimd::new(workers)),
        }
    }
}

impl fmt::Display for Pacing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Buckets(limits) = self else {
            return f.write_str("aimd");
        };
        let named = [
            ("rpm", limits.requests),
            ("itpm", limits.input),
            ("otpm", limits.output),
        ];
        let set = named.iter().filter_map(|(name, n)| Some((name, (*n)?)));
        let set: Vec<String> = set
            .map(|(name, n)| format!("{name}={}", amount(n)))
            .collect();
        if set.is_empty() {
            return f.write_str("live");
        }
        f.write_str(&set.join(","))
    }
}

fn amount(n: u64) -> String {
    match n {
        n if n % 1_000_000 == 0 => format!("{}m", n / 1_000_000),
        n if n % 1_000 == 0 => format!("{}k", n / 1_000),
        n => n.to_string(),
    }
}

impl FromStr for Pacing {
    type Err = &'static str;

    /// `live`, `aimd`, `rpm=50,itpm=30k,otpm=8k`.
    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text.trim() {
            "live" => return Ok(Self::LIVE),
            "aimd" => return Ok(Self::Aimd),
            _ => {}
        }
        let mut limits = Limits::default();
        for part in text.split([',', ' ']).filter(|part| !part.is_empty()) {
            let (name, amount) = part.split_once('=').ok_or(FORM)?;
            let slot = match name.to_ascii_lowercase().as_str() {
                "rpm" => &mut limits.requests,
                "itpm" => &mut limits.input,
                "otpm" => &mut limits.output,
                _ => return Err(FORM),
            };
            *slot = Some(read_amount(amount).ok_or(FORM)?);
        }
        if limits == Limits::default() {
            return Err(FORM);
        }
        Ok(Self::Buckets(limits))
    }
}

fn read_amount(text: &str) -> Option<u64> {
    let text = text.to_ascii_lowercase();
    let (digits, times) = match text.strip_suffix('k') {
        Some(digits) => (digits, 1e3),
        None => text.strip_suffix('m').map_or((&*text, 1.0), |it| (it, 1e6)),
    };
    let amount = digits.parse::<f64>().ok()? * times;
    (1.0..=1e12).contains(&amount).then_some(amount as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_pace_is_live_by_hand_or_a_number_of_calls() {
        let limits = Limits {
            requests: Some(50),
            input: Some(30_000),
            output: None,
        };
        assert_eq!("rpm=50,itpm=30k".parse(), Ok(Pacing::Buckets(limits)));
        assert_eq!("RPM=50, itpm=30K".parse(), Ok(Pacing::Buckets(limits)));
        assert_eq!("aimd".parse(), Ok(Pacing::Aimd));
        assert_eq!("live".parse(), Ok(Pacing::LIVE));
        for nonsense in ["", ",", "rpm", "rpm=0", "rpm=-1", "rps=5", "rpm=nan", "no"] {
            assert!(nonsense.parse::<Pacing>().is_err(), "{nonsense}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_as_the_same(
            requests in prop::option::of(1_u64..1_000_000),
            input in prop::option::of(1_u64..100_000_000),
            output in prop::option::of(1_u64..100_000_000),
        ) {
            let it = Pacing::Buckets(Limits { requests, input, output });
            prop_assert_eq!(it.to_string().parse(), Ok(it));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,20}") {
            let _ = text.parse::<Pacing>();
        }
    }
}
