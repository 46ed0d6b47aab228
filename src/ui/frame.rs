//! The header line, the tab line and the footer.

use super::canvas::Canvas;
use crate::app::{App, Shown};
use ratatui::layout::Rect;

pub(super) fn draw(app: &App, shown: Option<&Shown<'_>>, canvas: &mut Canvas<'_>, area: Rect) {
    let _ = (app, shown);
    let accent = canvas.roles().accent;
    canvas.put(1, area.y, "ratetop", accent, area.right());
}
