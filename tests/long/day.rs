//! A day of the whole program in virtual time: two worlds, every observation through `App::update`,
//! keys, calls and frames now and then. Nothing grows with running time except bounded histories.

use crate::{
    life::{Life, dawn},
    memory, size,
};
use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers};
use ratatui::{buffer::Buffer, layout::Rect};
use ratetop::{
    api::call::Told,
    app::{
        App,
        effect::Effect,
        event::{Event, FormDefaults, ProfileCard, Started, Thresholds},
        panel::Tab,
        profile::{CALLS, Profile},
    },
    clock::Clock,
    domain::{board::Board, retry::Policy, spend::Spend, time::Time},
    run::hub::ear,
    sim::scenario::Scenario,
    ui::{
        self,
        theme::{Depth, Look, Theme},
    },
};
use std::{sync::Arc, time::Duration};

const WORLDS: [&str; 2] = ["busy-afternoon", "noisy-neighbour"];
/// Seconds of a day.
const DAY_S: f64 = 86_400.0;
/// Every history is full after this many seconds: the longest reaches back eleven minutes.
const FULL_S: f64 = 780.0;
/// Entries of all histories of one gauge, added up from their own bounds: 90 s of own usage in steps
/// of 0.05 s, a minute of marks in half seconds, two peaks of 64, eleven minutes of points in steps
/// of 2 s.
const GAUGE_MOST: usize = 1_801 + 121 + 2 * 65 + 331;

fn card(name: &str) -> ProfileCard {
    ProfileCard {
        tap: None,
        attached: None,
        chaos: None,
        meet: None,
        name: name.into(),
        host: "engine".to_owned(),
        can_call: true,
        cannot_call_because: None,
        can_poll: false,
        workspace: None,
        thresholds: Thresholds {
            tight_percent: 25.0,
            critical_percent: 10.0,
        },
        form: FormDefaults {
            model: "claude-sonnet-5-5".to_owned(),
            prompt: "Say hello.".to_owned(),
            max_tokens: 128,
            stream: true,
            policy: Policy::HintJitter,
            attempts: None,
            policies: Policy::ALL.into(),
        },
        spend: Spend {
            free: true,
            ..Spend::default()
        },
        siblings: WORLDS.map(Arc::from).to_vec(),
    }
}

fn key(code: KeyCode) -> Event {
    Event::Input(Input::Key(KeyEvent::new(code, KeyModifiers::NONE)))
}

/// The app with both profiles, the first in front.
fn app(now: Time) -> App {
    let mut app = App::new(Started {
        at: now,
        local_offset_s: 0,
        mouse: true,
        read_only: false,
        size: (120, 36),
        prices: ratetop::assets::prices(),
        tiers: ratetop::assets::tiers(),
    });
    for name in WORLDS {
        app.update(Event::Profile(Box::new(card(name))), now);
    }
    app
}

fn hear(app: &mut App, world: &str, told: Told, now: Time) {
    app.update(ear::event(&world.into(), told), now);
}

fn gauges(board: &Board) -> impl Iterator<Item = usize> {
    let pools = board.pools().iter().chain(board.foreign());
    pools.flat_map(|pool| pool.gauges.iter().map(ratetop::domain::gauge::Gauge::kept))
}

/// What a profile must never exceed, however long it has run.
fn bounded(profile: &Profile, at: &str) {
    for kept in gauges(&profile.board) {
        assert!(kept <= GAUGE_MOST, "{at}: a gauge keeps {kept} entries");
    }
    let calls = profile.timeline.calls();
    assert!(calls.len() <= CALLS, "{at}: {} calls", calls.len());
    for call in calls {
        assert!(call.attempts.len() <= 256, "{at}: {:?}", call.id);
    }
    let pools = profile.board.pools().len();
    assert!(pools <= 40, "{at}: {pools} pools");
    // Two worlds of a few calls a second.
    let under_way = profile.board.under_way();
    assert!(under_way <= 1_000, "{at}: {under_way} under way");
}

#[derive(Clone, Copy, Debug, Default)]
struct Weight {
    /// Bytes of both profiles and the ring.
    state: isize,
    /// Bytes of the whole process, engines included.
    process: isize,
}

fn weigh(app: &App, now: Time) -> Weight {
    let shown = app.shown(now).unwrap();
    Weight {
        state: memory::size_of_copy(shown.profile) + memory::size_of_copy(shown.ring),
        process: memory::in_use(),
    }
}

/// Keys as somebody presses them who looks in every few minutes.
fn visit(app: &mut App, lives: &[Life], turn: u64, now: Time) {
    let keys = [
        KeyCode::Char('1'),
        KeyCode::Char('j'),
        KeyCode::Enter,
        KeyCode::Esc,
        KeyCode::Char('2'),
        KeyCode::Enter,
        KeyCode::Char('7'),
        KeyCode::Char('j'),
        KeyCode::Char('?'),
        KeyCode::Esc,
        KeyCode::Char('1'),
    ];
    for code in keys {
        for effect in app.update(key(code), now) {
            if let Effect::Call(order) = effect {
                lives[0].call(order);
            }
        }
    }
    // A long pause keeps a copy of everything, and gives it back.
    if turn % 7 == 3 || turn % 7 == 4 {
        app.update(key(KeyCode::Char('p')), now);
        app.update(key(KeyCode::Char(' ')), now);
    }
}

#[tokio::test(start_paused = true)]
#[expect(
    clippy::await_holding_lock,
    reason = "each test has a runtime of its own, and this one is to be alone"
)]
async fn a_day_grows_nothing_but_bounded_histories() {
    let _alone = memory::alone();
    let whole_s = (DAY_S * size::share()).floor().max(60.0);
    let first_s = (whole_s / 8.0).clamp(FULL_S, 3_600.0).min(whole_s);
    let clock = Clock::anchored(dawn());
    let mut app = app(clock.now());
    let look = Look::new(&Theme::named("dark").unwrap(), Depth::True, false);
    let mut lives = WORLDS.map(|name| Life::begin(Scenario::named(name).unwrap(), 5, &clock));
    let mut first = None;
    let (mut heard, mut frames, mut refused) = (0_u64, 0_u32, 0_u64);
    let mut wake = app.next_wake(clock.now());
    for second in 1..=whole_s as u64 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let now = clock.now();
        for (life, world) in lives.iter_mut().zip(WORLDS) {
            for told in life.heard() {
                heard += 1;
                hear(&mut app, world, told, now);
            }
        }
        if wake.is_some_and(|wake| wake <= now) {
            app.wake(now);
        }
        wake = app.next_wake(now);
        if second % 20 == 0 {
            let area = Rect::new(0, 0, 120, 36);
            let mut buf = Buffer::empty(area);
            assert!(app.take_dirty() || app.shown(now).unwrap().paused);
            ui::paint(&app, &look, now, &mut buf);
            frames += 1;
        }
        if second % 240 == 0 {
            visit(&mut app, &lives, second / 240, now);
        }
        if second % 60 == 0 {
            let at = format!("after {second} s");
            let shown = app.shown(now).unwrap();
            assert!(shown.ring.iter().len() <= 500, "{at}");
            refused = shown.ring.total();
            bounded(shown.profile, &at);
        }
        // A full garbage of minutes and steps in the engines would be theirs alone.
        if first.is_none() && second as f64 >= first_s {
            first = Some(weigh(&app, now));
        }
    }
    let (now, first) = (clock.now(), first.unwrap());
    let last = weigh(&app, now);
    eprintln!(
        "{whole_s:.0} s of life: {heard} told, {refused} notices, {frames} frames; after {first_s:.0} s \
         {first:?}, at the end {last:?}"
    );
    assert!(app.tab() == Tab::Headroom);
    assert!(f64::from(frames) >= (whole_s / 20.0).floor());
    // Histories breathe with the worlds' waves; half as much again is not growth.
    let most = |first: isize| first + first / 2 + (256 << 10);
    assert!(last.state <= most(first.state), "{first:?} {last:?}");
    // The engines keep the minutes of a day for the usage report.
    assert!(
        last.process <= most(first.process) + (2 << 20),
        "{first:?} {last:?}"
    );
    for (life, world) in lives.iter_mut().zip(WORLDS) {
        for told in life.end().await {
            hear(&mut app, world, told, clock.now());
        }
        let kept = life.engine().kept();
        assert_eq!((kept.flows, kept.in_flight), (0, 0), "{world}: {kept:?}");
        assert!(kept.minutes <= 1_500 && kept.cached <= 4_096, "{kept:?}");
    }
    if app.shown(clock.now()).unwrap().paused {
        // The last visit of a whole day pauses: what is shown then is the copy of that moment.
        app.update(key(KeyCode::Char(' ')), clock.now());
    }
    let shown = app.shown(clock.now()).unwrap();
    assert!(!shown.paused);
    assert_eq!(shown.profile.board.under_way(), 0);
    assert!(shown.profile.timeline.calls().all(|call| !call.is_open()));
}
