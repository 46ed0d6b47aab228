//! How long something took, many times: counted in buckets, so that spans of any taps merge.

use serde::{Deserialize, Serialize};

/// Upper edges of the buckets, seconds; what is above the last goes into one more. From a cached refusal on
/// this machine to the first token of a long prompt.
pub const EDGES_S: [f64; 14] = [
    0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0,
];
const BUCKETS: usize = EDGES_S.len() + 1;

/// Durations in buckets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Spans {
    /// How many were above the edge before and not above this one; the last: above every edge.
    buckets: [u64; BUCKETS],
    /// All of them together, microseconds: whole numbers, so that no order of merging matters.
    sum_us: u64,
}

impl Spans {
    /// Counts one. One that is no number, or negative, counts as none at all lasted: 0 s.
    pub fn add(&mut self, span_s: f64) {
        let span_s = if span_s > 0.0 { span_s } else { 0.0 };
        let at = EDGES_S.partition_point(|edge| *edge < span_s);
        self.buckets[at] += 1;
        self.sum_us = self.sum_us.saturating_add((span_s * 1e6).round() as u64);
    }

    /// Adds another's.
    pub fn merge(&mut self, other: &Self) {
        for (own, other) in self.buckets.iter_mut().zip(other.buckets) {
            *own += other;
        }
        self.sum_us = self.sum_us.saturating_add(other.sum_us);
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// All of them together, seconds.
    pub const fn sum_s(&self) -> f64 {
        self.sum_us as f64 / 1e6
    }

    /// Whether there were none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// For each edge, how many were not above it.
    pub fn up_to(&self) -> impl Iterator<Item = (f64, u64)> + use<> {
        let buckets = self.buckets;
        let mut sum = 0;
        EDGES_S.into_iter().zip(buckets).map(move |(edge, count)| {
            sum += count;
            (edge, sum)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_span_on_an_edge_is_not_above_it() {
        let mut spans = Spans::default();
        for span in [0.01, 0.010_01, 120.0, 120.1, -1.0, f64::NAN] {
            spans.add(span);
        }
        let up_to: Vec<u64> = spans.up_to().map(|(_, count)| count).collect();
        assert_eq!(up_to, [3, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 5]);
        assert_eq!(spans.count(), 6);
        assert!((spans.sum_s() - 240.120_01).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn each_is_counted_up_to_every_edge_that_it_is_not_above(
            all in prop::collection::vec(0.0_f64..200.0, 0..50),
        ) {
            let mut spans = Spans::default();
            for span in &all {
                spans.add(*span);
            }
            for (edge, count) in spans.up_to() {
                let right = all.iter().filter(|span| **span <= edge).count();
                prop_assert_eq!(count, right as u64);
            }
            prop_assert_eq!(spans.count(), all.len() as u64);
        }
    }
}
