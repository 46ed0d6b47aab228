//! Trouble on purpose, for trying one's own client: a chosen share of calls is refused, delayed, broken.
//! What is to happen is decided here, from the plan, the time and a die; `body` does it to a stream.
//!
//! To add a kind of trouble: a variant of [`plan::Trouble`], what it comes to in [`Chaos::befall`], and
//! a plan in `assets/chaos` that shows it.

pub mod body;
pub mod plan;
mod refuse;
#[cfg(test)]
mod tests;

use crate::domain::time::{Time, seconds_between};
use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use plan::{Plan, Trouble};
pub use refuse::Refused;
use refuse::Says;
use std::time::Duration;

/// Every answer that chaos touched carries this header; its value is the plan's name.
pub const HEADER: HeaderName = HeaderName::from_static("x-ratetop-chaos");

/// A plan at work.
#[derive(Clone, Debug)]
pub struct Chaos {
    plan: Plan,
    began: Time,
    dice: fastrand::Rng,
    minute: u64,
    in_minute: u32,
}

/// What happens to one call.
#[derive(Clone, Debug, PartialEq)]
pub enum Fate {
    /// It is answered here.
    Refused(Box<Refused>),
    /// It waits, then goes on.
    Delayed(Duration),
    /// Its answer, if it is a stream, ends early.
    Broken(Ending),
}

/// How a stream ends early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Events that pass before.
    pub after_events: u32,
    /// A last event; without one the connection breaks.
    pub last: Option<Bytes>,
}

impl Chaos {
    /// A plan that begins now.
    pub fn new(plan: Plan, dice: fastrand::Rng, now: Time) -> Self {
        Self {
            plan,
            began: now,
            dice,
            minute: 0,
            in_minute: 0,
        }
    }

    /// The plan.
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Its name as a header's value.
    pub fn mark(&self) -> HeaderValue {
        HeaderValue::from_str(&self.plan.name).unwrap_or(HeaderValue::from_static("file"))
    }

    /// What happens to a call of `/v1/messages` that arrives now. Each trouble has its own throw of
    /// the die, in the order of the plan.
    pub fn befall(&mut self, now: Time) -> Option<Fate> {
        let since = seconds_between(self.began, now).max(0.0);
        let minute = (since / 60.0) as u64;
        if minute != self.minute {
            (self.minute, self.in_minute) = (minute, 0);
        }
        self.in_minute = self.in_minute.saturating_add(1);
        let Self {
            plan,
            dice,
            in_minute,
            ..
        } = self;
        // Every die is thrown, so that one trouble's luck does not shift another's.
        let fates: Vec<Option<Fate>> = plan
            .troubles
            .iter()
            .map(|trouble| {
                let die = dice.f64();
                fate(trouble, die, since, minute, *in_minute)
            })
            .collect();
        let mut fate = fates.into_iter().flatten().next();
        if let Some(Fate::Refused(refused)) = &mut fate {
            refused.seal(self.mark(), &mut self.dice, now);
        }
        fate
    }
}

/// What a trouble does with a call that throws `die`, so many seconds after the start.
fn fate(trouble: &Trouble, die: f64, since: f64, minute: u64, in_minute: u32) -> Option<Fate> {
    match trouble {
        Trouble::Refuse {
            share,
            during_s,
            status,
            retry_after_s,
            error,
            message,
            code,
            headers,
        } => {
            let second = since % 60.0;
            let in_time = during_s.is_none_or(|(from, to)| from <= second && second < to);
            (die < *share && in_time).then(|| {
                let says = Says::new(error, message, code.as_deref());
                let mut refused = Refused::new(*status, *retry_after_s, says);
                refused.carries(headers);
                Fate::Refused(Box::new(refused))
            })
        }
        Trouble::Delay { share, delay_s } => {
            (die < *share).then(|| Fate::Delayed(Duration::from_secs_f64(*delay_s)))
        }
        Trouble::ErrorEvent {
            share,
            after_events,
            error,
            message,
        } => (die < *share).then(|| {
            let data = Says::new(error, message, None).envelope(None);
            Fate::Broken(Ending {
                after_events: *after_events,
                last: Some(Bytes::from(format!("event: error\ndata: {data}\n\n"))),
            })
        }),
        Trouble::Cut {
            share,
            after_events,
        } => (die < *share).then_some(Fate::Broken(Ending {
            after_events: *after_events,
            last: None,
        })),
        Trouble::Ramp { start, growth } => {
            let allowed = |minute: u64| {
                let grown = f64::from(*start) * growth.powf(minute as f64);
                grown.min(f64::from(u32::MAX)) as u32
            };
            (in_minute > allowed(minute)).then(|| {
                let left_s = (60.0 - since % 60.0).ceil().max(1.0) as u64;
                let (now, next) = (allowed(minute), allowed(minute + 1));
                Fate::Refused(Box::new(Refused::ramp(left_s, now, next)))
            })
        }
    }
}
