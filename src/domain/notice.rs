//! Things worth telling: limit changes, refusals, faults of the tool. A bounded, numbered ring.

use super::{id::RequestId, time::Time};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, VecDeque};

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// Good to know.
    Info,
    /// Wants a look.
    Warning,
    /// Something failed.
    Error,
}

/// What kind of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// A configured limit changed between two polls, or a limit in a header did.
    LimitChanged,
    /// A call was not served.
    Refusal,
    /// The tool itself failed at something.
    Fault,
    /// Anything else: a profile switched, a source came or went.
    Note,
}

/// One event of tab 7.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// Consecutive from 1; a reader resumes by it.
    pub seq: u64,
    /// When.
    pub at: Time,
    /// How much it matters.
    pub weight: Weight,
    /// What kind.
    pub kind: NoticeKind,
    /// One sentence.
    pub sentence: String,
    /// The evidence, line by line: raw headers, message, numbers before and after.
    pub evidence: Vec<String>,
    /// For support.
    pub request: Option<RequestId>,
}

impl Notice {
    /// What happened, without the numbers and the advice that follow it: by this, events are alike.
    pub fn what(&self) -> &str {
        let sentence = self.sentence.as_str();
        let end = [" (", "; "]
            .iter()
            .filter_map(|mark| sentence.find(mark))
            .min();
        end.map_or(sentence, |end| &sentence[..end])
    }
}

/// Events that say the same but for their numbers, as one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alike<'n> {
    /// The newest of them.
    pub newest: &'n Notice,
    /// When the oldest of them was.
    pub since: Time,
    /// How many there are, at least one.
    pub count: usize,
}

impl<'n> Alike<'n> {
    /// An event by itself.
    pub fn alone(notice: &'n Notice) -> Self {
        Self {
            newest: notice,
            since: notice.at,
            count: 1,
        }
    }

    /// Whether that event is one of them, or would be.
    pub fn has(&self, notice: &Notice) -> bool {
        self.newest.weight == notice.weight && self.newest.what() == notice.what()
    }

    /// What they have in common; one alone tells its whole sentence.
    pub fn said(&self) -> &'n str {
        if self.count > 1 {
            self.newest.what()
        } else {
            &self.newest.sentence
        }
    }

    /// Those that are alike as one, in the order of the newest of each; `notices` come newest first.
    pub fn fold(notices: impl IntoIterator<Item = &'n Notice>) -> Vec<Self> {
        let mut rows: Vec<Self> = Vec::new();
        let mut places: HashMap<(&str, Weight), usize> = HashMap::new();
        for notice in notices {
            let place = *places
                .entry((notice.what(), notice.weight))
                .or_insert(rows.len());
            if let Some(row) = rows.get_mut(place) {
                row.count += 1;
                row.since = notice.at;
            } else {
                rows.push(Self::alone(notice));
            }
        }
        rows
    }
}

/// A notice before it has a number.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// When.
    pub at: Time,
    /// How much it matters.
    pub weight: Weight,
    /// What kind.
    pub kind: NoticeKind,
    /// One sentence.
    pub sentence: String,
    /// The evidence, line by line.
    pub evidence: Vec<String>,
    /// For support.
    pub request: Option<RequestId>,
}

/// The newest notices, with what was dropped counted. A storm of refusals may take half of it, not
/// more: what is rare, a changed limit or a fault, is still there after it.
#[derive(Clone, Debug)]
pub struct Ring {
    notices: VecDeque<Notice>,
    refusals: usize,
    capacity: usize,
    next_seq: u64,
}

impl Ring {
    /// An empty ring that keeps the newest `capacity` notices.
    pub fn new(capacity: usize) -> Self {
        Self {
            notices: VecDeque::new(),
            refusals: 0,
            capacity: capacity.max(1),
            next_seq: 1,
        }
    }

    /// Numbers and keeps a notice. When the ring is full the oldest refusal goes while refusals take more
    /// than half of it, else the oldest notice.
    pub fn push(&mut self, draft: Draft) -> u64 {
        let seq = self.next_seq;
        self.next_seq += 1;
        if self.notices.len() == self.capacity {
            self.drop_one();
        }
        let Draft {
            at,
            weight,
            kind,
            sentence,
            evidence,
            request,
        } = draft;
        self.refusals += usize::from(kind == NoticeKind::Refusal);
        self.notices.push_back(Notice {
            seq,
            at,
            weight,
            kind,
            sentence,
            evidence,
            request,
        });
        seq
    }

    fn drop_one(&mut self) {
        let refused = |notice: &Notice| notice.kind == NoticeKind::Refusal;
        let place = if self.refusals * 2 > self.capacity {
            self.notices.iter().position(refused).unwrap_or(0)
        } else {
            0
        };
        let gone = self.notices.remove(place);
        self.refusals -= usize::from(gone.as_ref().is_some_and(refused));
    }

    /// Oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Notice> + ExactSizeIterator {
        self.notices.iter()
    }

    /// Those after number `seq`, oldest first, for a reader that resumes.
    pub fn since(&self, seq: u64) -> impl Iterator<Item = &Notice> {
        self.notices.iter().filter(move |notice| notice.seq > seq)
    }

    /// How many were ever pushed.
    pub fn total(&self) -> u64 {
        self.next_seq - 1
    }

    /// How many are gone.
    pub fn dropped(&self) -> u64 {
        self.total() - self.notices.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(kind: NoticeKind, sentence: &str, s: u64) -> Draft {
        Draft {
            at: Time::UNIX_EPOCH + std::time::Duration::from_secs(s),
            weight: Weight::Warning,
            kind,
            sentence: sentence.to_owned(),
            evidence: Vec::new(),
            request: None,
        }
    }

    fn ring(capacity: usize, of: &[(NoticeKind, &str)]) -> Ring {
        let mut ring = Ring::new(capacity);
        for (s, (kind, sentence)) in (1..).zip(of) {
            ring.push(draft(*kind, sentence, s));
        }
        ring
    }

    #[test]
    fn what_differs_in_its_numbers_only_is_one_under_the_newest() {
        let refusals = [
            "429: OTPM of Opus used up (limit 8,000); asked to wait 3 s",
            "529: overloaded",
            "429: OTPM of Opus used up (limit 8,000); asked to wait 1 s",
            "429: RPM of Opus used up",
        ];
        let ring = ring(9, &refusals.map(|sentence| (NoticeKind::Refusal, sentence)));
        let folded = Alike::fold(ring.iter().rev());
        let seen: Vec<(u64, &str, usize)> = folded
            .iter()
            .map(|row| (row.newest.seq, row.said(), row.count))
            .collect();
        assert_eq!(
            seen,
            [
                (4, "429: RPM of Opus used up", 1),
                (3, "429: OTPM of Opus used up", 2),
                (2, "529: overloaded", 1)
            ]
        );
        assert_eq!(
            folded[1].since,
            Time::UNIX_EPOCH + std::time::Duration::from_secs(1)
        );
    }

    #[test]
    fn a_storm_of_refusals_leaves_what_is_rare() {
        let mut of = vec![(NoticeKind::LimitChanged, "the limit is lower now")];
        of.extend(std::iter::repeat_n((NoticeKind::Refusal, "429"), 5_000));
        let ring = ring(10, &of);
        let kept: Vec<u64> = ring.iter().map(|notice| notice.seq).collect();
        assert_eq!(
            kept,
            [
                1, 4_993, 4_994, 4_995, 4_996, 4_997, 4_998, 4_999, 5_000, 5_001
            ]
        );
        assert_eq!((ring.total(), ring.dropped()), (5_001, 4_991));
    }

    #[test]
    fn what_is_rare_leaves_half_of_the_ring_to_refusals() {
        let mut of = vec![(NoticeKind::Refusal, "429"); 10];
        of.extend(std::iter::repeat_n((NoticeKind::Note, "a note"), 5));
        let ring = ring(10, &of);
        let refusals = ring
            .iter()
            .filter(|notice| notice.kind == NoticeKind::Refusal);
        assert_eq!((refusals.count(), ring.dropped()), (5, 5));
    }
}
