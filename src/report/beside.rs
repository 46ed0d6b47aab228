//! What stands beside a run in `ratetop.call/1` and in the text: the models that it was spread over, the
//! run that it is compared with.

use super::{
    rounded,
    run::{Run, Totals},
    table::aligned,
};
use crate::domain::{
    clean::clean,
    id::ModelId,
    load::{
        compare::{Comparison, Side},
        live::Live,
        result::Summary,
        spread::{By, Spread},
    },
    number::thousands,
};
use serde::Serialize;

/// `run.spread`.
#[derive(Clone, Debug, Serialize)]
pub(super) struct SpreadOut {
    by: &'static str,
    models: Vec<ShareOut>,
}

#[derive(Clone, Debug, Serialize)]
struct ShareOut {
    model: ModelId,
    share: Option<f64>,
}

impl From<&Spread> for SpreadOut {
    fn from(spread: &Spread) -> Self {
        let shares = spread.by == By::Share;
        let part = |part: &crate::domain::load::spread::Part| ShareOut {
            model: part.model.clone(),
            share: rounded(part.share, 6).filter(|_| shares),
        };
        Self {
            by: if shares { "share" } else { "headroom" },
            models: spread.parts.iter().map(part).collect(),
        }
    }
}

/// One of `models`: its pool, and its own totals.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ModelOut {
    model: ModelId,
    pool: Option<String>,
    totals: Totals,
}

/// The numbers of each model that a run was spread over.
pub(super) fn models(live: &Live, run: &Run<'_>) -> Option<Vec<ModelOut>> {
    run.spread?;
    let of = |(model, summary): &(ModelId, Summary)| ModelOut {
        model: model.clone(),
        pool: run.pool_of(model).map(|name| clean(name, 120)),
        totals: Totals::of(summary, None),
    };
    Some(live.models().iter().map(of).collect())
}

/// The same as a table for people.
pub(super) fn models_text(live: &Live, run: &Run<'_>) -> String {
    if run.spread.is_none() {
        return String::new();
    }
    let head = ["", "calls", "answered", "429", "529", "tokens in", "out"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for (model, summary) in live.models() {
        let status = |status| thousands(summary.statuses.get(&status).copied().unwrap_or(0));
        let pool = run
            .pool_of(model)
            .map_or_else(String::new, |pool| format!(" ({})", clean(pool, 40)));
        rows.push(vec![
            format!(" {}{pool}", clean(model.as_str(), 60)),
            thousands(summary.logical),
            thousands(summary.ok),
            status(429),
            status(529),
            thousands(summary.usage.all_input()),
            thousands(summary.usage.output_tokens),
        ]);
    }
    aligned(&rows, &[1, 2, 3, 4, 5, 6])
}

/// `comparison`.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ComparisonOut {
    before: SideOut,
    after: SideOut,
    avoided_429s: i64,
    sentence: String,
}

#[derive(Clone, Debug, Serialize)]
struct SideOut {
    name: String,
    logical: u64,
    wire: u64,
    ok: u64,
    refused_429: u64,
    overloaded_529: u64,
    early_retries: u64,
    slept_s: Option<f64>,
    elapsed_s: Option<f64>,
    call_p50_ms: Option<f64>,
    call_p99_ms: Option<f64>,
    cost_usd: Option<f64>,
}

impl From<&Side> for SideOut {
    fn from(side: &Side) -> Self {
        let ms = |seconds: Option<f64>| seconds.and_then(|s| rounded(s * 1e3, 1));
        Self {
            name: clean(&side.name, 120),
            logical: side.logical,
            wire: side.wire,
            ok: side.ok,
            refused_429: side.refused,
            overloaded_529: side.overloaded,
            early_retries: side.early,
            slept_s: rounded(side.slept_s, 3),
            elapsed_s: rounded(side.elapsed_s, 3),
            call_p50_ms: ms(side.call_p50_s),
            call_p99_ms: ms(side.call_p99_s),
            cost_usd: side.cost_usd.and_then(|usd| rounded(usd, 9)),
        }
    }
}

impl From<&Comparison> for ComparisonOut {
    fn from(it: &Comparison) -> Self {
        Self {
            before: (&it.before).into(),
            after: (&it.after).into(),
            avoided_429s: it.avoided(),
            sentence: clean(&it.sentence(), 500),
        }
    }
}
