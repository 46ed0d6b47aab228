//! What became of bodies on the way back: events, cuts, compression, size.

use super::MOST_SHOWN;
use crate::{
    doctor::{
        case::{Piece, Script},
        examine::{Answered, Seen},
    },
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

pub(super) fn read_events(body: &[u8]) -> Vec<Event> {
    let mut events = Vec::new();
    let mut reader = Reader::new();
    if reader.push(body, &mut events).is_ok() {
        events.extend(reader.finish());
    }
    events
}

pub(super) fn events(answered: &Answered, script: &Script) -> Finding {
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

pub(super) fn stream_error(answered: &Answered, script: &Script) -> Finding {
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

pub(super) fn cut(answered: &Answered) -> Finding {
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

pub(super) fn compressed(answered: &Answered, script: &Script) -> Finding {
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

pub(super) fn big(seen: &Seen, answered: &Answered, script: &Script) -> Finding {
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
pub(super) fn kind_of(answered: &Answered) -> String {
    let kind = answered.header("content-type").unwrap_or("an unnamed body");
    format!("{} with {}", answered.status, clean(kind, MOST_SHOWN))
}
