//! `GET /v1/models`: which models a key may use, and how long they will be there.

use super::{
    connection::{Connection, escaped},
    fetch::{self, Trouble},
};
use crate::{
    clock::Clock,
    domain::{clean::clean, id::ModelId, time::Time},
};
use serde_json::Value;
use std::collections::HashSet;

/// Pages of the list; it fits in one today.
const MOST_PAGES: usize = 20;

/// One model. What the answer leaves out is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// As requests name it.
    pub id: ModelId,
    /// For people.
    pub name: String,
    /// `haiku`, `sonnet`, `opus`, `fable`, `mythos`; never concluded from the id.
    pub line: Option<String>,
    /// `active`, `deprecated`, `retired`.
    pub lifecycle: Option<String>,
    /// When it goes.
    pub retires_at: Option<Time>,
}

impl Model {
    /// Whether it can be called, as far as the list says.
    pub fn is_active(&self) -> bool {
        self.lifecycle
            .as_deref()
            .is_none_or(|state| state == "active")
    }
}

/// Every model of the key, in the order of the answer (newest first).
pub async fn list(connection: &Connection, clock: &Clock) -> Result<Vec<Model>, String> {
    let said = |trouble: Trouble| {
        format!(
            "Models could not be listed at {}: {}",
            connection.host, trouble.what
        )
    };
    let mut models = Vec::new();
    let mut cursors = HashSet::new();
    let mut target = "/v1/models?limit=1000".to_owned();
    for _ in 0..MOST_PAGES {
        let value = fetch::json(connection, clock, target).await.map_err(said)?;
        let (page, next) = read(&value).map_err(|what| said(Trouble::failed(what)))?;
        models.extend(page);
        match next {
            Some(next) if cursors.insert(next.clone()) => {
                target = format!("/v1/models?limit=1000&after_id={}", escaped(&next));
            }
            Some(_) => break,
            None => return Ok(models),
        }
    }
    Err(said(Trouble::failed("its pages have no end".into())))
}

/// One page: its models, and the id after which the next begins. Entries without an id are left out.
pub fn read(value: &Value) -> Result<(Vec<Model>, Option<String>), String> {
    let Some(data) = value.get("data").and_then(Value::as_array) else {
        return Err("the list has no \"data\"".into());
    };
    let text = |value: Option<&Value>| {
        let text = clean(value?.as_str()?.trim(), 200);
        (!text.is_empty()).then_some(text)
    };
    let models = data
        .iter()
        .take(10_000)
        .filter_map(|entry| {
            let id = text(entry.get("id"))?;
            Some(Model {
                name: text(entry.get("display_name")).unwrap_or_else(|| id.clone()),
                line: text(entry.get("line")),
                lifecycle: text(entry.get("lifecycle")),
                retires_at: text(entry.get("retires_at")).and_then(|at| at.parse().ok()),
                id: id.into(),
            })
        })
        .collect();
    let next = (value.get("has_more").and_then(Value::as_bool) == Some(true))
        .then(|| text(value.get("last_id")))
        .flatten();
    Ok((models, next))
}

/// The model to use when none is named: `wanted` if it is listed and active, else the first active one
/// of the haiku line, else the first active one.
pub fn choose<'a>(models: &'a [Model], wanted: &ModelId) -> Option<&'a Model> {
    let active = || models.iter().filter(|model| model.is_active());
    active()
        .find(|model| model.id == *wanted)
        .or_else(|| active().find(|model| model.line.as_deref() == Some("haiku")))
        .or_else(|| active().next())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_shapes_are_read_and_the_new_fields_are_optional() {
        // Models page: `lifecycle`, `line` and `retires_at` are new.
        let (models, next) = read(&json!({"data": [
            {"type": "model", "id": "claude-opus-5-5", "display_name": "Claude Opus 5.5", "created_at": "2026-09-01T00:00:00Z"},
            {"id": "claude-haiku-5-5", "line": "haiku", "lifecycle": "active"},
            {"id": "claude-sonnet-4-5", "line": "sonnet", "lifecycle": "deprecated", "retires_at": "2026-11-30T00:00:00Z"},
            {"display_name": "no id"}, 7, null,
        ], "has_more": true, "last_id": "claude-sonnet-4-5"})).unwrap();
        assert_eq!(models.len(), 3);
        assert_eq!(next.as_deref(), Some("claude-sonnet-4-5"));
        assert!(models[0].is_active() && !models[2].is_active());
        assert_eq!(
            models[2].retires_at,
            Some("2026-11-30T00:00:00Z".parse().unwrap())
        );
        assert_eq!(
            choose(&models, &"claude-opus-5-5".into())
                .unwrap()
                .id
                .as_str(),
            "claude-opus-5-5"
        );
        assert_eq!(
            choose(&models, &"claude-sonnet-4-5".into())
                .unwrap()
                .id
                .as_str(),
            "claude-haiku-5-5"
        );
        assert_eq!(choose(&models[2..], &"x".into()), None);
    }

    #[test]
    fn a_list_without_data_is_an_error() {
        assert!(read(&json!({"data": null})).is_err());
        assert!(read(&json!([])).is_err());
    }
}
