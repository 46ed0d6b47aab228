//! 256 workers on the screen, by the real loop in virtual time: what they tell costs no frame of its own,
//! and a key in the middle of it is drawn with the next one. Counted, not timed.

use super::stage::Stage;
use crate::{screens, world};
use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers};
use futures_util::{FutureExt, Stream};
use ratatui::{buffer::Buffer, layout::Rect};
use ratetop::{
    app::{App, calls::form::Field, effect::Effect, event::Event, panel::Tab},
    clock::Clock,
    domain::{observation::Observation, time::Time},
    run::{
        drive::{Hands, drive},
        wait::Sources,
    },
    ui,
};
use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{sync::mpsc, time::Instant};

/// Between two looks at the keyboard.
const STEP: Duration = Duration::from_millis(5);
/// Between two frames that no key asked for: 30 a second.
const FRAME_MS: u128 = 33;
/// Between a key and its frame, whatever else happens.
const KEY_MS: i64 = 50;

/// Lets the run's events come when they came, and presses a key in the middle.
struct Script {
    clock: Clock,
    until: Instant,
    seen: std::vec::IntoIter<Arc<Observation>>,
    next: Option<Arc<Observation>>,
    events: mpsc::Sender<Event>,
    key_at: Option<Instant>,
}

impl Stream for Script {
    type Item = io::Result<Input>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let now = self.clock.instant();
        if now >= self.until {
            return Poll::Ready(None);
        }
        if self.key_at.take_if(|at| now >= *at).is_some() {
            let key = KeyEvent::new(KeyCode::Char('1'), KeyModifiers::NONE);
            return Poll::Ready(Some(Ok(Input::Key(key))));
        }
        let wall = self.clock.now();
        while let Some(seen) = self.next.take_if(|seen| seen.at <= wall) {
            let profile = "prod".into();
            self.events
                .try_send(Event::Observed { profile, seen })
                .unwrap();
            self.next = self.seen.next();
        }
        let _ = tokio::time::advance(STEP).now_or_never();
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Counts frames, and notes the first that shows the key's tab.
#[derive(Default)]
struct Paper {
    frames: u128,
    turned: Option<Time>,
}

impl Hands for Paper {
    fn draw(&mut self, app: &App, now: Time) -> io::Result<()> {
        let mut buf = Buffer::empty(Rect::new(0, 0, screens::WIDE.0, screens::WIDE.1));
        ui::paint(app, &screens::look("dark", false), now, &mut buf);
        self.frames += 1;
        if app.tab() == Tab::Headroom {
            self.turned.get_or_insert(now);
        }
        Ok(())
    }

    fn repaint(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn carry_out(&mut self, effect: Effect) -> io::Result<()> {
        panic!("nobody asked for {effect:?}")
    }
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().unwrap()
}

#[test]
fn what_256_workers_tell_is_drawn_at_the_frame_rate_and_a_key_at_once() {
    // The run is made once for what it tells, then told to another app that the loop draws.
    let (seen, app) = runtime().block_on(async {
        let mut stage = Stage::new("calm", "claude-haiku-4-5");
        stage.form((256, 1_024), "hint-jitter").keys("<enter>");
        stage.pass(4.0).await;
        let seen = std::mem::take(&mut stage.seen);
        let mut again = Stage::new("calm", "claude-haiku-4-5");
        again.form((256, 1_024), "hint-jitter").to(Field::Model);
        again.keys("<enter>");
        (seen, again.app)
    });
    let mut app = app;
    let told = seen.len();
    assert!(told > 3_000, "{told}");
    let runtime = runtime();
    let _inside = runtime.enter();
    let clock = Clock::anchored(world::noon());
    let (began, lasting) = (clock.instant(), Duration::from_secs(4));
    let (events, mut received) = mpsc::channel(told);
    let mut seen = seen.into_iter();
    let (pressed, lasts) = (Duration::from_secs(2), began + lasting);
    let script = Script {
        next: seen.next(),
        seen,
        events,
        clock: clock.clone(),
        until: lasts,
        key_at: Some(began + pressed),
    };
    let mut paper = Paper::default();
    let mut sources = Sources::with_keys(script);
    drive(&mut app, &mut sources, &mut received, &mut paper, &clock).unwrap();
    let most = lasting.as_millis() / FRAME_MS + 2;
    assert!(
        paper.frames <= most && paper.frames > most / 4,
        "{} frames for {told} events",
        paper.frames
    );
    let turned = paper.turned.unwrap() - world::noon();
    let late = turned.num_milliseconds() - pressed.as_millis() as i64;
    assert!((0..=KEY_MS).contains(&late), "{late} ms");
}
