//! The source of the house: its files, and Rust as text without comments, literals and test modules.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

/// One file of `src/`.
pub struct File {
    /// Path below `src/`, with forward slashes.
    pub path: String,
    /// Without what stands in comments and literals.
    pub bare: String,
    /// Without its test modules either.
    pub plain: String,
    /// A file that is compiled for tests only.
    pub test: bool,
}

impl File {
    /// The room, or the name of a loose file.
    pub fn room(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// How many modules deep the file is: `lib.rs` 0, `clock.rs` and `api/mod.rs` 1.
    pub fn depth(&self) -> usize {
        let mut parts = self.path.split('/').collect::<Vec<_>>();
        if parts.last() == Some(&"mod.rs") || self.path == "lib.rs" || self.path == "main.rs" {
            parts.pop();
        }
        parts.len()
    }
}

pub fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every file of `src/`, read once for all tests.
pub fn files() -> &'static [File] {
    static FILES: LazyLock<Vec<File>> = LazyLock::new(read);
    &FILES
}

fn walk(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
}

/// Every file of Rust, tests and benches too, by its path below the crate's root, with its lines.
pub fn lengths() -> Vec<(String, usize)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    for part in ["src", "tests/it", "tests/long", "benches"] {
        walk(&root.join(part), &mut paths);
    }
    let length = |path: PathBuf| {
        let below = path.strip_prefix(root).unwrap().to_string_lossy();
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        (below.replace('\\', "/"), lines)
    };
    paths.into_iter().map(length).collect()
}

fn read() -> Vec<File> {
    let mut paths = Vec::new();
    walk(&src(), &mut paths);
    paths.sort();
    let file = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        let bare = bare(&text);
        let below = path.strip_prefix(src()).unwrap().to_string_lossy();
        File {
            path: below.replace('\\', "/"),
            plain: without_tests(&bare),
            bare,
            test: false,
        }
    };
    let mut files = paths.iter().map(file).collect::<Vec<_>>();
    let test_only = test_modules(&files);
    for file in &mut files {
        file.test = test_only
            .iter()
            .any(|m| file.path == format!("{m}.rs") || file.path.starts_with(&format!("{m}/")));
    }
    files
}

/// Modules declared as `#[cfg(test)] mod name;`, as paths below `src/` without their ending.
fn test_modules(files: &[File]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in files {
        let folder = file
            .path
            .strip_suffix("mod.rs")
            .map(str::to_owned)
            .or_else(|| (file.path == "lib.rs").then(String::new))
            .unwrap_or_else(|| file.path.trim_end_matches(".rs").to_owned() + "/");
        let text = &file.bare;
        for (at, mark) in text.match_indices("#[cfg(test)]") {
            let rest = text[at + mark.len()..].trim_start();
            let rest = rest.strip_prefix("pub(crate)").unwrap_or(rest).trim_start();
            let rest = rest.strip_prefix("pub").unwrap_or(rest).trim_start();
            if let Some(name) = rest.strip_prefix("mod ")
                && let Some(end) = name.find([';', '{'])
                && name[end..].starts_with(';')
            {
                found.insert(format!("{folder}{}", name[..end].trim()));
            }
        }
    }
    found
}

/// The source with the inside of comments, strings and character literals blanked; lines stay where
/// they are.
pub fn bare(source: &str) -> String {
    let chars = source.chars().collect::<Vec<_>>();
    let mut out = String::with_capacity(source.len());
    let mut i = 0;
    while i < chars.len() {
        let end = skip(&chars, i);
        if end > i {
            out.extend(
                chars[i..end]
                    .iter()
                    .map(|c| if *c == '\n' { '\n' } else { ' ' }),
            );
            i = end;
        } else {
            out.push(chars[i]);
            i += 1;
        }
    }
    out
}

/// Where the comment or literal that starts at `i` ends; `i` itself when none does.
fn skip(chars: &[char], i: usize) -> usize {
    let at = |n: usize| chars.get(n).copied().unwrap_or('\0');
    let in_word = i > 0 && (at(i - 1).is_alphanumeric() || at(i - 1) == '_');
    match at(i) {
        '/' if at(i + 1) == '/' => find(chars, i, |n| at(n) == '\n'),
        '/' if at(i + 1) == '*' => {
            let (mut level, mut n) = (0, i);
            while n < chars.len() {
                match (at(n), at(n + 1)) {
                    ('/', '*') => (level, n) = (level + 1, n + 2),
                    ('*', '/') => (level, n) = (level - 1, n + 2),
                    _ => n += 1,
                }
                if level == 0 {
                    return n;
                }
            }
            n
        }
        'r' if !in_word || at(i - 1) == 'b' => {
            let hashes = chars[i + 1..].iter().take_while(|c| **c == '#').count();
            if at(i + 1 + hashes) != '"' {
                return i;
            }
            let close = |n: usize| at(n) == '"' && (1..=hashes).all(|k| at(n + k) == '#');
            (find(chars, i + 2 + hashes, close) + 1 + hashes).min(chars.len())
        }
        '"' => {
            let mut n = i + 1;
            while n < chars.len() && at(n) != '"' {
                n += if at(n) == '\\' { 2 } else { 1 };
            }
            (n + 1).min(chars.len())
        }
        '\'' if at(i + 1) == '\\' => (find(chars, i + 3, |n| at(n) == '\'') + 1).min(chars.len()),
        '\'' if at(i + 2) == '\'' => i + 3,
        _ => i,
    }
}

fn find(chars: &[char], from: usize, is: impl Fn(usize) -> bool) -> usize {
    (from..chars.len()).find(|n| is(*n)).unwrap_or(chars.len())
}

/// Bare source with every `#[cfg(test)]` item blanked.
pub fn without_tests(bare: &str) -> String {
    let mut out = bare.to_owned();
    while let Some(start) = out.find("#[cfg(test)]") {
        let rest = &out[start..];
        let open = rest.find('{').unwrap_or(rest.len());
        let end = match rest.find(';') {
            Some(semicolon) if semicolon < open => semicolon + 1,
            _ => closing(rest, open),
        };
        let blank = rest[..end]
            .chars()
            .map(|c| if c == '\n' { '\n' } else { ' ' })
            .collect::<String>();
        out.replace_range(start..start + end, &blank);
    }
    out
}

/// Just behind the brace that closes the one at `open`.
fn closing(text: &str, open: usize) -> usize {
    let mut level = 0;
    for (at, c) in text[open..].char_indices() {
        match c {
            '{' => level += 1,
            '}' => level -= 1,
            _ => {}
        }
        if level == 0 {
            return open + at + c.len_utf8();
        }
    }
    text.len()
}

#[test]
fn comments_strings_and_tests_are_blanked() {
    let source = "let a = \"x // y\"; /* b /* c */ d */ let e = 'f'; r#\"g\"h\"#; &'life i\n#[cfg(test)]\nmod t { fn u() { } }\nfn v() {}";
    let text = bare(source);
    assert_eq!(text.matches('\n').count(), 3);
    for gone in ["x", "y", "b", "c ", "g", "h"] {
        assert!(!text.contains(&format!("\"{gone}")), "{text}");
    }
    assert!(text.contains("&'life i") && text.contains("fn u"), "{text}");
    let text = without_tests(&text);
    assert!(!text.contains("fn u") && text.contains("fn v"), "{text}");
}
