//! A streamed answer, event by event, to its end whatever that is.
//!
//! To add one of these: an event is an arm of [`Growing::take`], a delta an arm of `grow_block` and, if it
//! changes what is sent back, a method of `content`; each with a case in `tests`.

mod content;
#[cfg(test)]
mod tests;

use super::{Answer, Thought, error, reason, sse::Event, take_usage, thought::is_thinking};
use crate::domain::{clean::clean_lines, outcome::Outcome, usage::Usage};
use content::Content;
use serde_json::Value;

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
    thought: Thought,
    /// None where nothing of the answer is kept.
    content: Option<Content>,
    /// Bytes that were generated since the server last said how many tokens there are.
    counted: u64,
    /// `max_tokens`, which no estimate passes.
    most: Option<u64>,
}

impl Growing {
    /// An answer of at most that many tokens, whose content is kept.
    pub fn up_to(max_tokens: u32) -> Self {
        Self {
            content: Some(Content::default()),
            ..Self::unkept(Some(max_tokens.into()))
        }
    }

    /// An answer of at most that many tokens, if known, of which nothing but counts is kept.
    pub fn unkept(max_tokens: Option<u64>) -> Self {
        Self {
            most: max_tokens,
            ..Self::default()
        }
    }

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
                let said = message.and_then(|m| m.get("usage"));
                take_usage(&mut self.usage, said);
                self.thought.take_usage(said);
                Step::default()
            }
            "content_block_start" => self.start_block(&data),
            "content_block_delta" => self.grow_block(&data),
            "content_block_stop" => {
                self.keep(|content| content.stop(&data));
                Step::default()
            }
            "message_delta" => {
                let delta = data.get("delta");
                if let Some(reason) = reason(delta.and_then(|delta| delta.get("stop_reason"))) {
                    self.stop_reason = Some(reason);
                }
                let said = data.get("usage");
                take_usage(&mut self.usage, said);
                self.thought.take_usage(said);
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
            let estimate = held.output_tokens.saturating_add(self.counted.div_ceil(4));
            let most = self.most.unwrap_or(u64::MAX).max(held.output_tokens);
            held.output_tokens = estimate.min(most);
        }
        usage
    }

    /// What it says of its thinking so far.
    pub const fn thought(&self) -> Thought {
        self.thought
    }

    /// The answer, once it is over. Content that could not be kept whole is none: it must not be sent
    /// back changed.
    pub fn answer(self) -> Answer {
        let usage = self.usage();
        Answer {
            usage,
            stop_reason: self.stop_reason,
            thought: self.thought,
            content: self.content.map(Content::whole).unwrap_or_default(),
        }
    }

    fn keep(&mut self, change: impl FnOnce(&mut Content)) {
        if let Some(content) = &mut self.content {
            change(content);
        }
    }

    fn start_block(&mut self, data: &Value) -> Step {
        self.keep(|content| content.start(data));
        let thinks = data.get("content_block").is_some_and(is_thinking);
        self.thought.blocks = self.thought.blocks.saturating_add(u32::from(thinks));
        let text = data
            .get("content_block")
            .and_then(|block| block.get("text"))
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty());
        Step {
            text: text.map(|text| self.count(text)),
            token: text.is_some(),
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
                self.keep(|content| content.cite(data, delta));
                return Step::default();
            }
            _ => {
                self.keep(Content::lose);
                return Step::default();
            }
        };
        self.keep(|content| content.append(data, field, added));
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
        if self.content.is_some() {
            clean_lines(text)
        } else {
            String::new()
        }
    }
}

/// Events whose loss would change the answer.
fn is_own(name: &str) -> bool {
    name.starts_with("message_") || name.starts_with("content_block_") || name == "error"
}
