//! The gauges against the engine: what headers let one conclude is what the buckets really hold.
//! Virtual time, the tool's own client, no sockets.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use ratetop::{
    api::{
        call::{Around, Driver, OpenPurse, Told},
        connection::{AuthStyle, Connection, Version},
    },
    assets,
    clock::Clock,
    domain::{
        board::Board,
        gauge::GaugeView,
        id::ModelId,
        limit::Family,
        time::{Time, after, seconds_between},
    },
    sim::{
        direct::Direct, engine::Engine, play::World, scenario::Scenario, speak::ask::API_KEY,
        traffic::Traffic,
    },
};
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

const MODEL: &str = "claude-sonnet-5-5";
const LIMITERS: [(&str, &str); 3] = [
    ("requests_per_minute", "rpm"),
    ("input_tokens_per_minute_cache_aware", "itpm"),
    ("output_tokens_per_minute", "otpm"),
];

/// One look at one gauge, beside the truth.
#[derive(Debug)]
struct Look {
    at_s: f64,
    name: &'static str,
    truth: f64,
    hidden_drawn: f64,
    view: GaugeView,
}

impl Look {
    fn width(&self) -> Option<f64> {
        let limit = self.view.effective_limit? as f64;
        Some((self.view.remaining_high? as f64 - self.view.remaining_low? as f64) / limit)
    }

    /// Whether the true level lies in the band; debt is shown as 0.
    fn inside(&self) -> Option<bool> {
        let truth = self.truth.max(0.0);
        let (low, high) = (
            self.view.remaining_low? as f64,
            self.view.remaining_high? as f64,
        );
        Some(low - 1.0 <= truth && truth <= high + 1.0)
    }
}

/// A world lived through for so many seconds, with a look at every gauge four times a second.
async fn lived(scenario: &str, seed: u64, seconds: f64) -> Vec<Look> {
    let start: Time = "2026-11-24T12:00:00Z".parse().unwrap();
    let clock = Clock::anchored(start);
    let world = Scenario::named(scenario).unwrap();
    let mut traffic = Traffic::new(&world, seed, start);
    let engine = Arc::new(Mutex::new(Engine::new(world, seed, start)));
    let direct = Direct::new(World::new(Arc::clone(&engine), clock.clone()));
    let (ear, mut told) = mpsc::channel::<Told>(256);
    let driver = Driver {
        connection: Arc::new(Connection {
            transport: Arc::new(direct),
            key: Some(API_KEY.into()),
            auth: AuthStyle::XApiKey,
            version: Version::ALL[0],
            workspace: None,
            fast: false,
            profile: "demo".into(),
            host: "in memory".into(),
        }),
        clock: clock.clone(),
        purse: Arc::new(OpenPurse),
        ear: Arc::new(ear),
    };
    let mut board = Board::new(None, assets::tiers());
    let mut looks = Vec::new();
    let mut look_at = after(start, 0.25);
    let end = after(start, seconds);
    let cancel = CancellationToken::new();
    let mut calls = tokio::task::JoinSet::new();
    while look_at <= end {
        let due = traffic.next_due().unwrap_or(end);
        tokio::select! {
            biased;
            Some(told) = told.recv() => {
                if let Told::Seen(seen) = told {
                    board.absorb(&seen);
                }
            }
            () = tokio::time::sleep_until(clock.instant_of(due)) => {
                for order in traffic.take(clock.now()) {
                    let (driver, cancel) = (driver.clone(), cancel.clone());
                    calls.spawn(async move {
                        let mut dice = fastrand::Rng::with_seed(order.call.0);
                        driver.run(&order, &Around::default(), &mut dice, &cancel).await
                    });
                }
            }
            () = tokio::time::sleep_until(clock.instant_of(look_at)) => {
                let now = clock.now();
                look_at = after(look_at, 0.25);
                let Some(pool) = board.pool_of(&ModelId::from(MODEL)) else { continue };
                for (limiter, name) in LIMITERS {
                    let dimension = ratetop::domain::id::Limiter::from(limiter).dimension();
                    let Some(gauge) = pool.gauge(dimension, Family::Standard) else { continue };
                    let mut engine = engine.lock().unwrap();
                    looks.push(Look {
                        at_s: seconds_between(start, now),
                        name,
                        truth: engine.level(MODEL, limiter, now).unwrap(),
                        hidden_drawn: engine.hidden_drawn(MODEL, limiter, now).unwrap(),
                        view: gauge.view(now),
                    });
                }
            }
        }
    }
    cancel.cancel();
    looks
}

#[tokio::test(start_paused = true)]
async fn gauges_agree_with_the_buckets_beside_a_noisy_neighbour() {
    for seed in [1, 2, 3] {
        let looks = lived("noisy-neighbour", seed, 120.0).await;
        let known: Vec<&Look> = looks
            .iter()
            .filter(|look| look.inside().is_some())
            .collect();
        assert!(
            known.len() > 1_000,
            "levels are known nearly always: {}",
            known.len()
        );
        let inside = known
            .iter()
            .filter(|look| look.inside() == Some(true))
            .count();
        let worst: Vec<_> = known
            .iter()
            .filter(|look| look.inside() == Some(false))
            .take(3)
            .collect();
        assert!(
            inside * 100 >= known.len() * 95,
            "seed {seed}: {inside} of {}; {worst:#?}",
            known.len()
        );
        for look in known
            .iter()
            .filter(|look| look.view.age_s.is_some_and(|age| age <= 10.0))
        {
            assert!(look.width().unwrap() <= 0.2, "seed {seed}: {look:#?}");
        }
        // The hidden client's rate over a minute, from what it really drew.
        let input: Vec<&Look> = looks.iter().filter(|look| look.name == "itpm").collect();
        let at = |s: f64| input.iter().find(|look| look.at_s >= s).unwrap();
        let true_rate = at(115.0).hidden_drawn - at(55.0).hidden_drawn;
        let found: Vec<f64> = input
            .iter()
            .filter(|look| (55.0..115.0).contains(&look.at_s))
            .filter_map(|look| look.view.others_burn_per_min)
            .collect();
        assert!(
            found.len() > 200,
            "seed {seed}: resolved {} times",
            found.len()
        );
        let mean = found.iter().sum::<f64>() / found.len() as f64;
        assert!(
            (mean / true_rate - 1.0).abs() <= 0.15,
            "seed {seed}: {mean} for {true_rate}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn gauges_agree_with_the_buckets_when_nobody_else_calls() {
    let looks = lived("tight-output", 4, 60.0).await;
    let known: Vec<&Look> = looks
        .iter()
        .filter(|look| look.inside().is_some())
        .collect();
    let inside = known
        .iter()
        .filter(|look| look.inside() == Some(true))
        .count();
    let worst: Vec<_> = known
        .iter()
        .filter(|look| look.inside() == Some(false))
        .take(3)
        .collect();
    assert!(
        known.len() > 300 && inside * 100 >= known.len() * 95,
        "{inside} of {}; {worst:#?}",
        known.len()
    );
}
