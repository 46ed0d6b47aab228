//! A box over the panel, in the middle.

use crate::ui::canvas::Canvas;
use ratatui::layout::Rect;

/// Clears room for a box of at most that size in the middle of `area`, draws it, and returns its
/// inside with one column of air.
pub fn open(canvas: &mut Canvas<'_>, area: Rect, (width, height): (u16, u16), title: &str) -> Rect {
    let width = width.saturating_add(4).min(area.width);
    let height = height.saturating_add(2).min(area.height);
    let outer = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 3,
        width,
        height,
    };
    canvas.clear(outer);
    if width < 6 || height < 3 {
        return outer;
    }
    let inner = canvas.boxed(outer, title);
    let accent = canvas.roles().accent;
    canvas.put(outer.x + 2, outer.y, title, accent, outer.right() - 1);
    Rect {
        x: inner.x + 1,
        width: inner.width.saturating_sub(2),
        ..inner
    }
}
