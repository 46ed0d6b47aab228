//! A run as text for people: its line while it goes on, and what came of it.

use super::{
    beside, cache,
    run::{Held, Run},
    table::aligned,
};
use crate::domain::{
    clean::clean,
    load::{
        live::Live,
        result::{Spans, Summary},
    },
    number::thousands,
    spend::dollars,
    time::{Time, seconds_between, spoken},
    verdict::Cause,
};

/// Columns of the arrival histogram, at most.
const COLUMNS: usize = 40;

/// Where a run is: one line, without its end.
pub fn progress(live: &Live, run: &Run<'_>, now: Time) -> String {
    let summary = live.summary();
    let busy = live.busy();
    let elapsed = seconds_between(summary.began(), now).max(0.0);
    let of = run.plan.calls.map_or_else(String::new, |calls| {
        format!(" of {}", thousands(u64::from(calls)))
    });
    let mut parts = vec![
        format!("{elapsed:.0} s"),
        format!("{}{of} calls", thousands(summary.logical)),
        format!("{} in flight, {} waiting", busy.in_flight, busy.waiting),
    ];
    let refused: u64 = summary.refused.values().sum();
    if refused > 0 {
        parts.push(format!("{} refused", thousands(refused)));
    }
    if summary.early > 0 {
        parts.push(format!("{} early", thousands(summary.early)));
    }
    if let Some(share) = summary.success() {
        parts.push(format!("{} ok", percent(share)));
    }
    parts.join(" · ")
}

/// What came of it.
pub fn result(live: &Live, run: &Run<'_>) -> String {
    let summary = live.summary();
    let mut rows = vec![
        ("answered", answered(summary)),
        ("on the wire", wire(summary)),
        ("refused", refused(summary)),
        ("waited", waited(summary)),
        ("starts", starts(summary)),
        ("tokens", tokens(summary)),
        ("cost", cost(summary, run.free)),
    ];
    if let Some((_, held)) = run.pace {
        rows.insert(4, ("held back", held_back(held)));
    }
    if let Some(order) = run.cache.filter(|_| summary.ok > 0) {
        rows.push(("cache", cache::row(order, run.model, &summary.usage)));
    }
    let rows: Vec<Vec<String>> = rows
        .into_iter()
        .map(|(name, text)| vec![format!(" {name}"), text])
        .collect();
    let mut text = format!(
        "{} to {} by {} in {}{}\n",
        calls(summary.logical),
        clean(run.model, 80),
        clean(run.policy, 80),
        spoken(summary.elapsed_s()),
        if run.interrupted { ", ended early" } else { "" }
    );
    text.push_str(&aligned(&rows, &[]));
    text.push_str(&beside::models_text(live, run));
    text.push_str(&latency(summary));
    text.push_str(&summary.sentence());
    text.push('\n');
    if let Some(comparison) = run.comparison {
        text.push_str(&clean(&comparison.sentence(), 500));
        text.push('\n');
    }
    text
}

fn answered(summary: &Summary) -> String {
    let share = summary
        .success_of_all()
        .map_or_else(String::new, |share| format!(", {}", percent(share)));
    let mut parts = vec![format!(
        "{} of {}{share}",
        thousands(summary.ok),
        thousands(summary.logical)
    )];
    for (n, what) in [
        (summary.failed - summary.unsent, "failed"),
        (summary.cancelled, "cancelled"),
        (summary.unsent, "not sent"),
        (summary.missed, "starts missed"),
    ] {
        if n > 0 {
            parts.push(format!("{} {what}", thousands(n)));
        }
    }
    parts.join(" · ")
}

fn wire(summary: &Summary) -> String {
    let each = summary
        .amplification()
        .map_or_else(String::new, |n| format!(", {n:.2} for each call"));
    let early = match (summary.retries, summary.early) {
        (0, _) => String::new(),
        (_, 0) => ", none of them early".to_owned(),
        (_, n) => format!(", {} of them early", thousands(n)),
    };
    let continued = match summary.continued {
        0 => String::new(),
        1 => " · 1 paused turn continued".to_owned(),
        n => format!(" · {} paused turns continued", thousands(n)),
    };
    format!(
        "{} requests{each} · {} retries{early}{continued}",
        thousands(summary.wire),
        thousands(summary.retries)
    )
}

fn refused(summary: &Summary) -> String {
    let mut causes: Vec<_> = summary.refused.iter().collect();
    causes.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
    let mut parts: Vec<String> = causes
        .into_iter()
        .map(|(cause, n)| format!("{} {}", thousands(*n), name(*cause)))
        .collect();
    if summary.broken > 0 {
        parts.push(format!("{} broke after a 200", thousands(summary.broken)));
    }
    if summary.denied > 0 {
        parts.push(format!(
            "{} retries over the budget",
            thousands(summary.denied)
        ));
    }
    if parts.is_empty() {
        return "nothing".to_owned();
    }
    parts.join(" · ")
}

fn waited(summary: &Summary) -> String {
    if summary.slept_s <= 0.0 {
        return "nothing".to_owned();
    }
    format!(
        "{} before retries, {} of it before another failure",
        spoken(summary.slept_s),
        spoken(summary.wasted_s)
    )
}

/// What the pace held back before it was sent.
fn held_back(held: &[Held]) -> String {
    if held.is_empty() {
        return "nothing".to_owned();
    }
    let parts: Vec<String> = held
        .iter()
        .map(|held| {
            format!(
                "{} for {}, {} in all",
                thousands(held.requests),
                held.gate,
                spoken(held.seconds)
            )
        })
        .collect();
    parts.join(" · ")
}

fn starts(summary: &Summary) -> String {
    let (mut arrivals, mut span_s) = summary.arrivals();
    if arrivals.len() > COLUMNS {
        arrivals = arrivals.chunks(2).map(|two| two.iter().sum()).collect();
        span_s *= 2.0;
    }
    format!(
        "at most {} in 100 ms   {}  {} a column",
        summary.herd_peak(),
        bars(&arrivals),
        spoken(span_s)
    )
}

fn paid_twice(summary: &Summary) -> String {
    let twice = summary.paid_twice;
    match twice.all_input() + twice.output_tokens {
        0 => String::new(),
        _ if twice == summary.thrown_away => ", paid twice".to_owned(),
        n => format!(", {} of them paid twice", thousands(n)),
    }
}

fn tokens(summary: &Summary) -> String {
    let usage = summary.usage;
    let gone = summary.thrown_away;
    let thrown = if gone.all_input() + gone.output_tokens > 0 {
        format!(
            " · thrown away in {}, out {}{}",
            thousands(gone.all_input()),
            thousands(gone.output_tokens),
            paid_twice(summary)
        )
    } else {
        String::new()
    };
    format!(
        "in {} · cached {} · written {} · out {}{thrown}",
        thousands(usage.input_tokens),
        thousands(usage.cache_read_input_tokens),
        thousands(usage.cache_creation_input_tokens),
        thousands(usage.output_tokens)
    )
}

fn cost(summary: &Summary, free: bool) -> String {
    match summary.cost_usd() {
        _ if free => "free: simulator".to_owned(),
        Some(usd) if usd > 0.0 => format!("about {}", dollars(usd)),
        Some(_) => "nothing charged".to_owned(),
        None => format!(
            "at least {}; of some calls nobody said",
            dollars(summary.at_least_usd())
        ),
    }
}

fn latency(summary: &Summary) -> String {
    let row = |name: &str, spans: &Spans| {
        let at = |percent| spans.percentile_s(percent).map_or("-".to_owned(), short);
        vec![
            format!(" {name}"),
            at(50.0),
            at(90.0),
            at(99.0),
            spans.longest_s().map_or("-".to_owned(), short),
        ]
    };
    let mut rows = vec![
        ["", "p50", "p90", "p99", "longest"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for (name, spans) in [
        ("first byte", &summary.first_byte),
        ("first token", &summary.first_token),
        ("whole call", &summary.total),
        ("late start", &summary.late),
    ] {
        if spans.count() > 0 {
            rows.push(row(name, spans));
        }
    }
    if rows.len() == 1 {
        return String::new();
    }
    aligned(&rows, &[1, 2, 3, 4])
}

/// `4.1 ms`, `412 ms`, `2.3 s`.
fn short(seconds: f64) -> String {
    match seconds * 1e3 {
        ms if ms < 9.95 => format!("{ms:.1} ms"),
        ms if ms < 999.5 => format!("{ms:.0} ms"),
        _ => spoken(seconds),
    }
}

fn bars(columns: &[u32]) -> String {
    const LEVELS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = columns.iter().copied().max().unwrap_or(0).max(1);
    let level = |n: &u32| LEVELS[(f64::from(*n) / f64::from(most) * 8.0).ceil() as usize];
    columns.iter().map(level).collect()
}

fn calls(n: u64) -> String {
    match n {
        1 => "1 call".to_owned(),
        n => format!("{} calls", thousands(n)),
    }
}

/// `97 %`; never 100 % or 0 % of what is not whole.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let shown = percent.round();
    if (shown >= 100.0 && share < 1.0) || (shown <= 0.0 && share > 0.0) {
        return format!("{percent:.2} %");
    }
    format!("{shown:.0} %")
}

fn name(cause: Cause) -> String {
    super::run::word(cause).replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        load::plan::Plan,
        timeline::fixtures::{began, refused_then_ok, t},
    };

    fn run(plan: &Plan) -> Run<'_> {
        Run {
            plan,
            model: "claude-opus-5-5",
            policy: "hint-jitter",
            retry_budget_percent: None,
            pace: None,
            cache: None,
            spread: None,
            pools: &[],
            comparison: None,
            free: false,
            interrupted: false,
            unsent: None,
        }
    }

    fn live() -> Live {
        let prices = std::sync::Arc::new(crate::domain::spend::Prices::default());
        let summary = Summary::new(t(0.0)).with_prices(Some(prices));
        let mut live = Live::new(summary, 9);
        for call in [refused_then_ok(1, 17.4), refused_then_ok(2, 0.5)] {
            for seen in &call {
                live.absorb(seen);
            }
        }
        live.absorb(&began(3, 0.0));
        live
    }

    #[test]
    fn a_run_goes_on_in_one_line() {
        let plan = Plan {
            workers: 2,
            calls: Some(1_500),
            ..Plan::default()
        };
        assert_eq!(
            progress(&live(), &run(&plan), t(12.4)),
            "12 s · 2 of 1,500 calls · 0 in flight, 0 waiting · 2 refused · 1 early · 100 % ok"
        );
    }

    #[test]
    fn what_came_of_it_fits_a_screen() {
        let plan = Plan::default();
        let text = result(&live(), &run(&plan));
        insta::assert_snapshot!(text);
        assert!(text.lines().all(|line| line.chars().count() <= 90));
    }

    #[test]
    fn a_share_that_is_not_whole_is_not_called_so() {
        let cases = [
            (1.0, "100 %"),
            (0.9996, "99.96 %"),
            (0.0, "0 %"),
            (0.001, "0.10 %"),
            (0.5, "50 %"),
        ];
        for (share, text) in cases {
            assert_eq!(percent(share), text);
        }
    }
}
