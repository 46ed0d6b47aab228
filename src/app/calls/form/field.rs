//! The fields of the form: their labels, and which texts are values for them.

use super::{MODEL_MAX, PROMPT_MAX, TOKENS_MAX, choice::CacheChoice};
use crate::domain::{
    call::ATTEMPTS_MAX,
    load::{
        pace::Pacing,
        plan::{MOST_CALLS, MOST_WORKERS, Part, Ramp},
        spread::Spread,
        words::{read_rate, read_span},
    },
    number::thousands,
    retry::Broken,
};

/// What stands in a field that leaves the choice open.
pub const CLOSED: &str = "when one ends";
/// One call for each worker.
pub const EACH: &str = "one each";
/// As many calls as fit in the duration.
pub const ANY: &str = "as many as fit";
/// Retries without a budget for all.
pub const FREELY: &str = "no budget";
/// Whatever comes.
pub const COMES: &str = "as it comes";
/// Stop reasons that a prompt may ask a simulator for.
pub const ENDINGS: &[&str] = &[
    "max_tokens",
    "refusal",
    "tool_use",
    "pause_turn",
    "model_context_window_exceeded",
];
/// Each call is sent by itself.
pub const ALONE: &str = "calls";
/// All of them are one message batch.
pub const AS_BATCH: &str = "a batch, half price";
/// The calls go to the form's model.
pub const ONE_MODEL: &str = "one model";
/// No such bound.
pub const NONE: &str = "none";

/// One field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// The model to ask for.
    Model,
    /// The user message.
    Prompt,
    /// `max_tokens`.
    MaxTokens,
    /// `stream`.
    Stream,
    /// A system prompt that is to be cached.
    Cache,
    /// How a simulator is to end its answer.
    Ending,
    /// What to do after a failed attempt.
    Policy,
    /// Attempts in all.
    Attempts,
    /// Seconds that a call may take in all.
    Deadline,
    /// Seconds that a single wait may take.
    Longest,
    /// What to do with an answer that breaks after a 200.
    Broken,
    /// Retries that all calls of a run together may make.
    Budget,
    /// Calls at the same time.
    Workers,
    /// When a worker starts its next call: when the one before is over, or at a fixed rate.
    Rate,
    /// Calls in all.
    Calls,
    /// Seconds after which no call is started.
    Duration,
    /// How the run comes up.
    Ramp,
    /// How its requests are held back so that none is refused.
    Pace,
    /// The models that its calls go to.
    Spread,
    /// Whether the calls are sent by themselves or as one message batch.
    Batch,
}

impl Field {
    /// Top to bottom. To add one: an entry here and its arms below and in [`super::Form`].
    pub const ALL: &'static [Self] = &[
        Self::Model,
        Self::Prompt,
        Self::MaxTokens,
        Self::Stream,
        Self::Cache,
        Self::Ending,
        Self::Policy,
        Self::Attempts,
        Self::Deadline,
        Self::Longest,
        Self::Broken,
        Self::Workers,
        Self::Rate,
        Self::Calls,
        Self::Duration,
        Self::Ramp,
        Self::Pace,
        Self::Spread,
        Self::Budget,
        Self::Batch,
    ];

    /// Its label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Prompt => "prompt",
            Self::MaxTokens => "max tokens",
            Self::Stream => "stream",
            Self::Cache => "cache",
            Self::Ending => "ending",
            Self::Policy => "policy",
            Self::Attempts => "attempts",
            Self::Deadline => "deadline",
            Self::Longest => "max wait",
            Self::Broken => "broken",
            Self::Workers => "workers",
            Self::Rate => "next call",
            Self::Calls => "calls",
            Self::Duration => "duration",
            Self::Ramp => "start",
            Self::Pace => "pacing",
            Self::Spread => "spread",
            Self::Budget => "retries",
            Self::Batch => "send as",
        }
    }

    /// Whether it says how a run of many calls goes, not what each call is.
    pub const fn is_of_run(self) -> bool {
        matches!(
            self,
            Self::Workers
                | Self::Rate
                | Self::Calls
                | Self::Duration
                | Self::Ramp
                | Self::Pace
                | Self::Spread
                | Self::Budget
                | Self::Batch
        )
    }

    /// The field `by` places below, stopping at the ends.
    #[must_use]
    pub fn step(self, by: isize) -> Self {
        let here = Self::ALL.iter().position(|field| *field == self);
        let to = here.unwrap_or(0).saturating_add_signed(by);
        Self::ALL[to.min(Self::ALL.len() - 1)]
    }

    /// The field of a part of a plan.
    pub const fn of(part: Part) -> Self {
        match part {
            Part::Workers => Self::Workers,
            Part::Rate => Self::Rate,
            Part::Calls => Self::Calls,
            Part::Duration => Self::Duration,
            Part::Ramp => Self::Ramp,
        }
    }

    /// Why a text is no value for this field.
    pub fn problem(self, text: &str) -> Option<String> {
        match self {
            Self::Model if text.trim().is_empty() => Some("name a model".to_owned()),
            Self::Model if text.chars().count() > MODEL_MAX => {
                Some(format!("at most {MODEL_MAX} characters"))
            }
            Self::Model
                if text
                    .trim()
                    .contains(|c: char| c.is_whitespace() || c.is_control()) =>
            {
                Some("a model's name has no spaces".to_owned())
            }
            Self::Prompt if text.trim().is_empty() => {
                Some("empty: the API wants some text".to_owned())
            }
            Self::Prompt if text.len() > PROMPT_MAX => Some(format!(
                "{} KiB: at most 64 KiB here",
                text.len().div_ceil(1024)
            )),
            Self::MaxTokens => number(text, TOKENS_MAX).err(),
            Self::Attempts if text.trim().is_empty() => None,
            Self::Attempts => number(text, ATTEMPTS_MAX).err(),
            Self::Workers => number(text, MOST_WORKERS).err(),
            Self::Deadline | Self::Duration | Self::Longest => {
                optional(text, &[NONE], read_span).err()
            }
            Self::Rate => optional(text, &[CLOSED, "closed loop"], read_rate).err(),
            Self::Calls => optional(text, &[EACH, ANY], |text| number(text, MOST_CALLS)).err(),
            Self::Ramp => text.parse::<Ramp>().err(),
            Self::Budget => optional(text, &[FREELY], percent).err(),
            Self::Pace => optional(text, &[NONE], pacing).err(),
            Self::Spread => optional(text, &[ONE_MODEL], str::parse::<Spread>).err(),
            Self::Cache => optional(text, &[NONE], str::parse::<CacheChoice>).err(),
            Self::Ending if text.trim() != COMES && !ENDINGS.contains(&text.trim()) => {
                Some("no simulator ends an answer so".to_owned())
            }
            Self::Broken => broken(text).err(),
            Self::Batch if ![ALONE, AS_BATCH].contains(&text.trim()) => {
                Some("calls, or a batch".to_owned())
            }
            Self::Model
            | Self::Prompt
            | Self::Stream
            | Self::Policy
            | Self::Ending
            | Self::Batch => None,
        }
    }
}

/// A whole number from 1 to `max`; thousands may be grouped.
pub(super) fn number(text: &str, max: u32) -> Result<u32, String> {
    let digits = text.trim().replace([',', '_'], "");
    if digits.is_empty() {
        return Err("a number is missing".to_owned());
    }
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err("a whole number, please".to_owned());
    }
    match digits.parse::<u32>() {
        Ok(0) => Err("at least 1".to_owned()),
        Ok(n) if n <= max => Ok(n),
        _ => Err(format!("at most {}", thousands(max.into()))),
    }
}

/// Percent of calls: `10`, `10 %`, `10 % of calls`.
pub(super) fn percent(text: &str) -> Result<f64, String> {
    let number = text
        .trim_end_matches("of calls")
        .trim()
        .trim_end_matches('%');
    let percent: f64 = number
        .trim()
        .parse()
        .map_err(|_| "a share of the calls, please, such as 10 %".to_owned())?;
    if percent > 0.0 && percent <= 1_000.0 {
        Ok(percent)
    } else {
        Err("above 0 and at most 1000 % of the calls".to_owned())
    }
}

/// As the form shows it.
pub(super) const fn broken_word(it: Broken) -> &'static str {
    match it {
        Broken::AsPolicy => "as the policy",
        Broken::Surface => "surface",
        Broken::Anew => "call anew",
    }
}

/// The same read again.
pub(super) fn broken(text: &str) -> Result<Broken, String> {
    let named = |it: &&Broken| broken_word(**it) == text.trim() || it.name() == text.trim();
    let found = Broken::ALL.iter().find(named);
    found
        .copied()
        .ok_or_else(|| "as the policy, surface or call anew".to_owned())
}

/// `live`, `aimd`, `rpm=50,itpm=30k`.
pub(super) fn pacing(text: &str) -> Result<Pacing, String> {
    text.parse().map_err(str::to_owned)
}

/// Nothing, or one of the words that mean nothing in particular; else a value.
pub(super) fn optional<T>(
    text: &str,
    open: &[&str],
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, String> {
    let text = text.trim();
    if text.is_empty() || open.contains(&text) {
        return Ok(None);
    }
    read(text).map(Some)
}
