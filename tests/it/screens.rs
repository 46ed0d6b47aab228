//! Whole screens from one line each: a world, keys, seconds; then the picture.
//!
//! `<enter>` and the like are keys with names, `+30s` waits, everything else is typed.

use crate::world;
use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers};
use ratatui::{buffer::Buffer, layout::Rect};
use ratetop::{
    app::{App, effect::Effect, event::Event},
    domain::time::{Time, after},
    ui::{
        self,
        theme::{Depth, Look, Theme},
    },
};

type Size = (u16, u16);
const WIDE: Size = (120, 36);
const FOLDED: Size = (80, 24);
const SMALL: Size = (40, 12);

/// One piece of a script: `<name>`, `+Ns`, or letters.
pub(crate) fn press(app: &mut App, script: &str, now: &mut Time) -> Vec<Effect> {
    let mut effects = Vec::new();
    for word in script.split(' ').filter(|word| !word.is_empty()) {
        if let Some(wait) = word.strip_prefix('+').and_then(|w| w.strip_suffix('s')) {
            *now = after(*now, wait.parse::<f64>().unwrap());
            app.wake(*now);
            continue;
        }
        let keys: Vec<KeyEvent> = match word.strip_prefix('<').and_then(|w| w.strip_suffix('>')) {
            Some(name) => vec![named(name)],
            None => word
                .chars()
                .map(|c| KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE))
                .collect(),
        };
        for key in keys {
            effects.extend(app.update(Event::Input(Input::Key(key)), *now));
        }
    }
    effects
}

fn named(name: &str) -> KeyEvent {
    let (name, modifiers) = match name.strip_prefix("c-") {
        Some(rest) => (rest, KeyModifiers::CONTROL),
        None => (name, KeyModifiers::NONE),
    };
    let code = match name {
        "enter" => KeyCode::Enter,
        "esc" => KeyCode::Esc,
        "tab" => KeyCode::Tab,
        "up" => KeyCode::Up,
        "down" => KeyCode::Down,
        "left" => KeyCode::Left,
        "right" => KeyCode::Right,
        "space" => KeyCode::Char(' '),
        one if one.chars().count() == 1 => KeyCode::Char(one.chars().next().unwrap()),
        other => panic!("no key is called {other}"),
    };
    KeyEvent::new(code, modifiers)
}

fn look(theme: &str, ascii: bool) -> Look {
    Look::new(&Theme::named(theme).unwrap(), Depth::True, ascii)
}

fn cells(app: &App, now: Time, (width, height): Size, look: &Look) -> Buffer {
    let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
    ui::paint(app, look, now, &mut buf);
    buf
}

fn text(buf: &Buffer) -> String {
    let rows = buf.content.chunks(usize::from(buf.area.width));
    let lines = rows.map(|row| {
        let line: String = row.iter().map(ratatui::buffer::Cell::symbol).collect();
        line.trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn screen(world: &str, script: &str, size: Size, look: &Look) -> String {
    let mut app = match world {
        "busy" => world::busy(size),
        "fresh" => world::fresh(size),
        "subscription" => world::subscription(size),
        "nothing" => App::new(world::started(size)),
        other => panic!("no world is called {other}"),
    };
    let mut now = world::noon();
    press(&mut app, script, &mut now);
    text(&cells(&app, now, size, look))
}

macro_rules! screen {
    ($name:ident, $world:literal, $script:literal, $size:expr) => {
        screen!($name, $world, $script, $size, look("dark", false));
    };
    ($name:ident, $world:literal, $script:literal, $size:expr, $look:expr) => {
        #[test]
        fn $name() {
            insta::assert_snapshot!(screen($world, $script, $size, &$look));
        }
    };
}

screen!(headroom_wide, "busy", "", WIDE);
screen!(headroom_folded, "busy", "", FOLDED);
screen!(headroom_small, "busy", "", SMALL);
screen!(headroom_tiny, "busy", "j", (20, 6));
screen!(headroom_very_wide, "busy", "jjj", (180, 44));
screen!(
    headroom_without_colour,
    "busy",
    "",
    WIDE,
    look("plain", false)
);
screen!(headroom_in_ascii, "busy", "", WIDE, look("plain", true));
screen!(headroom_a_minute_later, "busy", "+70s", WIDE);
screen!(headroom_filtered, "busy", "/ son <enter>", FOLDED);
screen!(details_wide, "busy", "<enter>", WIDE);
screen!(details_folded, "busy", "jj <enter> <left>", FOLDED);
screen!(details_small, "busy", "<enter> j", SMALL);
screen!(events_wide, "busy", "7", WIDE);
screen!(events_folded, "busy", "7 jj", FOLDED);
screen!(events_small, "busy", "7", SMALL);
screen!(evidence_wide, "busy", "7 /refused <enter> <enter>", WIDE);
screen!(
    evidence_folded,
    "busy",
    "7 /refused <enter> <enter> j",
    FOLDED
);
screen!(help_wide, "busy", "?", WIDE);
screen!(help_small, "busy", "? jjj", SMALL);
screen!(palette, "busy", ":pro", FOLDED);
screen!(profiles, "busy", "P j", FOLDED);
screen!(paused, "busy", "<space> +30s", FOLDED);
screen!(probe_says_its_cost, "busy", "p", FOLDED);
screen!(welcome_folded, "nothing", "", FOLDED);
screen!(welcome_small, "nothing", "", SMALL);
screen!(fresh_folded, "fresh", "", FOLDED);
screen!(subscription_wide, "subscription", "", WIDE);
