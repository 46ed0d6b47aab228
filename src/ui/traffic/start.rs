//! What stands on tab 3 before anything has passed: what it will show, and how to make it pass.

use crate::{
    app::Shown,
    ui::{calls::pen::Pen, canvas::Canvas, cards},
};
use ratatui::layout::Rect;

/// What the tab is for.
const WHAT: &str = "Nothing has passed yet. Calls of your own programs are listed here as they happen: \
                    how each was answered, how often it was retried, what the server asked for and \
                    what the client slept, tokens and speed.";

/// Draws it.
pub(super) fn draw(shown: &Shown<'_>, canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let boxed = area.width >= 60 && area.height >= 10;
    let inner = if boxed {
        cards::pad(canvas.boxed(area, "Traffic"))
    } else {
        area
    };
    let mut pen = Pen::new(canvas, inner);
    if boxed {
        pen.skip();
    }
    pen.text(WHAT, roles.text, 6);
    pen.skip();
    if let Some(tap) = &shown.profile.card.tap {
        let url = format!("ANTHROPIC_BASE_URL=http://{tap}");
        pen.text("The tap listens. Point a program at it:", roles.text, 2);
        if boxed {
            pen.line(&[
                ("  $ ", roles.quiet),
                ("export ", roles.accent),
                (&url, roles.accent),
            ]);
        } else {
            pen.text(&url, roles.accent, 3);
        }
    } else {
        let text = "This profile has no tap in front of the API. See traffic in the demo:";
        pen.text(text, roles.text, 2);
        pen.line(&[("  $ ", roles.quiet), ("ratetop demo", roles.accent)]);
    }
}
