//! The house: which room may look into which, what is pure, and what no file may hold. Reads `src/`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::source::{bare, files, lengths, src};

/// A room or loose file, and what it may look into (itself is always allowed).
const ARROWS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("clock", &["domain"]),
    ("net", &["domain"]),
    ("assets", &["domain"]),
    ("app", &["domain"]),
    ("store", &["domain"]),
    ("api", &["domain", "net", "clock", "assets"]),
    ("tap", &["domain", "net", "clock"]),
    ("sim", &["domain", "net", "clock", "assets"]),
    ("doctor", &["domain", "net", "clock", "assets"]),
    ("ui", &["app", "domain"]),
    ("report", &["app", "domain"]),
];

/// These stand above all others and may look anywhere.
const ABOVE: &[&str] = &["run", "cli", "main", "lib"];

/// Rooms that touch nothing but their arguments.
const PURE: &[&str] = &["domain", "app", "ui", "report"];

/// What would make a room impure, or tie it to the network, the disk, a process or the time.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "std::io::stdout",
    "std::io::stderr",
    "io::stdout",
    "io::stderr",
    "tokio::",
    "reqwest::",
    "hyper::",
    "hyper_util::",
    "directories::",
    "tracing::",
    "fastrand::",
    "Instant::now",
    "SystemTime",
    "Utc::now",
    "Local::now",
];

/// Where a pure room meets the world on purpose: file and word.
const IMPURE_ON_PURPOSE: &[(&str, &str)] = &[
    // Takes and gives back the terminal; everything else in `ui` only draws into a frame.
    ("ui/terminal", "std::io::stdout"),
    ("ui/terminal", "io::stdout"),
    ("ui/terminal", "io::stderr"),
    ("ui/terminal", "std::io::stderr"),
    // Its panic hook asks which thread panicked, and logs a task's panic.
    ("ui/terminal", "std::thread"),
    ("ui/terminal", "tracing::"),
];

/// What only the screen may know, by room: keys and clicks are data, and the state's own to read.
const SCREEN: &[(&str, &[&str])] = &[
    ("domain", &["ratatui", "crossterm"]),
    ("report", &["ratatui", "crossterm"]),
    (
        "app",
        &[
            "ratatui::",
            "crossterm::terminal",
            "crossterm::execute",
            "crossterm::queue",
            "crossterm::style",
            "crossterm::cursor",
            "event::poll",
            "event::read",
            "EventStream",
        ],
    ),
];

/// Files above [`LONGEST`] that still wait to be split. Take a row out when it is done.
const STILL_TOO_LONG: &[&str] = &[];

/// Lines of the longest file, of tests too.
const LONGEST: usize = 400;

/// First segments of every path that starts at the crate's root, with the line it stands on.
fn looks_into(text: &str, root: &str) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for (at, mark) in text.match_indices(root) {
        let before = text[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        let line = text[..at].matches('\n').count() + 1;
        let rest = text[at + mark.len()..].trim_start();
        match rest.strip_prefix('{') {
            Some(group) => found.extend(firsts(group).into_iter().map(|name| (name, line))),
            None => found.push((word(rest), line)),
        }
    }
    found
}

/// First segment of each member of a `{a::x, b::{c, d}}` group, of which `group` is the inside and all
/// that follows.
fn firsts(group: &str) -> Vec<String> {
    let (mut level, mut fresh, mut names) = (0, true, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => level += 1,
            '}' if level == 0 => break,
            '}' => level -= 1,
            ',' if level == 0 => fresh = true,
            c if fresh && !c.is_whitespace() => {
                names.push(word(&group[at..]));
                fresh = false;
            }
            _ => {}
        }
    }
    names
}

fn word(text: &str) -> String {
    text.chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

fn rooms() -> BTreeSet<String> {
    files().iter().map(|f| f.room().to_owned()).collect()
}

fn fail_if_any(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn every_room_is_on_the_map() {
    let known = ARROWS
        .iter()
        .map(|(room, _)| *room)
        .chain(ABOVE.iter().copied())
        .collect::<BTreeSet<_>>();
    let unknown = rooms()
        .into_iter()
        .filter(|room| !known.contains(room.as_str()))
        .collect::<Vec<_>>();
    assert!(unknown.is_empty(), "no arrows are drawn for {unknown:?}");
}

#[test]
fn rooms_look_only_along_the_arrows() {
    let arrows = ARROWS.iter().copied().collect::<BTreeMap<_, _>>();
    let rooms = rooms();
    let mut complaints = Vec::new();
    for file in files() {
        let Some(allowed) = arrows.get(file.room()) else {
            continue;
        };
        let mut seen = looks_into(&file.bare, "crate::");
        // Enough `super::`s lead to the root as well. Inline test modules are one deeper.
        let climb = "super::".repeat(file.depth());
        seen.extend(looks_into(&file.plain, &climb));
        for (name, line) in seen {
            if rooms.contains(&name) && name != file.room() && !allowed.contains(&name.as_str()) {
                complaints.push(format!(
                    "src/{}:{line}: {} may not look into {name}",
                    file.path,
                    file.room()
                ));
            }
        }
    }
    fail_if_any(&complaints);
}

#[test]
fn pure_rooms_touch_nothing_but_their_arguments() {
    let mut complaints = Vec::new();
    for file in files() {
        if !PURE.contains(&file.room()) || file.test {
            continue;
        }
        let text = &file.plain;
        let screen = SCREEN.iter().filter(|(room, _)| *room == file.room());
        let screen = screen.flat_map(|(_, words)| *words);
        for word in IMPURE.iter().chain(screen) {
            let on_purpose = IMPURE_ON_PURPOSE
                .iter()
                .any(|(path, w)| file.path.starts_with(path) && w == word);
            if on_purpose {
                continue;
            }
            for (at, _) in text.match_indices(word) {
                let line = text[..at].matches('\n').count() + 1;
                complaints.push(format!("src/{}:{line}: {word} in a pure room", file.path));
            }
        }
    }
    fail_if_any(&complaints);
}

#[test]
fn only_the_top_of_the_house_prints() {
    let mut complaints = Vec::new();
    for file in files() {
        if ABOVE.contains(&file.room()) || file.test {
            continue;
        }
        let text = &file.plain;
        for word in ["println!", "print!", "eprintln!", "eprint!"] {
            for (line, _) in looks_like(text, word) {
                complaints.push(format!("src/{}:{line}: {word}", file.path));
            }
        }
    }
    fail_if_any(&complaints);
}

/// Lines on which `word` stands by itself, not as the end of a longer one.
fn looks_like<'a>(text: &'a str, word: &'a str) -> Vec<(usize, &'a str)> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| {
            line.match_indices(word).any(|(at, _)| {
                !line[..at]
                    .chars()
                    .next_back()
                    .is_some_and(|c| c.is_alphanumeric() || c == '_')
            })
        })
        .map(|(n, line)| (n + 1, line))
        .collect()
}

#[test]
fn no_file_holds_what_the_house_does_not_want() {
    let unwanted = [
        ("#[allow(", "say #[expect(lint, reason = …)]"),
        ("#![allow(", "say #[expect(lint, reason = …)]"),
        ("todo!", "a thing exists when it works"),
        ("unimplemented!", "a thing exists when it works"),
        ("dbg!", "log it or drop it"),
        ("unsafe ", "nothing here needs it"),
    ];
    let mut complaints = Vec::new();
    for file in files() {
        let text = &file.bare;
        for (word, why) in unwanted {
            for (line, _) in looks_like(text, word) {
                complaints.push(format!("src/{}:{line}: {word} ({why})", file.path));
            }
        }
        for (at, mark) in text.match_indices("[expect(") {
            let inside = &text[at + mark.len()..];
            let end = inside.find(")]").unwrap_or(inside.len());
            if !inside[..end].contains("reason") {
                let line = text[..at].matches('\n').count() + 1;
                complaints.push(format!("src/{}:{line}: expect without a reason", file.path));
            }
        }
    }
    fail_if_any(&complaints);
}

#[test]
fn names_say_what_a_thing_is() {
    let vague = ["Manager", "Helper", "Util", "Utils", "Handler", "Service"];
    let mut complaints = Vec::new();
    for file in files() {
        for (n, line) in file.bare.lines().enumerate() {
            let mut words = line.split_whitespace().skip_while(|w| w.starts_with("pub"));
            let (Some(kind), Some(name)) = (words.next(), words.next()) else {
                continue;
            };
            let name = word(name);
            if ["struct", "enum", "trait", "type"].contains(&kind)
                && vague.iter().any(|v| name.ends_with(v))
            {
                complaints.push(format!("src/{}:{}: {name} says nothing", file.path, n + 1));
            }
        }
        let stem = file.path.rsplit('/').next().unwrap_or_default();
        if [
            "util.rs",
            "utils.rs",
            "helper.rs",
            "helpers.rs",
            "misc.rs",
            "common.rs",
        ]
        .contains(&stem)
        {
            complaints.push(format!("src/{} says nothing", file.path));
        }
    }
    fail_if_any(&complaints);
}

#[test]
fn the_door_of_each_room_tells_how_to_add_to_it() {
    let mut complaints = Vec::new();
    for (room, _) in ARROWS {
        let Ok(text) = fs::read_to_string(src().join(room).join("mod.rs")) else {
            continue;
        };
        let docs = text
            .lines()
            .filter_map(|line| line.strip_prefix("//!"))
            .collect::<Vec<_>>();
        let paragraph = docs
            .split(|line| line.trim().is_empty())
            .next_back()
            .unwrap_or_default();
        let empty = !text.lines().any(|line| line.contains("mod "));
        if !empty && !paragraph.iter().any(|line| line.contains("To add ")) {
            complaints.push(format!(
                "src/{room}/mod.rs: its docs do not end with \"To add …\""
            ));
        }
    }
    fail_if_any(&complaints);
}

#[test]
fn files_hold_one_thing() {
    let mut complaints = Vec::new();
    for (path, lines) in lengths() {
        let listed = STILL_TOO_LONG.contains(&path.as_str());
        if lines > LONGEST && !listed {
            complaints.push(format!(
                "{path}: {lines} lines, {LONGEST} at most; it holds two things"
            ));
        }
        if lines <= LONGEST && listed {
            complaints.push(format!("{path} is short now; take it off"));
        }
    }
    fail_if_any(&complaints);
}

#[test]
fn the_reader_of_this_test_sees_what_it_should() {
    let text = "use crate::{api::x, domain::{a, b}, net};\nfn f() { crate::ui::draw(\"crate::sim::x\") } // crate::store::y\n";
    let names = looks_into(&bare(text), "crate::")
        .into_iter()
        .map(|(name, _)| name)
        .collect::<Vec<_>>();
    assert_eq!(names, ["api", "domain", "net", "ui"]);
}
