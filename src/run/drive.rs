//! THE LOOP. Keys first, then events, then the moment that the app named; draw when dirty.
//!
//! ```text
//!   keys ──┐                    ┌─► effects ─► Hands (the terminal; the hub's calls, polls, profiles)
//!   events ┼─► App::update ─────┤
//!   wake ──┘                    └─► dirty? at most 30 times a second ─► Hands::draw
//! ```
//! There is no tick: an idle screen sleeps until the next visible change.

use super::{
    hub::Hub,
    signals::Signal,
    wait::{Sources, Woken},
};
use crate::{
    app::{App, effect::Effect, event::Event},
    clock::Clock,
    domain::time::Time,
    ui::{terminal::Screen, theme::Look},
};
use futures_util::Stream;
use std::{io, time::Duration};
use tokio::{sync::mpsc::Receiver, time::Instant};

/// Between two frames that no key asked for.
const FRAME: Duration = Duration::from_millis(33);
/// Between two frames of a held key.
const KEY_FRAME: Duration = Duration::from_millis(8);
/// Events taken in before the next look at the keyboard.
const DRAIN: usize = 256;
/// With nothing to show, a look at the clock now and then: a laptop may have slept.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);

/// What the loop acts with. An error ends it.
pub trait Hands {
    /// Draws one frame.
    fn draw(&mut self, app: &App, now: Time) -> io::Result<()>;
    /// Forgets what is on the screen: the next frame is drawn whole.
    fn repaint(&mut self) -> io::Result<()>;
    /// Carries out what the app wants done. Quitting is the loop's own.
    fn carry_out(&mut self, effect: Effect) -> io::Result<()>;
}

/// The terminal, and the hub for everything else.
pub struct Desk<'a> {
    /// Where frames go.
    pub screen: &'a mut Screen,
    /// How they look.
    pub look: &'a Look,
    /// Who works.
    pub hub: &'a mut Hub,
}

impl Hands for Desk<'_> {
    fn draw(&mut self, app: &App, now: Time) -> io::Result<()> {
        self.screen.draw(app, self.look, now)
    }

    fn repaint(&mut self) -> io::Result<()> {
        self.screen.repaint()
    }

    fn carry_out(&mut self, effect: Effect) -> io::Result<()> {
        match effect {
            Effect::Suspend => self.screen.suspend(),
            Effect::Repaint => self.screen.repaint(),
            Effect::Copy(text) => self.screen.copy(&text),
            Effect::Mouse(on) => self.screen.mouse(on),
            other => {
                self.hub.carry_out(other);
                Ok(())
            }
        }
    }
}

/// Runs until the app quits. Blocks the thread that made the sources; call inside the runtime.
pub fn drive<K: Stream<Item = io::Result<crossterm::event::Event>> + Unpin>(
    app: &mut App,
    sources: &mut Sources<K>,
    events: &mut Receiver<Event>,
    hands: &mut impl Hands,
    clock: &Clock,
) -> io::Result<()> {
    let mut drawn = clock.instant();
    let mut eager = false;
    while !app.quitting() {
        let due = drawn + if eager { KEY_FRAME } else { FRAME };
        let wake = next_wake(app, clock);
        let until = if app.dirty() { due.min(wake) } else { wake };
        let mut effects = Vec::new();
        match sources.wait(events, until, || clock.instant()) {
            Woken::Input(input) => {
                #[cfg(debug_assertions)]
                panic_if_asked(&input);
                if matches!(input, crossterm::event::Event::Resize(..)) {
                    // Also when the size is the old one again: a terminal that was smaller in
                    // between has lost cells.
                    hands.repaint()?;
                }
                eager = true;
                effects = app.update(Event::Input(input), clock.now());
            }
            // Nobody is left to draw for.
            Woken::Gone(error) => return error.map_or(Ok(()), Err),
            Woken::Signal(Signal::Terminate) => {
                effects = app.update(Event::Terminate, clock.now());
            }
            Woken::Signal(Signal::Suspend) => effects.push(Effect::Suspend),
            Woken::Event(event) => {
                let now = clock.now();
                effects = app.update(event, now);
                for _ in 0..DRAIN {
                    let Ok(event) = events.try_recv() else {
                        break;
                    };
                    effects.extend(app.update(event, now));
                }
            }
            Woken::Moment => {
                if let Some(jump) = clock.follow_wall() {
                    effects = app.update(Event::ClockJumped(jump), clock.now());
                }
                if clock.instant() >= wake {
                    app.wake(clock.now());
                }
            }
        }
        for effect in effects {
            if effect == Effect::Quit {
                return Ok(());
            }
            hands.carry_out(effect)?;
        }
        let now = clock.instant();
        let due = drawn + if eager { KEY_FRAME } else { FRAME };
        if app.dirty() && now >= due {
            app.take_dirty();
            hands.draw(app, clock.now())?;
            drawn = now;
            eager = false;
        }
    }
    Ok(())
}

/// F12 of a debug build: what a panic leaves of the terminal can only be tested with one.
#[cfg(debug_assertions)]
fn panic_if_asked(input: &crossterm::event::Event) {
    let key = input.as_key_press_event();
    assert!(
        key.is_none_or(|key| key.code != crossterm::event::KeyCode::F(12)),
        "asked for with F12"
    );
}

fn next_wake(app: &App, clock: &Clock) -> Instant {
    let latest = clock.instant() + LONGEST_SLEEP;
    app.next_wake(clock.now())
        .map_or(latest, |at| clock.instant_of(at).min(latest))
}
