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

pub(crate) type Size = (u16, u16);
pub(crate) const WIDE: Size = (120, 36);
pub(crate) const FOLDED: Size = (80, 24);
pub(crate) const SMALL: Size = (40, 12);

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

pub(crate) fn look(theme: &str, ascii: bool) -> Look {
    Look::new(&Theme::named(theme).unwrap(), Depth::True, ascii)
}

pub(crate) fn cells(app: &App, now: Time, (width, height): Size, look: &Look) -> Buffer {
    let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
    ui::paint(app, look, now, &mut buf);
    buf
}

pub(crate) fn text(buf: &Buffer) -> String {
    let rows = buf.content.chunks(usize::from(buf.area.width));
    let lines = rows.map(|row| {
        let line: String = row.iter().map(ratatui::buffer::Cell::symbol).collect();
        line.trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn screen(world: &str, script: &str, size: Size, look: &Look) -> String {
    let mut app = match world {
        "busy" => busy(size),
        "untouched" => world::shown::busy(size),
        "fresh" => world::fresh(size),
        "subscription" => world::shown::subscription(size),
        "nothing" => App::new(world::started(size)),
        other => panic!("no world is called {other}"),
    };
    let mut now = world::noon();
    press(&mut app, script, &mut now);
    text(&cells(&app, now, size, look))
}

/// The busy world with its first pool selected: the one with a history.
pub(crate) fn busy(size: Size) -> App {
    let mut app = world::shown::busy(size);
    press(&mut app, "gg", &mut world::noon());
    app
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
screen!(the_worst_pool_is_selected_first, "untouched", "+1s", FOLDED);
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
screen!(code_wide, "busy", "2 c", WIDE);
screen!(code_folded, "busy", "2 c <right> jj", FOLDED);
screen!(code_small, "busy", "2 c <left>", SMALL);
screen!(help_wide, "busy", "?", WIDE);
screen!(help_small, "busy", "? jjj", SMALL);
screen!(palette, "busy", ":pro", FOLDED);
screen!(profiles, "busy", "P j", FOLDED);
screen!(paused, "busy", "<space> +30s", FOLDED);
screen!(probe_says_its_cost, "busy", "p", FOLDED);
screen!(
    a_run_says_its_cost,
    "busy",
    "2 gg jjjjjjjjjjj e <c-a> <c-k> 2 5 6 <enter> jj e <c-a> <c-k> 4 0 0 0 <enter> <enter>",
    FOLDED
);
screen!(welcome_folded, "nothing", "", FOLDED);
screen!(welcome_small, "nothing", "", SMALL);
screen!(fresh_folded, "fresh", "", FOLDED);
screen!(tightest_first, "busy", "s", FOLDED);
screen!(calls_before_the_first_wide, "busy", "2", WIDE);
screen!(calls_before_the_first_folded, "busy", "2", FOLDED);
screen!(a_field_is_edited, "busy", "2 j e", FOLDED);
screen!(subscription_wide, "subscription", "", WIDE);

/// Cells of a row whose text contains `needle`, with their styles.
pub(crate) fn style_of(buf: &Buffer, needle: &str) -> Option<ratatui::style::Style> {
    let width = usize::from(buf.area.width);
    buf.content.chunks(width).find_map(|row| {
        let line: String = row.iter().map(ratatui::buffer::Cell::symbol).collect();
        let at = line[..line.find(needle)?].chars().count();
        Some(row[at].style())
    })
}

#[test]
fn words_that_nobody_may_overlook_stand_out() {
    let look = look("dark", false);
    let app = busy(WIDE);
    let buf = cells(&app, world::noon(), WIDE, &look);
    for word in ["DEBT", "EARLY"] {
        let style = style_of(&buf, word).unwrap();
        assert_eq!(style.fg, look.roles.empty.fg, "{word}");
        assert!(
            style
                .add_modifier
                .contains(ratatui::style::Modifier::REVERSED)
        );
    }
    let asked = style_of(&buf, "17 s").unwrap();
    assert_eq!(asked.fg, look.roles.hint.fg);
    let mine = style_of(&buf, "42k").unwrap();
    assert_eq!(mine.fg, look.roles.mine.fg);
}

#[test]
fn without_colour_no_cell_has_one() {
    let look = Look::new(&Theme::named("dark").unwrap(), Depth::None, false);
    let buf = cells(&busy(WIDE), world::noon(), WIDE, &look);
    let plain = ratatui::style::Color::Reset;
    assert!(buf.content.iter().all(|c| c.fg == plain && c.bg == plain));
}

#[test]
fn ascii_screens_are_ascii() {
    let scripts = ["", "<enter>", "7", "2", "?", ":", "3", "3 o", "3 <enter>"];
    let worlds = [busy, crate::traffic::tapped];
    for (script, world) in scripts.into_iter().flat_map(|s| worlds.map(|w| (s, w))) {
        let mut app = world(WIDE);
        let mut now = world::noon();
        press(&mut app, script, &mut now);
        let buf = cells(&app, now, WIDE, &look("sixteen", true));
        assert!(
            buf.content.iter().all(|c| c.symbol().is_ascii()),
            "{script}"
        );
    }
}

#[test]
fn numbers_do_not_jump_from_second_to_second() {
    let app = busy(WIDE);
    let look = look("dark", false);
    let at = |s: f64| text(&cells(&app, after(world::noon(), s), WIDE, &look));
    let column = |screen: &str| -> Vec<usize> {
        let row = screen.lines().nth(4).unwrap();
        row.match_indices('/')
            .map(|(i, _)| row[..i].chars().count())
            .collect()
    };
    for s in 1..30 {
        assert_eq!(column(&at(0.0)), column(&at(f64::from(s))), "{s} s");
    }
}

#[test]
fn a_paused_screen_asks_for_no_wake_up_and_does_not_move() {
    let mut app = busy(WIDE);
    let mut now = world::noon();
    let look = look("dark", false);
    assert!(app.next_wake(now).is_some());
    press(&mut app, "<space>", &mut now);
    app.wake(after(now, 10.0));
    assert_eq!(app.next_wake(now), None);
    let before = text(&cells(&app, now, WIDE, &look));
    app.take_dirty();
    world::shown::many(&mut app, 5, after(now, 1.0), 1);
    assert!(!app.dirty(), "what arrives behind a pause is not drawn");
    assert_eq!(before, text(&cells(&app, after(now, 60.0), WIDE, &look)));
    press(&mut app, "<space>", &mut now);
    assert_ne!(before, text(&cells(&app, after(now, 60.0), WIDE, &look)));
}

#[test]
fn wake_ups_come_once_a_second() {
    let app = busy(WIDE);
    let mut now = world::noon();
    for _ in 0..20 {
        let next = app.next_wake(now).unwrap();
        let wait = ratetop::domain::time::seconds_between(now, next);
        assert!((0.9..=1.01).contains(&wait), "{wait}");
        now = next;
    }
}

#[test]
fn a_probe_is_asked_for_once_then_sent() {
    let mut app = busy(WIDE);
    let mut now = world::noon();
    assert!(press(&mut app, "p", &mut now).is_empty());
    let sent = press(&mut app, "p", &mut now);
    let [Effect::Call(order)] = &sent[..] else {
        panic!("{sent:?}");
    };
    assert_eq!((order.max_tokens, order.attempts), (1, 1));
    assert_eq!(order.model.as_str(), "claude-opus-5-5");
    assert_eq!(
        press(&mut app, "p", &mut now).len(),
        1,
        "the second is not asked again"
    );
    assert!(press(&mut app, "gg p <esc>", &mut now).len() == 1);
}

#[test]
fn a_read_only_program_refuses_what_costs_and_says_so() {
    let mut started = world::started(WIDE);
    started.read_only = true;
    let mut app = App::new(started);
    let card = world::card("prod");
    app.update(Event::Profile(Box::new(card)), world::noon());
    world::shown::many(&mut app, 1, world::noon(), 1);
    let mut now = world::noon();
    assert!(press(&mut app, "p", &mut now).is_empty());
    assert!(app.toast().unwrap().text.contains("Read only"));
}

#[test]
fn copying_takes_the_request_id_or_the_header_line() {
    let mut app = busy(WIDE);
    let mut now = world::noon();
    let copied = press(&mut app, "y", &mut now);
    assert_eq!(copied, [Effect::Copy("req_011CXa7mQ9f".to_owned())]);
    let copied = press(&mut app, "<enter> j y", &mut now);
    let header = "anthropic-ratelimit-requests-remaining: 4412".to_owned();
    assert_eq!(copied, [Effect::Copy(header)]);
}

mod any_keys {
    use super::*;
    use proptest::prelude::*;

    fn key() -> impl Strategy<Value = String> {
        let named = prop::sample::select(vec![
            "<enter>", "<esc>", "<tab>", "<up>", "<down>", "<left>", "<right>", "<space>", "<c-d>",
            "<c-u>", "<c-l>", "+1s", "+61s",
        ]);
        let typed = prop::sample::select(
            "1237jkhlgGptPry:/?mqezsoJK[]+<日\u{301}"
                .chars()
                .collect::<Vec<_>>(),
        );
        prop_oneof![
            1 => named.prop_map(str::to_owned),
            2 => typed.prop_map(String::from),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn at_any_size_draw_and_never_panic(keys in prop::collection::vec(key(), 0..30), w in 1u16..150, h in 1u16..50, world in 0usize..3) {
            let worlds = [busy, world::shown::subscription, crate::traffic::tapped];
            let mut app = worlds[world]((w, h));
            let look = look("dark", h % 2 == 0);
            let mut now = world::noon();
            for key in &keys {
                press(&mut app, key, &mut now);
                cells(&app, now, (w, h), &look);
            }
            app.update(Event::Input(Input::Resize(h, w)), now);
            cells(&app, now, (h, w), &look);
        }
    }
}
