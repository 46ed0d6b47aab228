//! One line for prompts and status bars, from a template.

use super::Subject;
use crate::domain::{
    board::{Board, Pool},
    clean::clean,
    gauge::{GaugeState, GaugeView},
    number::{percent, thousands},
    time::{Time, seconds_between},
};

/// The template unless another is given: `Opus 5.5 21% OTPM ▼1m40s`.
pub const DEFAULT: &str = "{pool} {percent} {dimension} {empty_in}";

/// Every placeholder, with what it stands for. Unknown is `?`; the two spans are empty when there is
/// nothing to say.
pub const PLACEHOLDERS: &[(&str, &str)] = &[
    ("pool", "the pool whose gauge is tightest"),
    ("dimension", "its dimension: RPM, ITPM, OTPM, …"),
    ("percent", "percent left, 21%"),
    ("remaining", "what is left, 206,000"),
    ("limit", "the limit in force, 1,000,000"),
    ("empty_in", "▼ and the time until it is empty at this burn"),
    ("full_in", "▲ and the time until it is full without burn"),
    ("age", "time since the last header"),
    ("state", "live, projected, …"),
    ("source", "call, probe, tap, …"),
    ("profile", "the profile's name"),
    ("organization", "the organization's name"),
];

/// Fills `template` with the tightest gauge of the board.
///
/// # Errors
/// For a placeholder that does not exist, or a brace without its partner: one sentence.
pub fn fill(
    template: &str,
    subject: Subject<'_>,
    board: &Board,
    now: Time,
) -> Result<String, String> {
    let tightest = board
        .pools()
        .iter()
        .filter_map(|pool| Some((pool, pool.tightest(now)?.1)))
        .min_by(|left, right| share(&left.1).total_cmp(&share(&right.1)));
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, tail)) = after.split_once('}') else {
            return Err("a `{` of the template has no `}`".to_owned());
        };
        out.push_str(&value(name, subject, board, tightest.as_ref(), now)?);
        rest = tail;
    }
    out.push_str(rest);
    Ok(clean(&out, 500).trim_end().to_owned())
}

/// A pool's name where room is short: every name of the API begins with the same word.
pub(super) fn short(name: &str) -> &str {
    name.strip_prefix("Claude ").unwrap_or(name)
}

fn share(view: &GaugeView) -> f64 {
    view.percent_left().unwrap_or(f64::INFINITY)
}

fn value(
    name: &str,
    subject: Subject<'_>,
    board: &Board,
    tightest: Option<&(&Pool, GaugeView)>,
    now: Time,
) -> Result<String, String> {
    let view = tightest.map(|(_, view)| view);
    let number = |n: Option<u64>| n.map(thousands);
    let text = match name {
        "pool" => tightest.map(|(pool, _)| short(&pool.name).to_owned()),
        "dimension" => view.map(|view| view.dimension.label().to_owned()),
        "percent" => view.and_then(GaugeView::percent_left).map(percent),
        "remaining" => number(view.and_then(|view| view.remaining)),
        "limit" => number(view.and_then(|view| view.effective_limit)),
        "empty_in" => Some(
            view.and_then(|view| view.empty_in_s)
                .map_or(String::new(), |s| format!("▼{}", span(s))),
        ),
        "full_in" => Some(
            view.and_then(|view| view.full_at)
                .map(|at| seconds_between(now, at))
                .filter(|s| *s > 0.0)
                .map_or(String::new(), |s| format!("▲{}", span(s))),
        ),
        "age" => view.and_then(|view| view.age_s).map(span),
        "state" => view.map(|view| state(view.state).to_owned()),
        "source" => view
            .and_then(|view| view.source)
            .map(|source| source.label().to_owned()),
        "profile" => Some(subject.profile.to_owned()),
        "organization" => board.organization().map(|it| it.name.clone()),
        _ => {
            let known: Vec<&str> = PLACEHOLDERS.iter().map(|(name, _)| *name).collect();
            return Err(format!(
                "the template knows no {{{}}}; it knows {}",
                clean(name, 40),
                known.join(", ")
            ));
        }
    };
    Ok(text.unwrap_or_else(|| "?".to_owned()))
}

const fn state(state: GaugeState) -> &'static str {
    match state {
        GaugeState::Live => "live",
        GaugeState::Projected => "projected",
        GaugeState::LimitOnly => "limit only",
        GaugeState::Stale => "stale",
        GaugeState::NoData => "no data",
    }
}

/// `3s`, `1m40s`, `2h05m`, `4d`.
pub(super) fn span(seconds: f64) -> String {
    let s = seconds.max(0.0).round() as u64;
    match s {
        0..60 => format!("{s}s"),
        60..3600 => format!("{}m{:02}s", s / 60, s % 60),
        3600..172_800 => format!("{}h{:02}m", s / 3600, s % 3600 / 60),
        _ => format!("{}d", s / 86_400),
    }
}
