//! `ratetop.call/1`: test calls, attempt by attempt, and a run of many with its numbers.

use super::{
    beside::{self, ComparisonOut, ModelOut},
    cache::CacheOut,
    rounded,
    run::{Run, RunOut, Totals},
};
use crate::domain::{
    answer::Thought,
    cache::CacheOrder,
    clean::{clean, clean_lines},
    id::{Limiter, ModelId, RequestId},
    load::{
        live::Live,
        plan::Plan,
        result::{Summary, was_sent},
    },
    observation::CallResult,
    retry::Action,
    time::Time,
    timeline::{Attempt, Call},
    usage::Usage,
    verdict::Verdict,
};
use serde::Serialize;

/// The whole object.
#[derive(Clone, Debug, Serialize)]
pub struct Calls {
    schema: &'static str,
    #[serde(rename = "calls")]
    list: Vec<CallOut>,
    #[serde(rename = "calls_left_out")]
    left_out: u64,
    run: Option<RunOut>,
    totals: Totals,
    models: Option<Vec<ModelOut>>,
    comparison: Option<ComparisonOut>,
}

/// A call that is over, with what the timeline does not keep.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    /// The call.
    pub call: &'a Call,
    /// Its answer's text; none where it was not kept.
    pub text: Option<&'a str>,
    /// A system prompt that was to be cached, if one was.
    pub cache: Option<CacheOrder>,
    /// Whether it went to a simulator.
    pub free: bool,
    /// What it cost, USD; none when its price is unknown.
    pub cost_usd: Option<f64>,
    /// What it costs at the API's prices, USD, also where the address was free.
    pub list_cost_usd: Option<f64>,
    /// Why an attempt was not even sent: a cap, `--read-only`.
    pub unsent: Option<&'a str>,
}

#[derive(Clone, Debug, Serialize)]
struct CallOut {
    worker: Option<u32>,
    model: ModelId,
    policy: String,
    outcome: Option<CallResult>,
    stop_reason: Option<String>,
    usage: Option<Usage>,
    thinking: Option<Thought>,
    cache: Option<CacheOut>,
    cost_usd: Option<f64>,
    text: Option<String>,
    unsent: Option<String>,
    attempts: Vec<AttemptOut>,
}

#[derive(Clone, Debug, Serialize)]
struct AttemptOut {
    n: u32,
    started_at: Time,
    status: Option<u16>,
    request_id: Option<RequestId>,
    first_byte_ms: Option<f64>,
    first_token_ms: Option<f64>,
    duration_ms: Option<f64>,
    usage: Option<Usage>,
    thinking: Option<Thought>,
    verdict: Option<Verdict>,
    asked_s: Option<f64>,
    decision: Option<DecisionOut>,
    slept_s: Option<f64>,
    early: bool,
    left: Vec<LeftOut>,
}

/// What an attempt's head said is left of a limit.
#[derive(Clone, Debug, Serialize)]
struct LeftOut {
    limiter: Limiter,
    limit: u64,
    remaining: u64,
}

#[derive(Clone, Debug, Serialize)]
struct DecisionOut {
    action: Action,
    wait_s: f64,
    jitter_s: f64,
    reason: String,
}

impl Calls {
    /// Calls that are over.
    pub fn of(ended: &[Ended<'_>]) -> Self {
        let began = ended.iter().map(|it| it.call.began_at).min();
        let mut summary = Summary::new(began.unwrap_or_default());
        for it in ended {
            summary.take(it.call);
        }
        let costs = || ended.iter().map(|it| it.cost_usd);
        let cost_usd = costs().sum::<Option<f64>>();
        let at_least = costs().flatten().sum();
        Self {
            schema: SCHEMA,
            list: ended.iter().map(call_out).collect(),
            left_out: 0,
            run: None,
            totals: Totals::of(&summary, cached(ended))
                .costing(cost_usd, at_least)
                .listed_at(ended.iter().map(|it| it.list_cost_usd).sum()),
            models: None,
            comparison: None,
        }
    }

    /// A run that is over, with its first calls. `cost_usd` says what one of them cost.
    pub fn of_run(live: &Live, run: &Run<'_>, cost_usd: impl Fn(&Call) -> Option<f64>) -> Self {
        let list: Vec<CallOut> = live
            .ended()
            .iter()
            .map(|call| CallOut {
                worker: Some(Plan::worker_of(&call.client) + 1),
                ..call_out(&Ended {
                    call,
                    text: None,
                    cache: run.cache,
                    free: run.free,
                    cost_usd: cost_usd(call),
                    list_cost_usd: None,
                    unsent: None,
                })
            })
            .collect();
        let totals = Totals::of(live.summary(), run.cache.map(|cache| (cache, run.model)));
        Self {
            schema: SCHEMA,
            left_out: live.summary().logical.saturating_sub(list.len() as u64),
            list,
            run: Some(run.into()),
            totals: if run.free {
                totals.costing(Some(0.0), 0.0)
            } else {
                totals
            },
            models: beside::models(live, run),
            comparison: run.comparison.map(Into::into),
        }
    }
}

/// The system prompt that calls were to cache, and for whom, where they all agree.
fn cached<'a>(ended: &[Ended<'a>]) -> Option<(CacheOrder, &'a str)> {
    let first = ended.first()?;
    let same = |it: &Ended<'_>| it.cache == first.cache && it.call.model == first.call.model;
    let cache = first.cache.filter(|_| ended.iter().all(same))?;
    Some((cache, first.call.model.as_str()))
}

const SCHEMA: &str = "ratetop.call/1";

/// Attempts that went over the wire; the timeline also notes one that was refused before.
pub(super) fn sent(call: &Call) -> impl DoubleEndedIterator<Item = &Attempt> {
    call.attempts.iter().filter(|it| was_sent(it))
}

fn call_out(ended: &Ended<'_>) -> CallOut {
    let call = ended.call;
    let usage = call.usage();
    let model = call.model.as_str();
    CallOut {
        worker: None,
        model: call.model.clone(),
        policy: call.policy.clone(),
        outcome: call.result,
        stop_reason: call.stop_reason().map(str::to_owned),
        usage,
        thinking: call.thought(),
        cache: ended
            .cache
            .and_then(|order| CacheOut::of(order, model, usage.as_ref())),
        cost_usd: ended.cost_usd.and_then(|usd| rounded(usd, 9)),
        text: ended.text.map(clean_lines),
        unsent: ended.unsent.map(|why| clean(why, 500)),
        attempts: sent(call).map(attempt_out).collect(),
    }
}

fn attempt_out(it: &Attempt) -> AttemptOut {
    let ms = |seconds: Option<f64>| seconds.and_then(|s| rounded(s * 1e3, 1));
    let s = |seconds: Option<f64>| seconds.and_then(|s| rounded(s, 3));
    AttemptOut {
        n: it.n,
        started_at: it.sent_at,
        status: it.status,
        request_id: it.request.clone(),
        first_byte_ms: ms(it.first_byte_s),
        first_token_ms: ms(it.first_token_s),
        duration_ms: ms(it.duration_s),
        usage: it.usage,
        thinking: it.thought,
        verdict: it.verdict.clone(),
        asked_s: s(it.asked_s),
        decision: it.decision.as_ref().map(|decision| DecisionOut {
            action: decision.action,
            wait_s: rounded(decision.wait_s, 3).unwrap_or(0.0),
            jitter_s: rounded(decision.jitter_s, 3).unwrap_or(0.0),
            reason: decision.reason.clone(),
        }),
        slept_s: s(it.slept_s),
        early: it.early,
        left: it
            .reading
            .iter()
            .flat_map(|reading| &reading.levels)
            .map(|level| LeftOut {
                limiter: level.limiter.clone(),
                limit: level.limit,
                remaining: level.remaining,
            })
            .collect(),
    }
}
