//! Texts of test calls' answers: on screen only, never stored, bounded.

use crate::domain::{clean::clean_lines, id::CallId};
use std::collections::BTreeMap;

/// How many answers are kept.
const CALLS: usize = 64;
/// Bytes kept of one answer; the rest is counted, not kept.
const BYTES: usize = 64 * 1024;

/// One answer as far as it has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The text, cleaned.
    pub text: String,
    /// Bytes that were cut off at the end.
    pub cut: usize,
    /// The attempt that it belongs to.
    attempt: u32,
}

/// The newest answers.
#[derive(Clone, Debug)]
pub struct Answers {
    /// Later calls have greater ids.
    kept: BTreeMap<CallId, Answer>,
    calls: usize,
    bytes: usize,
}

impl Default for Answers {
    fn default() -> Self {
        Self::new(CALLS, BYTES)
    }
}

impl Answers {
    /// Answers of so many calls, at least 1, so many bytes of each.
    pub const fn new(calls: usize, bytes: usize) -> Self {
        Self {
            kept: BTreeMap::new(),
            calls,
            bytes,
        }
    }

    /// Appends a piece of an answer. A new attempt begins anew unless it `continues` the one before.
    pub fn append(&mut self, call: CallId, attempt: u32, continues: bool, delta: &str) {
        if self.kept.len() >= self.calls && !self.kept.contains_key(&call) {
            if self.kept.keys().next().is_some_and(|oldest| *oldest > call) {
                return;
            }
            self.kept.pop_first();
        }
        let answer = self.kept.entry(call).or_default();
        if attempt != answer.attempt {
            if !continues {
                *answer = Answer::default();
            }
            answer.attempt = attempt;
        }
        let clean = clean_lines(delta);
        if answer.cut > 0 || answer.text.len() + clean.len() > self.bytes {
            answer.cut += clean.len();
        } else {
            answer.text.push_str(&clean);
        }
    }

    /// The answer of a call.
    pub fn of(&self, call: CallId) -> Option<&Answer> {
        self.kept.get(&call)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_further_attempt_answers_anew_unless_it_continues() {
        let mut answers = Answers::default();
        answers.append(CallId(1), 1, false, "half an ans");
        answers.append(CallId(1), 2, false, "Whole");
        assert_eq!(answers.of(CallId(1)).unwrap().text, "Whole");
        answers.append(CallId(1), 3, true, " and on");
        assert_eq!(answers.of(CallId(1)).unwrap().text, "Whole and on");
    }

    #[test]
    fn pieces_of_interleaved_calls_stay_apart_and_are_cleaned() {
        let mut answers = Answers::default();
        answers.append(CallId(1), 1, false, "Hel");
        answers.append(CallId(2), 1, false, "Bye\u{1b}[2J");
        answers.append(CallId(1), 1, false, "lo");
        assert_eq!(answers.of(CallId(1)).unwrap().text, "Hello");
        assert_eq!(answers.of(CallId(2)).unwrap().text, "Bye[2J");
    }

    #[test]
    fn neither_many_nor_long_answers_grow_without_end() {
        let mut answers = Answers::default();
        for id in 0..1_000 {
            answers.append(CallId(id), 1, false, &"x".repeat(1_000));
        }
        for _ in 0..1_000 {
            answers.append(CallId(5_000), 1, false, &"x".repeat(1_000));
        }
        assert_eq!(answers.kept.len(), CALLS);
        let long = answers.of(CallId(5_000)).unwrap();
        assert!(long.text.len() <= BYTES && long.cut > 0);
    }
}
