//! Names of pools that came without a `display_name`. For people only: nothing is concluded from them.

use crate::domain::{clean::clean, id::ModelId, org::GroupKind};

/// A name made from the kind and the members: `Opus 4.x`, `Message Batches`.
pub fn of(kind: &GroupKind, models: &[ModelId]) -> String {
    match kind {
        GroupKind::ModelGroup => of_models(models),
        GroupKind::Batch => "Message Batches".into(),
        GroupKind::TokenCount => "Token counting".into(),
        GroupKind::Files => "Files".into(),
        GroupKind::Skills => "Skills".into(),
        GroupKind::WebSearch => "Web search".into(),
        GroupKind::Other(kind) => clean(&kind.replace('_', " "), 40),
    }
}

fn of_models(models: &[ModelId]) -> String {
    let parts: Vec<_> = models.iter().map(split).collect();
    let Some((line, version)) = parts.first() else {
        return "models".into();
    };
    if line.is_empty() || parts.iter().any(|(other, _)| other != line) {
        let first = models.first().map_or("", ModelId::as_str);
        return match models.len() {
            1 => clean(first, 40),
            n => clean(&format!("{first} and {} more", n - 1), 60),
        };
    }
    let major = |version: &str| version.split('.').next().unwrap_or_default().to_owned();
    if parts.iter().all(|(_, other)| other == version) {
        format!("{line} {version}").trim_end().to_owned()
    } else if parts
        .iter()
        .all(|(_, other)| major(other) == major(version))
    {
        format!("{line} {}.x", major(version))
    } else {
        line.clone()
    }
}

/// Line and version of an id such as `claude-opus-4-5-20251101` or `claude-3-5-haiku-latest`.
fn split(model: &ModelId) -> (String, String) {
    let Some(rest) = model.as_str().strip_prefix("claude-") else {
        return (String::new(), String::new());
    };
    let mut line = String::new();
    let mut version = Vec::new();
    for part in rest.split('-') {
        let number = part.bytes().all(|b| b.is_ascii_digit());
        if number && part.len() < 4 {
            version.push(part);
        } else if !number && line.is_empty() {
            line = clean(part, 20);
        }
    }
    if let Some(first) = line.get(..1) {
        line = format!(
            "{}{}",
            first.to_ascii_uppercase(),
            line.get(1..).unwrap_or_default()
        );
    }
    (line, version.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(&["claude-opus-5-5"], "Opus 5.5")]
    #[case(&["claude-opus-4-8", "claude-opus-4-7", "claude-opus-4-5-20251101", "claude-opus-4-5"], "Opus 4.x")]
    #[case(&["claude-haiku-4-5", "claude-haiku-4-5-20251001"], "Haiku 4.5")]
    #[case(&["claude-3-5-haiku-latest"], "Haiku 3.5")]
    #[case(&["claude-fable-5", "claude-mythos-5"], "claude-fable-5 and 1 more")]
    #[case(&["gpt-x"], "gpt-x")]
    #[case(&["claude-", "claude-é"], "claude- and 1 more")]
    #[case(&[], "models")]
    fn names(#[case] models: &[&str], #[case] name: &str) {
        let models: Vec<ModelId> = models.iter().map(|m| ModelId::from(*m)).collect();
        assert_eq!(of(&GroupKind::ModelGroup, &models), name);
    }
}
