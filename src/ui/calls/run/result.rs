//! The result of a run: its verdict in a sentence, its counts, its latencies, its cost.

use super::{latencies, models};
use crate::{
    domain::{
        advice,
        cache::CacheUse,
        load::{result::Summary, run::Run},
        spend::dollars,
        usage::Usage,
    },
    ui::{
        calls::{
            Scene,
            pen::{Pen, clipped, cut, width, wrap},
            words,
        },
        canvas::Canvas,
        format::{count, percent},
        theme::Roles,
    },
};
use ratatui::{layout::Rect, style::Style};
use std::fmt::Write as _;

/// Columns of the labels.
const LABEL: u16 = 9;
/// Behind the requests for each call; a `×` where there is no room for it.
const EACH: &str = " for each call";
/// Columns of the table of latencies.
const LATENCIES: u16 = 44;

/// Rows of a box in which each pool of a spread run has its line, under the sentence.
pub(super) fn lines(run: &Run) -> u16 {
    match run.models().len() {
        0 => 0,
        models => u16::try_from(models).map_or(u16::MAX, |models| models.saturating_add(5)),
    }
}

/// Draws it.
pub(super) fn draw(scene: &Scene<'_>, run: &Run, canvas: &mut Canvas<'_>, area: Rect) {
    let (text, style) = sentence(run, canvas);
    let columns = usize::from(area.width);
    let lines = clipped(
        wrap(&text, columns),
        if area.height > 8 { 2 } else { 1 },
        columns,
    );
    let used = lines.len() as u16;
    let mut pen = Pen::new(canvas, area);
    for line in &lines {
        pen.line(&[(line, style)]);
    }
    let air = u16::from(area.height >= used + 8);
    let rest = Rect {
        y: area.y + used + air,
        height: area.height.saturating_sub(used + air),
        ..area
    };
    let spread = !run.models().is_empty();
    // Where there is little room the pools of a spread run come before the lines of all of it.
    let wide = rest.width >= LATENCIES + if spread { 31 } else { 36 };
    let left = Rect {
        width: if wide {
            rest.width - LATENCIES
        } else {
            rest.width
        },
        ..rest
    };
    counts(scene, run, canvas, left, !wide);
    if wide {
        let right = Rect {
            x: left.right(),
            width: LATENCIES,
            ..rest
        };
        if spread {
            models::draw(scene, run, canvas, right);
        } else {
            latencies::draw(scene, run, canvas, right);
        }
    }
}

/// What came of it, in a sentence, and how that is to be taken.
pub(super) fn sentence(run: &Run, canvas: &Canvas<'_>) -> (String, Style) {
    let roles = canvas.roles();
    let summary = run.summary();
    if run.faulted {
        let why = "Ended by a fault in ratetop: see the log. What is here is what was seen before.";
        return (why.to_owned(), roles.bad);
    }
    if let Some(why) = &run.unsent {
        return (format!("Ended: {why}."), roles.bad);
    }
    if summary.logical == 0 {
        let text = if run.is_open() {
            "No call is over yet."
        } else {
            "No call was made."
        };
        return (text.to_owned(), roles.quiet);
    }
    let bad = summary.early > 0 || summary.failed > 0 || summary.broken > 0;
    let style = match (bad, run.is_open()) {
        (true, _) => roles.bad,
        (false, true) => roles.text,
        (false, false) => roles.good,
    };
    let mut text = summary.sentence();
    let order = &run.asked.order;
    let used = CacheUse::from(&summary.usage);
    let why = order
        .cache
        .and_then(|cache| used.why_not(cache, order.model.as_str()));
    if let Some(why) = why {
        let _ = write!(text, "; {why}");
    }
    if run.is_open() {
        let over = count(summary.logical);
        let calls = if summary.logical == 1 {
            "call"
        } else {
            "calls"
        };
        return (format!("So far, {over} {calls} over: {text}."), style);
    }
    if let Some(first) = text.get(..1) {
        text.replace_range(..1, &first.to_uppercase());
    }
    (format!("{text}."), style)
}

/// Refusals by what was hit: `OTPM 25 · overload 2`.
fn refusals(run: &Run) -> String {
    let mut causes: Vec<_> = run.failed.iter().collect();
    causes.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
    let causes: Vec<String> = causes
        .into_iter()
        .map(|(cause, n)| format!("{} {}", advice::short(*cause), count(*n)))
        .collect();
    causes.join(" · ")
}

/// The same, and `none`.
pub(super) fn refusals_or_none(run: &Run) -> String {
    if run.failed.is_empty() {
        "none".to_owned()
    } else {
        refusals(run)
    }
}

fn counts(scene: &Scene<'_>, run: &Run, canvas: &mut Canvas<'_>, area: Rect, alone: bool) {
    let roles = *canvas.roles();
    let s = run.summary();
    let mut pairs: Vec<(&str, String, Style)> = Vec::new();
    let share = s.success_of_all().map_or(String::new(), |share| {
        format!(" · {}", percent(share * 100.0))
    });
    let mut calls = format!("{} ok", count(s.ok));
    for (n, word) in [
        (s.failed.saturating_sub(s.unsent), "failed"),
        (s.unsent, "not sent"),
        (s.cancelled, "cancelled"),
        (s.missed, "missed"),
    ] {
        if n > 0 {
            let _ = write!(calls, " · {} {word}", count(n));
        }
    }
    let style = if s.failed > 0 { roles.bad } else { roles.text };
    pairs.push(("calls", format!("{calls}{share}"), style));
    pairs.push(("on wire", on_wire(run), roles.text));
    pairs.push(("refused", refusals_or_none(run), roles.text));
    if run.asked.order.cache.is_some() {
        let used = CacheUse::from(&s.usage);
        let (written, read) = (count(used.written), count(used.read));
        pairs.push((
            "cache",
            format!("{written} written · {read} read"),
            roles.text,
        ));
        pairs.push(("uncached", counted(&used), roles.text));
    }
    let (retries, style) = retries(run, &roles);
    pairs.push(("retries", retries, style));
    // Also of calls that still go on.
    let slept: f32 = run.lanes.all().iter().map(|lane| lane.slept_s).sum();
    let wasted = if s.wasted_s >= 0.05 {
        format!(" · {} in vain", words::span(s.wasted_s))
    } else {
        String::new()
    };
    pairs.push((
        "slept",
        format!("{}{wasted}", words::span(slept.into())),
        roles.text,
    ));
    if run.asked.pacing.is_some() {
        pairs.push(("paced", held_back(run), roles.text));
        if let Some(without) = without(scene, run) {
            pairs.push(("without", without, roles.text));
        }
    }
    pairs.push((
        "herd",
        format!("{} starts in 100 ms", count(run.herd as u64)),
        roles.text,
    ));
    if alone {
        pairs.push(("a call", latencies::in_words(&s.total), roles.text));
    }
    pairs.push(("tokens", tokens(s), roles.text));
    if s.broken > 0 {
        pairs.push(("broken", thrown_away(s), roles.text));
    }
    if alone {
        pairs.push(("cost", money(scene, run), roles.text));
    }
    // Where there is no room for one below the other, in two halves.
    let two = pairs.len() > usize::from(area.height) && area.width >= 70;
    let half = if two { area.width / 2 } else { area.width };
    let rows = usize::from(area.height).max(1);
    for (at, pairs) in pairs.chunks(rows).take(if two { 2 } else { 1 }).enumerate() {
        let part = Rect {
            x: area.x + at as u16 * half,
            width: half,
            ..area
        };
        let mut pen = Pen::new(canvas, part);
        for (label, text, style) in pairs {
            let room = usize::from(half.saturating_sub(LABEL + u16::from(two || !alone)));
            let text = if width(text) > room {
                &text.replace(EACH, "×")
            } else {
                text
            };
            let text = cut(text, room);
            let label = format!("{label:<width$}", width = usize::from(LABEL));
            pen.line(&[(&label, roles.quiet), (&text, *style)]);
        }
    }
}

/// Requests: with the calls, their retries and their continued turns they add up.
fn on_wire(run: &Run) -> String {
    let mut text = count(run.wire);
    let times = run
        .amplification()
        .filter(|_| run.summary().logical > 0)
        .map(|n| format!("{n:.2}"));
    if let Some(times) = times {
        // Both must fit beside the latencies.
        let each = if run.continued == 0 { EACH } else { "×" };
        let _ = write!(text, " · {times}{each}");
    }
    if run.continued > 0 {
        let _ = write!(text, " · {} continued", count(run.continued));
    }
    text
}

/// Retries, and how many of them came too early.
fn retries(run: &Run, roles: &Roles) -> (String, Style) {
    let all = count(run.retries);
    match (run.retries, run.early) {
        (0, 0) => ("none".to_owned(), roles.text),
        (_, 0) => (format!("{all} · none before its hint"), roles.text),
        (_, n) => (format!("{} of {all} BEFORE the hint", count(n)), roles.bad),
    }
}

/// Uncached tokens, what counted towards ITPM, and how many times as much went through.
fn counted(used: &CacheUse) -> String {
    let (rest, counted) = (count(used.uncached), count(used.counted()));
    match used.multiplier() {
        Some(times) => format!("{rest} · ITPM {counted} · {times:.1}×"),
        None => "nothing yet".to_owned(),
    }
}

/// What waited for which bucket, and how long: `OTPM 12 requests, 34 s`.
pub(super) fn held_back(run: &Run) -> String {
    let mut paced: Vec<_> = run.paced.iter().collect();
    paced.sort_by_key(|(_, waited)| std::cmp::Reverse(waited.requests));
    let mut paced: Vec<String> = paced
        .into_iter()
        .map(|(gate, waited)| {
            let (n, span) = (count(waited.requests), words::span(waited.seconds));
            format!("{n} for {}, {span}", gate.short())
        })
        .collect();
    // What waits counts to its bucket when it leaves.
    let now = if run.is_open() { run.busy().held } else { 0 };
    match (paced.is_empty(), now) {
        (true, 0) => return "nothing was held back".to_owned(),
        (true, n) => return format!("{n} held back now"),
        (false, 0) => {}
        (false, n) => paced.push(format!("{n} now")),
    }
    paced.join(" · ")
}

/// How many refusals of limits the same run had without its pacing, where there is one.
fn without(scene: &Scene<'_>, run: &Run) -> Option<String> {
    let runs = &scene.profile.runs;
    let twin = runs.twin(run).filter(|twin| twin.asked.pacing.is_none())?;
    Some(format!(
        "{} refusals, in run {}",
        count(twin.limited()),
        twin.number
    ))
}

fn tokens(s: &Summary) -> String {
    let (input, output) = (count(s.usage.all_input()), count(s.usage.output_tokens));
    format!("{input} in · {output} out")
}

/// What answers that broke after a 200 took, and what of it was paid twice.
fn thrown_away(s: &Summary) -> String {
    let all = |usage: &Usage| usage.all_input() + usage.output_tokens;
    let thrown = count(all(&s.thrown_away));
    match all(&s.paid_twice) {
        0 => format!("{thrown} tokens thrown away"),
        n if n == all(&s.thrown_away) => format!("{thrown} tokens, paid twice"),
        n => format!("{thrown} tokens · {} paid twice", count(n)),
    }
}

pub(super) fn money(scene: &Scene<'_>, run: &Run) -> String {
    let cost = run.summary().cost_usd();
    match (scene.profile.card.spend.free, cost) {
        (true, Some(usd)) => format!("free here · {} at the API", dollars(usd)),
        (true, None) => "free here".to_owned(),
        (false, Some(usd)) => dollars(usd),
        (false, None) => "its price is not known".to_owned(),
    }
}
