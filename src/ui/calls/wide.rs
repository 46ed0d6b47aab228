//! Tab 2 where there is room for everything.

use super::{Scene, cost, list, margin, one, request, room, run};
use crate::ui::canvas::Canvas;
use ratatui::layout::Rect;

/// Form, cost and calls on the left; timeline over verdict and answer on the right.
pub(super) fn draw(scene: &Scene<'_>, canvas: &mut Canvas<'_>, area: Rect) {
    const LEFT: u16 = 35;
    if let Some(run) = scene.compared().filter(|_| !scene.calls.form_open()) {
        run::draw(scene, run, canvas, area);
        return;
    }
    let form_rows = 24.min(area.height * 3 / 5 + 5);
    let free = scene.profile.card.spend.free;
    let cost_rows = if free { 5 } else { 6 }.min((area.height - form_rows) * 2 / 3);
    let left = Rect {
        width: LEFT,
        ..area
    };
    let form = Rect {
        height: form_rows,
        ..left
    };
    let cost = Rect {
        y: form.bottom(),
        height: cost_rows,
        ..left
    };
    let list = Rect {
        y: cost.bottom(),
        height: area.height - form_rows - cost_rows,
        ..left
    };
    let right = Rect {
        x: area.x + LEFT,
        width: area.width - LEFT,
        ..area
    };
    if let Some(run) = scene.run() {
        run::draw(scene, run, canvas, right);
    } else {
        one::draw(scene, canvas, right);
    }

    let inner = room(canvas, cost, "Cost");
    cost::draw(scene, canvas, inner);
    let title = if scene.view.others {
        "Calls of everybody"
    } else {
        "Calls"
    };
    let inner = margin(room(canvas, list, title));
    list::draw(scene, canvas, inner);
    // Last, because its choices lie over the rest.
    let inner = margin(room(canvas, form, "Request"));
    request::draw(scene, canvas, inner);
}
