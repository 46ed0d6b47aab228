//! Blocks the main thread until there is something to do: a key, a signal, an event, or the moment.
//!
//! The runtime's own timer would wake a worker several times for one moment, as it sorts deadlines ever
//! finer, and then the main thread once more. Parking with a time-out wakes one thread once.

use super::signals::{Signal, Signals};
use crate::app::event::Event;
use crossterm::event::EventStream;
use futures_util::Stream;
use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::Thread,
};
use tokio::{sync::mpsc::Receiver, time::Instant};

/// What ended a wait.
pub enum Woken {
    /// The terminal said something.
    Input(crossterm::event::Event),
    /// A signal came.
    Signal(Signal),
    /// Something happened elsewhere.
    Event(Event),
    /// The moment has come.
    Moment,
    /// The terminal is gone, and why if it said so.
    Gone(Option<io::Error>),
}

/// What the loop waits for: a stream of keys beside signals and events. The terminal's keys, unless a
/// test presses its own.
pub struct Sources<K = EventStream> {
    keys: K,
    signals: Option<Signals>,
    waker: Waker,
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl Sources {
    /// The terminal's keys, and signals. Call on the thread that waits, inside the runtime.
    pub fn open() -> io::Result<Self> {
        Ok(Self {
            signals: Some(Signals::listen()?),
            ..Self::with_keys(EventStream::new())
        })
    }
}

impl<K: Stream<Item = io::Result<crossterm::event::Event>> + Unpin> Sources<K> {
    /// Those keys, and no signals. Call on the thread that waits.
    pub fn with_keys(keys: K) -> Self {
        Self {
            keys,
            signals: None,
            waker: Arc::new(Unpark(std::thread::current())).into(),
        }
    }

    /// Waits. Keys win over signals, those over events, and all of them over the moment.
    pub fn wait(
        &mut self,
        events: &mut Receiver<Event>,
        moment: Instant,
        now: impl Fn() -> Instant,
    ) -> Woken {
        loop {
            if let Some(woken) = self.ready(events) {
                return woken;
            }
            let left = moment.saturating_duration_since(now());
            if left.is_zero() {
                return Woken::Moment;
            }
            std::thread::park_timeout(left);
        }
    }

    fn ready(&mut self, events: &mut Receiver<Event>) -> Option<Woken> {
        let mut context = Context::from_waker(&self.waker);
        if let Poll::Ready(key) = Pin::new(&mut self.keys).poll_next(&mut context) {
            return Some(match key {
                Some(Ok(input)) => Woken::Input(input),
                Some(Err(error)) => Woken::Gone(Some(error)),
                None => Woken::Gone(None),
            });
        }
        if let Some(signals) = &mut self.signals
            && let Poll::Ready(signal) = signals.poll(&mut context)
        {
            return Some(Woken::Signal(signal));
        }
        match events.poll_recv(&mut context) {
            Poll::Ready(Some(event)) => Some(Woken::Event(event)),
            Poll::Ready(None) | Poll::Pending => None,
        }
    }
}
