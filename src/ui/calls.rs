//! Tab 2 on screen. (In work.)

use super::canvas::Canvas;
use crate::app::{App, Shown};
use ratatui::layout::Rect;

/// Draws tab 2.
pub fn draw(app: &App, shown: &Shown<'_>, canvas: &mut Canvas<'_>, area: Rect) {
    let _ = (app, shown);
    canvas.boxed(area, "Calls");
}
