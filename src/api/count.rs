//! `POST /v1/messages/count_tokens`: how long a prompt is. Free, and limited by a pool of its own.

use super::{connection::Connection, error};
use crate::{
    clock::Clock,
    domain::{
        count::{Count, CountOrder},
        headers::{Reading, read},
        observation::{Observation, Source, What},
        org::{Group, GroupKind},
        outcome::{Outcome, Unreachable},
        verdict::{Context, judge},
    },
    net::{
        body::{self, End},
        transport::Request,
    },
};
use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// The answer is one number; only a server that hangs takes longer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of an answer that are read.
const LONGEST: usize = 64 << 10;

/// Asks once. `pool` is the group that limits it, where known, for the verdict. What was seen comes
/// along: it belongs to that group, not to the model's.
pub async fn tokens(
    connection: &Connection,
    clock: &Clock,
    order: CountOrder,
    pool: Option<&Group>,
) -> (Count, Observation) {
    let asked = tokio::time::timeout(PATIENCE, ask(connection, clock, &order)).await;
    let (answer, reading) = asked.unwrap_or_else(|_| {
        let how = format!(
            "{} gave no whole answer within {} s",
            connection.host,
            PATIENCE.as_secs()
        );
        (Err(unreachable(Unreachable::Timeout, how)), None)
    });
    let now = clock.now();
    let status = match &answer {
        Ok(_) => Some(200),
        Err(outcome) => outcome.status(),
    };
    let context = Context {
        model: Some(&order.model),
        pool,
        reading: reading.as_ref(),
        ..Context::at(now)
    };
    let verdict = answer
        .as_ref()
        .err()
        .and_then(|outcome| judge(outcome, &context))
        .map(Box::new);
    let seen = Observation {
        at: now,
        source: Source::Call,
        call: None,
        attempt: None,
        client: Some("me".into()),
        organization: reading.as_ref().and_then(|it| it.organization.clone()),
        workspace: reading.as_ref().and_then(|it| it.workspace.clone()),
        model: None,
        fast: false,
        what: What::Aside {
            group: GroupKind::TokenCount,
            status,
            verdict: verdict.clone(),
        },
    };
    let count = Count {
        order,
        tokens: answer.ok(),
        verdict,
    };
    (count, seen)
}

/// The request.
pub fn request(connection: &Connection, order: &CountOrder) -> Result<Request, String> {
    let body = json!({
        "model": order.model,
        "messages": [{"role": "user", "content": order.prompt}],
    });
    connection.request(
        Method::POST,
        "/v1/messages/count_tokens".into(),
        Bytes::from(body.to_string()),
        false,
    )
}

/// The number in an answer; none where there is none.
pub fn number(body: &[u8]) -> Option<u64> {
    serde_json::from_slice::<Value>(body)
        .ok()?
        .get("input_tokens")?
        .as_u64()
}

async fn ask(
    connection: &Connection,
    clock: &Clock,
    order: &CountOrder,
) -> (Result<u64, Outcome>, Option<Reading>) {
    let request = match request(connection, order) {
        Ok(request) => request,
        Err(how) => return (Err(unreachable(Unreachable::Broken, how)), None),
    };
    let response = match connection.transport.send(request).await {
        Ok(response) => response,
        Err(broken) => {
            let how = connection.without_key(broken.how);
            return (Err(unreachable(broken.kind, how)), None);
        }
    };
    let headers = connection.without_key_in_headers(&response.headers);
    let lines = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()));
    let reading = read(lines, clock.now());
    let (bytes, end) = body::read(response.body, LONGEST).await;
    let answer = match &end {
        End::Broken(broken) => Err(unreachable(
            broken.kind,
            connection.without_key(broken.how.clone()),
        )),
        End::Whole | End::TooLong => match number(&bytes) {
            Some(tokens) if (200..300).contains(&response.status) => Ok(tokens),
            _ => {
                let bytes = connection.without_key_in(&bytes);
                Err(error::outcome(
                    response.status,
                    &headers,
                    reading.hint,
                    &bytes,
                    &end,
                ))
            }
        },
    };
    (answer, Some(reading))
}

fn unreachable(kind: Unreachable, how: String) -> Outcome {
    Outcome::Unreachable { kind, how }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::connection::tests::{connection, nowhere};
    use proptest::prelude::*;

    #[test]
    fn the_request_has_a_model_and_a_message_and_nothing_that_would_generate() {
        let order = CountOrder {
            model: "claude-haiku-4-5".into(),
            prompt: "Say \"hello\".".into(),
        };
        let request = request(&connection(nowhere()), &order).unwrap();
        assert_eq!(request.target, "/v1/messages/count_tokens");
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(
            body,
            json!({"model": "claude-haiku-4-5",
                   "messages": [{"role": "user", "content": "Say \"hello\"."}]})
        );
    }

    proptest! {
        #[test]
        fn only_a_number_is_a_number(bytes in prop::collection::vec(any::<u8>(), 0..200), n in any::<u64>()) {
            let _ = number(&bytes);
            let whole = format!("{{\"input_tokens\":{n}}}");
            prop_assert_eq!(number(whole.as_bytes()), Some(n));
            let negative = format!("{{\"input_tokens\":-{n}.5}}");
            prop_assert_eq!(number(negative.as_bytes()), None);
        }
    }
}
