//! Screens at the corners: every state of a gauge at once, profiles that only hear headers, two limits of
//! input on one pool, next to nothing left.

use crate::{
    screens::{FOLDED, SMALL, Size, WIDE, cells, look, press, text},
    world::{self, at, noon},
};
use ratetop::{
    app::{App, event::Event},
    domain::{
        headers::{Hint, Level, Reading},
        id::Limiter,
        observation::What,
        org::{GroupKind, LimitsState},
        outcome::{ApiError, Outcome},
        usage::{CacheCreation, Usage},
        verdict::{Context, judge},
    },
};

fn screen(app: &App, size: Size) -> String {
    text(&cells(app, noon(), size, &look("dark", false)))
}

const SMALL_CALL: Usage = Usage {
    input_tokens: 400,
    output_tokens: 90,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    cache_creation: CacheCreation::of(0, false),
};

fn levels(rpm: u64, itpm: u64, otpm: u64) -> [(u64, u64); 3] {
    [(5_000, rpm), (5_000_000, itpm), (1_000_000, otpm)]
}

/// Seven pools, each named after the state of its gauges.
fn every_state(size: Size) -> App {
    let mut app = world::fresh(size);
    let pools = [
        ("live", "claude-live"),
        ("projected", "claude-projected"),
        ("stale", "claude-stale"),
        ("limit only", "claude-limit-only"),
        ("empty", "claude-empty"),
        ("debt", "claude-debt"),
    ];
    let mut groups: Vec<_> = pools
        .iter()
        .map(|(name, model)| {
            world::model_group(name, name, &[model], [5_000, 5_000_000, 1_000_000])
        })
        .collect();
    // Listed without a limit: nothing at all is known of it.
    groups.push(world::group(
        "none",
        GroupKind::ModelGroup,
        "no data",
        &["claude-none"],
        &[],
    ));
    world::limits(&mut app, at(-600.0), groups);
    let mut head = |id, when, name: &str, [rpm, itpm, otpm]: [u64; 3]| {
        let levels = levels(rpm, itpm, otpm);
        world::call(
            &mut app,
            id,
            at(when),
            &format!("claude-{name}"),
            levels,
            SMALL_CALL,
        );
    };
    head(1, -190.0, "stale", [4_100, 3_000_000, 620_000]);
    head(2, -25.4, "projected", [3_000, 3_000_000, 500_000]);
    head(3, -3.4, "live", [4_412, 3_100_000, 706_000]);
    let model = "claude-debt";
    let began = What::Began {
        policy: "none".to_owned(),
        attempts: Some(1),
        stream: true,
        input_estimate: 100,
    };
    world::send(&mut app, world::seen(at(-3.0), 5, model, began));
    world::send(&mut app, world::seen(at(-3.0), 5, model, What::Sent));
    let head = What::Head {
        status: 200,
        reading: world::reading(at(-2.5), levels(4_980, 4_700_000, 0)),
        first_byte_s: 0.5,
    };
    world::send(&mut app, world::seen(at(-2.5), 5, model, head));
    let usage = Usage {
        output_tokens: 90_000,
        ..SMALL_CALL
    };
    world::send(
        &mut app,
        world::seen(at(-0.5), 5, model, What::Progress { usage }),
    );
    // This moment's header says that some is left, but less than any call needs.
    let model = "claude-empty";
    world::send(&mut app, world::seen(noon(), 6, model, What::Sent));
    let head = What::Head {
        status: 200,
        reading: world::reading(noon(), levels(4_000, 4_100_000, 1_000)),
        first_byte_s: 0.0,
    };
    world::send(&mut app, world::seen(noon(), 6, model, head));
    app.wake(noon());
    app
}

#[test]
fn every_state_of_a_gauge_on_one_screen() {
    for (name, size) in [("wide", WIDE), ("folded", FOLDED), ("small", SMALL)] {
        let app = every_state(size);
        insta::assert_snapshot!(format!("every_state_{name}"), screen(&app, size));
    }
    let plain = text(&cells(
        &every_state(WIDE),
        noon(),
        WIDE,
        &look("plain", true),
    ));
    insta::assert_snapshot!("every_state_in_ascii", plain);
}

/// The rows of the pools differ in their words and in their bars, whatever colours there are.
#[test]
fn no_two_states_look_alike_without_colour() {
    let app = every_state(WIDE);
    let plain = text(&cells(&app, noon(), WIDE, &look("plain", false)));
    let row = |name: &str| {
        let is = |line: &&str| line.trim_start_matches(['│', '▸', ' ']).starts_with(name);
        let line = plain.lines().skip(4).find(is).unwrap();
        line.chars().skip(17).collect::<String>()
    };
    for (name, sign) in [
        ("live", "▇"),
        ("live", "live 3s"),
        ("projected", "▅"),
        ("projected", "~"),
        ("projected", "proj 25s"),
        ("stale", "╱"),
        ("stale", "stale 3m"),
        ("limit only", "───"),
        ("limit only", "limit 10m"),
        ("empty", "EMPTY"),
        ("debt", "DEBT"),
        ("no data", "no data"),
    ] {
        assert!(row(name).contains(sign), "{name} without {sign}:\n{plain}");
    }
}

#[test]
fn nearly_nothing_left_is_called_empty_with_what_there_is() {
    let mut app = every_state(WIDE);
    press(&mut app, "gg jjjj", &mut noon());
    let shown = screen(&app, WIDE);
    let row = shown.lines().find(|line| line.contains("▸")).unwrap();
    assert!(row.contains("empty") && row.contains("EMPTY"), "{shown}");
    assert!(shown.contains("next to nothing left; full in"), "{shown}");
    insta::assert_snapshot!("nearly_empty", shown);
}

/// A profile without an Admin key: the source says why limits are not known.
fn headers_only(size: Size) -> App {
    let mut app = App::new(world::started(size));
    let mut card = world::card("prod");
    card.can_poll = false;
    app.update(Event::Profile(Box::new(card)), at(-700.0));
    let why = "Headers only: profile prod has no Admin key, so configured limits are not known.";
    let absent = What::Limits {
        state: LimitsState::Absent,
        error: Some(why.to_owned()),
        snapshot: None,
    };
    world::send(&mut app, world::seen(at(-690.0), 0, "", absent));
    let levels = levels(4_412, 3_100_000, 206_000);
    world::call(&mut app, 1, at(-3.4), "claude-opus-5-5", levels, SMALL_CALL);
    // Newer events push the note away; the screen goes on saying it.
    for i in 0..9 {
        let fault = Event::Fault(format!("Something else happened, number {i}."));
        app.update(fault, at(-20.0 + f64::from(i)));
    }
    app.wake(noon());
    app
}

#[test]
fn a_profile_that_only_hears_headers_says_why() {
    for (name, size) in [("wide", WIDE), ("folded", FOLDED), ("small", SMALL)] {
        let shown = screen(&headers_only(size), size);
        assert!(shown.contains("headers only"), "{shown}");
        if size != SMALL {
            assert!(shown.contains("has no Admin key"), "{shown}");
        }
        insta::assert_snapshot!(format!("headers_only_{name}"), shown);
    }
}

/// Where limits were never read, nobody knows whether the organization has one, or a workspace lowers it.
#[test]
fn what_was_never_read_is_not_called_none_or_inherited() {
    for (size, said) in [
        (
            WIDE,
            "organization not known · in force by headers 1,000,000",
        ),
        (SMALL, "limit 1,000,000 by headers"),
    ] {
        let mut app = headers_only(size);
        press(&mut app, "<enter>", &mut noon());
        let shown = screen(&app, size);
        assert!(shown.contains(said), "{shown}");
        assert!(!shown.contains("inherits"), "{shown}");
    }
}

/// An account or gateway that sends no rate-limit headers, with and without configured limits known.
fn bare(size: Size) -> App {
    let mut app = world::fresh(size);
    let limits = [5_000, 5_000_000, 1_000_000];
    let groups = [
        ("rlg_o", "Opus 5.5", "claude-opus-5-5"),
        ("rlg_s", "Sonnet 5.5", "claude-sonnet-5-5"),
        ("rlg_h", "Haiku 4.5", "claude-haiku-4-5"),
    ];
    let groups = groups.map(|(id, name, model)| world::model_group(id, name, &[model], limits));
    world::limits(&mut app, at(-60.0), groups.to_vec());
    for (call, model) in [
        (1, "claude-haiku-4-5"),
        (2, "claude-sonnet-5-5"),
        (3, "claude-sonnet-5-5"),
        (4, "claude-sonnet-5-5"),
    ] {
        let head = world::reading(at(-9.0), levels(1, 1, 1));
        let head = What::Head {
            status: 200,
            reading: Reading {
                levels: Vec::new(),
                unknown: Vec::new(),
                raw: Vec::new(),
                ..head
            },
            first_byte_s: 0.4,
        };
        let finished = What::Finished {
            outcome: Outcome::Complete {
                status: 200,
                stop_reason: Some("end_turn".to_owned()),
            },
            usage: Some(SMALL_CALL),
            duration_s: 1.0,
            verdict: None,
        };
        for what in [What::Sent, head, finished] {
            world::send(&mut app, world::seen(at(-9.0), call, model, what));
        }
    }
    app.wake(noon());
    app
}

#[test]
fn without_any_header_the_own_burn_is_shown_and_the_pool_that_burns_first() {
    for (name, size) in [("wide", WIDE), ("folded", FOLDED), ("small", SMALL)] {
        let shown = screen(&bare(size), size);
        let selected = shown.lines().find(|line| line.contains('▸')).unwrap();
        assert!(selected.contains("Sonnet 5.5"), "{shown}");
        assert!(!shown.contains("not known yet"), "{shown}");
        insta::assert_snapshot!(format!("bare_{name}"), shown);
    }
    let mut app = bare(WIDE);
    press(&mut app, "s", &mut noon());
    let shown = screen(&app, WIDE);
    let order = ["Sonnet 5.5", "Haiku 4.5", "Opus 5.5"];
    let places = order.map(|name| shown.find(&format!(" {name} ")));
    assert!(places.is_sorted(), "{shown}");
    press(&mut app, "<enter>", &mut noon());
    insta::assert_snapshot!("bare_details", screen(&app, WIDE));
}

/// The tier's monthly spend cap is reached: every bucket is full, and every call is refused.
#[test]
fn a_pool_without_money_is_marked_until_a_call_is_served_again() {
    let mut app = world::fresh(FOLDED);
    let limits = [5_000, 5_000_000, 1_000_000];
    let group = world::model_group("rlg_o", "Opus 5.5", &["claude-opus-5-5"], limits);
    world::limits(&mut app, at(-60.0), vec![group]);
    let model = "claude-opus-5-5";
    let all = levels(5_000, 5_000_000, 1_000_000);
    world::call(&mut app, 1, at(-20.0), model, all, SMALL_CALL);
    // Section "errors": the code of the tier's cap, and when access returns.
    let outcome = Outcome::Refused {
        status: 429,
        error: ApiError {
            kind: "rate_limit_error".to_owned(),
            code: Some("enforced_spend_limit_reached".to_owned()),
            ..ApiError::default()
        },
        hint: Hint::default(),
    };
    let mut capped = judge(&outcome, &Context::at(at(-2.0))).unwrap();
    capped.model = Some(model.into());
    let finished = What::Finished {
        outcome,
        usage: None,
        duration_s: 0.1,
        verdict: Some(Box::new(capped)),
    };
    world::send(&mut app, world::seen(at(-2.0), 2, model, finished));
    app.wake(noon());
    let shown = screen(&app, FOLDED);
    assert!(shown.contains("SPENT"), "{shown}");
    let until = "monthly spend cap: calls are refused until 2026-12-01 00:00 UTC";
    assert!(shown.contains(until), "{shown}");
    world::call(&mut app, 3, at(-1.5), model, all, SMALL_CALL);
    let shown = screen(&app, FOLDED);
    assert!(
        !shown.contains("SPENT") && !shown.contains(until),
        "{shown}"
    );
}

/// A pool with both limits of input, of which the one that counts cache reads binds.
fn two_inputs(size: Size) -> App {
    let mut app = world::fresh(size);
    let limits = [
        ("requests_per_minute", 5_000),
        ("input_tokens_per_minute", 2_000_000),
        ("input_tokens_per_minute_cache_aware", 5_000_000),
        ("output_tokens_per_minute", 1_000_000),
    ];
    let models = ["claude-sonnet-4-5"];
    let kind = GroupKind::ModelGroup;
    let group = world::group("rlg_sonnet4", kind, "Sonnet 4.x", &models, &limits);
    let plain = world::model_group("rlg_5", "Sonnet 5", &["claude-sonnet-5"], [1, 1, 1]);
    world::limits(&mut app, at(-60.0), vec![group, plain]);
    let head = world::reading(at(-2.0), levels(4_900, 4_000_000, 900_000));
    let all = Limiter::from("input_tokens_per_minute");
    let twin = Level {
        dimension: all.dimension(),
        family: all.family(),
        limiter: all,
        limit: 2_000_000,
        remaining: 700_000,
        full_in_s: Some(39.0),
    };
    let head = What::Head {
        status: 200,
        reading: Reading {
            levels: [vec![twin], head.levels.clone()].concat(),
            ..head
        },
        first_byte_s: 0.3,
    };
    world::send(&mut app, world::seen(at(-2.0), 1, models[0], head));
    app.wake(noon());
    app
}

#[test]
fn of_two_input_limits_the_tighter_is_shown_marked_and_explained() {
    for (name, size) in [("wide", WIDE), ("folded", FOLDED), ("small", SMALL)] {
        let shown = screen(&two_inputs(size), size);
        let row = shown
            .lines()
            .find(|line| line.contains("Sonnet 4.x"))
            .unwrap();
        assert!(row.contains("ITPM*"), "{shown}");
        insta::assert_snapshot!(format!("two_inputs_{name}"), shown);
    }
    let mut app = two_inputs(WIDE);
    let shown = screen(&app, WIDE);
    assert!(shown.contains("ITPM uncached * all"), "{shown}");
    press(&mut app, "<enter>", &mut noon());
    insta::assert_snapshot!("two_inputs_details", screen(&app, WIDE));
    press(&mut app, "?", &mut noon());
    let help = screen(&app, WIDE);
    assert!(help.contains("counts cache reads too"), "{help}");
}
