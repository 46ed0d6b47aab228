//! `ratetop.status/1`: the board at one moment.

use super::{Subject, rounded};
use crate::domain::{
    board::{Board, Pool},
    clean::clean,
    gauge::{Gauge, GaugeState},
    id::{GroupId, Limiter, ModelId, RequestId},
    limit::{Dimension, Family},
    notice::{Notice, NoticeKind, Weight},
    observation::Source,
    org::{GroupKind, LimitsState, Organization},
    time::Time,
    verdict::Verdict,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// The whole object.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    schema: &'static str,
    at: Time,
    profile: String,
    base_url: String,
    organization: Option<OrganizationOut>,
    tier: Option<Tier>,
    sources: Sources,
    /// Pools of models, and the subscription.
    pub pools: Vec<PoolOut>,
    /// Batches, token counting, files, …
    pub other_groups: Vec<PoolOut>,
    unknown_headers: BTreeMap<String, String>,
    refusals: Vec<Verdict>,
    events: Vec<EventOut>,
}

/// Whose board it is.
#[derive(Clone, Debug, Serialize)]
pub struct OrganizationOut {
    id: String,
    name: String,
}

impl OrganizationOut {
    pub(super) fn of(organization: &Organization) -> Self {
        Self {
            id: clean(organization.id.as_str(), 100),
            name: clean(&organization.name, 200),
        }
    }

    pub(super) fn label(&self) -> String {
        self.name.clone()
    }
}

/// A tier's name is never stated by the API.
#[derive(Clone, Debug, Serialize)]
pub struct Tier {
    name: String,
    certainty: &'static str,
}

impl Tier {
    pub(super) fn guessed(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            certainty: "inferred",
        }
    }

    pub(super) fn label(&self) -> String {
        ["looks like ", &self.name].concat()
    }
}

#[derive(Clone, Debug, Serialize)]
struct Sources {
    limits: LimitsSource,
    headers: HeadersSource,
}

#[derive(Clone, Debug, Serialize)]
struct LimitsSource {
    state: LimitsState,
    at: Option<Time>,
    error: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
struct HeadersSource {
    state: &'static str,
    at: Option<Time>,
}

/// One pool.
#[derive(Clone, Debug, Serialize)]
pub struct PoolOut {
    id: GroupId,
    kind: String,
    /// For people.
    pub name: String,
    models: Vec<ModelId>,
    guess: bool,
    /// Every limiter.
    pub gauges: Vec<GaugeOut>,
}

/// One limiter of one pool.
#[derive(Clone, Debug, Serialize)]
pub struct GaugeOut {
    limiter: Limiter,
    dimension: Dimension,
    family: Family,
    scope: &'static str,
    limit: Option<u64>,
    workspace_limit: Option<u64>,
    effective_limit: Option<u64>,
    remaining: Option<u64>,
    remaining_low: Option<u64>,
    remaining_high: Option<u64>,
    /// 0 to 100.
    pub percent_left: Option<f64>,
    window: Option<String>,
    utilization: Option<f64>,
    status: Option<String>,
    state: GaugeState,
    source: Option<Source>,
    age_s: Option<f64>,
    full_at: Option<Time>,
    burn_per_min: Option<f64>,
    own_burn_per_min: Option<f64>,
    others_burn_per_min: Option<f64>,
    empty_in_s: Option<f64>,
}

#[derive(Clone, Debug, Serialize)]
struct EventOut {
    seq: u64,
    at: Time,
    weight: Weight,
    kind: NoticeKind,
    sentence: String,
    request_id: Option<RequestId>,
}

impl Status {
    /// The board at `now`, with refusals and events that came on the way.
    pub fn of<'n>(
        subject: Subject<'_>,
        board: &Board,
        refusals: &[Verdict],
        events: impl IntoIterator<Item = &'n Notice>,
        now: Time,
    ) -> Self {
        let sources = board.sources();
        let (pools, other_groups) = board
            .pools()
            .iter()
            .partition::<Vec<&Pool>, _>(|pool| is_of_models(pool));
        let list = |pools: Vec<&Pool>| pools.into_iter().map(|pool| pool_out(pool, now)).collect();
        let mut unknown_headers = BTreeMap::new();
        for pool in board.pools() {
            for (name, value) in &pool.unknown {
                unknown_headers.insert(clean(name, 200), clean(value, 200));
            }
        }
        Self {
            schema: "ratetop.status/1",
            at: now,
            profile: subject.profile.to_owned(),
            base_url: subject.base_url.to_owned(),
            organization: board.organization().map(OrganizationOut::of),
            tier: board.tier().map(Tier::guessed),
            sources: Sources {
                limits: LimitsSource {
                    state: sources.limits.clone().unwrap_or(LimitsState::Absent),
                    at: sources.limits_at,
                    error: sources.limits_error.clone(),
                },
                headers: HeadersSource {
                    state: sources.headers_at.map_or("none", |_| "ok"),
                    at: sources.headers_at,
                },
            },
            pools: list(pools),
            other_groups: list(other_groups),
            unknown_headers,
            refusals: refusals.to_vec(),
            events: events.into_iter().map(event_out).collect(),
        }
    }
}

/// Whether a pool stands in `pools` and not in `other_groups`.
pub(super) fn is_of_models(pool: &Pool) -> bool {
    pool.kind == GroupKind::ModelGroup || pool.kind.as_str() == "subscription"
}

fn pool_out(pool: &Pool, now: Time) -> PoolOut {
    PoolOut {
        id: pool.key.group.clone(),
        kind: clean(pool.kind.as_str(), 60),
        name: clean(&pool.name, 100),
        models: pool.models.clone(),
        guess: pool.guess,
        gauges: pool
            .gauges
            .iter()
            .map(|gauge| gauge_out(gauge, now))
            .collect(),
    }
}

fn gauge_out(gauge: &Gauge, now: Time) -> GaugeOut {
    let view = gauge.view(now);
    // What headers say is in force below the organization's limit is a workspace's, read or not.
    let lower = |own: u64| view.limit.is_none_or(|limit| own < limit);
    let in_force = view.effective_limit.filter(|_| view.limit.is_some());
    let by_workspace = view.workspace_limit.is_some_and(lower) || in_force.is_some_and(lower);
    let is_window = view.dimension == Dimension::Window;
    let tenths = |value: Option<f64>| value.and_then(|value| rounded(value, 1));
    GaugeOut {
        limiter: gauge.limiter.clone(),
        dimension: view.dimension,
        family: view.family,
        scope: if by_workspace {
            "workspace"
        } else {
            "organization"
        },
        limit: view.limit,
        workspace_limit: view.workspace_limit,
        effective_limit: view.effective_limit,
        remaining: view.remaining,
        remaining_low: view.remaining_low,
        remaining_high: view.remaining_high,
        percent_left: tenths(view.percent_left()),
        window: is_window.then(|| clean(gauge.limiter.as_str(), 40)),
        utilization: view.utilization.and_then(|used| rounded(used, 4)),
        status: gauge.status().map(|word| clean(word, 40)),
        state: view.state,
        source: view.source,
        age_s: tenths(view.age_s),
        full_at: view.full_at,
        burn_per_min: tenths(view.burn_per_min),
        own_burn_per_min: tenths(view.own_burn_per_min),
        others_burn_per_min: tenths(view.others_burn_per_min),
        empty_in_s: tenths(view.empty_in_s),
    }
}

fn event_out(notice: &Notice) -> EventOut {
    EventOut {
        seq: notice.seq,
        at: notice.at,
        weight: notice.weight,
        kind: notice.kind,
        sentence: clean(&notice.sentence, 500),
        request_id: notice.request.clone(),
    }
}
