//! Tab 3 from outside: what a tap would send; then pictures and keys.

mod programs;
mod worlds;

use crate::{
    clicks::click,
    screens::{FOLDED, SMALL, Size, WIDE, cells, look, press, style_of, text},
    world::{self, at, noon},
};
use programs::{Life, plain, used};
use ratetop::{
    app::{
        App,
        effect::Effect,
        event::{Attached, Event, ProfileCard},
        layout,
    },
    domain::verdict::{Cause, Verdict},
};
pub(crate) use worlds::tapped;
use worlds::{attached, dropping, early_only, listening, strangers};

const OPUS: &str = "claude-opus-5-5";
const SONNET: &str = "claude-sonnet-5-5";
const HAIKU: &str = "claude-haiku-4-5";

fn drawn(app: &App, size: Size) -> String {
    text(&cells(app, noon(), size, &look("dark", false)))
}

fn screen(world: fn(Size) -> App, script: &str, size: Size) -> String {
    let mut app = world(size);
    let mut now = noon();
    press(&mut app, script, &mut now);
    text(&cells(&app, now, size, &look("dark", false)))
}

macro_rules! screen {
    ($name:ident, $world:expr, $script:literal, $size:expr) => {
        #[test]
        fn $name() {
            insta::assert_snapshot!(screen($world, $script, $size));
        }
    };
}

screen!(requests_wide, tapped, "3", WIDE);
screen!(requests_folded, tapped, "3 jj", FOLDED);
screen!(requests_small, tapped, "3", SMALL);
screen!(requests_very_wide, tapped, "3 s", (180, 44));
screen!(requests_tiny, tapped, "3", (20, 6));
screen!(the_worst_first, tapped, "3 sss", FOLDED);
screen!(only_refused_for_output, tapped, "3 /otpm <enter>", FOLDED);
screen!(
    an_early_retry_wide,
    tapped,
    "3 /nightly <enter> j <enter>",
    WIDE
);
screen!(
    a_broken_stream_folded,
    tapped,
    "3 /cli <enter> j <enter>",
    FOLDED
);
screen!(
    a_listening_client_small,
    tapped,
    "3 /anthropic/js <enter> <enter>",
    SMALL
);
screen!(a_live_request, tapped, "3 j <enter>", FOLDED);
screen!(totals_wide, tapped, "3 o", WIDE);
screen!(totals_folded, tapped, "3 o", FOLDED);
screen!(totals_small, tapped, "3 o jjjj", SMALL);
screen!(drops_are_shown, dropping, "3", WIDE);
screen!(drops_folded, dropping, "3 o G", FOLDED);
screen!(help_on_traffic, tapped, "3 ?", WIDE);
screen!(nothing_has_passed_wide, listening, "3", WIDE);
screen!(
    nothing_has_passed_without_a_tap,
    world::shown::busy,
    "3",
    FOLDED
);
screen!(nothing_has_passed_small, listening, "3", SMALL);
screen!(other_organizations_wide, strangers, "", WIDE);
screen!(other_organizations_folded, strangers, "G", FOLDED);
screen!(other_organizations_small, strangers, "G", SMALL);
screen!(the_last_refusal_names_its_program, early_only, "", WIDE);

#[test]
fn a_screen_that_only_looks_on_says_where_the_tap_is_and_never_how_to_configure_one() {
    let states = [
        ("asking", attached as fn(_, _, _) -> _, None, None),
        ("unreached", attached, Some(at(-41.0)), None),
        ("lost", attached, Some(at(-41.0)), Some("127.0.0.1:4788")),
        ("idle", attached, None, Some("127.0.0.1:4788")),
    ];
    for (name, world, lost_since, tap) in states {
        for size in [WIDE, FOLDED, SMALL] {
            let mut app = world(size, lost_since, tap);
            press(&mut app, "3", &mut noon());
            let shown = drawn(&app, size);
            assert!(!shown.contains("[profiles."), "{shown}");
            assert_eq!(shown.contains("12:03:50"), lost_since.is_some(), "{shown}");
            let (columns, rows) = size;
            insta::assert_snapshot!(format!("attached_{name}_{columns}x{rows}"), shown);
        }
    }
}

#[test]
fn words_that_nobody_may_overlook_stand_out_in_the_list_too() {
    let look = look("dark", false);
    let mut app = tapped(WIDE);
    press(&mut app, "3", &mut noon());
    let buf = cells(&app, noon(), WIDE, &look);
    let style = style_of(&buf, "EARLY").unwrap();
    assert_eq!(style.fg, look.roles.empty.fg);
    let stacked = style_of(&buf, "140 STACKED").unwrap();
    assert_eq!(stacked.fg, look.roles.bad.fg);
}

#[test]
fn a_click_selects_a_request_and_a_second_one_opens_it() {
    for size in [WIDE, FOLDED, SMALL] {
        let mut app = tapped(size);
        press(&mut app, "3", &mut noon());
        let row = layout::traffic(size).list + 3;
        click(&mut app, 20, row, noon());
        let screen = drawn(&app, size);
        let marked = screen.lines().nth(row.into()).unwrap();
        assert!(
            marked.contains('▸') && marked.contains("classif"),
            "{screen}"
        );
        assert!(app.traffic().open.is_none());
        click(&mut app, 20, row, noon());
        assert!(app.traffic().open.is_some());
        press(&mut app, "<esc>", &mut noon());
        assert!(app.traffic().open.is_none());
    }
}

#[test]
fn y_copies_the_request_id_of_what_is_looked_at() {
    let mut app = tapped(WIDE);
    let mut now = noon();
    press(&mut app, "3 /nightly <enter> j <enter>", &mut now);
    let copied = press(&mut app, "y", &mut now);
    assert_eq!(copied, [Effect::Copy("req_011CX00239f".to_owned())]);
    let copied = press(&mut app, "K y", &mut now);
    assert_eq!(copied, [Effect::Copy("req_011CX00229f".to_owned())]);
}

#[test]
fn what_is_being_read_stays_when_a_flood_pushes_it_out() {
    let mut app = tapped(WIDE);
    let mut now = noon();
    press(&mut app, "3 /nightly <enter> j <enter>", &mut now);
    let before = drawn(&app, WIDE);
    for n in 0..3_000 {
        Life::begin(&mut app, 1_000 + n, "nightly-report", HAIKU, 0.0, false)
            .sent(0.0)
            .head(0.0, 0.01, 200, None)
            .whole(0.0, 0.01, used(10, 0, 1));
    }
    let top = |screen: &str| {
        screen
            .lines()
            .skip(2)
            .take(9)
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert_eq!(top(&before), top(&drawn(&app, WIDE)));
    press(&mut app, "<esc> <esc>", &mut now);
    let listed = drawn(&app, WIDE);
    assert!(listed.contains("Requests · 1,000 of "), "{listed}");
}

#[test]
fn a_paused_list_can_still_be_sorted_filtered_and_read() {
    let mut app = tapped(FOLDED);
    let mut now = noon();
    press(&mut app, "3 <space>", &mut now);
    Life::begin(&mut app, 900, "late-comer", OPUS, 1.0, false).sent(1.0);
    let screen = drawn(&app, FOLDED);
    assert!(
        screen.contains("PAUSED") && !screen.contains("late-comer"),
        "{screen}"
    );
    press(&mut app, "sss", &mut now);
    assert!(drawn(&app, FOLDED).contains("worst first"));
    press(&mut app, "/late <enter>", &mut now);
    assert!(drawn(&app, FOLDED).contains("No request fits the filter"));
    press(&mut app, "<space>", &mut now);
    assert!(drawn(&app, FOLDED).contains("late-comer"));
    press(&mut app, "<esc>", &mut now);
    assert!(drawn(&app, FOLDED).contains("nightly-rep"));
}

#[test]
fn a_test_call_can_take_the_model_of_a_request() {
    let mut app = tapped(WIDE);
    press(&mut app, "3 /classifier <enter> t", &mut noon());
    assert!(drawn(&app, WIDE).contains("model      claude-haiku-4-5"));
}

#[test]
fn a_ramp_is_not_named_by_a_limit_and_where_no_retry_helps_none_is_hoped_for() {
    let mut app = tapped(WIDE);
    let ramp = Verdict {
        limiter: Some("input_tokens_per_minute".into()),
        ..plain(Cause::Ramp, Some(429), "grew too fast", true)
    };
    let spent = plain(Cause::SpendCap, Some(429), "the month is spent", false);
    for (n, name, verdict) in [(91, "launch", ramp), (92, "spender", spent)] {
        Life::begin(&mut app, n, name, OPUS, -3.0, false)
            .sent(-3.0)
            .refused(-2.9, verdict);
    }
    press(&mut app, "3", &mut noon());
    let screen = drawn(&app, WIDE);
    let line = |name: &str| {
        let line = screen.lines().find(|line| line.contains(name)).unwrap();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert!(line("launch").contains("429 ramp × may retry"), "{screen}");
    assert!(line("spender").contains("429 spend × no use"), "{screen}");
}

#[test]
fn a_wait_of_hours_that_a_refusal_asks_for_is_said_in_its_line() {
    let mut app = tapped(WIDE);
    for (n, name, asked) in [(93, "sitting", 7_650.0), (94, "patient", 17.0)] {
        Life::begin(&mut app, n, name, OPUS, -3.0, false)
            .sent(-3.0)
            .output_refused(-2.9, asked);
    }
    press(&mut app, "3", &mut noon());
    let screen = drawn(&app, WIDE);
    let line = |name: &str| screen.lines().find(|line| line.contains(name)).unwrap();
    assert!(line("sitting").contains("× in 2h07m "), "{screen}");
    assert!(line("patient").contains("× may retry "), "{screen}");
}

#[test]
fn the_pool_of_another_organization_has_details_and_takes_no_call_of_ours() {
    let mut app = strangers(WIDE);
    // Their Opus stands above their subscription; ours has the same name.
    press(&mut app, "Gk", &mut noon());
    for key in ["p", "t"] {
        let effects = press(&mut app, key, &mut noon());
        assert!(effects.is_empty(), "{effects:?}");
        let shown = drawn(&app, WIDE);
        assert!(shown.contains("◇ Opus 5.5"), "still tab 1: {shown}");
        assert!(shown.contains("key does not reach it"), "{shown}");
    }
    press(&mut app, "<enter>", &mut noon());
    let shown = drawn(&app, WIDE);
    assert!(!shown.contains("Last refusal"), "{shown}");
    assert!(shown.contains("Opus 5.5"), "{shown}");
}

#[test]
fn a_screen_that_can_make_no_calls_offers_none_for_a_pool_without_data() {
    let mut app = world::fresh(WIDE);
    let group = world::model_group("g", "Opus 5.5", &[OPUS], [50, 30_000, 8_000]);
    world::limits(&mut app, at(-60.0), vec![group]);
    assert!(drawn(&app, WIDE).contains("probes it"));
    let card = ProfileCard {
        can_call: false,
        attached: Some(Attached { lost_since: None }),
        ..world::card("prod")
    };
    app.update(Event::Profile(Box::new(card)), noon());
    let shown = drawn(&app, WIDE);
    assert!(
        !shown.contains("probes it") && !shown.contains("makes a test call"),
        "{shown}"
    );
    assert!(
        shown.contains("Traffic of it that passes the tap fills its gauges."),
        "{shown}"
    );
}
