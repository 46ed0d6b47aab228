//! What is asked of `/v1/messages/batches`, read from path and body.

use super::{
    ask::Query,
    message::{self, MessagesAsk},
    refusal::Refusal,
};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{borrow::Cow, collections::HashSet};

/// Requests of one batch at most (batch-processing page, "Batch limitations").
pub const MOST: usize = 100_000;
/// Characters of a `custom_id`.
const LONGEST_ID: usize = 64;

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum BatchAsk {
    /// `POST /v1/messages/batches`
    Create(Result<Vec<Item>, Refusal>),
    /// `GET /v1/messages/batches`
    List(Query),
    /// `GET /v1/messages/batches/{id}`
    Retrieve(String),
    /// `POST /v1/messages/batches/{id}/cancel`
    Cancel(String),
    /// `GET /v1/messages/batches/{id}/results`
    Results(String),
    /// `DELETE /v1/messages/batches/{id}`
    Delete(String),
}

/// One request of a batch. What is wrong with its `params` shows in its result, not at once.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The caller's own name for it.
    pub custom_id: String,
    /// What the model is asked.
    pub ask: Result<MessagesAsk, Refusal>,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    requests: Option<Vec<Entry<'a>>>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    custom_id: Cow<'a, str>,
    #[serde(borrow)]
    params: &'a RawValue,
}

/// Reads the body of a creation.
pub fn read(body: &[u8], new_version: bool) -> Result<Vec<Item>, Refusal> {
    let body: Body<'_> = serde_json::from_slice(body)
        .map_err(|error| Refusal::invalid(format!("The request body cannot be read: {error}")))?;
    let entries = body
        .requests
        .ok_or_else(|| Refusal::invalid("requests: Field required"))?;
    if entries.is_empty() {
        return Err(Refusal::invalid(
            "requests: List should have at least 1 item",
        ));
    }
    if entries.len() > MOST {
        return Err(Refusal::invalid(format!(
            "requests: List should have at most {MOST} items"
        )));
    }
    let mut seen = HashSet::new();
    for (n, entry) in entries.iter().enumerate() {
        let id = entry.custom_id.as_ref();
        let fits = (1..=LONGEST_ID).contains(&id.len())
            && id
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        if !fits {
            return Err(Refusal::invalid(format!(
                "requests.{n}.custom_id: String should match pattern '^[a-zA-Z0-9_-]{{1,64}}$'"
            )));
        }
        if !seen.insert(id) {
            return Err(Refusal::invalid(format!(
                "requests.{n}.custom_id: `{id}` is there twice; it must be unique within the batch"
            )));
        }
    }
    Ok(entries
        .iter()
        .map(|entry| Item {
            custom_id: entry.custom_id.clone().into_owned(),
            ask: message::read(entry.params.get().as_bytes(), false, new_version).and_then(fits),
        })
        .collect())
}

/// A batch neither streams nor runs fast (batch-processing and fast-mode pages).
fn fits(ask: MessagesAsk) -> Result<MessagesAsk, Refusal> {
    if ask.stream {
        return Err(Refusal::invalid("stream: not supported in a batch"));
    }
    if ask.fast {
        return Err(Refusal::invalid("speed: fast is not supported in a batch"));
    }
    Ok(ask)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    const PARAMS: &str = r#"{"model":"claude-haiku-4-5","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}"#;

    fn body(entries: &[(&str, &str)]) -> Vec<u8> {
        let entries: Vec<String> = entries
            .iter()
            .map(|(id, params)| format!(r#"{{"custom_id":"{id}","params":{params}}}"#))
            .collect();
        format!(r#"{{"requests":[{}]}}"#, entries.join(",")).into_bytes()
    }

    #[rstest]
    #[case(b"{}".to_vec(), "Field required")]
    #[case(body(&[]), "at least 1 item")]
    #[case(body(&[("", PARAMS)]), "should match pattern")]
    #[case(body(&[("a b", PARAMS)]), "should match pattern")]
    #[case(body(&[("a", PARAMS), ("a", PARAMS)]), "unique within the batch")]
    #[case(b"[]".to_vec(), "cannot be read")]
    fn a_bad_batch_is_refused(#[case] body: Vec<u8>, #[case] why: &str) {
        let refusal = read(&body, false).unwrap_err();
        assert_eq!(refusal.status, 400);
        assert!(refusal.message.contains(why), "{}", refusal.message);
    }

    #[test]
    fn a_bad_request_is_an_item_that_fails_by_itself() {
        let stream = PARAMS.replace("\"max", "\"stream\":true,\"max");
        let items = read(
            &body(&[("good", PARAMS), ("bad", "{}"), ("streams", &stream)]),
            false,
        )
        .unwrap();
        let fine: Vec<bool> = items.iter().map(|item| item.ask.is_ok()).collect();
        assert_eq!(fine, [true, false, false]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&bytes, true);
        }
    }
}
