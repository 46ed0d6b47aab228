//! Streams of the streaming page, whole and broken.

use super::*;
use proptest::prelude::*;
use serde_json::json;

fn feed(growing: &mut Growing, events: &[Value]) -> (String, usize, Option<Outcome>) {
    let (mut text, mut tokens, mut ended) = (String::new(), 0, None);
    for data in events {
        let step = growing.take(&Event {
            name: data["type"].as_str().unwrap_or_default().into(),
            data: data.to_string(),
        });
        text.push_str(&step.text.unwrap_or_default());
        tokens += usize::from(step.token);
        ended = ended.or(step.ended);
    }
    (text, tokens, ended)
}

fn start(output: u64) -> Value {
    json!({"type": "message_start", "message": {"content": [], "stop_reason": null,
           "usage": {"input_tokens": 14, "cache_read_input_tokens": 2, "output_tokens": output}}})
}

fn text(piece: &str) -> Value {
    json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}})
}

fn block() -> Value {
    json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})
}

#[test]
fn usage_is_cumulative_the_last_one_counts() {
    let mut growing = Growing::up_to(10_000);
    let (shown, tokens, ended) = feed(
        &mut growing,
        &[
            start(1),
            json!({"type": "ping"}),
            block(),
            text("Hel"),
            text("lo\x1b[2J"),
            json!({"type": "content_block_stop", "index": 0}),
            json!({"type": "message_delta", "delta": {"stop_reason": null}, "usage": {"output_tokens": 5}}),
            json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 9, "input_tokens": 20}}),
            json!({"type": "message_stop"}),
        ],
    );
    assert_eq!((shown.as_str(), tokens), ("Hello[2J", 2));
    assert_eq!(
        ended,
        Some(Outcome::Complete {
            status: 200,
            stop_reason: Some("end_turn".into())
        })
    );
    let usage = growing.usage().unwrap();
    assert_eq!(
        (
            usage.input_tokens,
            usage.output_tokens,
            usage.cache_read_input_tokens
        ),
        (20, 9, 2)
    );
    assert_eq!(
        growing.answer().content,
        [json!({"type": "text", "text": "Hello\u{1b}[2J"})]
    );
}

#[test]
fn a_broken_stream_still_knows_what_it_has_spent() {
    let mut growing = Growing::up_to(10_000);
    let (_, _, ended) = feed(&mut growing, &[start(1), block(), text(&"x".repeat(400))]);
    assert_eq!(ended, None);
    assert_eq!(growing.usage().unwrap().output_tokens, 101);
}

#[test]
fn an_error_event_ends_it_with_its_type() {
    let mut growing = Growing::up_to(10_000);
    let (_, _, ended) = feed(
        &mut growing,
        &[
            start(1),
            json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
        ],
    );
    let Some(Outcome::StreamError { error }) = ended else {
        panic!("{ended:?}")
    };
    assert_eq!(error.kind, "overloaded_error");
}

#[test]
fn every_kind_of_delta_is_put_back_together() {
    let mut growing = Growing::up_to(10_000);
    feed(
        &mut growing,
        &[
            json!({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}}),
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}}),
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "sig"}}),
            json!({"type": "content_block_stop", "index": 0}),
            json!({"type": "content_block_start", "index": 1, "content_block": {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}}),
            json!({"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "{\"query\":"}}),
            json!({"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "\"rust\"}"}}),
            json!({"type": "content_block_stop", "index": 1}),
            json!({"type": "content_block_start", "index": 2, "content_block": {"type": "web_search_tool_result", "content": [1]}}),
            json!({"type": "content_block_start", "index": 3, "content_block": {"type": "text", "text": "", "citations": []}}),
            json!({"type": "content_block_delta", "index": 3, "delta": {"type": "citations_delta", "citation": {"url": "u"}}}),
            json!({"type": "message_delta", "delta": {"stop_reason": "pause_turn"},
                "usage": {"output_tokens": 3, "output_tokens_details": {"thinking_tokens": 1}}}),
        ],
    );
    let answer = growing.answer();
    assert_eq!(answer.stop_reason.as_deref(), Some("pause_turn"));
    assert_eq!((answer.thought.blocks, answer.thought.tokens), (1, Some(1)));
    assert_eq!(
        answer.content,
        [
            json!({"type": "thinking", "thinking": "hm", "signature": "sig"}),
            json!({"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "rust"}}),
            json!({"type": "web_search_tool_result", "content": [1]}),
            json!({"type": "text", "text": "", "citations": [{"url": "u"}]}),
        ]
    );
}

#[test]
fn content_that_is_not_understood_is_never_sent_back_changed() {
    let mut growing = Growing::up_to(10_000);
    feed(
        &mut growing,
        &[
            block(),
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "new_delta", "x": 1}}),
        ],
    );
    assert_eq!(growing.answer().content, Vec::<Value>::new());
}

#[test]
fn an_unknown_event_is_ignored_and_a_broken_known_one_is_not() {
    let mut growing = Growing::up_to(10_000);
    let unknown = Event {
        name: "new_thing".into(),
        data: "{".into(),
    };
    assert_eq!(growing.take(&unknown), Step::default());
    let broken = Event {
        name: "message_delta".into(),
        data: "{".into(),
    };
    assert!(matches!(
        growing.take(&broken).ended,
        Some(Outcome::StreamCut { .. })
    ));
}

proptest! {
    #[test]
    fn any_event_is_survived(
        kind in prop::sample::select(vec!["message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message_stop", "error", "x"]),
        index in any::<u64>(),
        field in prop::sample::select(vec!["delta", "content_block", "usage", "message", "error"]),
        inner in prop::sample::select(vec!["text", "input", "citation", "usage", "type"]),
        value in prop_oneof![Just(json!(null)), Just(json!(-1)), Just(json!([1])), Just(json!({"type": "text_delta", "text": 3})), Just(json!("input_json_delta"))],
    ) {
        let mut growing = Growing::up_to(10_000);
        for data in [block(), json!({"type": kind, "index": index % 3, field: value, }), json!({"type": kind, "index": 0, field: {inner: value}})] {
            growing.take(&Event { name: kind.into(), data: data.to_string() });
        }
        growing.usage();
        growing.answer();
    }
}
