//! What a program without a screen tells those that attach to it: a bounded, numbered stream of what it
//! saw. Whoever was away asks for what came after the last number it knows.

pub mod wire;

use super::{
    id::WorkspaceId,
    observation::{Observation, Recorded, What},
    traffic::Totals,
};
use std::{collections::VecDeque, sync::Arc};

/// Lines kept. At full tilt a tap tells a few hundred a second.
pub const MOST_LINES: usize = 20_000;
/// Bytes kept: about as many calls as a screen shows.
pub const MOST_BYTES: usize = 4 << 20;

/// What a line holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A [`Recorded`] observation.
    Seen,
    /// A snapshot of [`Totals`]; the latest one says all that the earlier ones did.
    Totals,
}

impl Kind {
    /// As a stream of events names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::Totals => "totals",
        }
    }

    /// The kind of that name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Seen, Self::Totals]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number, from 1. Where one is left out, a later line says all that it did.
    pub number: u64,
    /// What it holds.
    pub kind: Kind,
    /// One JSON object, without a newline.
    pub json: Arc<str>,
    /// What it is the latest word on, if that must never be lost.
    about: Option<About>,
}

/// What only the latest word is worth keeping of, however long ago it was said.
#[derive(Clone, Debug, PartialEq, Eq)]
enum About {
    Totals,
    /// Limits, with the overrides of these workspaces: one poll reads a few of them.
    Limits(Vec<WorkspaceId>),
}

/// The stream.
#[derive(Clone, Debug, Default)]
pub struct Feed {
    lines: VecDeque<Line>,
    /// Words that fell off the end and have no later one.
    kept: Vec<Line>,
    bytes: usize,
    last: u64,
    /// The number of the last snapshot of totals; 0 before the first.
    totals: u64,
    /// The number of the last line that fell off the end; 0 before the first.
    fallen: u64,
}

/// What a reader gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Lines in rising order.
    pub lines: Vec<Line>,
    /// Lines that the reader will never see, because they were dropped meanwhile.
    pub missed: u64,
}

impl Feed {
    /// An empty stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of the newest line; 0 before the first.
    pub const fn last(&self) -> u64 {
        self.last
    }

    /// Takes an observation in.
    pub fn see(&mut self, seen: &Observation) {
        let about = match &seen.what {
            What::Limits {
                snapshot: Some(snapshot),
                ..
            } => {
                let read = snapshot.overrides.iter();
                Some(About::Limits(read.map(|(of, _)| of.clone()).collect()))
            }
            _ => None,
        };
        if let Ok(json) = serde_json::to_string(&Recorded::now(seen.clone())) {
            self.push(Kind::Seen, json, about);
        }
    }

    /// Takes a snapshot of totals in; the one before is dropped.
    pub fn count(&mut self, totals: &Totals) {
        let Ok(json) = serde_json::to_string(totals) else {
            return;
        };
        let before = self.lines.partition_point(|line| line.number < self.totals);
        if self
            .lines
            .get(before)
            .is_some_and(|line| line.kind == Kind::Totals)
            && let Some(old) = self.lines.remove(before)
        {
            self.bytes -= old.json.len();
        }
        self.push(Kind::Totals, json, Some(About::Totals));
        self.totals = self.last;
    }

    fn push(&mut self, kind: Kind, json: String, about: Option<About>) {
        self.last += 1;
        self.bytes += json.len();
        if let Some(about) = &about {
            self.kept.retain(|line| line.about.as_ref() != Some(about));
        }
        self.lines.push_back(Line {
            number: self.last,
            kind,
            json: json.into(),
            about,
        });
        while self.lines.len() > MOST_LINES || (self.bytes > MOST_BYTES && self.lines.len() > 1) {
            let Some(old) = self.lines.pop_front() else {
                break;
            };
            self.bytes -= old.json.len();
            self.fallen = old.number;
            let is_last_word =
                old.about.is_some() && !self.lines.iter().any(|line| line.about == old.about);
            if is_last_word {
                self.kept.push(old);
            }
        }
    }

    /// At most `most` lines after the number that the reader knows last; 0 is the beginning. A number
    /// from the future (of an earlier run of the program) counts as the beginning.
    pub fn after(&self, known: u64, most: usize) -> Page {
        let known = if known > self.last { 0 } else { known };
        let kept = self.kept.iter().filter(|line| line.number > known);
        let mut lines: Vec<Line> = kept.cloned().collect();
        let dropped = self.fallen.saturating_sub(known);
        // Who comes for the first time has missed nothing that it was ever promised.
        let missed = match known {
            0 => 0,
            _ => dropped.saturating_sub(lines.len() as u64),
        };
        let start = self.lines.partition_point(|line| line.number <= known);
        let room = most.saturating_sub(lines.len()).max(1);
        lines.extend(self.lines.iter().skip(start).take(room).cloned());
        Page { lines, missed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        observation::Source,
        org::{LimitsSnapshot, LimitsState},
        time::Time,
    };
    use proptest::prelude::*;

    fn now() -> Time {
        "2026-11-24T12:00:00Z".parse().unwrap()
    }

    fn seen(what: What) -> Observation {
        Observation {
            at: now(),
            source: Source::Tap,
            call: None,
            attempt: None,
            client: None,
            organization: None,
            workspace: None,
            model: None,
            fast: false,
            what,
        }
    }

    fn limits() -> Observation {
        seen(What::Limits {
            state: LimitsState::Ok,
            error: None,
            snapshot: Some(Box::new(LimitsSnapshot {
                at: now(),
                organization: None,
                groups: Vec::new(),
                workspaces: Vec::new(),
                overrides: Vec::new(),
                faults: Vec::new(),
            })),
        })
    }

    #[test]
    fn limits_and_totals_outlive_a_flood() {
        let mut feed = Feed::new();
        feed.see(&limits());
        feed.count(&Totals::empty(now()));
        for _ in 0..MOST_LINES + 10 {
            feed.see(&seen(What::Sent));
        }
        let page = feed.after(0, 10);
        assert_eq!(page.lines[0].number, 1);
        assert_eq!(
            (page.lines[1].number, page.lines[1].kind),
            (2, Kind::Totals)
        );
        assert_eq!(page.lines.len(), 10);
        // A later word takes the place of an earlier one.
        feed.see(&limits());
        assert_ne!(feed.after(0, 10).lines[0].number, 1);
        let read: Recorded =
            serde_json::from_str(&feed.after(feed.last() - 1, 1).lines[0].json).unwrap();
        assert_eq!(read.seen, limits());
    }

    #[test]
    fn a_reader_that_was_away_too_long_hears_how_much_it_missed() {
        let mut feed = Feed::new();
        for _ in 0..MOST_LINES + 100 {
            feed.see(&seen(What::Sent));
        }
        assert_eq!(feed.after(0, 5).missed, 0);
        assert_eq!(feed.after(40, 5).missed, 60);
        assert_eq!(feed.after(100, 5).missed, 0);
        let future = feed.after(u64::MAX, 5);
        assert_eq!((future.lines.len(), future.missed), (5, 0));
    }

    #[test]
    fn only_the_last_totals_are_kept_and_nobody_misses_the_others() {
        let mut feed = Feed::new();
        feed.see(&seen(What::Sent));
        for _ in 0..5 {
            feed.count(&Totals::empty(now()));
        }
        feed.see(&seen(What::Sent));
        for known in 0..7 {
            let page = feed.after(known, 10);
            let numbers: Vec<u64> = page.lines.iter().map(|line| line.number).collect();
            let left = [1, 6, 7].into_iter().filter(|n| *n > known);
            assert_eq!((numbers, page.missed), (left.collect(), 0));
        }
    }

    proptest! {
        /// Page by page a reader gets every line once, in order, wherever it begins.
        #[test]
        fn pages_join_without_gap_or_overlap(lines in 0_u64..200, from in 0_u64..250, page in 1_usize..60) {
            let mut feed = Feed::new();
            for _ in 0..lines {
                feed.see(&seen(What::Sent));
            }
            let mut known = from;
            let mut numbers = Vec::new();
            loop {
                let page = feed.after(known, page);
                prop_assert_eq!(page.missed, 0);
                let Some(last) = page.lines.last() else { break };
                known = last.number;
                numbers.extend(page.lines.iter().map(|line| line.number));
            }
            let begin = if from > lines { 0 } else { from };
            prop_assert_eq!(numbers, (begin + 1..=lines).collect::<Vec<_>>());
        }
    }
}
