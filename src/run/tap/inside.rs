//! A tap beside the screen: what it hears goes to the board of its profile.

use super::{
    Making, Named, Open,
    feeding::{self, GATHER},
    place::Place,
    tell,
};
use crate::{
    app::event::Event,
    cli::{environment::Environment, profile::Profile, token},
    clock::Clock,
    domain::{observation::Observation, traffic::Totals},
    tap::{
        Tap,
        hear::{Known, Sink},
        refusal::Refusal,
    },
};
use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};
use tokio::sync::mpsc::{Sender, UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;

/// Samples that wait for the screen; more are dropped and counted.
const MOST_WAITING: usize = 4_096;

/// What such a tap finds around it.
pub struct Neighbours<'a> {
    /// The process's environment.
    pub env: &'a Environment,
    /// The time of the board.
    pub clock: Clock,
    /// Where other taps of this program listen.
    pub taps: Vec<SocketAddr>,
    /// The way to the screen.
    pub events: Sender<Event>,
}

/// A tap that accepts connections for a profile.
pub struct Inside {
    open: Open,
    profile: Arc<str>,
    queue: UnboundedSender<Event>,
}

impl Inside {
    /// Binds where the profile wants its tap, if it wants one. One sentence with the setting's name when
    /// that cannot be; the tasks that it needs are served by [`Inside::serve`].
    pub async fn open(
        profile: &Profile,
        around: Neighbours<'_>,
    ) -> anyhow::Result<Option<(Self, impl Future<Output = ()> + Send + use<>)>> {
        let Some(listen) = &profile.tap.listen else {
            return Ok(None);
        };
        let file = profile.tap.token_file.as_ref();
        let token = file
            .map(|file| token::read(&file.value, "tap.token_file"))
            .transpose()?;
        let (queue, mut waiting_events) = unbounded_channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let name = Arc::clone(&profile.name);
        let sink = ToBoard {
            profile: Arc::clone(&name),
            queue: queue.clone(),
            waiting: Arc::clone(&waiting),
        };
        let door = Door {
            queue: queue.clone(),
            last: Mutex::default(),
        };
        let making = Making {
            listen: listen.value,
            token,
            sink: Arc::new(sink),
            refused: Box::new(move |refusal| door.refused(refusal)),
            chaos: None,
            http2: false,
            clock: around.clock,
            named: Named {
                listen: format!("`tap.listen` of profile {name}"),
                upstream: format!("`base_url` of profile {name}"),
                others: around.taps,
            },
        };
        let noted = queue.clone();
        let note = move |note: &str| {
            let _ = noted.send(Event::Fault(format!("{note}.")));
        };
        let open = Open::at(making, Place::of(profile), around.env, note).await?;
        let events = around.events;
        let passing = async move {
            let mut several = Vec::new();
            while waiting_events.recv_many(&mut several, MOST_WAITING).await > 0 {
                for event in several.drain(..) {
                    if matches!(event, Event::Observed { .. }) {
                        waiting.fetch_sub(1, Relaxed);
                    }
                    if events.send(event).await.is_err() {
                        return;
                    }
                }
                // What comes meanwhile wakes nobody.
                tokio::time::sleep(GATHER).await;
            }
        };
        let inside = Self {
            open,
            profile: name,
            queue,
        };
        Ok(Some((inside, passing)))
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.open.address
    }

    /// A handle that outlives its serving.
    pub fn listener(&self) -> Listening {
        Listening {
            address: self.open.address,
            tap: Arc::clone(&self.open.tap),
            clock: self.open.clock.clone(),
        }
    }

    /// Looks at its totals for as long as it is waited for.
    pub fn counting(&self) -> impl Future<Output = ()> + Send + use<> {
        let (profile, queue) = (Arc::clone(&self.profile), self.queue.clone());
        feeding::count(
            Arc::clone(&self.open.tap),
            self.open.clock.clone(),
            move |totals| {
                // Before the first request there is nothing to show.
                if totals.clients.is_empty() && totals.elsewhere.wire == 0 {
                    return;
                }
                let _ = queue.send(Event::Traffic {
                    profile: Arc::clone(&profile),
                    totals: Box::new(totals.clone()),
                });
            },
        )
    }

    /// Serves until `stop`, and then finishes what flows.
    pub async fn serve(self, stop: CancellationToken) {
        self.open.serve(stop).await;
    }
}

/// A tap at work.
#[derive(Clone)]
pub struct Listening {
    /// Where.
    pub address: SocketAddr,
    tap: Arc<Tap>,
    clock: Clock,
}

impl Listening {
    /// Replaces what is known around the traffic.
    pub fn know(&self, known: Known) {
        self.tap.hearing().know(known);
    }

    /// Requests under way.
    pub fn under_way(&self) -> u64 {
        let totals: Totals = feeding::totals(&self.tap, &self.clock);
        let messages: u64 = totals.clients.iter().map(|row| row.tally.open).sum();
        messages + totals.elsewhere.open
    }
}

/// Says on standard error that the program waits for what flows; the screen is gone by then.
pub fn say_what_is_waited_for(requests: u64) {
    let what = if requests == 1 {
        "1 request that passes".to_owned()
    } else {
        format!("{requests} requests that pass")
    };
    tell(&format!(
        "ratetop: finishing {what} the tap, 10 s at most\n"
    ));
}

/// Passes on what is heard in its order. What must not be lost waits as long as it takes; samples find a
/// full queue.
struct ToBoard {
    profile: Arc<str>,
    queue: UnboundedSender<Event>,
    waiting: Arc<AtomicUsize>,
}

impl ToBoard {
    fn pass(&self, seen: Observation) {
        self.waiting.fetch_add(1, Relaxed);
        // A screen that is gone hears nothing more.
        let _ = self.queue.send(Event::Observed {
            profile: Arc::clone(&self.profile),
            seen: Arc::new(seen),
        });
    }
}

impl Sink for ToBoard {
    fn sample(&self, seen: Observation) -> bool {
        let room = self.waiting.load(Relaxed) < MOST_WAITING;
        if room {
            self.pass(seen);
        }
        room
    }

    fn must(&self, seen: Observation) {
        self.pass(seen);
    }
}

/// Tells what was refused at the door; a client that repeats itself is told once.
struct Door {
    queue: UnboundedSender<Event>,
    last: Mutex<String>,
}

impl Door {
    fn refused(&self, refusal: &Refusal) {
        let sentence = format!("The tap: {refusal}.");
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if *last != sentence {
            last.clone_from(&sentence);
            let _ = self.queue.send(Event::Fault(sentence));
        }
    }
}
