//! The attempts of one call on a common time axis.

use super::{
    Scene,
    axis::{Axis, Mark, whole_s},
    level,
    pen::{Pen, clipped, fit, wrap},
    words,
};
use crate::{
    domain::{
        clean::clean,
        observation::CallResult,
        retry::{Action, Policy},
        time::seconds_between,
        timeline::{Attempt, Call, Doing},
    },
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
    let tail = tail(scene, call, room, columns);
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

type Pick = fn(&Roles) -> Style;

/// What happens now, why, and the policy's rule.
fn tail(scene: &Scene<'_>, call: &Call, room: usize, columns: usize) -> Vec<(String, Pick)> {
    let mut tail: Vec<(String, Pick)> = Vec::new();
    let (now, style) = doing(scene, call);
    tail.push((fit_front(&now, columns), style));
    let view = scene.view;
    let decided = match view.attempt {
        Some(_) => view.attempt(call),
        None => call
            .attempts
            .iter()
            .rev()
            .find(|attempt| attempt.decision.is_some()),
    };
    if let Some((attempt, decision)) = decided.and_then(|a| Some((a, a.decision.as_ref()?))) {
        let verb = match decision.action {
            Action::Retry => format!("waits {}", words::span(decision.wait_s)),
            Action::Stop => "stops".to_owned(),
        };
        let reason = clean(&decision.reason, 200);
        let why = format!("after {}: {verb}, {reason}", attempt.n);
        tail.extend(
            clipped(wrap(&why, columns), room.saturating_sub(1).min(3), columns)
                .into_iter()
                .map(|line| (line, (|r| r.text) as Pick)),
        );
    }
    if tail.len() < room && !call.policy.is_empty() {
        let rule = policy(scene, call).map_or("as the config file defines it", Policy::rule);
        let rule = format!("{}: {rule}", clean(&call.policy, 40));
        tail.extend(
            clipped(wrap(&rule, columns), room - tail.len(), columns)
                .into_iter()
                .map(|line| (line, (|r| r.quiet) as Pick)),
        );
    }
    tail
}

/// The policy of a call, built in or of the config file.
fn policy(scene: &Scene<'_>, call: &Call) -> Option<Policy> {
    let known = scene.calls.form().policies.iter().copied();
    known
        .chain(Policy::ALL.iter().copied())
        .find(|it| it.name() == call.policy)
}

/// Parts joined, without the last ones as long as all do not fit.
fn fit_front(parts: &[String], columns: usize) -> String {
    let fitting = (1..=parts.len()).rev().map(|to| parts[..to].join(" · "));
    let mut fitting = fitting.skip_while(|line| super::pen::width(line) > columns);
    fitting
        .next()
        .or_else(|| parts.first().cloned())
        .unwrap_or_default()
}

/// What the call does now, and totals.
pub(super) fn doing(scene: &Scene<'_>, call: &Call) -> (Vec<String>, Pick) {
    let elapsed = call.elapsed_s(scene.now);
    let tries = call.tries();
    let (what, style): (String, Pick) = match call.doing() {
        Doing::InFlight => ("in flight".to_owned(), |r| r.mine),
        Doing::Receiving => ("the answer arrives".to_owned(), |r| r.good),
        Doing::Deciding if call.may_come_back_since().is_some() => {
            ("the client may come back".to_owned(), |r| r.hint)
        }
        Doing::Deciding => ("deciding".to_owned(), |r| r.text),
        Doing::Waiting(due) => {
            let left = words::countdown(seconds_between(scene.now, due));
            (format!("next attempt in {left}"), |r| r.hint)
        }
        Doing::Held(hold) => (format!("held back for {}", hold.gate.short()), |r| r.mine),
        Doing::Over(CallResult::Ok) => ("answered".to_owned(), |r| r.good),
        Doing::Over(CallResult::Failed) => ("gave up".to_owned(), |r| r.bad),
        Doing::Over(CallResult::Cancelled) => ("cancelled".to_owned(), |r| r.tight),
    };
    let budget = policy(scene, call).and_then(Policy::budget_s);
    // While it runs only whole seconds are shown, so that they tick.
    let elapsed = if call.is_open() && call.may_come_back_since().is_none() {
        format!("{:.0} s", elapsed.floor())
    } else {
        words::span(elapsed)
    };
    let mut parts = vec![what];
    match call.early_retries() {
        0 => {}
        1 => parts.push("1 EARLY retry".to_owned()),
        n => parts.push(format!("{n} EARLY retries")),
    }
    let one = call.allowed.is_none() && tries == 1;
    parts.push(format!(
        "{} attempt{}",
        call.tries_of_allowed(),
        if one { "" } else { "s" }
    ));
    parts.push(match budget {
        Some(budget) => format!("{elapsed} of {budget:.0} s"),
        None => elapsed,
    });
    let hops = call.attempts.len() as u32 - tries.min(call.attempts.len() as u32);
    if hops > 0 {
        parts.push(format!(
            "{hops} turn{} continued",
            if hops == 1 { "" } else { "s" }
        ));
    }
    let slept: f64 = call
        .attempts
        .iter()
        .filter_map(|attempt| attempt.slept_s)
        .sum();
    if slept > 0.0 {
        parts.push(format!("slept {}", words::span(slept)));
    }
    (parts, style)
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
