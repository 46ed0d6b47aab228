//! A buffer with a look: what panels draw on. Nothing drawn ever leaves the area or panics.

use super::theme::{Look, Roles};
use ratatui::{buffer::Buffer, layout::Rect, style::Style};

/// What panels draw on.
pub struct Canvas<'a> {
    /// The cells.
    pub buf: &'a mut Buffer,
    /// How things look.
    pub look: &'a Look,
}

impl Canvas<'_> {
    /// The styles.
    pub fn roles(&self) -> &Roles {
        &self.look.roles
    }

    /// Writes `text` from column `x` and stops before column `end`; the next free column comes back.
    pub fn put(&mut self, x: u16, y: u16, text: &str, style: Style, end: u16) -> u16 {
        let area = self.buf.area;
        let end = end.min(area.right());
        if x >= end || x < area.x || y < area.y || y >= area.bottom() {
            return x.min(end.max(x));
        }
        let mut at = x;
        for (byte, c) in text.char_indices() {
            if at >= end {
                return at;
            }
            if !is_narrow(c) {
                // Wide and combining characters: the slow way, which knows their width.
                let rest = usize::from(end - at);
                return self.buf.set_stringn(at, y, &text[byte..], rest, style).0;
            }
            self.buf[(at, y)].set_char(c).set_style(style);
            at += 1;
        }
        at
    }

    /// The same, and the last cell says `…` when something had to be cut.
    pub fn put_cut(&mut self, x: u16, y: u16, text: &str, style: Style, end: u16) -> u16 {
        let next = self.put(x, y, text, style, end);
        let room = usize::from(end.saturating_sub(x));
        if next >= end && x < end && text.chars().count() > room {
            self.put(end - 1, y, "…", style, end);
        }
        next
    }

    /// Writes `text` so that it ends before column `end`, not left of `start`. What does not fit is
    /// cut at its end.
    pub fn put_right(&mut self, start: u16, y: u16, text: &str, style: Style, end: u16) {
        let width = text.chars().count().min(usize::from(u16::MAX)) as u16;
        let x = end.saturating_sub(width).max(start);
        self.put(x, y, text, style, end);
    }

    /// Writes one glyph `n` times.
    pub fn repeat(&mut self, x: u16, y: u16, glyph: &str, n: u16, style: Style) {
        let area = self.buf.area;
        if y < area.y || y >= area.bottom() {
            return;
        }
        for x in x.max(area.x)..x.saturating_add(n).min(area.right()) {
            self.buf[(x, y)].set_symbol(glyph).set_style(style);
        }
    }

    /// Lays a style under an area (a selected line).
    pub fn tint(&mut self, area: Rect, style: Style) {
        self.buf.set_style(area.intersection(self.buf.area), style);
    }

    /// Marks a line as the selected one: tinted, the marker in its first column.
    pub fn mark(&mut self, line: Rect) {
        let roles = *self.roles();
        self.tint(line, roles.select);
        self.put(line.x, line.y, "▸", roles.accent, line.right());
    }

    /// Makes an area blank, for what lies over the panel.
    pub fn clear(&mut self, area: Rect) {
        let area = area.intersection(self.buf.area);
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                let cell = &mut self.buf[(x, y)];
                cell.reset();
                cell.set_style(self.look.roles.screen);
            }
        }
    }

    /// Joins a box to the one above it, whose lower border is its upper one: draw them in that order.
    pub fn joined(&mut self, area: Rect) {
        let border = self.look.roles.border;
        if area.width >= 2 && area.height > 0 {
            self.put(area.x, area.y, "├", border, area.right());
            self.put(area.right() - 1, area.y, "┤", border, area.right());
        }
    }

    /// A box with rounded corners and a title; what is inside comes back.
    pub fn boxed(&mut self, area: Rect, title: &str) -> Rect {
        let border = self.look.roles.border;
        if area.width < 2 || area.height < 2 {
            return Rect {
                width: 0,
                height: 0,
                ..area
            };
        }
        let (right, bottom) = (area.right() - 1, area.bottom() - 1);
        self.put(area.x, area.y, "╭", border, area.right());
        self.repeat(area.x + 1, area.y, "─", area.width - 2, border);
        self.put(right, area.y, "╮", border, area.right());
        for y in area.y + 1..bottom {
            self.put(area.x, y, "│", border, area.right());
            self.put(right, y, "│", border, area.right());
        }
        self.put(area.x, bottom, "╰", border, area.right());
        self.repeat(area.x + 1, bottom, "─", area.width - 2, border);
        self.put(right, bottom, "╯", border, area.right());
        if !title.is_empty() {
            let title_style = self.look.roles.title;
            let x = self.put(area.x + 1, area.y, " ", border, right);
            let x = self.put_cut(x, area.y, title, title_style, right.saturating_sub(1));
            self.put(x, area.y, " ", border, right);
        }
        Rect {
            x: area.x + 1,
            y: area.y + 1,
            width: area.width - 2,
            height: area.height - 2,
        }
    }
}

/// Characters that are one column wide beyond doubt and never join their neighbours.
const fn is_narrow(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{a1}'..='\u{ac}' | '\u{ae}'..='\u{2ff}'
        | '\u{2010}'..='\u{2027}' | '\u{2190}'..='\u{21ff}' | '\u{2500}'..='\u{25a1}'
        | '\u{25b2}'..='\u{25c9}' | '\u{2800}'..='\u{28ff}')
}

/// Everything outside ASCII becomes something inside it that is as wide and reads alike.
pub(super) fn to_ascii(buf: &mut Buffer) {
    for cell in &mut buf.content {
        let symbol = cell.symbol();
        if symbol.is_ascii() {
            continue;
        }
        let wide = symbol.chars().next().map_or('?', ascii_of);
        cell.set_char(wide);
    }
}

const fn ascii_of(c: char) -> char {
    match c {
        '█' | '▉' | '▊' | '▋' | '▇' | '⣿' => '#',
        '■' => '@',
        '▪' => '%',
        '▌' | '▍' | '▓' | '▐' | '▅' | '▆' => '=',
        '▎' | '▏' | '▒' | '─' | '–' | '━' | '▂' | '▃' | '▄' => '-',
        '░' | '·' | '⠀' | '┄' => '.',
        '▖' => ',',
        '╱' | '▚' | '▞' => '/',
        '│' | '┊' | '┃' | '┆' => '|',
        '╭' | '╮' | '╰' | '╯' | '├' | '┤' | '┬' | '┴' | '┼' => '+',
        '▸' | '›' | '→' => '>',
        '◂' | '‹' | '←' => '<',
        '▲' | '↑' | '△' => '^',
        '▼' | '↓' | '▾' | '▽' => 'v',
        '⏎' => 'E',
        '…' => '~',
        '●' | '◆' | '✓' => '*',
        '○' | '◇' => 'o',
        '✗' | '×' => 'x',
        '▁' => '_',
        '\u{2801}'..='\u{28fe}' => ':',
        '’' | '‘' => '\'',
        '“' | '”' => '"',
        _ => '?',
    }
}

/// An area's left and right half; an odd column is the left one's.
pub fn halves(area: Rect) -> [Rect; 2] {
    let left = Rect {
        width: area.width.div_ceil(2),
        ..area
    };
    let right = Rect {
        x: left.right(),
        width: area.width - left.width,
        ..area
    };
    [left, right]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::theme::{Depth, Theme};
    use proptest::prelude::*;

    fn look() -> Look {
        Look::new(&Theme::default(), Depth::None, false)
    }

    proptest! {
        #[test]
        fn nothing_drawn_anywhere_panics(x in 0u16..50, y in 0u16..50, w in 0u16..50, h in 0u16..50, text in "\\PC{0,60}") {
            let look = look();
            let mut buf = Buffer::empty(Rect::new(0, 0, 20, 10));
            let mut canvas = Canvas { buf: &mut buf, look: &look };
            canvas.put(x, y, &text, Style::new(), w);
            canvas.put_right(x, y, &text, Style::new(), w);
            canvas.repeat(x, y, "x", w, Style::new());
            canvas.boxed(Rect::new(x, y, w, h), &text);
            canvas.clear(Rect::new(x, y, w, h));
            canvas.tint(Rect::new(x, y, w, h), Style::new());
        }
    }

    #[test]
    fn ascii_is_ascii() {
        let mut buf = Buffer::with_lines(["█▏░╭─╮▸⏎…⣷日本"]);
        to_ascii(&mut buf);
        assert!(buf.content.iter().all(|cell| cell.symbol().is_ascii()));
    }
}
