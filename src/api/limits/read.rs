//! Limits as the Admin API writes them, in every shape that has existed. Pure; what one entry gets
//! wrong is a fault of that entry and hides nothing else.

use super::name;
use crate::domain::{
    clean::clean,
    id::{GroupId, Limiter, ModelId, WorkspaceId},
    org::{ConfiguredLimit, Group, GroupKind, Organization, Override, Workspace},
};
use serde_json::{Map, Value};

/// Characters kept of an id.
const ID_CHARS: usize = 200;
/// Entries of one page, models of one group, limits of one entry: more are not kept.
const MOST: usize = 10_000;

/// What a page holds, in its order, and what could not be read of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// The good entries.
    pub entries: Vec<T>,
    /// One sentence for each bad one.
    pub faults: Vec<String>,
    /// The cursor of the next page.
    pub next: Option<String>,
}

/// `GET /v1/organizations/me`.
pub fn organization(value: &Value) -> Option<Organization> {
    let id = text(value.get("id"))?;
    let name = text(value.get("name")).unwrap_or_else(|| id.clone());
    Some(Organization {
        id: id.into(),
        name,
    })
}

/// One page of `GET /v1/organizations/rate_limits`.
pub fn groups(value: &Value) -> Result<Page<Group>, String> {
    page(value, group)
}

/// One page of a workspace's overrides. `known` are the organization's groups, so that an entry of the
/// older shape finds its own.
pub fn overrides(
    value: &Value,
    workspace: &WorkspaceId,
    known: &[Group],
) -> Result<Page<Vec<Override>>, String> {
    page(value, |n, entry, faults| {
        of_workspace(n, entry, workspace, known, faults)
    })
}

/// One page of `GET /v1/organizations/workspaces`, which pages by the last id.
pub fn workspaces(value: &Value) -> Result<Page<Workspace>, String> {
    let mut read = page(value, |n, entry, faults| {
        let Some(id) = text(entry.get("id")) else {
            faults.push(format!("Workspace {n} of the list has no id."));
            return None;
        };
        let name = text(entry.get("name")).unwrap_or_else(|| id.clone());
        let archived = entry.get("archived_at").is_some_and(|at| !at.is_null());
        (!archived).then(|| Workspace {
            id: id.into(),
            name,
        })
    })?;
    read.next = (value.get("has_more").and_then(Value::as_bool) == Some(true))
        .then(|| text(value.get("last_id")))
        .flatten();
    Ok(read)
}

fn page<T>(
    value: &Value,
    mut read: impl FnMut(usize, &Map<String, Value>, &mut Vec<String>) -> Option<T>,
) -> Result<Page<T>, String> {
    let data = match value.get("data") {
        Some(Value::Array(data)) => data,
        Some(Value::Null) => return Err("its \"data\" is null".into()),
        Some(_) => return Err("its \"data\" is no list".into()),
        None => return Err("it has no \"data\"".into()),
    };
    let mut page = Page {
        entries: Vec::new(),
        faults: Vec::new(),
        next: value
            .get("next_page")
            .and_then(Value::as_str)
            .filter(|cursor| !cursor.is_empty())
            .map(str::to_owned),
    };
    for (n, entry) in data.iter().take(MOST).enumerate() {
        match entry.as_object() {
            Some(entry) => page.entries.extend(read(n + 1, entry, &mut page.faults)),
            None => page
                .faults
                .push(format!("Entry {} of the list is no object.", n + 1)),
        }
    }
    Ok(page)
}

fn text(value: Option<&Value>) -> Option<String> {
    let text = clean(value?.as_str()?.trim(), ID_CHARS);
    (!text.is_empty()).then_some(text)
}

/// What both kinds of entries say about their group.
struct Head {
    kind: GroupKind,
    id: GroupId,
    name: String,
    models: Vec<ModelId>,
}

fn head(entry: &Map<String, Value>) -> Head {
    let group = entry.get("group").and_then(Value::as_object);
    let of_group = |name: &str| text(group.and_then(|group| group.get(name)));
    let mut models: Vec<ModelId> = entry
        .get("models")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|model| text(Some(model)))
        .take(MOST)
        .map(ModelId::from)
        .collect();
    models.dedup();
    let kind = of_group("type")
        .or_else(|| text(entry.get("group_type")))
        .unwrap_or_else(|| {
            let kind = if models.is_empty() {
                "unknown"
            } else {
                "model_group"
            };
            kind.to_owned()
        });
    let kind = GroupKind::from(kind);
    let id = of_group("id").unwrap_or_else(|| derived_id(&kind, &models));
    let name = of_group("display_name").unwrap_or_else(|| name::of(&kind, &models));
    Head {
        kind,
        id: id.into(),
        name,
        models,
    }
}

/// The key of a group that came without one: its kind, and its members in order.
fn derived_id(kind: &GroupKind, models: &[ModelId]) -> String {
    let mut names: Vec<&str> = models.iter().map(ModelId::as_str).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        kind.as_str().to_owned()
    } else {
        format!("{}:{}", kind.as_str(), names.join("+"))
    }
}

fn group(n: usize, entry: &Map<String, Value>, faults: &mut Vec<String>) -> Option<Group> {
    let Head {
        kind,
        id,
        name,
        models,
    } = head(entry);
    let limits = limits(n, &name, entry, faults)?
        .into_iter()
        .map(|limit| ConfiguredLimit {
            limiter: limit.limiter,
            value: limit.value,
        })
        .collect();
    Some(Group {
        id,
        entry: text(entry.get("id")),
        kind,
        name,
        models,
        limits,
        guess: false,
    })
}

fn of_workspace(
    n: usize,
    entry: &Map<String, Value>,
    workspace: &WorkspaceId,
    known: &[Group],
    faults: &mut Vec<String>,
) -> Option<Vec<Override>> {
    if let Some(other) = text(entry.get("workspace_id"))
        && other != workspace.as_str()
    {
        faults.push(format!(
            "Entry {n} of workspace {workspace}'s limits belongs to workspace {other}."
        ));
        return None;
    }
    let own = head(entry);
    let named = text(entry.get("rate_limit_id"));
    let group = known
        .iter()
        .find(|group| group.id == own.id)
        .or_else(|| {
            known
                .iter()
                .find(|group| group.entry.is_some() && group.entry == named)
        })
        .or_else(|| {
            known.iter().find(|group| {
                group.kind == own.kind && group.models.iter().any(|m| own.models.contains(m))
            })
        })
        .map_or(own.id, |group| group.id.clone());
    let limits = limits(
        n,
        &format!("workspace {workspace}, {}", own.name),
        entry,
        faults,
    )?;
    Some(
        limits
            .into_iter()
            .filter(|limit| !limit.inherited)
            .map(|limit| Override {
                workspace: workspace.clone(),
                group: group.clone(),
                limiter: limit.limiter,
                value: limit.value,
                org_limit: limit.beside,
            })
            .collect(),
    )
}

struct Limit {
    limiter: Limiter,
    value: u64,
    /// The organization's value beside a workspace's.
    beside: Option<u64>,
    inherited: bool,
}

/// The `limits` of an entry. A limiter without a value has no limit, which is not 0.
fn limits(
    n: usize,
    whose: &str,
    entry: &Map<String, Value>,
    faults: &mut Vec<String>,
) -> Option<Vec<Limit>> {
    let Some(list) = entry.get("limits").and_then(Value::as_array) else {
        faults.push(format!("Entry {n} ({whose}) has no list of limits."));
        return None;
    };
    let mut limits: Vec<Limit> = Vec::new();
    for limit in list.iter().take(MOST) {
        let Some(limiter) = text(limit.get("type")) else {
            faults.push(format!("{whose}: a limit has no type."));
            continue;
        };
        let value = match limit.get("value") {
            None | Some(Value::Null) => continue,
            Some(value) => value,
        };
        let Some(value) = whole(value) else {
            let shown = clean(&value.to_string(), 40);
            faults.push(format!(
                "{whose}: {limiter} has the value {shown}, which is no limit."
            ));
            continue;
        };
        if limits.iter().any(|held| held.limiter.as_str() == limiter) {
            faults.push(format!(
                "{whose}: {limiter} is there twice; the first counts."
            ));
            continue;
        }
        let source = limit.get("source").and_then(|source| source.get("type"));
        limits.push(Limit {
            limiter: limiter.into(),
            value,
            beside: limit.get("org_limit").and_then(whole),
            inherited: source.and_then(Value::as_str) == Some("organization"),
        });
    }
    Some(limits)
}

/// A count; a float that is a whole number is one too.
fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| {
        value
            .as_f64()
            .filter(|number| number.fract() == 0.0 && (0.0..9e15).contains(number))
            .map(|number| number as u64)
    })
}
