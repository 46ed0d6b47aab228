//! A run that goes to several models: which of them the next call asks. By shares that were given, or
//! to whichever has most left by what its own heads said.
//!
//! Models of one pool share its limits: naming two of them spreads nothing.

use super::pace::Cost;
use crate::domain::{
    headers::Level,
    id::ModelId,
    time::{Time, seconds_between},
};
use std::{fmt, str::FromStr};

/// Models of a spread, at most.
pub const MOST_PARTS: usize = 16;
/// A bucket refills from empty to full in this time, seconds (rate-limits page).
const REFILL_S: f64 = 60.0;

/// By what the next call's model is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// By the shares given.
    Share,
    /// By what is left.
    Headroom,
}

impl By {
    /// Its rule in one sentence.
    pub const fn rule(self) -> &'static str {
        match self {
            Self::Share => "each call to the model that is furthest behind its share",
            Self::Headroom => "each call to the model with most left, as its own answers say",
        }
    }
}

/// One model of a spread.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The model.
    pub model: ModelId,
    /// Its share, beside those of the others; above 0.
    pub share: f64,
}

/// Where the calls of a run go. Written `opus=3,haiku=1`, or `headroom:opus,haiku`.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    /// How is chosen.
    pub by: By,
    /// Between these, two to [`MOST_PARTS`], none of them twice.
    pub parts: Vec<Part>,
}

const FORM: &str = "models with shares, such as claude-opus-5-5=3,claude-haiku-4-5=1, or those with \
                    most left, such as headroom:claude-opus-5-5,claude-haiku-4-5";

impl FromStr for Spread {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (by, list) = match text.split_once(':') {
            Some(("headroom", list)) => (By::Headroom, list),
            Some(("share", list)) => (By::Share, list),
            _ => (By::Share, text),
        };
        let mut parts: Vec<Part> = Vec::new();
        for part in list.split(',').map(str::trim) {
            let (model, share) = match part.split_once('=') {
                Some((model, share)) => (model.trim(), share.trim().parse().ok()),
                None => (part, Some(1.0)),
            };
            let share = share.filter(|share: &f64| *share > 0.0 && *share <= 1e6);
            let (Some(share), false) = (share, model.is_empty()) else {
                return Err(FORM.to_owned());
            };
            if part.contains('=') && by == By::Headroom {
                return Err("headroom takes no shares: what is left decides".to_owned());
            }
            if parts.iter().any(|part| part.model.as_str() == model) {
                return Err(format!("{model} is there twice"));
            }
            let model = ModelId::from(model);
            parts.push(Part { model, share });
        }
        if !(2..=MOST_PARTS).contains(&parts.len()) {
            return Err(format!("from 2 to {MOST_PARTS} models: {FORM}"));
        }
        Ok(Self { by, parts })
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.by == By::Headroom {
            f.write_str("headroom:")?;
        }
        for (n, part) in self.parts.iter().enumerate() {
            let comma = if n > 0 { "," } else { "" };
            match self.by {
                By::Share => write!(f, "{comma}{}={}", part.model, part.share)?,
                By::Headroom => write!(f, "{comma}{}", part.model)?,
            }
        }
        Ok(())
    }
}

/// Chooses, call by call.
#[derive(Clone, Debug)]
pub struct Spreader {
    by: By,
    parts: Vec<Standing>,
}

/// What is known of one model.
#[derive(Clone, Debug)]
struct Standing {
    part: Part,
    /// Calls that were sent to it.
    sent: u64,
    /// Of these, calls that are not over.
    open: u64,
    /// The last head that said something: when, and what.
    said: Option<(Time, Vec<Level>)>,
    /// Until then the server asked to be left alone.
    held: Option<Time>,
}

impl Standing {
    /// The least that is left of any limit, as a share, when `cost` has left so many times.
    fn left(&self, now: Time, cost: Cost) -> f64 {
        use crate::domain::limit::Dimension::{Combined, Itpm, ItpmAll, Otpm, Rpm};
        let Some((at, levels)) = &self.said else {
            return 1.0;
        };
        let since_s = seconds_between(*at, now).max(0.0);
        let of = |level: &Level| {
            let limit = level.limit as f64;
            let each = match level.dimension {
                Rpm => 1.0,
                Itpm | ItpmAll => cost.input,
                Otpm => cost.output,
                Combined => cost.input + cost.output,
                _ => 0.0,
            };
            let level = (level.remaining as f64 + limit * since_s / REFILL_S).min(limit);
            (level - each * self.open as f64) / limit
        };
        let shares = levels.iter().filter(|level| level.limit > 0).map(of);
        shares.fold(1.0, f64::min)
    }
}

impl Spreader {
    /// Nothing sent, nothing known.
    pub fn new(spread: &Spread) -> Self {
        let standing = |part: &Part| Standing {
            part: part.clone(),
            sent: 0,
            open: 0,
            said: None,
            held: None,
        };
        Self {
            by: spread.by,
            parts: spread.parts.iter().map(standing).collect(),
        }
    }

    /// The place in the spread of the model that the next call asks; it takes `cost`, as far as is known.
    pub fn next(&mut self, now: Time, cost: Cost) -> usize {
        let place = match self.by {
            By::Share => self.furthest_behind(),
            By::Headroom => self.most_left(now, cost),
        };
        if let Some(part) = self.parts.get_mut(place) {
            part.sent += 1;
            part.open += 1;
        }
        place
    }

    /// What a head said is left for that model.
    pub fn heard(&mut self, model: &ModelId, at: Time, levels: &[Level]) {
        if let Some(part) = self.part(model)
            && !levels.is_empty()
        {
            part.said = Some((at, levels.to_vec()));
        }
    }

    /// The server refused a request for that model and asked to wait until then.
    pub fn refused(&mut self, model: &ModelId, until: Time) {
        if let Some(part) = self.part(model) {
            part.held = Some(part.held.map_or(until, |held| held.max(until)));
        }
    }

    /// A call to that model is over.
    pub fn ended(&mut self, model: &ModelId) {
        if let Some(part) = self.part(model) {
            part.open = part.open.saturating_sub(1);
        }
    }

    fn part(&mut self, model: &ModelId) -> Option<&mut Standing> {
        self.parts.iter_mut().find(|it| it.part.model == *model)
    }

    /// The one whose calls are fewest beside its share; the first of equals.
    fn furthest_behind(&self) -> usize {
        let due = |it: &Standing| (it.sent + 1) as f64 / it.part.share;
        let places = self.parts.iter().enumerate();
        let least = places.min_by(|(_, a), (_, b)| due(a).total_cmp(&due(b)));
        least.map_or(0, |(place, _)| place)
    }

    /// The one with most left; of those that are to be left alone the one that is soonest free. Of
    /// equals the one with fewest calls.
    fn most_left(&self, now: Time, cost: Cost) -> usize {
        let rank = |it: &Standing| {
            let held = it.held.map_or(0.0, |until| seconds_between(now, until));
            (held.max(0.0), -it.left(now, cost))
        };
        let places = self.parts.iter().enumerate();
        let best = places.min_by(|(_, a), (_, b)| {
            let ((held, left), (other_held, other_left)) = (rank(a), rank(b));
            held.total_cmp(&other_held)
                .then(left.total_cmp(&other_left))
                .then(a.sent.cmp(&b.sent))
        });
        best.map_or(0, |(place, _)| place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{fixtures::t, headers::read};
    use proptest::prelude::*;

    const NOTHING: Cost = Cost {
        input: 0.0,
        output: 0.0,
    };

    fn counts(spread: &str, calls: u32) -> Vec<u32> {
        let spread: Spread = spread.parse().unwrap();
        let mut spreader = Spreader::new(&spread);
        let mut counts = vec![0; spread.parts.len()];
        for _ in 0..calls {
            counts[spreader.next(t(0.0), NOTHING)] += 1;
        }
        counts
    }

    fn left(requests: u32, of: u32) -> Vec<Level> {
        let (limit, remaining) = (of.to_string(), requests.to_string());
        let lines = [
            ("anthropic-ratelimit-requests-limit", limit.as_bytes()),
            (
                "anthropic-ratelimit-requests-remaining",
                remaining.as_bytes(),
            ),
        ];
        read(lines.into_iter(), t(0.0)).levels
    }

    #[test]
    fn shares_are_kept_from_the_first_calls_on() {
        assert_eq!(counts("a=3,b=1", 4), [3, 1]);
        assert_eq!(counts("a=3,b=1", 400), [300, 100]);
        assert_eq!(counts("a,b,c", 9), [3, 3, 3]);
    }

    #[test]
    fn what_has_most_left_is_asked_and_a_refusal_is_heeded() {
        let spread: Spread = "headroom:a,b".parse().unwrap();
        let (a, b) = (ModelId::from("a"), ModelId::from("b"));
        let mut spreader = Spreader::new(&spread);
        spreader.heard(&a, t(0.0), &left(10, 100));
        spreader.heard(&b, t(0.0), &left(50, 100));
        assert_eq!(spreader.next(t(0.0), NOTHING), 1);
        // 40 calls under way to b are 40 requests that its head did not count yet.
        for _ in 1..40 {
            assert_eq!(spreader.next(t(0.0), NOTHING), 1);
        }
        assert_eq!(spreader.next(t(0.0), NOTHING), 0);
        for _ in 0..40 {
            spreader.ended(&b);
        }
        assert_eq!(spreader.next(t(0.0), NOTHING), 1);
        spreader.refused(&b, t(20.0));
        assert_eq!(spreader.next(t(0.0), NOTHING), 0, "b asked for 20 s");
        spreader.refused(&a, t(60.0));
        assert_eq!(spreader.next(t(0.0), NOTHING), 1, "b is free first");
        // A bucket refills in a minute: nothing is held against it for longer.
        let later = t(70.0);
        for model in [&a, &a, &b, &b] {
            spreader.ended(model);
        }
        let first = spreader.next(later, NOTHING);
        let second = spreader.next(later, NOTHING);
        assert_ne!(first, second, "both are full again, so they take turns");
    }

    #[test]
    fn a_model_that_nobody_asked_yet_counts_as_full() {
        let spread: Spread = "headroom:a,b".parse().unwrap();
        let mut spreader = Spreader::new(&spread);
        spreader.heard(&"a".into(), t(0.0), &left(99, 100));
        assert_eq!(spreader.next(t(0.0), NOTHING), 1);
    }

    #[test]
    fn nonsense_is_refused_with_a_reason() {
        for text in [
            "",
            "a",
            "a,",
            "a=0,b",
            "a=-1,b",
            "a=x,b",
            "a,a",
            "headroom:a",
            "headroom:a=2,b",
        ] {
            assert!(text.parse::<Spread>().is_err(), "{text}");
        }
        let many = (0..17).map(|n| format!("m{n}")).collect::<Vec<_>>();
        assert!(many.join(",").parse::<Spread>().is_err());
    }

    proptest! {
        #[test]
        fn no_share_is_ever_behind_by_a_whole_call(shares in prop::collection::vec(1_u32..20, 2..6), calls in 1_u32..300) {
            let text = shares.iter().enumerate().map(|(n, share)| format!("m{n}={share}")).collect::<Vec<_>>().join(",");
            prop_assert_eq!(text.parse::<Spread>().unwrap().to_string(), text.clone());
            let all: u32 = shares.iter().sum();
            let sent = counts(&text, calls);
            prop_assert_eq!(sent.iter().sum::<u32>(), calls);
            for (sent, share) in sent.iter().zip(&shares) {
                let due = calls * share / all;
                prop_assert!(*sent >= due, "{sent} of {due}");
            }
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = text.parse::<Spread>();
        }
    }
}
