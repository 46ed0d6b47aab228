//! State of tab 7: which event is selected, whether its evidence is open.

use super::layout;
use crate::domain::{
    notice::{Alike, Notice, Ring},
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

/// How often something like it happened, as it stands on the right of its line: ` ×12`, nothing for
/// once.
pub fn times(count: usize) -> String {
    if count > 1 {
        format!(" ×{count}")
    } else {
        String::new()
    }
}

/// State of tab 7.
#[derive(Clone, Debug, Default)]
pub struct Events {
    /// The number of the selected event, or of the newest of those alike when it was selected; none
    /// follows the newest.
    pub seq: Option<u64>,
    /// Whether each event is a line by itself; else those alike are one.
    pub each: bool,
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
    /// The lines of the list, newest first.
    pub fn rows<'r>(&self, ring: &'r Ring) -> Vec<Alike<'r>> {
        let needle = self.filter.trim().to_lowercase();
        let fitting = ring
            .iter()
            .rev()
            .filter(|notice| needle.is_empty() || notice.sentence.to_lowercase().contains(&needle));
        if self.each {
            fitting.map(Alike::alone).collect()
        } else {
            Alike::fold(fitting)
        }
    }

    /// The place of the selected event among `rows`: the newest unless one was chosen.
    pub fn place(&self, ring: &Ring, rows: &[Alike<'_>]) -> usize {
        let Some(seq) = self.seq else { return 0 };
        let chosen = ring.iter().find(|notice| notice.seq == seq);
        chosen
            .filter(|_| !self.each)
            .and_then(|chosen| rows.iter().position(|row| row.has(chosen)))
            .or_else(|| rows.iter().position(|row| row.newest.seq <= seq))
            .unwrap_or(0)
    }

    /// The event whose evidence is open, and the selected line there. It stays the same one while others
    /// like it come.
    pub fn opened<'r>(&self, ring: &'r Ring) -> Option<(usize, &'r Notice)> {
        let line = self.open?;
        let seq = self.seq.unwrap_or(u64::MAX);
        let kept = ring.iter().rev().find(|notice| notice.seq <= seq);
        Some((line, kept.or_else(|| ring.iter().next())?))
    }

    /// How the list lies on a screen of that size: the selected sentence can be read to its end.
    pub fn lines(&self, size: layout::Size, ring: &Ring, rows: &[Alike<'_>]) -> Lines {
        let place = self.place(ring, rows);
        let width = size.0.saturating_sub(2 * u16::from(layout::boxed(size)));
        let height = layout::events(size).1;
        let foot = rows.get(place).map_or(0, |row| {
            let sentence = row.said();
            let room = width
                .saturating_sub(sentence_column(width))
                .saturating_sub(times(row.count).chars().count() as u16);
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
    pub fn select(&mut self, rows: &[Alike<'_>], place: usize) {
        let place = place.min(rows.len().saturating_sub(1));
        self.seq = rows
            .get(place)
            .filter(|_| place > 0)
            .map(|row| row.newest.seq);
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
