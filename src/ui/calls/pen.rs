//! Lines of text in a rectangle, from top to bottom.

use crate::ui::canvas::Canvas;
use ratatui::{layout::Rect, style::Style, text::Span};

/// Writes lines into a rectangle until it is full; what does not fit is not drawn.
pub(in crate::ui) struct Pen<'c, 'a> {
    /// What is drawn on.
    pub canvas: &'c mut Canvas<'a>,
    area: Rect,
    y: u16,
}

impl<'c, 'a> Pen<'c, 'a> {
    /// At the top of a rectangle.
    pub fn new(canvas: &'c mut Canvas<'a>, area: Rect) -> Self {
        let area = area.intersection(canvas.buf.area);
        Self {
            canvas,
            area,
            y: area.y,
        }
    }

    /// Lines that are left.
    pub fn left(&self) -> u16 {
        self.area.bottom().saturating_sub(self.y)
    }

    /// Columns of a line.
    pub fn width(&self) -> u16 {
        self.area.width
    }

    /// The rectangle of the next line.
    pub fn here(&self) -> Rect {
        Rect {
            y: self.y,
            height: self.left().min(1),
            ..self.area
        }
    }

    /// One line of parts.
    pub fn line(&mut self, parts: &[(&str, Style)]) {
        if self.left() > 0 {
            let mut x = self.area.x;
            for (text, style) in parts {
                x = self.canvas.put(x, self.y, text, *style, self.area.right());
            }
        }
        self.y = self.y.saturating_add(1);
    }

    /// A text at the right end of the line written last.
    pub fn right_of_last(&mut self, text: &str, style: Style) {
        let y = self.y.saturating_sub(1);
        if y >= self.area.y && y < self.area.bottom() {
            self.canvas
                .put_right(self.area.x, y, text, style, self.area.right());
        }
    }

    /// A label of a fixed width, then text that wraps beneath itself; at most `most` lines.
    pub fn pair(&mut self, label: &str, column: u16, text: &str, style: Style, most: usize) {
        let quiet = self.canvas.roles().quiet;
        let room = usize::from(self.area.width.saturating_sub(column)).max(1);
        let lines = clipped(wrap(text, room), most, room);
        for (index, line) in lines.iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            let label = format!("{label:<width$}", width = usize::from(column));
            self.line(&[(&label, quiet), (line, style)]);
        }
    }

    /// Text that wraps; at most `most` lines.
    pub fn text(&mut self, text: &str, style: Style, most: usize) {
        self.pair("", 0, text, style, most);
    }

    /// An empty line.
    pub fn skip(&mut self) {
        self.y = self.y.saturating_add(1);
    }
}

/// At most `most` lines; the last takes up what it can of the rest and says with `…` that something is
/// missing.
pub(in crate::ui) fn clipped(mut lines: Vec<String>, most: usize, columns: usize) -> Vec<String> {
    if lines.len() <= most {
        return lines;
    }
    let rest = lines.split_off(most.saturating_sub(1));
    if most > 0 {
        lines.push(cut(&rest.join(" "), columns));
    }
    lines
}

/// The text, or as much of it as fits before a `…`.
pub(in crate::ui) fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 1;
    let mut letter = [0; 4];
    for c in text.chars() {
        used += width(c.encode_utf8(&mut letter));
        if used > columns {
            break;
        }
        kept.push(c);
    }
    kept.push('…');
    kept
}

/// Columns that a text takes.
pub(in crate::ui) fn width(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        Span::raw(text).width()
    }
}

/// `text` in lines of at most `columns`, broken between words where possible. A wide character in one
/// column stands alone on its line.
pub(in crate::ui) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        let mut used = 0;
        for word in paragraph.split_inclusive(' ') {
            let bare = width(word.trim_end_matches(' '));
            if used > 0 && used + bare > columns {
                lines.push(std::mem::take(&mut line).trim_end_matches(' ').to_owned());
                used = 0;
            }
            if bare <= columns {
                line.push_str(word);
                used += width(word);
                continue;
            }
            let mut letter = [0; 4];
            for c in word.chars() {
                let wide = width(c.encode_utf8(&mut letter));
                if used > 0 && used + wide > columns {
                    lines.push(std::mem::take(&mut line));
                    used = 0;
                }
                line.push(c);
                used += wide;
            }
        }
        lines.push(line.trim_end_matches(' ').to_owned());
    }
    lines
}

/// The parts joined by ` · `, without the first ones as long as all do not fit.
pub(in crate::ui) fn fit(parts: &[String], columns: usize) -> String {
    for from in 0..parts.len() {
        let joined = parts[from..].join(" · ");
        if width(&joined) <= columns {
            return joined;
        }
    }
    let last = parts.last().map_or("", String::as_str);
    if width(last) <= columns {
        return last.to_owned();
    }
    // Whole words, and a mark that there are more.
    let mut kept = wrap(last, columns.saturating_sub(1)).swap_remove(0);
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_break_between_words_and_newlines_stay() {
        assert_eq!(
            wrap("one two three\n\nfour", 8),
            ["one two", "three", "", "four"]
        );
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("日本語", 4), ["日本", "語"]);
        assert_eq!(wrap("", 4), [""]);
    }

    #[test]
    fn the_last_facts_stay_longest() {
        let parts = ["asked 17 s", "slept 0.5 s", "16.5 s EARLY"].map(str::to_owned);
        assert_eq!(fit(&parts, 60), "asked 17 s · slept 0.5 s · 16.5 s EARLY");
        assert_eq!(fit(&parts, 30), "slept 0.5 s · 16.5 s EARLY");
        assert_eq!(fit(&parts, 8), "16.5 s…");
        assert_eq!(fit(&[], 3), "");
    }

    proptest! {
        #[test]
        fn no_line_is_too_wide_and_no_letter_is_lost(text in "[a-z日 \n]{0,80}", columns in 2_usize..20) {
            let lines = wrap(&text, columns);
            prop_assert!(lines.iter().all(|line| width(line) <= columns));
            let letters = |s: &str| s.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
        }
    }
}
