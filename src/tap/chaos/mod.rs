//! Trouble on purpose, for trying one's own client: a chosen share of calls is refused, delayed, broken.
//! What is to happen is decided here, from the plan, the time and a die; `body` does it to a stream.
//!
//! To add a kind of trouble: a variant of [`plan::Trouble`], what it comes to in [`Chaos::befall`], and
//! a plan in `assets/chaos` that shows it.

pub mod body;
pub mod plan;

use crate::domain::time::{Time, seconds_between};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use plan::{Plan, Trouble};
use serde_json::json;
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
    Refused {
        /// HTTP status.
        status: u16,
        /// `content-type`, `retry-after`, [`HEADER`].
        headers: HeaderMap,
        /// The API's error envelope.
        body: Bytes,
    },
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
                fate(trouble, die, since, minute, *in_minute, &plan.name)
            })
            .collect();
        fates.into_iter().flatten().next()
    }
}

fn fate(
    trouble: &Trouble,
    die: f64,
    since: f64,
    minute: u64,
    in_minute: u32,
    name: &str,
) -> Option<Fate> {
    match trouble {
        Trouble::Refuse {
            share,
            during_s,
            status,
            retry_after_s,
            error,
            message,
            code,
        } => {
            let second = since % 60.0;
            let in_time = during_s.is_none_or(|(from, to)| from <= second && second < to);
            (die < *share && in_time).then(|| {
                refused(
                    *status,
                    *retry_after_s,
                    error,
                    message,
                    code.as_deref(),
                    name,
                )
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
            let data = json!({"type": "error", "error": {"type": error, "message": message}});
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
                let left = (60.0 - since % 60.0).ceil().max(1.0) as u64;
                let message = format!(
                    "This request would exceed your organization's maximum usage increase rate for requests per minute. Your current limit is {}; it will increase to {} at the next minute boundary (chaos of ratetop).",
                    allowed(minute),
                    allowed(minute + 1)
                );
                let code = Some("ramp_limit_exceeded");
                refused(429, Some(left), "rate_limit_error", &message, code, name)
            })
        }
    }
}

fn refused(
    status: u16,
    retry_after_s: Option<u64>,
    error: &str,
    message: &str,
    code: Option<&str>,
    name: &str,
) -> Fate {
    let mut headers = HeaderMap::new();
    let json = HeaderValue::from_static("application/json");
    headers.insert(header::CONTENT_TYPE, json);
    if let Some(seconds) = retry_after_s {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    let mark = HeaderValue::from_str(name).unwrap_or(HeaderValue::from_static("file"));
    headers.insert(HEADER, mark);
    let mut inner = json!({"type": error, "message": message});
    if let Some(code) = code {
        inner["details"] = json!({"error_code": code});
    }
    let body = json!({"type": "error", "error": inner});
    Fate::Refused {
        status,
        headers,
        body: Bytes::from(body.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::after;

    fn start() -> Time {
        "2026-11-24T12:00:00Z".parse().unwrap()
    }

    fn chaos(name: &str, seed: u64) -> Chaos {
        Chaos::new(
            Plan::named(name).unwrap(),
            fastrand::Rng::with_seed(seed),
            start(),
        )
    }

    fn refusals(chaos: &mut Chaos, at: f64, calls: usize) -> usize {
        let now = after(start(), at);
        let fates = (0..calls).map(|_| chaos.befall(now));
        fates
            .filter(|fate| matches!(fate, Some(Fate::Refused { .. })))
            .count()
    }

    #[test]
    fn a_storm_rages_for_its_seconds_of_every_minute_and_refuses_its_share() {
        let mut chaos = chaos("429-storm", 1);
        let stormy = refusals(&mut chaos, 61.0, 2_000);
        assert!((1_500..1_700).contains(&stormy), "{stormy}");
        assert_eq!(refusals(&mut chaos, 85.0, 2_000), 0);
        let Some(Fate::Refused {
            status,
            headers,
            body,
        }) = (0..20).find_map(|_| chaos.befall(after(start(), 121.0)))
        else {
            panic!("no refusal in a storm");
        };
        assert_eq!(
            (status, &headers["retry-after"]),
            (429, &HeaderValue::from(8))
        );
        assert_eq!(headers[HEADER], "429-storm");
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["error"]["type"], "rate_limit_error");
    }

    #[test]
    fn the_ramp_lets_its_allowance_pass_and_steps_at_the_minute() {
        let mut chaos = chaos("ramp", 1);
        assert_eq!(refusals(&mut chaos, 0.0, 12), 2);
        assert_eq!(refusals(&mut chaos, 59.9, 3), 3);
        assert_eq!(refusals(&mut chaos, 60.0, 20), 5);
        assert_eq!(refusals(&mut chaos, 120.0, 30), 8);
        let Some(Fate::Refused { headers, body, .. }) = chaos.befall(after(start(), 149.5)) else {
            panic!("the allowance of 22 was used up");
        };
        assert_eq!(headers["retry-after"], HeaderValue::from(31));
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert!(text.contains("ramp_limit_exceeded"), "{text}");
        assert!(text.contains("current limit is 22;"), "{text}");
        assert!(text.contains("will increase to 33 at"), "{text}");
    }

    #[test]
    fn the_same_seed_gives_the_same_fates() {
        for name in Plan::names() {
            let (mut one, mut other) = (chaos(name, 7), chaos(name, 7));
            for second in 0..200 {
                let now = after(start(), f64::from(second) * 0.7);
                assert_eq!(one.befall(now), other.befall(now), "{name}");
            }
        }
    }

    #[test]
    fn each_plan_shows_its_point() {
        let seen = |name: &str| {
            let mut chaos = chaos(name, 3);
            (0..100)
                .filter_map(|_| chaos.befall(start()))
                .collect::<Vec<_>>()
        };
        let overloaded = seen("overloaded");
        assert!((30..60).contains(&overloaded.len()), "{}", overloaded.len());
        assert!(seen("slow-first-byte").contains(&Fate::Delayed(Duration::from_secs(6))));
        let ends = |name: &str, last: bool| {
            let fates = seen(name);
            let broken = |fate: &Fate| matches!(fate, Fate::Broken(end) if end.last.is_some() == last && end.after_events == 6);
            assert!(
                (20..47).contains(&fates.len()) && fates.iter().all(broken),
                "{name}"
            );
        };
        ends("error-after-200", true);
        ends("cut-stream", false);
    }
}
