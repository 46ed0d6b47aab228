//! The cards beneath the pools: the selected gauge with its burn and forecast, the newest refusal,
//! and the newest events where there is room.
//!
//! To add a card: a function that draws into a `Rect`, a place for it in [`draw`].

mod refusal;

use super::{
    canvas::Canvas,
    events::wrap,
    format,
    widgets::{Tone, chart},
    words,
};
use crate::{
    app::{App, Shown},
    domain::{
        board::Pool,
        gauge::{Gauge, GaugeView},
        notice::{Notice, Ring, Weight},
        org::GroupKind,
        time::Time,
        timeline::Timeline,
        usage::Usage,
    },
};
use ratatui::layout::Rect;

/// Spans that a chart may look back, seconds, each with its words and those of its middle.
const SPANS: &[Span] = &[
    Span::new(30.0, "30 s ago ", " 15 s "),
    Span::new(60.0, "1 min ago ", " 30 s "),
    Span::new(120.0, "2 min ago ", " 1 min "),
    Span::new(300.0, "5 min ago ", " 2.5 min "),
    Span::new(600.0, "10 min ago ", " 5 min "),
];

/// How far a chart looks back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    /// Seconds.
    pub(super) s: f64,
    far: &'static str,
    middle: &'static str,
}

impl Span {
    const fn new(s: f64, far: &'static str, middle: &'static str) -> Self {
        Self { s, far, middle }
    }

    /// The smallest span that holds everything known of a pool, so that a fresh start shows a curve at
    /// once; all gauges of a pool share it.
    pub(super) fn of(pool: &Pool, now: Time) -> Self {
        let oldest = pool
            .gauges
            .iter()
            .filter_map(|gauge| gauge.series_age_s(now))
            .reduce(f64::max);
        let longest = SPANS[SPANS.len() - 1];
        let Some(oldest) = oldest else { return longest };
        let fits = SPANS.iter().find(|span| span.s >= oldest);
        fits.copied().unwrap_or(longest)
    }
}

/// Least rows of the refusal's card with its border, and of the events beneath it.
const REFUSAL_ROWS: u16 = 9;
const EVENTS_ROWS: u16 = 6;

/// Draws the cards of the selected pool.
pub(super) fn draw(app: &App, shown: &Shown<'_>, pool: &Pool, canvas: &mut Canvas<'_>, area: Rect) {
    let left = Rect {
        width: area.width.div_ceil(2),
        ..area
    };
    let right = Rect {
        x: left.right(),
        width: area.width - left.width,
        ..area
    };
    pool_card(app, shown, pool, canvas, left);
    let wanted = right.height.saturating_sub(EVENTS_ROWS);
    let height = wanted.clamp(REFUSAL_ROWS, REFUSAL_ROWS + 3);
    let spare = right.height.saturating_sub(height);
    if spare >= 4 {
        let top = Rect { height, ..right };
        refusal::draw(shown, canvas, top);
        let rest = Rect {
            y: top.bottom(),
            height: spare,
            ..right
        };
        events_card(shown, canvas, rest);
    } else {
        refusal::draw(shown, canvas, right);
    }
}

fn pool_card(app: &App, shown: &Shown<'_>, pool: &Pool, canvas: &mut Canvas<'_>, area: Rect) {
    let Some((gauge, view)) = app.headroom().gauge_of(pool, shown.at) else {
        let inner = pad(canvas.boxed(area, &pool.name));
        nothing_read(pool, canvas, inner);
        return;
    };
    let inner = canvas.boxed(area, &format!("{} · {}", pool.name, words::label(gauge)));
    let inner = pad(inner);
    let text_rows = 3.min(inner.height.saturating_sub(1));
    let charts = Rect {
        height: inner.height - text_rows,
        ..inner
    };
    series(shown, pool, gauge, canvas, charts);
    let y = charts.bottom();
    let below = Rect {
        y,
        height: text_rows,
        ..inner
    };
    said(shown, pool, &view, canvas, below);
}

/// One column of air on both sides.
pub(super) fn pad(inner: Rect) -> Rect {
    Rect {
        x: inner.x + 1,
        width: inner.width.saturating_sub(2),
        ..inner
    }
}

/// The series of the chosen gauge, and of its neighbours where there is room, over one time axis.
fn series(shown: &Shown<'_>, pool: &Pool, chosen: &Gauge, canvas: &mut Canvas<'_>, area: Rect) {
    if pool
        .gauges
        .iter()
        .all(|gauge| gauge.series_age_s(shown.at).is_none())
    {
        nothing_read(pool, canvas, area);
        return;
    }
    let span = Span::of(pool, shown.at);
    let axis = u16::from(area.height >= 4);
    let rows = area.height - axis;
    let many = rows / 3;
    let mut gauges: Vec<&Gauge> = vec![chosen];
    if many >= 2 {
        gauges = pool.gauges.iter().take(usize::from(many.min(4))).collect();
        if !gauges.iter().any(|gauge| std::ptr::eq(*gauge, chosen)) {
            gauges.pop();
            gauges.push(chosen);
        }
    }
    let len = (gauges.len() as u16).max(1);
    let mut y = area.y;
    for (i, gauge) in gauges.iter().enumerate() {
        // Rows that do not divide evenly go to the first charts.
        let share = rows / len + u16::from((i as u16) < rows % len);
        let line = Rect {
            y,
            height: share,
            ..area
        };
        let chosen = std::ptr::eq(*gauge, chosen);
        one_series(shown, gauge, (chosen, span), canvas, line);
        y += share;
    }
    if axis == 1 {
        time_axis(
            canvas,
            span,
            Rect {
                y,
                height: 1,
                x: area.x + LABELS,
                width: area.width.saturating_sub(LABELS),
            },
        );
    }
}

/// What would fill the charts of a pool.
fn nothing_read(pool: &Pool, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let ways: &[(&str, &str)] = if pool.kind == GroupKind::ModelGroup {
        &[
            ("p", "probes it: one token, its headers tell"),
            ("t", "makes a test call"),
        ]
    } else {
        &[]
    };
    let end = area.right();
    let text = "No header of this pool was seen yet.";
    let mut lines = (area.y..area.bottom()).zip(wrap(text, usize::from(area.width)));
    let mut y = area.y;
    for (row, line) in &mut lines {
        canvas.put(area.x, row, line, roles.quiet, end);
        y = row + 1;
    }
    for (row, (key, what)) in (y..area.bottom()).zip(ways) {
        canvas.put(area.x, row, key, roles.key, end);
        canvas.put_cut(area.x + 2, row, what, roles.quiet, end);
    }
}

/// Columns of the labels beside a chart.
const LABELS: u16 = 7;

fn one_series(
    shown: &Shown<'_>,
    gauge: &Gauge,
    (chosen, span): (bool, Span),
    canvas: &mut Canvas<'_>,
    area: Rect,
) {
    let roles = *canvas.roles();
    let thresholds = shown.profile.card.thresholds;
    let label = if chosen { roles.accent } else { roles.quiet };
    let end = area.x + LABELS;
    canvas.put(area.x, area.y, &words::label(gauge), label, end);
    let view = gauge.view(shown.at);
    if area.height > 1 {
        let (text, style) = match (view.percent_left(), Tone::of_view(&view, thresholds)) {
            (Some(left), Some(tone)) => (format::percent(left), tone.number(canvas.look)),
            _ => ("?".to_owned(), roles.quiet),
        };
        canvas.put(area.x, area.y + 1, &text, style, end);
    }
    let air = u16::from(area.height > 3);
    let plot = Rect {
        x: end,
        width: area.width.saturating_sub(LABELS),
        height: area.height - air,
        ..area
    };
    let series = gauge.series(shown.at, span.s, usize::from(plot.width) * 2);
    chart::draw(canvas, plot, &series, thresholds);
}

/// `10 min ago ──────── 5 min ──────── now`
pub(super) fn time_axis(canvas: &mut Canvas<'_>, span: Span, area: Rect) {
    let roles = *canvas.roles();
    canvas.repeat(area.x, area.y, "─", area.width, roles.border);
    canvas.put(area.x, area.y, span.far, roles.quiet, area.right());
    if area.width > 36 {
        let middle = area.x + (area.width - span.middle.len() as u16) / 2;
        canvas.put(middle, area.y, span.middle, roles.quiet, area.right());
    }
    canvas.put_right(area.x, area.y, " now", roles.quiet, area.right());
}

/// Burn, cache, forecast: the most needed last line first when rows are few.
fn said(shown: &Shown<'_>, pool: &Pool, view: &GaugeView, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let end = area.right();
    let tone = Tone::of_view(view, shown.profile.card.thresholds).unwrap_or(Tone::Calm);
    let y = area.y;
    if area.height > 0 {
        burn(view, canvas, Rect { height: 1, ..area });
    }
    if area.height > 1 {
        let style = if view.empty_in_s.is_some() {
            tone.number(canvas.look)
        } else {
            roles.text
        };
        let text = words::forecast(view, shown.at, area.width < 50);
        canvas.put_cut(area.x, y + 1, &text, style, end);
    }
    if area.height > 2 {
        let text = cache(pool, &shown.profile.timeline, area.width < 50);
        canvas.put_cut(area.x, y + 2, &text, roles.text, end);
    }
}

/// `burn 612k/min: you 380k, others 232k (38%)`; where that is too wide, less of it, never half a number.
pub(super) fn burn(view: &GaugeView, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let Some(all) = view.burn_per_min else {
        canvas.put(
            area.x,
            area.y,
            "burn not known yet",
            roles.quiet,
            area.right(),
        );
        return;
    };
    let own = view.own_burn_per_min.unwrap_or(0.0);
    let own = format::count(own.max(0.0) as u64);
    let (others, share) = match view.others_burn_per_min {
        Some(others) => (
            format::count(others.max(0.0) as u64),
            words::others_share(view).map(|share| format!(" ({})", format::percent(share))),
        ),
        None => ("unresolved".to_owned(), None),
    };
    let others_style = if view.others_burn_per_min.is_some() {
        roles.others
    } else {
        roles.quiet
    };
    // In the order of reading; the second number says what goes first when there is no room.
    let parts = [
        ("burn ", roles.quiet, 3),
        (&*format::per_minute(all), roles.strong, 0),
        (": you ", roles.quiet, 2),
        (&*own, roles.mine, 2),
        (", others ", roles.quiet, 1),
        (&*others, others_style, 1),
        (share.as_deref().unwrap_or_default(), roles.others, 4),
    ];
    let width = |most: u8| -> usize {
        let kept = parts.iter().filter(|(.., rank)| *rank <= most);
        kept.map(|(text, ..)| text.len()).sum()
    };
    let room = usize::from(area.width);
    let most = (0..=4).rev().find(|most| width(*most) <= room);
    let most = most.unwrap_or(0);
    let mut x = area.x;
    for (text, style, rank) in parts {
        if rank <= most {
            x = canvas.put(x, area.y, text, style, area.right());
        }
    }
}

/// What the cache does for the pool, over the newest calls: it multiplies ITPM, since what it serves
/// does not count there.
fn cache(pool: &Pool, timeline: &Timeline, brief: bool) -> String {
    let total = timeline
        .calls()
        .rev()
        .take(100)
        .filter(|call| pool.models.contains(&call.model))
        .filter_map(crate::domain::timeline::Call::usage)
        .fold(Usage::default(), |sum, usage| sum.plus(&usage));
    let all = total.all_input();
    if all == 0 {
        return "no usage seen on this pool yet".to_owned();
    }
    let share = total.cache_read_input_tokens as f64 / all as f64 * 100.0;
    if share < 1.0 {
        "the cache serves no input".to_owned()
    } else {
        let times = all as f64 / total.counted_input().max(1) as f64;
        if brief {
            return format!(
                "cache {}: ITPM goes {times:.1}× as far",
                format::percent(share)
            );
        }
        format!(
            "cache serves {} of the input: ITPM goes {times:.1}× as far",
            format::percent(share)
        )
    }
}

/// Events looked at for the card: folding must not cost a frame.
const FOLDED: usize = 100;

/// Events that say the same, as one.
struct Folded<'r> {
    /// The newest of them.
    newest: &'r Notice,
    /// What they have in common.
    what: &'r str,
    count: usize,
}

/// What happened, without the numbers and the advice that follow it: by this, events are the same.
fn what(notice: &Notice) -> &str {
    let sentence = notice.sentence.as_str();
    let end = [" (", "; "]
        .iter()
        .filter_map(|mark| sentence.find(mark))
        .min();
    end.map_or(sentence, |end| &sentence[..end])
}

/// The newest events, those that say the same as one, newest first; at most `most`.
fn folded(ring: &Ring, most: usize) -> Vec<Folded<'_>> {
    let mut out: Vec<Folded<'_>> = Vec::new();
    for notice in ring.iter().rev().take(FOLDED) {
        let what = what(notice);
        let same = |f: &&mut Folded<'_>| f.what == what && f.newest.weight == notice.weight;
        if let Some(known) = out.iter_mut().find(same) {
            known.count += 1;
        } else if out.len() < most {
            out.push(Folded {
                newest: notice,
                what,
                count: 1,
            });
        }
    }
    out
}

fn events_card(shown: &Shown<'_>, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let inner = pad(canvas.boxed(area, "Newest events"));
    let end = inner.right();
    if shown.ring.total() == 0 {
        canvas.put(inner.x, inner.y, "none yet", roles.quiet, end);
        return;
    }
    let groups = folded(shown.ring, usize::from(inner.height));
    let mut spare = usize::from(inner.height) - groups.len();
    let mut y = inner.y;
    for group in groups {
        let notice = group.newest;
        let clock = format::clock(notice.at, shown.offset_s);
        let x = canvas.put(inner.x, y, &clock, roles.quiet, end) + 1;
        let style = match notice.weight {
            Weight::Info => roles.text,
            Weight::Warning => roles.tight,
            Weight::Error => roles.bad,
        };
        let mut right = end;
        if group.count > 1 {
            let times = format!(" ×{}", group.count);
            canvas.put_right(x, y, &times, roles.strong, end);
            right = end.saturating_sub(times.chars().count() as u16);
        }
        // One event alone tells the rest of its sentence, as far as there is room.
        let text = if group.count > 1 {
            group.what
        } else {
            &notice.sentence
        };
        let parts = wrap(text, usize::from(right.saturating_sub(x)));
        let lines = parts.len().min(1 + spare.min(2));
        spare -= lines - 1;
        for part in parts.iter().take(lines - 1) {
            canvas.put(x, y, part, style, right);
            y += 1;
        }
        let rest = parts.get(lines - 1..).unwrap_or_default().join(" ");
        canvas.put_cut(x, y, &rest, style, right);
        y += 1;
    }
}
