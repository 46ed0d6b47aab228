//! What became of statuses, headers and error bodies on the way back.

use super::MOST_SHOWN;
use crate::{
    doctor::{
        case::{RATE_LIMIT_HEADERS, Script},
        examine::Answered,
    },
    domain::{
        checkup::{Check, Finding},
        clean::clean,
    },
};
use serde_json::Value;

pub(super) fn retry_after(answered: &Answered) -> Finding {
    let asked = answered.header("retry-after");
    Finding::of(
        Check::RetryAfter,
        answered.status == 429 && asked == Some("17"),
        match (answered.status, asked) {
            (429, Some("17")) => "429 and 17 s arrived".to_owned(),
            (429, Some(other)) => format!("17 s became {}", clean(other, MOST_SHOWN)),
            (429, None) => "the 429 arrived, the 17 s it asked for did not".to_owned(),
            (status, _) => format!("the 429 became {status}"),
        },
    )
}

pub(super) fn header(check: Check, name: &str, answered: &Answered, script: &Script) -> Finding {
    let sent = script.header(name).unwrap_or_default();
    let found = answered.header(name);
    Finding::of(
        check,
        found == Some(sent),
        match found {
            Some(found) if found == sent => format!("{sent} arrived"),
            Some(found) => format!("{sent} became {}", clean(found, MOST_SHOWN)),
            None => format!("{sent} did not arrive"),
        },
    )
}

pub(super) fn request_id(answered: &Answered, script: &Script) -> Finding {
    header(Check::RequestId, "request-id", answered, script)
}

pub(super) fn rate_limit_headers(answered: &Answered, script: &Script) -> Finding {
    let lost = RATE_LIMIT_HEADERS
        .iter()
        .filter(|(name, _)| answered.header(name) != script.header(name))
        .map(|(name, _)| *name)
        .collect::<Vec<_>>();
    let all = RATE_LIMIT_HEADERS.len();
    let evidence = match (lost.as_slice(), prefixed(answered)) {
        ([], _) => format!("all {all} arrived"),
        (_, Some(prefix)) => {
            format!("they arrive as {prefix}…: ratetop reads that, other clients do not")
        }
        (lost, None) if lost.len() == all => format!("none of {all} arrived"),
        (lost, None) => format!(
            "{} of {all} did not arrive as sent, such as {}",
            lost.len(),
            lost.first().unwrap_or(&"")
        ),
    };
    Finding::of(Check::RateLimitHeaders, lost.is_empty(), evidence)
}

/// The prefix that a gateway puts before the names of headers it passes on.
pub(super) fn prefixed(answered: &Answered) -> Option<String> {
    answered.headers.keys().find_map(|name| {
        let at = name.as_str().find("anthropic-ratelimit-")?;
        let prefix = name
            .as_str()
            .get(..at)
            .filter(|prefix| !prefix.is_empty())?;
        Some(clean(prefix, 40))
    })
}

pub(super) fn error_body(answered: &Answered, script: &Script) -> Finding {
    let same = answered.body == script.body();
    let read = serde_json::from_slice::<Value>(&answered.body).ok();
    let code = read
        .as_ref()
        .and_then(|body| body.pointer("/error/details/error_code"));
    let kind = read.as_ref().and_then(|body| body.pointer("/error/type"));
    let whole =
        same || (code.is_some() && kind.and_then(Value::as_str) == Some("rate_limit_error"));
    Finding::of(
        Check::ErrorBody,
        whole,
        match (same, whole, &read) {
            (true, ..) => "arrived byte for byte".to_owned(),
            (_, true, _) => "written anew, with its type and code".to_owned(),
            (_, _, Some(_)) if kind.is_some() => {
                "error.details.error_code was lost: it tells limits apart".to_owned()
            }
            _ => format!(
                "became another body: {}",
                clean(&String::from_utf8_lossy(&answered.body), MOST_SHOWN)
            ),
        },
    )
}

pub(super) fn overloaded(answered: &Answered) -> Finding {
    let invented = answered.header("retry-after");
    Finding::of(
        Check::Overloaded,
        answered.status == 529 && invented.is_none(),
        match (answered.status, invented) {
            (529, None) => "529 arrived, without a hint that nobody gave".to_owned(),
            (529, Some(hint)) => {
                format!("the gateway added retry-after {}", clean(hint, MOST_SHOWN))
            }
            (status, _) => format!("the 529 became {status}"),
        },
    )
}
