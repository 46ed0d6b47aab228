mod many;

use crate::{
    app::{
        App,
        effect::Effect,
        event::{Event, FormDefaults, ProfileCard, Started},
        profile::blank_card,
    },
    domain::{
        id::CallId,
        observation::{Observation, Source, What},
        retry::Policy,
        spend::Spend,
        timeline::{FIRST_FOREIGN_CALL, fixtures::*},
    },
};
use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers};
use std::sync::Arc;

fn card(model: &str) -> ProfileCard {
    let blank = blank_card(Arc::from("prod"));
    ProfileCard {
        can_call: true,
        cannot_call_because: None,
        form: FormDefaults {
            model: model.into(),
            prompt: "Hi".into(),
            max_tokens: 8,
            stream: true,
            policy: Policy::Sdk,
            attempts: None,
            policies: Policy::ALL.into(),
        },
        ..blank
    }
}

fn app() -> App {
    let mut app = App::new(Started {
        at: t(0.0),
        local_offset_s: 0,
        mouse: false,
        read_only: false,
        size: (120, 36),
        prices: Arc::default(),
        tiers: Arc::default(),
    });
    app.update(Event::Profile(Box::new(card("claude-opus-5-5"))), t(0.0));
    press(&mut app, "2");
    app
}

/// Letters, `\n` for Enter, `\x1b` for Esc.
fn press(app: &mut App, keys: &str) -> Vec<Effect> {
    let mut effects = Vec::new();
    for c in keys.chars() {
        let code = match c {
            '\n' => KeyCode::Enter,
            '\x1b' => KeyCode::Esc,
            c => KeyCode::Char(c),
        };
        let event = Event::Input(Input::Key(KeyEvent::new(code, KeyModifiers::NONE)));
        effects.extend(app.update(event, t(5.0)));
    }
    effects
}

fn show(app: &mut App, all: &[Observation]) {
    for seen in all {
        let event = Event::Observed {
            profile: Arc::from("prod"),
            seen: Arc::new(seen.clone()),
        };
        app.update(event, seen.at);
    }
}

fn shown(app: &App) -> Option<u64> {
    let shown = app.shown(t(5.0)).unwrap();
    let call = app
        .test_calls()
        .unwrap()
        .view()
        .shown(&shown.profile.timeline);
    call.map(|call| call.id.0)
}

/// A call of another client.
fn foreign(n: u64) -> Vec<Observation> {
    let mut all = refused_then_ok(FIRST_FOREIGN_CALL + n, 1.0);
    for seen in &mut all {
        seen.client = Some("worker-1".into());
    }
    all
}

#[test]
fn each_send_is_a_call_of_its_own_with_the_forms_values() {
    let mut app = app();
    let sent = press(&mut app, "\n\n");
    let [Effect::Call(one), Effect::Call(two)] = sent.as_slice() else {
        panic!("{sent:?}")
    };
    assert_eq!((one.call, two.call), (CallId(1), CallId(2)));
    assert_eq!(
        (one.policy, one.attempts, one.max_tokens),
        (Policy::Sdk, 3, 8)
    );
    assert_eq!(one.client.as_str(), "me");
}

#[test]
fn a_policy_for_simulators_only_is_sent_nowhere_else() {
    let mut app = app();
    // Six fields down is the policy; one to the left of `retry-after` is `immediate`.
    assert_eq!(press(&mut app, "jjjjjjhhh\n"), []);
    let said = app.toast().map_or("", |toast| toast.text.as_str());
    assert!(
        said.starts_with("policy: immediate is for simulators only"),
        "{said}"
    );
    let mut card = card("claude-opus-5-5");
    card.spend.free = true;
    app.update(Event::Profile(Box::new(card)), t(1.0));
    assert!(matches!(
        press(&mut app, "\n").as_slice(),
        [Effect::Call(_)]
    ));
}

#[test]
fn a_call_is_cancelled_even_before_anything_was_seen_of_it() {
    let mut app = app();
    press(&mut app, "\n");
    assert_eq!(press(&mut app, "\x1b"), [Effect::Cancel(CallId(1))]);
    assert_eq!(press(&mut app, "\x1b"), []);
}

#[test]
fn escape_cancels_the_call_that_is_looked_at_first() {
    let mut app = app();
    show(&mut app, &refused_then_ok(1, 17.4)[..5]);
    show(&mut app, &refused_then_ok(2, 17.4)[..5]);
    press(&mut app, "[");
    assert_eq!(shown(&app), Some(1));
    assert_eq!(press(&mut app, "\x1b"), [Effect::Cancel(CallId(1))]);
    press(&mut app, "]]");
    assert_eq!(press(&mut app, "\x1b"), [Effect::Cancel(CallId(2))]);
}

#[test]
fn escape_while_editing_forgets_and_does_not_cancel() {
    let mut app = app();
    show(&mut app, &refused_then_ok(1, 17.4)[..5]);
    assert_eq!(press(&mut app, "exyz\x1b"), []);
    assert_eq!(app.test_calls().unwrap().form().model, "claude-opus-5-5");
    assert_eq!(press(&mut app, "\x1b"), [Effect::Cancel(CallId(1))]);
}

#[test]
fn calls_of_others_are_looked_at_on_request_and_never_cancelled() {
    let mut app = app();
    show(&mut app, &refused_then_ok(1, 1.0));
    show(&mut app, &foreign(0)[..5]);
    assert_eq!(shown(&app), Some(1));
    press(&mut app, "o");
    assert_eq!(shown(&app), Some(FIRST_FOREIGN_CALL));
    assert_eq!(press(&mut app, "\x1b"), []);
    assert_eq!(shown(&app), Some(1), "Esc comes back to the own calls");
}

#[test]
fn a_new_call_is_looked_at_whatever_was_looked_at_before() {
    let mut app = app();
    for id in 1..4 {
        show(&mut app, &refused_then_ok(id, 1.0));
    }
    press(&mut app, "[[K+");
    assert_eq!(shown(&app), Some(1));
    press(&mut app, "\n");
    let view = app.test_calls().unwrap().view().clone();
    assert_eq!((view.chosen, view.attempt, view.zoom), (None, None, 0));
}

#[test]
fn an_older_attempt_is_copied_and_the_last_one_followed() {
    let mut app = app();
    show(&mut app, &refused_then_ok(1, 1.0));
    press(&mut app, "K");
    assert_eq!(app.test_calls().unwrap().view().attempt, Some(1));
    assert_eq!(
        press(&mut app, "y"),
        [Effect::Copy("req_011CX00019f".into())]
    );
    press(&mut app, "J");
    assert_eq!(app.test_calls().unwrap().view().attempt, None);
}

#[test]
fn defaults_follow_the_profile_until_something_is_changed() {
    let mut app = app();
    app.update(Event::Profile(Box::new(card("claude-haiku-4-5"))), t(1.0));
    assert_eq!(app.test_calls().unwrap().form().model, "claude-haiku-4-5");
    press(&mut app, "jjl");
    app.update(Event::Profile(Box::new(card("claude-sonnet-5"))), t(2.0));
    let form = app.test_calls().unwrap().form();
    assert_eq!(
        (form.model.as_str(), form.max_tokens),
        ("claude-haiku-4-5", 16)
    );
}

#[test]
fn a_cap_is_said_and_nothing_is_sent() {
    let mut app = app();
    let mut capped = card("claude-opus-5-5");
    capped.spend = Spend {
        day_cap_usd: Some(0.01),
        day_usd: 0.01,
        ..Spend::default()
    };
    app.update(Event::Profile(Box::new(capped)), t(1.0));
    // The price is unknown here, and a cap is set.
    assert_eq!(press(&mut app, "\n"), []);
    assert!(app.toast().is_some());
}

#[test]
fn what_is_typed_while_paused_is_live() {
    let mut app = app();
    press(&mut app, " ");
    press(&mut app, "jjl");
    assert_eq!(app.test_calls().unwrap().form().max_tokens, 16);
}

#[test]
fn an_ending_is_asked_of_simulators_only() {
    let mut app = app();
    assert_eq!(press(&mut app, "ggjjjjjl\n"), []);
    let said = app.toast().map_or("", |toast| toast.text.as_str());
    assert_eq!(said, "ending: only a simulator ends its answers as asked.");
    let mut free = card("claude-opus-5-5");
    free.spend.free = true;
    app.update(Event::Profile(Box::new(free)), t(1.0));
    let sent = press(&mut app, "\n");
    let [Effect::Call(order)] = sent.as_slice() else {
        panic!("{sent:?}")
    };
    assert_eq!(order.prompt, "Hi\n[stop: max_tokens]");
}
