//! The gauges beside the simulator's own buckets, in virtual time and without sockets: what headers
//! allow to be known must hold for what is true.

use crate::simulated;
use ratetop::{
    api::call::{Around, Driver, Ear, OpenPurse, Told},
    clock::Clock,
    domain::{
        board::Board,
        gauge::GaugeView,
        id::ModelId,
        limit::{Dimension, Family},
        observation::What,
        time::Time,
    },
    sim::{direct::Direct, engine::Engine, play::World, scenario::Scenario, traffic::Traffic},
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

const DIMENSIONS: [(Dimension, &str); 3] = [
    (Dimension::Rpm, "requests_per_minute"),
    (Dimension::Itpm, "input_tokens_per_minute_cache_aware"),
    (Dimension::Otpm, "output_tokens_per_minute"),
];

/// What was believed and what was true at one moment.
struct Sample {
    second: f64,
    dimension: Dimension,
    view: GaugeView,
    truth: f64,
    hidden_drawn: f64,
}

/// A world and the driver of its clients, without sockets.
pub(crate) struct Stage {
    pub clock: Clock,
    pub traffic: Traffic,
    pub engine: Arc<Mutex<Engine>>,
    pub driver: Driver,
}

impl Stage {
    pub(crate) fn of(world: Scenario, seed: u64, ear: Arc<dyn Ear>) -> Self {
        let start: Time = "2026-11-24T12:00:00Z".parse().unwrap();
        let clock = Clock::anchored(start);
        let traffic = Traffic::new(&world, seed, start);
        let engine = Arc::new(Mutex::new(Engine::new(world, seed, start)));
        let transport = Direct::new(World::new(Arc::clone(&engine), clock.clone()));
        let driver = Driver {
            connection: simulated::connection(transport, "agreement"),
            clock: clock.clone(),
            purse: Arc::new(OpenPurse),
            ear,
            share: Arc::default(),
        };
        Self {
            clock,
            traffic,
            engine,
            driver,
        }
    }
}

/// Plays a scenario for `seconds` and looks twice a second at the pool of `model`. Of all response
/// heads only one in `one_head_in` is heard, so that headers are that much rarer than calls. Without
/// `others` there are no unseen clients.
async fn watch(
    scenario: &str,
    model: &str,
    seed: u64,
    seconds: u32,
    one_head_in: usize,
    others: bool,
) -> Vec<Sample> {
    let mut world = Scenario::named(scenario).unwrap();
    if !others {
        world.unseen.clear();
    }
    watch_world(world, model, seed, seconds, one_head_in).await
}

async fn watch_world(
    world: Scenario,
    model: &str,
    seed: u64,
    seconds: u32,
    one_head_in: usize,
) -> Vec<Sample> {
    let (tell, mut told) = mpsc::channel(100_000);
    let Stage {
        clock,
        mut traffic,
        engine,
        driver,
    } = Stage::of(world, seed, Arc::new(tell));
    let calls = driver.clone();
    let caller_clock = clock.clone();
    let caller = tokio::spawn(async move {
        let mut dice = fastrand::Rng::with_seed(seed);
        while let Some(due) = traffic.next_due() {
            tokio::time::sleep_until(caller_clock.instant_of(due)).await;
            for order in traffic.take(caller_clock.now()) {
                let (driver, mut dice) = (calls.clone(), dice.fork());
                tokio::spawn(async move {
                    let cancel = CancellationToken::new();
                    driver
                        .run(&order, &Around::default(), &mut dice, &cancel)
                        .await;
                });
            }
        }
    });
    let mut board = Board::default();
    let mut samples = Vec::new();
    let mut heads = 0;
    for step in 1..=seconds * 2 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        while let Ok(heard) = told.try_recv() {
            let Told::Seen(seen) = heard else { continue };
            heads += usize::from(matches!(seen.what, What::Head { .. }));
            if !matches!(seen.what, What::Head { .. }) || heads % one_head_in == 0 {
                board.absorb(&seen);
            }
        }
        let now = clock.now();
        let Some(pool) = board.pool_of(&ModelId::from(model)) else {
            continue;
        };
        for (dimension, limiter) in DIMENSIONS {
            let Some(gauge) = pool.gauge(dimension, Family::Standard) else {
                continue;
            };
            let mut engine = engine.lock().unwrap();
            samples.push(Sample {
                second: f64::from(step) / 2.0,
                dimension,
                view: gauge.view(now),
                truth: engine.level(model, limiter, now).unwrap(),
                hidden_drawn: engine.hidden_drawn(model, limiter, now).unwrap(),
            });
        }
    }
    caller.abort();
    samples
}

fn inside(sample: &Sample) -> bool {
    let truth = sample.truth.max(0.0);
    match (sample.view.remaining_low, sample.view.remaining_high) {
        (Some(low), Some(high)) => (low as f64..=high as f64).contains(&truth),
        // Unknown is never wrong, but nothing is unknown for long in a world with own calls.
        _ => false,
    }
}

#[tokio::test(start_paused = true)]
async fn beside_a_noisy_neighbour_the_truth_lies_inside_a_narrow_band() {
    // A head every other second, and one in ten seconds. Until the first six or so have been heard the
    // neighbour is not known yet.
    for (seed, one_head_in, known_after) in [
        (1, 1, 30.0),
        (2, 1, 30.0),
        (3, 1, 30.0),
        (4, 5, 60.0),
        (5, 5, 60.0),
        (6, 5, 60.0),
    ] {
        let samples = watch(
            "noisy-neighbour",
            "claude-sonnet-5-5",
            seed,
            180,
            one_head_in,
            true,
        )
        .await;
        for (dimension, _) in DIMENSIONS {
            let late: Vec<&Sample> = samples
                .iter()
                .filter(|s| s.dimension == dimension && s.second > known_after)
                .collect();
            let held = late.iter().filter(|s| inside(s)).count() as f64 / late.len() as f64;
            assert!(
                held >= 0.95,
                "{dimension:?}, seed {seed}: {:.1} % inside",
                held * 100.0
            );
            for s in &late {
                let Some(age) = s.view.age_s.filter(|age| *age <= 10.0) else {
                    continue;
                };
                let width = s.view.remaining_high.unwrap() - s.view.remaining_low.unwrap();
                let share = width as f64 / s.view.effective_limit.unwrap() as f64;
                assert!(
                    share <= 0.20,
                    "{dimension:?}, seed {seed}, {:.1} s: {:.1} % wide {age:.1} s after a header",
                    s.second,
                    share * 100.0
                );
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_hidden_clients_rate_is_found_within_fifteen_percent_over_a_minute() {
    for seed in [1, 2, 3] {
        let samples = watch("noisy-neighbour", "claude-sonnet-5-5", seed, 180, 1, true).await;
        let of = |dimension| samples.iter().filter(move |s| s.dimension == dimension);
        for s in of(Dimension::Itpm).filter(|s| s.second >= 90.0 && s.second % 15.0 == 0.0) {
            let minute_ago = s.second - 60.0;
            let before = of(Dimension::Itpm)
                .find(|b| (b.second - minute_ago).abs() < 0.1)
                .unwrap();
            let truth = s.hidden_drawn - before.hidden_drawn;
            let found = s.view.others_burn_per_min.unwrap_or(0.0);
            assert!(
                (found - truth).abs() <= 0.15 * truth,
                "seed {seed}, {} s: found {found:.0}, true {truth:.0} a minute",
                s.second
            );
        }
        // Requests and output stay full in this world: refill is lost, so no rate can be known, and
        // none may be claimed.
        for dimension in [Dimension::Rpm, Dimension::Otpm] {
            assert!(
                of(dimension).all(|s| s.view.others_burn_per_min.is_none()),
                "{dimension:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_others_the_estimate_differs_by_less_than_a_request_and_the_rounding() {
    let samples = watch("calm", "claude-sonnet-5-5", 7, 60, 1, false).await;
    assert!(!samples.is_empty());
    for s in &samples {
        let Some(remaining) = s.view.remaining else {
            continue;
        };
        // One request of this world: its input, or what it streams; and half the rounding step.
        let most = match s.dimension {
            Dimension::Rpm => 2.0,
            _ => 5_000.0 + 500.0,
        };
        let error = (remaining as f64 - s.truth.max(0.0)).abs();
        assert!(
            error <= most,
            "{:?} at {} s: {remaining} is {error:.0} off",
            s.dimension,
            s.second
        );
    }
}

/// What a request will draw is not known before its answer. One client's long prompts are read from the
/// cache, the short ones of another are below the minimum and never are: what one draws says nothing
/// about the other.
#[tokio::test(start_paused = true)]
async fn each_clients_own_cache_share_is_expected_before_its_answers_come() {
    let world = Scenario::parse(
        r#"
about = "A client with a warm cache beside one without, and answers that take long to begin."
tier = "none"
[answers]
tokens = [20, 20]
first_byte_s = [2.0, 2.0]
tokens_per_s = [0, 0]
cache_share = 0.9
[[pools]]
name = "Sonnet 5.5"
limits = { requests_per_minute = 1000, input_tokens_per_minute_cache_aware = 60000, output_tokens_per_minute = 80000 }
[[me]]
name = "agents"
model = "claude-sonnet-5-5"
per_minute = 20
input = [20000, 20000]
output = [20, 20]
[[me]]
name = "chat"
model = "claude-sonnet-5-5"
per_minute = 20
input = [1000, 1000]
output = [20, 20]
"#,
        "agreement.toml",
    )
    .unwrap();
    let samples = watch_world(world, "claude-sonnet-5-5", 5, 90, 1).await;
    let late: Vec<&Sample> = samples
        .iter()
        .filter(|s| s.dimension == Dimension::Itpm && s.second > 30.0)
        .collect();
    assert!(late.len() > 100);
    for s in late {
        let off = (s.view.remaining.unwrap() as f64 - s.truth).abs();
        // A prompt of the one draws 2,000, of the other 1,000: less than both, and the rounding.
        assert!(off <= 3_500.0, "at {} s: {off:.0} off", s.second);
    }
}
