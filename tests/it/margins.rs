//! The lines at the head and the foot of a screen.

use crate::{
    screens::{FOLDED, SMALL, Size, WIDE, cells, look, press, text},
    world::{self, at, noon},
};
use ratetop::{
    app::{App, event::Event},
    domain::{observation::What, org::LimitsState, spend::Spend},
};
use std::fmt::Write as _;

fn screen(app: &App, size: Size) -> String {
    text(&cells(app, noon(), size, &look("dark", false)))
}

/// The header line of the busy world under a profile of that name.
fn header(name: &str, width: u16, read_only: bool, paused: bool) -> String {
    let size = (width, 24);
    let mut app = App::new(world::started(size));
    let mut card = world::card(name);
    card.spend = Spend {
        read_only,
        session_usd: 0.03,
        ..Spend::default()
    };
    app.update(Event::Profile(Box::new(card)), at(-700.0));
    let failed = What::Limits {
        state: LimitsState::Failed,
        error: Some("The limits could not be read: timed out.".to_owned()),
        snapshot: None,
    };
    let seen = world::seen(at(-190.0), 0, "", failed);
    let profile = name.into();
    app.update(
        Event::Observed {
            profile,
            seen: std::sync::Arc::new(seen),
        },
        at(-190.0),
    );
    if paused {
        press(&mut app, "<space>", &mut noon());
    }
    screen(&app, size)
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn the_name_and_read_only_are_never_lost_in_the_header() {
    let mut seen = String::new();
    for width in [120, 80, 60, 40] {
        for (read_only, paused) in [(false, true), (true, false), (true, true)] {
            let line = header("production", width, read_only, paused);
            assert!(line.contains("production"), "{width}: {line}");
            assert!(line.contains("12:04:31"), "{width}: {line}");
            assert_eq!(line.contains("PAUSED"), paused, "{width}: {line}");
            let said = line.contains("read only") || line.contains("r/o");
            assert_eq!(said, read_only, "{width}: {line}");
            assert!(line.chars().count() <= usize::from(width), "{line}");
            let _ = writeln!(seen, "{width:>3} {line}");
        }
    }
    let long = header("the-profile-of-a-team-with-a-long-name", 40, true, true);
    assert!(
        long.contains("the-profi") && long.contains('…') && long.contains("r/o"),
        "{long}"
    );
    insta::assert_snapshot!(seen);
}

#[test]
fn a_long_sentence_at_the_foot_is_whole_at_every_width() {
    let sentence = "Nothing was sent: the call would cost up to $0.0300, and $0.9800 of today's $1.00 \
                    are spent; day_usd in the config file raises the cap.";
    for (name, size) in [("wide", WIDE), ("folded", FOLDED), ("small", SMALL)] {
        let mut app = world::shown::busy(size);
        app.update(Event::Said(sentence.to_owned()), noon());
        let shown = screen(&app, size);
        let words: Vec<&str> = shown.split_whitespace().collect();
        for word in sentence.split(' ') {
            assert!(words.contains(&word), "{word} is missing:\n{shown}");
        }
        insta::assert_snapshot!(format!("long_toast_{name}"), shown);
    }
}
