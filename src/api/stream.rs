//! A streamed answer, event by event, to its end whatever that is.

use super::{
    error,
    messages::{Answer, reason, take_usage},
    sse::Event,
};
use crate::domain::{clean::clean_lines, outcome::Outcome, usage::Usage};
use serde_json::Value;

/// Content blocks of one answer that are kept for a continuation.
const MOST_BLOCKS: usize = 256;
/// Bytes of content that are kept for a continuation.
const MOST_KEPT: usize = 8 << 20;

/// What one event changed.
#[derive(Debug, Default, PartialEq)]
pub struct Step {
    /// Text to show, cleaned.
    pub text: Option<String>,
    /// Whether the model generated something, text or not.
    pub token: bool,
    /// The answer is over.
    pub ended: Option<Outcome>,
}

/// An answer that grows.
#[derive(Debug, Default)]
pub struct Growing {
    usage: Option<Usage>,
    stop_reason: Option<String>,
    blocks: Vec<Block>,
    kept: usize,
    /// A block could not be kept whole, so the answer cannot be sent back.
    lossy: bool,
    /// Bytes that were generated since the server last said how many tokens there are.
    counted: u64,
}

#[derive(Debug)]
struct Block {
    value: Value,
    /// `input_json_delta`s, joined.
    json: String,
}

impl Growing {
    /// Takes one event. Events and deltas that nobody knows are ignored.
    pub fn take(&mut self, event: &Event) -> Step {
        let Ok(data) = serde_json::from_str::<Value>(&event.data) else {
            return if is_own(&event.name) {
                Step {
                    ended: Some(Outcome::StreamCut {
                        how: "the stream carried an event that is not JSON".into(),
                    }),
                    ..Step::default()
                }
            } else {
                Step::default()
            };
        };
        let kind = data
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or(&event.name);
        match kind {
            "message_start" => {
                let message = data.get("message");
                take_usage(&mut self.usage, message.and_then(|m| m.get("usage")));
                Step::default()
            }
            "content_block_start" => self.start_block(&data),
            "content_block_delta" => self.grow_block(&data),
            "content_block_stop" => {
                self.stop_block(&data);
                Step::default()
            }
            "message_delta" => {
                let delta = data.get("delta");
                if let Some(reason) = reason(delta.and_then(|delta| delta.get("stop_reason"))) {
                    self.stop_reason = Some(reason);
                }
                let said = data.get("usage");
                take_usage(&mut self.usage, said);
                if said.is_some_and(|said| said.get("output_tokens").is_some_and(Value::is_u64)) {
                    self.counted = 0;
                }
                Step::default()
            }
            "message_stop" => Step {
                ended: Some(Outcome::Complete {
                    status: 200,
                    stop_reason: self.stop_reason.clone(),
                }),
                ..Step::default()
            },
            "error" => Step {
                ended: Some(Outcome::StreamError {
                    error: error::from_value(&data).unwrap_or_default(),
                }),
                ..Step::default()
            },
            _ => Step::default(),
        }
    }

    /// Whether an event from the end of a cut stream is whole.
    pub fn is_whole(event: &Event) -> bool {
        serde_json::from_str::<serde::de::IgnoredAny>(&event.data).is_ok()
    }

    /// Tokens so far. Output that the server has not counted yet is taken as four bytes a token.
    pub fn usage(&self) -> Option<Usage> {
        let mut usage = self.usage;
        if self.counted > 0 {
            let held = usage.get_or_insert_default();
            held.output_tokens = held.output_tokens.saturating_add(self.counted.div_ceil(4));
        }
        usage
    }

    /// The answer, once it is over. Content that could not be kept whole is none: it must not be sent
    /// back changed.
    pub fn answer(self) -> Answer {
        let usage = self.usage();
        let content = if self.lossy {
            Vec::new()
        } else {
            self.blocks.into_iter().map(|block| block.value).collect()
        };
        Answer {
            usage,
            stop_reason: self.stop_reason,
            content,
        }
    }

    fn start_block(&mut self, data: &Value) -> Step {
        let block = data.get("content_block").cloned().unwrap_or_default();
        let text = block
            .get("text")
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
            .map(str::to_owned);
        let in_order = index(data) == Some(self.blocks.len());
        if in_order && self.blocks.len() < MOST_BLOCKS && block.is_object() {
            self.blocks.push(Block {
                value: block,
                json: String::new(),
            });
        } else {
            self.lossy = true;
        }
        let token = text.is_some();
        Step {
            text: text.map(|text| self.count(&text)),
            token,
            ended: None,
        }
    }

    fn grow_block(&mut self, data: &Value) -> Step {
        let Some(delta) = data.get("delta") else {
            return Step::default();
        };
        let kind = delta
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let piece = |name: &str| delta.get(name).and_then(Value::as_str).unwrap_or_default();
        let (field, added) = match kind {
            "text_delta" => ("text", piece("text")),
            "thinking_delta" => ("thinking", piece("thinking")),
            "signature_delta" => ("signature", piece("signature")),
            "input_json_delta" => ("input", piece("partial_json")),
            "citations_delta" => {
                self.keep_citation(data, delta);
                return Step::default();
            }
            _ => {
                self.lossy = true;
                return Step::default();
            }
        };
        self.keep(data, field, added);
        if field == "signature" || added.is_empty() {
            return Step::default();
        }
        let shown = self.count(added);
        Step {
            text: (field == "text").then_some(shown),
            token: true,
            ended: None,
        }
    }

    fn count(&mut self, text: &str) -> String {
        self.counted += text.len() as u64;
        clean_lines(text)
    }

    fn keep(&mut self, data: &Value, field: &str, added: &str) {
        self.kept += added.len();
        let block = index(data).and_then(|index| self.blocks.get_mut(index));
        let (Some(block), true) = (block, self.kept <= MOST_KEPT) else {
            self.lossy = true;
            return;
        };
        if field == "input" {
            block.json.push_str(added);
        } else {
            match &mut block.value[field] {
                Value::String(held) => held.push_str(added),
                other => *other = Value::from(added),
            }
        }
    }

    fn keep_citation(&mut self, data: &Value, delta: &Value) {
        let block = index(data).and_then(|index| self.blocks.get_mut(index));
        let (Some(block), Some(citation)) = (block, delta.get("citation")) else {
            self.lossy = true;
            return;
        };
        self.kept += citation.to_string().len();
        if self.kept > MOST_KEPT {
            self.lossy = true;
            return;
        }
        match &mut block.value["citations"] {
            Value::Array(held) => held.push(citation.clone()),
            other => *other = Value::from(vec![citation.clone()]),
        }
    }

    fn stop_block(&mut self, data: &Value) {
        let Some(block) = index(data).and_then(|index| self.blocks.get_mut(index)) else {
            return;
        };
        if block.json.is_empty() {
            return;
        }
        match serde_json::from_str(&block.json) {
            Ok(input) => block.value["input"] = input,
            Err(_) => self.lossy = true,
        }
    }
}

fn index(data: &Value) -> Option<usize> {
    data.get("index")
        .and_then(Value::as_u64)
        .and_then(|index| usize::try_from(index).ok())
}

/// Events whose loss would change the answer.
fn is_own(name: &str) -> bool {
    name.starts_with("message_") || name.starts_with("content_block_") || name == "error"
}

#[cfg(test)]
mod tests {
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
        let mut growing = Growing::default();
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
        let mut growing = Growing::default();
        let (_, _, ended) = feed(&mut growing, &[start(1), block(), text(&"x".repeat(400))]);
        assert_eq!(ended, None);
        assert_eq!(growing.usage().unwrap().output_tokens, 101);
    }

    #[test]
    fn an_error_event_ends_it_with_its_type() {
        let mut growing = Growing::default();
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
        let mut growing = Growing::default();
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
                json!({"type": "message_delta", "delta": {"stop_reason": "pause_turn"}, "usage": {"output_tokens": 3}}),
            ],
        );
        let answer = growing.answer();
        assert_eq!(answer.stop_reason.as_deref(), Some("pause_turn"));
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
        let mut growing = Growing::default();
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
        let mut growing = Growing::default();
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
            let mut growing = Growing::default();
            for data in [block(), json!({"type": kind, "index": index % 3, field: value, }), json!({"type": kind, "index": 0, field: {inner: value}})] {
                growing.take(&Event { name: kind.into(), data: data.to_string() });
            }
            growing.usage();
            growing.answer();
        }
    }
}
