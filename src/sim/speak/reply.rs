//! An answer of the model, as it is said at once.

use super::prose::Prose;
use crate::{
    domain::{call::BYTES_A_TOKEN, usage::Usage},
    sim::dice::Dice,
};
use bytes::Bytes;
use std::fmt::Write as _;

/// How an answer ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// As it should, with this stop reason.
    Normal,
    /// With an `error` event of that type after so many tokens.
    Error(String, u64),
    /// The connection breaks after so many tokens.
    Cut(u64),
    /// The stream ends after so many tokens, without `message_stop`.
    Truncated(u64),
}

/// Why an answer stops where it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The model is done.
    EndTurn,
    /// `max_tokens` are said.
    MaxTokens,
    /// A server tool takes long.
    PauseTurn,
    /// The model refuses.
    Refusal,
    /// The context window is full.
    Window,
    /// The text came upon this one of the request's `stop_sequences`, after so many bytes.
    Sequence {
        /// The sequence.
        text: String,
        /// Bytes of text before it.
        bytes: usize,
    },
    /// A tool of the caller is asked for.
    Tool {
        /// Its name.
        name: String,
        /// Its input, as JSON.
        input: String,
        /// Output tokens that asking takes.
        tokens: u64,
    },
}

impl Stop {
    /// `stop_reason`.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::EndTurn => "end_turn",
            Self::MaxTokens => "max_tokens",
            Self::PauseTurn => "pause_turn",
            Self::Refusal => "refusal",
            Self::Window => "model_context_window_exceeded",
            Self::Sequence { .. } => "stop_sequence",
            Self::Tool { .. } => "tool_use",
        }
    }

    /// `stop_sequence`, as JSON.
    pub(super) fn sequence(&self) -> String {
        match self {
            Self::Sequence { text, .. } => quoted(text),
            _ => "null".into(),
        }
    }
}

/// The tool that an answer asks for.
pub(super) struct ToolUse<'a> {
    /// `tool_use`, or `server_tool_use` for one that the server runs.
    pub(super) kind: &'static str,
    /// Of this use.
    pub(super) id: String,
    /// Its name, as JSON.
    pub(super) name: String,
    /// Its input, as JSON.
    pub(super) input: &'a str,
}

/// Everything that an answer says.
#[derive(Clone, Debug)]
pub struct Reply {
    /// `msg_…`
    pub id: String,
    /// As it was asked for.
    pub model: String,
    /// Input as counted; `output_tokens` is all that it would say.
    pub usage: Usage,
    /// Whether the cache write is for an hour.
    pub one_hour: bool,
    /// Whether it is a fast answer.
    pub fast: bool,
    /// Whether a Priority commitment served it.
    pub priority: bool,
    /// Whether it begins with thinking; its stream, also with what no client knows yet.
    pub thinking: bool,
    /// Why it stops.
    pub stop: Stop,
    /// How it ends.
    pub ending: Ending,
    /// What its text depends on.
    pub dice: Dice,
    /// Output tokens a second; 0 is at once.
    pub tokens_per_s: f64,
}

/// What it thinks.
pub(super) const THOUGHT: &str = "Which words?";
/// What stands for the signature of it.
pub(super) const SIGNATURE: &str = "c2ltdWxhdGVk";
const REFUSED: &str = r#"{"type":"refusal","category":null,"explanation":"The simulator was told to refuse this turn."}"#;

impl Reply {
    /// `usage`, with that many output tokens so far.
    pub(super) fn usage_json(&self, output: u64, into: &mut String) {
        let usage = &self.usage;
        let (short, long) = if self.one_hour {
            (0, usage.cache_creation_input_tokens)
        } else {
            (usage.cache_creation_input_tokens, 0)
        };
        let speed = if self.fast { "fast" } else { "standard" };
        let tier = if self.priority {
            "priority"
        } else {
            "standard"
        };
        let _ = write!(
            into,
            r#"{{"input_tokens":{},"cache_creation_input_tokens":{},"cache_read_input_tokens":{},"cache_creation":{{"ephemeral_5m_input_tokens":{short},"ephemeral_1h_input_tokens":{long}}},"output_tokens":{output},"output_tokens_details":"#,
            usage.input_tokens, usage.cache_creation_input_tokens, usage.cache_read_input_tokens,
        );
        if self.thinking {
            let thought = self.thinking_tokens().min(output);
            let _ = write!(into, r#"{{"thinking_tokens":{thought}}}"#);
        } else {
            into.push_str("null");
        }
        let _ = write!(
            into,
            r#","service_tier":"{tier}","speed":"{speed}","inference_geo":"global"}}"#
        );
    }

    /// `stop_details`.
    pub(super) fn stop_details(&self) -> &'static str {
        if self.stop == Stop::Refusal {
            REFUSED
        } else {
            "null"
        }
    }

    /// Tokens that are text; the rest is thinking, or asks for a tool.
    pub(super) fn text_tokens(&self) -> u64 {
        let said = self.usage.output_tokens - self.thinking_tokens();
        match self.stop {
            Stop::Tool { tokens, .. } => said.saturating_sub(tokens),
            _ => said,
        }
    }

    /// Tokens that are thinking; not all of them, so that something is said.
    fn thinking_tokens(&self) -> u64 {
        let thought = (THOUGHT.len() / BYTES_A_TOKEN) as u64;
        let most = self.usage.output_tokens.saturating_sub(1);
        if self.thinking { thought.min(most) } else { 0 }
    }

    /// The index of the block of text.
    pub(super) fn text_index(&self) -> usize {
        usize::from(self.thinking)
    }

    /// Bytes after which the text is cut.
    pub(super) fn text_bytes(&self) -> Option<usize> {
        match self.stop {
            Stop::Sequence { bytes, .. } => Some(bytes),
            _ => None,
        }
    }

    /// The tool that it asks for.
    pub(super) fn tool_use(&self) -> Option<ToolUse<'_>> {
        let (kind, prefix, name, input) = match &self.stop {
            Stop::PauseTurn => (
                "server_tool_use",
                "srvtoolu_",
                "web_search",
                r#"{"query":"bucket"}"#,
            ),
            Stop::Tool { name, input, .. } => ("tool_use", "toolu_", name.as_str(), input.as_str()),
            _ => return None,
        };
        Some(ToolUse {
            kind,
            id: [prefix, self.id.get(4..).unwrap_or_default()].concat(),
            name: quoted(name),
            input,
        })
    }

    /// The JSON of an answer that does not stream.
    pub fn whole(&self) -> Bytes {
        let mut out = String::with_capacity(640 + self.usage.output_tokens as usize * 7);
        let _ = write!(
            out,
            r#"{{"id":"{}","type":"message","role":"assistant","model":{},"content":["#,
            self.id,
            quoted(&self.model),
        );
        if self.thinking {
            let _ = write!(
                out,
                r#"{{"type":"thinking","thinking":"{THOUGHT}","signature":"{SIGNATURE}"}},"#
            );
        }
        out.push_str(r#"{"type":"text","text":""#);
        let begins = out.len();
        Prose::new(self.dice).say(self.text_tokens(), &mut out);
        if let Some(bytes) = self.text_bytes() {
            out.truncate(begins + bytes);
        }
        out.push_str("\"}");
        if let Some(tool) = self.tool_use() {
            let _ = write!(
                out,
                r#",{{"type":"{}","id":"{}","name":{},"input":{}}}"#,
                tool.kind, tool.id, tool.name, tool.input
            );
        }
        let _ = write!(
            out,
            r#"],"container":null,"stop_reason":"{}","stop_sequence":{},"stop_details":{},"usage":"#,
            self.stop.reason(),
            self.stop.sequence(),
            self.stop_details()
        );
        self.usage_json(self.usage.output_tokens, &mut out);
        out.push('}');
        out.into()
    }
}

/// As a JSON string.
pub(super) fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}
