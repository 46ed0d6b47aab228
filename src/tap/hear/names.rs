//! Names from the wire, each with a row of its own as long as there are not too many.

use super::head::Asked;
use crate::domain::{
    clean::clean,
    traffic::{OTHER, Tally, UNKNOWN},
};
use http::HeaderValue;
use std::{borrow::Borrow, collections::HashMap};

/// Names that are told apart; the rest is `other`.
pub(super) const MOST: usize = 200;
/// Ways of writing them that are remembered.
const MOST_FORMS: usize = 1_000;
/// Characters of a name.
const CHARS: usize = 64;
/// Bytes of each header that are looked at.
const BYTES: usize = 256;

/// One name and its numbers.
pub(super) struct Row<I> {
    pub(super) id: I,
    pub(super) tally: Tally,
}

/// Rows by name. The row asked for last is found without hashing.
pub(super) struct Names<I> {
    rows: Vec<Row<I>>,
    forms: HashMap<Box<[u8]>, usize>,
    last: Vec<u8>,
    last_at: Option<usize>,
    scratch: Vec<u8>,
}

/// The row of a name, and whether it had to be `other`.
pub(super) type Found = (usize, bool);

impl<I: for<'a> From<&'a str> + Borrow<str>> Names<I> {
    pub(super) fn new() -> Self {
        Self {
            rows: Vec::new(),
            forms: HashMap::new(),
            last: Vec::new(),
            last_at: None,
            scratch: Vec::new(),
        }
    }

    pub(super) fn rows(&self) -> &[Row<I>] {
        &self.rows
    }

    /// Rows that anything was counted in.
    pub(super) fn counted(&self) -> impl Iterator<Item = &Row<I>> {
        self.rows.iter().filter(|row| row.tally.wire > 0)
    }

    pub(super) fn row(&mut self, at: usize) -> Option<&mut Row<I>> {
        self.rows.get_mut(at)
    }

    /// The row of what is written as `form`; `name` tells how it is called, once.
    pub(super) fn find(&mut self, form: &[u8], name: impl FnOnce(&[u8]) -> String) -> Found {
        if let Some(at) = self.last_at.filter(|_| self.last == form) {
            return (at, false);
        }
        if let Some(at) = self.forms.get(form) {
            self.last.clear();
            self.last.extend_from_slice(form);
            self.last_at = Some(*at);
            return (*at, false);
        }
        let name = name(form);
        let name = if name.is_empty() {
            UNKNOWN
        } else {
            name.as_str()
        };
        let known = self.rows.iter().position(|row| row.id.borrow() == name);
        let distinct = self.rows.len() - usize::from(self.has_other());
        match known {
            Some(at) if self.forms.len() < MOST_FORMS => {
                self.forms.insert(form.into(), at);
                (at, false)
            }
            Some(at) => (at, false),
            None if distinct < MOST && self.forms.len() < MOST_FORMS => {
                let at = self.add(name);
                self.forms.insert(form.into(), at);
                (at, false)
            }
            None => (self.other(), true),
        }
    }

    fn has_other(&self) -> bool {
        self.rows.iter().any(|row| row.id.borrow() == OTHER)
    }

    fn other(&mut self) -> usize {
        let known = self.rows.iter().position(|row| row.id.borrow() == OTHER);
        known.unwrap_or_else(|| self.add(OTHER))
    }

    fn add(&mut self, name: &str) -> usize {
        self.rows.push(Row {
            id: I::from(name),
            tally: Tally::default(),
        });
        self.rows.len() - 1
    }

    /// The row of the client that sent these headers.
    pub(super) fn find_client(&mut self, asked: &Asked<'_>) -> Found {
        let mut form = std::mem::take(&mut self.scratch);
        form.clear();
        for value in [asked.agent, asked.language, asked.version] {
            let value = value.map_or(&b""[..], HeaderValue::as_bytes);
            form.extend_from_slice(value.get(..BYTES).unwrap_or(value));
            form.push(0);
        }
        let found = self.find(&form, client_name);
        self.scratch = form;
        found
    }
}

/// `Anthropic/Python 2.12.0`; `claude-cli/2.1.0, SDK js 0.60.0`; of a user agent the part before its
/// comment.
fn client_name(form: &[u8]) -> String {
    let mut parts = form.split(|byte| *byte == 0).map(String::from_utf8_lossy);
    let mut next = || parts.next().unwrap_or_default().trim().to_owned();
    let (agent, language, version) = (next(), next(), next());
    let agent = agent.split(" (").next().unwrap_or_default().trim();
    let sdk = match (language.as_str(), version.as_str()) {
        ("", "") => String::new(),
        _ if !version.is_empty() && agent.contains(&version) => String::new(),
        (language, version) => format!("SDK {language} {version}").trim().to_owned(),
    };
    match (agent, sdk.as_str()) {
        ("", sdk) => short(sdk),
        (agent, "") => short(agent),
        (agent, sdk) => short(&format!("{agent}, {sdk}")),
    }
}

/// A model's name as it is counted and shown.
pub(super) fn model_name(form: &[u8]) -> String {
    short(String::from_utf8_lossy(form).trim())
}

/// Cleaned, at most [`CHARS`] characters.
fn short(text: &str) -> String {
    let whole = clean(text, CHARS);
    if whole.chars().count() > CHARS {
        clean(text, CHARS - 1)
    } else {
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::{ClientId, ModelId};
    use http::HeaderMap;
    use rstest::rstest;

    #[rstest]
    #[case::python(&[("user-agent", "Anthropic/Python 2.12.0"), ("x-stainless-lang", "python"), ("x-stainless-package-version", "2.12.0")], "Anthropic/Python 2.12.0")]
    #[case::around_an_sdk(&[("user-agent", "claude-cli/2.1.0 (external, cli)"), ("x-stainless-lang", "js"), ("x-stainless-package-version", "0.60.0")], "claude-cli/2.1.0, SDK js 0.60.0")]
    #[case::curl(&[("user-agent", "curl/8.5.0")], "curl/8.5.0")]
    #[case::no_agent(&[("x-stainless-lang", "go")], "SDK go")]
    #[case::nothing(&[], "unknown")]
    #[case::a_key(&[("user-agent", "mine sk-ant-api03-SECRET")], "mine (a key)")]
    fn clients(#[case] headers: &[(&'static str, &str)], #[case] name: &str) {
        let mut map = HeaderMap::new();
        for (header, value) in headers {
            map.append(*header, HeaderValue::from_str(value).unwrap());
        }
        let mut names = Names::<ClientId>::new();
        let asked = Asked::of(&map);
        let first = names.find_client(&asked);
        assert_eq!(names.find_client(&asked), first);
        assert_eq!(names.rows()[first.0].id.as_str(), name);
    }

    #[test]
    fn a_name_is_cut_to_64_characters() {
        for (long, chars) in [
            ("é".repeat(64), 64),
            ("é".repeat(100), 64),
            ("x".repeat(63), 63),
        ] {
            assert_eq!(model_name(long.as_bytes()).chars().count(), chars);
        }
    }

    #[test]
    fn the_201st_name_is_other() {
        let mut names = Names::<ModelId>::new();
        for n in 0..MOST {
            assert_eq!(
                names.find(format!("m{n}").as_bytes(), model_name),
                (n, false)
            );
        }
        assert_eq!(names.find(b"one more", model_name), (MOST, true));
        assert_eq!(names.find(b"and more", model_name), (MOST, true));
        assert_eq!(names.find(b"m7", model_name), (7, false));
        assert_eq!(names.rows()[MOST].id.as_str(), OTHER);
        assert_eq!(names.rows().len(), MOST + 1);
    }

    #[test]
    fn forms_of_one_name_share_a_row_and_are_bounded() {
        let mut names = Names::<ModelId>::new();
        for n in 0..3 * MOST_FORMS {
            let form = format!("a{}", "\u{200b}".repeat(n % 64));
            assert_eq!(names.find(form.as_bytes(), model_name).0, 0);
        }
        assert!(names.forms.len() <= MOST_FORMS);
    }
}
