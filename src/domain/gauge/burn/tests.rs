use super::*;

fn t(s: f64) -> Time {
    after("2026-11-24T12:00:00Z".parse().unwrap(), s)
}

#[test]
fn own_usage_is_counted_between_two_instants() {
    let mut own = OwnUsage::default();
    for i in 0..10 {
        own.add(t(f64::from(i)), 100.0);
    }
    assert!(
        (own.between(t(2.0), t(5.0)) - 300.0).abs() < 1e-9,
        "(2, 5] holds 3, 4 and 5"
    );
    assert_eq!(own.events_after(t(7.5)).count(), 2);
    assert!((own.events_after(t(7.5)).map(|(_, n)| n).sum::<f64>() - 200.0).abs() < 1e-9);
}

#[test]
fn a_steady_neighbour_is_found_and_own_usage_is_not_taken_for_it() {
    let bucket = Bucket {
        limit: 1e6,
        refill: 1e6 / 60.0,
        rounding: 500.0,
    };
    let (mut own, mut others) = (OwnUsage::default(), OthersBurn::default());
    let (mut level, theirs, mine) = (9e5_f64, 25_000.0, 4_000.0);
    for i in 0..40 {
        let now = t(f64::from(i));
        others.add(now, (level / 1000.0).round() * 1000.0, bucket, &own);
        own.add(after(now, 0.1), mine);
        level += bucket.refill - theirs - mine;
    }
    let found = others.current().unwrap();
    assert!((found - theirs).abs() < 0.02 * theirs, "{found}");
    assert!(others.highest(t(40.0)).unwrap() >= theirs * 0.95);
}

#[test]
fn a_full_bucket_tells_nothing_but_an_upper_bound() {
    let bucket = Bucket {
        limit: 5_000.0,
        refill: 5_000.0 / 60.0,
        rounding: 0.0,
    };
    let (own, mut others) = (OwnUsage::default(), OthersBurn::default());
    for i in 0..20 {
        others.add(t(f64::from(i)), 5_000.0, bucket, &own);
    }
    assert_eq!(others.current(), None);
    assert!((others.highest(t(20.0)).unwrap() - bucket.refill).abs() < 1e-6);
}

#[test]
fn what_is_below_the_rounding_is_unresolved() {
    let bucket = Bucket {
        limit: 1e4,
        refill: 1e4 / 60.0,
        rounding: 500.0,
    };
    let (own, mut others) = (OwnUsage::default(), OthersBurn::default());
    others.add(t(0.0), 4_000.0, bucket, &own);
    others.add(t(6.0), 5_000.0, bucket, &own);
    assert_eq!(
        others.current(),
        None,
        "1,000 of refill and 1,000 of rise cancel out"
    );
}
