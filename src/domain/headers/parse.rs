//! From header lines to a [`Reading`]. Total: what cannot be understood is kept raw, never guessed.

use super::{Hint, Level, Reading, unified::unified};
use crate::domain::{
    clean::clean,
    id::Limiter,
    limit::KNOWN,
    time::{Time, seconds_between},
};
use chrono::{DateTime, NaiveDateTime, Utc};
use std::{borrow::Cow, sync::LazyLock};

/// Characters kept of a header value that is shown raw.
const RAW_CHARS: usize = 200;
/// Raw headers kept of one head; a hostile server may send any number.
const RAW_HEADERS: usize = 64;
/// A bucket that takes longer than this many seconds to fill is not believed (a daily limit takes
/// 86,400).
const LONGEST_REFILL_S: f64 = 366.0 * 86_400.0;

/// Names of the table, made once: a reading only counts references.
static LIMITERS: LazyLock<Vec<Limiter>> = LazyLock::new(|| {
    KNOWN
        .iter()
        .map(|known| Limiter::from(known.limiter))
        .collect()
});

/// A header as it came.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    name: &'a str,
    value: &'a [u8],
    /// Whether the name carries a gateway's prefix; a line without one is preferred.
    prefixed: bool,
}

impl<'a> Line<'a> {
    /// The value without surrounding blanks, when it is plain ASCII.
    pub(super) fn ascii(&self) -> Option<&'a str> {
        self.value
            .is_ascii()
            .then(|| std::str::from_utf8(self.value).ok())
            .flatten()
            .map(str::trim)
    }

    /// The value as cleaned text; none when nothing is left of it.
    pub(super) fn text(&self) -> Option<String> {
        let text = clean(String::from_utf8_lossy(self.value).trim(), RAW_CHARS);
        (!text.is_empty()).then_some(text)
    }

    fn raw(&self) -> (String, String) {
        let value = clean(&String::from_utf8_lossy(self.value), RAW_CHARS);
        (clean(self.name, RAW_CHARS), value)
    }
}

/// The last header of one name that counts: the first without a prefix, else the first.
#[derive(Clone, Copy, Default)]
struct Slot<'a>(Option<Line<'a>>);

impl<'a> Slot<'a> {
    fn offer(&mut self, line: Line<'a>) {
        if self.0.is_none_or(|held| held.prefixed && !line.prefixed) {
            self.0 = Some(line);
        }
    }
}

#[derive(Clone, Copy, Default)]
struct Triple<'a> {
    limit: Slot<'a>,
    remaining: Slot<'a>,
    reset: Slot<'a>,
}

#[derive(Default)]
struct Found<'a> {
    date: Slot<'a>,
    organization: Slot<'a>,
    workspace: Slot<'a>,
    request: Slot<'a>,
    retry_after: Slot<'a>,
    retry_after_ms: Slot<'a>,
    should_retry: Slot<'a>,
    triples: [Triple<'a>; KNOWN.len()],
    unified: Vec<(String, Line<'a>)>,
    unknown: Vec<Line<'a>>,
}

/// What one response head says about limits.
///
/// `at` is the arrival of the head. Names may be in any case and may carry a gateway's prefix
/// (`llm_provider-anthropic-…`, as LiteLLM writes it). A family with a limit and a remaining becomes a
/// [`Level`]; what is incomplete or cannot be parsed stays in `unknown`.
pub fn read<'a>(headers: impl Iterator<Item = (&'a str, &'a [u8])>, at: Time) -> Reading {
    let mut found = Found::default();
    for (name, value) in headers {
        sort(&mut found, name, value);
    }
    let mut unknown = Vec::new();
    let date = found
        .date
        .0
        .and_then(|line| line.ascii())
        .and_then(http_date);
    let then = date.unwrap_or(at);
    let hint = hint(&found, then, &mut unknown);
    let levels = found
        .triples
        .iter()
        .enumerate()
        .filter_map(|(row, triple)| level(row, triple, then, &mut unknown))
        .collect();
    let unified = unified(&found.unified, &mut unknown);
    unknown.extend(found.unknown);
    Reading {
        at,
        date,
        organization: found.organization.0.and_then(|l| l.text()).map(Into::into),
        workspace: found.workspace.0.and_then(|l| l.text()).map(Into::into),
        request: found.request.0.and_then(|l| l.text()).map(Into::into),
        hint,
        levels,
        unified,
        unknown: unknown.iter().take(RAW_HEADERS).map(Line::raw).collect(),
        raw: Vec::new(),
    }
}

/// The headers that [`read`] looks at, as they came (cleaned, cut), for evidence and for support.
pub fn raw_rate_limit_headers<'a>(
    headers: impl Iterator<Item = (&'a str, &'a [u8])>,
) -> Vec<(String, String)> {
    headers
        .filter(|(name, _)| is_of_interest(&lowercase(name)))
        .take(RAW_HEADERS)
        .map(|(name, value)| {
            let line = Line {
                name,
                value,
                prefixed: false,
            };
            line.raw()
        })
        .collect()
}

fn lowercase(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

/// A name from `anthropic-` on, and whether anything stood before it.
fn after_prefix(name: &str) -> Option<(&str, bool)> {
    let start = name.rfind("anthropic-")?;
    Some((name.get(start..)?, start > 0))
}

/// LiteLLM hands on every header of the provider under this prefix.
const GATEWAY: &str = "llm_provider-";

fn is_of_interest(name: &str) -> bool {
    if let Some((bare, _)) = after_prefix(name) {
        return is_limit_header(bare)
            || matches!(bare, "anthropic-organization-id" | "anthropic-workspace-id");
    }
    let bare = name.strip_prefix(GATEWAY).unwrap_or(name);
    matches!(
        bare,
        "date" | "request-id" | "retry-after" | "retry-after-ms" | "x-should-retry"
    )
}

/// Whether an `anthropic-…` header looks as if it spoke of a limit.
fn is_limit_header(bare: &str) -> bool {
    bare.starts_with("anthropic-ratelimit-")
        || bare.starts_with("anthropic-fast-")
        || bare.starts_with("anthropic-priority-")
        || matches!(
            bare.rsplit_once('-'),
            Some((_, "limit" | "remaining" | "reset" | "utilization"))
        )
}

fn sort<'a>(found: &mut Found<'a>, name: &'a str, value: &'a [u8]) {
    let lower = lowercase(name);
    let line = |prefixed| Line {
        name,
        value,
        prefixed,
    };
    if let Some((bare, prefixed)) = after_prefix(&lower) {
        sort_own(found, bare, line(prefixed));
        return;
    }
    let (bare, prefixed) = lower
        .strip_prefix(GATEWAY)
        .map_or((lower.as_ref(), false), |bare| (bare, true));
    let slot = match bare {
        "date" => &mut found.date,
        "request-id" => &mut found.request,
        "retry-after" => &mut found.retry_after,
        "retry-after-ms" => &mut found.retry_after_ms,
        "x-should-retry" => &mut found.should_retry,
        _ => return,
    };
    slot.offer(line(prefixed));
}

/// Files a header whose bare name begins with `anthropic-`.
fn sort_own<'a>(found: &mut Found<'a>, bare: &str, line: Line<'a>) {
    match bare {
        "anthropic-organization-id" => return found.organization.offer(line),
        "anthropic-workspace-id" => return found.workspace.offer(line),
        _ => {}
    }
    if let Some(rest) = bare.strip_prefix("anthropic-ratelimit-unified-") {
        if found.unified.len() < RAW_HEADERS {
            found.unified.push((rest.to_owned(), line));
        }
        return;
    }
    if let Some((stem, suffix)) = bare.rsplit_once('-') {
        let row = KNOWN.iter().position(|known| known.stem == stem);
        if let Some(triple) = row.and_then(|row| found.triples.get_mut(row)) {
            match suffix {
                "limit" => return triple.limit.offer(line),
                "remaining" => return triple.remaining.offer(line),
                "reset" => return triple.reset.offer(line),
                _ => {}
            }
        }
    }
    if is_limit_header(bare) && found.unknown.len() < RAW_HEADERS {
        found.unknown.push(line);
    }
}

fn level<'a>(
    row: usize,
    triple: &Triple<'a>,
    then: Time,
    unknown: &mut Vec<Line<'a>>,
) -> Option<Level> {
    let number = |slot: Slot<'a>| slot.0.and_then(|line| line.ascii()).and_then(whole_number);
    let (Some(limit), Some(remaining)) = (number(triple.limit), number(triple.remaining)) else {
        unknown.extend(
            [triple.limit.0, triple.remaining.0, triple.reset.0]
                .iter()
                .flatten(),
        );
        return None;
    };
    let full_in_s = triple.reset.0.and_then(|line| {
        let seconds = line
            .ascii()
            .and_then(instant)
            .map(|reset| seconds_between(then, reset).max(0.0))
            .filter(|seconds| *seconds <= LONGEST_REFILL_S);
        if seconds.is_none() {
            unknown.push(line);
        }
        seconds
    });
    let known = KNOWN.get(row)?;
    Some(Level {
        limiter: LIMITERS.get(row)?.clone(),
        dimension: known.dimension,
        family: known.family,
        limit,
        remaining,
        full_in_s,
    })
}

fn hint<'a>(found: &Found<'a>, then: Time, unknown: &mut Vec<Line<'a>>) -> Hint {
    let mut take = |slot: Slot<'a>, parse: &dyn Fn(&str) -> Option<f64>| {
        let line = slot.0?;
        let value = line.ascii().and_then(parse);
        if value.is_none() {
            unknown.push(line);
        }
        value
    };
    let retry_after_ms_s = take(found.retry_after_ms, &|text| {
        finite(text).map(|ms| ms / 1e3)
    });
    let retry_after_s = take(found.retry_after, &|text| {
        finite(text).or_else(|| http_date(text).map(|date| seconds_between(then, date)))
    });
    let should_retry = take(found.should_retry, &|text| match text {
        // Lower case only, as the SDKs read it.
        "true" => Some(1.0),
        "false" => Some(0.0),
        _ => None,
    });
    Hint {
        retry_after_ms_s,
        retry_after_s,
        should_retry: should_retry.map(|yes| yes > 0.5),
    }
}

/// Digits only: a sign, a fraction, a comma or an overflow is not a number here.
fn whole_number(text: &str) -> Option<u64> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

pub(super) fn finite(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|number| number.is_finite())
}

/// RFC 3339, or Unix epoch seconds (subscription headers).
pub(super) fn instant(text: &str) -> Option<Time> {
    if let Some(seconds) = whole_number(text) {
        return DateTime::<Utc>::from_timestamp(i64::try_from(seconds).ok()?, 0);
    }
    DateTime::parse_from_rfc3339(text)
        .ok()
        .map(|time| time.with_timezone(&Utc))
}

/// `Tue, 24 Nov 2026 12:00:00 GMT`, or one of the two obsolete forms that a recipient must still
/// accept (RFC 9110, 5.6.7).
fn http_date(text: &str) -> Option<Time> {
    if let Ok(time) = DateTime::parse_from_rfc2822(text) {
        return Some(time.with_timezone(&Utc));
    }
    ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
        .map(|time| time.and_utc())
}
