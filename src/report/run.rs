//! The numbers of calls: the `totals` and the `run` of `ratetop.call/1`.

use super::{beside::SpreadOut, cache::CacheOut, rounded};
use crate::domain::{
    cache::CacheOrder,
    clean::clean,
    id::ModelId,
    load::{
        compare::Comparison,
        pace::Gate,
        plan::{Plan, Ramp},
        result::{Spans, Summary},
        spread::Spread,
    },
    usage::Usage,
    verdict::Cause,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// What a run was, beyond its numbers.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// When calls started.
    pub plan: &'a Plan,
    /// Whom they asked.
    pub model: &'a str,
    /// What was done after a refusal.
    pub policy: &'a str,
    /// Retries that all together might make, percent of calls.
    pub retry_budget_percent: Option<f64>,
    /// How requests were held back, in a word, and what waited for which gate.
    pub pace: Option<(&'a str, &'a [Held])>,
    /// A system prompt that was to be cached, if one was.
    pub cache: Option<CacheOrder>,
    /// Between which models calls were spread, if they were.
    pub spread: Option<&'a Spread>,
    /// The pools of models, where they are known.
    pub pools: &'a [(ModelId, String)],
    /// The run beside another one, if it is compared.
    pub comparison: Option<&'a Comparison>,
    /// Whether it went to a simulator.
    pub free: bool,
    /// Whether it was ended before its plan was.
    pub interrupted: bool,
    /// Why a call was not even sent, which ended it.
    pub unsent: Option<&'a str>,
}

impl Run<'_> {
    /// The name of a model's pool, where it is known.
    pub(super) fn pool_of(&self, model: &ModelId) -> Option<&str> {
        let known = self.pools.iter().find(|(it, _)| it == model);
        known.map(|(_, name)| name.as_str())
    }
}

/// Requests that waited for one gate of the pace.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    /// Which.
    pub gate: Gate,
    /// How many.
    pub requests: u64,
    /// Seconds, summed.
    pub seconds: f64,
}

#[derive(Clone, Debug, Serialize)]
struct PaceOut {
    by: String,
    waited: BTreeMap<&'static str, HeldOut>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct HeldOut {
    requests: u64,
    waited_s: Option<f64>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct RunOut {
    model: String,
    policy: String,
    workers: u32,
    rate_per_s: Option<f64>,
    calls: Option<u32>,
    duration_s: Option<f64>,
    ramp: Option<RampOut>,
    retry_budget_percent: Option<f64>,
    pace: Option<PaceOut>,
    spread: Option<SpreadOut>,
    interrupted: bool,
    unsent: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
struct RampOut {
    over_s: f64,
    steps: Option<u32>,
}

impl From<&Run<'_>> for RunOut {
    fn from(run: &Run<'_>) -> Self {
        let plan = run.plan;
        let (over_s, steps) = match plan.ramp {
            Ramp::None => (None, None),
            Ramp::Linear(over_s) => (Some(over_s), None),
            Ramp::Steps { steps, over_s } => (Some(over_s), Some(steps)),
        };
        Self {
            model: clean(run.model, 200),
            policy: clean(run.policy, 80),
            workers: plan.workers,
            rate_per_s: plan.rate.and_then(|rate| rounded(rate, 6)),
            calls: plan.calls,
            duration_s: plan.duration_s,
            ramp: over_s.map(|over_s| RampOut { over_s, steps }),
            retry_budget_percent: run.retry_budget_percent,
            pace: run.pace.map(|(by, held)| PaceOut {
                by: by.to_owned(),
                waited: held
                    .iter()
                    .map(|held| {
                        let out = HeldOut {
                            requests: held.requests,
                            waited_s: rounded(held.seconds, 3),
                        };
                        (held.gate.word(), out)
                    })
                    .collect(),
            }),
            spread: run.spread.map(Into::into),
            interrupted: run.interrupted,
            unsent: run.unsent.map(|why| clean(why, 500)),
        }
    }
}

/// `totals`.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Totals {
    logical: u64,
    sent: u64,
    wire: u64,
    ok: u64,
    failed: u64,
    cancelled: u64,
    unsent: u64,
    missed_starts: u64,
    amplification: Option<f64>,
    success_share: Option<f64>,
    refused: BTreeMap<String, u64>,
    statuses: BTreeMap<u16, u64>,
    mid_stream_failures: u64,
    retries: u64,
    continued: u64,
    early_retries: u64,
    retries_over_budget: u64,
    slept_s: Option<f64>,
    wasted_s: Option<f64>,
    elapsed_s: Option<f64>,
    herd_peak: usize,
    arrivals: Arrivals,
    latency: Latency,
    usage: Option<Usage>,
    thrown_away: Option<Usage>,
    paid_twice: Option<Usage>,
    cache: Option<CacheOut>,
    cost_usd: Option<f64>,
    cost_at_least_usd: Option<f64>,
    list_cost_usd: Option<f64>,
    answers_per_s: Option<f64>,
    sentence: String,
}

#[derive(Clone, Debug, Serialize)]
struct Arrivals {
    span_s: Option<f64>,
    starts: Vec<u32>,
}

#[derive(Clone, Debug, Serialize)]
struct Latency {
    first_byte: Option<SpansOut>,
    first_token: Option<SpansOut>,
    call: Option<SpansOut>,
    late_start: Option<SpansOut>,
}

#[derive(Clone, Debug, Serialize)]
struct SpansOut {
    count: u64,
    p50_ms: Option<f64>,
    p90_ms: Option<f64>,
    p99_ms: Option<f64>,
    longest_ms: Option<f64>,
}

impl Totals {
    /// The numbers of a run; of a system prompt that was to be cached for a model, what became of it.
    pub(super) fn of(summary: &Summary, cache: Option<(CacheOrder, &str)>) -> Self {
        let (starts, span_s) = summary.arrivals();
        let any = |usage: Usage| (usage != Usage::default()).then_some(usage);
        let causes = summary.refused.iter();
        let elapsed_s = summary.elapsed_s();
        let rate = (elapsed_s > 0.0).then(|| summary.ok as f64 / elapsed_s);
        Self {
            logical: summary.logical,
            sent: summary.sent(),
            wire: summary.wire,
            ok: summary.ok,
            failed: summary.failed,
            cancelled: summary.cancelled,
            unsent: summary.unsent,
            missed_starts: summary.missed,
            amplification: summary.amplification().and_then(|it| rounded(it, 3)),
            success_share: summary.success().and_then(|it| rounded(it, 4)),
            refused: causes.map(|(cause, n)| (word(*cause), *n)).collect(),
            statuses: summary.statuses.clone(),
            mid_stream_failures: summary.broken,
            retries: summary.retries,
            continued: summary.continued,
            early_retries: summary.early,
            retries_over_budget: summary.denied,
            slept_s: rounded(summary.slept_s, 3),
            wasted_s: rounded(summary.wasted_s, 3),
            elapsed_s: rounded(summary.elapsed_s(), 3),
            herd_peak: summary.herd_peak(),
            arrivals: Arrivals {
                span_s: rounded(span_s, 3),
                starts,
            },
            latency: Latency {
                first_byte: spans(&summary.first_byte),
                first_token: spans(&summary.first_token),
                call: spans(&summary.total),
                late_start: spans(&summary.late),
            },
            usage: any(summary.usage),
            thrown_away: any(summary.thrown_away),
            paid_twice: any(summary.paid_twice),
            cache: cache.and_then(|(order, model)| {
                let usage = any(summary.usage);
                CacheOut::of(order, model, usage.as_ref())
            }),
            cost_usd: summary.cost_usd().and_then(|usd| rounded(usd, 9)),
            cost_at_least_usd: rounded(summary.at_least_usd(), 9),
            list_cost_usd: summary.cost_usd().and_then(|usd| rounded(usd, 9)),
            answers_per_s: rate.and_then(|rate| rounded(rate, 3)),
            sentence: summary.sentence(),
        }
    }
}

impl Totals {
    /// The same with another cost, US dollars.
    pub(super) fn costing(self, usd: Option<f64>, at_least_usd: f64) -> Self {
        Self {
            cost_usd: usd.and_then(|usd| rounded(usd, 9)),
            cost_at_least_usd: rounded(at_least_usd, 9),
            ..self
        }
    }

    /// The same with another cost at the API's prices, US dollars.
    pub(super) fn listed_at(self, usd: Option<f64>) -> Self {
        Self {
            list_cost_usd: usd.and_then(|usd| rounded(usd, 9)),
            ..self
        }
    }
}

fn spans(of: &Spans) -> Option<SpansOut> {
    let ms = |seconds: Option<f64>| seconds.and_then(|s| rounded(s * 1e3, 1));
    (of.count() > 0).then(|| SpansOut {
        count: of.count(),
        p50_ms: ms(of.percentile_s(50.0)),
        p90_ms: ms(of.percentile_s(90.0)),
        p99_ms: ms(of.percentile_s(99.0)),
        longest_ms: ms(of.longest_s()),
    })
}

/// The contract's word for a cause.
pub(super) fn word(cause: Cause) -> String {
    match serde_json::to_value(cause) {
        Ok(serde_json::Value::String(word)) => word,
        _ => "unknown".to_owned(),
    }
}
