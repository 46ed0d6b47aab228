//! One `GET` that answers JSON, bounded, with what went wrong sorted.

use super::{connection::Connection, error};
use crate::{
    clock::Clock,
    domain::{
        headers::{Hint, read},
        outcome::{ApiError, Outcome},
    },
    net::body::{self, End},
};
use serde_json::Value;
use std::time::Duration;

/// Bytes of an answer that are read. The longest list of limits has some hundred kilobytes.
pub const LONGEST: usize = 8 << 20;

/// These answers are short; only a server that hangs takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why there is no JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 401 or 403: this key may not.
    Refused,
    /// 404: there is no such thing at this address.
    Missing,
    /// 429: too many polls.
    Limited,
    /// Nobody answered, or not to the end.
    Unreachable,
    /// Anything else.
    Failed,
}

/// No JSON.
#[derive(Clone, Debug, PartialEq)]
pub struct Trouble {
    /// Sorted.
    pub kind: Kind,
    /// In a few words, cleaned: `401 authentication_error: invalid x-api-key`, `an HTML page (status
    /// 502)`, or a sentence about the connection.
    pub what: String,
    /// What the server asked for.
    pub hint: Hint,
}

impl Trouble {
    pub(super) fn failed(what: String) -> Self {
        Self {
            kind: Kind::Failed,
            what,
            hint: Hint::default(),
        }
    }

    fn unreachable(what: String) -> Self {
        Self {
            kind: Kind::Unreachable,
            ..Self::failed(what)
        }
    }
}

/// Fetches the JSON object at `target`, or gives up after half a minute.
pub async fn json(
    connection: &Connection,
    clock: &Clock,
    target: String,
) -> Result<Value, Trouble> {
    let asked = tokio::time::timeout(PATIENCE, ask(connection, clock, target)).await;
    let mut answer = asked.unwrap_or_else(|_| {
        let place = &connection.host;
        let waited = PATIENCE.as_secs();
        Err(Trouble::unreachable(format!(
            "{place} gave no whole answer within {waited} s"
        )))
    });
    // Whoever answers may repeat the key, in an error as well as in a name.
    match &mut answer {
        Ok(value) => connection.without_key_inside(value),
        Err(trouble) => trouble.what = connection.without_key(std::mem::take(&mut trouble.what)),
    }
    answer
}

async fn ask(connection: &Connection, clock: &Clock, target: String) -> Result<Value, Trouble> {
    let request = connection.get(target).map_err(Trouble::failed)?;
    let response = connection
        .transport
        .send(request)
        .await
        .map_err(|broken| Trouble::unreachable(broken.how))?;
    let (status, headers) = (response.status, response.headers);
    let lines = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()));
    let hint = read(lines, clock.now()).hint;
    if (300..400).contains(&status) {
        return Err(of(&error::outcome(
            status,
            &headers,
            hint,
            b"",
            &End::Whole,
        )));
    }
    let (bytes, end) = body::read(response.body, LONGEST).await;
    match &end {
        End::Broken(broken) => return Err(Trouble::unreachable(broken.how.clone())),
        End::Whole if (200..300).contains(&status) => {
            if let Ok(value @ Value::Object(_)) = serde_json::from_slice(&bytes) {
                return Ok(value);
            }
        }
        _ => {}
    }
    let bytes = connection.without_key_in(&bytes);
    Err(of(&error::outcome(status, &headers, hint, &bytes, &end)))
}

fn of(outcome: &Outcome) -> Trouble {
    let (status, what) = match outcome {
        Outcome::Refused { status, error, .. } => (*status, said(*status, error)),
        Outcome::Foreign {
            status, looks_like, ..
        } => (*status, format!("{looks_like} (status {status})")),
        _ => (0, "no answer".into()),
    };
    let kind = match status {
        401 | 403 => Kind::Refused,
        404 => Kind::Missing,
        429 => Kind::Limited,
        _ => Kind::Failed,
    };
    Trouble {
        kind,
        what,
        hint: outcome.hint(),
    }
}

fn said(status: u16, error: &ApiError) -> String {
    let ApiError { kind, message, .. } = error;
    match (kind.is_empty(), message.is_empty()) {
        (false, false) => format!("{status} {kind}: {message}"),
        (true, true) => status.to_string(),
        _ => format!("{status} {kind}{message}"),
    }
}
