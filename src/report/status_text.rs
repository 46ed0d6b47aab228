//! The board as text for people.

use super::{
    Subject,
    line::{short, span},
    status::is_of_models,
    table::aligned,
};
use crate::domain::{
    board::{Board, Pool},
    clean::clean,
    gauge::{Fill, GaugeState, GaugeView},
    limit::{Dimension, Family},
    number::{percent, thousands},
    org::LimitsState,
    time::{Time, seconds_between},
};

/// A few lines about the sources, then a table of pools. ASCII only where `ascii`.
pub fn text(subject: Subject<'_>, board: &Board, now: Time) -> String {
    let mut out = heading(subject, board, now);
    let (models, others): (Vec<&Pool>, Vec<&Pool>) =
        board.pools().iter().partition(|pool| is_of_models(pool));
    let mut rows = vec![
        [
            "pool",
            "RPM",
            "ITPM",
            "OTPM",
            "other limits",
            "tightest",
            "source",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    rows.extend(models.iter().map(|pool| model_row(pool, now)));
    if rows.len() > 1 {
        out.push('\n');
        out.push_str(&aligned(&rows, &[1, 2, 3]));
    }
    let rows: Vec<Vec<String>> = others
        .iter()
        .flat_map(|pool| {
            pool.gauges.iter().map(|gauge| {
                let view = gauge.view(now);
                vec![
                    clean(&pool.name, 60),
                    clean(gauge.limiter.as_str(), 60),
                    cell(&view),
                ]
            })
        })
        .collect();
    if !rows.is_empty() {
        out.push('\n');
        out.push_str(&aligned(&rows, &[2]));
    }
    out
}

/// Whose board, and how its sources stand.
fn heading(subject: Subject<'_>, board: &Board, now: Time) -> String {
    let mut first = vec![subject.profile.to_owned(), subject.base_url.to_owned()];
    first.extend(board.organization().map(|it| clean(&it.name, 100)));
    first.extend(board.tier().map(|tier| format!("looks like {tier}")));
    let sources = board.sources();
    let age = |at: Option<Time>| {
        at.map_or(String::new(), |at| {
            format!(", {} ago", span(seconds_between(at, now)))
        })
    };
    let limits = match &sources.limits {
        Some(LimitsState::Ok) => format!("ok{}", age(sources.limits_at)),
        state => {
            let word = match state {
                Some(LimitsState::Refused) => "refused",
                Some(LimitsState::Failed) => "failed",
                Some(LimitsState::OtherOrganization) => "of another organization",
                _ => "none",
            };
            let why = sources.limits_error.as_deref().unwrap_or_default();
            format!("{word} {}", clean(why, 400)).trim_end().to_owned()
        }
    };
    let headers = if sources.headers_at.is_some() {
        format!("ok{}", age(sources.headers_at))
    } else if sources.bare_answers > 0 {
        "none: answers came without rate-limit headers, so what is left cannot be known".to_owned()
    } else {
        "none yet: a call or --probe MODEL brings live numbers".to_owned()
    };
    format!(
        "{}\nlimits   {limits}\nheaders  {headers}\n",
        first.join(" · ")
    )
}

fn model_row(pool: &Pool, now: Time) -> Vec<String> {
    let views: Vec<GaugeView> = pool.gauges.iter().map(|gauge| gauge.view(now)).collect();
    let standard = |wanted: Dimension| {
        views
            .iter()
            .find(|view| view.family == Family::Standard && view.dimension == wanted)
    };
    let columns = [
        standard(Dimension::Rpm),
        standard(Dimension::Itpm).or(standard(Dimension::ItpmAll)),
        standard(Dimension::Otpm),
    ];
    let others: Vec<String> = pool
        .gauges
        .iter()
        .zip(&views)
        .filter(|(_, view)| !columns.iter().flatten().any(|shown| *shown == *view))
        .map(|(gauge, view)| {
            if view.dimension == Dimension::Window {
                return format!("{} {}", clean(gauge.limiter.as_str(), 20), cell(view));
            }
            let family = match view.family {
                Family::Standard | Family::Combined => "",
                other => other.label(),
            };
            let label = view.dimension.label();
            format!("{family} {label} {}", cell(view))
                .trim_start()
                .to_owned()
        })
        .collect();
    let tightest = pool.tightest(now).map(|(_, view)| view);
    let mut row = vec![clean(short(&pool.name), 60)];
    row.extend(columns.map(|view| view.map_or_else(|| "-".to_owned(), cell)));
    row.push(others.join(", "));
    row.push(tightest.as_ref().map_or_else(|| "?".to_owned(), tight));
    row.push(source(&views, pool.guess));
    row
}

/// `4,412/5,000`, with `~` before a projection and `?` for what is not known.
fn cell(view: &GaugeView) -> String {
    if let Some(used) = view.utilization {
        return format!("{:.0}% used", used * 100.0);
    }
    let left = match (view.remaining, view.state) {
        (Some(left), GaugeState::Projected) => format!("~{}", thousands(left)),
        (Some(left), _) => thousands(left),
        (None, _) => "?".to_owned(),
    };
    let limit = view
        .effective_limit
        .map_or_else(|| "?".to_owned(), thousands);
    format!("{left}/{limit}")
}

fn tight(view: &GaugeView) -> String {
    let label = view.dimension.label();
    let percent = view.percent_left().map_or_else(|| "?".to_owned(), percent);
    let word = match view.fill {
        Fill::Empty => " EMPTY",
        Fill::Debt => " DEBT",
        _ => "",
    };
    let empty = view
        .empty_in_s
        .map_or(String::new(), |s| format!(" ▼{}", span(s)));
    format!("{label} {percent}{empty}{word}")
}

fn source(views: &[GaugeView], guess: bool) -> String {
    let newest = views
        .iter()
        .filter(|view| view.reading.is_some() || view.utilization.is_some())
        .filter_map(|view| Some((view.age_s?, view)))
        .min_by(|left, right| left.0.total_cmp(&right.0));
    let word = match newest {
        Some((age, view)) => {
            let source = view.source.map_or("header", |source| source.label());
            let stale = if view.state == GaugeState::Stale {
                "stale, "
            } else {
                ""
            };
            format!("{stale}{source} {} ago", span(age))
        }
        None if views.iter().any(|view| view.effective_limit.is_some()) => "limit only".to_owned(),
        None => "no data".to_owned(),
    };
    if guess {
        format!("{word} (guessed pool)")
    } else {
        word
    }
}
