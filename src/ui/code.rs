//! The form's policy as code: a choice of targets above the text that Enter copies.

use super::{canvas::Canvas, widgets::popup};
use crate::{app::App, domain::retry::code::Target};
use ratatui::layout::Rect;

/// Columns of the widest text; what is longer is cut on the screen, never in the copy.
const COLUMNS: u16 = 104;
/// Below this width the names of the targets stand close.
const NARROW: u16 = 44;
/// Rows of the targets and the air beneath.
const HEAD: u16 = 2;

/// Draws the layer.
pub(super) fn draw(app: &App, target: Target, first: u16, canvas: &mut Canvas<'_>, area: Rect) {
    let Some(code) = app.code(target) else { return };
    let roles = *canvas.roles();
    let lines: Vec<&str> = code.lines().collect();
    let wanted = (COLUMNS, lines.len() as u16 + HEAD);
    let inner = popup::open(canvas, area, wanted, "The policy as code");
    let mut x = inner.x;
    let air = if inner.width < NARROW { "" } else { " " };
    for it in Target::ALL {
        let style = if *it == target {
            roles.accent.patch(roles.select)
        } else {
            roles.quiet
        };
        x = canvas.put(
            x,
            inner.y,
            &format!("{air}{}{air}", it.name()),
            style,
            inner.right(),
        ) + 1;
    }
    let text = Rect {
        y: inner.y + HEAD,
        height: inner.height.saturating_sub(HEAD),
        ..inner
    };
    let visible = usize::from(text.height);
    let first = usize::from(first).min(lines.len().saturating_sub(visible));
    for (line, y) in lines.iter().skip(first).zip(text.y..text.bottom()) {
        let (code, comment) = split(line);
        let x = canvas.put(text.x, y, code, roles.text, text.right());
        canvas.put(x, y, comment, roles.quiet, text.right());
    }
    if first + visible < lines.len() {
        let y = inner.bottom().min(area.bottom().saturating_sub(1));
        canvas.put_right(inner.x, y, " ↓ more ", roles.quiet, inner.right());
    }
}

/// A line of code and the comment at its end. Marks inside quotes are code.
fn split(line: &str) -> (&str, &str) {
    let starts = ["# ", "// "]
        .iter()
        .filter_map(|mark| {
            let at = line.find(mark)?;
            let before = &line[..at];
            let quoted = before.matches('"').count() % 2 == 1;
            let apart = before.is_empty() || before.ends_with(' ');
            (apart && !quoted).then_some(at)
        })
        .min();
    line.split_at(starts.unwrap_or(line.len()))
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn comments_are_told_from_code() {
        for (line, comment) in [
            ("# all of it", "# all of it"),
            ("ATTEMPTS = 5  # in all", "# in all"),
            ("const A = 5; // in all", "// in all"),
            ("baseURL: \"http://127.0.0.1\"", ""),
            ("say \"# not this\"", ""),
            ("2 // 3", "// 3"),
        ] {
            assert_eq!(split(line).1, comment, "{line}");
        }
    }
}
