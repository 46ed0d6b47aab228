//! The help of a tab: its lines, how they lie on a screen of a size, and how far they scroll.

use super::{
    command::COMMANDS,
    layout::{self, Size},
    panel::Tab,
};
use crate::domain::wrap::wrap;

/// Signs that the table of pools uses, and what they mean.
const SIGNS: &[(&str, &str)] = &[
    ("▇", "what is left; its pale or low part is not certain"),
    ("~", "a projection, not a reading"),
    ("▼", "time until it is empty at this burn"),
    ("▲", "time until it is full if nobody draws"),
    (
        "?",
        "not known; after a name: a guess from the built-in table",
    ),
    (
        "live",
        "a header of the last seconds; proj: what must have happened since",
    ),
    (
        "*",
        "counts cache reads too; of two input limits the tighter is shown",
    ),
    ("EMPTY", "nothing is left; DEBT: less than nothing"),
    ("SPENT", "refused for money, whatever is left"),
    ("╱╱╱", "stale: the last header is too old to say anything"),
    ("───", "only the limit is known, or nothing"),
];

/// Signs that the list of requests and its totals use.
const SIGNS_OF_TRAFFIC: &[(&str, &str)] = &[
    (
        "✓ × …",
        "an attempt: answered, failed, under way; 6×✓: six failed before",
    ),
    ("○", "given up by the client"),
    ("▖ ▄", "in its bar: in flight; tokens arrive"),
    ("┄ ┊", "the client waits; until here the server asked it to"),
    ("EARLY", "the client came back before that, and by how much"),
    (
        "retry?",
        "it may come back by now; no use: a retry cannot help",
    ),
    (
        "!",
        "STACKED: retries of a loop around an SDK that retries by itself",
    ),
    ("×1.14", "attempts on the wire for each call"),
];

/// Columns of the text beside the keys: in one column of them, in each of two.
const TEXT: u16 = 60;
const TEXT_OF_TWO: u16 = 37;
/// Columns of the keys.
const KEYS: u16 = 17;
/// The same where there are few; then only the first key of each is shown.
const KEYS_NARROW: u16 = 8;

/// A line of help: the keys where an entry begins, and a piece of its sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Keys in words, or a sign.
    pub keys: String,
    /// What they do.
    pub text: &'static str,
}

/// How the help of a tab lies on a screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Every key that works there, then the signs.
    pub lines: Vec<Line>,
    /// Lines of the first of two columns, where both together show everything.
    pub half: Option<usize>,
    /// Columns of the keys.
    pub keys: u16,
    /// Columns of the text.
    pub text: u16,
    /// Lines in sight.
    pub visible: usize,
}

impl Page {
    /// The help of a tab on a screen of that size.
    pub fn of(tab: Tab, size: Size) -> Self {
        let rows = usize::from(layout::bands(size).rows);
        let two = lines(tab, TEXT_OF_TWO, false);
        // An entry is not torn apart between the two columns.
        let half = two.len().div_ceil(2);
        let torn = two.iter().skip(half);
        let half = half + torn.take_while(|line| line.keys.is_empty()).count();
        if size.0 >= 2 * (KEYS + 1 + TEXT_OF_TWO) + 7 && rows >= half + 2 {
            return Self {
                lines: two,
                half: Some(half),
                keys: KEYS,
                text: TEXT_OF_TWO,
                visible: half,
            };
        }
        let narrow = size.0 < 54;
        let keys = if narrow { KEYS_NARROW } else { KEYS };
        let text = TEXT.min(size.0.saturating_sub(keys + 5));
        let lines = lines(tab, text, narrow);
        let visible = lines.len().min(rows.saturating_sub(2));
        Self {
            lines,
            half: None,
            keys,
            text,
            visible,
        }
    }

    /// The first line when the last is in sight.
    pub fn last(&self) -> u16 {
        match self.half {
            Some(_) => 0,
            None => self.lines.len().saturating_sub(self.visible) as u16,
        }
    }
}

fn lines(tab: Tab, columns: u16, narrow: bool) -> Vec<Line> {
    let here = COMMANDS.iter().filter(|row| row.works_on(tab));
    let keys = here.map(|row| {
        let keys = if narrow {
            row.keys.first().map(|c| c.label()).unwrap_or_default()
        } else {
            row.key_labels()
        };
        (keys, row.sentence)
    });
    let signs = match tab {
        Tab::Traffic => SIGNS_OF_TRAFFIC,
        Tab::Headroom | Tab::Calls | Tab::Events => SIGNS,
    };
    let signs = signs.iter().map(|(sign, what)| ((*sign).to_owned(), *what));
    let gap = std::iter::once((String::new(), ""));
    let mut lines = Vec::new();
    for (keys, sentence) in keys.chain(gap).chain(signs) {
        let mut keys = Some(keys);
        for text in wrap(sentence, columns.into()) {
            let keys = keys.take().unwrap_or_default();
            lines.push(Line { keys, text });
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_marks_of_traffic_are_explained_on_every_screen() {
        for size in [(40, 12), (80, 24), (120, 36), (200, 60)] {
            let page = Page::of(Tab::Traffic, size);
            let at = page.lines.iter().position(|line| line.keys == "!");
            let text = page.lines[at.unwrap()].text;
            assert!(text.starts_with("STACKED: retries"), "{size:?} {text}");
        }
    }

    #[test]
    fn what_is_scrolled_to_its_end_shows_the_last_line_in_the_lowest_row() {
        for size in [(40, 12), (80, 24), (120, 36), (20, 6)] {
            let page = Page::of(Tab::Calls, size);
            let last = usize::from(page.last());
            if page.half.is_none() {
                assert_eq!(last + page.visible, page.lines.len(), "{size:?}");
            }
        }
    }
}
