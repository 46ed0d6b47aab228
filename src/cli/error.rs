//! What is wrong with arguments, configuration or keys.

use crate::domain::near::nearest;
use std::path::Path;

/// One sentence for people, without a key in it. Ends the program with [`super::exits::USAGE`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct ConfigError {
    /// The sentence.
    pub sentence: String,
}

impl ConfigError {
    /// An error without a place.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self {
            sentence: sentence.into(),
        }
    }

    /// An error at a line of a file: `config.toml:12: …`.
    pub fn at(path: &Path, line: usize, what: impl std::fmt::Display) -> Self {
        Self::new(format!("{}:{line}: {what}", path.display()))
    }
}

/// `; did you mean `x`?` for a word that is near a valid one, else the list of valid ones.
pub fn hint<'a>(word: &str, valid: impl IntoIterator<Item = &'a str>) -> String {
    let valid: Vec<&str> = valid.into_iter().collect();
    match nearest(word, valid.iter().copied()) {
        Some(near) => format!("; did you mean `{near}`?"),
        None if valid.is_empty() => String::new(),
        None => format!("; valid here: {}", valid.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_finds_its_word_and_nonsense_finds_the_list() {
        let valid = ["base_url", "api_key", "auth"];
        assert_eq!(hint("base_ulr", valid), "; did you mean `base_url`?");
        assert_eq!(hint("Auth", valid), "; did you mean `auth`?");
        assert_eq!(hint("zzz", valid), "; valid here: base_url, api_key, auth");
        assert_eq!(hint("zzz", []), "");
    }
}
