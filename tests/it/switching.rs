//! Which profile is in front: the first, until the user chooses another, whatever comes late.

use crate::{
    screens::{WIDE, press},
    world::{self, noon},
};
use ratetop::app::{App, effect::Effect, event::Event};

/// A program with three profiles, the first of them open.
fn three() -> App {
    let mut app = App::new(world::started(WIDE));
    tell(&mut app, "one");
    app
}

/// A profile's card, new or again.
fn tell(app: &mut App, name: &str) {
    let mut card = world::card(name);
    card.siblings = ["one", "two", "three"].map(Into::into).to_vec();
    app.update(Event::Profile(Box::new(card)), noon());
}

fn choose(app: &mut App, script: &str, wanted: Option<&str>) {
    let effects = press(app, script, &mut noon());
    let switched = wanted.map(|name| Effect::SwitchProfile(name.into()));
    assert_eq!(effects, switched.into_iter().collect::<Vec<_>>());
}

fn front(app: &App) -> &str {
    &app.front_card().unwrap().name
}

#[test]
fn a_chosen_profile_comes_to_the_front_once_it_is_there() {
    let mut app = three();
    choose(&mut app, "P j <enter>", Some("two"));
    assert_eq!(front(&app), "one");
    tell(&mut app, "two");
    assert_eq!(front(&app), "two");
}

#[test]
fn a_card_that_comes_late_changes_nothing_in_front() {
    let mut app = three();
    choose(&mut app, "P j <enter>", Some("two"));
    tell(&mut app, "two");
    // Its models are listed, or its server answers at last.
    for late in ["one", "three", "two", "one"] {
        tell(&mut app, late);
        assert_eq!(front(&app), "two");
    }
}

#[test]
fn the_last_choice_counts_whichever_comes_first() {
    let mut app = three();
    choose(&mut app, "P j <enter>", Some("two"));
    choose(&mut app, "P jj <enter>", Some("three"));
    tell(&mut app, "two");
    assert_eq!(front(&app), "one");
    tell(&mut app, "three");
    assert_eq!(front(&app), "three");
}

#[test]
fn a_choice_is_taken_back_by_choosing_what_is_in_front() {
    let mut app = three();
    choose(&mut app, "P <enter>", None);
    choose(&mut app, "P j <enter>", Some("two"));
    choose(&mut app, "P <enter>", Some("one"));
    tell(&mut app, "one");
    tell(&mut app, "two");
    assert_eq!(front(&app), "one");
}
