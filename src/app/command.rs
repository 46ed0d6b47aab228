//! One table of commands. Footer, help, palette and the README's key table are made from it.

use super::panel::Tab;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::fmt::Write as _;

/// What a key or a palette entry asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// Selection one up.
    Up,
    /// Selection one down.
    Down,
    /// To the gauge, field or choice on the left.
    Left,
    /// To the gauge, field or choice on the right.
    Right,
    /// Selection to the first.
    Top,
    /// Selection to the last.
    Bottom,
    /// Half a page up.
    PageUp,
    /// Half a page down.
    PageDown,
    /// Go in: details, evidence, send.
    Enter,
    /// Come out: close, cancel.
    Back,
    /// Edit the form.
    Edit,
    /// An older call.
    OlderCall,
    /// A newer call; past the newest, follow it.
    NewerCall,
    /// The attempt before.
    PrevAttempt,
    /// The attempt after; at the last, follow it.
    NextAttempt,
    /// Calls of other clients in or out of the list.
    Others,
    /// The raw headers of the attempt, or the answer again.
    Evidence,
    /// The attempt of a run that is looked at, in full; or its lanes again.
    Open,
    /// The attempt before in a lane of a run.
    Earlier,
    /// The attempt after in a lane of a run.
    Later,
    /// Another run beneath the one that is looked at, or none.
    Compare,
    /// A run sends nothing more, or goes on.
    Hold,
    /// The call or run again.
    Again,
    /// A shorter part of the time axis.
    ZoomIn,
    /// A longer part of the time axis.
    ZoomOut,
    /// An earlier part of the time axis.
    PanLeft,
    /// A later part of the time axis.
    PanRight,
    /// Next tab.
    NextTab,
    /// Previous tab.
    PrevTab,
    /// Show a tab.
    Show(Tab),
    /// One-token probe of the selected pool.
    Probe,
    /// Test call on the selected pool.
    TestCall,
    /// Freeze what is shown; collection goes on.
    Pause,
    /// Another order: the tightest pool first; the newest, longest, largest or worst request first.
    Sort,
    /// The totals over the whole tab, or the list again.
    Totals,
    /// Events that are alike as one line, or each by itself.
    Fold,
    /// Filter the list.
    Filter,
    /// Command palette.
    Palette,
    /// Profile switcher.
    Profiles,
    /// Poll limits now.
    PollLimits,
    /// Copy the selected request id, header or sentence.
    Copy,
    /// Count the tokens of the form's prompt.
    CountTokens,
    /// The form's policy as code.
    Code,
    /// Mouse on or off.
    Mouse,
    /// Help.
    Help,
    /// End.
    Quit,
    /// Give the terminal back for a while.
    Suspend,
    /// Draw all anew.
    Repaint,
}

/// A key as it is pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Chord {
    /// A key without Ctrl.
    Key(KeyCode),
    /// A letter with Ctrl.
    Ctrl(char),
    /// A letter pressed twice.
    Twice(char),
}

impl Chord {
    /// Whether that key event is this chord; `before` is the letter pressed just before.
    pub fn is(self, key: &KeyEvent, before: Option<char>) -> bool {
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        match self {
            Self::Key(code) => !ctrl && key.code == code,
            Self::Ctrl(c) => {
                ctrl && matches!(key.code, KeyCode::Char(k) if k.eq_ignore_ascii_case(&c))
            }
            Self::Twice(c) => !ctrl && key.code == KeyCode::Char(c) && before == Some(c),
        }
    }

    /// As help writes it: `Ctrl-d`, `gg`, `Enter`.
    pub fn label(self) -> String {
        match self {
            Self::Ctrl(c) => format!("Ctrl-{c}"),
            Self::Twice(c) => format!("{c}{c}"),
            Self::Key(KeyCode::Char(' ')) => "space".to_owned(),
            Self::Key(KeyCode::Char(c)) => c.to_string(),
            Self::Key(code) => match code {
                KeyCode::Up => "↑".to_owned(),
                KeyCode::Down => "↓".to_owned(),
                KeyCode::Left => "←".to_owned(),
                KeyCode::Right => "→".to_owned(),
                KeyCode::BackTab => "Shift-Tab".to_owned(),
                KeyCode::F(n) => format!("F{n}"),
                other => format!("{other:?}"),
            },
        }
    }
}

/// The word of a command in the footer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Foot {
    /// The keys as the footer shows them.
    pub keys: &'static str,
    /// One or two words.
    pub word: &'static str,
    /// Low numbers stay longest when the line is narrow.
    pub rank: u8,
}

/// One row of [`COMMANDS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// What it does.
    pub command: Command,
    /// Any of these keys.
    pub keys: &'static [Chord],
    /// Tabs where it works; empty means everywhere.
    pub places: &'static [Tab],
    /// What it does, in one sentence without a full stop.
    pub sentence: &'static str,
    /// Its name in the palette; empty when it makes no sense there.
    pub name: &'static str,
    /// Its word in the footer, if it has one.
    pub foot: Option<Foot>,
}

impl Row {
    /// Whether it works on that tab.
    pub fn works_on(&self, tab: Tab) -> bool {
        self.places.is_empty() || self.places.contains(&tab)
    }

    /// All its keys in words.
    pub fn key_labels(&self) -> String {
        let labels: Vec<String> = self.keys.iter().map(|chord| chord.label()).collect();
        labels.join(", ")
    }
}

const fn key(c: char) -> Chord {
    Chord::Key(KeyCode::Char(c))
}

const fn row(
    command: Command,
    keys: &'static [Chord],
    places: &'static [Tab],
    name: &'static str,
    sentence: &'static str,
) -> Row {
    Row {
        command,
        keys,
        places,
        sentence,
        name,
        foot: None,
    }
}

impl Row {
    const fn foot(mut self, keys: &'static str, word: &'static str, rank: u8) -> Self {
        self.foot = Some(Foot { keys, word, rank });
        self
    }
}

/// Every command, in the order of help. To add one: a row here and one arm in `App::command` or in
/// the panel that it belongs to.
#[rustfmt::skip]
pub const COMMANDS: &[Row] = &[
    row(Command::Up, &[Chord::Key(KeyCode::Up), key('k')], &[], "", "one line up").foot("↑↓", "select", 3),
    row(Command::Down, &[Chord::Key(KeyCode::Down), key('j')], &[], "", "one line down"),
    row(Command::Left, &[Chord::Key(KeyCode::Left), key('h')], &[], "", "the gauge, choice or attempt on the left"),
    row(Command::Right, &[Chord::Key(KeyCode::Right), key('l')], &[], "", "the gauge, choice or attempt on the right"),
    row(Command::Top, &[Chord::Twice('g'), Chord::Key(KeyCode::Home)], &[], "go to the first", "the first line"),
    row(Command::Bottom, &[key('G'), Chord::Key(KeyCode::End)], &[], "go to the last", "the last line"),
    row(Command::PageUp, &[Chord::Ctrl('u'), Chord::Key(KeyCode::PageUp)], &[], "", "half a page up"),
    row(Command::PageDown, &[Chord::Ctrl('d'), Chord::Key(KeyCode::PageDown)], &[], "", "half a page down"),
    row(Command::Enter, &[Chord::Key(KeyCode::Enter)], &[Tab::Headroom], "details of the pool", "details of the selected pool").foot("⏎", "details", 2),
    row(Command::Enter, &[Chord::Key(KeyCode::Enter)], &[Tab::Calls], "send the call", "sends the call, run or batch that the form describes").foot("⏎", "send", 1),
    row(Command::Enter, &[Chord::Key(KeyCode::Enter)], &[Tab::Events], "evidence of the event", "the evidence of the selected event").foot("⏎", "evidence", 2),
    row(Command::Enter, &[Chord::Key(KeyCode::Enter)], &[Tab::Traffic], "details of the request", "the request's attempts in time, its phases, verdict, headers").foot("⏎", "details", 2),
    row(Command::Back, &[Chord::Key(KeyCode::Esc)], &[Tab::Headroom, Tab::Traffic, Tab::Events], "", "back: closes what Enter opened, clears the filter"),
    row(Command::Back, &[Chord::Key(KeyCode::Esc)], &[Tab::Calls], "cancel the call", "cancels the running call, run or batch at once, also while it waits").foot("Esc", "cancel", 2),
    row(Command::Edit, &[key('e')], &[Tab::Calls], "edit the form", "edit the selected field of the form").foot("e", "edit", 2),
    row(Command::OlderCall, &[key('[')], &[Tab::Calls], "older call", "an older call, run or batch").foot("[ ]", "calls", 6),
    row(Command::NewerCall, &[key(']')], &[Tab::Calls], "newer call", "a newer call or run; past the newest, the newest is followed"),
    row(Command::OlderCall, &[key('[')], &[Tab::Traffic], "", "in the details: the next request of the list"),
    row(Command::NewerCall, &[key(']')], &[Tab::Traffic], "", "in the details: the request before it"),
    row(Command::PrevAttempt, &[key('K')], &[Tab::Calls, Tab::Traffic], "attempt before", "the attempt before, with its verdict and headers; of a run, the worker above").foot("K J", "attempt", 6),
    row(Command::NextAttempt, &[key('J')], &[Tab::Calls, Tab::Traffic], "attempt after", "the attempt after; at the last one, the last is followed; of a run, the worker below"),
    row(Command::Evidence, &[key('v')], &[Tab::Calls], "headers of the attempt", "the raw headers of the attempt instead of the answer, and back").foot("v", "headers", 4),
    row(Command::Others, &[key('o')], &[Tab::Calls], "calls of other clients", "calls of other clients too, drawn the same way, and back").foot("o", "others", 7),
    row(Command::Open, &[key('x')], &[Tab::Calls], "open an attempt of the run", "of a run: one attempt with its headers, answer and verdict, and back").foot("x", "open", 5),
    row(Command::Earlier, &[key('H')], &[Tab::Calls], "", "of a run: the attempt before in the worker's lane"),
    row(Command::Later, &[key('L')], &[Tab::Calls], "", "of a run: the attempt after; at the newest, the newest is followed"),
    row(Command::Compare, &[key('b')], &[Tab::Calls], "compare two runs", "of a run: another run beneath it on the same time axis, and back").foot("b", "beside", 5),
    row(Command::Hold, &[key('p')], &[Tab::Calls], "hold the run", "of a run: holds back what is not sent yet, and lets it go on").foot("p", "hold", 7),
    row(Command::Again, &[key('a')], &[Tab::Calls], "run again", "sends the run or batch that is looked at again, with its own settings").foot("a", "again", 7),
    row(Command::ZoomIn, &[key('+'), key('=')], &[Tab::Calls, Tab::Traffic], "zoom in", "a shorter part of the time axis"),
    row(Command::ZoomOut, &[key('-')], &[Tab::Calls, Tab::Traffic], "zoom out", "a longer part of the time axis"),
    row(Command::PanLeft, &[key('<'), key(',')], &[Tab::Calls, Tab::Traffic], "", "an earlier part of a zoomed time axis"),
    row(Command::PanRight, &[key('>'), key('.')], &[Tab::Calls, Tab::Traffic], "", "a later part of a zoomed time axis"),
    row(Command::Show(Tab::Headroom), &[key('1')], &[], "tab Headroom", "tab 1: every pool's gauges"),
    row(Command::Show(Tab::Calls), &[key('2')], &[], "tab Calls", "tab 2: test calls"),
    row(Command::Show(Tab::Traffic), &[key('3')], &[], "tab Traffic", "tab 3: calls of your own programs"),
    row(Command::Show(Tab::Events), &[key('7')], &[], "tab Events", "tab 7: limit changes, refusals, faults"),
    row(Command::NextTab, &[Chord::Key(KeyCode::Tab)], &[], "next tab", "the next tab").foot("Tab", "next", 9),
    row(Command::PrevTab, &[Chord::Key(KeyCode::BackTab)], &[], "previous tab", "the previous tab"),
    row(Command::Probe, &[key('p')], &[Tab::Headroom], "probe the pool", "a one-token call that reads the pool's live headers; its cost is said the first time").foot("p", "probe", 4),
    row(Command::TestCall, &[key('t')], &[Tab::Headroom, Tab::Traffic, Tab::Events], "test call on the pool", "opens tab 2 with a model of the selected pool or request").foot("t", "test call", 4),
    row(Command::Pause, &[key(' ')], &[], "pause or go on", "freezes what is shown; collection goes on").foot("space", "pause", 5),
    row(Command::Sort, &[key('s')], &[Tab::Headroom], "sort the pools", "the tightest pool first, or the organization's order again").foot("s", "sort", 7),
    row(Command::Sort, &[key('s')], &[Tab::Traffic], "sort the requests", "the longest, largest or worst request first, or the newest").foot("s", "sort", 6),
    row(Command::Totals, &[key('o')], &[Tab::Traffic], "totals of the traffic", "totals: clients, models, refusals, retries; and back").foot("o", "totals", 3),
    row(Command::Fold, &[key('o')], &[Tab::Events], "each event by itself", "each event by itself, or those that are alike as one line with their count").foot("o", "each", 7),
    row(Command::Filter, &[key('/')], &[Tab::Headroom, Tab::Traffic, Tab::Events], "filter", "shows only the lines that contain a text").foot("/", "filter", 6),
    row(Command::Palette, &[key(':')], &[], "", "every command by name").foot(":", "command", 7),
    row(Command::Profiles, &[key('P')], &[], "profiles", "another profile; the boards of both stay").foot("P", "profile", 8),
    row(Command::PollLimits, &[key('r')], &[], "poll limits now", "reads the configured limits now"),
    row(Command::Copy, &[key('y')], &[], "copy", "copies the selected request id, header or sentence").foot("y", "copy", 8),
    row(Command::CountTokens, &[key('n')], &[Tab::Calls], "count the prompt's tokens", "counts the prompt's tokens: free, from a pool of its own").foot("n", "count", 7),
    row(Command::Code, &[key('c')], &[Tab::Calls], "copy the policy as code", "the policy as code for an SDK, tenacity or curl, to copy").foot("c", "code", 7),
    row(Command::Mouse, &[key('m')], &[], "mouse on or off", "clicks select tabs and lines, or belong to the terminal again"),
    row(Command::Help, &[key('?'), Chord::Key(KeyCode::F(1))], &[], "help", "every key").foot("?", "help", 1),
    row(Command::Quit, &[key('q'), Chord::Ctrl('c')], &[], "quit", "ends the program").foot("q", "quit", 0),
    row(Command::Suspend, &[Chord::Ctrl('z')], &[], "suspend", "gives the terminal back; `fg` returns"),
    row(Command::Repaint, &[Chord::Ctrl('l')], &[], "repaint", "draws everything anew"),
];

/// The command of a key on a tab.
pub fn find(key: &KeyEvent, before: Option<char>, tab: Tab) -> Option<Command> {
    COMMANDS
        .iter()
        .find(|row| row.works_on(tab) && row.keys.iter().any(|chord| chord.is(key, before)))
        .map(|row| row.command)
}

/// The README's table of keys, in Markdown.
pub fn readme_table() -> String {
    let mut out = String::from("| key | where | what |\n| --- | --- | --- |\n");
    for row in COMMANDS {
        let places: Vec<&str> = row.places.iter().map(|tab| tab.panel().title).collect();
        let place = if places.is_empty() {
            "everywhere".to_owned()
        } else {
            places.join(", ")
        };
        let keys: Vec<String> = row
            .keys
            .iter()
            .map(|chord| format!("`{}`", chord.label()))
            .collect();
        let _ = writeln!(out, "| {} | {place} | {} |", keys.join(" "), row.sentence);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::panel::PANELS;
    use std::collections::HashSet;

    #[test]
    fn no_key_means_two_things_in_one_place() {
        for panel in PANELS {
            let mut seen = HashSet::new();
            for row in COMMANDS.iter().filter(|row| row.works_on(panel.tab)) {
                for chord in row.keys {
                    assert!(seen.insert(*chord), "{} on {}", chord.label(), panel.title);
                }
            }
        }
    }

    #[test]
    fn every_row_has_keys_and_a_sentence_and_names_are_unique() {
        let mut names = HashSet::new();
        for row in COMMANDS {
            assert!(!row.keys.is_empty() && row.sentence.len() > 5, "{row:?}");
            assert!(!row.sentence.ends_with('.'), "{row:?}");
            assert!(!row.sentence.contains('|'), "{row:?}");
            assert!(row.name.is_empty() || names.insert(row.name), "{row:?}");
        }
    }

    #[test]
    fn every_tab_has_a_key_with_its_number() {
        for panel in PANELS {
            let digit = char::from_digit(u32::from(panel.number), 10).unwrap();
            let key = KeyEvent::new(KeyCode::Char(digit), KeyModifiers::NONE);
            assert_eq!(
                find(&key, None, Tab::Headroom),
                Some(Command::Show(panel.tab))
            );
        }
    }

    #[test]
    fn a_letter_twice_is_not_the_letter_once() {
        let g = KeyEvent::new(KeyCode::Char('g'), KeyModifiers::NONE);
        assert_eq!(find(&g, None, Tab::Headroom), None);
        assert_eq!(find(&g, Some('g'), Tab::Headroom), Some(Command::Top));
    }

    #[test]
    fn the_readme_table_has_a_line_for_each_row() {
        assert_eq!(readme_table().lines().count(), COMMANDS.len() + 2);
    }
}
