//! THE LOOP. Keys first, then events, then the moment that the app named; draw when dirty.
//!
//! ```text
//!   keys ──┐                    ┌─► effects ─► Hub (calls, polls, profiles)
//!   events ┼─► App::update ─────┤
//!   wake ──┘                    └─► dirty? at most 30 times a second ─► ui::draw
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

/// Runs until the app quits. Blocks the main thread; call inside the runtime.
pub fn drive(
    app: &mut App,
    screen: &mut Screen,
    look: &Look,
    events: &mut Receiver<Event>,
    hub: &mut Hub,
    clock: &Clock,
) -> io::Result<()> {
    let mut sources = Sources::open()?;
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
                    screen.repaint()?;
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
            match effect {
                Effect::Suspend => screen.suspend()?,
                Effect::Repaint => screen.repaint()?,
                Effect::Copy(text) => screen.copy(&text)?,
                Effect::Mouse(on) => screen.mouse(on)?,
                Effect::Quit => return Ok(()),
                other => hub.carry_out(other),
            }
        }
        let now = clock.instant();
        let due = drawn + if eager { KEY_FRAME } else { FRAME };
        if app.dirty() && now >= due {
            draw(app, screen, look, clock.now())?;
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

/// Draws one frame.
pub fn draw(app: &mut App, screen: &mut Screen, look: &Look, now: Time) -> io::Result<()> {
    app.take_dirty();
    screen.draw(app, look, now)
}

fn next_wake(app: &App, clock: &Clock) -> Instant {
    let latest = clock.instant() + LONGEST_SLEEP;
    app.next_wake(clock.now())
        .map_or(latest, |at| clock.instant_of(at).min(latest))
}
