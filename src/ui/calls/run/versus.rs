//! Two runs in numbers, side by side: the better figure of each line stands out.

use super::result;
use crate::{
    domain::{
        cache::CacheUse,
        load::{pace::Pacing, run::Run},
        spend::dollars,
    },
    ui::{
        calls::{
            Scene,
            pen::{Pen, cut},
            words,
        },
        canvas::Canvas,
        format::{count, percent},
    },
};
use ratatui::layout::Rect;

/// One figure of both runs: its name, the texts, and the numbers of which the smaller is better.
struct Line {
    name: &'static str,
    texts: [String; 2],
    ranks: Option<[f64; 2]>,
}

/// Columns of the names, and of each run's figures.
const NAME: u16 = 16;
const FIGURE: u16 = 20;

/// Draws the table, in two halves where there is room, and what came of each in a sentence.
pub(super) fn draw(scene: &Scene<'_>, runs: [&Run; 2], canvas: &mut Canvas<'_>, area: Rect) {
    let lines = lines(scene, runs);
    let sentences = if area.height >= 8 && area.width >= 60 {
        2
    } else {
        0
    };
    let table = Rect {
        height: area.height.saturating_sub(sentences),
        ..area
    };
    let wide = area.width >= 2 * (NAME + 2 * FIGURE) + 2;
    let half = if wide { area.width / 2 } else { area.width };
    let each = if wide {
        lines.len().div_ceil(2)
    } else {
        lines.len()
    };
    for (at, lines) in lines.chunks(each.max(1)).enumerate() {
        let part = Rect {
            x: table.x + at as u16 * half,
            width: half,
            ..table
        };
        part_of(runs, lines, canvas, part);
    }
    let under = Rect {
        y: table.bottom(),
        height: sentences,
        ..area
    };
    let roles = *canvas.roles();
    for (at, run) in runs.iter().enumerate() {
        let (text, style) = result::sentence(run, canvas);
        let name = format!("{:<width$}", title(run), width = usize::from(FIGURE));
        let text = cut(&text, usize::from(area.width.saturating_sub(FIGURE)));
        let line = Rect {
            y: under.y + at as u16,
            height: u16::from(at < usize::from(sentences)),
            ..under
        };
        Pen::new(canvas, line).line(&[(&name, roles.strong), (&text, style)]);
    }
}

/// How a run is called beside another.
pub(super) fn title(run: &Run) -> String {
    let paced = match run.asked.pacing {
        Some(Pacing::Aimd) => " AIMD",
        Some(Pacing::Buckets(_)) => " paced",
        None => "",
    };
    format!("{} {}{paced}", run.number, run.policy())
}

fn part_of(runs: [&Run; 2], lines: &[Line], canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let column = (area.width.saturating_sub(NAME + 1) / 2).min(FIGURE);
    let name = area.width.saturating_sub(2 * column + 1).min(NAME);
    let mut pen = Pen::new(canvas, area);
    let here = pen.here();
    pen.skip();
    let x = |at: usize| area.x + name + at as u16 * column;
    for (at, run) in runs.iter().enumerate().filter(|_| here.height > 0) {
        let title = cut(&title(run), usize::from(column - 1));
        pen.canvas
            .put_right(x(at), here.y, &title, roles.title, x(at) + column);
    }
    for line in lines {
        let here = pen.here();
        pen.skip();
        if here.height == 0 {
            return;
        }
        pen.canvas.put(here.x, here.y, line.name, roles.quiet, x(0));
        for (at, text) in line.texts.iter().enumerate() {
            let style = match line.ranks {
                Some(ranks) if ranks[at] < ranks[1 - at] => roles.good,
                Some(ranks) if ranks[at] > ranks[1 - at] => roles.text,
                _ => roles.quiet,
            };
            let better = line.ranks.is_some_and(|ranks| ranks[at] < ranks[1 - at]);
            // Not by colour alone.
            let text = if better {
                format!("● {text}")
            } else {
                text.clone()
            };
            pen.canvas
                .put_right(x(at), here.y, &text, style, x(at) + column);
        }
    }
}

/// How many requests a run's pacing held back, and how long together.
fn held_back(run: &Run) -> String {
    let held = run.paced.values();
    let (n, seconds) = held.fold((0, 0.0), |(n, s), it| (n + it.requests, s + it.seconds));
    match n {
        0 if run.is_open() && run.busy().held > 0 => format!("{} now", run.busy().held),
        0 => "none".to_owned(),
        n => format!("{} · {}", count(n), words::span(seconds)),
    }
}

fn lines(scene: &Scene<'_>, runs: [&Run; 2]) -> Vec<Line> {
    let line = |name, text: &dyn Fn(&Run) -> String, rank: &dyn Fn(&Run) -> f64| {
        let ranks = runs.map(rank);
        Line {
            name,
            texts: runs.map(text),
            ranks: ranks.iter().all(|rank| rank.is_finite()).then_some(ranks),
        }
    };
    let seconds = |s: Option<f64>| s.map_or_else(|| "·".to_owned(), words::span);
    let total = |percent: f64| move |run: &Run| run.summary().total.percentile_s(percent);
    // Who gives up is quick and cheap: times and costs are told apart only where all were answered.
    let all = runs.iter().all(|run| run.summary().success() == Some(1.0));
    let number = |s: Option<f64>| s.filter(|_| all).unwrap_or(f64::NAN);
    let mut lines = vec![
        line(
            "answered",
            &|run| {
                let share = run.summary().success();
                let share = share.map_or_else(|| "·".to_owned(), |share| percent(share * 100.0));
                format!(
                    "{} of {} · {share}",
                    count(run.summary().ok),
                    count(run.summary().logical)
                )
            },
            &|run| run.summary().success().map_or(f64::NAN, |share| -share),
        ),
        line("requests", &|run| count(run.wire), &|run| run.wire as f64),
        line(
            "for each call",
            &|run| {
                let times = run.amplification();
                times.map_or_else(|| "·".to_owned(), |n| format!("{n:.2}"))
            },
            &|run| run.amplification().unwrap_or(f64::NAN),
        ),
        line("refused", &result::refusals_or_none, &|run| {
            run.failed.values().sum::<u64>() as f64
        }),
        line("early retries", &|run| count(run.early), &|run| {
            run.early as f64
        }),
        line("herd in 100 ms", &|run| count(run.herd as u64), &|run| {
            run.herd as f64
        }),
        line(
            "took",
            &|run| words::span(run.elapsed_s(scene.now)),
            &|run| number(Some(run.elapsed_s(scene.now))),
        ),
        line("whole call p50", &|run| seconds(total(50.0)(run)), &|run| {
            number(total(50.0)(run))
        }),
        line("whole call p99", &|run| seconds(total(99.0)(run)), &|run| {
            number(total(99.0)(run))
        }),
        line(
            "slept in vain",
            &|run| words::span(run.summary().wasted_s),
            &|run| run.summary().wasted_s,
        ),
        line(
            "thrown away",
            &|run| format!("{} tokens", count(run.summary().thrown_away.output_tokens)),
            &|run| run.summary().thrown_away.output_tokens as f64,
        ),
        line(
            "cost",
            &|run| {
                run.summary()
                    .cost_usd()
                    .map_or_else(|| "?".to_owned(), dollars)
            },
            &|run| number(run.summary().cost_usd()),
        ),
    ];
    if runs.iter().any(|run| run.asked.order.cache.is_some()) {
        let used = |run: &Run| CacheUse::from(&run.summary().usage);
        let counted = |run: &Run| count(used(run).counted());
        lines.push(line("ITPM counted", &counted, &|run| {
            number(Some(used(run).counted() as f64))
        }));
    }
    if runs.iter().any(|run| run.asked.pacing.is_some()) {
        // Behind the early retries: what was done instead.
        lines.insert(5, line("held back", &held_back, &|_| f64::NAN));
    }
    lines
}
