use super::*;
use crate::domain::{usage::Usage, verdict::Cause};
use proptest::prelude::*;

fn at(s: i64) -> Time {
    chrono::DateTime::from_timestamp(1_795_521_840 + s, 0).unwrap()
}

/// Seconds in quarters, so that sums are exact.
fn seconds() -> impl Strategy<Value = f64> {
    (0_u32..4_000).prop_map(|quarters| f64::from(quarters) / 4.0)
}

fn usage() -> impl Strategy<Value = Usage> {
    prop::array::uniform4(0_u64..1_000_000).prop_map(|n| Usage {
        input_tokens: n[0],
        output_tokens: n[1],
        cache_creation_input_tokens: n[2],
        cache_read_input_tokens: n[3],
        ..Usage::default()
    })
}

fn spans() -> impl Strategy<Value = Spans> {
    prop::collection::vec(seconds(), 0..5).prop_map(|all| {
        let mut spans = Spans::default();
        for span in all {
            spans.add(span);
        }
        spans
    })
}

fn tally() -> impl Strategy<Value = Tally> {
    let causes = prop::sample::select(vec![
        Cause::OutputTokensPerMinute,
        Cause::Overloaded,
        Cause::Auth,
    ]);
    (
        prop::collection::vec(0_u64..1_000_000, 9),
        prop::collection::btree_map(causes, 1_u64..1_000, 0..3),
        (usage(), usage()),
        prop::array::uniform4(seconds()),
        prop::collection::btree_map(200_u16..600, 1_u64..1_000, 0..3),
        (spans(), spans()),
    )
        .prop_map(|(n, refused, (usage, lost), s, statuses, spans)| Tally {
            logical: n[0],
            wire: n[1],
            open: n[2],
            whole: n[3],
            refused,
            unreachable: n[4],
            cancelled: n[5],
            broken: n[6],
            usage,
            lost,
            retries: n[7],
            stacked: n[8],
            early: n[8],
            early_s: s[0],
            early_worst_s: s[1],
            asked_s: s[2],
            slept_s: s[3],
            statuses,
            first_byte: spans.0,
            first_token: spans.1,
        })
}

fn drops() -> impl Strategy<Value = Drops> {
    prop::array::uniform9(0_u64..1_000).prop_map(|n| Drops {
        screen: n[0],
        readings: n[1],
        observations: n[2],
        decoders: n[3],
        encodings: n[4],
        lines: n[5],
        names: n[6],
        links: n[7],
        reader: n[8],
    })
}

fn totals() -> impl Strategy<Value = Totals> {
    let rows = || prop::collection::btree_map("[a-d]", tally(), 0..4);
    (
        0_i64..100,
        0_i64..100,
        rows(),
        rows(),
        prop::array::uniform6(0_u64..1_000),
        drops(),
    )
        .prop_map(|(since, length, clients, models, n, drops)| Totals {
            since: at(since),
            until: at(since + length),
            clients: clients
                .into_iter()
                .map(|(name, tally)| ClientRow {
                    client: name.into(),
                    tally,
                })
                .collect(),
            models: models
                .into_iter()
                .map(|(name, tally)| ModelRow {
                    model: name.into(),
                    tally,
                })
                .collect(),
            elsewhere: Elsewhere {
                wire: n[0],
                whole: n[1],
                refused: n[2],
                failed: n[3],
                cancelled: n[4],
                open: n[5],
            },
            drops,
        })
}

fn merged(a: &Totals, b: &Totals) -> Totals {
    let mut both = a.clone();
    both.merge(b);
    both
}

proptest! {
    #[test]
    fn the_order_of_merging_does_not_matter(a in totals(), b in totals(), c in totals()) {
        prop_assert_eq!(merged(&a, &b), merged(&b, &a));
        prop_assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
    }

    #[test]
    fn nothing_adds_nothing(a in totals()) {
        prop_assert_eq!(merged(&a, &Totals::empty(a.since)), a);
    }

    #[test]
    fn the_whole_is_the_sum_of_its_parts(a in totals(), b in totals()) {
        let mut sum = a.all();
        sum.merge(&b.all());
        prop_assert_eq!(merged(&a, &b).all(), sum);
    }

    #[test]
    fn totals_survive_being_written_down(a in totals()) {
        let text = serde_json::to_string(&a).unwrap();
        prop_assert_eq!(serde_json::from_str::<Totals>(&text).unwrap(), a);
    }
}

#[test]
fn amplification_is_unknown_before_the_first_call() {
    let mut tally = Tally::default();
    assert_eq!(tally.amplification(), None);
    tally.logical = 2;
    tally.wire = 5;
    assert_eq!(tally.amplification(), Some(2.5));
}

#[test]
fn a_server_of_many_statuses_fills_no_memory() {
    let mut tally = Tally::default();
    for status in 100..1_000 {
        tally.count_status(status);
        tally.count_status(100);
    }
    assert_eq!(tally.statuses.len(), MOST_STATUSES + 1);
    assert_eq!(tally.statuses[&100], 901);
    assert_eq!(tally.statuses.values().sum::<u64>(), 1_800);
    assert_eq!(tally.statuses[&OTHER_STATUS], 900 - MOST_STATUSES as u64);
}

#[test]
fn every_kind_of_drop_has_words() {
    let drops = Drops {
        screen: 1,
        readings: 2,
        observations: 3,
        decoders: 4,
        encodings: 5,
        lines: 6,
        names: 7,
        links: 8,
        reader: 9,
    };
    let counts: Vec<u64> = drops.kinds().iter().map(|(_, count)| *count).collect();
    assert_eq!(counts, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
}
