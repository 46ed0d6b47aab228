//! The same screens in every look: ASCII and no colour have pictures of their own, and whatever the
//! colours, the words are the same.

use crate::{
    screens::{FOLDED, SMALL, Size, WIDE, busy, cells, look, press, text},
    traffic::tapped,
    world::{self, noon},
};
use ratatui::style::Modifier;
use ratetop::{
    app::App,
    ui::theme::{Depth, Look, Theme},
};

/// A name, a world, a script.
type Scene = (&'static str, fn(Size) -> App, &'static str);

/// Every panel, and what can lie over one.
const SCRIPTS: [&str; 14] = [
    "",
    "<enter>",
    "2",
    "2 e",
    "2 c",
    "3",
    "3 <enter>",
    "3 o",
    "7",
    "7 <enter>",
    "?",
    ":",
    "P",
    "p",
];

fn shown(world: fn(Size) -> App, script: &str, size: Size, look: &Look) -> String {
    let mut app = world(size);
    let mut now = noon();
    press(&mut app, script, &mut now);
    text(&cells(&app, now, size, look))
}

fn each(look: &Look, of: &str, all: &[Scene]) {
    for (name, world, script) in all {
        for (room, size) in [("wide", WIDE), ("folded", FOLDED), ("small", SMALL)] {
            insta::assert_snapshot!(
                format!("{name}_{of}_{room}"),
                shown(*world, script, size, look)
            );
        }
    }
}

#[test]
fn in_ascii_arrows_are_words_and_marks_are_letters() {
    each(
        &look("plain", true),
        "in_ascii",
        &[
            ("pools", busy, ""),
            ("details", busy, "<enter>"),
            ("form", busy, "2"),
            ("requests", tapped, "3"),
            ("request", tapped, "3 jj <enter>"),
            ("events", busy, "7"),
            ("help", busy, "?"),
            ("palette", busy, ":"),
        ],
    );
}

#[test]
fn without_colour_everything_is_still_told() {
    each(
        &look("plain", false),
        "without_colour",
        &[
            ("details", busy, "<enter>"),
            ("requests", tapped, "3"),
            ("totals", tapped, "3 o"),
            ("evidence", busy, "7 <enter>"),
        ],
    );
}

/// Bars are drawn with other glyphs where tones cannot be told by colour; words never are.
fn words(screen: &str) -> String {
    let glyph =
        |c: char| ('\u{2500}'..'\u{25a0}').contains(&c) || ('\u{2800}'..'\u{2900}').contains(&c);
    screen.chars().filter(|c| !glyph(*c) && *c != ' ').collect()
}

#[test]
fn no_theme_says_more_than_another() {
    let dark = look("dark", false);
    let others = [
        look("light", false),
        look("high-contrast", false),
        look("sixteen", false),
        look("plain", false),
        Look::new(&Theme::named("dark").unwrap(), Depth::Sixteen, false),
    ];
    for world in [busy, tapped, world::shown::subscription] {
        for (script, size) in SCRIPTS
            .iter()
            .flat_map(|s| [WIDE, FOLDED, SMALL].map(|z| (s, z)))
        {
            let said = words(&shown(world, script, size, &dark));
            for other in &others {
                assert_eq!(
                    said,
                    words(&shown(world, script, size, other)),
                    "{script} at {size:?}"
                );
            }
        }
    }
}

#[test]
fn nothing_but_words_is_underlined_where_nothing_is_selected() {
    let plain = look("plain", false);
    for (script, size) in ["3", "3 o"]
        .into_iter()
        .flat_map(|s| [WIDE, FOLDED].map(|z| (s, z)))
    {
        let mut app = tapped(size);
        let mut now = noon();
        press(&mut app, script, &mut now);
        let buf = cells(&app, now, size, &plain);
        // The digest above the list.
        for row in buf.content.chunks(usize::from(size.0)).skip(2).take(2) {
            let line = |cell: &ratatui::buffer::Cell| cell.modifier.contains(Modifier::UNDERLINED);
            let first = row.iter().position(line).unwrap_or(0);
            assert!(
                !line(&row[first]) || row[first].symbol() != " ",
                "{script}: air is underlined"
            );
        }
    }
}

#[test]
fn help_scrolls_to_its_end_and_no_further() {
    let look = look("dark", false);
    let all: String = "j".repeat(200);
    for size in [FOLDED, SMALL] {
        let at = |script: &str| shown(busy, script, size, &look);
        let end = at("? G");
        assert!(end.contains("only the limit is known"), "{end}");
        assert!(!end.contains("more"), "{end}");
        assert_eq!(at(&format!("? {all}")), end);
        assert_ne!(
            at(&format!("? {all} k")),
            end,
            "a key is dead after the end"
        );
        assert_eq!(at("? G g"), at("?"));
    }
}
