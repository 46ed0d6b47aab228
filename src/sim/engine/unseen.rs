//! Make-believe clients that only show as others' burn.

use super::take::Take;
use crate::{
    domain::time::{Time, after, seconds_between},
    sim::{dice::Dice, scenario::Client},
};

/// Nobody looks for longer than this many seconds: the calls before are skipped, since the buckets
/// have forgotten them anyway.
const MEMORY_S: f64 = 150.0;

/// One of them, with its place in time.
#[derive(Debug)]
pub struct Unseen {
    /// As the scenario describes it.
    pub client: Client,
    /// When it acts next.
    pub next: Time,
    seed: u64,
    calls: u64,
    drawn: Take,
}

impl Unseen {
    /// Begins at `start`; `n` tells clients apart.
    pub fn new(client: Client, seed: u64, n: u64, start: Time) -> Self {
        let die = Dice::new(seed, n, 11).share();
        Self {
            next: after(start, 60.0 / client.per_minute * die),
            client,
            seed: seed ^ n.wrapping_mul(0x5851_F42D_4C95_7F2D),
            calls: 0,
            drawn: Take::default(),
        }
    }

    /// Skips what is too long ago to matter.
    pub fn catch_up(&mut self, now: Time, start: Time) {
        if seconds_between(self.next, now) > MEMORY_S {
            self.next = after(now, -MEMORY_S);
            self.calls = (seconds_between(start, self.next) * 1e3) as u64;
        }
    }

    /// What it asks for at `next`, which then moves on; none while it rests.
    pub fn call(&mut self, start: Time) -> Option<Take> {
        let mut dice = Dice::new(self.seed, self.calls, 12);
        self.calls += 1;
        let at_s = seconds_between(start, self.next);
        let (wait_s, due) = self.client.next_in(at_s, dice.share());
        self.next = after(self.next, wait_s);
        due.then(|| {
            let input = dice.between(self.client.input).round();
            Take {
                requests: 1.0,
                uncached: input,
                all_input: input,
                weighted: 0.0,
                output: dice.between(self.client.output).round(),
            }
        })
    }

    /// Its call was served.
    pub fn drew(&mut self, take: &Take) {
        self.drawn.requests += take.requests;
        self.drawn.uncached += take.uncached;
        self.drawn.all_input += take.all_input;
        self.drawn.output += take.output;
    }

    /// All it has drawn since the start.
    pub fn drawn(&self) -> Take {
        self.drawn
    }

    /// What it would draw a minute at `at_s` seconds after the start, if nothing refused it.
    pub fn per_minute(&self, at_s: f64) -> Take {
        let calls = self.client.rate(at_s);
        let mean = |(low, high): (f64, f64)| f64::midpoint(low, high);
        Take {
            requests: calls,
            uncached: calls * mean(self.client.input),
            all_input: calls * mean(self.client.input),
            weighted: 0.0,
            output: calls * mean(self.client.output),
        }
    }
}
