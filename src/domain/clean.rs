//! Text from outside before it is drawn, exported or logged.

use std::borrow::Cow;

/// How the API's keys begin.
const KEY: &str = "sk-ant-";

/// `text` without control characters, bidi overrides, zero-width characters and what looks like a
/// key, cut to `max` characters (with `…` when something was cut). Newlines and tabs become one space.
pub fn clean(text: &str, max: usize) -> String {
    let mut out = String::new();
    let mut kept = 0;
    for c in without_keys(text).chars() {
        let c = if matches!(c, '\n' | '\r' | '\t') {
            ' '
        } else {
            c
        };
        if !is_harmless(c) {
            continue;
        }
        if kept == max {
            out.push('…');
            break;
        }
        out.push(c);
        kept += 1;
    }
    out
}

/// The same for text of several lines: newlines stay, tabs become four spaces, nothing is cut.
pub fn clean_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in without_keys(text).chars() {
        match c {
            '\n' => out.push('\n'),
            '\t' => out.push_str("    "),
            c if is_harmless(c) => out.push(c),
            _ => {}
        }
    }
    out
}

/// `text` with every word that looks like a key of the API blanked.
pub fn without_keys(text: &str) -> Cow<'_, str> {
    if !text.contains(KEY) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(KEY) {
        let (before, key) = rest.split_at(at);
        out.push_str(before);
        let end = key
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_')))
            .unwrap_or(key.len());
        let (word, after) = key.split_at(end);
        out.push_str(if is_kind(word) { word } else { "(a key)" });
        rest = after;
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Whether a configured key is blanked wherever it is repeated. A shorter word guards nothing, and
/// blanking it would eat words of the sentence around it: a key `x` would turn `x-api-key` into nonsense.
pub const fn is_secret(key: &str) -> bool {
    key.len() >= 6
}

/// `text` with that key blanked wherever it stands, if it [is a secret](is_secret).
pub fn without_key<'a>(text: &'a str, key: &str) -> Cow<'a, str> {
    if is_secret(key) && text.contains(key) {
        Cow::Owned(text.replace(key, "(a key)"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Whether a word is only the public beginning of keys, such as `sk-ant-api03`.
fn is_kind(word: &str) -> bool {
    let kind = word.strip_prefix(KEY).unwrap_or_default();
    let letters = kind.trim_end_matches(|c: char| c.is_ascii_digit());
    kind.len() <= 7
        && (1..=2).contains(&(kind.len() - letters.len()))
        && !letters.is_empty()
        && letters.bytes().all(|byte| byte.is_ascii_lowercase())
}

/// Whether a character can neither move the cursor nor change how its neighbours are read.
pub const fn is_harmless(c: char) -> bool {
    !matches!(c,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}'            // C0, DEL, C1
        | '\u{ad}' | '\u{34f}' | '\u{61c}'                // soft hyphen, joiner, Arabic mark
        | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{3164}' | '\u{ffa0}' // fillers
        | '\u{180b}'..='\u{180f}'                         // Mongolian selectors
        | '\u{200b}'..='\u{200f}'                         // zero width, LRM, RLM
        | '\u{2028}'..='\u{202e}'                         // separators, bidi embeddings and overrides
        | '\u{2060}'..='\u{206f}'                         // word joiner, isolates
        | '\u{fe00}'..='\u{fe0f}'                         // variation selectors
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}'            // BOM, interlinear marks
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_overrides_and_zero_widths_go() {
        assert_eq!(
            clean("a\x1b[31mb\u{202e}c\u{200b}d\u{feff}", 50),
            "a[31mbcd"
        );
        assert_eq!(clean("line\nnext\ttab", 50), "line next tab");
        assert_eq!(clean_lines("a\x07\nb\r\n"), "a\nb\n");
    }

    #[test]
    fn what_looks_like_a_key_is_blanked() {
        let text = "bad key sk-ant-api03-Ab_9-x, and \"sk-ant-admin01-Zz\"";
        assert_eq!(clean(text, 200), "bad key (a key), and \"(a key)\"");
        assert_eq!(clean_lines("a\nsk-ant-oat01-q\n"), "a\n(a key)\n");
        // What all keys of a kind begin with tells nothing.
        let kinds = "want sk-ant-admin01, not sk-ant-api03";
        assert_eq!(clean(kinds, 200), kinds);
        for secret in ["sk-ant-SECRET1", "sk-ant-secretsecret1", "sk-ant-1"] {
            assert_eq!(clean(secret, 200), "(a key)", "{secret}");
        }
    }

    #[test]
    fn a_key_eats_no_word_of_ours() {
        for word in ["", "x", "a", "api", "key", "1", "10000", "input"] {
            let text = "invalid x-api-key: 10000 input tokens a minute";
            assert_eq!(without_key(text, word), text);
        }
        assert_eq!(without_key("no sk-1234 here", "sk-1234"), "no (a key) here");
    }

    #[test]
    fn a_cut_is_marked() {
        assert_eq!(clean("abcdef", 3), "abc…");
        assert_eq!(clean("abc", 3), "abc");
    }

    proptest! {
        /// Whatever the key: it is gone, and everything else is as it was.
        #[test]
        fn a_key_goes_and_nothing_else(
            parts in prop::collection::vec("[ -'*-~]{0,12}", 1..5),
            key in "[!-'*-~]{0,16}",
        ) {
            let text = parts.join(&key);
            let shown = without_key(&text, &key);
            if is_secret(&key) {
                prop_assert!(!shown.contains(&key));
                prop_assert_eq!(shown.replace("(a key)", &key), text);
            } else {
                prop_assert_eq!(shown, text.as_str());
            }
        }

        #[test]
        fn nothing_harmful_survives(text in "\\PC*|[\\x00-\\x9f\u{200b}-\u{2069}a-z]*") {
            prop_assert!(clean(&text, 40).chars().all(is_harmless));
            prop_assert!(clean(&text, 40).chars().count() <= 41);
            prop_assert!(clean_lines(&text).chars().all(|c| c == '\n' || is_harmless(c)));
        }
    }
}
