//! A message batch: how it stands, its own limits, what came of it and what it cost.

use super::{
    Scene, cost,
    pen::{Pen, clipped, cut, width, wrap},
    room, words,
};
use crate::{
    domain::{
        batch::{PRICE, Stage, Standing, Work},
        clean::clean,
        limit::Dimension,
        number::thousands,
        time::seconds_between,
    },
    ui::{
        canvas::Canvas,
        format::{self, count},
        theme::Roles,
    },
};
use ratatui::{layout::Rect, style::Style};
use std::fmt::Write as _;

/// Columns of the labels.
const LABEL: u16 = 11;
/// Cells of the bar of what is done, at most.
const BAR: u16 = 40;

/// How it stands, in a few characters.
pub(super) fn state(work: &Work, roles: &Roles) -> (String, Style) {
    let standing = &work.standing;
    let tally = standing.results.as_ref();
    match (&standing.batch, tally) {
        _ if work.is_open() && work.cancelling => ("cancelling".to_owned(), roles.tight),
        (None, _) if work.is_open() => ("submitting".to_owned(), roles.mine),
        (None, _) => ("not made".to_owned(), roles.bad),
        (Some(_), _) if standing.refused.is_some() => ("lost".to_owned(), roles.bad),
        (Some(_), Some(tally)) if tally.failed() + tally.expired > 0 => {
            let failed = count(tally.failed() + tally.expired);
            (format!("{failed} failed"), roles.bad)
        }
        (Some(_), Some(_)) if standing.cancelled => ("cancelled".to_owned(), roles.tight),
        (Some(_), Some(tally)) => (format!("{} ok", count(tally.succeeded)), roles.good),
        (Some(batch), None) => {
            let word = batch.stage.word().replace('_', " ");
            (clean(&word, 20), roles.mine)
        }
    }
}

/// `Batch 3 · 24 requests · Haiku 5.5`.
fn title(scene: &Scene<'_>, work: &Work) -> String {
    let requests = match work.asked.requests {
        1 => "1 request".to_owned(),
        n => format!("{} requests", thousands(u64::from(n))),
    };
    let model = scene.pool_name(&work.asked.order.model);
    format!("Batch {} · {requests} · {model}", work.number)
}

/// Draws it in a box.
pub(super) fn draw(scene: &Scene<'_>, work: &Work, canvas: &mut Canvas<'_>, area: Rect) {
    let elapsed = words::span(work.elapsed_s(scene.now));
    let state = if work.is_open() {
        let whole = work.elapsed_s(scene.now).floor();
        format!(" {whole:.0} s ")
    } else {
        format!(" over in {elapsed} ")
    };
    let free = usize::from(area.width).saturating_sub(width(&state) + 7);
    let inner = room(canvas, area, &cut(&title(scene, work), free));
    let roles = *canvas.roles();
    let end = area.right().saturating_sub(2);
    canvas.put_right(area.x + 1, area.y, &state, roles.quiet, end);
    inside(scene, work, canvas, inner);
}

/// Without a box, where there is no room for one.
pub(super) fn small(scene: &Scene<'_>, work: &Work, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let mut pen = Pen::new(canvas, area);
    let columns = usize::from(area.width);
    pen.line(&[(&cut(&title(scene, work), columns), roles.title)]);
    let rest = Rect {
        y: area.y + 1.min(area.height),
        height: area.height.saturating_sub(1),
        ..area
    };
    inside(scene, work, canvas, rest);
}

fn inside(scene: &Scene<'_>, work: &Work, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let columns = usize::from(area.width);
    let airy = area.height >= 14;
    let mut pen = Pen::new(canvas, area);
    let (_, style) = state(work, &roles);
    let lines = clipped(
        wrap(&work.sentence(), columns),
        if airy { 3 } else { 2 },
        columns,
    );
    for line in &lines {
        pen.line(&[(line, style)]);
    }
    if let Some(said) = work.said() {
        let said = clean(said, 600);
        pen.pair(
            "it said",
            LABEL,
            &said,
            roles.text,
            if airy { 4 } else { 2 },
        );
    }
    if let Some(next) = next(scene, work) {
        pen.line(&[(&cut(&next, columns), roles.quiet)]);
    }
    if airy {
        pen.skip();
    }
    done(&mut pen, work, &roles);
    for (gap, rows) in [
        (false, results(work)),
        (true, limits(work, columns)),
        (true, money(scene, work)),
    ] {
        if airy && gap {
            pen.skip();
        }
        for (label, text) in rows {
            let label = format!("{label:<width$}", width = usize::from(LABEL));
            let text = cut(&text, columns.saturating_sub(usize::from(LABEL)));
            pen.line(&[(&label, roles.quiet), (&text, roles.text)]);
        }
    }
    if airy && pen.left() > 3 {
        pen.skip();
        let order = &work.asked.order;
        let rule = format!("{}: {}", order.policy.name(), order.policy.rule());
        pen.pair("policy", LABEL, &rule, roles.quiet, 3);
        let counted = "The API counts the requests of a batch once all of them have ended.";
        if pen.left() > 1 {
            pen.pair("", LABEL, counted, roles.quiet, 2);
        }
    }
}

/// What happens next, where something does.
fn next(scene: &Scene<'_>, work: &Work) -> Option<String> {
    if !work.is_open() {
        return None;
    }
    let standing = &work.standing;
    let left = standing.next_look.map(|at| seconds_between(scene.now, at));
    let look = match left {
        Some(left) if left > 0.0 => format!("looked at again in {}", words::countdown(left)),
        _ if standing.batch.is_some() => "being looked at".to_owned(),
        _ => return None,
    };
    Some(if standing.cancelled {
        format!("Cancelled: what is under way still ends; {look}.")
    } else {
        format!("Esc cancels it; {look}.")
    })
}

/// How many of its requests are over, as a bar.
fn done(pen: &mut Pen<'_, '_>, work: &Work, roles: &Roles) {
    let Some(batch) = &work.standing.batch else {
        return;
    };
    let (over, all) = (batch.counts.done(), batch.counts.all());
    let here = pen.here();
    let text = format!("{} of {}", thousands(over), thousands(all));
    let room = pen.width().saturating_sub(LABEL + width(&text) as u16 + 2);
    let cells = room.min(BAR);
    pen.line(&[("done", roles.quiet)]);
    if here.height == 0 {
        return;
    }
    let share = over as f64 / all.max(1) as f64;
    let full = (share * f64::from(cells)).round() as u16;
    let (x, y) = (here.x + LABEL, here.y);
    let waits = match batch.stage {
        Stage::Ended => ("·", roles.border),
        _ => ("▚", roles.quiet),
    };
    pen.canvas.repeat(x, y, "█", full, roles.good);
    pen.canvas
        .repeat(x + full, y, waits.0, cells - full, waits.1);
    pen.canvas
        .put(x + cells + 1, y, &text, roles.text, here.right());
}

/// What became of its requests, and their tokens.
fn results(work: &Work) -> Vec<(&'static str, String)> {
    let Some(tally) = &work.standing.results else {
        return Vec::new();
    };
    let mut ended = format!("{} ok", thousands(tally.succeeded));
    for (n, word) in [
        (tally.failed(), "failed"),
        (tally.canceled, "cancelled"),
        (tally.expired, "expired"),
        (tally.strange, "not understood"),
    ] {
        if n > 0 {
            let _ = write!(ended, " · {} {word}", thousands(n));
        }
    }
    let mut rows = vec![("answered", ended)];
    let kinds: Vec<String> = tally
        .errored
        .iter()
        .map(|(kind, n)| format!("{} {}", clean(kind, 40), thousands(*n)))
        .collect();
    if !kinds.is_empty() {
        rows.push(("errors", kinds.join(" · ")));
    }
    let usage = &tally.usage;
    let tokens = format!(
        "{} in · {} out",
        count(usage.all_input()),
        count(usage.output_tokens)
    );
    rows.push(("tokens", tokens));
    rows
}

/// Its pools: requests per minute, and the queue.
fn limits(work: &Work, columns: usize) -> Vec<(&'static str, String)> {
    let standing = &work.standing;
    let guess = standing.pool.as_ref().is_some_and(|pool| pool.guess);
    let limit = |dimension| match standing.limit(dimension) {
        Some(limit) if guess => Some(format!("limit about {}", format::limit(limit))),
        Some(limit) => Some(format!("limit {}", format::limit(limit))),
        None => None,
    };
    let (made, limited) = (thousands(standing.made), thousands(standing.limited));
    let unknown = || "limit not known".to_owned();
    let per_minute = limit(Dimension::Rpm);
    let asked = if columns >= 60 {
        let per_minute = per_minute.map_or_else(unknown, |limit| format!("{limit} a minute"));
        format!("{made} made for it, {limited} refused · {per_minute}")
    } else {
        format!("{made} made · {}", per_minute.unwrap_or_else(unknown))
    };
    // Nobody tells what other batches wait in the same queue: what is said is this batch's share.
    let wide = columns >= 60;
    let queue = match (limit(Dimension::Queue), standing.queued()) {
        (None, _) => unknown(),
        (Some(limit), Some(n)) if wide && n > 0 => {
            format!("{limit} for all, the others not known")
        }
        (Some(limit), _) if wide => format!("{limit} for all"),
        (Some(limit), _) => format!("{} for all", limit.trim_start_matches("limit ")),
    };
    let held = match standing.queued() {
        Some(n) if wide => format!("{} of this batch wait", thousands(n)),
        Some(n) => format!("{} of this", thousands(n)),
        None => "nothing waits yet".to_owned(),
    };
    vec![("batch RPM", asked), ("queue", format!("{held} · {queue}"))]
}

/// What it cost or will cost, and by which name it can be asked for.
fn money(scene: &Scene<'_>, work: &Work) -> Vec<(&'static str, String)> {
    let standing = &work.standing;
    let mut rows = vec![("cost", price(scene, work, standing))];
    if let Some(batch) = &standing.batch {
        rows.push(("batch", format!("{}  (y copies it)", batch.id)));
        let clock = |at| format::clock(at, scene.offset);
        let mut times = Vec::new();
        if let Some(at) = batch.created_at {
            times.push(format!("made {}", clock(at)));
        }
        match (batch.ended_at, batch.expires_at) {
            (Some(at), _) => times.push(format!("ended {}", clock(at))),
            (None, Some(at)) => {
                let left = seconds_between(scene.now, at).max(0.0);
                times.push(format!("expires in {}", format::span(left)));
            }
            (None, None) => {}
        }
        if !times.is_empty() {
            rows.push(("times", times.join(" · ")));
        }
    }
    rows
}

fn price(scene: &Scene<'_>, work: &Work, standing: &Standing) -> String {
    let order = &work.asked.order;
    let listed = |usage| scene.prices.cost(&order.model, usage);
    let dollars =
        |usd: Option<f64>| usd.map_or_else(|| "an unknown price".to_owned(), cost::dollars);
    let free = scene.profile.card.spend.free;
    match &standing.results {
        Some(tally) => {
            let alone = standing.cost_usd.filter(|_| !free).map(|usd| usd / PRICE);
            let alone = alone.or_else(|| listed(&tally.usage));
            let half = dollars(alone.map(|usd| usd * PRICE));
            let alone = dollars(alone);
            if free {
                format!("free here · {half} at list price, half of {alone}")
            } else {
                format!("about {half}, half of {alone}")
            }
        }
        None if free => "free here".to_owned(),
        None => {
            let each = listed(&order.most());
            let most = each.map(|usd| usd * f64::from(work.asked.requests) * PRICE);
            format!("at most about {}, which is half price", dollars(most))
        }
    }
}
