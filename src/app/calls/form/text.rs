//! The values of the form's fields as text, and taken from text.

use super::{
    Form, TOKENS_MAX,
    field::{
        ALONE, ANY, AS_BATCH, CLOSED, COMES, EACH, ENDINGS, FREELY, Field, NONE, ONE_MODEL, broken,
        broken_word, number, optional, pacing, percent,
    },
};
use crate::domain::{
    call::ATTEMPTS_MAX,
    load::{
        plan::{MOST_CALLS, MOST_WORKERS, Ramp},
        spread::By,
        words,
    },
    retry::Policy,
};

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
            Field::Batch => if self.batch { AS_BATCH } else { ALONE }.to_owned(),
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
            Field::Batch => self.batch = text.trim() == AS_BATCH,
        }
        Ok(())
    }
}
