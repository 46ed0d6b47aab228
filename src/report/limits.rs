//! `ratetop.limits/1`: configured limits of an organization and of each of its workspaces.

use super::{
    Subject,
    status::{OrganizationOut, Tier},
    table::aligned,
};
use crate::domain::{
    clean::clean,
    id::{GroupId, Limiter, ModelId, WorkspaceId},
    limit::Dimension,
    number::thousands,
    org::{Group, LimitsSnapshot, LimitsState},
    time::Time,
};
use serde::Serialize;

/// The whole object.
#[derive(Clone, Debug, Serialize)]
pub struct Limits {
    schema: &'static str,
    at: Time,
    profile: String,
    base_url: String,
    state: LimitsState,
    error: Option<String>,
    organization: Option<OrganizationOut>,
    tier: Option<Tier>,
    /// Null when they could not be read.
    groups: Option<Vec<GroupOut>>,
    /// Null when they could not be listed.
    workspaces: Option<Vec<WorkspaceOut>>,
    faults: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
struct GroupOut {
    id: GroupId,
    entry: Option<String>,
    kind: String,
    name: String,
    models: Vec<ModelId>,
    limits: Vec<LimitOut>,
}

#[derive(Clone, Debug, Serialize)]
struct LimitOut {
    limiter: Limiter,
    dimension: Dimension,
    value: u64,
}

#[derive(Clone, Debug, Serialize)]
struct WorkspaceOut {
    id: WorkspaceId,
    name: Option<String>,
    /// Null when they were not read; empty when everything is inherited.
    overrides: Option<Vec<OverrideOut>>,
}

#[derive(Clone, Debug, Serialize)]
struct OverrideOut {
    group: GroupId,
    group_name: Option<String>,
    limiter: Limiter,
    dimension: Dimension,
    value: u64,
    org_limit: Option<u64>,
    effective: u64,
}

impl Limits {
    /// What one poll learnt. `only` narrows workspaces to one.
    pub fn of(
        subject: Subject<'_>,
        state: LimitsState,
        error: Option<&str>,
        snapshot: Option<&LimitsSnapshot>,
        tier: Option<&str>,
        only: Option<&WorkspaceId>,
        now: Time,
    ) -> Self {
        Self {
            schema: "ratetop.limits/1",
            at: snapshot.map_or(now, |it| it.at),
            profile: subject.profile.to_owned(),
            base_url: subject.base_url.to_owned(),
            state,
            error: error.map(|text| clean(text, 500)),
            organization: snapshot
                .and_then(|it| it.organization.as_ref())
                .map(OrganizationOut::of),
            tier: tier.map(Tier::guessed),
            groups: snapshot.map(|it| it.groups.iter().map(group_out).collect()),
            workspaces: snapshot.map(|it| workspaces(it, only)),
            faults: snapshot.map_or_else(Vec::new, |it| {
                it.faults.iter().map(|fault| clean(fault, 500)).collect()
            }),
        }
    }

    /// As text for people.
    pub fn text(&self) -> String {
        let mut first = vec![self.profile.clone(), self.base_url.clone()];
        first.extend(self.organization.as_ref().map(OrganizationOut::label));
        first.extend(self.tier.as_ref().map(Tier::label));
        let mut out = first.join(" · ");
        out.push('\n');
        if let Some(error) = &self.error {
            out.push_str(error);
            out.push('\n');
        }
        let groups = self.groups.iter().flatten();
        let rows: Vec<Vec<String>> = groups
            .flat_map(|group| {
                group.limits.iter().enumerate().map(|(at, limit)| {
                    let name = if at == 0 { group.name.as_str() } else { "" };
                    let limiter = clean(limit.limiter.as_str(), 60);
                    vec![name.to_owned(), limiter, thousands(limit.value)]
                })
            })
            .collect();
        if !rows.is_empty() {
            out.push('\n');
            out.push_str(&aligned(&rows, &[2]));
        }
        for workspace in self.workspaces.iter().flatten() {
            let id = clean(workspace.id.as_str(), 100);
            let name = workspace.name.as_deref().unwrap_or("workspace");
            out.push_str(&["\n", name, " (", &id, "):"].concat());
            match workspace.overrides.as_deref() {
                None => out.push_str(" could not be read\n"),
                Some([]) => out.push_str(" inherits everything\n"),
                Some(overrides) => {
                    out.push('\n');
                    let rows: Vec<Vec<String>> = overrides.iter().map(override_row).collect();
                    out.push_str(&aligned(&rows, &[2]));
                }
            }
        }
        for fault in &self.faults {
            out.push_str(&["\n", fault, "\n"].concat());
        }
        out
    }
}

fn override_row(it: &OverrideOut) -> Vec<String> {
    let note = match it.org_limit {
        Some(org) if org < it.value => format!(
            "stored as {}, the organization's is lower",
            thousands(it.value)
        ),
        Some(org) => format!("of {}", thousands(org)),
        None => "the organization has none".to_owned(),
    };
    vec![
        format!(
            "  {}",
            it.group_name.as_deref().unwrap_or(it.group.as_str())
        ),
        clean(it.limiter.as_str(), 60),
        thousands(it.effective),
        note,
    ]
}

fn group_out(group: &Group) -> GroupOut {
    GroupOut {
        id: group.id.clone(),
        entry: group.entry.as_deref().map(|text| clean(text, 100)),
        kind: clean(group.kind.as_str(), 60),
        name: clean(&group.name, 100),
        models: group.models.clone(),
        limits: group
            .limits
            .iter()
            .map(|limit| LimitOut {
                limiter: limit.limiter.clone(),
                dimension: limit.limiter.dimension(),
                value: limit.value,
            })
            .collect(),
    }
}

fn workspaces(snapshot: &LimitsSnapshot, only: Option<&WorkspaceId>) -> Vec<WorkspaceOut> {
    let listed = snapshot.workspaces.iter().map(|it| &it.id);
    let read = snapshot.overrides.iter().map(|(id, _)| id);
    let mut ids: Vec<&WorkspaceId> = Vec::new();
    for id in listed.chain(read) {
        if !ids.contains(&id) && only.is_none_or(|only| only == id) {
            ids.push(id);
        }
    }
    let group_name = |id: &GroupId| {
        let group = snapshot.groups.iter().find(|group| group.id == *id);
        group.map(|group| clean(&group.name, 100))
    };
    ids.into_iter()
        .map(|id| WorkspaceOut {
            id: id.clone(),
            name: snapshot
                .workspaces
                .iter()
                .find(|it| it.id == *id)
                .map(|it| clean(&it.name, 100)),
            overrides: snapshot
                .overrides
                .iter()
                .find(|(read, _)| read == id)
                .map(|(_, list)| {
                    list.iter()
                        .map(|it| OverrideOut {
                            group: it.group.clone(),
                            group_name: group_name(&it.group),
                            limiter: it.limiter.clone(),
                            dimension: it.limiter.dimension(),
                            value: it.value,
                            org_limit: it.org_limit,
                            effective: it.effective(),
                        })
                        .collect()
                }),
        })
        .collect()
}
