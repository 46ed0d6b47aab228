//! The loop under a flood: as many events as it takes, a hundred thousand in a second of its own time,
//! and keys pressed in between. Every key is taken before the next event and drawn at most a few turns
//! later, and no event costs a frame of its own.

mod threads;

use crate::size::sized;
use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers};
use futures_util::{FutureExt, Stream};
use ratatui::{buffer::Buffer, layout::Rect};
use ratetop::{
    app::{
        App,
        effect::Effect,
        event::{Event, Started},
        panel::Tab,
        profile::blank_card,
    },
    clock::Clock,
    domain::{
        headers,
        id::CallId,
        observation::{CallResult, Observation, Source, What},
        outcome::Outcome,
        time::Time,
        usage::Usage,
    },
    run::{
        drive::{Hands, drive},
        wait::Sources,
    },
    ui::{
        self,
        theme::{Depth, Look, Theme},
    },
};
use std::{
    cell::RefCell,
    io,
    pin::Pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc as plain,
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::sync::mpsc::{self, Receiver, Sender};

const SIZE: (u16, u16) = (120, 36);
/// Events on their way to the loop, as the program itself has them.
const ROOM: usize = 1_024;
/// What one event takes of virtual time: a hundred thousand a second.
const EVENT: Duration = Duration::from_micros(10);
/// What a turn takes beside its events.
const TURN: Duration = Duration::from_micros(20);
/// Most events of one turn: the one that woke the loop, and 256 more before it looks at the keyboard.
const MOST_OF_A_TURN: usize = 257;
/// Turns of such length in the 8 ms between two frames of keys, and in the 33 ms of other frames; one
/// more as a frame is drawn at the end of a turn, and one as a key is a turn of its own.
const TURNS_TO_A_KEY: u64 = 4 + 2;
const TURNS_TO_A_FRAME: u64 = 13 + 2;
/// Longer than anything here takes: a key that is not drawn by then is lost.
const PATIENCE: Duration = Duration::from_mins(2);

const HEAD: &[(&str, &[u8])] = &[
    (
        "anthropic-organization-id",
        b"6a3f0f4e-0000-4000-8000-000000000001",
    ),
    ("anthropic-ratelimit-output-tokens-limit", b"1000000"),
    ("anthropic-ratelimit-output-tokens-remaining", b"206000"),
    (
        "anthropic-ratelimit-output-tokens-reset",
        b"2026-11-24T12:00:48Z",
    ),
];

fn noon() -> Time {
    "2026-11-24T12:00:00Z".parse().unwrap()
}

/// The `n`th event of the flood: one after the other of one short stream after the other.
fn event(profile: &Arc<str>, n: u64, at: Time) -> Event {
    let usage = Usage {
        input_tokens: 20,
        output_tokens: n % 50,
        ..Usage::default()
    };
    let what = match n % 7 {
        0 => What::Began {
            policy: "none".to_owned(),
            attempts: Some(1),
            stream: true,
            input_estimate: 20,
        },
        1 => What::Sent,
        2 => What::Head {
            status: 200,
            reading: headers::read(HEAD.iter().copied(), at),
            first_byte_s: 0.01,
        },
        3 => What::FirstToken { after_s: 0.02 },
        4 => What::Progress { usage },
        5 => What::Finished {
            outcome: Outcome::Complete {
                status: 200,
                stop_reason: Some("end_turn".to_owned()),
            },
            usage: Some(usage),
            duration_s: 0.1,
            verdict: None,
        },
        _ => What::Closed {
            result: CallResult::Ok,
        },
    };
    let seen = Observation {
        at,
        source: Source::Call,
        call: Some(CallId((1 << 50) + n / 7)),
        attempt: (1..=5).contains(&(n % 7)).then_some(1),
        client: Some("flood".into()),
        organization: None,
        workspace: None,
        model: Some("claude-sonnet-5-5".into()),
        fast: false,
        what,
    };
    Event::Observed {
        profile: Arc::clone(profile),
        seen: Arc::new(seen),
    }
}

fn press(c: char) -> Input {
    Input::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE))
}

/// Keys that change what is seen, and the tab that is to be seen then.
const KEYS: [(char, Tab); 6] = [
    ('2', Tab::Calls),
    ('j', Tab::Calls),
    ('7', Tab::Events),
    ('j', Tab::Events),
    ('1', Tab::Headroom),
    ('k', Tab::Headroom),
];

fn app(profile: &Arc<str>, now: Time) -> App {
    let mut app = App::new(Started {
        at: now,
        local_offset_s: 0,
        mouse: false,
        read_only: false,
        size: SIZE,
        prices: ratetop::assets::prices(),
        tiers: ratetop::assets::tiers(),
    });
    app.update(
        Event::Profile(Box::new(blank_card(Arc::clone(profile)))),
        now,
    );
    app
}

/// Draws for real, into memory.
struct Paper {
    look: Look,
    buffer: Buffer,
}

impl Paper {
    fn new() -> Self {
        Self {
            look: Look::new(&Theme::named("dark").unwrap(), Depth::True, false),
            buffer: Buffer::empty(Rect::new(0, 0, SIZE.0, SIZE.1)),
        }
    }

    fn draw(&mut self, app: &App, now: Time) {
        self.buffer.reset();
        ui::paint(app, &self.look, now, &mut self.buffer);
    }
}

/// The flood and what became of it, counted in turns of the loop.
struct Flood {
    events: Sender<Event>,
    profile: Arc<str>,
    clock: Clock,
    sent: u64,
    enough: u64,
    turn: u64,
    dice: fastrand::Rng,
    next_key: u64,
    keys: u64,
    /// The key that is not drawn yet: its turn, and what is to be seen.
    waiting: Option<(u64, Tab)>,
    frames: u64,
    last_frame: u64,
}

impl Flood {
    /// One turn begins: what was taken is sent anew, and took its time.
    fn turn(&mut self) -> Poll<Option<io::Result<Input>>> {
        self.turn += 1;
        let mut taken = 0;
        while let Ok(place) = self.events.try_reserve() {
            place.send(event(&self.profile, self.sent, self.clock.now()));
            self.sent += 1;
            taken += 1;
        }
        let filled_at_first = self.turn == 1;
        assert!(
            filled_at_first || taken <= MOST_OF_A_TURN,
            "{taken} events in one turn"
        );
        if !filled_at_first {
            pass(EVENT * taken as u32 + TURN);
        }
        if let Some((since, _)) = self.waiting {
            let turns = self.turn - since;
            assert!(
                turns <= TURNS_TO_A_KEY,
                "a key is not drawn after {turns} turns"
            );
            return Poll::Pending;
        }
        if self.turn < self.next_key {
            return Poll::Pending;
        }
        if self.sent >= self.enough {
            return Poll::Ready(Some(Ok(press('q'))));
        }
        let (key, tab) = KEYS[(self.keys % KEYS.len() as u64) as usize];
        self.keys += 1;
        self.waiting = Some((self.turn, tab));
        self.next_key = self.turn + self.dice.u64(1..20);
        Poll::Ready(Some(Ok(press(key))))
    }

    fn drawn(&mut self, app: &App) {
        self.frames += 1;
        let gap = self.turn - self.last_frame;
        assert!(gap <= TURNS_TO_A_FRAME, "{gap} turns without a frame");
        self.last_frame = self.turn;
        if let Some((_, tab)) = self.waiting.take() {
            assert_eq!(app.tab(), tab, "frame {}", self.frames);
        }
    }
}

/// Lets virtual time pass.
fn pass(time: Duration) {
    // Its first step moves the clock, the rest lets other tasks run; there are none.
    let _ = tokio::time::advance(time).now_or_never();
}

struct Keyboard(Rc<RefCell<Flood>>);

impl Stream for Keyboard {
    type Item = io::Result<Input>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.borrow_mut().turn()
    }
}

struct Eyes(Rc<RefCell<Flood>>, Paper);

impl Hands for Eyes {
    fn draw(&mut self, app: &App, now: Time) -> io::Result<()> {
        self.1.draw(app, now);
        self.0.borrow_mut().drawn(app);
        Ok(())
    }

    fn repaint(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn carry_out(&mut self, effect: Effect) -> io::Result<()> {
        panic!("nobody asked for {effect:?}")
    }
}

#[test]
fn every_key_is_taken_and_drawn_while_a_flood_lasts() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let _inside = runtime.enter();
    let clock = Clock::anchored(noon());
    let profile: Arc<str> = "flood".into();
    let (events, mut received) = mpsc::channel(ROOM);
    let flood = Rc::new(RefCell::new(Flood {
        events,
        profile: Arc::clone(&profile),
        clock: clock.clone(),
        sent: 0,
        enough: u64::from(sized(3_000_000, 60_000)),
        turn: 0,
        dice: fastrand::Rng::with_seed(7),
        next_key: 5,
        keys: 0,
        waiting: None,
        frames: 0,
        last_frame: 0,
    }));
    let mut app = app(&profile, clock.now());
    let mut sources = Sources::with_keys(Keyboard(Rc::clone(&flood)));
    let mut eyes = Eyes(Rc::clone(&flood), Paper::new());
    let began = clock.instant();
    drive(&mut app, &mut sources, &mut received, &mut eyes, &clock).unwrap();
    let lasted = clock.instant().duration_since(began);
    let flood = flood.borrow();
    eprintln!(
        "{} events in {lasted:?} of virtual time: {} turns, {} keys, {} frames",
        flood.sent, flood.turn, flood.keys, flood.frames
    );
    assert!(flood.waiting.is_none());
    assert!(flood.keys >= 5);
    // Frames are for time and for keys, not for events.
    let most = lasted.as_millis() as u64 / 33 + flood.keys + 1;
    assert!(
        flood.frames <= most,
        "{} frames, {most} at most",
        flood.frames
    );
}
