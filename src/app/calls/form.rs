//! The request form: its fields, their values, what is wrong with them, and what the call will cost.

use crate::app::event::FormDefaults;
use crate::domain::{
    call::{ATTEMPTS_MAX, CallOrder, estimate_tokens},
    id::{CallId, ModelId},
    number::thousands,
    observation::Source,
    retry::{Limits, Policy, code::Plan},
    spend::Prices,
    usage::Usage,
};

/// Longest model name, characters.
const MODEL_MAX: usize = 128;
/// Longest prompt, bytes. The API takes 32 MB; a test call needs no more than this.
pub const PROMPT_MAX: usize = 64 * 1024;
/// Largest `max_tokens`; no model gives more.
const TOKENS_MAX: u32 = 1_000_000;

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
    /// What to do after a failed attempt.
    Policy,
    /// Attempts in all.
    Attempts,
}

impl Field {
    /// Top to bottom. To add one: an entry here and its arms below.
    pub const ALL: &'static [Self] = &[
        Self::Model,
        Self::Prompt,
        Self::MaxTokens,
        Self::Stream,
        Self::Policy,
        Self::Attempts,
    ];

    /// Its label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Prompt => "prompt",
            Self::MaxTokens => "max tokens",
            Self::Stream => "stream",
            Self::Policy => "policy",
            Self::Attempts => "attempts",
        }
    }

    /// The field `by` places below, stopping at the ends.
    #[must_use]
    pub fn step(self, by: isize) -> Self {
        let here = Self::ALL.iter().position(|field| *field == self);
        let to = here.unwrap_or(0).saturating_add_signed(by);
        Self::ALL[to.min(Self::ALL.len() - 1)]
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
            Self::Model | Self::Prompt | Self::Stream | Self::Policy => None,
        }
    }
}

/// A whole number from 1 to `max`; thousands may be grouped.
fn number(text: &str, max: u32) -> Result<u32, String> {
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

/// What a call will cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Input tokens, about.
    pub input: u64,
    /// Output tokens, at most.
    pub output: u64,
    /// US dollars, at most; none when the price is not known.
    pub usd: Option<f64>,
}

/// The values of the form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// The model to ask for.
    pub model: String,
    /// The user message.
    pub prompt: String,
    /// `max_tokens`.
    pub max_tokens: u32,
    /// `stream`.
    pub stream: bool,
    /// What to do after a failed attempt.
    pub policy: Policy,
    /// Attempts in all; none means the policy's own number.
    pub attempts: Option<u32>,
}

impl Default for Form {
    fn default() -> Self {
        Self {
            model: String::new(),
            prompt: "Say hello.".to_owned(),
            max_tokens: 256,
            stream: true,
            policy: Policy::HintJitter,
            attempts: None,
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
        }
    }
}

impl Form {
    /// A field's value as text, as its editor starts with it.
    pub fn text(&self, field: Field) -> String {
        match field {
            Field::Model => self.model.clone(),
            Field::Prompt => self.prompt.clone(),
            Field::MaxTokens => self.max_tokens.to_string(),
            Field::Stream => if self.stream { "on" } else { "off" }.to_owned(),
            Field::Policy => self.policy.name().to_owned(),
            Field::Attempts => self.attempts().to_string(),
        }
    }

    /// Takes a text as a field's value, or says why not. Nothing changes then.
    pub fn set(&mut self, field: Field, text: &str) -> Result<(), String> {
        if let Some(problem) = field.problem(text) {
            return Err(problem);
        }
        match field {
            Field::Model => text.trim().clone_into(&mut self.model),
            Field::Prompt => text.clone_into(&mut self.prompt),
            Field::MaxTokens => self.max_tokens = number(text, TOKENS_MAX)?,
            Field::Stream => self.stream = text.trim() == "on",
            Field::Policy => {
                self.policy = Policy::named(text.trim())
                    .ok_or_else(|| format!("no policy is called {text}"))?;
            }
            Field::Attempts if text.trim().is_empty() => self.attempts = None,
            Field::Attempts => {
                let attempts = number(text, ATTEMPTS_MAX)?;
                self.attempts = (attempts != self.policy.attempts()).then_some(attempts);
            }
        }
        Ok(())
    }

    /// The next or previous choice of a field, where it has some: `by` is 1 or -1.
    pub fn turn(&mut self, field: Field, by: isize, models: &[String]) {
        match field {
            Field::Stream => self.stream = !self.stream,
            Field::Policy => {
                let here = Policy::ALL.iter().position(|policy| *policy == self.policy);
                self.policy = Policy::ALL[around(here, by, Policy::ALL.len())];
            }
            Field::Model if !models.is_empty() => {
                let here = models.iter().position(|model| *model == self.model);
                self.model
                    .clone_from(&models[around(here, by, models.len())]);
            }
            Field::MaxTokens => {
                let doubled = self.max_tokens.saturating_mul(2);
                self.max_tokens = if by > 0 {
                    doubled.min(TOKENS_MAX)
                } else {
                    (self.max_tokens / 2).max(1)
                };
            }
            Field::Attempts => {
                let attempts = self
                    .attempts()
                    .saturating_add_signed(by as i32)
                    .clamp(1, ATTEMPTS_MAX);
                self.attempts = (attempts != self.policy.attempts()).then_some(attempts);
            }
            Field::Model | Field::Prompt => {}
        }
    }

    /// Attempts in all.
    pub fn attempts(&self) -> u32 {
        self.attempts.unwrap_or(self.policy.attempts())
    }

    /// The first field that is not valid, and why.
    pub fn problem(&self) -> Option<(Field, String)> {
        Field::ALL
            .iter()
            .find_map(|field| Some((*field, field.problem(&self.text(*field))?)))
    }

    /// What the call will cost, at most.
    pub fn estimate(&self, prices: &Prices) -> Estimate {
        let input = estimate_tokens(&self.prompt);
        let output = u64::from(self.max_tokens);
        let usage = Usage {
            input_tokens: input,
            output_tokens: output,
            ..Usage::default()
        };
        let usd = prices.cost(&ModelId::from(self.model.as_str()), &usage);
        Estimate { input, output, usd }
    }

    /// Its policy with its bounds, to be written down as code.
    pub fn plan(&self) -> Plan {
        let order = self.order(CallId(0));
        Plan {
            policy: order.policy,
            attempts: order.attempts,
            limits: order.limits,
        }
    }

    /// The call that the form describes.
    pub fn order(&self, call: CallId) -> CallOrder {
        CallOrder {
            call,
            client: "me".into(),
            source: Source::Call,
            model: self.model.as_str().into(),
            prompt: self.prompt.clone(),
            max_tokens: self.max_tokens.max(1),
            stream: self.stream,
            policy: self.policy,
            attempts: self.attempts().max(1),
            limits: Limits::default(),
        }
    }
}

/// The place `by` further in a ring of `len` (not 0); the first when there is no place yet.
fn around(here: Option<usize>, by: isize, len: usize) -> usize {
    let Some(here) = here else { return 0 };
    (here as isize + by).rem_euclid(len as isize) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case(Field::Model, "", "name a model")]
    #[case(Field::Model, "claude opus", "a model's name has no spaces")]
    #[case(Field::Prompt, " \n ", "empty: the API wants some text")]
    #[case(Field::MaxTokens, "0", "at least 1")]
    #[case(Field::MaxTokens, "", "a number is missing")]
    #[case(Field::MaxTokens, "-5", "a whole number, please")]
    #[case(Field::MaxTokens, "1e3", "a whole number, please")]
    #[case(Field::MaxTokens, "99999999999999", "at most 1,000,000")]
    #[case(Field::Attempts, "0", "at least 1")]
    #[case(Field::Attempts, "21", "at most 20")]
    fn a_bad_value_is_refused_with_a_reason(
        #[case] field: Field,
        #[case] text: &str,
        #[case] why: &str,
    ) {
        let mut form = Form {
            model: "claude-haiku-4-5".into(),
            ..Form::default()
        };
        let before = form.clone();
        assert_eq!(form.set(field, text), Err(why.to_owned()));
        assert_eq!(form, before);
    }

    #[test]
    fn absurd_lengths_are_refused() {
        assert!(Field::Model.problem(&"m".repeat(129)).is_some());
        assert!(Field::Prompt.problem(&"p".repeat(PROMPT_MAX + 1)).is_some());
        assert!(Field::Prompt.problem(&"p".repeat(PROMPT_MAX)).is_none());
    }

    #[test]
    fn without_a_number_of_its_own_the_policys_counts() {
        let mut form = Form::default();
        assert_eq!(form.attempts(), 5);
        form.set(Field::Policy, "sdk").unwrap();
        assert_eq!(form.attempts(), 3);
        form.set(Field::Attempts, "9").unwrap();
        form.set(Field::Policy, "none").unwrap();
        assert_eq!(form.attempts(), 9);
        form.set(Field::Attempts, "").unwrap();
        assert_eq!(form.attempts(), 1);
    }

    #[test]
    fn an_empty_model_is_a_problem_and_named() {
        assert_eq!(
            Form::default().problem(),
            Some((Field::Model, "name a model".into()))
        );
    }

    proptest! {
        #[test]
        fn whatever_is_taken_comes_back_as_text(text in "\\PC{0,40}", which in 0_usize..6) {
            let field = Field::ALL[which];
            let mut form = Form::default();
            if form.set(field, &text).is_ok() {
                let shown = form.text(field);
                prop_assert!(field.problem(&shown).is_none());
                let mut again = form.clone();
                prop_assert!(again.set(field, &shown).is_ok());
                prop_assert_eq!(again, form);
            }
        }

        #[test]
        fn turning_never_leaves_the_valid_range(turns in prop::collection::vec((0_usize..6, any::<bool>()), 0..60)) {
            let models = vec!["claude-opus-5-5".to_owned(), "claude-haiku-4-5".to_owned()];
            let mut form = Form { model: models[0].clone(), ..Form::default() };
            for (which, up) in turns {
                form.turn(Field::ALL[which], if up { 1 } else { -1 }, &models);
                prop_assert_eq!(form.problem(), None);
            }
        }
    }
}
