//! Half an hour of mixed load through the tap: whole answers and streams, compressed ones, uploads,
//! refusals, streams that fail in every way, clients that leave. No request is lost or sent twice,
//! memory stays flat, and the tap has counted what the client and the upstream did.

mod client;
mod upstream;

use crate::{
    memory,
    rig::{PATIENCE, Tapped},
    size::{share, sized},
};
use Play::{
    Cut, ErrorEvent, Gzip, Json, Leaves, Limited, Models, Overloaded, Reset, Stream, Truncated,
    Upload,
};
use ratetop::{domain::observation::Observation, tap::hear::Sink};
use std::{
    collections::HashSet,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Clients at the same time.
const CLIENTS: u64 = 8;
/// Between two requests of one client: about 150 a second together.
const PACE: Duration = Duration::from_millis(50);

/// What an exchange comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Play {
    Json,
    Gzip,
    Upload,
    Stream,
    /// 429 with a hint.
    Limited,
    /// 529.
    Overloaded,
    /// An error event after 200.
    ErrorEvent,
    /// Upstream resets within the stream.
    Cut,
    /// The stream ends without its last event.
    Truncated,
    /// The client leaves after the first event.
    Leaves,
    /// Upstream resets instead of an answer.
    Reset,
    /// Another path.
    Models,
}

impl Play {
    pub(super) const ALL: [Self; 12] = [
        Self::Json,
        Self::Gzip,
        Self::Upload,
        Self::Stream,
        Self::Limited,
        Self::Overloaded,
        Self::ErrorEvent,
        Self::Cut,
        Self::Truncated,
        Self::Leaves,
        Self::Reset,
        Self::Models,
    ];

    /// Whole answers are most of the load.
    const fn nth(n: u64) -> Self {
        match n % 20 {
            0..=3 | 13..=16 => Self::Json,
            4..=6 => Self::Stream,
            rest => {
                Self::ALL[match rest {
                    7 => 1,
                    8 => 2,
                    9 => 4,
                    10 => 5,
                    11 => 6,
                    12 => 7,
                    17 => 8,
                    18 => 9,
                    _ => 10 + (n / 20 % 2) as usize,
                }]
            }
        }
    }

    const fn at(self) -> usize {
        self as usize
    }
}

/// What one side did, and the tokens of whole answers and of streams that began.
#[derive(Debug, Default)]
pub(super) struct Counts {
    plays: [AtomicU64; Play::ALL.len()],
    pub(super) input: AtomicU64,
    pub(super) output: AtomicU64,
}

impl Counts {
    pub(super) fn add(&self, play: Play, (input, output): (u64, u64)) {
        self.plays[play.at()].fetch_add(1, Ordering::SeqCst);
        self.input.fetch_add(input, Ordering::SeqCst);
        self.output.fetch_add(output, Ordering::SeqCst);
    }

    fn all(&self) -> (Vec<u64>, u64, u64) {
        let read = |count: &AtomicU64| count.load(Ordering::SeqCst);
        let plays = self.plays.iter().map(read).collect();
        (plays, read(&self.input), read(&self.output))
    }

    fn of(&self, plays: &[Play]) -> u64 {
        let (all, ..) = self.all();
        plays.iter().map(|play| all[play.at()]).sum()
    }
}

/// Exchanges whose client has seen the first event: until then upstream does not break one off, as a
/// reset may overtake what was sent before it.
#[derive(Debug, Default)]
pub(super) struct Seen(Mutex<HashSet<u64>>, Condvar);

impl Seen {
    pub(super) fn tell(&self, exchange: u64) {
        self.0.lock().unwrap().insert(exchange);
        self.1.notify_all();
    }

    pub(super) fn wait(&self, exchange: u64) {
        let seen = self.0.lock().unwrap();
        let missing = |seen: &mut HashSet<u64>| !seen.remove(&exchange);
        let (_seen, waited) = self.1.wait_timeout_while(seen, PATIENCE, missing).unwrap();
        assert!(!waited.timed_out(), "no client saw the first event");
    }
}

/// Forgets all but how often it was told.
#[derive(Debug, Default)]
struct Told(AtomicU64);

impl Sink for Told {
    fn sample(&self, _: Observation) -> bool {
        self.0.fetch_add(1, Ordering::Relaxed);
        true
    }

    fn must(&self, _: Observation) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// KiB that this process has in memory, where the system says so.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "how long the load lasts is real time"
)]
fn half_an_hour_of_mixed_load_loses_nothing_and_is_counted_right() {
    let _alone = memory::alone();
    // A tenth would take the check three minutes.
    let seconds = if share() < 1.0 { sized(600, 2) } else { 1_800 };
    let (asked, answered) = (Arc::new(Counts::default()), Arc::new(Counts::default()));
    let (seen, told) = (Arc::new(Seen::default()), Arc::new(Told::default()));
    let address = upstream::open(Arc::clone(&answered), Arc::clone(&seen));
    let tap = Tapped::heard_by(&format!("http://{address}"), None, Arc::clone(&told) as _);
    let begun = Instant::now();
    let until = begun + Duration::from_secs(u64::from(seconds));
    let next = Arc::new(AtomicU64::new(0));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (address, next) = (tap.address, Arc::clone(&next));
            let (asked, seen) = (Arc::clone(&asked), Arc::clone(&seen));
            std::thread::spawn(move || {
                let mut client = client::Client::new(address, seen);
                let mut rounds = 0;
                // A glance sees each kind too.
                while Instant::now() < until || rounds < 6 {
                    let n = next.fetch_add(1, Ordering::SeqCst);
                    let play = Play::nth(n);
                    let tokens = client.play(play, n);
                    asked.add(play, tokens);
                    rounds += 1;
                    std::thread::park_timeout(PACE);
                }
            })
        })
        .collect();
    let mut samples = Vec::new();
    while clients.iter().any(|client| !client.is_finished()) {
        std::thread::park_timeout(Duration::from_millis(250));
        samples.push((memory::in_use(), resident().unwrap_or(0)));
    }
    for client in clients {
        client.join().unwrap();
    }
    let totals = settled(&tap);
    eprintln!(
        "{} s, {} requests, {} told, {:?}; KiB resident {:?}",
        begun.elapsed().as_secs(),
        next.load(Ordering::SeqCst),
        told.0.load(Ordering::Relaxed),
        asked,
        quarters(&samples, |sample| sample.1),
    );
    eprintln!(
        "bytes in use {:?}",
        quarters(&samples, |sample| sample.0 as u64)
    );

    // Nobody lost a request, and nothing was sent twice.
    assert_eq!(asked.all(), answered.all());
    let mut all = ratetop::domain::traffic::Tally::default();
    for row in &totals.clients {
        all.merge(&row.tally);
    }
    let requests = next.load(Ordering::SeqCst);
    assert_eq!(all.wire, requests - asked.of(&[Models]));
    assert_eq!(all.logical, all.wire, "no two bodies are the same");
    assert_eq!(all.whole, asked.of(&[Json, Gzip, Upload, Stream]));
    assert_eq!(all.refusals(), asked.of(&[Limited, Overloaded]));
    assert_eq!(all.broken, asked.of(&[ErrorEvent, Cut, Truncated]));
    assert_eq!(all.cancelled, asked.of(&[Leaves]));
    assert_eq!(all.unreachable, asked.of(&[Reset]));
    assert_eq!(totals.elsewhere.wire, asked.of(&[Models]));
    assert_eq!(totals.elsewhere.whole, asked.of(&[Models]));
    let (_, input, output) = asked.all();
    assert_eq!(
        (all.usage.input_tokens, all.usage.output_tokens),
        (input, output)
    );
    let mut by_model = ratetop::domain::traffic::Tally::default();
    for row in &totals.models {
        by_model.merge(&row.tally);
    }
    assert_eq!((by_model.wire, by_model.usage), (all.wire, all.usage));
    // Under load readings and samples are passed over, and failed calls forgotten whose clients never
    // come back; nothing else.
    let passed_over = ratetop::domain::traffic::Drops {
        readings: totals.drops.readings,
        observations: totals.drops.observations,
        links: totals.drops.links,
        ..Default::default()
    };
    assert_eq!(totals.drops, passed_over);
    assert_eq!((tap.unheard(), tap.counted().unreachable), (0, 0));
    assert!(tap.unused() <= CLIENTS as usize);

    let [_, first, .., last] = quarters(&samples, |sample| sample.0 as u64);
    assert!(
        last <= first + (4 << 20),
        "{first} bytes in use in the second quarter, {last} in the last"
    );
    tap.stop();
    tap.join();
}

/// The totals once nothing is open any more: a client that left is heard of a moment later.
fn settled(tap: &Tapped) -> ratetop::domain::traffic::Totals {
    for _ in 0..1_000 {
        let totals = tap.totals();
        if totals.clients.iter().all(|row| row.tally.open == 0) {
            return totals;
        }
        std::thread::park_timeout(PATIENCE / 1_000);
    }
    panic!("something stays open: {:?}", tap.totals());
}

/// The greatest of each quarter.
fn quarters<T>(samples: &[T], of: impl Fn(&T) -> u64) -> [u64; 4] {
    let size = samples.len().div_ceil(4).max(1);
    let mut most = [0; 4];
    for (quarter, samples) in most.iter_mut().zip(samples.chunks(size)) {
        *quarter = samples.iter().map(&of).max().unwrap_or(0);
    }
    most
}
