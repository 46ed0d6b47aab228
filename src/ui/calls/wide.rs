//! Tab 2 where there is room for everything.

use super::{Scene, batch, cost, list, margin, one, request, room, run};
use crate::{app::calls::form::Field, ui::canvas::Canvas};
use ratatui::layout::Rect;

/// Columns of form, cost and calls.
const LEFT: u16 = 35;
/// Rows of the form: a line for each field, three for the policy's rule, two borders.
const FORM: u16 = Field::ALL.len() as u16 + 5;

/// Form, cost and calls on the left; timeline over verdict and answer on the right.
pub(super) fn draw(scene: &Scene<'_>, canvas: &mut Canvas<'_>, area: Rect) {
    if let Some(run) = scene.compared().filter(|_| !scene.calls.form_open()) {
        run::draw(scene, run, canvas, area);
        return;
    }
    // Of boxes below each other the lower border of one is the upper border of the next.
    let form_rows = FORM.min(area.height - 4);
    let cost_rows = if scene.profile.card.spend.free { 5 } else { 6 };
    let cost_rows = cost_rows.min((area.height + 1 - form_rows) * 2 / 3);
    let left = Rect {
        width: LEFT,
        ..area
    };
    let form = Rect {
        height: form_rows,
        ..left
    };
    let cost = Rect {
        y: form.bottom() - 1,
        height: cost_rows,
        ..left
    };
    let list = Rect {
        y: cost.bottom() - 1,
        height: area.bottom() - (cost.bottom() - 1),
        ..left
    };
    let right = Rect {
        x: area.x + LEFT,
        width: area.width - LEFT,
        ..area
    };
    if let Some(run) = scene.run() {
        run::draw(scene, run, canvas, right);
    } else if let Some(work) = scene.batch() {
        batch::draw(scene, work, canvas, right);
    } else {
        one::draw(scene, canvas, right);
    }

    let request = margin(room(canvas, form, "Request"));
    let inner = room(canvas, cost, "Cost");
    canvas.joined(cost);
    cost::draw(scene, canvas, inner);
    let title = if scene.view.others {
        "Calls of everybody"
    } else {
        "Calls"
    };
    let inner = margin(room(canvas, list, title));
    canvas.joined(list);
    list::draw(scene, canvas, inner);
    // Last, because its choices lie over the rest.
    request::draw(scene, canvas, request);
}
