//! Client-side throttling: asked before each request of a run leaves. Either token buckets that follow
//! what the server says is left ([`Buckets`]), or a number of calls at the same time that grows slowly
//! and halves when the server refuses ([`Aimd`]).
//!
//! To add a way: a variant of [`Pace`] and its arms, and how it is asked for in [`Pacing`].

mod aimd;
mod buckets;
mod pacing;

pub use aimd::Aimd;
pub use buckets::{Buckets, Limits};
pub use pacing::Pacing;

use crate::domain::{
    headers::{Level, Reading},
    time::Time,
    usage::Usage,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How requests are held back.
#[derive(Clone, Debug)]
pub enum Pace {
    /// By what is left.
    Buckets(Box<Buckets>),
    /// By how many are under way.
    Aimd(Aimd),
}

/// What a request will take, as far as is known before it leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// Input tokens.
    pub input: f64,
    /// Output tokens: `max_tokens` at most.
    pub output: f64,
}

impl From<&Usage> for Cost {
    /// What counts towards the cache-aware input limit, and the output.
    fn from(most: &Usage) -> Self {
        Self {
            input: most.counted_input() as f64,
            output: most.output_tokens as f64,
        }
    }
}

/// What a request waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// Requests per minute.
    #[serde(rename = "requests_per_minute")]
    Requests,
    /// Input tokens per minute.
    #[serde(rename = "input_tokens_per_minute")]
    Input,
    /// Output tokens per minute.
    #[serde(rename = "output_tokens_per_minute")]
    Output,
    /// The first answer, which says how much is left.
    FirstAnswer,
    /// A wait that the server asked for.
    Hint,
    /// One of the calls under way.
    Concurrency,
}

impl Gate {
    /// As reports write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Requests => "requests_per_minute",
            Self::Input => "input_tokens_per_minute",
            Self::Output => "output_tokens_per_minute",
            Self::FirstAnswer => "first_answer",
            Self::Hint => "hint",
            Self::Concurrency => "concurrency",
        }
    }

    /// In a word or two, where there is little room: `RPM`, `first answer`.
    pub const fn short(self) -> &'static str {
        match self {
            Self::Requests => "RPM",
            Self::Input => "ITPM",
            Self::Output => "OTPM",
            Self::FirstAnswer => "first answer",
            Self::Hint => "server's hint",
            Self::Concurrency => "its turn",
        }
    }
}

/// Requests that waited for one gate, and for how long together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Waited {
    /// How many.
    pub requests: u64,
    /// Seconds, summed.
    pub seconds: f64,
}

impl Waited {
    /// One more has left after so many seconds.
    pub fn add(&mut self, seconds: f64) {
        self.requests += 1;
        self.seconds += seconds.max(0.0);
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.word().replace('_', " "))
    }
}

/// Whether a request may leave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Admit {
    /// Now. What it will take is reserved; give it back with [`Pace::ended`].
    Go(Cost),
    /// Not now: ask again after so many seconds, or earlier when an answer has come.
    Wait {
        /// Seconds.
        seconds: f64,
        /// For what.
        gate: Gate,
    },
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ended {
    /// What was reserved for it.
    pub reserved: Cost,
    /// Tokens that the server said, if it served anything.
    pub usage: Option<Usage>,
    /// Whether its head came.
    pub headed: bool,
    /// Whether the server refused it for want of room (429 or 529).
    pub refused: bool,
    /// The wait it asked for, seconds.
    pub asked_s: Option<f64>,
}

impl Pace {
    /// Whether a request that takes so much may leave.
    pub fn admit(&mut self, now: Time, cost: Cost) -> Admit {
        match self {
            Self::Buckets(it) => it.admit(now, cost),
            Self::Aimd(it) => it.admit(),
        }
    }

    /// What is left, as somebody else's answer said, or as it was known before the first request.
    pub fn overheard(&mut self, at: Time, levels: &[Level]) {
        if let Self::Buckets(it) = self {
            it.overheard(at, levels);
        }
    }

    /// A head has come, of a request for which `reserved` was.
    pub fn heard(&mut self, reading: &Reading, reserved: Cost) {
        if let Self::Buckets(it) = self {
            it.heard(reading, reserved);
        }
    }

    /// An attempt has ended.
    pub fn ended(&mut self, now: Time, ended: &Ended) {
        match self {
            Self::Buckets(it) => it.ended(now, ended),
            Self::Aimd(it) => it.ended(now, ended.refused),
        }
    }
}
