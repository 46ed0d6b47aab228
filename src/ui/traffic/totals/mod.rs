//! The totals as tables: clients, models, causes of refusals, drops.

mod line;

use super::{digest, short_client, short_model};
use crate::{
    app::{Shown, layout},
    domain::{
        traffic::{Tally, Totals},
        verdict::Cause,
    },
    ui::{
        calls::words,
        canvas::{Canvas, halves},
        cards, format,
        theme::Roles,
    },
};
use line::Line;
use ratatui::layout::Rect;

/// Both tables beneath the list: as many rows as there is room for.
pub(super) fn tables(all: &Totals, canvas: &mut Canvas<'_>, area: Rect) {
    let [left, right] = halves(area);
    let rows = usize::from(area.height.saturating_sub(3));
    let title = more("Clients", all.clients.len(), rows);
    let inner = cards::pad(canvas.boxed(left, &title));
    line::draw(&clients(all), all, canvas, inner);
    let title = more("Models", all.models.len(), rows);
    let inner = cards::pad(canvas.boxed(right, &title));
    line::draw(&models(all), all, canvas, inner);
}

fn more(title: &str, all: usize, rows: usize) -> String {
    if all > rows {
        format!("{title} · {rows} of {all}, o shows the rest")
    } else {
        title.to_owned()
    }
}

/// The totals over the whole tab, from line `first` on.
pub(super) fn page(
    shown: &Shown<'_>,
    all: &Totals,
    first: usize,
    canvas: &mut Canvas<'_>,
    area: Rect,
) {
    let roles = *canvas.roles();
    let size = (area.width, canvas.buf.area.height);
    let since = format::clock(all.since, shown.offset_s);
    // The marks' meaning is the list's.
    let drops = all.drops.kinds().iter().any(|(_, count)| *count > 0);
    let height = layout::traffic(size).digest.min(2 + u16::from(drops));
    let digest = Rect { height, ..area };
    digest::draw(all, canvas, digest);
    let rest = Rect {
        y: digest.bottom(),
        height: area.height - height,
        ..area
    };
    if area.width >= 100 && rest.height >= 12 {
        let [left, right] = halves(rest);
        let inner = cards::pad(canvas.boxed(left, &format!("Clients since {since}")));
        line::draw(from(&clients(all), first, inner), all, canvas, inner);
        let mut lines = models(all);
        lines.push(Line::Air);
        lines.extend(causes(all, &roles));
        let inner = cards::pad(canvas.boxed(right, "Models and refusals"));
        line::draw(from(&lines, first, inner), all, canvas, inner);
        return;
    }
    let inner = if layout::boxed(size) {
        cards::pad(canvas.boxed(rest, &format!("Totals since {since}")))
    } else {
        rest
    };
    let mut lines = clients(all);
    lines.push(Line::Air);
    lines.extend(models(all));
    lines.push(Line::Air);
    lines.extend(causes(all, &roles));
    line::draw(from(&lines, first, inner), all, canvas, inner);
}

/// The lines from `first` on, but never past the last page.
fn from<'l, 't>(lines: &'l [Line<'t>], first: usize, area: Rect) -> &'l [Line<'t>] {
    let last = lines.len().saturating_sub(usize::from(area.height));
    &lines[first.min(last)..]
}

fn clients(all: &Totals) -> Vec<Line<'_>> {
    let rows = all.clients.iter();
    table(
        Line::Head("client", false),
        rows.map(|row| (short_client(row.client.as_str()), &row.tally))
            .collect(),
    )
}

fn models(all: &Totals) -> Vec<Line<'_>> {
    let rows = all.models.iter();
    table(
        Line::Head("model", true),
        rows.map(|row| (short_model(row.model.as_str()), &row.tally))
            .collect(),
    )
}

/// The busiest first.
fn table<'t>(head: Line<'t>, mut rows: Vec<(&'t str, &'t Tally)>) -> Vec<Line<'t>> {
    rows.sort_by_key(|(_, tally)| std::cmp::Reverse(tally.wire));
    let mut lines = vec![head];
    lines.extend(rows.into_iter().map(|(name, tally)| Line::Row(name, tally)));
    lines
}

/// What refused, what else went wrong, and what was dropped.
fn causes(all: &Totals, roles: &Roles) -> Vec<Line<'static>> {
    let tally = all.all();
    let mut causes: Vec<(&'static str, u64)> = tally
        .refused
        .iter()
        .map(|(cause, count)| (Cause::words(*cause), *count))
        .collect();
    causes.push(("broke after a 200", tally.broken));
    causes.push(("no answer", tally.unreachable));
    causes.push(("given up by the client", tally.cancelled));
    causes.retain(|(_, count)| *count > 0);
    causes.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let most = causes.first().map_or(0, |(_, count)| *count);
    let mut lines: Vec<Line<'static>> = causes
        .into_iter()
        .map(|(what, count)| Line::Cause(what, count, most))
        .collect();
    if lines.is_empty() {
        let text = "Nothing was refused and nothing broke.";
        lines.push(Line::Said(text.to_owned(), roles.quiet));
    }
    lines.push(Line::Air);
    lines.extend(retries(&tally, roles));
    let elsewhere = &all.elsewhere;
    if elsewhere.wire > 0 {
        let text = format!(
            "{} requests to other paths, {} of them refused",
            format::count(elsewhere.wire),
            format::count(elsewhere.refused + elsewhere.failed)
        );
        lines.push(Line::Said(text, roles.text));
    }
    for (what, count) in all.drops.kinds() {
        if count > 0 {
            let text = format!("not read: {} {what}", format::count(count));
            lines.push(Line::Said(text, roles.tight));
        }
    }
    lines
}

fn retries(tally: &Tally, roles: &Roles) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    if tally.retries > 0 {
        let text = format!(
            "asked {}, slept {} before {} {}",
            format::span(tally.asked_s),
            format::span(tally.slept_s),
            format::count(tally.retries),
            if tally.retries == 1 {
                "retry"
            } else {
                "retries"
            }
        );
        lines.push(Line::Said(text, roles.text));
    }
    if tally.early > 0 {
        let span = |s: f64| {
            if s < 10.0 {
                words::span(s)
            } else {
                format::span(s)
            }
        };
        let text = format!(
            "{} came EARLY: {} in all, {} at worst",
            format::count(tally.early),
            span(tally.early_s),
            span(tally.early_worst_s)
        );
        lines.push(Line::Said(text, roles.tight));
    }
    if tally.stacked > 0 {
        let text = format!(
            "! {} STACKED: a loop around an SDK that retries itself",
            format::count(tally.stacked)
        );
        lines.push(Line::Said(text, roles.bad));
    }
    if tally.broken > 0 {
        let text = format!(
            "lost with answers that broke: {} in, {} out",
            format::count(tally.lost.all_input()),
            format::count(tally.lost.output_tokens)
        );
        lines.push(Line::Said(text, roles.text));
    }
    lines
}
