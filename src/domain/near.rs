//! Words for mistakes in a file or an argument: the line, and the nearest valid name.

/// Characters of a word that are compared: nobody means a longer one.
const LONGEST: usize = 60;

/// Letters of a word that may stand for a longer one that begins with it.
const BEGINNING: usize = 4;

/// The valid word that differs least from `word`, if it is near enough to be meant; else the only one
/// that begins with it.
pub fn nearest<'a>(word: &str, valid: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let bare = |word: &str| {
        let short: String = word.chars().take(LONGEST).collect();
        short.to_lowercase()
    };
    let word = bare(word);
    let valid: Vec<&str> = valid.into_iter().collect();
    let mut longer = valid.iter().filter(|near| bare(near).starts_with(&word));
    let begun = match (longer.next(), longer.next()) {
        (Some(only), None) if word.chars().count() >= BEGINNING => Some(*only),
        _ => None,
    };
    valid
        .into_iter()
        .map(|near| (strsim::damerau_levenshtein(&word, &bare(near)), near))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, near)| {
            let letters = near.chars().count();
            *distance < letters && *distance <= (letters / 3).max(1)
        })
        .map(|(_, near)| near)
        .or(begun)
}

/// ` (did you mean …?)` when a name is near, else nothing.
pub fn meant<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    nearest(wrong, names).map_or(String::new(), |name| format!(" (did you mean `{name}`?)"))
}

/// The line of a byte offset, from 1.
pub fn line_of(text: &str, start: usize) -> usize {
    text.get(..start)
        .map_or(1, |before| before.matches('\n').count() + 1)
}

/// A message of serde about a TOML file, with the nearest of the names it expected.
pub fn sentence(message: &str) -> String {
    let message = message.trim().replace('\n', ", ");
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    match quoted.split_first() {
        Some((wrong, names)) if message.starts_with("unknown") && !names.is_empty() => {
            let what = message.split(' ').nth(1).unwrap_or("name");
            let what = if what == "field" { "key" } else { "value" };
            format!(
                "unknown {what} `{wrong}`{}; known here: {}",
                meant(wrong, names.iter().copied()),
                names.join(", ")
            )
        }
        _ => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_finds_its_word_and_nonsense_finds_none() {
        let valid = ["base_url", "api_key", "auth"];
        assert_eq!(
            nearest("default", ["default_profile", "ui"]),
            Some("default_profile")
        );
        assert_eq!(nearest("base", ["base_url", "base_path"]), None, "either");
        assert_eq!(nearest("base_ulr", valid), Some("base_url"));
        assert_eq!(nearest("Auth", valid), Some("auth"));
        assert_eq!(nearest("zzz", valid), None);
        assert_eq!(nearest(&"x".repeat(1 << 20), valid), None);
        assert_eq!(meant("atuh", valid), " (did you mean `auth`?)");
        assert_eq!(meant("zzz", []), "");
    }

    #[test]
    fn serde_messages_become_sentences() {
        assert_eq!(
            sentence("unknown field `shere`, expected one of `share`, `kind`"),
            "unknown key `shere` (did you mean `share`?); known here: share, kind"
        );
        assert_eq!(sentence("expected a number\n"), "expected a number");
        assert_eq!(line_of("a\nb\nc", 4), 3);
    }
}
