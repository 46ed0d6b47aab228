//! What is left of every limit, as gauges. What is not known, or known from too long ago, is absent.

use super::text::{Kind, Labels, Text};
use crate::domain::{
    board::{Board, Pool},
    gauge::{Gauge, GaugeState, GaugeView},
    id::{OrganizationId, WorkspaceId},
    time::Time,
};
use std::{collections::HashSet, fmt::Display};

/// Gauges that are told; organizations with more workspaces than that are rare.
const MOST: usize = 1_000;

/// Writes all of it.
pub(super) fn write(text: &mut Text, board: &Board, now: Time) {
    let mut known = HashSet::new();
    let home = board.organization().map(|organization| &organization.id);
    let home = home.or(board.seen_as());
    let own = board.pools().iter().map(|pool| (pool, home));
    let gauges: Vec<(Labels, GaugeView)> = own
        .chain(board.foreign().iter().map(|pool| (pool, None)))
        .flat_map(|(pool, home)| pool.gauges.iter().map(move |gauge| (pool, home, gauge)))
        .map(|(pool, home, gauge)| (labels(pool, home, gauge), gauge.view(now)))
        // Names that are the same once they are cut would be one series twice.
        .filter(|(labels, _)| known.insert(labels.clone()))
        .take(MOST)
        .collect();
    let mut each = |name, help, value: &dyn Fn(&GaugeView) -> Option<Number>| {
        let mut family = text.family(name, Kind::Gauge, help);
        for (labels, view) in &gauges {
            family.may_be(labels, value(view));
        }
    };
    each(
        "ratetop_limit",
        "What is enforced: requests or tokens a minute, or what the limiter's name says.",
        &|view| view.effective_limit.map(Number::Whole),
    );
    each(
        "ratetop_remaining",
        "What is left by the last response header and what the bucket must have done since; absent when \
         that was too long ago.",
        &|view| view.remaining.map(Number::Whole),
    );
    each(
        "ratetop_remaining_low",
        "The lower edge of what may be left.",
        &|view| view.remaining_low.map(Number::Whole),
    );
    each(
        "ratetop_remaining_high",
        "The upper edge of what may be left.",
        &|view| view.remaining_high.map(Number::Whole),
    );
    each(
        "ratetop_left_ratio",
        "The share that is left, 0 to 1; of a subscription's windows too.",
        &|view| {
            let fresh = matches!(view.state, GaugeState::Live | GaugeState::Projected);
            let left = view.percent_left().filter(|_| fresh)?;
            Some(Number::Real((left * 100.0).round() / 1e4))
        },
    );
    each(
        "ratetop_header_age_seconds",
        "Since the last response header that spoke of it.",
        &|view| real(view.age_s),
    );
    each(
        "ratetop_burn_per_minute",
        "What everybody draws from it in a minute, as far as it can be told.",
        &|view| real(view.burn_per_min),
    );
    each(
        "ratetop_own_burn_per_minute",
        "What passes this tap draws from it in a minute.",
        &|view| real(view.own_burn_per_min),
    );
    each(
        "ratetop_empty_in_seconds",
        "Until it is empty at this burn; absent while it does not empty.",
        &|view| real(view.empty_in_s),
    );
    let read = board.sources().limits_at;
    let help = "When configured limits were last read, seconds of the Unix epoch.";
    text.family("ratetop_limits_read_time_seconds", Kind::Gauge, help)
        .may_be(&Labels::default(), read.map(|read| read.timestamp()));
}

/// `home` is whose the board is, for pools that do not say it themselves.
fn labels(pool: &Pool, home: Option<&OrganizationId>, gauge: &Gauge) -> Labels {
    let key = &pool.key;
    let organization = key.organization.as_ref().or(home);
    let workspace = key.workspace.as_ref();
    Labels::default()
        .with(
            "organization",
            organization.map_or("", OrganizationId::as_str),
        )
        .with("workspace", workspace.map_or("", WorkspaceId::as_str))
        .with("pool_id", key.group.as_str())
        .with("pool", &pool.name)
        .with("limiter", gauge.limiter.as_str())
        .with("family", gauge.family.label())
}

fn real(value: Option<f64>) -> Option<Number> {
    value.filter(|value| value.is_finite()).map(Number::Real)
}

enum Number {
    Whole(u64),
    /// Four decimals at most.
    Real(f64),
}

impl Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Whole(whole) => whole.fmt(f),
            Self::Real(real) => ((real * 1e4).round() / 1e4).fmt(f),
        }
    }
}
