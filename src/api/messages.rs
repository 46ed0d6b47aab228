//! `POST /v1/messages`: the request.

use super::connection::Connection;
use crate::{
    domain::{cache::Lifetime, call::CallOrder},
    net::transport::Request,
};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};
use serde_json::{Value, json};

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
    let mut body = body(order, earlier);
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

/// What is asked, as a request and an entry of a batch say it alike: no stream, no speed.
pub(super) fn body(order: &CallOrder, earlier: &[Vec<Value>]) -> Value {
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
    if let Some(cache) = order.cache {
        // Five minutes is the default, so it needs no name.
        let control = match cache.lifetime {
            Lifetime::FiveMinutes => json!({"type": "ephemeral"}),
            Lifetime::Hour => json!({"type": "ephemeral", "ttl": "1h"}),
        };
        body["system"] = json!([{"type": "text", "text": cache.text(), "cache_control": control}]);
    }
    body
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::api::connection::tests::{connection, nowhere};
    use crate::domain::{
        cache::CacheOrder,
        id::CallId,
        observation::Source,
        retry::{Limits, Policy},
    };
    use rstest::rstest;

    pub(in crate::api) fn order(stream: bool) -> CallOrder {
        CallOrder {
            call: CallId(7),
            client: "me".into(),
            source: Source::Call,
            model: "claude-opus-5-5".into(),
            prompt: "Say hello.".into(),
            cache: None,
            max_tokens: 256,
            stream,
            policy: Policy::HintJitter,
            attempts: 5,
            limits: Limits::default(),
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

    // Prompt-caching page: `cache_control` on a block, `ttl` only for an hour.
    #[rstest]
    #[case(Lifetime::FiveMinutes, json!({"type": "ephemeral"}))]
    #[case(Lifetime::Hour, json!({"type": "ephemeral", "ttl": "1h"}))]
    fn a_system_prompt_to_be_cached_carries_its_mark(
        #[case] lifetime: Lifetime,
        #[case] control: Value,
    ) {
        let cache = CacheOrder {
            lifetime,
            tokens: 1_000,
        };
        let order = CallOrder {
            cache: Some(cache),
            ..order(true)
        };
        let request = request(&connection(nowhere()), &order, &[]).unwrap();
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(
            body["system"],
            json!([{"type": "text", "text": cache.text(), "cache_control": control}])
        );
        assert_eq!(order.input_estimate(), 1_011);
        assert_eq!(order.most().cache_creation_input_tokens, 1_000);
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
}
