//! When a frame is drawn, by the real loop in virtual time: never without a visible change.

use crate::world;
use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers};
use futures_util::{FutureExt, Stream};
use ratatui::{buffer::Buffer, layout::Rect};
use ratetop::{
    app::{App, effect::Effect, event::Event},
    clock::Clock,
    domain::time::Time,
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
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{sync::mpsc, time::Instant};

const SIZE: (u16, u16) = (120, 36);
/// Between two looks of the loop; it wakes for nothing else here.
const STEP: Duration = Duration::from_millis(50);

/// Nobody types, and virtual time passes as fast as the loop can sleep; at the end the terminal is gone.
struct Silence {
    clock: Clock,
    until: Instant,
}

impl Stream for Silence {
    type Item = io::Result<Input>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.clock.instant() >= self.until {
            return Poll::Ready(None);
        }
        let _ = tokio::time::advance(STEP).now_or_never();
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Keeps the last frame, and holds each against the one before.
struct Paper {
    look: Look,
    last: Buffer,
    frames: u32,
}

impl Hands for Paper {
    fn draw(&mut self, app: &App, now: Time) -> io::Result<()> {
        let mut next = Buffer::empty(self.last.area);
        ui::paint(app, &self.look, now, &mut next);
        assert!(next != self.last, "frame {} shows nothing new", self.frames);
        (self.last, self.frames) = (next, self.frames + 1);
        Ok(())
    }

    fn repaint(&mut self) -> io::Result<()> {
        panic!("nobody asked for it")
    }

    fn carry_out(&mut self, effect: Effect) -> io::Result<()> {
        panic!("nobody asked for {effect:?}")
    }
}

/// Frames of an app that nobody touches for that long, each of them different from the one before.
fn frames(app: &mut App, lasting: Duration) -> u32 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let _inside = runtime.enter();
    let clock = Clock::anchored(world::noon());
    let silence = Silence {
        until: clock.instant() + lasting,
        clock: clock.clone(),
    };
    let mut paper = Paper {
        look: Look::new(&Theme::named("dark").unwrap(), Depth::True, false),
        last: Buffer::empty(Rect::new(0, 0, SIZE.0, SIZE.1)),
        frames: 0,
    };
    app.take_dirty();
    ui::paint(app, &paper.look, clock.now(), &mut paper.last);
    let (_events, mut received) = mpsc::channel(1);
    let mut sources = Sources::with_keys(silence);
    drive(app, &mut sources, &mut received, &mut paper, &clock).unwrap();
    paper.frames
}

fn press(app: &mut App, c: char) {
    let key = KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE);
    app.update(Event::Input(Input::Key(key)), world::noon());
}

#[test]
fn a_quiet_screen_is_drawn_once_a_second_and_each_time_something_moved() {
    let minute = Duration::from_mins(1);
    for tab in ['1', '2', '3', '7'] {
        let mut app = world::fresh(SIZE);
        world::shown::many(&mut app, 20, world::at(-30.0), 1);
        press(&mut app, tab);
        let drawn = frames(&mut app, minute);
        assert!((59..=60).contains(&drawn), "tab {tab}: {drawn} frames");
    }
}

#[test]
fn nothing_is_drawn_while_nothing_changes() {
    let hour = Duration::from_hours(1);
    let mut nobody = App::new(world::started(SIZE));
    assert_eq!(frames(&mut nobody, hour), 0, "without a profile");
    let mut paused = world::fresh(SIZE);
    world::shown::many(&mut paused, 20, world::at(-30.0), 1);
    press(&mut paused, ' ');
    assert_eq!(frames(&mut paused, hour), 0, "paused");
}
