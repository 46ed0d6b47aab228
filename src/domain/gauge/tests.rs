use super::*;
use crate::domain::number::percent;
use proptest::prelude::*;

fn t(s: f64) -> Time {
    after("2026-11-24T12:00:00Z".parse().unwrap(), s)
}

fn otpm() -> Gauge {
    Gauge::new(
        "output_tokens_per_minute".into(),
        Dimension::Otpm,
        Family::Standard,
    )
}

fn level(limit: u64, remaining: u64) -> Level {
    Level {
        limiter: "output_tokens_per_minute".into(),
        dimension: Dimension::Otpm,
        family: Family::Standard,
        limit,
        remaining,
        full_in_s: None,
    }
}

fn at(s: f64) -> Taken {
    Taken {
        at: t(s),
        first_byte_s: 0.0,
        source: Source::Call,
    }
}

#[test]
fn states_follow_what_is_known() {
    let mut gauge = otpm();
    assert_eq!(gauge.view(t(0.0)).state, GaugeState::NoData);
    gauge.set_limit(Some(1_000_000), Source::Admin);
    assert_eq!(gauge.view(t(0.0)).state, GaugeState::LimitOnly);
    assert_eq!(
        gauge.view(t(0.0)).remaining,
        None,
        "a limit says nothing about what is left"
    );
    gauge.fold(&level(1_000_000, 206_000), at(0.0));
    assert_eq!(gauge.view(t(3.0)).state, GaugeState::Live);
    assert_eq!(gauge.view(t(30.0)).state, GaugeState::Projected);
    let stale = gauge.view(t(61.0));
    assert_eq!(
        (stale.state, stale.remaining, stale.reading),
        (GaugeState::Stale, None, Some(206_000))
    );
}

#[test]
fn a_projection_refills_continuously_and_never_past_the_limit() {
    let mut gauge = otpm();
    gauge.fold(&level(60_000, 0), at(0.0));
    assert_eq!(gauge.view(t(0.0)).fill, Fill::Empty);
    let half = gauge.view(t(30.0));
    assert_eq!(
        half.remaining,
        Some(30_000),
        "half is back after half a minute: no window boundary"
    );
    assert_eq!(
        half.remaining_high,
        Some(30_500),
        "reading + rounding + refill"
    );
    assert_eq!(gauge.view(t(59.9)).remaining_high, Some(60_000));
}

#[test]
fn without_a_sight_of_others_the_band_widens_until_unknown() {
    let mut gauge = otpm();
    gauge.fold(&level(1_000_000, 1_000_000), at(0.0));
    let width = |s: f64| {
        let view = gauge.view(t(s));
        view.remaining_high
            .zip(view.remaining_low)
            .map(|(high, low)| high - low)
    };
    assert!(width(1.0) < width(10.0) && width(10.0) < width(40.0));
    assert!(width(59.0).unwrap() > 950_000);
    assert_eq!(width(61.0), None);
}

#[test]
fn a_slow_response_does_not_undo_a_fast_one() {
    let mut gauge = otpm();
    let fast = Taken {
        at: t(10.0),
        first_byte_s: 0.5,
        source: Source::Call,
    };
    let slow = Taken {
        at: t(11.0),
        first_byte_s: 9.0,
        source: Source::Call,
    };
    gauge.fold(&level(1_000_000, 300_000), fast);
    assert_eq!(
        gauge.fold(&level(1_000_000, 900_000), slow),
        Folded::Ignored
    );
    assert_eq!(gauge.view(t(11.0)).reading, Some(300_000));
}

#[test]
fn of_two_readings_taken_together_the_lower_counts() {
    let mut gauge = otpm();
    gauge.fold(&level(1_000_000, 500_000), at(10.0));
    assert_eq!(
        gauge.fold(&level(1_000_000, 510_000), at(10.0)),
        Folded::Ignored
    );
    assert_eq!(
        gauge.fold(&level(1_000_000, 490_000), at(9.5)),
        Folded::Taken
    );
    assert_eq!(gauge.view(t(10.5)).reading, Some(490_000));
}

#[test]
fn another_limit_is_another_bucket() {
    let mut gauge = otpm();
    gauge.fold(&level(60_000, 10_000), at(0.0));
    assert_eq!(
        gauge.fold(&level(8_000, 8_000), at(1.0)),
        Folded::LimitChanged { before: 60_000 }
    );
    assert_eq!(gauge.view(t(1.0)).effective_limit, Some(8_000));
}

#[test]
fn own_streams_may_put_it_into_debt_which_shows_as_zero() {
    let mut gauge = otpm();
    gauge.fold(&level(60_000, 1_000), at(0.0));
    gauge.draw(t(0.5), 10_000.0);
    let view = gauge.view(t(0.5));
    assert_eq!((view.fill, view.remaining), (Fill::Debt, Some(0)));
    assert_eq!(
        gauge.view(t(20.0)).fill,
        Fill::Tight,
        "it comes back by refill"
    );
}

#[test]
fn a_reset_later_than_a_whole_refill_is_a_debt() {
    let mut gauge = otpm();
    let deep = Level {
        full_in_s: Some(75.0),
        ..level(60_000, 0)
    };
    gauge.fold(&deep, at(0.0));
    assert_eq!(gauge.view(t(1.0)).fill, Fill::Debt);
    assert_ne!(gauge.view(t(20.0)).fill, Fill::Debt);
}

#[test]
fn time_to_empty_is_named_with_its_range_only_when_it_empties() {
    let mut gauge = otpm();
    let mut left = 1_000_000.0;
    for s in 0..30 {
        gauge.fold(
            &level(1_000_000, left as u64 / 1000 * 1000),
            at(f64::from(s)),
        );
        left += 1_000_000.0 / 60.0 - 30_000.0;
    }
    let view = gauge.view(t(29.0));
    let others = view.others_burn_per_min.unwrap();
    assert!(
        (others - 1_800_000.0).abs() < 0.03 * 1_800_000.0,
        "{others}"
    );
    let empty = view.empty_in_s.unwrap();
    let (soon, late) = view.empty_in_range_s.unwrap();
    assert!(
        soon <= empty && empty <= late && empty > 30.0 && empty < 60.0,
        "{soon} {empty} {late}"
    );
}

#[test]
fn less_than_half_a_request_of_a_small_bucket_is_empty() {
    let mut gauge = Gauge::new(
        "requests_per_minute".into(),
        Dimension::Rpm,
        Family::Standard,
    );
    let five = Level {
        limiter: "requests_per_minute".into(),
        dimension: Dimension::Rpm,
        ..level(5, 0)
    };
    gauge.fold(&five, at(0.0));
    // A request refills in twelve seconds.
    let later = |s: f64| {
        let view = gauge.view(t(s));
        (view.remaining, view.fill)
    };
    assert_eq!(later(3.0), (Some(0), Fill::Empty));
    assert_eq!(later(12.0), (Some(1), Fill::Tight));
}

#[test]
fn a_window_above_one_is_shown_as_nothing_left() {
    let mut gauge = Gauge::new("5h".into(), Dimension::Window, Family::Unified);
    let window = Window {
        name: "5h".into(),
        status: Some("rejected".into()),
        utilization: Some(1.02),
        reset: None,
    };
    gauge.fold_window(&window, at(0.0));
    let view = gauge.view(t(1.0));
    assert_eq!((view.percent_left(), view.fill), (Some(0.0), Fill::Empty));
    assert_eq!(view.utilization, Some(1.02));
    assert_eq!(gauge.status(), Some("rejected"));
}

proptest! {
    #[test]
    fn the_band_holds_its_middle_and_stays_within_the_limit(
        limit in 1_u64..5_000_000,
        steps in prop::collection::vec((0.0_f64..20.0, 0.0_f64..1.2, 0.0_f64..50_000.0), 1..40),
    ) {
        let mut gauge = otpm();
        let mut now = 0.0;
        for (wait, share, drawn) in steps {
            now += wait;
            gauge.fold(&level(limit, (limit as f64 * share) as u64), at(now));
            gauge.draw(t(now + 0.1), drawn);
            let view = gauge.view(t(now + wait));
            if let (Some(low), Some(mid), Some(high)) =
                (view.remaining_low, view.remaining, view.remaining_high)
            {
                prop_assert!(low <= mid + 1 && mid <= high + 1 && high <= limit);
            }
        }
    }

    /// Whatever reads 0 is called empty or in debt, and whatever is called so reads 0.
    #[test]
    fn what_is_shown_as_nothing_is_called_empty(
        limit in 1_u64..5_000_000,
        requests in any::<bool>(),
        steps in prop::collection::vec((0.0_f64..15.0, 0.0_f64..0.02, 0.0_f64..2.0), 1..20),
    ) {
        let (dimension, limiter) = if requests {
            (Dimension::Rpm, "requests_per_minute")
        } else {
            (Dimension::Otpm, "output_tokens_per_minute")
        };
        let mut gauge = Gauge::new(limiter.into(), dimension, Family::Standard);
        let mut now = 0.0;
        for (wait, share, drawn) in steps {
            now += wait;
            let left = (limit as f64 * share) as u64;
            let level = Level { limiter: limiter.into(), dimension, ..level(limit, left) };
            gauge.fold(&level, at(now));
            gauge.draw(t(now + 0.1), drawn * limit as f64 * 0.01);
            let view = gauge.view(t(now + wait / 2.0));
            let Some(left) = view.percent_left() else { continue };
            let called = matches!(view.fill, Fill::Empty | Fill::Debt);
            prop_assert_eq!(called, percent(left) == "0%", "{:?}", view);
            prop_assert!(called || view.remaining != Some(0), "{:?}", view);
        }
    }

    #[test]
    fn a_clock_that_jumps_breaks_nothing(jumps in prop::collection::vec(-1e7_f64..1e7, 1..20)) {
        let mut gauge = otpm();
        for jump in jumps {
            gauge.fold(&level(100_000, 50_000), at(jump));
            gauge.draw(t(-jump), 5.0);
            let view = gauge.view(t(jump / 2.0));
            prop_assert!(view.percent_left().is_none_or(|p| (0.0..=100.0).contains(&p)));
        }
    }
}
