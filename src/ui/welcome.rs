//! What is shown when there is neither a config file nor a key: what to do.

use super::canvas::Canvas;
use ratatui::layout::Rect;

/// Lines, and how they are said in few columns; those that begin with `$` are commands.
const LINES: &[(&str, &str)] = &[
    (
        "There is no profile and no key in the environment.",
        "No profile, no key in the environment.",
    ),
    ("", ""),
    (
        "See it work, without a key and free of charge:",
        "See it work, free and without a key:",
    ),
    ("$ ratetop demo", "$ ratetop demo"),
    ("", ""),
    ("Look at your own limits:", "Look at your own limits:"),
    (
        "$ export ANTHROPIC_API_KEY=…      live headers, test calls",
        "$ export ANTHROPIC_API_KEY=…",
    ),
    (
        "$ export ANTHROPIC_ADMIN_KEY=…    configured limits of every pool",
        "$ export ANTHROPIC_ADMIN_KEY=…",
    ),
    ("$ ratetop", "$ ratetop"),
    ("", ""),
    (
        "Keep several profiles in a file:",
        "Keep several profiles in a file:",
    ),
    ("$ ratetop config init", "$ ratetop config init"),
];

/// Draws it.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect) {
    let roles = *canvas.roles();
    let wide = area.width >= 66;
    let said = LINES
        .iter()
        .map(|(long, short)| if wide { *long } else { *short });
    // Where they do not fit otherwise, nothing stands between them.
    let airy = usize::from(area.height) >= LINES.len();
    let lines: Vec<&str> = said.filter(|line| airy || !line.is_empty()).collect();
    let width = 68.min(area.width);
    let x = area.x + (area.width - width) / 2;
    let y = area.y + area.height.saturating_sub(lines.len() as u16) / 3;
    for (y, line) in (y..area.bottom()).zip(lines) {
        if let Some(command) = line.strip_prefix("$ ") {
            let x = canvas.put(x + 2, y, "$ ", roles.quiet, area.right());
            let (typed, what) = command.split_once("  ").unwrap_or((command, ""));
            canvas.put(x, y, typed, roles.accent, area.right());
            canvas.put(x + 32, y, what.trim_start(), roles.quiet, area.right());
        } else {
            canvas.put_cut(x, y, line, roles.text, area.right());
        }
    }
}
