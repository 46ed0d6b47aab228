//! The tools that a request offers, and a call of one of them.

use serde_json::{Map, Value};

/// Objects within objects that a made-up input goes into.
const DEEPEST: u32 = 4;

/// A tool that the answer may ask for.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolAsk {
    /// Its name.
    pub name: String,
    /// An input that its schema accepts, as JSON.
    pub input: String,
    /// Whether `tool_choice` leaves nothing else.
    pub forced: bool,
}

/// The tool to ask for: the one that `tool_choice` names, else the first. Tools of the server, which
/// have a type of their own, are not the caller's to run.
pub(super) fn chosen(tools: &Value, choice: Option<&Value>) -> Option<ToolAsk> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let kind = text(choice.and_then(|choice| choice.get("type")));
    let named = text(choice.and_then(|choice| choice.get("name")));
    if kind.as_deref() == Some("none") {
        return None;
    }
    let own = |tool: &&Value| {
        text(tool.get("type")).is_none_or(|kind| kind == "custom") && tool.get("name").is_some()
    };
    let mut tools = tools.as_array()?.iter().filter(own);
    let tool = match (kind.as_deref(), named) {
        (Some("tool"), Some(name)) => {
            tools.find(|tool| tool.get("name").and_then(Value::as_str) == Some(&name))?
        }
        _ => tools.next()?,
    };
    Some(ToolAsk {
        name: text(tool.get("name"))?,
        input: sample(tool.get("input_schema"), 0).to_string(),
        forced: matches!(kind.as_deref(), Some("any" | "tool")),
    })
}

/// A value that a schema accepts: of an object what it requires, else its first property.
fn sample(schema: Option<&Value>, depth: u32) -> Value {
    let get = |name: &str| schema.and_then(|schema| schema.get(name));
    if let Some(value) = get("const").or_else(|| get("enum")?.get(0)) {
        return value.clone();
    }
    let kind = get("type").and_then(|kind| kind.as_str().or_else(|| kind.get(0)?.as_str()));
    match kind {
        Some("string") => "bucket".into(),
        Some("integer" | "number") => get("minimum").cloned().unwrap_or_else(|| 1.into()),
        Some("boolean") => true.into(),
        Some("null") => Value::Null,
        Some("array") => Value::Array(Vec::new()),
        _ => {
            let mut object = Map::new();
            let properties = get("properties").and_then(Value::as_object);
            let required: Vec<&str> = get("required")
                .and_then(Value::as_array)
                .map(|names| names.iter().filter_map(Value::as_str).collect())
                .unwrap_or_default();
            for (at, (name, schema)) in properties.into_iter().flatten().enumerate() {
                let wanted = required.contains(&name.as_str()) || (required.is_empty() && at == 0);
                if wanted && depth < DEEPEST {
                    object.insert(name.clone(), sample(Some(schema), depth + 1));
                }
            }
            Value::Object(object)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case(None, Some(("weather", false)))]
    #[case(Some(json!({"type": "auto"})), Some(("weather", false)))]
    #[case(Some(json!({"type": "any"})), Some(("weather", true)))]
    #[case(Some(json!({"type": "tool", "name": "clock"})), Some(("clock", true)))]
    #[case(Some(json!({"type": "tool", "name": "gone"})), None)]
    #[case(Some(json!({"type": "none"})), None)]
    fn the_choice_is_obeyed(#[case] choice: Option<Value>, #[case] expected: Option<(&str, bool)>) {
        let tools = json!([
            {"type": "web_search_20250305", "name": "web_search"},
            {"name": "weather", "input_schema": {"type": "object"}},
            {"type": "custom", "name": "clock", "input_schema": {}},
        ]);
        let tool = chosen(&tools, choice.as_ref());
        let tool = tool.as_ref().map(|tool| (tool.name.as_str(), tool.forced));
        assert_eq!(tool, expected);
    }

    #[test]
    fn an_input_has_what_its_schema_requires() {
        let schema = json!({"type": "object", "required": ["city", "days", "unit"], "properties": {
            "city": {"type": "string"}, "days": {"type": "integer", "minimum": 3},
            "unit": {"enum": ["C", "F"]}, "note": {"type": "string"},
        }});
        let expected = json!({"city": "bucket", "days": 3, "unit": "C"});
        assert_eq!(sample(Some(&schema), 0), expected);
        assert_eq!(chosen(&json!("x"), None), None);
        assert_eq!(chosen(&json!([{"name": 7}, 5]), None), None);
    }
}
