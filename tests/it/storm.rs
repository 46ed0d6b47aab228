//! Tab 7 while refusals pour in: those alike are one line, what is rare stays, what is read stands still.

use crate::{
    screens::{FOLDED, SMALL, WIDE, cells, look, press, text},
    world::{self, at},
};
use ratetop::app::{App, effect::Effect};

/// The busy world, then that many refusals by the same limit, a second apart.
fn storm(size: (u16, u16), refusals: u64) -> App {
    let mut app = world::shown::busy(size);
    for n in 0..refusals {
        world::refusal(&mut app, 9_000 + n, at(n as f64));
    }
    press(&mut app, "7", &mut at(refusals as f64));
    app
}

fn screen(app: &App, size: (u16, u16)) -> String {
    text(&cells(app, at(60.0), size, &look("dark", false)))
}

#[test]
fn storm_wide() {
    insta::assert_snapshot!(screen(&storm(WIDE, 40), WIDE));
}

#[test]
fn storm_folded() {
    insta::assert_snapshot!(screen(&storm(FOLDED, 40), FOLDED));
}

#[test]
fn storm_small() {
    insta::assert_snapshot!(screen(&storm(SMALL, 40), SMALL));
}

#[test]
fn each_refusal_is_one_key_away_and_the_selection_stays() {
    let mut app = storm(WIDE, 40);
    let mut now = at(40.0);
    let alike = screen(&app, WIDE);
    press(&mut app, "jj", &mut now);
    let chosen = |app: &App| {
        let screen = screen(app, WIDE);
        let line = screen.lines().find(|line| line.contains("│▸"));
        line.unwrap().to_owned()
    };
    let before = chosen(&app);
    press(&mut app, "o", &mut now);
    let lines = |screen: &str| screen.matches("refused a call").count();
    assert!(lines(&alike) < 3 && lines(&screen(&app, WIDE)) > 20);
    assert_eq!(chosen(&app), before);
    press(&mut app, "o", &mut now);
    assert_eq!(chosen(&app), before);
}

#[test]
fn evidence_that_is_read_stays_while_others_like_it_come() {
    let mut app = storm(WIDE, 3);
    let mut now = at(3.0);
    press(&mut app, "<enter>", &mut now);
    let before = screen(&app, WIDE);
    for n in 0..5 {
        world::refusal(&mut app, 9_100 + n, at(10.0 + n as f64));
    }
    let events = |screen: &str| {
        screen
            .lines()
            .skip(2)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(events(&screen(&app, WIDE)), events(&before));
    let effects = press(&mut app, "y", &mut now);
    assert!(
        matches!(&effects[..], [Effect::Copy(text)] if text.contains("1,000,000 output tokens")),
        "{effects:?}"
    );
}

#[test]
fn a_changed_limit_is_still_there_after_thousands_of_refusals() {
    let app = storm(WIDE, 3_000);
    let screen = screen(&app, WIDE);
    assert!(
        screen.contains("limit ") && screen.contains("400,000"),
        "{screen}"
    );
}
