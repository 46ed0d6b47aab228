//! What can refuse a call besides the buckets: money, subscription windows, concurrency, growth, faults.

use crate::{
    domain::{
        number::thousands,
        time::{Time, after, seconds_between},
    },
    sim::{
        dice::Dice,
        scenario::{Fault, Scenario, SpendKind, Subscription, catalogue},
        speak::refusal::Refusal,
    },
};
use chrono::Datelike;

/// Dollars per million tokens, input and output, that the spend cap counts.
const SPEND_USD_PER_MTOK: (f64, f64) = (4.0, 20.0);
/// Minutes without traffic after which the growth allowance starts again.
const RAMP_FORGETS_MIN: i64 = 5;

/// Their state.
#[derive(Debug)]
pub struct Gates {
    in_flight: u32,
    spent_usd: f64,
    ramp: Vec<Growth>,
    windows: Option<Windows>,
    /// By pool, whether it serves Fable.
    fable: Vec<bool>,
}

#[derive(Clone, Copy, Debug)]
struct Growth {
    minute: i64,
    since: i64,
    used: f64,
}

/// Subscription windows.
#[derive(Clone, Copy, Debug)]
pub struct Windows {
    per_token: f64,
    /// Used share of the 5 h window, and when it resets.
    pub five_hour: (f64, Time),
    /// The same of the 7 d window.
    pub seven_day: (f64, Time),
    /// The same of the 7 d window with overage, which only calls to Fable use.
    pub overage: Option<(f64, Time)>,
}

impl Windows {
    fn new(of: Subscription, start: Time) -> Self {
        Self {
            per_token: of.per_1000_tokens / 1e3,
            five_hour: (of.five_hour, after(start, 2.0 * 3600.0 + 437.0)),
            seven_day: (of.seven_day, after(start, 3.5 * 86_400.0)),
            overage: of
                .seven_day_overage
                .map(|used| (used, after(start, 3.5 * 86_400.0))),
        }
    }

    fn roll(&mut self, now: Time) {
        let windows = [
            (Some(&mut self.five_hour), 5.0 * 3600.0),
            (Some(&mut self.seven_day), 7.0 * 86_400.0),
            (self.overage.as_mut(), 7.0 * 86_400.0),
        ];
        for (window, seconds) in windows {
            let Some(window) = window else { continue };
            if now >= window.1 {
                let behind = (seconds_between(window.1, now) / seconds).floor() + 1.0;
                *window = (0.0, after(window.1, behind * seconds));
            }
        }
    }
}

fn minute(now: Time) -> i64 {
    now.timestamp().div_euclid(60)
}

impl Gates {
    /// As they are at the start.
    pub fn new(world: &Scenario, start: Time) -> Self {
        Self {
            in_flight: 0,
            spent_usd: 0.0,
            ramp: vec![
                Growth {
                    minute: i64::MIN / 2,
                    since: 0,
                    used: 0.0
                };
                world.pools.len()
            ],
            windows: world.headers.subscription.map(|of| Windows::new(of, start)),
            fable: world
                .pools
                .iter()
                .map(|pool| pool.models.iter().any(|id| catalogue::is_fable(id)))
                .collect(),
        }
    }

    /// The subscription windows at `now`, as calls to that pool see them.
    pub fn windows(&mut self, pool: Option<usize>, now: Time) -> Option<Windows> {
        let windows = self.windows.as_mut()?;
        windows.roll(now);
        let fable = pool.and_then(|n| self.fable.get(n)) == Some(&true);
        Some(Windows {
            overage: windows.overage.filter(|_| fable),
            ..*windows
        })
    }

    /// Money and windows: what no bucket knows of.
    pub fn spend(&mut self, world: &Scenario, now: Time) -> Result<(), Refusal> {
        if let Some(spend) = &world.rules.spend
            && self.spent_usd >= spend.left_usd
        {
            let (year, month) = match now.month() {
                12 => (now.year() + 1, 1),
                month => (now.year(), month + 1),
            };
            let back = format!("You will regain access on {year}-{month:02}-01 at 00:00 UTC.");
            return Err(match spend.kind {
                SpendKind::Tier => Refusal::limited(format!("You have reached your API usage limits: the monthly spend of your usage tier. {back}"), None)
                    .code("enforced_spend_limit_reached"),
                SpendKind::Contract => Refusal::limited(format!("You have reached your API usage limits: the spend limit of your contract. {back}"), None)
                    .code("contract_spend_limit_reached"),
                SpendKind::Own => Refusal::invalid(format!("You have reached your specified API usage limits. {back}")),
                SpendKind::OwnWorkspace => Refusal::invalid(format!("You have reached your specified workspace API usage limits. {back}")),
            });
        }
        match self.windows(None, now) {
            Some(windows) if windows.five_hour.0 >= 1.0 || windows.seven_day.0 >= 1.0 => {
                let back = if windows.seven_day.0 >= 1.0 {
                    windows.seven_day.1
                } else {
                    windows.five_hour.1
                };
                Err(Refusal::limited(
                    "This request would exceed your account's rate limit. Please try again later.",
                    Some(seconds_between(now, back)),
                ))
            }
            _ => Ok(()),
        }
    }

    /// One more call in flight.
    pub fn enter(&mut self, world: &Scenario) -> Result<(), Refusal> {
        match world.rules.concurrent {
            Some(most) if self.in_flight >= most => Err(Refusal::limited(
                "Number of concurrent connections has exceeded your rate limit. Please try again later or contact sales to discuss your options for a rate limit increase.",
                Some(1.0),
            )),
            _ => Ok(()),
        }
    }

    /// A call was admitted, with its tokens as planned.
    pub fn admitted(&mut self, pool: usize, uncached: f64, input: f64, output: f64, now: Time) {
        self.in_flight += 1;
        self.spent_usd += (input * SPEND_USD_PER_MTOK.0 + output * SPEND_USD_PER_MTOK.1) / 1e6;
        if let Some(growth) = self.ramp.get_mut(pool) {
            growth.used += uncached;
        }
        if let Some(windows) = &mut self.windows {
            windows.roll(now);
            windows.five_hour.0 += (input + output) * windows.per_token;
            windows.seven_day.0 += (input + output) * windows.per_token / 10.0;
            if let Some(overage) = &mut windows.overage
                && self.fable.get(pool) == Some(&true)
            {
                overage.0 += (input + output) * windows.per_token / 10.0;
            }
        }
    }

    /// Calls that were admitted and have not ended.
    pub fn in_flight(&self) -> u32 {
        self.in_flight
    }

    /// A call is over.
    pub fn leave(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// Growth of a pool's uncached input, by the minute. `subject` names organization and model.
    pub fn ramp(
        &mut self,
        world: &Scenario,
        pool: usize,
        uncached: f64,
        subject: &dyn Fn() -> String,
        now: Time,
    ) -> Result<(), Refusal> {
        let (Some(ramp), Some(growth)) = (world.rules.ramp, self.ramp.get_mut(pool)) else {
            return Ok(());
        };
        let this = minute(now);
        if this - growth.minute > RAMP_FORGETS_MIN {
            growth.since = this;
        }
        if this != growth.minute {
            growth.minute = this;
            growth.used = 0.0;
        }
        let allowance = ramp
            .start
            .saturating_add(ramp.step.saturating_mul((this - growth.since) as u64));
        if growth.used + uncached <= allowance as f64 {
            return Ok(());
        }
        let boundary = 60.0 - seconds_between(Time::UNIX_EPOCH, now).rem_euclid(60.0);
        Err(Refusal::limited(
            format!(
                "This request would exceed your organization's maximum usage increase rate for input tokens per minute {}. \
                 Your current limit is {} input tokens per minute, which will increase to {} at the next minute boundary.",
                subject(),
                thousands(allowance),
                thousands(allowance.saturating_add(ramp.step)),
            ),
            Some(boundary),
        )
        .code("ramp_limit_exceeded"))
    }
}

/// The fault that this call meets, if any: one die against the shares, in the order of the file.
pub fn fault<'a>(world: &'a Scenario, model: &str, at_s: f64, mut dice: Dice) -> Option<&'a Fault> {
    let mut left = dice.share();
    world.faults.iter().find(|fault| {
        let here = fault.models.is_empty() || fault.models.iter().any(|name| name == model);
        let turn = (at_s - fault.from_s).rem_euclid(fault.period_s.unwrap_or(60.0).max(1.0));
        let now = at_s >= fault.from_s && fault.for_s.is_none_or(|seconds| turn < seconds);
        if !here || !now {
            return false;
        }
        let hit = left < fault.share;
        left -= fault.share;
        hit
    })
}
