//! What observations make of the board.

mod aside;
mod draws;
mod heads;
mod limits;
mod passing;

use super::*;
use crate::domain::{
    fixtures::{head, level, seen, t},
    gauge::{GaugeState, GaugeView},
    headers::Hint,
    id::CallId,
    limit::{Dimension, Family},
    observation::{CallResult, Source},
    org::{ConfiguredLimit, GroupKind, LimitsSnapshot},
    outcome::{ApiError, Outcome},
    usage::Usage,
};

pub(super) const ORG: &str = "8a5ffd5c-0000-4000-8000-000000000001";

fn group(id: &str, name: &str, models: &[&str], limits: &[(&str, u64)]) -> Group {
    Group {
        id: id.into(),
        entry: None,
        kind: GroupKind::ModelGroup,
        name: name.to_owned(),
        models: models.iter().map(|m| ModelId::from(*m)).collect(),
        limits: limits
            .iter()
            .map(|(limiter, value)| ConfiguredLimit {
                limiter: (*limiter).into(),
                value: *value,
            })
            .collect(),
        guess: false,
    }
}

/// Build tier numbers of the rate-limits page for Opus 5.5, and an older pool.
pub(super) fn groups() -> Vec<Group> {
    vec![
        group(
            "rlg_opus55",
            "Claude Opus 5.5",
            &["claude-opus-5-5"],
            &[
                ("requests_per_minute", 5_000),
                ("input_tokens_per_minute_cache_aware", 5_000_000),
                ("output_tokens_per_minute", 1_000_000),
            ],
        ),
        group(
            "rlg_opus4",
            "Claude Opus 4.x",
            &["claude-opus-4-8", "claude-opus-4-7"],
            &[("requests_per_minute", 5_000)],
        ),
    ]
}

pub(super) fn snapshot(groups: Vec<Group>, organization: &str) -> LimitsSnapshot {
    LimitsSnapshot {
        at: t(0.0),
        organization: Some(Organization {
            id: organization.into(),
            name: "Acme Corp".to_owned(),
        }),
        groups,
        workspaces: Vec::new(),
        overrides: Vec::new(),
        faults: Vec::new(),
    }
}

pub(super) fn limits(groups: Vec<Group>) -> Observation {
    let snapshot = Some(Box::new(snapshot(groups, ORG)));
    seen(
        t(0.0),
        What::Limits {
            state: LimitsState::Ok,
            error: None,
            snapshot,
        },
    )
}

fn view(board: &Board, model: &str, dimension: Dimension, at: Time) -> GaugeView {
    let pool = board.pool_of(&model.into()).unwrap();
    pool.gauge(dimension, Family::Standard).unwrap().view(at)
}
