//! What a poll of the Admin API changes: limits, pools, overrides, and what is worth telling of it.

use super::{
    super::{
        gauge::Gauge,
        id::{GroupId, Limiter, OrganizationId},
        notice::{Draft, NoticeKind, Weight},
        observation::Source,
        org::{Group, GroupKind, LimitsSnapshot, LimitsState},
        time::Time,
    },
    Board, Pool, PoolKey,
};
use crate::domain::number::thousands;

impl Board {
    pub(super) fn absorb_limits(
        &mut self,
        at: Time,
        state: &LimitsState,
        error: Option<&str>,
        snapshot: Option<&LimitsSnapshot>,
    ) -> Vec<Draft> {
        let before = self.sources.limits.clone();
        self.sources.limits = Some(state.clone());
        self.sources.limits_error = error.map(str::to_owned);
        let mut told = Vec::new();
        if let Some(snapshot) = snapshot {
            let admin = snapshot.organization.as_ref().map(|o| &o.id);
            if let Some(admin) = admin {
                self.settle_home(admin);
            }
            if let (Some(admin), Some(own)) = (admin, &self.seen_as)
                && admin != own
            {
                let sentence = other_organization(admin, own);
                self.sources.limits = Some(LimitsState::OtherOrganization);
                self.sources.limits_error = Some(sentence);
            } else {
                self.sources.limits_at = Some(snapshot.at);
                told = self.take_limits(snapshot);
            }
            told.extend(snapshot.faults.iter().map(|fault| Draft {
                at,
                weight: Weight::Warning,
                kind: NoticeKind::Fault,
                sentence: fault.clone(),
                evidence: Vec::new(),
                request: None,
            }));
        }
        if self.sources.limits != Some(LimitsState::Ok) {
            if !self.polled {
                self.assume_table();
            }
            if before != self.sources.limits {
                told.push(Draft {
                    at,
                    weight: if self.sources.limits == Some(LimitsState::Absent) {
                        Weight::Info
                    } else {
                        Weight::Warning
                    },
                    kind: NoticeKind::Note,
                    sentence: self.sources.limits_error.clone().unwrap_or_else(|| {
                        "Limits could not be read; gauges show headers only.".to_owned()
                    }),
                    evidence: Vec::new(),
                    request: None,
                });
            }
        }
        told
    }

    /// Takes a snapshot in. Pools keep their readings; what is no longer listed keeps its pool only
    /// if something was read of it.
    pub(super) fn take_limits(&mut self, snapshot: &LimitsSnapshot) -> Vec<Draft> {
        let mut told = Vec::new();
        if let Some(organization) = &snapshot.organization {
            self.organization = Some(organization.clone());
        }
        if !snapshot.workspaces.is_empty() {
            self.workspaces.clone_from(&snapshot.workspaces);
        }
        let known = self.knows_workspace();
        for (workspace, overrides) in &snapshot.overrides {
            if !self.read_of.contains(workspace) {
                self.read_of.push(workspace.clone());
            }
            self.overrides.retain(|o| o.workspace != *workspace);
            self.overrides.extend(overrides.iter().cloned());
        }
        if snapshot.groups.is_empty() {
            return told;
        }
        let first = !self.polled;
        self.polled = true;
        let mut before = std::mem::take(&mut self.pools);
        self.pools = Vec::with_capacity(snapshot.groups.len());
        for group in &snapshot.groups {
            let pool = self.pool_from(group, &mut before, first, snapshot.at, &mut told);
            self.pools.push(pool);
        }
        for left in before {
            if left.gauges.iter().any(Gauge::has_reading) {
                self.pools.push(left);
            } else if !first && !left.guess {
                told.push(changed(
                    snapshot.at,
                    format!(
                        "{} is no longer among the organization's limits.",
                        left.name
                    ),
                    Weight::Warning,
                ));
            }
        }
        self.pools
            .sort_by_key(|pool| pool.kind != GroupKind::ModelGroup);
        self.tier = self.tiers.infer(&snapshot.groups).map(str::to_owned);
        self.apply_overrides(first || !known, snapshot.at, &mut told);
        self.index();
        told
    }

    fn pool_from(
        &self,
        group: &Group,
        before: &mut Vec<Pool>,
        first: bool,
        at: Time,
        told: &mut Vec<Draft>,
    ) -> Pool {
        // Readings that came before the first poll sit in pools guessed from the table or from a
        // model's own name: they move into the pool that the API names.
        let same = |pool: &Pool| {
            pool.key.group == group.id
                || (pool.guess && pool.models.iter().any(|m| group.models.contains(m)))
        };
        let mut pool = if let Some(known) = before.iter().position(same) {
            let mut pool = before.remove(known);
            pool.kind = group.kind.clone();
            pool.name.clone_from(&group.name);
            pool.models.clone_from(&group.models);
            if pool.guess {
                for gauge in &mut pool.gauges {
                    gauge.set_limit(None, Source::Table);
                }
            }
            pool.guess = group.guess;
            pool
        } else {
            if !first {
                let sentence = format!("{} is new among the organization's limits.", group.name);
                told.push(changed(at, sentence, Weight::Info));
            }
            Pool::from_group(group, self.key_of(&group.id))
        };
        pool.key = self.key_of(&group.id);
        let by = if group.guess {
            Source::Table
        } else {
            Source::Admin
        };
        for gauge in &mut pool.gauges {
            if !group
                .limits
                .iter()
                .any(|limit| limit.limiter == gauge.limiter)
                && let Some(old) = gauge.set_limit(None, by)
                && !first
            {
                told.push(limit_changed(
                    at,
                    &group.name,
                    &gauge.limiter,
                    Some(old),
                    None,
                ));
            }
        }
        for limit in &group.limits {
            let (dimension, family) = (limit.limiter.dimension(), limit.limiter.family());
            let gauge = pool.gauge_mut(&limit.limiter, dimension, family);
            let old = gauge.set_limit(Some(limit.value), by);
            if !first && old != Some(limit.value) {
                told.push(limit_changed(
                    at,
                    &group.name,
                    &limit.limiter,
                    old,
                    Some(limit.value),
                ));
            }
        }
        pool
    }

    /// Lowers the gauges of the profile's workspace. Absent means inherited.
    pub(super) fn apply_overrides(&mut self, first: bool, at: Time, told: &mut Vec<Draft>) {
        let Some(home) = self.workspace().cloned() else {
            return;
        };
        for pool in &mut self.pools {
            for gauge in &mut pool.gauges {
                let own = self
                    .overrides
                    .iter()
                    .find(|o| {
                        o.workspace == home
                            && o.group == pool.key.group
                            && o.limiter == gauge.limiter
                    })
                    .map(|o| o.value);
                let old = gauge.set_workspace_limit(own);
                if !first && old != own {
                    let mut draft = limit_changed(at, &pool.name, &gauge.limiter, old, own);
                    draft.sentence = format!("Workspace override: {}", draft.sentence);
                    told.push(draft);
                }
            }
            // An override of a limiter that the organization does not have is a gauge all the same.
            for o in &self.overrides {
                let missing = o.workspace == home
                    && o.group == pool.key.group
                    && !pool.gauges.iter().any(|g| g.limiter == o.limiter);
                if missing {
                    pool.gauge_mut(&o.limiter, o.limiter.dimension(), o.limiter.family())
                        .set_workspace_limit(Some(o.value));
                }
            }
        }
    }

    pub(super) fn key_of(&self, group: &GroupId) -> PoolKey {
        PoolKey {
            organization: self
                .organization
                .as_ref()
                .map(|o| o.id.clone())
                .or(self.seen_as.clone()),
            workspace: self.workspace.clone(),
            group: group.clone(),
        }
    }
}

fn changed(at: Time, sentence: String, weight: Weight) -> Draft {
    let kind = NoticeKind::LimitChanged;
    Draft {
        at,
        weight,
        kind,
        sentence,
        evidence: Vec::new(),
        request: None,
    }
}

fn limit_changed(
    at: Time,
    pool: &str,
    limiter: &Limiter,
    before: Option<u64>,
    now: Option<u64>,
) -> Draft {
    let words = limiter.known().map_or_else(
        || limiter.as_str().to_owned(),
        |known| known.dimension.words().to_owned(),
    );
    let say = |value: Option<u64>| value.map_or("no limit".to_owned(), thousands);
    let lower = before.zip(now).is_some_and(|(before, now)| now < before);
    let mut draft = changed(
        at,
        format!("{pool}: {words} went from {} to {}.", say(before), say(now)),
        if lower { Weight::Warning } else { Weight::Info },
    );
    draft.evidence = vec![
        format!("limiter {limiter}"),
        format!("before {}", say(before)),
        format!("now {}", say(now)),
    ];
    draft
}

pub(super) fn other_organization(admin: &OrganizationId, own: &OrganizationId) -> String {
    format!(
        "The Admin key belongs to organization {admin}, the API key to {own}: gauges show headers \
         only until both belong together."
    )
}
