//! The shortest prompt that each model's cache keeps.

use super::catalogue::id_of;

/// Tokens below which nothing is cached, and nobody says so (prompt-caching page, August 2026; Haiku
/// 5.5 as seen). Of the models that are not here it is not established.
const MINIMUMS: &[(&str, u64)] = &[
    ("claude-opus-5", 512),
    ("claude-fable-5", 512),
    ("claude-haiku-5-5", 512),
    ("claude-opus-4-8", 1_024),
    ("claude-sonnet-5", 1_024),
    ("claude-sonnet-4-6", 1_024),
    ("claude-sonnet-4-5", 1_024),
    ("claude-opus-4-7", 2_048),
    ("claude-opus-4-6", 4_096),
    ("claude-opus-4-5", 4_096),
    ("claude-haiku-4-5", 4_096),
];

/// The minimum of that model, by its id or its alias; none where it is not established.
pub fn minimum(model: &str) -> Option<u64> {
    let id = id_of(model);
    let known = MINIMUMS.iter().find(|(name, _)| *name == id);
    known.map(|(_, tokens)| *tokens)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::scenario::catalogue::MODELS;

    #[test]
    fn minimums_are_of_known_models_and_aliases_share_them() {
        for (name, _) in MINIMUMS {
            assert!(MODELS.iter().any(|model| model.id == *name), "{name}");
        }
        assert_eq!(minimum("claude-haiku-4-5-20251001"), Some(4_096));
        assert_eq!(minimum("claude-opus-5-5"), None, "not established");
    }
}
