//! What both ends of a case say about the gateway between them. Pure.

mod bodies;
mod heads;
mod upwards;

use super::{
    case::Case,
    examine::{Answered, Seen},
};
use crate::domain::{
    checkup::{Check, Finding, Grade},
    clean::clean,
};
use bodies::{big, compressed, cut, events, kind_of, read_events, stream_error};
use heads::{
    error_body, header, overloaded, prefixed, rate_limit_headers, request_id, retry_after,
};
use upwards::upwards;

/// Characters of a foreign value in a sentence.
const MOST_SHOWN: usize = 60;

/// What a case shows.
pub(super) fn judge(seen: &Seen) -> Vec<Finding> {
    let script = seen.case.script();
    let mut found = upwards(seen);
    let answered = match &seen.answered {
        Ok(answered) => answered,
        Err(broken) => {
            let why = format!("no answer came back: {}", broken.how);
            found.extend(checks_of(seen.case).iter().map(|check| {
                // A gateway that drops the whole answer of a broken stream does not make it look whole.
                let grade = if *check == Check::CutStream {
                    Grade::Pass
                } else {
                    Grade::Fail
                };
                Finding::new(*check, grade, why.clone())
            }));
            return found;
        }
    };
    match seen.case {
        Case::Stream => {
            found.push(rate_limit_headers(answered, &script));
            found.push(request_id(answered, &script));
            found.push(events(answered, &script));
            found.push(Finding::of(
                Check::FirstEvent,
                !seen.withheld_in_vain,
                if seen.withheld_in_vain {
                    "the first event came only after the last had been sent: the gateway collects the answer"
                } else {
                    "the first event was here before the next had been sent"
                },
            ));
        }
        Case::Plain => {}
        Case::Refused => {
            found.push(retry_after(answered));
            found.push(header(
                Check::ShouldRetry,
                "x-should-retry",
                answered,
                &script,
            ));
            found.push(error_body(answered, &script));
            found.push(rate_limit_headers(answered, &script));
        }
        Case::Overloaded => found.push(overloaded(answered)),
        Case::StreamError => found.push(stream_error(answered, &script)),
        Case::CutStream => found.push(cut(answered)),
        Case::Compressed => found.push(compressed(answered, &script)),
        Case::Big => found.push(big(seen, answered, &script)),
    }
    found
}

/// What one real call shows: only what comes back, and only what has no other explanation.
pub(super) fn from_outside(answered: &Answered) -> Vec<Finding> {
    let mut found = Vec::new();
    let limits = answered
        .headers
        .keys()
        .filter(|name| name.as_str().starts_with("anthropic-ratelimit-"))
        .count();
    found.push(match (limits, prefixed(answered)) {
        (0, Some(prefix)) => Finding::new(
            Check::RateLimitHeaders,
            Grade::Fail,
            format!("they arrive as {prefix}…: ratetop reads that, other clients do not"),
        ),
        (0, None) if answered.status != 200 => Finding::new(
            Check::RateLimitHeaders,
            Grade::Unknown,
            format!("none arrived, and a {} need not carry any", answered.status),
        ),
        (0, None) => Finding::new(
            Check::RateLimitHeaders,
            Grade::Unknown,
            "none arrived: the gateway strips them, or the account has none",
        ),
        (n, _) => Finding::new(
            Check::RateLimitHeaders,
            Grade::Pass,
            format!("{n} of them arrived"),
        ),
    });
    found.push(match answered.header("request-id") {
        Some(id) => Finding::new(
            Check::RequestId,
            Grade::Pass,
            format!("{} arrived", clean(id, MOST_SHOWN)),
        ),
        None => Finding::new(
            Check::RequestId,
            Grade::Fail,
            "none arrived: support cannot find the call",
        ),
    });
    if answered.status == 200 {
        let events = read_events(&answered.body);
        let named = events.iter().filter(|event| !event.name.is_empty()).count();
        let whole = events
            .last()
            .is_some_and(|last| last.name == "message_stop");
        found.push(Finding::of(
            Check::EventLines,
            whole && named == events.len(),
            match (events.len(), named) {
                (0, _) => format!("no events arrived but {}", kind_of(answered)),
                (all, named) if named < all => {
                    format!("{} of {all} events have no event: line", all - named)
                }
                (all, _) if whole => format!("{all} events, message_stop the last"),
                (all, _) => format!("{all} events, and no message_stop"),
            },
        ));
    }
    found
}

/// What is compared when an answer comes back; all of it fails when none does.
fn checks_of(case: Case) -> &'static [Check] {
    match case {
        Case::Stream => &[
            Check::RateLimitHeaders,
            Check::RequestId,
            Check::EventLines,
            Check::FirstEvent,
        ],
        Case::Plain => &[],
        Case::Refused => &[Check::RetryAfter, Check::ShouldRetry, Check::ErrorBody],
        Case::Overloaded => &[Check::Overloaded],
        Case::StreamError => &[Check::StreamError],
        Case::CutStream => &[Check::CutStream],
        Case::Compressed => &[Check::Compression],
        Case::Big => &[Check::BigBodies],
    }
}
