//! Every scenario with many seeds: no panic, the laws of levels and gauges, and gauges that agree with
//! the engine's own buckets wherever there are headers.

use crate::{
    life::{Life, dawn, seeds},
    memory,
};
use ratetop::{
    api::call::Told,
    clock::Clock,
    domain::{
        board::Board,
        gauge::{GaugeState, GaugeView},
        id::ModelId,
        limit::{Dimension, Family},
        observation::{Observation, Recorded, What},
    },
    sim::scenario::Scenario,
};
use std::{collections::BTreeMap, time::Duration};

/// Seconds of each life.
const LIFE_S: u32 = 120;
/// Of all moments at which a level was claimed, the share at which the truth lay inside the band.
const INSIDE: f64 = 0.90;

const DIMENSIONS: [(Dimension, &str); 3] = [
    (Dimension::Rpm, "requests_per_minute"),
    (Dimension::Itpm, "input_tokens_per_minute_cache_aware"),
    (Dimension::Otpm, "output_tokens_per_minute"),
];

/// How often the truth lay inside the band.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    claimed: u32,
    inside: u32,
    /// The farthest outside, share of the limit.
    farthest: f64,
}

impl Tally {
    fn add(&mut self, view: &GaugeView, truth: f64) {
        let (Some(low), Some(high), Some(limit)) = (
            view.remaining_low,
            view.remaining_high,
            view.effective_limit,
        ) else {
            return;
        };
        let outside = (low as f64 - truth).max(truth - high as f64).max(0.0);
        self.claimed += 1;
        self.inside += u32::from(outside <= 0.0);
        self.farthest = self.farthest.max(outside / limit as f64);
    }

    fn share(&self) -> f64 {
        f64::from(self.inside) / f64::from(self.claimed.max(1))
    }
}

/// What must hold of a view whatever the world does.
fn sane(view: &GaugeView, at: &dyn Fn() -> String) {
    let levels = [view.remaining_low, view.remaining, view.remaining_high];
    if let [Some(low), Some(likely), Some(high)] = levels {
        assert!(low <= likely && likely <= high, "{}: {levels:?}", at());
        let limit = view.effective_limit.unwrap();
        assert!(high <= limit, "{}: {high} of {limit}", at());
    } else {
        assert!(levels.iter().all(Option::is_none), "{}: {levels:?}", at());
    }
    let numbers = [
        view.burn_per_min,
        view.own_burn_per_min,
        view.others_burn_per_min,
        view.empty_in_s,
        view.age_s,
    ];
    assert!(
        numbers.iter().flatten().all(|n| n.is_finite() && *n >= 0.0),
        "{}: {numbers:?}",
        at()
    );
    if view.state == GaugeState::Stale {
        assert_eq!(view.remaining, None, "{}: stale is unknown", at());
    }
}

/// An observation is the same after it was written down and read again.
fn survives_writing(seen: Observation) {
    let written = serde_json::to_string(&Recorded::now(seen.clone())).unwrap();
    let read: Recorded = serde_json::from_str(&written).unwrap();
    let again = serde_json::to_string(&read).unwrap();
    assert_eq!(again, written);
}

/// One life; what became of each dimension.
async fn lived(scenario: Scenario, seed: u64) -> BTreeMap<Dimension, Tally> {
    let name = scenario.name.clone();
    let clock = Clock::anchored(dawn());
    let mut models: Vec<String> = scenario.me.iter().map(|c| c.model.clone()).collect();
    models.sort();
    models.dedup();
    let mut life = Life::begin(scenario, seed, &clock);
    let mut board = Board::new(None, ratetop::assets::tiers());
    let mut tallies: BTreeMap<Dimension, Tally> = BTreeMap::new();
    let mut told = 0_u32;
    for step in 1..=LIFE_S * 2 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        for heard in life.heard() {
            let Told::Seen(seen) = heard else { continue };
            board.absorb(&seen);
            told += 1;
            if told.is_multiple_of(16) {
                survives_writing(*seen);
            }
        }
        let now = clock.now();
        for pool in board.pools().iter().chain(board.foreign()) {
            for gauge in &pool.gauges {
                let at = || {
                    format!(
                        "{name}, seed {seed}, {step} half seconds, {}",
                        gauge.limiter
                    )
                };
                sane(&gauge.view(now), &at);
            }
        }
        for model in &models {
            for (dimension, limiter) in DIMENSIONS {
                let mut engine = life.engine();
                let Some(truth) = engine.level(model, limiter, now) else {
                    continue;
                };
                let capacity = engine
                    .world()
                    .pools
                    .iter()
                    .find(|pool| pool.models.contains(model))
                    .and_then(|pool| pool.limits.get(limiter))
                    .unwrap();
                assert!(
                    truth <= *capacity as f64 + 1e-6 && truth.is_finite(),
                    "{name}, seed {seed}: {limiter} holds {truth} of {capacity}"
                );
                let pool = board.pool_of(&ModelId::from(model.as_str()));
                let gauge = pool.and_then(|pool| pool.gauge(dimension, Family::Standard));
                if let Some(gauge) = gauge {
                    let tally = tallies.entry(dimension).or_default();
                    tally.add(&gauge.view(now), truth.max(0.0));
                }
            }
        }
    }
    for heard in life.end().await {
        let Told::Seen(seen) = heard else { continue };
        board.absorb(&seen);
    }
    assert_eq!(board.under_way(), 0, "{name}, seed {seed}");
    let kept = life.engine().kept();
    assert_eq!((kept.flows, kept.in_flight), (0, 0), "{name}, seed {seed}");
    tallies
}

#[tokio::test(start_paused = true)]
#[expect(
    clippy::await_holding_lock,
    reason = "each test has a runtime of its own"
)]
async fn every_scenario_keeps_the_laws_and_the_gauges_agree() {
    let _beside = memory::beside_others();
    let mut agreed = 0;
    for name in Scenario::names() {
        let mut sums: BTreeMap<Dimension, Tally> = BTreeMap::new();
        for seed in seeds(64) {
            for (dimension, tally) in lived(Scenario::named(name).unwrap(), seed).await {
                let sum = sums.entry(dimension).or_default();
                sum.claimed += tally.claimed;
                sum.inside += tally.inside;
                sum.farthest = sum.farthest.max(tally.farthest);
                if tally.share() < INSIDE {
                    eprintln!("{name}, seed {seed}, {dimension:?}: only {tally:?}");
                }
            }
        }
        for (dimension, sum) in &sums {
            let percent = sum.share() * 100.0;
            eprintln!(
                "{name} {dimension:?}: {percent:.1} % of {} inside, at most {:.1} % of the limit outside",
                sum.claimed,
                sum.farthest * 100.0
            );
            if name == "bare" {
                assert_eq!(sum.claimed, 0, "{dimension:?}: no header, no level");
            } else {
                assert!(sum.share() >= INSIDE, "{name} {dimension:?}: {sum:?}");
            }
        }
        agreed += usize::from(sums.values().any(|sum| sum.claimed > 0));
    }
    // All but those in which nobody calls, or nothing is sent that a gauge could show.
    assert!(agreed >= 9, "{agreed} scenarios with levels");
}

/// A hostile server that names something new in every head: followed in part, kept in bounds.
#[test]
fn new_names_in_every_head_do_not_pile_up() {
    let _beside = memory::beside_others();
    let heads = crate::size::sized(200_000, 3_000);
    let mut board = Board::new(None, ratetop::assets::tiers());
    for n in 0..heads {
        let at = ratetop::domain::time::after(dawn(), f64::from(n) / 100.0);
        let headers = [
            ("anthropic-organization-id".to_owned(), format!("org-{n}")),
            ("anthropic-workspace-id".to_owned(), format!("wrkspc_{n}")),
            (
                format!("anthropic-ratelimit-unified-w{n}-status"),
                "allowed".to_owned(),
            ),
            (
                format!("anthropic-ratelimit-unified-w{n}-utilization"),
                "0.5".to_owned(),
            ),
            (format!("anthropic-ratelimit-moon{n}-limit"), "5".to_owned()),
            (
                "anthropic-ratelimit-requests-limit".to_owned(),
                "50".to_owned(),
            ),
            (
                "anthropic-ratelimit-requests-remaining".to_owned(),
                "5".to_owned(),
            ),
        ];
        let lines = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()));
        let reading = ratetop::domain::headers::read(lines, at);
        board.absorb(&Observation {
            at,
            source: ratetop::domain::observation::Source::Tap,
            call: Some(ratetop::domain::id::CallId(u64::from(n))),
            attempt: Some(1),
            client: Some(format!("client-{n}").as_str().into()),
            organization: None,
            workspace: None,
            model: Some(format!("model-{n}").as_str().into()),
            fast: false,
            what: What::Head {
                status: 200,
                reading,
                first_byte_s: 0.0,
            },
        });
    }
    let pools = board.pools().iter().chain(board.foreign());
    assert!(pools.clone().count() <= 2_100);
    for pool in pools {
        assert!(
            pool.gauges.len() <= 64,
            "{}: {} gauges",
            pool.name,
            pool.gauges.len()
        );
        assert!(pool.unknown.len() <= 64 && pool.models.len() <= 64);
    }
    assert!(board.under_way() <= 8_192);
}
