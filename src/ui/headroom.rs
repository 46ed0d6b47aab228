//! Tab 1 on screen.

use super::canvas::Canvas;
use crate::app::{App, Shown};
use ratatui::layout::Rect;

pub(super) fn draw(app: &App, shown: &Shown<'_>, canvas: &mut Canvas<'_>, area: Rect) {
    let _ = (app, shown);
    canvas.boxed(area, "Pools");
}
