//! `ratetop.batch/1`: the same work as a message batch, and what came of it.

use super::{rounded, table::aligned};
use crate::domain::{
    batch::{self, Batch, Tally},
    clean::clean,
    id::ModelId,
    limit::Dimension,
    number::thousands,
    org::Group,
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
    /// Whom it asked.
    pub model: &'a ModelId,
    /// Its requests.
    pub requests: u32,
    /// As it was told last; none where it was not made.
    pub batch: Option<&'a Batch>,
    /// Its results, where they were read.
    pub results: Option<&'a Tally>,
    /// The batch group with its limits, where it is known.
    pub pool: Option<&'a Group>,
    /// Requests that were made for it: its creation, looks at it, its results.
    pub made: u64,
    /// Of these, refused with 429.
    pub limited: u64,
    /// Seconds from the beginning to the end.
    pub elapsed_s: f64,
    /// Whether it went to a simulator.
    pub free: bool,
    /// What it cost, US dollars; none where that is not known.
    pub cost_usd: Option<f64>,
    /// Whether it was cancelled from here.
    pub interrupted: bool,
    /// Why nothing was sent.
    pub unsent: Option<&'a str>,
    /// Why it failed.
    pub verdict: Option<&'a Verdict>,
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
    guess: bool,
}

fn limit(pool: &Group, dimension: Dimension) -> Option<u64> {
    let mut limits = pool.limits.iter();
    let found = limits.find(|it| it.limiter.dimension() == dimension);
    found.map(|it| it.value)
}

impl<'a> BatchOut<'a> {
    /// Of that batch.
    pub fn of(done: &Done<'a>) -> Self {
        let usd = |usd: Option<f64>| usd.and_then(|usd| rounded(usd, 9));
        Self {
            schema: "ratetop.batch/1",
            model: done.model,
            requests: done.requests,
            batch: done.batch.map(|it| StateOut {
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
            results: done.results.map(|it| ResultsOut {
                lines: it.results,
                succeeded: it.succeeded,
                errored: it.errored.clone(),
                canceled: it.canceled,
                expired: it.expired,
                strange: it.strange,
                stop_reasons: it.stop_reasons.clone(),
                usage: it.usage,
            }),
            pool: done.pool.map(|pool| PoolOut {
                name: clean(&pool.name, 120),
                requests_per_minute: limit(pool, Dimension::Rpm),
                queue: limit(pool, Dimension::Queue),
                guess: pool.guess,
            }),
            own_requests: done.made,
            own_429s: done.limited,
            elapsed_s: rounded(done.elapsed_s, 3),
            cost_usd: usd(done.cost_usd),
            cost_alone_usd: usd(done.cost_usd.map(|usd| usd / batch::PRICE)),
            interrupted: done.interrupted,
            unsent: done.unsent.map(|why| clean(why, 500)),
            verdict: done.verdict,
        }
    }
}

/// The same for people.
pub fn text(done: &Done<'_>) -> String {
    let mut text = format!(
        "a batch of {} to {} in {}\n",
        thousands(u64::from(done.requests)),
        clean(done.model.as_str(), 80),
        spoken(done.elapsed_s)
    );
    let mut rows = Vec::new();
    let mut row = |name: &str, value: String| rows.push(vec![format!(" {name}"), value]);
    if let Some(batch) = done.batch {
        row("batch", batch.id.clone());
        row("state", batch.sentence());
    }
    if let Some(tally) = done.results {
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
    if let Some(pool) = done.pool {
        let said = |n: Option<u64>| n.map_or("?".to_owned(), thousands);
        row(
            "own limits",
            format!(
                "{} requests a minute, {} in the queue{}",
                said(limit(pool, Dimension::Rpm)),
                said(limit(pool, Dimension::Queue)),
                if pool.guess { " (a guess)" } else { "" }
            ),
        );
    }
    row(
        "asked for it",
        format!(
            "{} requests, {} refused",
            thousands(done.made),
            thousands(done.limited)
        ),
    );
    row(
        "cost",
        match done.cost_usd {
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
    if let Some(verdict) = done.verdict {
        text.push_str(&clean(&verdict.sentence, 500));
        text.push('\n');
    }
    text
}
