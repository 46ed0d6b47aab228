//! The request form: the values of its fields, what is wrong with them, the calls it describes and what
//! they will cost.

pub mod choice;
pub mod field;
mod turn;

pub use field::Field;

use crate::app::event::FormDefaults;
use crate::domain::{
    call::{ATTEMPTS_MAX, CallOrder},
    id::{CallId, ModelId},
    load::{
        pace::Pacing,
        plan::{MOST_CALLS, MOST_WORKERS, Plan, Ramp},
        run::RunOrder,
        spread::{By, Spread},
        words,
    },
    observation::Source,
    retry::{Broken, Limits, Policy, code},
    spend::Prices,
};
use choice::CacheChoice;
use std::sync::Arc;

use field::{
    ANY, CLOSED, COMES, EACH, ENDINGS, FREELY, NONE, ONE_MODEL, broken, broken_word, number,
    optional, pacing, percent,
};

/// Longest model name, characters.
const MODEL_MAX: usize = 128;
/// Longest prompt, bytes. The API takes 32 MB; a test call needs no more than this.
pub const PROMPT_MAX: usize = 64 * 1024;
/// Largest `max_tokens`; no model gives more.
const TOKENS_MAX: u32 = 1_000_000;

/// What the calls will cost if each is answered once; a broken answer is paid again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Calls, at most; none where only time ends the run.
    pub calls: Option<u64>,
    /// Input tokens of a call, about.
    pub input: u64,
    /// Output tokens of a call, at most.
    pub output: u64,
    /// US dollars of a call, at most; none when the price is not known.
    pub each_usd: Option<f64>,
    /// US dollars of all of them; none when the price or the number is not known.
    pub usd: Option<f64>,
}

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
    /// A field's value as text, as its editor starts with it.
    pub fn text(&self, field: Field) -> String {
        match field {
            Field::Model => self.model.clone(),
            Field::Prompt => self.prompt.clone(),
            Field::MaxTokens => self.max_tokens.to_string(),
            Field::Stream => if self.stream { "on" } else { "off" }.to_owned(),
            Field::Ending => self.ending.unwrap_or(COMES).to_owned(),
            Field::Cache => self.cache.map_or(NONE.to_owned(), |it| it.to_string()),
            Field::Policy => self.policy.name().to_owned(),
            Field::Attempts => self.attempts().to_string(),
            Field::Deadline => self.deadline_s.map_or(NONE.to_owned(), words::span),
            Field::Longest => self.longest_wait_s.map_or(NONE.to_owned(), words::span),
            Field::Broken => broken_word(self.broken).to_owned(),
            Field::Workers => self.workers.to_string(),
            Field::Rate => self.rate.map_or(CLOSED.to_owned(), words::rate),
            Field::Calls => match (self.calls, self.duration_s) {
                (Some(calls), _) => calls.to_string(),
                (None, None) => EACH.to_owned(),
                (None, Some(_)) => ANY.to_owned(),
            },
            Field::Duration => self.duration_s.map_or(NONE.to_owned(), words::span),
            Field::Ramp => self.ramp.to_string(),
            Field::Pace => self.pacing.map_or(NONE.to_owned(), |it| it.to_string()),
            Field::Spread => {
                let spread = self.spread.as_ref();
                spread.map_or(ONE_MODEL.to_owned(), ToString::to_string)
            }
            Field::Budget => match self.budget_percent {
                Some(percent) => format!("{percent} % of calls"),
                None => FREELY.to_owned(),
            },
        }
    }

    /// The same as the form shows it, where there is little room.
    pub fn shown(&self, field: Field) -> String {
        match (field, &self.spread) {
            (Field::Spread, Some(spread)) => {
                let by = match spread.by {
                    By::Share => "share",
                    By::Headroom => "headroom",
                };
                format!("{} models by {by}", spread.parts.len())
            }
            _ => self.text(field),
        }
    }

    /// The same for its editor: what leaves the choice open is typed over.
    pub fn typed(&self, field: Field) -> String {
        let open = match field {
            Field::Deadline => self.deadline_s.is_none(),
            Field::Longest => self.longest_wait_s.is_none(),
            Field::Rate => self.rate.is_none(),
            Field::Calls => self.calls.is_none(),
            Field::Duration => self.duration_s.is_none(),
            Field::Ramp => self.ramp == Ramp::None,
            Field::Budget => self.budget_percent.is_none(),
            _ => false,
        };
        if open {
            String::new()
        } else {
            self.text(field)
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
            Field::Ending => {
                let named = |ending: &&&str| **ending == text.trim();
                self.ending = ENDINGS.iter().find(named).copied();
            }
            Field::Policy => {
                let name = text.trim();
                let named = |policy: &&Policy| policy.name() == name;
                let found = self.policies.iter().find(named).copied();
                self.policy = found.ok_or_else(|| match name {
                    "" => "choose one".to_owned(),
                    name => format!("no policy is called {name}"),
                })?;
            }
            Field::Attempts if text.trim().is_empty() => self.attempts = None,
            Field::Attempts => {
                let attempts = number(text, ATTEMPTS_MAX)?;
                self.attempts = (attempts != self.policy.attempts()).then_some(attempts);
            }
            Field::Deadline => self.deadline_s = optional(text, &[NONE], words::read_span)?,
            Field::Longest => self.longest_wait_s = optional(text, &[NONE], words::read_span)?,
            Field::Broken => self.broken = broken(text)?,
            Field::Workers => self.workers = number(text, MOST_WORKERS)?,
            Field::Rate => {
                self.rate = optional(text, &[CLOSED, "closed loop"], words::read_rate)?;
            }
            Field::Calls => {
                self.calls = optional(text, &[EACH, ANY], |text| number(text, MOST_CALLS))?;
            }
            Field::Duration => self.duration_s = optional(text, &[NONE], words::read_span)?,
            Field::Ramp => self.ramp = text.parse()?,
            Field::Pace => self.pacing = optional(text, &[NONE], pacing)?,
            Field::Spread => self.spread = optional(text, &[ONE_MODEL], str::parse)?,
            Field::Cache => self.cache = optional(text, &[NONE], str::parse)?,
            Field::Budget => self.budget_percent = optional(text, &[FREELY], percent)?,
        }
        Ok(())
    }

    /// Attempts in all.
    pub fn attempts(&self) -> u32 {
        self.attempts.unwrap_or(self.policy.attempts())
    }

    /// When calls start.
    pub fn load_plan(&self) -> Plan {
        let open = if self.duration_s.is_some() {
            MOST_CALLS
        } else {
            self.workers
        };
        Plan {
            workers: self.workers,
            rate: self.rate,
            calls: Some(self.calls.unwrap_or(open)),
            duration_s: self.duration_s,
            ramp: self.ramp,
        }
    }

    /// Whether it describes one call, not a run of many.
    pub fn is_single(&self) -> bool {
        self.load_plan().is_single()
    }

    /// The first field that is not valid, and why.
    pub fn problem(&self) -> Option<(Field, String)> {
        let mut fields = Field::ALL.iter();
        let field = fields.find_map(|field| Some((*field, field.problem(&self.text(*field))?)));
        field.or_else(|| {
            let bad = self.load_plan().check().err()?;
            Some((Field::of(bad.part), bad.why))
        })
    }

    /// What the calls will cost.
    pub fn estimate(&self, prices: &Prices) -> Estimate {
        let usage = self.order(CallId(0)).most();
        let (input, output) = (usage.all_input(), usage.output_tokens);
        let each_usd = prices.cost(&ModelId::from(self.model.as_str()), &usage);
        // More than that is a run that only time ends.
        let most = self.load_plan().most_calls();
        let calls = (most < MOST_CALLS).then_some(u64::from(most));
        Estimate {
            calls,
            input,
            output,
            each_usd,
            usd: each_usd.zip(calls).map(|(usd, calls)| usd * calls as f64),
        }
    }

    /// The user message as it is sent: a simulator reads from it how it is to end.
    fn prompt(&self) -> String {
        match self.ending {
            Some(ending) => format!("{}\n[stop: {ending}]", self.prompt),
            None => self.prompt.clone(),
        }
    }

    /// The call that the form describes.
    pub fn order(&self, call: CallId) -> CallOrder {
        CallOrder {
            call,
            client: "me".into(),
            source: Source::Call,
            model: self.model.as_str().into(),
            prompt: self.prompt(),
            cache: self.cache.map(|it| it.order(&self.model)),
            max_tokens: self.max_tokens.max(1),
            stream: self.stream,
            policy: self.policy,
            attempts: self.attempts().max(1),
            limits: Limits {
                deadline_s: self.deadline_s,
                longest_wait_s: self.longest_wait_s,
                broken: self.broken,
            },
        }
    }

    /// Its policy with its bounds, to be written down as code.
    pub fn plan(&self) -> code::Plan {
        let order = self.order(CallId(0));
        code::Plan {
            policy: order.policy,
            attempts: order.attempts,
            limits: order.limits,
        }
    }

    /// The run that the form describes, its calls numbered from `first` on.
    pub fn run(&self, first: CallId) -> RunOrder {
        RunOrder {
            order: self.order(first),
            plan: self.load_plan(),
            budget_percent: self.budget_percent,
            pacing: self.pacing,
            spread: self.spread.clone(),
            known: Vec::new(),
        }
    }

    /// A form that describes that run again, with the same policies to choose from.
    #[must_use]
    pub fn again(&self, run: &RunOrder) -> Self {
        let RunOrder { order, plan, .. } = run;
        let open = plan.calls
            == Some(if plan.duration_s.is_some() {
                MOST_CALLS
            } else {
                plan.workers
            });
        let asked = |ending: &&&str| order.prompt.ends_with(&format!("\n[stop: {ending}]"));
        let ending = ENDINGS.iter().find(asked).copied();
        let prompt = match order.prompt.rsplit_once('\n') {
            Some((prompt, _)) if ending.is_some() => prompt,
            _ => &order.prompt,
        };
        Self {
            model: order.model.to_string(),
            prompt: prompt.to_owned(),
            ending,
            cache: order
                .cache
                .map(|it| CacheChoice::of(it, order.model.as_str())),
            max_tokens: order.max_tokens,
            stream: order.stream,
            policy: order.policy,
            attempts: (order.attempts != order.policy.attempts()).then_some(order.attempts),
            deadline_s: order.limits.deadline_s,
            longest_wait_s: order.limits.longest_wait_s,
            broken: order.limits.broken,
            workers: plan.workers,
            rate: plan.rate,
            calls: plan.calls.filter(|_| !open),
            duration_s: plan.duration_s,
            ramp: plan.ramp,
            pacing: run.pacing,
            spread: run.spread.clone(),
            budget_percent: run.budget_percent,
            policies: Arc::clone(&self.policies),
        }
    }
}

#[cfg(test)]
mod tests;
