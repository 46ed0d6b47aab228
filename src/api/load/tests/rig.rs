//! Whole runs in virtual time, against a transport that only takes its time.

use crate::{
    api::{
        call::{Around, Driver, OpenPurse, Purse, Share, Told},
        connection::tests::connection,
        load::{Load, LoadEnd},
        messages::tests::order,
    },
    clock::Clock,
    domain::{
        bucket::Bucket,
        load::plan::{Plan, Ramp},
        observation::What,
        retry::Policy,
    },
    net::transport::{Broken, Request, Response, Transport},
};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

/// Takes some seconds for every answer; every so many are refused, with a hint of 17 s.
pub(super) struct Slow {
    takes_s: f64,
    refuses_every: usize,
    /// Requests per minute that it serves and tells, where it counts them.
    bucket: Option<Mutex<Bucket>>,
    /// Requests that it serves at the same time.
    at_once: usize,
    clock: Clock,
    began: Instant,
    pub(super) state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) flying: usize,
    most: usize,
    starts: Vec<f64>,
}

impl Transport for Slow {
    fn send(&self, _: Request) -> BoxFuture<'_, Result<Response, Broken>> {
        async move {
            let (nth, flying) = {
                let mut state = self.state.lock().unwrap();
                state.flying += 1;
                state.most = state.most.max(state.flying);
                let now = self.clock.instant().duration_since(self.began);
                state.starts.push(now.as_secs_f64());
                (state.starts.len(), state.flying)
            };
            let mut headers = http::HeaderMap::new();
            headers.insert("content-type", "application/json".parse().unwrap());
            let mut refused = self.refuses_every > 0 && nth.is_multiple_of(self.refuses_every);
            refused |= flying > self.at_once;
            if let Some(bucket) = &self.bucket {
                let mut bucket = bucket.lock().unwrap();
                let now = self.clock.now();
                refused = bucket.take(1.0, now).is_err();
                let told = [("limit", bucket.capacity()), ("remaining", bucket.level(now).floor())];
                for (suffix, value) in told {
                    let name = format!("anthropic-ratelimit-requests-{suffix}");
                    let name = http::HeaderName::try_from(name).unwrap();
                    headers.insert(name, format!("{value}").parse().unwrap());
                }
            }
            let _landed = Landed(self);
            tokio::time::sleep(Duration::from_secs_f64(self.takes_s)).await;
            let (status, body) = if refused {
                headers.insert("retry-after", "17".parse().unwrap());
                (429, r#"{"type":"error","error":{"type":"rate_limit_error","message":"m"}}"#)
            } else {
                (200, r#"{"type":"message","content":[],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}"#)
            };
            Ok(Response {
                status,
                headers,
                body: stream::iter([Ok(Bytes::from(body))]).boxed(),
            })
        }
        .boxed()
    }
}

/// What the server has room for.
#[derive(Clone, Copy)]
pub(super) enum Room {
    Any,
    PerMinute(f64),
    AtOnce(usize),
}

/// Also when the call is cancelled.
struct Landed<'a>(&'a Slow);

impl Drop for Landed<'_> {
    fn drop(&mut self) {
        self.0.state.lock().unwrap().flying -= 1;
    }
}

pub(super) struct Done {
    pub(super) end: LoadEnd,
    pub(super) slow: Arc<Slow>,
    pub(super) seen: mpsc::UnboundedReceiver<What>,
    pub(super) elapsed_s: f64,
}

impl Done {
    pub(super) fn starts(&self) -> Vec<f64> {
        self.slow.state.lock().unwrap().starts.clone()
    }

    pub(super) fn most(&self) -> usize {
        self.slow.state.lock().unwrap().most
    }
}

struct Ear(mpsc::UnboundedSender<What>);

impl crate::api::call::Ear for Ear {
    fn hear(&self, told: Told) -> BoxFuture<'_, ()> {
        if let Told::Seen(seen) = told {
            let _ = self.0.send(seen.what);
        }
        std::future::ready(()).boxed()
    }
}

pub(super) async fn run(
    plan: Plan,
    takes_s: f64,
    refuses_every: usize,
    cancel_at_s: Option<f64>,
) -> Done {
    run_with(
        plan,
        takes_s,
        refuses_every,
        cancel_at_s,
        Arc::new(OpenPurse),
        Arc::default(),
    )
    .await
}

pub(super) async fn run_with(
    plan: Plan,
    takes_s: f64,
    refuses_every: usize,
    cancel_at_s: Option<f64>,
    purse: Arc<dyn Purse>,
    share: Arc<Share>,
) -> Done {
    run_against(
        plan,
        Room::Any,
        takes_s,
        refuses_every,
        cancel_at_s,
        purse,
        share,
    )
    .await
}

pub(super) async fn run_against(
    plan: Plan,
    room: Room,
    takes_s: f64,
    refuses_every: usize,
    cancel_at_s: Option<f64>,
    purse: Arc<dyn Purse>,
    share: Arc<Share>,
) -> Done {
    let clock = Clock::anchored("2026-11-24T12:00:00Z".parse().unwrap());
    let began = clock.instant();
    let slow = Arc::new(Slow {
        takes_s,
        refuses_every,
        bucket: match room {
            Room::PerMinute(most) => Some(Mutex::new(Bucket::full(most, 60.0, clock.now()))),
            Room::Any | Room::AtOnce(_) => None,
        },
        at_once: match room {
            Room::AtOnce(most) => most,
            Room::Any | Room::PerMinute(_) => usize::MAX,
        },
        clock: clock.clone(),
        began,
        state: Mutex::default(),
    });
    let (sender, seen) = mpsc::unbounded_channel();
    let mut order = order(false);
    order.policy = Policy::HintJitter;
    order.attempts = 5;
    let load = Load {
        around_others: Vec::new(),
        driver: Driver {
            connection: Arc::new(connection(slow.clone())),
            clock: clock.clone(),
            purse,
            ear: Arc::new(Ear(sender)),
            share,
        },
        order,
        around: Around::default(),
        plan,
    };
    let cancel = CancellationToken::new();
    if let Some(at) = cancel_at_s {
        let cancel = cancel.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs_f64(at)).await;
            cancel.cancel();
        });
    }
    let end = load.run(&mut fastrand::Rng::with_seed(7), &cancel).await;
    let elapsed_s = clock.instant().duration_since(began).as_secs_f64();
    Done {
        end,
        slow,
        seen,
        elapsed_s,
    }
}

pub(super) fn closed(workers: u32, calls: u32) -> Plan {
    Plan {
        workers,
        calls: Some(calls),
        ..Plan::default()
    }
}

pub(super) fn open(rate: f64, workers: u32, duration_s: f64) -> Plan {
    Plan {
        workers,
        rate: Some(rate),
        calls: None,
        duration_s: Some(duration_s),
        ramp: Ramp::None,
    }
}
