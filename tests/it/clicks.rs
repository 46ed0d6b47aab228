//! Clicks with a mouse.

use crate::{
    screens::{SMALL, WIDE, busy, cells, look, press, text},
    world,
};
use crossterm::event::{Event as Input, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratetop::{
    app::{App, event::Event, panel::Tab},
    domain::time::Time,
};

#[test]
fn a_click_lands_on_what_is_drawn() {
    use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
    let mut app = busy(WIDE);
    let now = world::noon();
    let click = |app: &mut App, needle: &str| {
        let screen = text(&cells(app, now, WIDE, &look("dark", false)));
        let (row, line) = screen
            .lines()
            .enumerate()
            .find(|(_, line)| line.contains(needle))
            .unwrap();
        let column = line[..line.find(needle).unwrap()].chars().count();
        let mouse = MouseEvent {
            kind: MouseEventKind::Down(MouseButton::Left),
            column: column as u16,
            row: row as u16,
            modifiers: KeyModifiers::NONE,
        };
        app.update(Event::Input(Input::Mouse(mouse)), now);
        text(&cells(app, now, WIDE, &look("dark", false)))
    };
    assert!(click(&mut app, "Sonnet 4.x").contains("▸ Sonnet 4.x"));
    assert!(click(&mut app, "7 Events").contains("Events, newest first"));
    assert!(click(&mut app, "1 Headroom").contains("Pools"));
}

pub(crate) fn click(app: &mut App, column: u16, row: u16, now: Time) {
    let mouse = MouseEvent {
        kind: MouseEventKind::Down(MouseButton::Left),
        column,
        row,
        modifiers: KeyModifiers::NONE,
    };
    app.update(Event::Input(Input::Mouse(mouse)), now);
}

#[test]
fn a_click_on_an_event_selects_it_and_a_second_one_opens_it() {
    let now = world::noon();
    for size in [WIDE, SMALL] {
        let mut app = busy(size);
        press(&mut app, "7", &mut world::noon());
        let look = look("dark", false);
        let lines = |app: &App| text(&cells(app, now, size, &look));
        let row = lines(&app).lines().position(|l| l.contains("12:02:26"));
        let row = row.unwrap() as u16;
        click(&mut app, 20, row, now);
        let marked = lines(&app);
        let line = marked.lines().find(|line| line.contains('▸')).unwrap();
        assert!(line.contains("12:02:26"), "{marked}");
        assert_eq!(app.events().open, None);
        click(&mut app, 20, row, now);
        assert_eq!(app.events().open, Some(0));
    }
}

#[test]
fn a_click_on_a_tab_shows_it_at_every_width() {
    for size in [WIDE, SMALL, (20, 6)] {
        let mut app = busy(size);
        let now = world::noon();
        let screen = text(&cells(&app, now, size, &look("dark", false)));
        let tabs = screen.lines().nth(1).unwrap();
        let x = tabs[..tabs.find('7').unwrap()].chars().count();
        click(&mut app, x as u16, 1, now);
        assert_eq!(app.tab(), Tab::Events, "{size:?}");
    }
}
