//! What a gauge says in words: state, forecast, burn. Shared by the table, the cards and the details.

use super::format;
use crate::domain::{
    board::Pool,
    gauge::{Fill, Gauge, GaugeState, GaugeView},
    limit::{Dimension, Family},
    observation::Source,
    time::{Time, seconds_between},
};

/// Its name in at most ten letters: `OTPM`, `fast ITPM`, `5h`. With `*` it counts cache reads too.
pub(super) fn label(gauge: &Gauge) -> String {
    match (gauge.dimension, gauge.family) {
        (Dimension::Window | Dimension::Other, _) => gauge.limiter.as_str().to_owned(),
        (Dimension::ItpmAll, Family::Fast) => "fast ITPM*".to_owned(),
        (Dimension::ItpmAll, Family::Priority) => "prio ITPM*".to_owned(),
        (Dimension::ItpmAll, _) => "ITPM*".to_owned(),
        (dimension, Family::Fast) => format!("fast {}", dimension.label()),
        (dimension, Family::Priority) => format!("prio {}", dimension.label()),
        (dimension, _) => dimension.label().to_owned(),
    }
}

/// At most five letters: `RPM`, `ITPM`, `ITPM*`, `fITP`, `5h`.
pub(super) fn short(gauge: &Gauge) -> String {
    match (gauge.dimension, gauge.family) {
        (Dimension::Window | Dimension::Other, _) => {
            gauge.limiter.as_str().chars().take(5).collect()
        }
        (Dimension::Rpm, Family::Fast) => "fRPM".to_owned(),
        (Dimension::Itpm, Family::Fast) => "fITP".to_owned(),
        (Dimension::Otpm, Family::Fast) => "fOTP".to_owned(),
        (Dimension::Itpm, Family::Priority) => "pITP".to_owned(),
        (Dimension::Otpm, Family::Priority) => "pOTP".to_owned(),
        (Dimension::ItpmAll, Family::Fast) => "fITP*".to_owned(),
        (Dimension::ItpmAll, _) => "ITPM*".to_owned(),
        (Dimension::Queue, _) => "queue".to_owned(),
        (Dimension::Tools, _) => "use/s".to_owned(),
        (dimension, _) => dimension.label().to_owned(),
    }
}

/// A pool's name where columns are few. The API's display names begin with `Claude `: in a narrow
/// column that would be all.
pub(super) fn short_name(name: &str) -> &str {
    match name {
        "Message Batches" => "Batches",
        "Token counting" => "Count tokens",
        _ => name.strip_prefix("Claude ").unwrap_or(name),
    }
}

/// EMPTY and DEBT, which nobody may overlook.
pub(super) fn alarm(view: &GaugeView) -> Option<&'static str> {
    match view.fill {
        Fill::Empty if view.remaining.is_some() || view.utilization.is_some() => Some("EMPTY"),
        Fill::Debt => Some("DEBT"),
        _ => None,
    }
}

/// State and age in at most nine characters: `live 3s`, `proj 12s`, `stale 2m`, `limit 2m`.
pub(super) fn source(view: &GaugeView, limits_at: Option<Time>, now: Time) -> String {
    let age = view.age_s.map(format::age).unwrap_or_default();
    match view.state {
        GaugeState::Live => format!("live {age}"),
        GaugeState::Projected => format!("proj {age}"),
        GaugeState::Stale => format!("stale {age}"),
        GaugeState::LimitOnly if view.source == Some(Source::Table) => "guess".to_owned(),
        GaugeState::LimitOnly => match limits_at {
            Some(at) => format!("limit {}", format::slow_age(seconds_between(at, now))),
            None => "limit".to_owned(),
        },
        GaugeState::NoData => "no data".to_owned(),
    }
}

/// The state in a sentence.
pub(super) fn state(view: &GaugeView) -> String {
    let age = view.age_s.map(format::span).unwrap_or_default();
    let who = view.source.map_or("a source", Source::label);
    match view.state {
        GaugeState::Live => format!("live: a header {age} ago, by {who}"),
        GaugeState::Projected => format!("projected from a header {age} ago, by {who}"),
        GaugeState::Stale => format!("stale: the last header is {age} old"),
        GaugeState::LimitOnly if view.source == Some(Source::Table) => {
            "limit only, guessed from the built-in table".to_owned()
        }
        GaugeState::LimitOnly => "limit only: what is left was never seen".to_owned(),
        GaugeState::NoData => "no data".to_owned(),
    }
}

/// What is left of what: ` 3.10M/5M`, `~4.50M/5M`, `?/2k`. Remaining is right-aligned to six.
pub(super) fn left_of(view: &GaugeView) -> (String, String) {
    let limit = match view.effective_limit {
        Some(limit) => format!("/{}", format::limit(limit)),
        None => String::new(),
    };
    if view.utilization.is_some() {
        let left = view.percent_left().map(format::percent).unwrap_or_default();
        return (left, String::new());
    }
    let mark = if view.state == GaugeState::Projected {
        "~"
    } else {
        ""
    };
    let left = match (view.state, view.remaining, view.reading) {
        (GaugeState::Stale, _, Some(reading)) => format!("{}?", format::count(reading)),
        (_, Some(left), _) => format!("{mark}{}", format::count(left)),
        _ => "?".to_owned(),
    };
    (left, limit)
}

/// Whether nothing is left, or what is left is gone within this second.
fn is_out(view: &GaugeView) -> bool {
    view.remaining == Some(0) || view.empty_in_s.is_some_and(|s| s < 1.0)
}

/// `▼1m40s` until empty, or `▲58s` until full where that matters.
pub(super) fn trend(view: &GaugeView, now: Time) -> Option<(bool, String)> {
    if let Some(empty) = view.empty_in_s.filter(|_| !is_out(view)) {
        return Some((false, format!("▼{}", format::span(empty))));
    }
    let full = view.full_at.map(|at| seconds_between(now, at))?;
    let short = view.percent_left().is_some_and(|left| left < 90.0);
    (full >= 1.0 && short).then(|| (true, format!("▲{}", format::span(full))))
}

/// The forecast in a sentence, or in a few words where there is little room.
pub(super) fn forecast(pool: &Pool, view: &GaugeView, now: Time, brief: bool) -> String {
    let full = view.full_at.map(|at| seconds_between(now, at));
    if let (Some(left), Some(full)) = (view.remaining, full)
        && matches!(view.fill, Fill::Empty | Fill::Debt)
    {
        let left = if left == 0 {
            "nothing"
        } else {
            "next to nothing"
        };
        return format!("{left} left; full in {} if idle", format::span(full));
    }
    if let Some(empty) = view.empty_in_s {
        let range = match view.empty_in_range_s {
            Some((low, high)) => {
                format!(" ({} to {})", format::span(low), format::span(high))
            }
            None => String::new(),
        };
        let burn = if brief { "" } else { " at this burn" };
        return format!("empty in {}{burn}{range}", format::span(empty));
    }
    match (view.state, full) {
        (GaugeState::NoData | GaugeState::LimitOnly, _) if pool.bare_answers > 0 => {
            "no forecast: no headers are sent".to_owned()
        }
        (GaugeState::NoData | GaugeState::LimitOnly, _) => {
            "no forecast: no header seen yet".to_owned()
        }
        (GaugeState::Stale, _) => "no forecast: the last header is too old".to_owned(),
        (_, Some(full)) if view.utilization.is_some() => {
            format!("the window resets in {}", format::span(full))
        }
        (_, Some(full)) if full < 1.0 => "full, unless others are using it".to_owned(),
        (_, Some(full)) if brief => format!("holds; full in {} if idle", format::span(full)),
        (_, Some(full)) => format!(
            "does not empty at this burn; full in {} if idle",
            format::span(full)
        ),
        _ => "does not empty at this burn".to_owned(),
    }
}

/// What our own calls draw, `12k/min`.
pub(super) fn own_burn(view: &GaugeView) -> String {
    format::per_minute(view.own_burn_per_min.unwrap_or(0.0))
}

/// That no level of a pool can be known, where its answers come without rate-limit headers.
pub(super) fn bare(pool: &Pool) -> Option<String> {
    let answers = match pool.bare_answers {
        0 => return None,
        1 => "An answer came without rate-limit headers".to_owned(),
        many => format!(
            "{} answers came, none with rate-limit headers",
            format::count(many)
        ),
    };
    Some(format!(
        "{answers}: what is left cannot be known. What you burn yourself is."
    ))
}

/// `others` as a share of all burn, in percent.
pub(super) fn others_share(view: &GaugeView) -> Option<f64> {
    let all = view.burn_per_min.filter(|all| *all > 0.0)?;
    Some((view.others_burn_per_min? / all * 100.0).clamp(0.0, 100.0))
}
