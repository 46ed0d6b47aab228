//! State of tab 7: which event is selected, whether its evidence is open.

use super::layout;
use crate::domain::{
    notice::{Notice, Ring},
    wrap::wrap,
};

/// Lines that a sentence may take beneath the list; Enter shows what is longer.
const FOOT: usize = 4;

/// Which events are in sight, and on which lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lines {
    /// The place of the first event shown.
    pub first: usize,
    /// The place of the selected one.
    pub place: usize,
    /// Lines of the list.
    pub list: u16,
    /// Lines beneath it, for the selected sentence where it does not fit its own line.
    pub foot: u16,
}

impl Lines {
    /// The place of the event on that line, counted from the first; beneath the list it is the selected
    /// one's.
    pub fn place_at(&self, line: u16) -> usize {
        if line < self.list {
            self.first + usize::from(line)
        } else {
            self.place
        }
    }
}

/// Whether a list so wide has room for numbers and kinds.
pub const fn is_numbered(width: u16) -> bool {
    width >= 50
}

/// The column of a list so wide at which sentences begin: after the mark of what is selected, number,
/// time, weight and kind.
pub const fn sentence_column(width: u16) -> u16 {
    2 + 8 + 1 + 2 + if is_numbered(width) { 7 + 9 } else { 0 }
}

/// State of tab 7.
#[derive(Clone, Debug, Default)]
pub struct Events {
    /// The number of the selected event; none follows the newest.
    pub seq: Option<u64>,
    /// The first line shown.
    pub first: usize,
    /// Whether the evidence is open, and the selected line there.
    pub open: Option<usize>,
    /// Only events that contain this text.
    pub filter: String,
    /// The newest number that was on screen while this tab was shown.
    pub read: u64,
}

impl Events {
    /// The events of the list, newest first.
    pub fn rows<'r>(&self, ring: &'r Ring) -> Vec<&'r Notice> {
        let needle = self.filter.trim().to_lowercase();
        ring.iter()
            .rev()
            .filter(|notice| needle.is_empty() || notice.sentence.to_lowercase().contains(&needle))
            .collect()
    }

    /// The place of the selected event among `rows`: the newest unless one was chosen.
    pub fn place(&self, rows: &[&Notice]) -> usize {
        self.seq
            .and_then(|seq| rows.iter().position(|notice| notice.seq <= seq))
            .unwrap_or(0)
    }

    /// How the list lies on a screen of that size: the selected sentence can be read to its end.
    pub fn lines(&self, size: layout::Size, rows: &[&Notice]) -> Lines {
        let place = self.place(rows);
        let width = size.0.saturating_sub(2 * u16::from(layout::boxed(size)));
        let height = layout::events(size).1;
        let foot = rows.get(place).map_or(0, |notice| {
            let sentence = notice.sentence.as_str();
            let room = width.saturating_sub(sentence_column(width));
            if sentence.chars().count() <= room.into() {
                return 0;
            }
            let lines = wrap(sentence, width.saturating_sub(2).into()).len();
            lines.min(FOOT) as u16
        });
        let foot = foot.min(height.saturating_sub(1));
        let list = height - foot;
        Lines {
            first: layout::scroll(self.first, place, list.into(), rows.len()),
            place,
            list,
            foot,
        }
    }

    /// Selects a place of the list; the first follows the newest.
    pub fn select(&mut self, rows: &[&Notice], place: usize) {
        let place = place.min(rows.len().saturating_sub(1));
        self.seq = rows
            .get(place)
            .filter(|_| place > 0)
            .map(|notice| notice.seq);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_beneath_the_list_is_the_selected_event() {
        let lines = Lines {
            first: 2,
            place: 4,
            list: 5,
            foot: 2,
        };
        let places: Vec<usize> = (0..7).map(|line| lines.place_at(line)).collect();
        assert_eq!(places, [2, 3, 4, 5, 6, 4, 4]);
    }
}
