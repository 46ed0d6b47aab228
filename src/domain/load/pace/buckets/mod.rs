//! Token buckets for requests, input and output tokens, kept by the heads of a run's own answers and by
//! what is overheard of others'.
//!
//! What was sent and has no head yet is not in the server's numbers, so it is taken off them; so is the
//! output that answers under way will still give. Other clients' use shows with each head.

use super::{Admit, Cost, Ended, Gate};
use crate::domain::{
    bucket::Bucket,
    headers::{Level, Reading},
    limit::{Dimension, Family},
    time::{Time, after, seconds_between},
};

/// A bucket fills in a minute (rate-limits page).
const REFILL_S: f64 = 60.0;
/// Token numbers are rounded to the nearest 1,000 (rate-limits page).
const ROUNDED: f64 = 500.0;
/// Of two heads within this many seconds the lower counts: their order is not certain.
const TOGETHER_S: f64 = 1.0;
/// How often somebody who waits asks, should nobody tell him; seconds.
const AGAIN_S: f64 = 1.0;
/// Share of a new answer in the output that is expected of the next.
const FRESH: f64 = 0.2;

/// Limits set by hand, per minute; the server's own where none is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Requests.
    pub requests: Option<u64>,
    /// Input tokens.
    pub input: Option<u64>,
    /// Output tokens.
    pub output: Option<u64>,
}

/// Three buckets, and the wait that the server asked for.
#[derive(Clone, Debug)]
pub struct Buckets {
    tanks: [Tank; 3],
    /// Output that an answer gives, as far as some have ended.
    mean_output: Option<f64>,
    hold_until: Option<Time>,
    /// Requests whose head has not come.
    unheard: u32,
    any_head: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Tank {
    by_hand: Option<u64>,
    bucket: Option<Bucket>,
    /// What the server's number does not know of yet.
    unseen: f64,
    read: Option<Time>,
}

const GATES: [Gate; 3] = [Gate::Requests, Gate::Input, Gate::Output];

impl Buckets {
    /// Full buckets of what is set by hand; the others are unknown until a head says what is left.
    pub fn new(by_hand: Limits) -> Self {
        let tank = |by_hand| Tank {
            by_hand,
            ..Tank::default()
        };
        Self {
            tanks: [
                tank(by_hand.requests),
                tank(by_hand.input),
                tank(by_hand.output),
            ],
            mean_output: None,
            hold_until: None,
            unheard: 0,
            any_head: false,
        }
    }

    pub(super) fn admit(&mut self, now: Time, cost: Cost) -> Admit {
        if let Some(until) = self.hold_until.filter(|until| *until > now) {
            return Admit::Wait {
                seconds: seconds_between(now, until),
                gate: Gate::Hint,
            };
        }
        let by_hand = self.tanks.iter().all(|tank| tank.by_hand.is_some());
        if !by_hand && !self.any_head && self.unheard > 0 {
            return Admit::Wait {
                seconds: AGAIN_S,
                gate: Gate::FirstAnswer,
            };
        }
        let output = self.mean_output.unwrap_or(cost.output).min(cost.output);
        let cost = Cost { output, ..cost };
        let amounts = [1.0, cost.input, cost.output];
        let waits = self.tanks.iter_mut().zip(amounts).zip(GATES);
        let longest = waits
            .filter_map(|((tank, amount), gate)| Some((tank.wait_s(now, amount)?, gate)))
            .max_by(|(one, _), (other, _)| one.total_cmp(other));
        if let Some((seconds, gate)) = longest {
            return Admit::Wait { seconds, gate };
        }
        for (tank, amount) in self.tanks.iter_mut().zip(amounts) {
            tank.take(now, amount);
        }
        self.unheard += 1;
        Admit::Go(cost)
    }

    pub(super) fn heard(&mut self, reading: &Reading, reserved: Cost) {
        self.unheard = self.unheard.saturating_sub(1);
        self.any_head = true;
        // Requests and input are counted at admission; output only as it comes.
        self.tanks[0].seen(1.0);
        self.tanks[1].seen(reserved.input);
        self.read(reading.at, &reading.levels);
    }

    /// What is left, as somebody else's answer said. Of what is under way here it may know or not, so
    /// that is taken off all the same.
    pub(super) fn overheard(&mut self, at: Time, levels: &[Level]) {
        self.any_head |= !levels.is_empty();
        self.read(at, levels);
    }

    fn read(&mut self, at: Time, levels: &[Level]) {
        for level in levels {
            let place = match (level.family, level.dimension) {
                (Family::Standard, Dimension::Rpm) => 0,
                (Family::Standard, Dimension::Itpm) => 1,
                (Family::Standard, Dimension::Otpm) => 2,
                _ => continue,
            };
            let rounded = if place == 0 { 0.0 } else { ROUNDED };
            let left = level.remaining as f64 - rounded;
            self.tanks[place].read(at, level.limit, left);
        }
    }

    pub(super) fn ended(&mut self, now: Time, ended: &Ended) {
        if !ended.headed {
            self.unheard = self.unheard.saturating_sub(1);
            self.tanks[0].seen(1.0);
            self.tanks[1].seen(ended.reserved.input);
        }
        self.tanks[2].seen(ended.reserved.output);
        let (input, output) = ended.usage.map_or((0.0, 0.0), |usage| {
            (usage.counted_input() as f64, usage.output_tokens as f64)
        });
        self.tanks[1].correct(now, ended.reserved.input - input);
        self.tanks[2].correct(now, ended.reserved.output - output);
        if ended.usage.is_some() {
            let mean = self.mean_output.unwrap_or(output);
            self.mean_output = Some(mean + FRESH * (output - mean));
        }
        if let Some(asked_s) = ended.asked_s.filter(|_| ended.refused) {
            let until = after(now, asked_s);
            self.hold_until = Some(self.hold_until.map_or(until, |it| it.max(until)));
        }
    }
}

impl Tank {
    fn bucket(&mut self, now: Time) -> Option<&mut Bucket> {
        if let (None, Some(limit)) = (self.bucket, self.by_hand) {
            self.bucket = Some(Bucket::full(limit as f64, REFILL_S, now));
        }
        self.bucket.as_mut()
    }

    /// Seconds until it holds that much, or is full; none when it does or nothing is known of it.
    fn wait_s(&mut self, now: Time, amount: f64) -> Option<f64> {
        let bucket = self.bucket(now)?;
        let missing = amount.min(bucket.capacity()) - bucket.level(now);
        let refill = bucket.refill_per_s();
        if missing <= 1e-6 {
            return None;
        }
        Some(if refill > 0.0 {
            missing / refill
        } else {
            AGAIN_S
        })
    }

    fn take(&mut self, now: Time, amount: f64) {
        self.unseen += amount;
        self.correct(now, -amount);
    }

    fn seen(&mut self, amount: f64) {
        self.unseen = (self.unseen - amount).max(0.0);
    }

    fn correct(&mut self, now: Time, by: f64) {
        if let Some(bucket) = self.bucket(now) {
            bucket.draw(-by, now);
        }
    }

    fn read(&mut self, now: Time, limit: u64, left: f64) {
        let capacity = self.by_hand.map_or(limit, |by_hand| by_hand.min(limit)) as f64;
        let left = (left - self.unseen).min(capacity);
        let own = self
            .bucket(now)
            .map(|bucket| (bucket.capacity(), bucket.level(now)));
        let together = |read: Time| seconds_between(read, now) < TOGETHER_S;
        let level = match own {
            Some((same, level))
                if (same - capacity).abs() < 0.5
                    && (self.by_hand.is_some() || self.read.is_some_and(together)) =>
            {
                level.min(left)
            }
            _ => left,
        };
        self.read = Some(now);
        self.bucket = Some(Bucket::full(capacity, REFILL_S, now).with_level(level));
    }
}

#[cfg(test)]
mod tests;
