//! A test call as it is ordered: what the form, the command line and the demo's clients fill in.

use super::{
    id::{CallId, ClientId, ModelId},
    observation::Source,
    retry::{Limits, Policy},
};

/// Most attempts of one call, the first included: the form, the flag and the config file agree on it.
/// More would not be a test call but a load on whoever refuses it.
pub const ATTEMPTS_MAX: u32 = 20;

/// One logical call to make.
#[derive(Clone, Debug, PartialEq)]
pub struct CallOrder {
    /// Its id, unique in this run of the program.
    pub call: CallId,
    /// Whose call.
    pub client: ClientId,
    /// `Call` or `Probe`.
    pub source: Source,
    /// The model to ask for.
    pub model: ModelId,
    /// The user message.
    pub prompt: String,
    /// `max_tokens`, at least 1.
    pub max_tokens: u32,
    /// Whether to stream.
    pub stream: bool,
    /// What to do after a failed attempt.
    pub policy: Policy,
    /// Attempts in all, the first included; 1 to [`ATTEMPTS_MAX`].
    pub attempts: u32,
    /// Bounds around the policy.
    pub limits: Limits,
}

/// Tokens a text probably takes: four bytes a token, as a rule of thumb, and at least one.
/// Since Opus 4.7 the tokenizer gives about 30 % more (pricing page); estimates are marked as such.
pub fn estimate_tokens(text: &str) -> u64 {
    (text.len() as u64).div_ceil(4).max(1) + 8
}
