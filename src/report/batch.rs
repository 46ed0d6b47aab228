//! `ratetop.batch/1`: the same work as a message batch, and what came of it.

use super::{rounded, table::aligned};
use crate::domain::{
    batch::{self, BatchOrder, Standing},
    clean::clean,
    id::ModelId,
    limit::Dimension,
    number::thousands,
    spend::dollars,
    time::{Time, spoken},
    usage::Usage,
    verdict::Verdict,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// What is told of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Done<'a> {
    /// What was asked.
    pub asked: &'a BatchOrder,
    /// What became of it.
    pub standing: &'a Standing,
    /// Seconds from the beginning to the end.
    pub elapsed_s: f64,
    /// Whether it went to a simulator.
    pub free: bool,
}

/// The whole object.
#[derive(Clone, Debug, Serialize)]
pub struct BatchOut<'a> {
    schema: &'static str,
    model: &'a ModelId,
    requests: u32,
    batch: Option<StateOut<'a>>,
    results: Option<ResultsOut>,
    pool: Option<PoolOut>,
    own_requests: u64,
    own_429s: u64,
    elapsed_s: Option<f64>,
    cost_usd: Option<f64>,
    cost_alone_usd: Option<f64>,
    interrupted: bool,
    unsent: Option<String>,
    verdict: Option<&'a Verdict>,
}

#[derive(Clone, Debug, Serialize)]
struct StateOut<'a> {
    id: &'a str,
    state: &'a str,
    processing: u64,
    succeeded: u64,
    errored: u64,
    canceled: u64,
    expired: u64,
    created_at: Option<Time>,
    ended_at: Option<Time>,
    expires_at: Option<Time>,
}

#[derive(Clone, Debug, Serialize)]
struct ResultsOut {
    lines: u64,
    succeeded: u64,
    errored: BTreeMap<String, u64>,
    canceled: u64,
    expired: u64,
    strange: u64,
    stop_reasons: BTreeMap<String, u64>,
    usage: Usage,
}

#[derive(Clone, Debug, Serialize)]
struct PoolOut {
    name: String,
    requests_per_minute: Option<u64>,
    queue: Option<u64>,
    queued: Option<u64>,
    guess: bool,
}

impl<'a> BatchOut<'a> {
    /// Of that batch.
    pub fn of(done: &Done<'a>) -> Self {
        let usd = |usd: Option<f64>| usd.and_then(|usd| rounded(usd, 9));
        let (asked, standing) = (done.asked, done.standing);
        Self {
            schema: "ratetop.batch/1",
            model: &asked.order.model,
            requests: asked.requests,
            batch: standing.batch.as_ref().map(|it| StateOut {
                id: &it.id,
                state: it.stage.word(),
                processing: it.counts.processing,
                succeeded: it.counts.succeeded,
                errored: it.counts.errored,
                canceled: it.counts.canceled,
                expired: it.counts.expired,
                created_at: it.created_at,
                ended_at: it.ended_at,
                expires_at: it.expires_at,
            }),
            results: standing.results.as_ref().map(|it| ResultsOut {
                lines: it.results,
                succeeded: it.succeeded,
                errored: it.errored.clone(),
                canceled: it.canceled,
                expired: it.expired,
                strange: it.strange,
                stop_reasons: it.stop_reasons.clone(),
                usage: it.usage,
            }),
            pool: standing.pool.as_ref().map(|pool| PoolOut {
                name: clean(&pool.name, 120),
                requests_per_minute: standing.limit(Dimension::Rpm),
                queue: standing.limit(Dimension::Queue),
                queued: standing.queued(),
                guess: pool.guess,
            }),
            own_requests: standing.made,
            own_429s: standing.limited,
            elapsed_s: rounded(done.elapsed_s, 3),
            cost_usd: usd(standing.cost_usd),
            cost_alone_usd: usd(standing.cost_usd.map(|usd| usd / batch::PRICE)),
            interrupted: standing.cancelled,
            unsent: standing.unsent.as_ref().map(|why| clean(why, 500)),
            verdict: verdict(standing),
        }
    }
}

fn verdict(standing: &Standing) -> Option<&Verdict> {
    standing.refused.as_ref()?.verdict.as_deref()
}

/// The same for people.
pub fn text(done: &Done<'_>) -> String {
    let (asked, standing) = (done.asked, done.standing);
    let mut text = format!(
        "a batch of {} to {} in {}\n",
        thousands(u64::from(asked.requests)),
        clean(asked.order.model.as_str(), 80),
        spoken(done.elapsed_s)
    );
    let mut rows = Vec::new();
    let mut row = |name: &str, value: String| rows.push(vec![format!(" {name}"), value]);
    if let Some(batch) = &standing.batch {
        row("batch", batch.id.clone());
        row("state", batch.sentence());
    }
    if let Some(tally) = &standing.results {
        let usage = tally.usage;
        let failed = match tally.failed() {
            0 => String::new(),
            n => format!(" · {} failed", thousands(n)),
        };
        row(
            "answered",
            format!("{}{failed}", thousands(tally.succeeded)),
        );
        let (input, output) = (thousands(usage.all_input()), thousands(usage.output_tokens));
        row("tokens", format!("in {input} · out {output}"));
    }
    if let Some(pool) = &standing.pool {
        let said = |n: Option<u64>| n.map_or("?".to_owned(), thousands);
        row(
            "own limits",
            format!(
                "{} requests a minute, {} in the queue of all batches{}{}",
                said(standing.limit(Dimension::Rpm)),
                said(standing.limit(Dimension::Queue)),
                match standing.queued() {
                    Some(n) if n > 0 => format!(
                        ", {} of this batch wait there, of others nothing is known",
                        thousands(n)
                    ),
                    _ => String::new(),
                },
                if pool.guess { " (a guess)" } else { "" }
            ),
        );
    }
    row(
        "asked for it",
        format!(
            "{} requests, {} refused",
            thousands(standing.made),
            thousands(standing.limited)
        ),
    );
    row(
        "cost",
        match standing.cost_usd {
            _ if done.free => "free: simulator".to_owned(),
            Some(usd) => format!(
                "about {}, half of {}",
                dollars(usd),
                dollars(usd / batch::PRICE)
            ),
            None => "not known".to_owned(),
        },
    );
    text.push_str(&aligned(&rows, &[]));
    if let Some(verdict) = verdict(standing) {
        text.push_str(&clean(&verdict.sentence, 500));
        text.push('\n');
    }
    text
}
