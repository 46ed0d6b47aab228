//! What the prose of an error message says. Wording is not promised (SDK docs), so nothing here is
//! required to match, and what does is one piece of evidence among others.

use super::Cause;

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    /// What it is about.
    pub(super) about: About,
    /// The limit in force, as the text has it.
    pub(super) limit: Option<u64>,
    /// A ramp's next allowance.
    pub(super) next: Option<u64>,
    /// `model: …` in the text.
    pub(super) model: Option<String>,
}

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// A limit per minute.
    Limit(Cause),
    /// Growth of one dimension; the cause names the dimension where the text does.
    Ramp(Option<Cause>),
    /// Connections at once.
    Concurrency,
    /// Long prompts of a subscription need paid extra usage.
    LongContext,
    /// An account's limit that is not named.
    Opaque,
    /// The tier's or contract's cap.
    SpendCap,
    /// A spend limit that the customer set; true for a workspace's.
    SpendLimit(bool),
    /// The Compliance API's own limit, which is not one of the Messages API.
    Compliance,
}

const UNITS: [(&str, Cause); 3] = [
    ("input tokens", Cause::InputTokensPerMinute),
    ("output tokens", Cause::OutputTokensPerMinute),
    ("requests", Cause::RequestsPerMinute),
];

/// Reads a message, whatever its case.
pub(super) fn read(message: &str) -> Option<Said> {
    let text = message.to_ascii_lowercase();
    let about = |about| {
        Some(Said {
            about,
            limit: None,
            next: None,
            model: model(message, &text),
        })
    };
    if text.contains("specified workspace api usage limit") {
        return about(About::SpendLimit(true));
    }
    if text.contains("specified api usage limit") {
        return about(About::SpendLimit(false));
    }
    if text.contains("reached your api usage limit") {
        return about(About::SpendCap);
    }
    if let Some(at) = text.find("usage increase rate") {
        let tail = &text[at..];
        let unit = UNITS
            .iter()
            .filter_map(|(unit, cause)| Some((tail.find(unit)?, *cause)))
            .min_by_key(|(at, _)| *at);
        return Some(Said {
            about: About::Ramp(unit.map(|(_, cause)| cause)),
            limit: number_after(tail, "current limit is "),
            next: number_after(tail, "increase to "),
            model: model(message, &text),
        });
    }
    if text.contains("concurrent connections") {
        return about(About::Concurrency);
    }
    if text.contains("extra usage is required") {
        return about(About::LongContext);
    }
    if let Some((limit, cause)) = per_minute(&text) {
        return Some(Said {
            about: if text.contains("compliance api") {
                About::Compliance
            } else {
                About::Limit(cause)
            },
            limit: Some(limit),
            next: None,
            model: model(message, &text),
        });
    }
    if text.contains("number of request tokens") {
        return about(About::Limit(Cause::Tokens));
    }
    if text.contains("account's rate limit") || text.trim().trim_end_matches('.') == "rate limited"
    {
        return about(About::Opaque);
    }
    None
}

/// `… of 30,000 input tokens per minute`, `… limit is 50 requests per minute`: the first number that
/// stands before a unit, where the text speaks of a rate limit at all.
fn per_minute(text: &str) -> Option<(u64, Cause)> {
    if !text.contains("limit") {
        return None;
    }
    text.match_indices(" per minute").find_map(|(at, _)| {
        let head = &text[..at];
        let (unit, cause) = UNITS.iter().find(|(unit, _)| head.ends_with(unit))?;
        let head = head.strip_suffix(unit)?.strip_suffix(' ')?;
        let digits = head
            .bytes()
            .rev()
            .take_while(|b| b.is_ascii_digit() || *b == b',')
            .count();
        let (before, digits) = head.split_at(head.len() - digits);
        (before.ends_with(" of ") || before.ends_with(" is "))
            .then(|| number(digits))?
            .map(|limit| (limit, *cause))
    })
}

fn number_after(text: &str, mark: &str) -> Option<u64> {
    let tail = &text[text.find(mark)? + mark.len()..];
    let end = tail
        .find(|c: char| !(c.is_ascii_digit() || c == ','))
        .unwrap_or(tail.len());
    number(&tail[..end])
}

/// `1,000,000` as a number. Anything longer than a `u64` is none.
fn number(text: &str) -> Option<u64> {
    let digits: String = text.chars().filter(|c| *c != ',').collect();
    digits.parse().ok()
}

/// `model: ID` inside brackets. `lower` is `message` in lower case, byte for byte as long.
fn model(message: &str, lower: &str) -> Option<String> {
    let start = lower.find("model: ")? + "model: ".len();
    let tail = message.get(start..)?;
    let end = tail
        .find(|c: char| c == ')' || c == ',' || c.is_whitespace())
        .unwrap_or(tail.len());
    let name = tail[..end].trim_end_matches('.');
    (!name.is_empty() && name.len() <= 100).then(|| name.to_owned())
}
