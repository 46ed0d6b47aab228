//! What both ends of a case say about the gateway between them. Pure.

use super::{
    case::{Case, Piece, RATE_LIMIT_HEADERS, Script},
    examine::{Answered, BETA, RETRY_COUNT, Seen, TARGET},
    upstream::Arrived,
};
use crate::{
    domain::{
        answer::sse::{Event, Reader},
        checkup::{Check, Finding, Grade},
        clean::clean,
    },
    net::body::End,
};
use serde_json::Value;
use std::io::Read;

/// Most bytes that a compressed answer of ours may become.
const MOST_INFLATED: u64 = 1 << 20;
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

/// What arrived upstream.
fn upwards(seen: &Seen) -> Vec<Finding> {
    let mut found = Vec::new();
    let Some(first) = seen.arrived.first() else {
        if seen.case == Case::Plain {
            found.push(Finding::of(
                Check::RequestBody,
                false,
                "a plain request did not arrive upstream",
            ));
        }
        return found;
    };
    // A failed answer invites retries; of those the gateway should make none of its own.
    let times = seen.arrived.len();
    if times > 1 || matches!(seen.case, Case::Refused | Case::Overloaded) {
        found.push(Finding::of(
            Check::OwnRetries,
            times == 1,
            if times == 1 {
                "a refused request was sent once".to_owned()
            } else {
                format!("one request was sent {times} times: these retries stack on the client's")
            },
        ));
    }
    if seen.case == Case::Plain {
        found.push(request_body(&seen.sent, first));
        found.push(metadata(&seen.sent, first));
        found.push(upstream_header(Check::RetryCount, RETRY_COUNT, first));
        found.push(version_headers(first));
        found.push(Finding::of(
            Check::Query,
            first.target.ends_with(TARGET),
            format!("{} arrived upstream", clean(&first.target, MOST_SHOWN)),
        ));
    }
    found
}

fn request_body(sent: &[u8], arrived: &Arrived) -> Finding {
    let same = sent == arrived.body.as_ref();
    let read = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).ok();
    let evidence = if same {
        format!("{} bytes arrived as they were sent", sent.len())
    } else if read(sent) == read(&arrived.body) {
        format!(
            "written anew, with the same content: {} bytes became {}",
            sent.len(),
            arrived.body.len()
        )
    } else {
        format!(
            "written anew: {} bytes became {}{}",
            sent.len(),
            arrived.body.len(),
            differing(read(sent), read(&arrived.body))
        )
    };
    Finding::of(Check::RequestBody, same, evidence)
}

/// Top-level keys that were lost or came up on the way.
fn differing(sent: Option<Value>, arrived: Option<Value>) -> String {
    let (Some(Value::Object(sent)), Some(Value::Object(arrived))) = (sent, arrived) else {
        return String::new();
    };
    let lost: Vec<_> = sent
        .keys()
        .filter(|it| !arrived.contains_key(*it))
        .collect();
    let new: Vec<_> = arrived
        .keys()
        .filter(|it| !sent.contains_key(*it))
        .collect();
    let list = |what: &str, keys: &[&String]| match keys {
        [] => String::new(),
        keys => {
            let keys: Vec<_> = keys.iter().map(|key| clean(key, 30)).collect();
            format!(", {what} {}", clean(&keys.join(" and "), MOST_SHOWN))
        }
    };
    list("without", &lost) + &list("with", &new)
}

fn metadata(sent: &[u8], arrived: &Arrived) -> Finding {
    let of = |bytes: &[u8]| {
        let body = serde_json::from_slice::<Value>(bytes).ok()?;
        body.pointer("/metadata/user_id").cloned()
    };
    let found = of(&arrived.body);
    let same = found.is_some() && found == of(sent);
    Finding::of(
        Check::Metadata,
        same,
        match (same, found) {
            (true, _) => "metadata.user_id arrived".to_owned(),
            (_, Some(other)) => format!("user_id became {}", clean(&other.to_string(), MOST_SHOWN)),
            (_, None) => "metadata.user_id did not arrive".to_owned(),
        },
    )
}

fn upstream_header(check: Check, (name, value): (&str, &str), arrived: &Arrived) -> Finding {
    let found = arrived.header(name);
    Finding::of(
        check,
        found == Some(value),
        match found {
            Some(found) if found == value => format!("{value} arrived upstream"),
            Some(found) => format!("{value} became {}", clean(found, MOST_SHOWN)),
            None => "did not arrive upstream: retries of clients cannot be told apart".to_owned(),
        },
    )
}

fn version_headers(arrived: &Arrived) -> Finding {
    let version = arrived.header("anthropic-version");
    let beta = arrived.header(BETA.0);
    let kept = beta.is_some_and(|beta| beta.split(',').any(|one| one.trim() == BETA.1));
    Finding::of(
        Check::VersionHeaders,
        version.is_some() && kept,
        match (version, kept) {
            (Some(version), true) => format!(
                "anthropic-version {} and the beta arrived upstream",
                clean(version, MOST_SHOWN)
            ),
            (Some(_), false) => "anthropic-beta did not arrive upstream".to_owned(),
            (None, true) => "anthropic-version did not arrive upstream".to_owned(),
            (None, false) => "neither of them arrived upstream".to_owned(),
        },
    )
}

fn retry_after(answered: &Answered) -> Finding {
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

fn header(check: Check, name: &str, answered: &Answered, script: &Script) -> Finding {
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

fn request_id(answered: &Answered, script: &Script) -> Finding {
    header(Check::RequestId, "request-id", answered, script)
}

fn rate_limit_headers(answered: &Answered, script: &Script) -> Finding {
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
fn prefixed(answered: &Answered) -> Option<String> {
    answered.headers.keys().find_map(|name| {
        let at = name.as_str().find("anthropic-ratelimit-")?;
        let prefix = name
            .as_str()
            .get(..at)
            .filter(|prefix| !prefix.is_empty())?;
        Some(clean(prefix, 40))
    })
}

fn error_body(answered: &Answered, script: &Script) -> Finding {
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

fn overloaded(answered: &Answered) -> Finding {
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

fn read_events(body: &[u8]) -> Vec<Event> {
    let mut events = Vec::new();
    let mut reader = Reader::new();
    if reader.push(body, &mut events).is_ok() {
        events.extend(reader.finish());
    }
    events
}

fn events(answered: &Answered, script: &Script) -> Finding {
    let sent = script.body();
    let (expected, arrived) = (read_events(&sent), read_events(&answered.body));
    let data = |event: &Event| serde_json::from_str::<Value>(&event.data).ok();
    let same = |(a, b): (&Event, &Event)| a.name == b.name && data(a) == data(b);
    let whole = expected.len() == arrived.len() && expected.iter().zip(&arrived).all(same);
    let unnamed = arrived.iter().filter(|event| event.name.is_empty()).count();
    Finding::of(
        Check::EventLines,
        whole,
        if answered.body == sent {
            format!("{} events arrived byte for byte", arrived.len())
        } else if whole {
            format!("{} events arrived, written anew", arrived.len())
        } else if arrived.is_empty() {
            format!("no events arrived but {}", kind_of(answered))
        } else if unnamed > 0 {
            format!(
                "{unnamed} of {} events lost their event: line",
                arrived.len()
            )
        } else {
            format!(
                "{} events were sent, {} arrived, and not the same",
                expected.len(),
                arrived.len()
            )
        },
    )
}

fn stream_error(answered: &Answered, script: &Script) -> Finding {
    let arrived = read_events(&answered.body);
    let error = arrived.iter().find(|event| event.name == "error");
    let kind = error
        .and_then(|event| serde_json::from_str::<Value>(&event.data).ok())
        .and_then(|data| Some(data.pointer("/error/type")?.as_str()?.to_owned()));
    let whole = kind.as_deref() == Some("overloaded_error");
    Finding::of(
        Check::StreamError,
        whole,
        if answered.body == script.body() {
            "the error event arrived byte for byte".to_owned()
        } else if whole {
            "the error event arrived, written anew".to_owned()
        } else if let Some(last) = arrived.last() {
            format!(
                "the error event was lost: the last is {}",
                clean(&last.name, 30)
            )
        } else {
            format!("no events arrived but {}", kind_of(answered))
        },
    )
}

fn cut(answered: &Answered) -> Finding {
    let arrived = read_events(&answered.body);
    let told = arrived.iter().any(|event| event.name == "error");
    match (&answered.end, answered.status) {
        (End::Broken(_), _) => Finding::new(
            Check::CutStream,
            Grade::Pass,
            "the connection broke here as well",
        ),
        (_, 200) if told => Finding::new(
            Check::CutStream,
            Grade::Pass,
            "the gateway ended the stream with an error event",
        ),
        (_, 200) => Finding::new(
            Check::CutStream,
            Grade::Fail,
            "a stream that broke ended cleanly: clients take a part for the whole",
        ),
        (_, status) => Finding::new(
            Check::CutStream,
            Grade::Pass,
            format!("the gateway answered {status} instead"),
        ),
    }
}

fn compressed(answered: &Answered, script: &Script) -> Finding {
    let sent = script.body();
    let plain = inflated(&sent);
    let encoding = answered.header("content-encoding");
    let (whole, evidence) = match encoding {
        Some("gzip") if answered.body == sent => (true, "gzip arrived byte for byte".to_owned()),
        Some("gzip") if inflated(&answered.body) == plain => {
            (true, "gzip arrived, packed anew".to_owned())
        }
        None if Some(&answered.body) == plain.as_ref() => {
            (true, "arrived unpacked, and says so".to_owned())
        }
        None if answered.body == sent => (
            false,
            "arrived packed without content-encoding: clients read garbage".to_owned(),
        ),
        Some(encoding) => (
            false,
            format!(
                "says {} and cannot be read as that",
                clean(encoding, MOST_SHOWN)
            ),
        ),
        None => (false, "arrived as other bytes".to_owned()),
    };
    Finding::of(Check::Compression, whole, evidence)
}

fn inflated(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(bytes)
        .take(MOST_INFLATED)
        .read_to_end(&mut plain)
        .ok()?;
    Some(plain)
}

fn big(seen: &Seen, answered: &Answered, script: &Script) -> Finding {
    let megabytes = |bytes: usize| bytes as f64 / 1e6;
    let up = seen
        .arrived
        .first()
        .is_some_and(|arrived| arrived.body.len().abs_diff(seen.sent.len()) < 4_096);
    let expected: usize = script
        .pieces
        .iter()
        .map(|piece| match piece {
            Piece::Bytes(bytes) => bytes.len(),
            Piece::Withhold | Piece::Cut => 0,
        })
        .sum();
    let down = answered.body.len().abs_diff(expected) < 4_096 && answered.end == End::Whole;
    let sent = megabytes(seen.sent.len());
    Finding::of(
        Check::BigBodies,
        up && down,
        match (up, down) {
            (true, true) => format!(
                "{sent:.0} MB went up, {:.0} MB came down",
                megabytes(expected)
            ),
            (false, _) if seen.arrived.is_empty() => format!(
                "{sent:.0} MB did not arrive upstream: answered {}",
                answered.status
            ),
            (false, _) => format!("{sent:.0} MB did not arrive whole upstream"),
            (true, false) => format!(
                "of an answer of {:.0} MB {:.1} MB came down",
                megabytes(expected),
                megabytes(answered.body.len())
            ),
        },
    )
}

/// What the answer calls itself.
fn kind_of(answered: &Answered) -> String {
    let kind = answered.header("content-type").unwrap_or("an unnamed body");
    format!("{} with {}", answered.status, clean(kind, MOST_SHOWN))
}
