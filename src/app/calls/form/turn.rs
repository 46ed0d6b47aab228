//! Choosing a field's value without typing.

use super::{
    Field, Form, TOKENS_MAX,
    choice::CacheChoice,
    field::{ALONE, AS_BATCH, COMES, ENDINGS, NONE, ONE_MODEL, broken, broken_word},
};
use crate::domain::{
    call::ATTEMPTS_MAX,
    load::{
        pace::Pacing,
        plan::{MOST_CALLS, MOST_WORKERS, Ramp},
        spread::{By, MOST_PARTS, Part, Spread},
    },
    retry::Broken,
};

impl Form {
    /// What may be picked for a field, in order; none where any text may be a value.
    pub fn choices(&self, field: Field, models: &[String]) -> Vec<String> {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        match field {
            Field::Model => models.to_vec(),
            Field::Policy => words(&self.policies.iter().map(|it| it.name()).collect::<Vec<_>>()),
            Field::Broken => words(
                &Broken::ALL
                    .iter()
                    .map(|it| broken_word(*it))
                    .collect::<Vec<_>>(),
            ),
            Field::Pace => words(&[NONE, "live", "aimd"]),
            Field::Cache => words(&[NONE, "5m", "1h"]),
            Field::Spread => {
                let whole = spreads(models).into_iter().map(|it| it.to_string());
                [ONE_MODEL.to_owned()].into_iter().chain(whole).collect()
            }
            Field::Stream => words(&["on", "off"]),
            Field::Batch => words(&[ALONE, AS_BATCH]),
            Field::Ending => words(&[&[COMES], ENDINGS].concat()),
            _ => Vec::new(),
        }
    }

    /// What a choice of a field means, in one sentence; empty where its name says it.
    pub fn rule_of(&self, field: Field, choice: &str) -> &'static str {
        match field {
            Field::Policy => {
                let named = self.policies.iter().find(|policy| policy.name() == choice);
                named.map_or("", |policy| policy.rule())
            }
            Field::Pace => choice.parse().map_or("", Pacing::rule),
            Field::Cache => choice.parse().map_or("", CacheChoice::rule),
            Field::Spread => choice.parse().map_or("", |it: Spread| it.by.rule()),
            Field::Broken => broken(choice).map_or("", Broken::rule),
            Field::Batch if choice == AS_BATCH => {
                "one message batch from pools of its own, done within a day"
            }
            _ => "",
        }
    }

    /// The next or previous choice of a field, where it has some: `by` is 1 or -1.
    pub fn turn(&mut self, field: Field, by: isize, models: &[String]) {
        match field {
            Field::Stream => self.stream = !self.stream,
            Field::Batch => self.batch = !self.batch,
            Field::Ending => {
                // The place before the first stands for whatever comes.
                let here = ENDINGS
                    .iter()
                    .position(|ending| Some(*ending) == self.ending);
                let here = here.map_or(0, |at| at + 1);
                let to = around(Some(here), by, ENDINGS.len() + 1);
                self.ending = to.checked_sub(1).map(|at| ENDINGS[at]);
            }
            Field::Policy => {
                let all = &self.policies;
                let here = all.iter().position(|policy| *policy == self.policy);
                let to = around(here, by, all.len().max(1));
                self.policy = all.get(to).copied().unwrap_or(self.policy);
            }
            Field::Model if !models.is_empty() => {
                let here = models.iter().position(|model| *model == self.model);
                self.model
                    .clone_from(&models[around(here, by, models.len())]);
            }
            Field::MaxTokens => self.max_tokens = doubled(self.max_tokens, by, TOKENS_MAX),
            Field::Workers => self.workers = doubled(self.workers, by, MOST_WORKERS),
            Field::Calls => {
                self.calls = match (self.calls, by > 0) {
                    (None, false) => None,
                    (None, true) => Some(self.workers.saturating_mul(2).min(MOST_CALLS)),
                    // Below one for each worker there is only the open choice.
                    (Some(calls), false) if calls <= self.workers => None,
                    (Some(calls), _) => Some(doubled(calls, by, MOST_CALLS)),
                }
            }
            Field::Rate => {
                self.rate = stepped(
                    self.rate,
                    by,
                    &[0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0],
                );
            }
            Field::Deadline => {
                self.deadline_s =
                    stepped(self.deadline_s, by, &[5.0, 10.0, 30.0, 60.0, 120.0, 300.0]);
            }
            Field::Longest => {
                self.longest_wait_s =
                    stepped(self.longest_wait_s, by, &[1.0, 5.0, 10.0, 30.0, 60.0]);
            }
            Field::Broken => {
                let here = Broken::ALL.iter().position(|it| *it == self.broken);
                self.broken = Broken::ALL[around(here, by, Broken::ALL.len())];
            }
            Field::Duration => {
                self.duration_s = stepped(
                    self.duration_s,
                    by,
                    &[10.0, 30.0, 60.0, 120.0, 300.0, 600.0],
                );
            }
            Field::Budget => {
                self.budget_percent = stepped(self.budget_percent, by, &[5.0, 10.0, 20.0, 50.0]);
            }
            Field::Ramp => {
                let here = RAMPS.iter().position(|ramp| *ramp == self.ramp);
                self.ramp = RAMPS[around(here, by, RAMPS.len())];
            }
            Field::Pace => {
                let here = PACES.iter().position(|pace| *pace == self.pacing);
                self.pacing = PACES[around(here, by, PACES.len())];
            }
            Field::Cache => {
                let here = CACHES.iter().position(|cache| *cache == self.cache);
                self.cache = CACHES[around(here, by, CACHES.len())];
            }
            Field::Spread => {
                let all: Vec<_> = [None]
                    .into_iter()
                    .chain(spreads(models).into_iter().map(Some))
                    .collect();
                let here = all.iter().position(|it| *it == self.spread);
                self.spread.clone_from(&all[around(here, by, all.len())]);
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
}

/// Paces to choose from without typing.
const PACES: &[Option<Pacing>] = &[None, Some(Pacing::LIVE), Some(Pacing::Aimd)];

/// Caches to choose from without typing.
const CACHES: &[Option<CacheChoice>] = &[None, Some(CacheChoice::SHORT), Some(CacheChoice::LONG)];

/// Spreads over those models to choose from without typing: none where there are not two.
fn spreads(models: &[String]) -> Vec<Spread> {
    let parts: Vec<Part> = models
        .iter()
        .take(MOST_PARTS)
        .map(|model| Part {
            model: model.as_str().into(),
            share: 1.0,
        })
        .collect();
    if parts.len() < 2 {
        return Vec::new();
    }
    [By::Headroom, By::Share]
        .map(|by| Spread {
            by,
            parts: parts.clone(),
        })
        .to_vec()
}

/// Ramps to choose from without typing.
const RAMPS: &[Ramp] = &[
    Ramp::None,
    Ramp::Linear(5.0),
    Ramp::Linear(10.0),
    Ramp::Linear(30.0),
    Ramp::Linear(60.0),
    Ramp::Steps {
        steps: 4,
        over_s: 30.0,
    },
    Ramp::Steps {
        steps: 4,
        over_s: 60.0,
    },
];

/// Twice as many or half of it, from 1 to `most`.
fn doubled(n: u32, by: isize, most: u32) -> u32 {
    if by > 0 {
        n.saturating_mul(2).min(most)
    } else {
        (n / 2).max(1)
    }
}

/// The next larger or smaller of those values; below the smallest there is none.
fn stepped(value: Option<f64>, by: isize, values: &[f64]) -> Option<f64> {
    let Some(value) = value else {
        return if by > 0 {
            values.first().copied()
        } else {
            None
        };
    };
    if by > 0 {
        let larger = values.iter().copied().find(|other| *other > value);
        larger.or(Some(value))
    } else {
        values.iter().copied().rev().find(|other| *other < value)
    }
}

/// The place `by` further in a ring of `len` (not 0); the first when there is no place yet.
fn around(here: Option<usize>, by: isize, len: usize) -> usize {
    let Some(here) = here else { return 0 };
    (here as isize + by).rem_euclid(len as isize) as usize
}
