//! The newest events, those that say the same as one line.

use super::pad;
use crate::domain::wrap::wrap;
use crate::{
    app::Shown,
    domain::notice::{Alike, Weight},
    ui::{brief::brief, canvas::Canvas, format},
};
use ratatui::layout::Rect;
use std::borrow::Cow;

/// Events looked at for the card: folding must not cost a frame.
const FOLDED: usize = 100;

/// Draws the card.
pub(super) fn draw(shown: &Shown<'_>, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let inner = pad(canvas.boxed(area, "Newest events"));
    let end = inner.right();
    if shown.ring.total() == 0 {
        canvas.put(inner.x, inner.y, "none yet", roles.quiet, end);
        return;
    }
    let mut groups = Alike::fold(shown.ring.iter().rev().take(FOLDED));
    groups.truncate(inner.height.into());
    let mut spare = usize::from(inner.height) - groups.len();
    let mut y = inner.y;
    for group in groups {
        let notice = group.newest;
        let clock = format::clock(notice.at, shown.offset_s);
        let x = canvas.put(inner.x, y, &clock, roles.quiet, end) + 1;
        let style = match notice.weight {
            Weight::Info => roles.text,
            Weight::Warning => roles.tight,
            Weight::Error => roles.bad,
        };
        let mut right = end;
        if group.count > 1 {
            let times = format!(" ×{}", group.count);
            canvas.put_right(x, y, &times, roles.strong, end);
            right = end.saturating_sub(times.chars().count() as u16);
        }
        // One event alone tells the rest of its sentence, in as many words as there is room for.
        let room = usize::from(right.saturating_sub(x));
        let said = group.said();
        let text = if group.count == 1 && wrap(said, room).len() <= 1 + spare {
            Cow::Borrowed(said)
        } else {
            brief(said, room)
        };
        let parts = wrap(&text, room);
        let lines = parts.len().min(1 + spare);
        spare -= lines - 1;
        for part in parts.iter().take(lines - 1) {
            canvas.put(x, y, part, style, right);
            y += 1;
        }
        let rest = parts.get(lines - 1..).unwrap_or_default().join(" ");
        canvas.put_cut(x, y, &rest, style, right);
        y += 1;
    }
}
