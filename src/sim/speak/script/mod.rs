//! An answer of the model, event by event with the seconds at which each is due.

use super::{
    prose::Prose,
    refusal::envelope,
    reply::{Ending, Reply, SIGNATURE, THOUGHT, quoted},
};
use bytes::Bytes;
use std::fmt::Write as _;

/// The connection is to break here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut;

impl Reply {
    /// The events of one that does.
    pub fn script(self) -> Script {
        let per_event = (self.tokens_per_s / 20.0).round().max(1.0) as u64;
        Script {
            prose: Prose::new(self.dice),
            per_event: if self.tokens_per_s > 0.0 {
                per_event
            } else {
                8
            },
            text_left: self.text_bytes(),
            reply: self,
            stage: Stage::Start,
            said: 0,
            pending: None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Start,
    Thinking,
    Block,
    Ping,
    Text,
    BlockStop,
    Tool,
    Delta,
    Stop,
    Done,
}

/// A stream being told.
#[derive(Clone, Debug)]
pub struct Script {
    reply: Reply,
    prose: Prose,
    per_event: u64,
    stage: Stage,
    said: u64,
    /// Bytes of text until a stop sequence.
    text_left: Option<usize>,
    pending: Option<(f64, Result<Bytes, Cut>)>,
}

impl Script {
    /// Tokens said so far.
    pub fn said(&self) -> u64 {
        self.said
    }

    /// When the next event is due, in seconds after the head.
    pub fn due_s(&mut self) -> Option<f64> {
        if self.pending.is_none() {
            self.pending = self.tell();
        }
        self.pending.as_ref().map(|(at_s, _)| *at_s)
    }

    /// The next event, as bytes of the stream.
    pub fn event(&mut self) -> Option<Result<Bytes, Cut>> {
        self.pending
            .take()
            .or_else(|| self.tell())
            .map(|(_, event)| event)
    }

    fn seconds(&self, tokens: u64) -> f64 {
        if self.reply.tokens_per_s > 0.0 {
            tokens as f64 / self.reply.tokens_per_s
        } else {
            0.0
        }
    }

    fn tell(&mut self) -> Option<(f64, Result<Bytes, Cut>)> {
        let now = self.seconds(self.said);
        let reply = &self.reply;
        let mut data = String::new();
        let (name, at_s) = match self.stage {
            Stage::Start => {
                self.stage = if reply.thinking {
                    Stage::Thinking
                } else {
                    Stage::Block
                };
                let _ = write!(
                    data,
                    r#"{{"type":"message_start","message":{{"id":"{}","type":"message","role":"assistant","model":{},"content":[],"container":null,"stop_reason":null,"stop_sequence":null,"stop_details":null,"usage":"#,
                    reply.id,
                    quoted(&reply.model)
                );
                reply.usage_json(1, &mut data);
                data.push_str("}}");
                ("message_start", 0.0)
            }
            Stage::Thinking => {
                self.stage = Stage::Block;
                return Some((0.0, Ok(thinking_events().into())));
            }
            Stage::Block => {
                self.stage = Stage::Ping;
                let _ = write!(
                    data,
                    r#"{{"type":"content_block_start","index":{},"content_block":{{"type":"text","text":""}}}}"#,
                    reply.text_index()
                );
                ("content_block_start", 0.0)
            }
            Stage::Ping => {
                self.stage = Stage::Text;
                data.push_str(r#"{"type":"ping"}"#);
                ("ping", 0.0)
            }
            Stage::Text => {
                let end = match reply.ending {
                    Ending::Normal => reply.text_tokens(),
                    Ending::Error(_, after) | Ending::Cut(after) | Ending::Truncated(after) => {
                        after.min(reply.usage.output_tokens)
                    }
                };
                if self.said >= end {
                    return self.broken(now).or_else(|| {
                        self.stage = Stage::BlockStop;
                        self.tell()
                    });
                }
                let more = self.per_event.min(end - self.said);
                self.said += more;
                let _ = write!(
                    data,
                    r#"{{"type":"content_block_delta","index":{},"delta":{{"type":"text_delta","text":""#,
                    reply.text_index()
                );
                let begins = data.len();
                self.prose.say(more, &mut data);
                if let Some(left) = &mut self.text_left {
                    let said = data.len() - begins;
                    data.truncate(begins + *left);
                    *left = left.saturating_sub(said);
                }
                data.push_str("\"}}");
                ("content_block_delta", self.seconds(self.said))
            }
            Stage::BlockStop => {
                self.stage = if reply.tool_use().is_some() {
                    Stage::Tool
                } else {
                    Stage::Delta
                };
                let index = reply.text_index();
                let _ = write!(data, r#"{{"type":"content_block_stop","index":{index}}}"#);
                ("content_block_stop", now)
            }
            Stage::Tool => {
                self.stage = Stage::Delta;
                self.said = reply.usage.output_tokens;
                let text = tool_events(reply);
                return Some((self.seconds(self.said), Ok(text.into())));
            }
            Stage::Delta => {
                self.stage = Stage::Stop;
                let _ = write!(
                    data,
                    r#"{{"type":"message_delta","delta":{{"stop_reason":"{}","stop_sequence":{},"stop_details":{},"container":null}},"usage":"#,
                    reply.stop.reason(),
                    reply.stop.sequence(),
                    reply.stop_details()
                );
                reply.usage_json(reply.usage.output_tokens, &mut data);
                data.push('}');
                ("message_delta", now)
            }
            Stage::Stop => {
                self.stage = Stage::Done;
                data.push_str(r#"{"type":"message_stop"}"#);
                ("message_stop", now)
            }
            Stage::Done => return None,
        };
        Some((at_s, Ok(event(name, &data))))
    }

    /// What an ending that is not normal does once its tokens are said.
    fn broken(&mut self, now: f64) -> Option<(f64, Result<Bytes, Cut>)> {
        let last = match &self.reply.ending {
            Ending::Normal => return None,
            Ending::Error(kind, _) => {
                let message = if kind == "overloaded_error" {
                    "Overloaded"
                } else {
                    "Internal server error"
                };
                let data = envelope(kind, message, None, None);
                Some((now, Ok(event("error", &String::from_utf8_lossy(&data)))))
            }
            Ending::Cut(_) => Some((now, Err(Cut))),
            Ending::Truncated(_) => Some((now, Ok(Bytes::new()))),
        };
        self.stage = Stage::Done;
        last
    }
}

/// A block of thinking, with what no client knows yet: an event that stands between blocks, and a
/// delta inside one (section "streaming": both must be ignored).
fn thinking_events() -> String {
    let delta = |delta: &str| {
        let kind = "content_block_delta";
        format!(
            "event: {kind}\ndata: {{\"type\":\"{kind}\",\"index\":0,\"delta\":{{{delta}}}}}\n\n"
        )
    };
    [
        "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}}\n\n".to_owned(),
        delta(&format!(r#""type":"thinking_delta","thinking":"{THOUGHT}""#)),
        delta(r#""type":"simulated_delta","simulated":true"#),
        delta(&format!(r#""type":"signature_delta","signature":"{SIGNATURE}""#)),
        "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n".to_owned(),
        "event: simulated_event\ndata: {\"type\":\"simulated_event\",\"note\":\"no client knows this\"}\n\n".to_owned(),
    ]
    .concat()
}

/// The block that asks for a tool, its input in two pieces.
fn tool_events(reply: &Reply) -> String {
    let mut out = String::new();
    let index = reply.text_index() + 1;
    let mut say = |name: &str, data: String| {
        let _ = write!(
            out,
            "event: {name}\ndata: {{\"type\":\"{name}\",\"index\":{index}{data}}}\n\n"
        );
    };
    if let Some(tool) = reply.tool_use() {
        let (kind, id, name) = (tool.kind, &tool.id, &tool.name);
        say(
            "content_block_start",
            format!(
                r#","content_block":{{"type":"{kind}","id":"{id}","name":{name},"input":{{}}}}"#
            ),
        );
        let half = (tool.input.len() / 2..=tool.input.len())
            .find(|at| tool.input.is_char_boundary(*at))
            .unwrap_or_default();
        let (first, second) = tool.input.split_at(half);
        for piece in [first, second] {
            let piece = quoted(piece);
            say(
                "content_block_delta",
                format!(r#","delta":{{"type":"input_json_delta","partial_json":{piece}}}"#),
            );
        }
        say("content_block_stop", String::new());
    }
    out
}

fn event(name: &str, data: &str) -> Bytes {
    format!("event: {name}\ndata: {data}\n\n").into()
}

#[cfg(test)]
mod tests;
