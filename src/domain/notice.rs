//! Things worth telling: limit changes, refusals, faults of the tool. A bounded, numbered ring.

use super::{id::RequestId, time::Time};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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

/// The newest notices, with what was dropped counted.
#[derive(Clone, Debug)]
pub struct Ring {
    notices: VecDeque<Notice>,
    capacity: usize,
    next_seq: u64,
}

impl Ring {
    /// An empty ring that keeps the newest `capacity` notices.
    pub fn new(capacity: usize) -> Self {
        Self {
            notices: VecDeque::new(),
            capacity: capacity.max(1),
            next_seq: 1,
        }
    }

    /// Numbers and keeps a notice; the oldest goes when the ring is full.
    pub fn push(&mut self, draft: Draft) -> u64 {
        let seq = self.next_seq;
        self.next_seq += 1;
        if self.notices.len() == self.capacity {
            self.notices.pop_front();
        }
        let Draft {
            at,
            weight,
            kind,
            sentence,
            evidence,
            request,
        } = draft;
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
