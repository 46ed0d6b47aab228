//! State of tab 7: which event is selected, whether its evidence is open.

use crate::domain::notice::{Notice, Ring};

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

    /// Selects a place of the list; the first follows the newest.
    pub fn select(&mut self, rows: &[&Notice], place: usize) {
        let place = place.min(rows.len().saturating_sub(1));
        self.seq = rows
            .get(place)
            .filter(|_| place > 0)
            .map(|notice| notice.seq);
    }
}
