//! Which gauges of a pool stand in the three columns.

use crate::domain::{
    board::Pool,
    gauge::Gauge,
    limit::{Dimension, Family},
    org::GroupKind,
    time::Time,
};

/// The mark of an input gauge that counts cache reads too, in the column of those that do not.
pub(super) const COUNTS_READS: &str = "*";

/// Whether the mark stands on a pool's line.
pub(in crate::ui::headroom) fn is_marked(pool: &Pool, now: Time) -> bool {
    let [_, input, _] = columns_of(pool, now);
    input.is_some_and(|gauge| gauge.dimension == Dimension::ItpmAll)
}

fn of(pool: &Pool, dimension: Dimension) -> Option<&Gauge> {
    pool.gauges
        .iter()
        .find(|gauge| gauge.dimension == dimension && gauge.family == Family::Standard)
}

/// The gauges of the three columns. For model groups RPM, ITPM and OTPM; of two input limiters the
/// tighter. Other pools fill the columns from the left.
pub(super) fn columns_of(pool: &Pool, now: Time) -> [Option<&Gauge>; 3] {
    if pool.kind != GroupKind::ModelGroup {
        let mut gauges = pool.gauges.iter();
        return [gauges.next(), gauges.next(), gauges.next()];
    }
    let input = match (of(pool, Dimension::Itpm), of(pool, Dimension::ItpmAll)) {
        (Some(plain), Some(all)) => {
            let left = |gauge: &Gauge| gauge.view(now).percent_left();
            let tighter = left(all).is_some_and(|all| left(plain).is_none_or(|plain| all < plain));
            Some(if tighter { all } else { plain })
        }
        (plain, all) => plain.or(all),
    };
    let combined = || {
        pool.gauges
            .iter()
            .find(|gauge| gauge.dimension == Dimension::Combined)
    };
    [
        of(pool, Dimension::Rpm),
        input.or_else(combined),
        of(pool, Dimension::Otpm),
    ]
}
