//! The buckets of one pool, and everything that draws from them as time passes.

use super::{
    take::{Lane, Take},
    unseen::Unseen,
};
use crate::domain::{
    bucket::Bucket,
    id::Limiter,
    limit::{Dimension, Family},
    time::{Time, after, seconds_between},
};
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
};

/// One limiter with its bucket.
#[derive(Clone, Debug)]
pub struct Limit {
    /// Its type.
    pub limiter: Limiter,
    /// What it counts.
    pub dimension: Dimension,
    /// Whose headers show it.
    pub family: Family,
    /// Whether it is the workspace's own.
    pub workspace: bool,
    /// The configured number.
    pub value: u64,
    /// The bucket; none for what does not refill with time.
    pub bucket: Option<Bucket>,
}

impl Limit {
    /// A full one.
    pub fn new(limiter: &str, value: u64, workspace: bool, share: f64, at: Time) -> Self {
        let limiter = Limiter::from(limiter);
        let dimension = limiter.dimension();
        let bucket = dimension.refill_seconds().map(|seconds| {
            Bucket::full(value as f64, seconds, at).with_level(value as f64 * share)
        });
        Self {
            family: limiter.family(),
            limiter,
            dimension,
            workspace,
            value,
            bucket,
        }
    }

    /// How much of `take` this limiter counts.
    fn amount(&self, take: &Take, lane: Lane) -> f64 {
        match self.dimension {
            Dimension::Rpm => take.requests,
            _ if !lane.draws(self.family) => 0.0,
            Dimension::Itpm if self.family == Family::Priority => take.weighted,
            Dimension::Itpm => take.uncached,
            Dimension::ItpmAll => take.all_input,
            Dimension::Otpm => take.output,
            Dimension::Combined | Dimension::Tpd => take.uncached + take.output,
            _ => 0.0,
        }
    }
}

/// Which limiter refused, and for how long.
#[derive(Clone, Debug, PartialEq)]
pub struct Short {
    /// What it counts.
    pub dimension: Dimension,
    /// The number in force.
    pub value: u64,
    /// Whose headers show it.
    pub family: Family,
    /// Seconds until the needed amount exists if nobody else draws.
    pub wait_s: f64,
}

/// Names a running answer.
pub type FlowId = u64;

#[derive(Clone, Copy, Debug)]
struct Flow {
    tokens: f64,
    begins: Time,
    ends: Time,
    lane: Lane,
    running: bool,
    drawn: bool,
}

impl Flow {
    fn per_s(&self) -> f64 {
        let seconds = seconds_between(self.begins, self.ends);
        if seconds > 0.0 {
            self.tokens / seconds
        } else {
            0.0
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Begin(FlowId),
    End(FlowId),
    /// Thousandths of a token to give back (negative: to draw) in uncached, all and weighted input.
    TrueUp([i64; 3], Lane),
}

/// One pool.
#[derive(Debug)]
pub struct Pool {
    /// Its limiters, the organization's and those of the key's workspace.
    pub limits: Vec<Limit>,
    /// Requests that may come at once.
    burst: Option<Bucket>,
    steps: BinaryHeap<Reverse<(Time, Step)>>,
    flows: HashMap<FlowId, Flow>,
    /// Clients that nobody sees.
    pub unseen: Vec<Unseen>,
}

impl Pool {
    /// A pool; `burst_s` is how many seconds' worth of RPM may come at once.
    pub fn new(limits: Vec<Limit>, burst_s: Option<f64>, unseen: Vec<Unseen>, at: Time) -> Self {
        let burst = burst_s.and_then(|seconds| {
            let rpm = limits
                .iter()
                .find(|limit| limit.dimension == Dimension::Rpm)?;
            let capacity = (rpm.value as f64 / 60.0 * seconds).max(1.0);
            Some(Bucket::full(
                capacity,
                capacity * 60.0 / rpm.value as f64,
                at,
            ))
        });
        Self {
            limits,
            burst,
            steps: BinaryHeap::new(),
            flows: HashMap::new(),
            unseen,
        }
    }

    /// Lets time pass until `now`: answers run, unseen clients call. `used` hears of every unseen call.
    pub fn settle(&mut self, now: Time, start: Time, used: &mut dyn FnMut(Time, &str, Take)) {
        for unseen in &mut self.unseen {
            unseen.catch_up(now, start);
        }
        loop {
            let step = self.steps.peek().map(|Reverse((at, _))| *at);
            let call = self
                .unseen
                .iter()
                .enumerate()
                .map(|(n, client)| (client.next, n))
                .min();
            match (step, call) {
                (Some(at), _) if at <= now && call.is_none_or(|(next, _)| at <= next) => {
                    if let Some(Reverse((at, step))) = self.steps.pop() {
                        self.step(at, step);
                    }
                }
                (_, Some((next, n))) if next <= now => {
                    if let Some(take) = self.unseen[n].call(start)
                        && self
                            .short_of(&take, 1.0, Lane::Standard, true, next)
                            .is_none()
                    {
                        self.draw(&take, Lane::Standard, true, next);
                        self.unseen[n].drew(&take);
                        used(next, &self.unseen[n].client.model, take);
                    }
                }
                _ => break,
            }
        }
        for bucket in self
            .limits
            .iter_mut()
            .filter_map(|limit| limit.bucket.as_mut())
        {
            bucket.settle(now);
        }
    }

    fn step(&mut self, at: Time, step: Step) {
        match step {
            Step::Begin(id) => {
                if let Some(flow) = self.flows.get_mut(&id) {
                    flow.running = true;
                    let (per_s, lane) = (flow.per_s(), flow.lane);
                    if per_s > 0.0 {
                        self.flow(per_s, lane, at);
                    } else {
                        let output = flow.tokens;
                        flow.drawn = true;
                        self.draw(
                            &Take {
                                output,
                                ..Take::default()
                            },
                            lane,
                            false,
                            at,
                        );
                    }
                }
            }
            Step::End(id) => {
                if let Some(flow) = self.flows.get_mut(&id)
                    && flow.running
                    && !flow.drawn
                {
                    flow.running = false;
                    flow.drawn = true;
                    let (per_s, lane) = (flow.per_s(), flow.lane);
                    self.flow(-per_s, lane, at);
                }
            }
            Step::TrueUp(back, lane) => {
                let [uncached, all_input, weighted] = back.map(|n| -(n as f64) / 1e3);
                let take = Take {
                    uncached,
                    all_input,
                    weighted,
                    ..Take::default()
                };
                self.draw(&take, lane, false, at);
            }
        }
    }

    fn flow(&mut self, per_s: f64, lane: Lane, at: Time) {
        for limit in &mut self.limits {
            let counts = match limit.dimension {
                Dimension::Otpm | Dimension::Combined | Dimension::Tpd => lane.draws(limit.family),
                _ => false,
            };
            if counts && let Some(bucket) = &mut limit.bucket {
                bucket.flow(per_s, at);
            }
        }
    }

    /// The first limiter that lacks what `take` needs to be admitted, if any. `output` is what must
    /// be left of it: a call may start when the bucket is not empty.
    pub fn short_of(
        &self,
        take: &Take,
        output: f64,
        lane: Lane,
        organization_only: bool,
        now: Time,
    ) -> Option<Short> {
        let need = Take { output, ..*take };
        let mut worst: Option<Short> = None;
        for limit in &self.limits {
            if organization_only && limit.workspace {
                continue;
            }
            let amount = limit.amount(&need, lane);
            let Some(bucket) = limit.bucket.as_ref().filter(|_| amount > 0.0) else {
                continue;
            };
            if bucket.holds(amount, now) {
                continue;
            }
            let wait_s = bucket
                .seconds_until(amount, now)
                .or_else(|| bucket.seconds_to_full(now))
                .unwrap_or(60.0);
            if worst.as_ref().is_none_or(|short| short.wait_s < wait_s) {
                worst = Some(Short {
                    dimension: limit.dimension,
                    value: limit.value,
                    family: limit.family,
                    wait_s,
                });
            }
        }
        if worst.is_none()
            && !organization_only
            && let Some(burst) = &self.burst
            && !burst.holds(need.requests, now)
        {
            let rpm = self
                .limits
                .iter()
                .find(|limit| limit.dimension == Dimension::Rpm)?;
            return Some(Short {
                dimension: Dimension::Rpm,
                value: rpm.value,
                family: rpm.family,
                wait_s: burst.seconds_until(need.requests, now).unwrap_or(1.0),
            });
        }
        worst
    }

    /// Takes it, whether it is there or not.
    pub fn draw(&mut self, take: &Take, lane: Lane, organization_only: bool, now: Time) {
        for limit in &mut self.limits {
            if organization_only && limit.workspace {
                continue;
            }
            let amount = limit.amount(take, lane);
            if amount != 0.0
                && let Some(bucket) = &mut limit.bucket
            {
                bucket.draw(amount, now);
            }
        }
        if !organization_only && let Some(burst) = &mut self.burst {
            burst.draw(take.requests, now);
        }
    }

    /// At `at` the input that was charged is corrected by that of `back`; positive gives back.
    pub fn true_up(&mut self, back: &Take, lane: Lane, at: Time) {
        let back = [back.uncached, back.all_input, back.weighted].map(|n| (n * 1e3) as i64);
        self.steps.push(Reverse((at, Step::TrueUp(back, lane))));
    }

    /// From `begins` an answer of `tokens` runs for `seconds`.
    pub fn run(&mut self, id: FlowId, tokens: f64, begins: Time, seconds: f64, lane: Lane) {
        let ends = after(begins, seconds);
        self.flows.insert(
            id,
            Flow {
                tokens,
                begins,
                ends,
                lane,
                running: false,
                drawn: false,
            },
        );
        self.steps.push(Reverse((begins, Step::Begin(id))));
        if ends > begins {
            self.steps.push(Reverse((ends, Step::End(id))));
        }
    }

    /// An answer is over, perhaps before its time; the tokens that it really gave. Settle first.
    pub fn stop(&mut self, id: FlowId, now: Time) -> f64 {
        let Some(flow) = self.flows.remove(&id) else {
            return 0.0;
        };
        if flow.drawn {
            return flow.tokens;
        }
        if !flow.running {
            return 0.0;
        }
        self.flow(-flow.per_s(), flow.lane, now);
        (flow.per_s() * seconds_between(flow.begins, now)).clamp(0.0, flow.tokens)
    }

    /// Answers that run.
    pub fn flows(&self) -> usize {
        self.flows.len()
    }

    /// Steps that are still to come.
    pub fn steps(&self) -> usize {
        self.steps.len()
    }

    /// The tightest limit of that dimension in force for the key: its workspace's, where lower.
    pub fn in_force(&self, dimension: Dimension, family: Family) -> Option<&Limit> {
        self.limits
            .iter()
            .filter(|limit| limit.dimension == dimension && limit.family == family)
            .filter(|limit| limit.bucket.is_some())
            .min_by_key(|limit| limit.value)
    }
}
