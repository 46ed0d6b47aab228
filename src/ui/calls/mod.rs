//! Tab 2 on screen.
use super::canvas::Canvas;
use crate::app::{App, Shown};
use ratatui::layout::Rect;

pub mod axis;
pub mod words;

/// Draws tab 2.
pub fn draw(app: &App, shown: &Shown<'_>, canvas: &mut Canvas<'_>, area: Rect) {
    let _ = (app, shown);
    canvas.boxed(area, "Calls");
}
