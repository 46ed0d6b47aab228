//! `GET /v1/models`.

use crate::{
    domain::time::Time,
    sim::{
        scenario::{
            Scenario,
            catalogue::{MODELS, Model},
        },
        speak::{ask::Query, refusal::Refusal},
    },
};
use serde_json::{Value, json};

/// What the scenario's pools serve: rows of the catalogue, then names that are not in it.
fn served(world: &Scenario) -> Vec<Value> {
    let names = || {
        world
            .pools
            .iter()
            .flat_map(|pool| pool.models.iter().map(String::as_str))
    };
    let known = MODELS
        .iter()
        .filter(|model| names().any(|name| name == model.id))
        .map(describe);
    let unknown = names()
        .filter(|name| {
            !MODELS
                .iter()
                .any(|model| model.id == *name || model.alias == Some(*name))
        })
        .map(|name| {
            describe(&Model {
                id: "",
                alias: None,
                display_name: "",
                line: "",
                created_at: "1970-01-01T00:00:00Z",
                retires_at: None,
            })
            .named(name)
        });
    known.chain(unknown).collect()
}

trait Named {
    fn named(self, name: &str) -> Value;
}

impl Named for Value {
    fn named(mut self, name: &str) -> Value {
        self["id"] = name.into();
        self["display_name"] = name.into();
        self["line"] = Value::Null;
        self
    }
}

fn describe(model: &Model) -> Value {
    json!({
        "type": "model",
        "id": model.id,
        "display_name": model.display_name,
        "created_at": model.created_at,
        "lifecycle": if model.retires_at.is_some() { "deprecated" } else { "active" },
        "line": model.line,
        "max_input_tokens": 1_000_000,
        "max_tokens": 128_000,
        "deprecated_at": model.retires_at.map(|_| "2026-09-29T00:00:00Z"),
        "retires_at": model.retires_at,
        "capabilities": null,
    })
}

/// A page of them.
pub fn list(world: &Scenario, query: &Query, _now: Time) -> Result<Value, Refusal> {
    let mut models = served(world);
    let wanted: Vec<&str> = values(query, "lifecycle").collect();
    if !wanted.is_empty() {
        models.retain(|model| wanted.iter().any(|word| model["lifecycle"] == *word));
    }
    page(models, query)
}

/// One of them, by id or alias.
pub fn get(world: &Scenario, id: &str, _now: Time) -> Result<Value, Refusal> {
    let canonical = MODELS
        .iter()
        .find(|model| model.alias == Some(id))
        .map_or(id, |model| model.id);
    served(world)
        .into_iter()
        .find(|model| model["id"] == canonical)
        .ok_or_else(|| Refusal::not_found(format!("model: {id}")))
}

/// The values of a parameter, written with or without `[]`.
pub fn values<'a>(query: &'a Query, name: &'a str) -> impl Iterator<Item = &'a str> {
    query
        .iter()
        .filter(move |(key, _)| key.strip_suffix("[]").unwrap_or(key) == name)
        .map(|(_, value)| value.as_str())
}

/// A parameter as a whole number between two.
pub fn number(query: &Query, name: &str, least: u64, most: u64) -> Result<Option<u64>, Refusal> {
    let Some(text) = values(query, name).last() else {
        return Ok(None);
    };
    match text.parse() {
        Ok(value) if (least..=most).contains(&value) => Ok(Some(value)),
        _ => Err(Refusal::invalid(format!(
            "{name}: Input should be a whole number between {least} and {most}"
        ))),
    }
}

/// A page by `after_id` and `before_id`, in the envelope of models and workspaces.
pub fn page(items: Vec<Value>, query: &Query) -> Result<Value, Refusal> {
    let limit = number(query, "limit", 1, 1000)?.unwrap_or(20) as usize;
    let at = |name: &str| -> Result<Option<usize>, Refusal> {
        let Some(id) = values(query, name).last() else {
            return Ok(None);
        };
        let found = items.iter().position(|item| item["id"] == id);
        found
            .map(Some)
            .ok_or_else(|| Refusal::invalid(format!("{name}: no such item in this list")))
    };
    let (from, to, more) = match (at("after_id")?, at("before_id")?) {
        (_, Some(end)) => (end.saturating_sub(limit), end, end > limit),
        (after, None) => {
            let from = after.map_or(0, |n| n + 1);
            let to = (from + limit).min(items.len());
            (from, to, to < items.len())
        }
    };
    let data = items.get(from..to).unwrap_or_default();
    Ok(json!({
        "first_id": data.first().map(|item| item["id"].clone()),
        "last_id": data.last().map(|item| item["id"].clone()),
        "has_more": more,
        "data": data,
    }))
}
