//! The cards beneath the pools: the selected gauge with its burn and forecast, the newest refusal,
//! and the newest events where there is room.

use super::{
    canvas::Canvas,
    format,
    widgets::{Tone, chart},
    words,
};
use crate::{
    app::{App, Shown, profile::Refusal},
    domain::{
        board::Pool,
        gauge::{Gauge, GaugeView},
        notice::Weight,
        time::seconds_between,
        timeline::Timeline,
        usage::Usage,
        verdict::Certainty,
    },
};
use ratatui::layout::Rect;

/// Seconds that the charts look back.
pub(super) const SPAN_S: f64 = 600.0;
/// Rows of the refusal's card with its border.
const REFUSAL_ROWS: u16 = 9;

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
    let spare = right.height.saturating_sub(REFUSAL_ROWS);
    if spare >= 4 {
        let top = Rect {
            height: REFUSAL_ROWS,
            ..right
        };
        refusal_card(shown, canvas, top);
        let rest = Rect {
            y: top.bottom(),
            height: spare,
            ..right
        };
        events_card(shown, canvas, rest);
    } else {
        refusal_card(shown, canvas, right);
    }
}

fn pool_card(app: &App, shown: &Shown<'_>, pool: &Pool, canvas: &mut Canvas<'_>, area: Rect) {
    let Some((gauge, view)) = app.headroom().gauge_of(pool, shown.at) else {
        canvas.boxed(area, &pool.name);
        return;
    };
    let inner = canvas.boxed(area, &format!("{} · {}", pool.name, words::label(gauge)));
    let inner = pad(inner);
    let text_rows = 4.min(inner.height.saturating_sub(1));
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

/// The series of the chosen gauge, and of its neighbours where there is room.
fn series(shown: &Shown<'_>, pool: &Pool, chosen: &Gauge, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let thresholds = shown.profile.card.thresholds;
    let many = area.height / 3;
    let mut gauges: Vec<&Gauge> = vec![chosen];
    if many >= 2 {
        gauges = pool.gauges.iter().take(usize::from(many.min(4))).collect();
        if !gauges.iter().any(|gauge| std::ptr::eq(*gauge, chosen)) {
            gauges.pop();
            gauges.push(chosen);
        }
    }
    let each = area.height / (gauges.len() as u16).max(1);
    let mut y = area.y;
    for gauge in gauges {
        let mine = std::ptr::eq(gauge, chosen);
        let label = if mine { roles.accent } else { roles.quiet };
        let height = each.min(area.bottom().saturating_sub(y));
        if height == 0 {
            break;
        }
        canvas.put(area.x, y, &words::label(gauge), label, area.x + 9);
        if height > 1 {
            canvas.put(area.x, y + 1, "left,", roles.quiet, area.x + 9);
        }
        if height > 2 {
            canvas.put(area.x, y + 2, "10 min", roles.quiet, area.x + 9);
        }
        let plot = Rect {
            x: area.x + 9,
            y,
            width: area.width.saturating_sub(9),
            height: if each > 2 { height - 1 } else { height },
        };
        let slots = usize::from(plot.width) * 2;
        let series = gauge.series(shown.at, SPAN_S, slots);
        chart::draw(canvas, plot, &series, thresholds);
        y += height;
    }
}

/// Burn, cache, forecast: the most needed last line first when rows are few.
fn said(shown: &Shown<'_>, pool: &Pool, view: &GaugeView, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let end = area.right();
    let mut y = area.bottom();
    let mut up = |rows: u16| {
        y = y.saturating_sub(rows);
        (y >= area.y).then_some(y)
    };
    let tone = Tone::of_view(view, shown.profile.card.thresholds).unwrap_or(Tone::Calm);
    if let Some(y) = up(1) {
        let style = if view.empty_in_s.is_some() {
            tone.number(canvas.look)
        } else {
            roles.text
        };
        canvas.put(area.x, y, &words::forecast(view, shown.at), style, end);
    }
    if let Some(y) = up(1) {
        canvas.put(
            area.x,
            y,
            &cache(pool, &shown.profile.timeline),
            roles.text,
            end,
        );
    }
    if let Some(y) = up(1) {
        burn(
            view,
            canvas,
            Rect {
                y,
                height: 1,
                ..area
            },
        );
    }
}

/// `burn 612k/min: you 380k, others 232k (38 %)`
pub(super) fn burn(view: &GaugeView, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let (y, end) = (area.y, area.right());
    let Some(all) = view.burn_per_min else {
        canvas.put(area.x, y, "burn not known yet", roles.quiet, end);
        return;
    };
    let mut x = canvas.put(area.x, y, "burn ", roles.quiet, end);
    x = canvas.put(x, y, &format::per_minute(all), roles.strong, end);
    x = canvas.put(x, y, ": you ", roles.quiet, end);
    let own = view.own_burn_per_min.unwrap_or(0.0);
    x = canvas.put(x, y, &format::count(own.max(0.0) as u64), roles.mine, end);
    x = canvas.put(x, y, ", others ", roles.quiet, end);
    match view.others_burn_per_min {
        Some(others) => {
            x = canvas.put(
                x,
                y,
                &format::count(others.max(0.0) as u64),
                roles.others,
                end,
            );
            if let Some(share) = words::others_share(view) {
                let share = format!(" ({})", format::percent(share));
                canvas.put(x, y, &share, roles.others, end);
            }
        }
        None => {
            canvas.put(x, y, "unresolved", roles.quiet, end);
        }
    }
}

/// What the cache does for the pool, over the newest calls.
fn cache(pool: &Pool, timeline: &Timeline) -> String {
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
        "the cache serves none of the input".to_owned()
    } else {
        format!("the cache serves {} of the input", format::percent(share))
    }
}

fn refusal_card(shown: &Shown<'_>, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let Some(refusal) = &shown.profile.refusal else {
        let inner = pad(canvas.boxed(area, "Last refusal"));
        canvas.put(inner.x, inner.y, "none seen", roles.quiet, inner.right());
        return;
    };
    let ago = format::age(seconds_between(refusal.at, shown.at));
    let inner = pad(canvas.boxed(area, &format!("Last refusal, {ago} ago")));
    let end = inner.right();
    let mut lines = Lines {
        y: inner.y,
        bottom: inner.bottom(),
    };
    let verdict = &refusal.verdict;
    if let Some(y) = lines.next() {
        let status = verdict
            .status
            .map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        let mut x = canvas.put(inner.x, y, &status, roles.bad, end);
        x = canvas.put(x, y, " · ", roles.border, end);
        x = canvas.put(x, y, &cause(shown, refusal), roles.strong, end);
        x = canvas.put(x, y, " · ", roles.border, end);
        let (word, style) = match verdict.certainty {
            Certainty::Stated => ("stated", roles.text),
            Certainty::Inferred => ("inferred", roles.hint),
            Certainty::Unknown => ("no evidence", roles.quiet),
        };
        canvas.put(x, y, word, style, end);
    }
    after_it(shown, verdict.asked_s, canvas, inner, &mut lines);
    if let Some(y) = lines.next() {
        retry(shown, refusal, canvas, (inner.x, y), end);
    }
    for evidence in &verdict.evidence {
        if lines.bottom.saturating_sub(lines.y) < 2 {
            break;
        }
        let Some(y) = lines.next() else { break };
        let from = format!("{:<11}", evidence.from.label());
        let x = canvas.put(inner.x, y, &from, roles.quiet, end);
        canvas.put(x, y, &evidence.text, roles.text, end);
    }
    let last = inner.bottom().saturating_sub(1);
    if last >= lines.y {
        let mut x = inner.x;
        if let Some(request) = &verdict.request_id {
            x = canvas.put(
                x,
                last,
                request.as_str(),
                roles.text,
                end.saturating_sub(10),
            ) + 2;
        }
        super::frame::hints(canvas, (x, last), end, &[("y", "copy"), ("7", "evidence")]);
    }
}

/// Rows of a card, from the top.
struct Lines {
    y: u16,
    bottom: u16,
}

impl Lines {
    fn next(&mut self) -> Option<u16> {
        let y = self.y;
        self.y += 1;
        (y < self.bottom).then_some(y)
    }
}

fn cause(shown: &Shown<'_>, refusal: &Refusal) -> String {
    let verdict = &refusal.verdict;
    let board = &shown.profile.board;
    let pool = verdict
        .pool
        .as_ref()
        .and_then(|id| board.pools().iter().find(|pool| pool.key.group == *id))
        .or_else(|| board.pool_of(verdict.model.as_ref()?));
    match (pool, &verdict.model) {
        (Some(pool), _) => format!("{} of {}", verdict.cause.words(), pool.name),
        (None, Some(model)) => format!("{} of {model}", verdict.cause.words()),
        (None, None) => verdict.cause.words().to_owned(),
    }
}

/// What the server asked for and what the client did.
fn after_it(
    shown: &Shown<'_>,
    asked: Option<f64>,
    canvas: &mut Canvas<'_>,
    inner: Rect,
    lines: &mut Lines,
) {
    let roles = *canvas.roles();
    let end = inner.right();
    let Some(y) = lines.next() else { return };
    let mut x = match asked {
        Some(asked) => {
            let x = canvas.put(inner.x, y, "asked ", roles.quiet, end);
            canvas.put(x, y, &seconds(asked), roles.hint, end)
        }
        None => canvas.put(inner.x, y, "asked nothing", roles.quiet, end),
    };
    let Some(attempt) = shown.profile.refused_attempt() else {
        return;
    };
    if let Some(slept) = attempt.slept_s {
        x = canvas.put(x, y, " · client slept ", roles.quiet, end);
        x = canvas.put(x, y, &seconds(slept), roles.text, end);
        if attempt.early {
            let by = asked.map_or(0.0, |asked| (asked - slept).max(0.0));
            x = canvas.put(
                x,
                y,
                &format!(": retried {} ", seconds(by)),
                roles.tight,
                end,
            );
            canvas.put(x, y, "EARLY", roles.empty, end);
        }
    } else if let Some(decision) = &attempt.decision
        && decision.wait_s > 0.0
    {
        x = canvas.put(x, y, " · client waits ", roles.quiet, end);
        canvas.put(x, y, &seconds(decision.wait_s), roles.text, end);
    }
}

fn seconds(s: f64) -> String {
    if s < 10.0 && (s - s.round()).abs() > 0.049 {
        format!("{s:.1} s")
    } else {
        format!("{s:.0} s")
    }
}

fn retry(
    shown: &Shown<'_>,
    refusal: &Refusal,
    canvas: &mut Canvas<'_>,
    (x, y): (u16, u16),
    end: u16,
) {
    let roles = *canvas.roles();
    let verdict = &refusal.verdict;
    if !verdict.retry_helps {
        canvas.put(x, y, "retrying does not help", roles.bad, end);
        return;
    }
    let Some(at) = verdict.retry_at else {
        canvas.put(x, y, "a retry may help; nothing says when", roles.text, end);
        return;
    };
    let left = seconds_between(shown.at, at);
    let mut x = canvas.put(x, y, "retry helps from ", roles.quiet, end);
    x = canvas.put(x, y, &format::clock(at, shown.offset_s), roles.hint, end);
    let when = if left > 0.0 {
        format!(", in {}", format::span(left.ceil()))
    } else {
        ", that is now".to_owned()
    };
    canvas.put(x, y, &when, roles.text, end);
}

fn events_card(shown: &Shown<'_>, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let inner = pad(canvas.boxed(area, "Newest events"));
    if shown.ring.total() == 0 {
        canvas.put(inner.x, inner.y, "none yet", roles.quiet, inner.right());
        return;
    }
    let rows = usize::from(inner.height);
    for (i, notice) in shown.ring.iter().rev().take(rows).enumerate() {
        let y = inner.y + i as u16;
        let clock = format::clock(notice.at, shown.offset_s);
        let x = canvas.put(inner.x, y, &clock, roles.quiet, inner.right());
        let style = match notice.weight {
            Weight::Info => roles.text,
            Weight::Warning => roles.tight,
            Weight::Error => roles.bad,
        };
        canvas.put(x + 1, y, &notice.sentence, style, inner.right());
    }
}
