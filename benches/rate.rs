//! Starts of a run at a fixed rate against their schedule: by how much they are late, and how many are
//! missed. Aims: p50 within 1 ms, p99 within 5 ms. `cargo bench --bench rate`; with `-- --check` a missed
//! aim is an error.
#![expect(clippy::expect_used, reason = "a bench that cannot go on fails")]

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream};
use ratetop::{
    api::{
        call::{Around, Driver, Ear, OpenPurse, Share, Told},
        connection::{AuthStyle, Connection, Version},
        load::Load,
    },
    clock::Clock,
    domain::{
        call::CallOrder,
        id::CallId,
        load::{plan::Plan, result::Summary},
        observation::Source,
        retry::{Limits, Policy},
    },
    net::transport::{Broken, Request, Response, Transport},
};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

const ANSWER: &str = r#"{"type":"message","content":[],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}"#;

/// Answers after 20 ms.
struct Soon;

impl Transport for Soon {
    fn send(&self, _: Request) -> BoxFuture<'_, Result<Response, Broken>> {
        async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let mut headers = http::HeaderMap::new();
            headers.insert(
                http::header::CONTENT_TYPE,
                http::HeaderValue::from_static("application/json"),
            );
            Ok(Response {
                status: 200,
                headers,
                body: stream::iter([Ok(Bytes::from_static(ANSWER.as_bytes()))]).boxed(),
            })
        }
        .boxed()
    }
}

struct Deaf;

impl Ear for Deaf {
    fn hear(&self, _: Told) -> BoxFuture<'_, ()> {
        std::future::ready(()).boxed()
    }
}

fn load(clock: &Clock, rate: f64, duration_s: f64) -> Load {
    Load {
        driver: Driver {
            connection: Arc::new(Connection {
                transport: Arc::new(Soon),
                key: None,
                auth: AuthStyle::default(),
                version: Version::default(),
                workspace: None,
                fast: false,
                profile: "bench".into(),
                host: "nowhere".into(),
            }),
            clock: clock.clone(),
            purse: Arc::new(OpenPurse),
            ear: Arc::new(Deaf),
            share: Arc::new(Share::default()),
        },
        order: CallOrder {
            call: CallId(1),
            client: "bench".into(),
            source: Source::Call,
            model: "claude-haiku-4-5".into(),
            prompt: "Say hello.".to_owned(),
            cache: None,
            max_tokens: 1,
            stream: false,
            policy: Policy::None,
            attempts: 1,
            limits: Limits::default(),
        },
        around: Around::default(),
        around_others: Vec::new(),
        plan: Plan {
            workers: 256,
            rate: Some(rate),
            calls: None,
            duration_s: Some(duration_s),
            ..Plan::default()
        },
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let check = std::env::args().any(|it| it == "--check");
    let mut good = true;
    println!("starts/s   made   missed   p50 late   p99 late   longest");
    for rate in [5.0, 50.0, 500.0, 2_000.0] {
        let summary = runtime.block_on(async {
            let clock = Clock::start();
            let seconds = if rate < 10.0 { 8.0 } else { 4.0 };
            let load = load(&clock, rate, seconds);
            let mut dice = fastrand::Rng::with_seed(7);
            let end = load.run(&mut dice, &CancellationToken::new()).await;
            let mut summary = Summary::new(clock.now());
            summary.missed = end.missed;
            for late_s in end.late_s {
                summary.late.take(late_s);
            }
            summary
        });
        let ms = |percent| summary.late.percentile_s(percent).unwrap_or(f64::NAN) * 1e3;
        let longest = summary.late.longest_s().unwrap_or(f64::NAN) * 1e3;
        println!(
            "{rate:8}{:7}{:9}{:8.2} ms{:8.2} ms{longest:7.2} ms",
            summary.late.count(),
            summary.missed,
            ms(50.0),
            ms(99.0)
        );
        good &= ms(50.0) <= 1.0 && ms(99.0) <= 5.0;
    }
    assert!(good || !check, "p50 within 1 ms and p99 within 5 ms");
}
