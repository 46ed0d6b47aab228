//! Choosing a field's value without typing.

use super::{Field, Form, TOKENS_MAX, field::ENDINGS};
use crate::domain::{
    call::ATTEMPTS_MAX,
    load::plan::{MOST_CALLS, MOST_WORKERS, Ramp},
    retry::Policy,
};

impl Form {
    /// The next or previous choice of a field, where it has some: `by` is 1 or -1.
    pub fn turn(&mut self, field: Field, by: isize, models: &[String]) {
        match field {
            Field::Stream => self.stream = !self.stream,
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
                let here = Policy::ALL.iter().position(|policy| *policy == self.policy);
                self.policy = Policy::ALL[around(here, by, Policy::ALL.len())];
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
