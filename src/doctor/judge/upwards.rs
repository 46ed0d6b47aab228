//! What arrived upstream of what was sent.

use super::MOST_SHOWN;
use crate::{
    doctor::{
        case::Case,
        examine::{BETA, RETRY_COUNT, Seen, TARGET},
        upstream::Arrived,
    },
    domain::{
        checkup::{Check, Finding},
        clean::clean,
    },
};
use serde_json::Value;

/// What arrived upstream.
pub(super) fn upwards(seen: &Seen) -> Vec<Finding> {
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
