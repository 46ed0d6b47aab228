//! The attempts of one call on a common time axis.

use super::{
    Scene,
    axis::{Axis, Mark, whole_s},
    level,
    pen::{Pen, fit},
    tail::tail,
    words,
};
use crate::{
    domain::timeline::{Attempt, Call},
    ui::{canvas::Canvas, theme::Roles},
};
use ratatui::{layout::Rect, style::Style};

/// Columns left of the bars: marker, number, status, limit.
const HEAD: u16 = 17;
/// Of these, the columns before the limit.
const STATUS: u16 = 8;

const LEVELS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// Columns of the facts right of the bars.
fn facts_columns(width: u16) -> u16 {
    match width {
        110.. => 44,
        80..110 => 30,
        66..80 => 26,
        48..66 => 18,
        _ => 13,
    }
}

/// Draws the timeline of a call: axis, attempts, level, and beneath them what happens now and why.
pub(super) fn draw(scene: &Scene<'_>, call: &Call, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let small = area.width < 60;
    let facts = facts_columns(area.width);
    // Where columns are few the bars take what the words leave.
    let words = call
        .attempts
        .iter()
        .map(|attempt| words::what(attempt).len() as u16);
    let longest = words.max().unwrap_or(0);
    let head = if small {
        (STATUS + longest + 1).clamp(13, HEAD)
    } else {
        HEAD
    };
    let cells = area.width.saturating_sub(head + facts + 2).max(1);
    let extent = whole_s(call, scene.now);
    let axis = Axis::new(scene.view.span(extent.axis, extent.end), cells);
    let bars = area.x + head;
    // Beside a marker's column everything else is indented.
    let indent = u16::from(!small);
    let mut pen = Pen::new(canvas, area);

    if area.height >= 5 {
        let y = pen.here().y;
        pen.skip();
        for (cell, label) in axis.ticks() {
            pen.canvas
                .put(bars + cell, y, &label, roles.quiet, bars + cells);
        }
    }
    let level = area.height >= 6;
    // What the attempts leave free, the policy's rule may have.
    let above = call.attempts.len() + 1 + usize::from(level);
    let free = usize::from(area.height).saturating_sub(above);
    let room = scene.tail_lines.max(free);
    let columns = usize::from(area.width.saturating_sub(indent));
    let tail = tail(scene, call, (room, area.height >= 7), columns);
    let below = tail.len() as u16 + u16::from(level);
    let rows = pen.left().saturating_sub(below).max(1);
    attempt_rows(
        scene,
        call,
        &axis,
        &mut pen,
        (head, facts),
        usize::from(rows),
    );
    if level {
        level_row(scene, call, &axis, &mut pen, head);
    }
    let bottom = area.bottom().saturating_sub(tail.len() as u16);
    let room = Rect {
        y: bottom.max(pen.here().y),
        x: area.x + indent,
        width: area.width.saturating_sub(indent),
        height: tail.len() as u16,
    };
    let mut pen = Pen::new(canvas, room.intersection(area));
    for (text, style) in &tail {
        pen.line(&[(text, style(&roles))]);
    }
}

fn attempt_rows(
    scene: &Scene<'_>,
    call: &Call,
    axis: &Axis,
    pen: &mut Pen<'_, '_>,
    (head, facts): (u16, u16),
    rows: usize,
) {
    let roles = *pen.canvas.roles();
    let view = scene.view;
    let chosen = view.attempt(call).map(|attempt| attempt.n);
    let at = call
        .attempts
        .iter()
        .position(|a| Some(a.n) == chosen)
        .unwrap_or(0);
    let hidden = call.attempts.len().saturating_sub(rows);
    // The newest stay in sight; a chosen older one pulls the window up to itself.
    let first = hidden.min(at);
    for (index, attempt) in call.attempts.iter().enumerate().skip(first).take(rows) {
        let marked = view.attempt == Some(attempt.n);
        let cut = index == first && first > 0;
        row(
            scene,
            call,
            (attempt, call.attempts.get(index + 1)),
            axis,
            pen,
            (head, facts),
            marked,
        );
        if cut {
            let y = pen.here().y.saturating_sub(1);
            let x = pen.here().x;
            pen.canvas.put(x, y, "▲", roles.quiet, x + 1);
        }
    }
}

fn row(
    scene: &Scene<'_>,
    call: &Call,
    (attempt, next): (&Attempt, Option<&Attempt>),
    axis: &Axis,
    pen: &mut Pen<'_, '_>,
    (head, facts): (u16, u16),
    marked: bool,
) {
    let roles = *pen.canvas.roles();
    let here = pen.here();
    pen.skip();
    if here.height == 0 {
        return;
    }
    let (y, bars) = (here.y, here.x + head);
    let tone = tone(&roles, attempt);
    let canvas = &mut *pen.canvas;
    if marked {
        canvas.tint(here, roles.select);
    }
    canvas.put(
        here.x,
        y,
        if marked { "▸" } else { " " },
        roles.accent,
        bars,
    );
    canvas.put_right(
        here.x + 1,
        y,
        &attempt.n.to_string(),
        roles.text,
        here.x + 3,
    );
    let x = canvas.put(here.x + 4, y, &words::status(attempt), tone, bars);
    canvas.put(
        x.max(here.x + STATUS).min(bars),
        y,
        words::what(attempt),
        tone,
        bars.saturating_sub(1),
    );

    let marks = axis.bar(call, attempt, next.map(|next| next.sent_at), scene.now);
    for (cell, mark) in marks.into_iter().enumerate() {
        let Some((glyph, style)) = glyph(mark, &roles) else {
            continue;
        };
        canvas.put(bars + cell as u16, y, glyph, style, bars + axis.cells);
    }
    let words = words::facts(call, attempt, scene.now);
    let text = fit(&words, usize::from(facts));
    let style = if attempt.early { roles.bad } else { roles.text };
    canvas.put(bars + axis.cells + 2, y, &text, style, here.right());
}

/// How a cell of a bar is drawn; nothing where nothing happens.
pub(in crate::ui) const fn glyph(mark: Mark, roles: &Roles) -> Option<(&'static str, Style)> {
    Some(match mark {
        Mark::Blank => return None,
        Mark::InFlight => ("▌", roles.mine),
        Mark::Tokens => ("█", roles.good),
        Mark::Wait => ("▚", roles.quiet),
        Mark::Planned => ("░", roles.border),
        Mark::Hint => ("┊", roles.hint),
        Mark::HintBeyond => ("›", roles.hint),
    })
}

fn tone(roles: &Roles, attempt: &Attempt) -> Style {
    use crate::domain::outcome::Outcome;
    match &attempt.outcome {
        None => roles.mine,
        Some(Outcome::Complete { .. }) => roles.good,
        Some(Outcome::Cancelled) => roles.tight,
        Some(_) => roles.bad,
    }
}

fn level_row(scene: &Scene<'_>, call: &Call, axis: &Axis, pen: &mut Pen<'_, '_>, head: u16) {
    let roles = *pen.canvas.roles();
    let here = pen.here();
    pen.skip();
    let judged = scene.view.judged(call);
    let Some(of) = level::dimension(call, judged) else {
        return;
    };
    if here.height == 0 {
        return;
    }
    let bars = here.x + head;
    let label = format!("{} level", of.label());
    pen.canvas
        .put(here.x + 1, here.y, &label, roles.quiet, bars);
    let pool = scene.profile.board.pool_of(&call.model);
    let limits = scene.profile.card.thresholds;
    let shares = level::shares(call, pool, of, axis, scene.now);
    let last = shares.iter().flatten().last().copied();
    for (cell, share) in shares.into_iter().enumerate() {
        let Some(share) = share else { continue };
        let step = (share.left * 8.0).floor().clamp(0.0, 7.0) as usize;
        let percent = f64::from(share.left) * 100.0;
        let (read, light) = if percent < limits.critical_percent {
            (roles.critical, roles.critical_light)
        } else if percent < limits.tight_percent {
            (roles.tight, roles.tight_light)
        } else {
            (roles.calm, roles.calm_light)
        };
        let style = if share.projected { light } else { read };
        pen.canvas.put(
            bars + cell as u16,
            here.y,
            LEVELS[step],
            style,
            bars + axis.cells,
        );
    }
    if let Some(last) = last {
        let about = if last.projected { "~" } else { "" };
        let percent = crate::ui::format::percent(f64::from(last.left) * 100.0);
        let text = format!("{about}{percent} left");
        pen.canvas.put(
            bars + axis.cells + 2,
            here.y,
            &text,
            roles.quiet,
            here.right(),
        );
    }
}
