//! Where things are, as numbers. Drawing and clicking share it, so a click lands on what is drawn.

use super::panel::{PANELS, Tab};

/// Columns and rows.
pub type Size = (u16, u16);

/// The bands of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bands {
    /// Row of the header line, if there is room.
    pub header: Option<u16>,
    /// Row of the tab line, if there is room.
    pub tabs: Option<u16>,
    /// First row of the panel.
    pub body: u16,
    /// Rows of the panel.
    pub rows: u16,
    /// Row of the footer, if there is room.
    pub footer: Option<u16>,
}

/// The bands at a size. The panel keeps at least one row, whatever happens.
pub fn bands((_, height): Size) -> Bands {
    let header = (height >= 2).then_some(0);
    let tabs = (height >= 5).then_some(1);
    let footer = (height >= 4).then(|| height - 1);
    let body = u16::from(header.is_some()) + u16::from(tabs.is_some());
    Bands {
        header,
        tabs,
        body,
        rows: height.saturating_sub(body + u16::from(footer.is_some())),
        footer,
    }
}

/// Whether panels draw boxes at a size; below, lists go without.
pub fn boxed((width, height): Size) -> bool {
    width >= 60 && height >= 16
}

/// Columns of ` (12)`, the count of new events.
fn mark_width(new: u64) -> u16 {
    new.checked_ilog10().map_or(0, |log| 4 + log as u16)
}

/// Whether only the tab in front shows its title, the others their digit. It does not depend on how
/// many events are new, so that nothing jumps.
pub fn short_tabs((width, _): Size) -> bool {
    let titles = PANELS.iter().map(|panel| panel.title.len() as u16 + 5);
    titles.sum::<u16>() + mark_width(999) > width + 1
}

/// Whether not even the tab in front has room for its title.
pub fn bare_tabs((width, _): Size) -> bool {
    let longest = PANELS.iter().map(|panel| panel.title.len()).max();
    let digits = PANELS.len() as u16 * 4;
    digits + longest.unwrap_or(0) as u16 + mark_width(99) > width
}

/// The tabs with their first column and width: ` 1 Headroom `, and on Events the count of new ones.
pub fn tabs(front: Tab, new: u64, size: Size) -> impl Iterator<Item = (Tab, u16, u16)> {
    let (short, bare) = (short_tabs(size), bare_tabs(size));
    let mut x = 0;
    PANELS.iter().map(move |panel| {
        let new = if panel.tab == Tab::Events { new } else { 0 };
        let title = if bare || (short && panel.tab != front) {
            0
        } else {
            panel.title.len() as u16 + 1
        };
        let width = 3 + title + mark_width(new);
        let at = x;
        x += width + 1;
        (panel.tab, at, width)
    })
}

/// The first row of tab 7's list, from the top of the screen, and the events that fit.
pub fn events(size: Size) -> (u16, u16) {
    let bands = bands(size);
    let edge = u16::from(boxed(size));
    (bands.body + edge, bands.rows.saturating_sub(2 * edge))
}

/// How tab 1 divides its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Headroom {
    /// Whether the pools have a box around them and column heads.
    pub boxed: bool,
    /// Row of the first pool, from the top of the screen.
    pub first: u16,
    /// Pools that fit.
    pub visible: u16,
    /// Row where the cards begin, if there is room for them.
    pub cards: Option<u16>,
    /// Rows of the cards.
    pub cards_rows: u16,
}

/// The least rows that the cards below the pools are worth.
const CARDS_LEAST: u16 = 8;

/// How tab 1 divides its rows for that many pools.
pub fn headroom(size: Size, pools: usize) -> Headroom {
    let bands = bands(size);
    let pools = u16::try_from(pools).unwrap_or(u16::MAX).max(1);
    if !boxed(size) {
        return Headroom {
            boxed: false,
            first: bands.body,
            visible: bands.rows,
            cards: None,
            cards_rows: 0,
        };
    }
    let least_table = pools.min(4) + 3;
    let cards = bands.rows >= least_table + CARDS_LEAST;
    let table = if cards {
        (pools.saturating_add(3)).min(bands.rows - CARDS_LEAST)
    } else {
        pools.saturating_add(3).min(bands.rows)
    };
    Headroom {
        boxed: true,
        first: bands.body + 2,
        visible: table.saturating_sub(3),
        cards: cards.then_some(bands.body + table),
        cards_rows: if cards { bands.rows - table } else { 0 },
    }
}

/// How tab 3 divides its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// Whether the requests have a box around them and column heads.
    pub boxed: bool,
    /// Rows of the totals in words, above the requests.
    pub digest: u16,
    /// Row of the first request, from the top of the screen.
    pub list: u16,
    /// Requests that fit.
    pub visible: u16,
    /// Row where the tables of totals begin, if there is room for them.
    pub tables: Option<u16>,
    /// Their rows.
    pub tables_rows: u16,
}

/// How tab 3 divides its rows.
pub fn traffic(size: Size) -> Traffic {
    let bands = bands(size);
    if !boxed(size) {
        let digest = u16::from(bands.rows >= 5);
        return Traffic {
            boxed: false,
            digest,
            list: bands.body + digest,
            visible: bands.rows - digest,
            tables: None,
            tables_rows: 0,
        };
    }
    let digest = if bands.rows >= 18 { 3 } else { 2 };
    let tables_rows = if size.0 >= 100 && bands.rows >= 26 {
        (bands.rows * 3 / 11).min(14)
    } else {
        0
    };
    // Two borders and the heads.
    let visible = bands.rows.saturating_sub(digest + tables_rows + 3);
    Traffic {
        boxed: true,
        digest,
        list: bands.body + digest + 2,
        visible,
        tables: (tables_rows > 0).then_some(bands.body + digest + visible + 3),
        tables_rows,
    }
}

/// The first of `len` lines to show so that `selected` is among the `visible` ones, moving from
/// `before` as little as possible.
pub fn scroll(before: usize, selected: usize, visible: usize, len: usize) -> usize {
    let visible = visible.max(1);
    let least = (selected + 1).saturating_sub(visible);
    before
        .clamp(least, selected.max(least))
        .min(len.saturating_sub(visible))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bands_never_overlap_and_never_leave_the_screen(w in 0u16..400, h in 0u16..200, n in 0usize..2_000) {
            let b = bands((w, h));
            prop_assert!(b.body + b.rows + u16::from(b.footer.is_some()) <= h.max(b.body));
            prop_assert!(h == 0 || b.rows >= 1);
            let l = headroom((w, h), n);
            prop_assert!(l.first + l.visible <= h.max(l.first));
            if let Some(cards) = l.cards {
                prop_assert!(cards + l.cards_rows <= b.body + b.rows);
                prop_assert!(l.cards_rows >= CARDS_LEAST);
            }
            let t = traffic((w, h));
            prop_assert!(t.list + t.visible <= (b.body + b.rows).max(t.list));
            if let Some(tables) = t.tables {
                prop_assert!(tables >= t.list + t.visible && tables + t.tables_rows <= b.body + b.rows);
            }
        }

        #[test]
        fn the_selected_line_is_always_among_the_visible(before in 0usize..100, len in 1usize..100, sel in 0usize..100, visible in 1usize..40) {
            let sel = sel.min(len - 1);
            let first = scroll(before, sel, visible, len);
            prop_assert!(first <= sel && sel < first + visible);
        }
    }
}
