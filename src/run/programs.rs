//! The demo's clients of "me": programs like any other, whose calls go through the tap over real HTTP.
//! What they do is known only by what passes there.

use super::hub::Shared;
use crate::{
    api::{
        call::{CallEnd, Driver, Ear, OpenPurse, Told},
        connection::{AuthStyle, Connection, Version},
    },
    domain::{call::CallOrder, observation::CallResult, retry::Policy},
    net::{
        base::Base,
        outbound::{Options, Outbound},
        transport::{Broken, Request, Response, Transport},
    },
    sim::traffic::Traffic,
};
use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::Semaphore;

/// Calls of the demo's clients at one time; more are not made.
const AT_ONCE: usize = 256;
/// Between two turns of a loop around an SDK.
const LOOP: Duration = Duration::from_secs(1);
/// The SDK that clients with its policy are written with, and its version (PyPI, autumn 2026).
const SDK: (&str, &str) = ("python", "0.112.0");

/// Makes their calls for as long as the program runs, from when the profile is open.
pub async fn call(shared: &Arc<Shared>, mut traffic: Traffic, profile: &Arc<str>) {
    let clock = shared.ground().clock.clone();
    let room = Arc::new(Semaphore::new(AT_ONCE));
    shared.until_open(profile).await;
    let Some(way) = shared.tap(profile).and_then(way) else {
        // Why there is no tap has been said.
        return;
    };
    // What fell due before then is not made up for.
    traffic.take(clock.now());
    while let Some(due) = traffic.next_due() {
        tokio::time::sleep_until(clock.instant_of(due)).await;
        for order in traffic.take(clock.now()) {
            let Ok(place) = Arc::clone(&room).try_acquire_owned() else {
                continue;
            };
            let (calling, profile, way) =
                (Arc::clone(shared), Arc::clone(profile), Arc::clone(&way));
            let anew = traffic.anew(&order.client);
            shared.spawn("a call of the demo", async move {
                make(&calling, &profile, way, &order, anew).await;
                drop(place);
            });
        }
    }
}

/// The way to the tap, with the connections that all clients share.
fn way(tap: SocketAddr) -> Option<Arc<dyn Transport>> {
    let base = Base::parse(&super::listening::url(tap)).ok()?;
    let out = Outbound::new(base, Options::default()).ok()?;
    Some(Arc::new(out))
}

/// Makes one call, and a failed one `anew` times more, as programs do that have a loop of their own around
/// an SDK that has retried already.
async fn make(
    shared: &Shared,
    profile: &Arc<str>,
    way: Arc<dyn Transport>,
    order: &CallOrder,
    anew: u32,
) {
    for turn in 0..=anew {
        if turn > 0 {
            tokio::time::sleep(LOOP).await;
        }
        let end = once(shared, profile, Arc::clone(&way), order).await;
        if end.result != CallResult::Failed {
            return;
        }
    }
}

async fn once(
    shared: &Shared,
    profile: &Arc<str>,
    way: Arc<dyn Transport>,
    order: &CallOrder,
) -> CallEnd {
    let driver = Driver {
        connection: Arc::new(Connection {
            transport: Arc::new(Dressed {
                way,
                headers: dress(order),
                sent: Mutex::default(),
            }),
            key: Some(super::world::API_KEY.into()),
            auth: AuthStyle::default(),
            version: Version::default(),
            workspace: None,
            fast: false,
            profile: Arc::clone(profile),
            host: "the tap".to_owned(),
        }),
        clock: shared.ground().clock.clone(),
        purse: Arc::new(OpenPurse),
        ear: Arc::new(Deaf),
        share: Arc::default(),
    };
    let around = shared.around(profile, &order.model);
    driver
        .run(order, &around, &mut shared.dice(), shared.stop())
        .await
}

/// What a client's requests say of it.
fn dress(order: &CallOrder) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Ok(name) = HeaderValue::from_str(order.client.as_str()) {
        headers.insert(header::USER_AGENT, name);
    }
    if matches!(order.policy, Policy::Sdk | Policy::SdkClassic) {
        for (name, value) in [
            ("x-stainless-lang", SDK.0),
            ("x-stainless-package-version", SDK.1),
        ] {
            let name = HeaderName::from_static(name);
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    headers
}

/// A client's requests, with its name, and with its count of retries where it is an SDK.
struct Dressed {
    way: Arc<dyn Transport>,
    headers: HeaderMap,
    /// What was sent last, and how often before: a turn that is continued is a request of its own.
    sent: Mutex<(Bytes, u32)>,
}

impl Dressed {
    /// How often this was sent before.
    fn count(&self, body: &Bytes) -> u32 {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, before) = &mut *sent;
        if last == body {
            *before += 1;
        } else {
            *sent = (body.clone(), 0);
        }
        sent.1
    }
}

impl Transport for Dressed {
    fn send(&self, mut request: Request) -> BoxFuture<'_, Result<Response, Broken>> {
        let before = self.count(&request.body);
        for (name, value) in &self.headers {
            request.headers.insert(name, value.clone());
        }
        if self.headers.contains_key("x-stainless-lang") {
            let count = HeaderName::from_static("x-stainless-retry-count");
            request.headers.insert(count, HeaderValue::from(before));
        }
        self.way.send(request)
    }
}

/// Hears nothing: the tap does.
struct Deaf;

impl Ear for Deaf {
    fn hear(&self, _: Told) -> BoxFuture<'_, ()> {
        std::future::ready(()).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nowhere;

    impl Transport for Nowhere {
        fn send(&self, _: Request) -> BoxFuture<'_, Result<Response, Broken>> {
            std::future::pending().boxed()
        }
    }

    #[test]
    fn what_is_sent_again_is_counted_and_a_turn_that_goes_on_is_not_a_retry() {
        let dressed = Dressed {
            way: Arc::new(Nowhere),
            headers: HeaderMap::new(),
            sent: Mutex::default(),
        };
        let counts = ["a", "a", "a", "a and more", "a and more"];
        let counts = counts.map(|body| dressed.count(&Bytes::from(body)));
        assert_eq!(counts, [0, 1, 2, 0, 1]);
    }
}
