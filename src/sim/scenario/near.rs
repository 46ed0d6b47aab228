//! Words for mistakes in a file: its line, and the nearest valid name.

/// The line of a byte offset, from 1.
pub(super) fn line_of(text: &str, start: usize) -> usize {
    text.get(..start)
        .map_or(1, |before| before.matches('\n').count() + 1)
}

/// serde's message, with the nearest of the names it expected.
pub(super) fn sentence(message: &str) -> String {
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

/// `, did you mean …?` in brackets, when a name is near.
pub(super) fn meant<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> String {
    names
        .map(|name| (distance(wrong, name), name))
        .min()
        .filter(|(far, name)| *far <= name.chars().count().div_ceil(2))
        .map_or(String::new(), |(_, name)| {
            format!(" (did you mean `{name}`?)")
        })
}

/// Insertions, deletions and replacements from one to the other (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(60).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().take(60).enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}
