//! `POST /v1/messages`: the request, and an answer that is not a stream.

use super::connection::Connection;
use crate::{
    domain::{call::CallOrder, clean::clean, usage::Usage},
    net::transport::Request,
};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};
use serde_json::{Value, json};

/// Bytes of an answer that are read.
pub const LONGEST: usize = 16 << 20;

/// Fast mode is generally available on this model only; others want a beta header (fast-mode page).
const FAST_WITHOUT_BETA: &str = "claude-opus-5-5";

/// The request of an attempt. `earlier` is what the assistant said before a `pause_turn`, content
/// blocks as they came; no tool result is added. Sampling parameters are never sent: they are refused
/// under 2026-10-21.
pub fn request(
    connection: &Connection,
    order: &CallOrder,
    earlier: &[Vec<Value>],
) -> Result<Request, String> {
    let mut messages = vec![json!({"role": "user", "content": order.prompt})];
    messages.extend(
        earlier
            .iter()
            .map(|content| json!({"role": "assistant", "content": content})),
    );
    let mut body = json!({
        "model": order.model,
        "max_tokens": order.max_tokens.max(1),
        "messages": messages,
    });
    if order.stream {
        body["stream"] = Value::Bool(true);
    }
    if connection.fast {
        body["speed"] = Value::from("fast");
    }
    let mut request = connection.request(
        Method::POST,
        "/v1/messages".into(),
        Bytes::from(body.to_string()),
        order.stream,
    )?;
    if connection.fast && order.model.as_str() != FAST_WITHOUT_BETA {
        request.headers.insert(
            HeaderName::from_static("anthropic-beta"),
            HeaderValue::from_static("fast-mode-2026-02-01"),
        );
    }
    Ok(request)
}

/// A whole answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// Tokens; none when the answer says nothing of them.
    pub usage: Option<Usage>,
    /// `end_turn`, `pause_turn`, …
    pub stop_reason: Option<String>,
    /// Content blocks as they came, to be sent back after a `pause_turn`.
    pub content: Vec<Value>,
}

impl Answer {
    /// What the text blocks say, uncleaned.
    pub fn text(&self) -> String {
        self.content
            .iter()
            .filter(|block| block.get("type").and_then(Value::as_str) == Some("text"))
            .filter_map(|block| block.get("text").and_then(Value::as_str))
            .collect()
    }
}

/// A message, if the bytes are one: an object of type `message`, or one with a list `content`.
pub fn answer(body: &[u8]) -> Option<Answer> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let message = value.as_object()?;
    let content = message.get("content").and_then(Value::as_array);
    let is_message = message.get("type").and_then(Value::as_str) == Some("message");
    if !is_message && content.is_none() {
        return None;
    }
    let mut usage = None;
    take_usage(&mut usage, message.get("usage"));
    Some(Answer {
        usage,
        stop_reason: reason(message.get("stop_reason")),
        content: content.cloned().unwrap_or_default(),
    })
}

/// A `stop_reason`, cleaned.
pub fn reason(value: Option<&Value>) -> Option<String> {
    value.and_then(Value::as_str).map(|text| clean(text, 60))
}

/// Overwrites what a `usage` object says; what it leaves out, or says as null, stays. Values are
/// cumulative: never summed.
pub fn take_usage(usage: &mut Option<Usage>, said: Option<&Value>) {
    let Some(said) = said.and_then(Value::as_object) else {
        return;
    };
    let held = usage.get_or_insert_default();
    let take = |field: &mut u64, name: &str| {
        if let Some(number) = said.get(name).and_then(Value::as_u64) {
            *field = number;
        }
    };
    take(&mut held.input_tokens, "input_tokens");
    take(&mut held.output_tokens, "output_tokens");
    take(
        &mut held.cache_creation_input_tokens,
        "cache_creation_input_tokens",
    );
    take(&mut held.cache_read_input_tokens, "cache_read_input_tokens");
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::api::connection::tests::{connection, nowhere};
    use crate::domain::{id::CallId, observation::Source, retry::Policy};
    use rstest::rstest;

    pub(in crate::api) fn order(stream: bool) -> CallOrder {
        CallOrder {
            call: CallId(7),
            client: "me".into(),
            source: Source::Call,
            model: "claude-opus-5-5".into(),
            prompt: "Say hello.".into(),
            max_tokens: 256,
            stream,
            policy: Policy::HintJitter,
            attempts: 5,
        }
    }

    #[test]
    fn the_body_has_what_is_needed_and_no_sampling() {
        let request = request(&connection(nowhere()), &order(true), &[]).unwrap();
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(
            body,
            json!({"model": "claude-opus-5-5", "max_tokens": 256, "stream": true,
                   "messages": [{"role": "user", "content": "Say hello."}]})
        );
        assert!(request.stream);
        assert_eq!(request.target, "/v1/messages");
    }

    #[test]
    fn content_goes_back_unchanged_after_a_pause() {
        let content =
            vec![json!({"type": "server_tool_use", "id": "srvtoolu_1", "input": {"q": 1}})];
        let request = request(
            &connection(nowhere()),
            &order(false),
            std::slice::from_ref(&content),
        )
        .unwrap();
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(
            body["messages"][1],
            json!({"role": "assistant", "content": content})
        );
        assert_eq!(body["messages"].as_array().unwrap().len(), 2);
    }

    #[rstest]
    #[case("claude-opus-5-5", false)]
    #[case("claude-opus-5", true)]
    fn fast_asks_for_speed_and_for_the_beta_where_it_is_one(
        #[case] model: &str,
        #[case] beta: bool,
    ) {
        let mut connection = connection(nowhere());
        connection.fast = true;
        let mut order = order(false);
        order.model = model.into();
        let request = request(&connection, &order, &[]).unwrap();
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(body["speed"], "fast");
        assert_eq!(request.headers.contains_key("anthropic-beta"), beta);
    }

    #[test]
    fn a_message_is_read_and_null_cache_fields_are_zero() {
        // Streaming page: fields of `usage`.
        let body = br#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-opus-5-5","content":[{"type":"text","text":"Hel"},{"type":"text","text":"lo"}],"stop_reason":"end_turn","usage":{"input_tokens":14,"output_tokens":9,"cache_creation_input_tokens":null,"cache_read_input_tokens":3}}"#;
        let answer = answer(body).unwrap();
        assert_eq!(answer.text(), "Hello");
        assert_eq!(answer.stop_reason.as_deref(), Some("end_turn"));
        assert_eq!(
            answer.usage,
            Some(Usage {
                input_tokens: 14,
                output_tokens: 9,
                cache_creation_input_tokens: 0,
                cache_read_input_tokens: 3
            })
        );
    }

    #[rstest]
    #[case(b"")]
    #[case(b"null")]
    #[case(b"{}")]
    #[case(br#"{"content":"x"}"#)]
    #[case(br#"{"type":"message""#)]
    #[case(br#"{"choices":[]}"#)]
    fn what_is_no_message(#[case] body: &[u8]) {
        assert_eq!(answer(body), None);
    }

    #[test]
    fn wrong_types_in_usage_are_ignored() {
        let mut usage = None;
        take_usage(
            &mut usage,
            Some(&json!({"input_tokens": 5, "output_tokens": 1})),
        );
        take_usage(
            &mut usage,
            Some(&json!({"input_tokens": -5, "output_tokens": "many"})),
        );
        take_usage(&mut usage, Some(&json!([])));
        assert_eq!(usage.unwrap().input_tokens, 5);
        assert_eq!(usage.unwrap().output_tokens, 1);
    }
}
