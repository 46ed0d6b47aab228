//! Rust source as text: without comments, literals and test modules.

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
