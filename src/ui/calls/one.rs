//! One call: its attempts on a time axis, what its refusal was, what it answered.

use super::{Scene, answer, attempts, margin, pen::Pen, room, start, verdict};
use crate::{domain::timeline::Call, ui::canvas::Canvas};
use ratatui::layout::Rect;

/// One call: its attempts over verdict and answer.
pub(super) fn draw(scene: &Scene<'_>, canvas: &mut Canvas<'_>, right: Rect) {
    let call = scene.call();
    // Room for six attempts; more only as they come, so that nothing jumps before.
    let attempts = call.map_or(0, |call| call.attempts.len()).clamp(6, 12) as u16;
    let top = (attempts + 2 + 2 + scene.tail_lines as u16).min(right.height.saturating_sub(9));
    timeline(
        scene,
        call,
        canvas,
        Rect {
            height: top,
            ..right
        },
    );
    let bottom = Rect {
        y: right.y + top,
        height: right.height - top,
        ..right
    };
    halves(scene, call, canvas, bottom);
}

pub(super) fn timeline(
    scene: &Scene<'_>,
    call: Option<&Call>,
    canvas: &mut Canvas<'_>,
    area: Rect,
) {
    let title = call.map_or_else(|| "Attempts".to_owned(), |call| scene.title(call));
    let inner = room(canvas, area, &title);
    let Some(call) = call else {
        let card = &scene.profile.card;
        let why = card.cannot_call_because.as_deref();
        start::timeline(canvas, inner, why.filter(|_| !card.can_call));
        return;
    };
    attempts::draw(scene, call, canvas, margin(inner));
}

/// Verdict and answer beside each other.
pub(super) fn halves(scene: &Scene<'_>, call: Option<&Call>, canvas: &mut Canvas<'_>, area: Rect) {
    let half = Rect {
        width: area.width / 2,
        ..area
    };
    let other = Rect {
        x: half.right(),
        width: area.width - half.width,
        ..area
    };
    let judged = call.and_then(|call| scene.view.judged(call));
    let left = room(canvas, half, &verdict::title(judged));
    let right = room(canvas, other, &answer::title(scene, call));
    if let Some(call) = call {
        verdict::draw(scene, call, judged, canvas, left);
        answer::draw(scene, call, canvas, right);
    } else {
        let quiet = canvas.roles().quiet;
        Pen::new(canvas, left).text(start::VERDICT, quiet, 4);
        Pen::new(canvas, right).text(start::ANSWER, quiet, 4);
    }
}
