//! The request form: the values of its fields, what is wrong with them, the calls it describes and what
//! they will cost.

mod batch;
pub mod choice;
pub mod field;
mod orders;
mod text;
mod turn;

pub use field::Field;

use crate::app::event::FormDefaults;
use crate::domain::{
    load::{pace::Pacing, plan::Ramp, spread::Spread},
    retry::{Broken, Policy},
};
use choice::CacheChoice;
use std::sync::Arc;

/// Longest model name, characters.
const MODEL_MAX: usize = 128;
/// Longest prompt, bytes. The API takes 32 MB; a test call needs no more than this.
pub const PROMPT_MAX: usize = 64 * 1024;
/// Largest `max_tokens`; no model gives more.
const TOKENS_MAX: u32 = 1_000_000;

/// The values of the form.
#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    /// The model to ask for.
    pub model: String,
    /// The user message.
    pub prompt: String,
    /// `max_tokens`.
    pub max_tokens: u32,
    /// `stream`.
    pub stream: bool,
    /// The stop reason that a simulator is asked for; elsewhere none may be.
    pub ending: Option<&'static str>,
    /// A system prompt that is to be cached.
    pub cache: Option<CacheChoice>,
    /// What to do after a failed attempt.
    pub policy: Policy,
    /// Attempts in all; none means the policy's own number.
    pub attempts: Option<u32>,
    /// Seconds that a call may take in all.
    pub deadline_s: Option<f64>,
    /// Seconds that a single wait may take.
    pub longest_wait_s: Option<f64>,
    /// What to do with an answer that breaks after a 200.
    pub broken: Broken,
    /// Calls at the same time.
    pub workers: u32,
    /// Starts a second; none is a closed loop.
    pub rate: Option<f64>,
    /// Calls in all; none is one for each worker, or as many as fit in the duration.
    pub calls: Option<u32>,
    /// Seconds after which no call is started.
    pub duration_s: Option<f64>,
    /// How the run comes up.
    pub ramp: Ramp,
    /// How requests of a run are held back; none sends each when it is due.
    pub pacing: Option<Pacing>,
    /// The models that calls of a run go to; none is the form's.
    pub spread: Option<Spread>,
    /// Retries that all calls of a run together may make, percent of calls.
    pub budget_percent: Option<f64>,
    /// Whether the calls are sent as one message batch.
    pub batch: bool,
    /// Policies to choose from.
    pub policies: Arc<[Policy]>,
}

impl Default for Form {
    fn default() -> Self {
        Self {
            model: String::new(),
            prompt: "Say hello.".to_owned(),
            max_tokens: 256,
            stream: true,
            ending: None,
            cache: None,
            policy: Policy::HintJitter,
            attempts: None,
            deadline_s: None,
            longest_wait_s: None,
            broken: Broken::AsPolicy,
            workers: 1,
            rate: None,
            calls: None,
            duration_s: None,
            ramp: Ramp::None,
            pacing: None,
            spread: None,
            budget_percent: None,
            batch: false,
            policies: Policy::ALL.into(),
        }
    }
}

impl From<&FormDefaults> for Form {
    fn from(defaults: &FormDefaults) -> Self {
        Self {
            model: defaults.model.clone(),
            prompt: defaults.prompt.clone(),
            max_tokens: defaults.max_tokens,
            stream: defaults.stream,
            policy: defaults.policy,
            attempts: defaults.attempts,
            policies: Arc::clone(&defaults.policies),
            ..Self::default()
        }
    }
}

impl Form {
    /// The first field that is not valid, and why.
    pub fn problem(&self) -> Option<(Field, String)> {
        let mut fields = Field::ALL.iter();
        let field = fields.find_map(|field| Some((*field, field.problem(&self.text(*field))?)));
        field.or_else(|| {
            let bad = self.load_plan().check().err()?;
            Some((Field::of(bad.part), bad.why))
        })
    }
}

#[cfg(test)]
mod tests;
