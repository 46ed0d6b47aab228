//! Passing traffic (a tap's) on the board: whose burn it is, and whose board it belongs to.

use super::{ORG, groups, head, level, limits, seen, snapshot, t};
use crate::domain::{
    board::{Board, Pool},
    gauge::GaugeView,
    headers::{Unified, Window},
    id::ModelId,
    limit::{Dimension, Family},
    observation::{Observation, Source, What},
    org::LimitsState,
    outcome::Outcome,
    time::Time,
    usage::{CacheCreation, Usage},
};

fn tapped(seen: Observation) -> Observation {
    Observation {
        source: Source::Tap,
        client: Some("anthropic-python".into()),
        ..seen
    }
}

fn began(at: Time, estimate: u64) -> Observation {
    tapped(seen(
        at,
        What::Began {
            policy: String::new(),
            attempts: None,
            stream: true,
            input_estimate: estimate,
        },
    ))
}

fn ended(at: Time, usage: Usage) -> Observation {
    tapped(seen(
        at,
        What::Finished {
            outcome: Outcome::Complete {
                status: 200,
                stop_reason: None,
            },
            usage: Some(usage),
            duration_s: 1.0,
            verdict: None,
        },
    ))
}

fn standard(organization: &str, at: Time, input: u64, output: u64) -> Observation {
    let levels = vec![
        level("requests_per_minute", 5_000, 4_000),
        level("input_tokens_per_minute_cache_aware", 5_000_000, input),
        level("output_tokens_per_minute", 1_000_000, output),
    ];
    tapped(head(at, organization, levels))
}

fn gauge(pool: &Pool, dimension: Dimension, at: Time) -> GaugeView {
    pool.gauge(dimension, Family::Standard).unwrap().view(at)
}

const USED: Usage = Usage {
    input_tokens: 60_000,
    output_tokens: 900,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    cache_creation: CacheCreation::of(0, false),
};

#[test]
fn tapped_usage_is_own_burn_as_a_test_calls_is() {
    let mut board = Board::default();
    board.absorb(&limits(groups()));
    board.absorb(&standard(ORG, t(0.0), 4_000_000, 500_000));
    board.absorb(&began(t(1.0), 90_000));
    board.absorb(&tapped(seen(t(1.0), What::Sent)));
    board.absorb(&standard(ORG, t(1.2), 3_940_000, 500_000));
    board.absorb(&ended(t(2.0), USED));
    let model = ModelId::from("claude-opus-5-5");
    let pool = board.pool_of(&model).unwrap();
    // Own burn is over the last quarter of a minute.
    let own = |d| gauge(pool, d, t(5.0)).own_burn_per_min.unwrap();
    assert!((own(Dimension::Itpm) - 60_000.0 * 4.0).abs() < 1.0);
    assert!((own(Dimension::Otpm) - 900.0 * 4.0).abs() < 1.0);
    assert!((own(Dimension::Rpm) - 4.0).abs() < 0.01);
}

#[test]
fn what_another_organization_draws_is_charged_on_its_own_board() {
    let mut board = Board::default();
    board.absorb(&limits(groups()));
    board.absorb(&standard(ORG, t(0.0), 4_000_000, 500_000));
    board.absorb(&began(t(1.0), 90_000));
    board.absorb(&tapped(seen(t(1.0), What::Sent)));
    board.absorb(&standard("other-org", t(1.2), 1_900_000, 300_000));
    board.absorb(&ended(t(2.0), USED));
    let home = board.pool_of(&"claude-opus-5-5".into()).unwrap();
    let away = &board.foreign()[0];
    assert_eq!(away.key.organization, Some("other-org".into()));
    for dimension in [Dimension::Rpm, Dimension::Itpm, Dimension::Otpm] {
        let own = |pool| gauge(pool, dimension, t(5.0)).own_burn_per_min;
        assert!(
            own(home).is_none_or(|burn| burn.abs() < 1e-9),
            "{dimension:?}"
        );
        assert!(own(away).is_some_and(|burn| burn > 3.9), "{dimension:?}");
    }
}

#[test]
fn a_subscriptions_traffic_draws_from_its_windows_not_from_a_pool() {
    let mut board = Board::default();
    board.absorb(&limits(groups()));
    board.absorb(&standard(ORG, t(0.0), 4_000_000, 500_000));
    board.absorb(&began(t(1.0), 90_000));
    board.absorb(&tapped(seen(t(1.0), What::Sent)));
    let mut answer = tapped(head(t(1.2), ORG, Vec::new()));
    if let What::Head { reading, .. } = &mut answer.what {
        reading.unified = Some(Unified {
            windows: vec![Window {
                name: "5h".into(),
                status: Some("allowed".into()),
                utilization: Some(0.4),
                reset: Some(t(9_000.0)),
            }],
            ..Unified::default()
        });
    }
    board.absorb(&answer);
    board.absorb(&ended(t(2.0), USED));
    let pool = board.pool_of(&"claude-opus-5-5".into()).unwrap();
    let own = gauge(pool, Dimension::Otpm, t(5.0)).own_burn_per_min;
    assert!(own.is_none_or(|burn| burn.abs() < 1e-9), "{own:?}");
    let windows = board.pools().iter().find(|p| p.name == "Subscription");
    let window = windows.unwrap().gauges[0].view(t(2.0));
    assert_eq!(window.utilization, Some(0.4));
}

#[test]
fn passing_traffic_is_taken_for_the_profiles_own_only_until_its_key_speaks() {
    for by_admin in [false, true] {
        let mut board = Board::default();
        board.absorb(&standard("other-org", t(0.0), 1_900_000, 300_000));
        assert_eq!(board.foreign().len(), 0);
        let told = if by_admin {
            let snapshot = Some(Box::new(snapshot(groups(), ORG)));
            board.absorb(&seen(
                t(1.0),
                What::Limits {
                    state: LimitsState::Ok,
                    error: None,
                    snapshot,
                },
            ))
        } else {
            board.absorb(&head(
                t(1.0),
                ORG,
                vec![level("requests_per_minute", 5_000, 4_999)],
            ))
        };
        assert!(told.is_empty(), "nothing is wrong: {told:?}");
        assert_eq!(board.sources().limits.is_some(), by_admin);
        assert_ne!(board.seen_as(), Some(&"other-org".into()));
        let home = board.pool_of(&"claude-opus-5-5".into()).unwrap();
        let otpm = home.gauge(Dimension::Otpm, Family::Standard);
        assert_eq!(otpm.and_then(|gauge| gauge.view(t(1.0)).reading), None);
        board.absorb(&standard("other-org", t(2.0), 1_900_000, 200_000));
        let away = &board.foreign()[0];
        assert_eq!(away.key.organization, Some("other-org".into()));
        assert_eq!(gauge(away, Dimension::Otpm, t(2.0)).reading, Some(200_000));
    }
}

#[test]
fn a_model_that_ends_soon_is_told_once_however_often_it_is_called() {
    let tiers = toml::from_str(include_str!("../../../../assets/tiers.toml")).unwrap();
    let mut board = Board::new(None, std::sync::Arc::new(tiers));
    let call = |model: &str| Observation {
        model: Some(model.into()),
        ..began(t(0.0), 10)
    };
    let told = board.absorb(&call("claude-sonnet-4-5"));
    assert_eq!(
        told[0].sentence,
        "claude-sonnet-4-5 ends on 30 November 2026, in 6 days; anthropic-python calls it."
    );
    assert!(board.absorb(&call("claude-sonnet-4-5")).is_empty());
    assert!(board.absorb(&call("claude-sonnet-4-5-20250929")).is_empty());
    assert!(board.absorb(&call("claude-opus-5-5")).is_empty());
    assert_eq!(board.absorb(&call("claude-opus-4-1")).len(), 1);
}
