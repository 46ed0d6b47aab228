//! `ratetop.call/1`: test calls, attempt by attempt.

use super::rounded;
use crate::domain::{
    clean::{clean, clean_lines},
    id::{ModelId, RequestId},
    observation::CallResult,
    retry::Action,
    time::Time,
    timeline::{Attempt, Call},
    usage::Usage,
    verdict::Verdict,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// The whole object.
#[derive(Clone, Debug, Serialize)]
pub struct Calls {
    schema: &'static str,
    #[serde(rename = "calls")]
    list: Vec<CallOut>,
    totals: Totals,
}

/// A call that is over, with what the timeline does not keep.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    /// The call.
    pub call: &'a Call,
    /// Its answer's text.
    pub text: &'a str,
    /// Whether it went to a simulator.
    pub free: bool,
    /// What it cost, USD; none when its price is unknown.
    pub cost_usd: Option<f64>,
    /// Why an attempt was not even sent: a cap, `--read-only`.
    pub unsent: Option<&'a str>,
}

#[derive(Clone, Debug, Serialize)]
struct CallOut {
    model: ModelId,
    policy: String,
    outcome: Option<CallResult>,
    stop_reason: Option<String>,
    usage: Option<Usage>,
    cost_usd: Option<f64>,
    text: String,
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
    verdict: Option<Verdict>,
    asked_s: Option<f64>,
    decision: Option<DecisionOut>,
    slept_s: Option<f64>,
    early: bool,
}

#[derive(Clone, Debug, Serialize)]
struct DecisionOut {
    action: Action,
    wait_s: f64,
    jitter_s: f64,
    reason: String,
}

#[derive(Clone, Debug, Serialize)]
struct Totals {
    logical: usize,
    wire: usize,
    ok: usize,
    failed: usize,
    cancelled: usize,
    refused: BTreeMap<String, usize>,
    early_retries: usize,
    slept_s: Option<f64>,
    usage: Option<Usage>,
    cost_usd: Option<f64>,
}

impl Calls {
    /// Calls that are over.
    pub fn of(ended: &[Ended<'_>]) -> Self {
        let attempts = || ended.iter().flat_map(|it| sent(it.call));
        let count = |result: CallResult| {
            let same = ended.iter().filter(|it| it.call.result == Some(result));
            same.count()
        };
        let mut refused = BTreeMap::new();
        for verdict in attempts().filter_map(|it| it.verdict.as_ref()) {
            *refused.entry(cause(verdict)).or_default() += 1;
        }
        let usages = ended.iter().filter_map(|it| it.call.usage());
        Self {
            schema: "ratetop.call/1",
            list: ended.iter().map(call_out).collect(),
            totals: Totals {
                logical: ended.len(),
                wire: attempts().count(),
                ok: count(CallResult::Ok),
                failed: count(CallResult::Failed),
                cancelled: count(CallResult::Cancelled),
                refused,
                early_retries: ended.iter().map(|it| it.call.early_retries()).sum(),
                slept_s: rounded(attempts().filter_map(|it| it.slept_s).sum(), 3),
                usage: usages.reduce(|sum, usage| sum.plus(&usage)),
                cost_usd: ended
                    .iter()
                    .map(|it| it.cost_usd)
                    .sum::<Option<f64>>()
                    .and_then(|usd| rounded(usd, 9)),
            },
        }
    }
}

/// Attempts that went over the wire; the timeline also notes one that was refused before.
pub(super) fn sent(call: &Call) -> impl Iterator<Item = &Attempt> {
    let mut attempts = call.attempts.iter();
    std::iter::from_fn(move || attempts.find(|it| it.outcome.is_some() || it.status.is_some()))
}

/// The contract's word for a cause.
pub(super) fn cause(verdict: &Verdict) -> String {
    match serde_json::to_value(verdict.cause) {
        Ok(serde_json::Value::String(word)) => word,
        _ => "unknown".to_owned(),
    }
}

fn call_out(ended: &Ended<'_>) -> CallOut {
    let call = ended.call;
    CallOut {
        model: call.model.clone(),
        policy: call.policy.clone(),
        outcome: call.result,
        stop_reason: call.stop_reason().map(str::to_owned),
        usage: call.usage(),
        cost_usd: ended.cost_usd.and_then(|usd| rounded(usd, 9)),
        text: clean_lines(ended.text),
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
    }
}
