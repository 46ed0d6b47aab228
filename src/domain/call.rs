//! A test call as it is ordered: what the form, the command line and the demo's clients fill in.

use super::{
    cache::{CacheOrder, Lifetime},
    id::{CallId, ClientId, ModelId},
    observation::Source,
    retry::{Limits, Policy},
    usage::{CacheCreation, Usage},
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
    /// A system prompt before it that is to be cached, where one is.
    pub cache: Option<CacheOrder>,
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

impl CallOrder {
    /// The cheapest call that brings live headers: one token of output, one attempt.
    pub fn probe(call: CallId, client: ClientId, model: ModelId) -> Self {
        Self {
            call,
            client,
            source: Source::Probe,
            model,
            prompt: "Hi".to_owned(),
            cache: None,
            max_tokens: 1,
            stream: false,
            policy: Policy::None,
            attempts: 1,
            limits: Limits::default(),
        }
    }

    /// Tokens that one request takes at most, as far as is known before it leaves: a system prompt that
    /// is to be cached is written, and every output token used.
    pub fn most(&self) -> Usage {
        let written = self.cache.map_or(0, |cache| u64::from(cache.tokens));
        let hour = self
            .cache
            .is_some_and(|cache| cache.lifetime == Lifetime::Hour);
        Usage {
            input_tokens: estimate_tokens(&self.prompt),
            cache_creation_input_tokens: written,
            cache_read_input_tokens: 0,
            cache_creation: CacheCreation::of(written, hour),
            output_tokens: u64::from(self.max_tokens),
        }
    }

    /// Input tokens that it probably takes, the system prompt included.
    pub fn input_estimate(&self) -> u64 {
        self.most().all_input()
    }
}

/// Bytes of a token, as a rule of thumb.
pub const BYTES_A_TOKEN: usize = 4;

/// Tokens a text probably takes: four bytes a token, as a rule of thumb, and at least one.
/// Since Opus 4.7 the tokenizer gives about 30 % more (pricing page); estimates are marked as such.
pub fn estimate_tokens(text: &str) -> u64 {
    (text.len() as u64).div_ceil(BYTES_A_TOKEN as u64).max(1) + 8
}
