//! The tabs: which exist, in which order, under which number.

/// A tab that works. Numbers are fixed by the product, so later ones need no renumbering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tab {
    /// Every pool's gauges.
    Headroom,
    /// Test calls.
    Calls,
    /// Calls of other programs.
    Traffic,
    /// What happened.
    Events,
}

/// One row of [`PANELS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Panel {
    /// The digit that opens it.
    pub number: u8,
    /// The tab.
    pub tab: Tab,
    /// Its title on the tab line.
    pub title: &'static str,
    /// What it shows, in one sentence.
    pub sentence: &'static str,
}

/// Every tab that works, left to right. To add one: a row here, a file in `ui`, its state in `app`.
pub const PANELS: &[Panel] = &[
    Panel {
        number: 1,
        tab: Tab::Headroom,
        title: "Headroom",
        sentence: "how much of every limit is left, on which evidence, for how long",
    },
    Panel {
        number: 2,
        tab: Tab::Calls,
        title: "Calls",
        sentence: "a test call, and what waiting and retrying really do",
    },
    Panel {
        number: 3,
        tab: Tab::Traffic,
        title: "Traffic",
        sentence: "calls of your own programs: retries, early ones too, verdicts, tokens, totals",
    },
    Panel {
        number: 7,
        tab: Tab::Events,
        title: "Events",
        sentence: "limit changes, refusals and faults of the tool, newest first",
    },
];

impl Tab {
    /// Its row of [`PANELS`]; the first row for a tab without one, which a test rules out.
    pub fn panel(self) -> &'static Panel {
        PANELS
            .iter()
            .find(|panel| panel.tab == self)
            .unwrap_or(&PANELS[0])
    }

    /// The tab `by` places to the right, around the end.
    #[must_use]
    pub fn step(self, by: isize) -> Self {
        let here = PANELS.iter().position(|panel| panel.tab == self);
        let len = PANELS.len() as isize;
        let to = (here.unwrap_or(0) as isize + by).rem_euclid(len);
        PANELS[to as usize].tab
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tab_has_a_row_and_numbers_rise() {
        for tab in [Tab::Headroom, Tab::Calls, Tab::Traffic, Tab::Events] {
            assert_eq!(tab.panel().tab, tab);
        }
        assert!(PANELS.windows(2).all(|w| w[0].number < w[1].number));
    }

    #[test]
    fn stepping_goes_around() {
        assert_eq!(Tab::Headroom.step(-1), Tab::Events);
        assert_eq!(Tab::Events.step(1), Tab::Headroom);
        assert_eq!(Tab::Headroom.step(1), Tab::Calls);
    }
}
