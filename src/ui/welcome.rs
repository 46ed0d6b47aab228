//! What is shown when there is neither a config file nor a key: what to do.

use super::canvas::Canvas;
use ratatui::layout::Rect;

/// Lines; those that begin with `$` are commands.
const LINES: &[&str] = &[
    "There is no profile and no key in the environment.",
    "",
    "See it work, without a key and free of charge:",
    "$ ratetop demo",
    "",
    "Look at your own limits:",
    "$ export ANTHROPIC_API_KEY=…      live headers, test calls",
    "$ export ANTHROPIC_ADMIN_KEY=…    configured limits of every pool",
    "$ ratetop",
    "",
    "Keep several profiles in a file:",
    "$ ratetop config init",
];

/// Draws it.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let width = 68.min(area.width);
    let height = LINES.len() as u16;
    let x = area.x + (area.width - width) / 2;
    let y = area.y + area.height.saturating_sub(height) / 3;
    for (i, line) in LINES.iter().enumerate() {
        let y = y + i as u16;
        if y >= area.bottom() {
            break;
        }
        if let Some(command) = line.strip_prefix("$ ") {
            let x = canvas.put(x + 2, y, "$ ", roles.quiet, area.right());
            let (typed, what) = command.split_once("  ").unwrap_or((command, ""));
            canvas.put(x, y, typed, roles.accent, area.right());
            let what = what.trim_start();
            if area.width >= 66 {
                canvas.put(x + 32, y, what, roles.quiet, area.right());
            }
        } else {
            canvas.put(x, y, line, roles.text, area.right());
        }
    }
}
