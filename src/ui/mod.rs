//! Drawing for people. [`draw`] reads the app and fills a frame; it changes nothing and asks nobody.
//!
//! To add a panel: a file here with one `draw`, an arm in [`draw`], a row in `app::panel::PANELS`.
//! To add a theme: a file in `assets/themes`, a row in [`theme::THEMES`].
//! To add a picture element: a file in `widgets`.

mod brief;
pub mod calls;
pub mod canvas;
mod cards;
mod code;
mod detail;
mod events;
pub mod format;
mod frame;
mod header;
mod headroom;
mod help;
mod rows;
pub mod terminal;
pub mod theme;
mod traffic;
mod welcome;
pub mod widgets;
mod words;

use crate::{
    app::{App, panel::Tab},
    domain::time::Time,
};
use canvas::Canvas;
use ratatui::{Frame, buffer::Buffer, layout::Rect};
use theme::Look;

/// Draws everything at `now`.
pub fn draw(app: &App, look: &Look, now: Time, frame: &mut Frame<'_>) {
    paint(app, look, now, frame.buffer_mut());
}

/// The same into bare cells, for tests and benches.
pub fn paint(app: &App, look: &Look, now: Time, buf: &mut Buffer) {
    let area = buf.area;
    if area.is_empty() {
        return;
    }
    if look.roles.screen.bg.is_some() {
        buf.set_style(area, look.roles.screen);
    }
    let mut canvas = Canvas { buf, look };
    let bands = crate::app::layout::bands((area.width, area.height));
    let body = Rect::new(area.x, bands.body, area.width, bands.rows);
    let shown = app.shown(now);
    frame::draw(app, shown.as_ref(), &mut canvas, area);
    if let Some(shown) = &shown {
        match app.tab() {
            Tab::Headroom => headroom::draw(app, shown, &mut canvas, body),
            Tab::Calls => calls::draw(app, shown, &mut canvas, body),
            Tab::Traffic => traffic::draw(app, shown, &mut canvas, body),
            Tab::Events => events::draw(app, shown, &mut canvas, body),
        }
    } else {
        welcome::draw(&mut canvas, body);
    }
    help::draw(app, &mut canvas, body);
    frame::toast(app, &mut canvas, area);
    if look.ascii {
        canvas::to_ascii(buf);
    }
}
