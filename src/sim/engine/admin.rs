//! The Admin API: organization, rate limits, workspaces and theirs.

use super::models::{number, page, values};
use crate::{
    domain::limit::{Family, KNOWN},
    sim::{
        scenario::{AdminShape, PoolSpec, Scenario, WorkspaceSpec},
        speak::{
            ask::{Query, Version},
            limits::Change,
            refusal::Refusal,
        },
    },
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const GROUP_TYPES: &[&str] = &[
    "model_group",
    "batch",
    "token_count",
    "files",
    "skills",
    "web_search",
];
const CREATED_AT: &str = "2026-02-03T09:30:00Z";

/// `GET /v1/organizations/me`
pub fn me(world: &Scenario) -> Value {
    json!({ "id": world.organization.id, "type": "organization", "name": world.organization.name })
}

/// The organization's own id of an entry.
fn entry_id(pool: &PoolSpec) -> String {
    format!("rl_{}", pool.id.trim_start_matches("rlg_"))
}

fn shape(world: &Scenario, version: Version) -> AdminShape {
    world.rules.admin_shape.or(version)
}

impl AdminShape {
    fn or(self, version: Version) -> Self {
        match (self, version) {
            (Self::ByVersion, Version::Y2026) => Self::Y2026,
            (shape, _) => shape,
        }
    }
}

/// `group`, `group_type` and `models`, as that shape has them.
fn kind(pool: &PoolSpec, shape: AdminShape, into: &mut Value) {
    if shape != AdminShape::Y2026 {
        into["group_type"] = pool.kind.as_str().into();
    }
    if matches!(shape, AdminShape::Y2026 | AdminShape::ByVersion) {
        let mut group = json!({ "type": pool.kind, "id": pool.id });
        if pool.kind == "model_group" {
            group["display_name"] = format!("Claude {}", pool.name).into();
        }
        into["group"] = group;
    }
    into["models"] = if pool.kind == "model_group" {
        pool.models.as_slice().into()
    } else {
        Value::Null
    };
}

/// In the order of the table of limiters. Those that have a name only here, for families of headers,
/// are not listed by the API.
fn in_order(limits: &BTreeMap<String, u64>) -> Vec<(&str, u64)> {
    KNOWN
        .iter()
        .filter(|known| matches!(known.family, Family::Standard | Family::Fast))
        .filter_map(|known| {
            limits
                .get(known.limiter)
                .map(|value| (known.limiter, *value))
        })
        .collect()
}

fn wanted<'a>(world: &'a Scenario, query: &Query) -> Result<Vec<&'a PoolSpec>, Refusal> {
    let group_type = values(query, "group_type").last();
    if let Some(word) = group_type
        && !GROUP_TYPES.contains(&word)
    {
        return Err(Refusal::invalid(format!(
            "group_type: Input should be one of {}",
            GROUP_TYPES.join(", ")
        )));
    }
    Ok(world
        .pools
        .iter()
        .filter(|pool| group_type.is_none_or(|word| pool.kind == word))
        .collect())
}

/// A page by an opaque cursor, in the envelope of rate limits.
fn paged(items: Vec<Value>, query: &Query) -> Result<Value, Refusal> {
    let from = match values(query, "page").last() {
        None => 0,
        Some(cursor) => cursor
            .strip_prefix("page_")
            .and_then(|text| usize::from_str_radix(text, 16).ok())
            .filter(|from| *from < items.len())
            .ok_or_else(|| Refusal::invalid("page: the cursor is stale or malformed"))?,
    };
    let limit = number(query, "limit", 1, 1000)?.map_or(items.len(), |limit| limit as usize);
    let to = from.saturating_add(limit).min(items.len());
    let next = (to < items.len()).then(|| format!("page_{to:04x}"));
    let data = items.get(from..to).unwrap_or_default();
    Ok(json!({ "data": data, "next_page": next }))
}

/// `GET /v1/organizations/rate_limits`
pub fn rate_limits(world: &Scenario, query: &Query, version: Version) -> Result<Value, Refusal> {
    let mut pools = wanted(world, query)?;
    if let Some(model) = values(query, "model").last() {
        pools.retain(|pool| pool.models.iter().any(|name| name == model));
        if pools.is_empty() {
            return Err(Refusal::not_found(format!("model: {model}")));
        }
    }
    let shape = shape(world, version);
    let entries = pools.into_iter().map(|pool| {
        let mut entry = json!({ "type": "rate_limit" });
        if shape != AdminShape::Guide {
            entry["id"] = entry_id(pool).into();
        }
        kind(pool, shape, &mut entry);
        entry["limits"] = in_order(&pool.limits)
            .into_iter()
            .map(|(limiter, value)| json!({ "type": limiter, "value": value }))
            .collect();
        entry
    });
    paged(entries.collect(), query)
}

fn describe(workspace: &WorkspaceSpec) -> Value {
    json!({
        "type": "workspace",
        "id": workspace.id,
        "name": workspace.name,
        "display_color": "#6C5BB9",
        "created_at": CREATED_AT,
        "archived_at": workspace.archived.then_some("2026-08-01T12:00:00Z"),
        "compartment_id": format!("cmpt_{}", workspace.id.trim_start_matches("wrkspc_")),
        "data_residency": {
            "workspace_geo": "us",
            "allowed_inference_geos": "unrestricted",
            "default_inference_geo": "global",
        },
        "external_key_id": null,
        "tags": {},
    })
}

fn default_workspace() -> WorkspaceSpec {
    WorkspaceSpec {
        name: "Default".into(),
        id: "wrkspc_01SimDefaultxxD1a".into(),
        limits: BTreeMap::new(),
        archived: false,
    }
}

/// `GET /v1/organizations/workspaces`
pub fn workspaces(world: &Scenario, query: &Query) -> Result<Value, Refusal> {
    let yes = |name: &str| values(query, name).last() == Some("true");
    let default = yes("include_default").then(default_workspace);
    let ids: Vec<&str> = values(query, "ids").collect();
    let all = default
        .iter()
        .chain(&world.workspaces)
        .filter(|workspace| yes("include_archived") || !workspace.archived)
        .filter(|workspace| ids.is_empty() || ids.contains(&workspace.id.as_str()))
        .map(describe);
    page(all.collect(), query)
}

/// `GET /v1/organizations/workspaces/{id}`
pub fn workspace(world: &Scenario, id: &str) -> Result<Value, Refusal> {
    find(world, id).map(|workspace| describe(&workspace))
}

fn find(world: &Scenario, id: &str) -> Result<WorkspaceSpec, Refusal> {
    let default = default_workspace();
    world
        .workspaces
        .iter()
        .chain([&default])
        .find(|workspace| workspace.id == id)
        .cloned()
        .ok_or_else(|| Refusal::not_found(format!("workspace: {id}")))
}

/// `GET /v1/organizations/workspaces/{id}/rate_limits`: overrides, and inherited values when asked.
pub fn workspace_rate_limits(
    world: &Scenario,
    id: &str,
    query: &Query,
    version: Version,
) -> Result<Value, Refusal> {
    let workspace = find(world, id)?;
    let inherited = match values(query, "include_inherited").last() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => {
            return Err(Refusal::invalid(
                "include_inherited: Input should be true or false",
            ));
        }
    };
    let shape = shape(world, version);
    let mut entries = Vec::new();
    for pool in wanted(world, query)? {
        let own = workspace.limits.get(&pool.name);
        let mut limits = own.cloned().unwrap_or_default();
        if inherited {
            for (limiter, value) in &pool.limits {
                limits.entry(limiter.clone()).or_insert(*value);
            }
        }
        if limits.is_empty() {
            continue;
        }
        entries.push(workspace_entry(&workspace, pool, &limits, shape));
    }
    paged(entries, query)
}

/// A workspace's entry of one group, with those limits: its own, and inherited ones.
fn workspace_entry(
    workspace: &WorkspaceSpec,
    pool: &PoolSpec,
    limits: &BTreeMap<String, u64>,
    shape: AdminShape,
) -> Value {
    let own = workspace.limits.get(&pool.name);
    let values = in_order(limits).into_iter().map(|(limiter, value)| {
        let mut limit = json!({
            "type": limiter,
            "value": value,
            "org_limit": pool.limits.get(limiter),
        });
        if matches!(shape, AdminShape::Y2026 | AdminShape::ByVersion) {
            let overridden = own.is_some_and(|own| own.contains_key(limiter));
            let source = if overridden {
                "workspace"
            } else {
                "organization"
            };
            limit["source"] = json!({ "type": source });
        }
        limit
    });
    let mut entry = json!({
        "type": "workspace_rate_limit",
        "workspace_id": workspace.id,
        "rate_limit_id": entry_id(pool),
    });
    kind(pool, shape, &mut entry);
    entry["limits"] = values.collect();
    entry
}

/// Which pool an entry's id names.
pub fn pool_of(world: &Scenario, entry: &str) -> Result<usize, Refusal> {
    let found = world.pools.iter().position(|pool| entry_id(pool) == entry);
    found.ok_or_else(|| Refusal::not_found(format!("rate_limit: {entry}")))
}

/// `POST /v1/organizations/workspaces/{id}/rate_limits/{entry}`: sets and clears overrides of pool `n`;
/// those that are not named stay. The entry as it is then.
pub fn set_overrides(
    world: &mut Scenario,
    id: &str,
    n: usize,
    changes: &[Change],
    version: Version,
) -> Result<Value, Refusal> {
    if find(world, id)?.id == default_workspace().id {
        return Err(Refusal::invalid(
            "The default workspace cannot have rate limits of its own",
        ));
    }
    let shape = shape(world, version);
    let (Some(pool), Some(workspace)) = (
        world.pools.get(n),
        world.workspaces.iter_mut().find(|known| known.id == id),
    ) else {
        return Err(Refusal::not_found(format!("workspace: {id}")));
    };
    let mut own = workspace.limits.remove(&pool.name).unwrap_or_default();
    for change in changes {
        match change.value {
            Some(value) => own.insert(change.limiter.clone(), value),
            None => own.remove(&change.limiter),
        };
    }
    if !own.is_empty() {
        workspace.limits.insert(pool.name.clone(), own.clone());
    }
    Ok(workspace_entry(workspace, pool, &own, shape))
}
