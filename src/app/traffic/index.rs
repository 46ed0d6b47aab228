//! Which calls tab 3 lists and in which order. Kept up to date call by call, so that a frame sorts and
//! searches nothing.

use crate::domain::{
    advice,
    id::{CallId, Limiter},
    observation::CallResult,
    outcome::Outcome,
    timeline::{Attempt, Call, Timeline},
};
use std::cmp::Reverse;

/// What comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// What began last.
    #[default]
    Newest,
    /// What takes or took longest; live ones before finished ones.
    Longest,
    /// What took most tokens.
    Tokens,
    /// What went worst: given up, refused, retried too early, retried.
    Worst,
}

impl Sort {
    /// The next one, around the end.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Newest => Self::Longest,
            Self::Longest => Self::Tokens,
            Self::Tokens => Self::Worst,
            Self::Worst => Self::Newest,
        }
    }

    /// In words, for the title.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Newest => "newest first",
            Self::Longest => "longest first",
            Self::Tokens => "most tokens first",
            Self::Worst => "worst first",
        }
    }
}

/// Compared backwards: the largest comes first. What is sorted by, then newest, then the id.
type Key = Reverse<(u64, i64, u64)>;

/// Calls of other programs that fit the filter, in order.
#[derive(Clone, Debug, Default)]
pub struct Index {
    sort: Sort,
    filter: String,
    /// The filter's words in lower case.
    words: Vec<String>,
    rows: Vec<(Key, CallId)>,
}

impl Index {
    /// Calls listed.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The call at a place, counted from the top.
    pub fn at(&self, place: usize) -> Option<CallId> {
        self.rows.get(place).map(|(_, id)| *id)
    }

    /// Where a call is, if it is listed.
    pub fn place(&self, id: CallId) -> Option<usize> {
        self.rows.iter().position(|(_, listed)| *listed == id)
    }

    /// What comes first.
    pub fn sort(&self) -> Sort {
        self.sort
    }

    /// What is filtered by, as it was typed.
    pub fn filter(&self) -> &str {
        &self.filter
    }

    /// Sorts by something else.
    pub fn sort_by(&mut self, sort: Sort, timeline: &Timeline) {
        self.sort = sort;
        self.rebuild(timeline);
    }

    /// Filters by something else.
    pub fn filter_by(&mut self, filter: &str, timeline: &Timeline) {
        filter.clone_into(&mut self.filter);
        self.words = filter
            .to_lowercase()
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        self.rebuild(timeline);
    }

    /// A call is new, or something of it changed.
    pub fn touch(&mut self, call: &Call) {
        if !call.is_traffic() {
            return;
        }
        let key = key(self.sort, call);
        let fits = fits(call, &self.words);
        if let Some(at) = self.place(call.id) {
            if fits && self.rows[at].0 == key {
                return;
            }
            self.rows.remove(at);
        }
        if fits {
            let at = self.rows.partition_point(|(other, _)| *other < key);
            self.rows.insert(at, (key, call.id));
        }
    }

    /// A call is no longer kept.
    pub fn remove(&mut self, id: CallId) {
        if let Some(at) = self.place(id) {
            self.rows.remove(at);
        }
    }

    fn rebuild(&mut self, timeline: &Timeline) {
        let calls = timeline
            .calls()
            .filter(|call| call.is_traffic() && fits(call, &self.words));
        self.rows = calls.map(|call| (key(self.sort, call), call.id)).collect();
        self.rows.sort_unstable();
    }
}

fn key(sort: Sort, call: &Call) -> Key {
    let began = call.began_at.timestamp_micros();
    let first = match sort {
        Sort::Newest => 0,
        Sort::Longest => match call.closed_at.or_else(|| call.may_come_back_since()) {
            Some(closed) => closed.timestamp_micros().saturating_sub(began).max(0) as u64,
            // Whatever is under way longest; it will have taken longer than what has ended.
            None => u64::MAX - began.max(0) as u64,
        },
        Sort::Tokens => call.usage().map_or(0, |usage| {
            usage.all_input().saturating_add(usage.output_tokens)
        }),
        Sort::Worst => badness(call),
    };
    Reverse((first, began, call.id.0))
}

/// How badly a call went; 0 is nothing to see.
fn badness(call: &Call) -> u64 {
    let early = call.early_retries() > 0;
    let failed = |attempt: &Attempt| {
        let outcome = attempt.outcome.as_ref();
        outcome.is_some_and(|outcome| !outcome.is_complete() && *outcome != Outcome::Cancelled)
    };
    match call.result {
        Some(CallResult::Failed) if early => 6,
        Some(CallResult::Failed) => 5,
        None if call.attempts.last().is_some_and(failed) => 4,
        _ if early => 3,
        _ if call.tries() > 1 => 2,
        Some(CallResult::Cancelled) => 1,
        _ => 0,
    }
}

/// Whether every word is somewhere in what is known of a call: client, model, statuses, causes,
/// request ids, and the words `live` and `early`.
fn fits(call: &Call, words: &[String]) -> bool {
    words.iter().all(|word| {
        has(call.client.as_str(), word)
            || has(call.model.as_str(), word)
            || (is_live(call) && "live".contains(word.as_str()))
            || call
                .attempts
                .iter()
                .any(|attempt| attempt_fits(attempt, word))
    })
}

fn is_live(call: &Call) -> bool {
    call.is_open() && call.may_come_back_since().is_none()
}

fn attempt_fits(attempt: &Attempt, word: &str) -> bool {
    let cause = attempt.verdict.as_ref().is_some_and(|verdict| {
        let limiter = verdict.limiter.as_ref().map(Limiter::dimension);
        has(verdict.cause.words(), word)
            || has(advice::short(verdict.cause), word)
            || limiter.is_some_and(|limiter| has(limiter.label(), word))
    });
    cause
        || attempt
            .status
            .is_some_and(|status| status.to_string().starts_with(word))
        || attempt
            .request
            .as_ref()
            .is_some_and(|id| has(id.as_str(), word))
        || (attempt.early && "early".contains(word))
}

/// Whether `text` contains `word`, which is in lower case.
fn has(text: &str, word: &str) -> bool {
    if text.is_ascii() && word.is_ascii() {
        let (text, word) = (text.as_bytes(), word.as_bytes());
        return text
            .windows(word.len().max(1))
            .any(|part| part.eq_ignore_ascii_case(word));
    }
    text.to_lowercase().contains(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        id::{ClientId, ModelId},
        observation::{Observation, What},
        timeline::{
            FIRST_FOREIGN_CALL,
            fixtures::{
                began_with, complete, finished, judged, out, refused, refused_for_output,
                refused_then_ok, seen, verdict_output,
            },
        },
    };
    use proptest::prelude::*;

    const FIRST: u64 = FIRST_FOREIGN_CALL;

    fn of(client: &str, seen: Observation) -> Observation {
        Observation {
            client: Some(ClientId::from(client)),
            ..seen
        }
    }

    /// What a client of that name did, on the call `FIRST + n`, begun at second `n`.
    fn lives(n: u64) -> Vec<Observation> {
        let (id, at) = (FIRST + n, n as f64);
        let began = began_with(id, at, "", 3);
        let sent = seen(id, Some(1), at, What::Sent);
        let end = |outcome, usage| seen(id, Some(1), at + 0.5, finished(outcome, 0.5, usage));
        match n % 4 {
            0 => vec![began, sent, end(complete("end_turn"), Some(out(40 + n)))],
            1 => vec![began, sent],
            2 => vec![
                began,
                sent,
                seen(
                    id,
                    Some(1),
                    at + 0.1,
                    judged(
                        refused_for_output(17.0),
                        0.1,
                        None,
                        verdict_output(at, 17.0),
                    ),
                ),
            ],
            _ => vec![
                began,
                sent,
                end(refused(529, "overloaded_error", "Overloaded", None), None),
            ],
        }
        .into_iter()
        .map(|seen| {
            of(
                if n.is_multiple_of(2) {
                    "chat"
                } else {
                    "Batch-Job"
                },
                seen,
            )
        })
        .collect()
    }

    fn all(index: &Index) -> Vec<u64> {
        (0..index.len())
            .map(|at| index.at(at).unwrap().0 - FIRST)
            .collect()
    }

    fn filled(filter: &str, sort: Sort, calls: u64) -> (Index, Timeline) {
        let (mut index, mut timeline) = (Index::default(), Timeline::new(100));
        index.filter_by(filter, &timeline);
        index.sort_by(sort, &timeline);
        for seen in (0..calls).flat_map(lives) {
            timeline.absorb(&seen);
            index.touch(timeline.call(seen.call.unwrap()).unwrap());
        }
        (index, timeline)
    }

    #[test]
    fn a_filter_looks_into_client_model_status_cause_and_request() {
        let fitting = |filter| all(&filled(filter, Sort::Newest, 6).0);
        assert_eq!(fitting(""), [5, 4, 3, 2, 1, 0]);
        assert_eq!(fitting("chat"), [4, 2, 0]);
        assert_eq!(fitting("batch-job opus"), [5, 3, 1]);
        assert_eq!(fitting("529"), [3]);
        assert_eq!(fitting("otpm"), [2]);
        assert_eq!(fitting("output tokens chat"), [2]);
        assert_eq!(fitting("nothing"), [0_u64; 0]);
    }

    #[test]
    fn each_order_brings_its_own_call_to_the_top() {
        let first = |sort| all(&filled("", sort, 8).0)[0];
        assert_eq!(first(Sort::Newest), 7);
        // None has been closed: the oldest takes longest.
        assert_eq!(first(Sort::Longest), 0);
        assert_eq!(first(Sort::Tokens), 4);
        assert_eq!(first(Sort::Worst), 7);
    }

    #[test]
    fn a_retry_before_the_hint_is_found_by_its_word() {
        let (mut index, mut timeline) = filled("early", Sort::Worst, 4);
        assert!(index.is_empty());
        for seen in refused_then_ok(FIRST + 50, 0.5) {
            timeline.absorb(&seen);
        }
        index.touch(timeline.call(CallId(FIRST + 50)).unwrap());
        assert_eq!(all(&index), [50]);
    }

    #[test]
    fn test_calls_and_probes_are_not_traffic() {
        let mut timeline = Timeline::new(10);
        let mut index = Index::default();
        for seen in refused_then_ok(1, 17.4) {
            timeline.absorb(&seen);
            index.touch(timeline.call(CallId(1)).unwrap());
        }
        assert!(index.is_empty());
    }

    proptest! {
        #[test]
        fn call_by_call_gives_what_starting_anew_gives(
            order in prop::collection::vec((0u64..12, 0usize..4), 0..60),
            sort in prop::sample::select(vec![Sort::Newest, Sort::Longest, Sort::Tokens, Sort::Worst]),
            filter in prop::sample::select(vec!["", "chat", "429", "live", "opus 5"]),
        ) {
            let (mut index, mut timeline) = filled(filter, sort, 0);
            for (n, step) in order {
                // Any observation of any call, as they come interleaved.
                let life = lives(n);
                let seen = &life[step.min(life.len() - 1)];
                if let Some(gone) = timeline.absorb(seen) {
                    index.remove(gone.id);
                }
                if let Some(call) = timeline.call(CallId(FIRST + n)) {
                    index.touch(call);
                }
            }
            let mut anew = index.clone();
            anew.sort_by(sort, &timeline);
            prop_assert_eq!(all(&index), all(&anew));
            let _ = ModelId::from("");
        }
    }
}
