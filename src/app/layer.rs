//! What lies over the panel and takes the keys first: one enum, so two can never be open at once.

use super::command::{COMMANDS, Row};
use crate::domain::retry::code::Target;
use nucleo_matcher::{
    Config, Matcher, Utf32Str,
    pattern::{CaseMatching, Normalization, Pattern},
};

/// What lies over the panel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Layer {
    /// Nothing.
    #[default]
    None,
    /// Every key; the first line shown.
    Help(u16),
    /// The filter of this tab is being typed.
    Filter,
    /// The command palette.
    Palette(Palette),
    /// The profile switcher; the selected one.
    Profiles(usize),
    /// The form's policy as code for that target; the first line shown.
    Code(Target, u16),
    /// A question before something that costs, with its sentence; Enter accepts.
    Ask(String, Costs),
}

/// What costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Costs {
    /// A probe.
    Probe,
    /// A run of many calls.
    Run,
}

/// The command palette.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Palette {
    /// What is typed.
    pub query: String,
    /// The selected hit.
    pub selected: usize,
    /// Rows of `COMMANDS` that fit, best first.
    pub hits: Vec<usize>,
}

impl Palette {
    /// Everything fits an empty query.
    pub fn open() -> Self {
        let mut palette = Self::default();
        palette.search();
        palette
    }

    /// Finds the hits of the query anew.
    pub fn search(&mut self) {
        self.selected = 0;
        let named = COMMANDS
            .iter()
            .enumerate()
            .filter(|(_, row)| !row.name.is_empty());
        if self.query.trim().is_empty() {
            self.hits = named.map(|(i, _)| i).collect();
            return;
        }
        let mut matcher = Matcher::new(Config::DEFAULT);
        let pattern = Pattern::parse(&self.query, CaseMatching::Ignore, Normalization::Smart);
        let mut buffer = Vec::new();
        let mut scored: Vec<(u32, usize)> = named
            .filter_map(|(i, row)| {
                let name = Utf32Str::new(row.name, &mut buffer);
                Some((pattern.score(name, &mut matcher)?, i))
            })
            .collect();
        scored.sort_by_key(|(score, i)| (std::cmp::Reverse(*score), *i));
        self.hits = scored.into_iter().map(|(_, i)| i).collect();
    }

    /// The selected row.
    pub fn chosen(&self) -> Option<&'static Row> {
        COMMANDS.get(*self.hits.get(self.selected)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::command::Command;

    #[test]
    fn a_few_letters_find_the_command() {
        for (query, command) in [
            ("poll", Command::PollLimits),
            ("mou", Command::Mouse),
            ("qut", Command::Quit),
            ("PROBE", Command::Probe),
        ] {
            let mut palette = Palette::open();
            palette.query = query.to_owned();
            palette.search();
            assert_eq!(palette.chosen().unwrap().command, command, "{query}");
        }
    }

    #[test]
    fn nothing_fits_nonsense() {
        let mut palette = Palette::open();
        assert!(palette.hits.len() > 8);
        palette.query = "zzzzqq".to_owned();
        palette.search();
        assert_eq!(palette.chosen(), None);
    }
}
