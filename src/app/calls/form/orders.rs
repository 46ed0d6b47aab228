//! The calls that the form describes, and what they will cost.

use super::{CacheChoice, Form, field::ENDINGS};
use crate::domain::{
    call::CallOrder,
    id::CallId,
    load::{
        estimate::Estimate,
        plan::{MOST_CALLS, Plan},
        run::RunOrder,
    },
    observation::Source,
    retry::{Limits, code},
    spend::Prices,
};
use std::sync::Arc;

impl Form {
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

    /// Whether it describes one call, not a run of many or a batch.
    pub fn is_single(&self) -> bool {
        !self.batch && self.load_plan().is_single()
    }

    /// What the calls may cost at most.
    pub fn estimate(&self, prices: &Prices) -> Estimate {
        let order = self.order(CallId(0));
        if self.batch {
            Estimate::of_batch(&order, self.requests(), prices)
        } else {
            Estimate::of(&order, &self.load_plan(), self.spread.as_ref(), prices)
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
            batch: false,
            policies: Arc::clone(&self.policies),
        }
    }
}
