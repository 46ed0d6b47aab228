//! One request in full: its attempts in time, the phases of one of them, verdict, headers.

use super::{phases, short_client};
use crate::{
    app::{App, Shown, calls::view::View},
    domain::{clean::clean, timeline::Call},
    ui::{
        calls::{self, Parts, pen::Pen},
        canvas::{Canvas, halves},
    },
};
use ratatui::layout::Rect;

/// Rows of the phases with their box, and where a verdict needs the room.
const PHASES: u16 = 8;
const PHASES_FEW: u16 = 5;

/// Draws it.
pub(super) fn draw(app: &App, shown: &Shown<'_>, view: &View, canvas: &mut Canvas<'_>, area: Rect) {
    let Some(call) = app.traffic().call(shown.profile) else {
        let quiet = canvas.roles().quiet;
        let text = "This request is no longer kept: Esc goes back to the list.";
        Pen::new(canvas, area).text(text, quiet, 3);
        return;
    };
    if area.width >= 60 && area.height >= 16 {
        boxes(app, shown, (call, view), canvas, area);
    } else {
        lines(app, shown, (call, view), canvas, area);
    }
}

fn boxes(
    app: &App,
    shown: &Shown<'_>,
    (call, view): (&Call, &View),
    canvas: &mut Canvas<'_>,
    area: Rect,
) {
    let tall = area.height >= 26;
    let tail: u16 = if tall { 3 } else { 1 };
    let parts = Parts::new(app, shown, view, tail.into());
    let attempts = (call.attempts.len() as u16).clamp(3, if tall { 12 } else { 5 });
    // The axis, the bucket's level, both borders.
    let top = (attempts + 4 + tail).min(area.height.saturating_sub(10));
    let outer = Rect {
        height: top,
        ..area
    };
    let inner = calls::margin(calls::room(canvas, outer, &parts.title(call)));
    parts.attempts(call, canvas, inner);
    let below = Rect {
        y: outer.bottom(),
        height: area.height - top,
        ..area
    };
    let [left, right] = halves(below);
    parts.headers(call, canvas, right);
    let judged = view.judged(call).is_some();
    let height = match (judged, left.height) {
        (false, rows) => rows,
        (true, rows) if rows >= 2 * PHASES => PHASES,
        (true, _) => PHASES_FEW,
    };
    let outer = Rect { height, ..left };
    if let Some(attempt) = view.attempt(call) {
        let title = format!("Phases of attempt {}", attempt.n);
        let inner = calls::room(canvas, outer, &title);
        phases::draw(shown, call, attempt, canvas, inner);
    } else {
        calls::room(canvas, outer, "Phases");
    }
    if judged {
        let rest = Rect {
            y: outer.bottom(),
            height: left.height - height,
            ..left
        };
        parts.verdict(call, canvas, rest);
    }
}

/// No boxes: whose, the attempts, the phases, the verdict in a sentence.
fn lines(
    app: &App,
    shown: &Shown<'_>,
    (call, view): (&Call, &View),
    canvas: &mut Canvas<'_>,
    area: Rect,
) {
    let roles = *canvas.roles();
    let parts = Parts::new(app, shown, view, 1);
    let mut pen = Pen::new(canvas, area);
    let who = clean(short_client(call.client.as_str()), 30);
    let title = format!("{who} · {}", calls::words::headline(call));
    pen.line(&[(&title, roles.title)]);
    let verdict = view
        .judged(call)
        .and_then(|attempt| attempt.verdict.as_ref());
    let foot = if verdict.is_some() { 2 } else { 0 };
    let body = area.height.saturating_sub(1 + foot);
    let attempts = (call.attempts.len() as u16 + 2).min(body.saturating_sub(3));
    let attempts = attempts.max(2).min(body);
    let at = Rect {
        y: area.y + 1,
        height: attempts,
        ..area
    };
    parts.attempts(call, canvas, at.intersection(area));
    let under = Rect {
        y: at.bottom(),
        height: body - attempts,
        ..area
    };
    if let Some(attempt) = view.attempt(call) {
        phases::draw(shown, call, attempt, canvas, under.intersection(area));
    }
    if let Some(verdict) = verdict {
        let last = Rect {
            y: under.bottom(),
            height: foot,
            ..area
        };
        let style = if verdict.retry_helps {
            roles.text
        } else {
            roles.bad
        };
        let text = clean(&verdict.sentence, 400);
        Pen::new(canvas, last.intersection(area)).text(&text, style, 2);
    }
}
