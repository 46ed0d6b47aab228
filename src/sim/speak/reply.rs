//! An answer of the model, as it is said at once.

use super::prose::Prose;
use crate::{domain::usage::Usage, sim::dice::Dice};
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
    /// `end_turn`, `max_tokens`, `pause_turn`, `refusal`.
    pub stop_reason: &'static str,
    /// How it ends.
    pub ending: Ending,
    /// What its text depends on.
    pub dice: Dice,
    /// Output tokens a second; 0 is at once.
    pub tokens_per_s: f64,
}

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
        let _ = write!(
            into,
            r#"{{"input_tokens":{},"cache_creation_input_tokens":{},"cache_read_input_tokens":{},"cache_creation":{{"ephemeral_5m_input_tokens":{short},"ephemeral_1h_input_tokens":{long}}},"output_tokens":{output},"service_tier":"standard","speed":"{speed}","inference_geo":"global"}}"#,
            usage.input_tokens, usage.cache_creation_input_tokens, usage.cache_read_input_tokens,
        );
    }

    /// `stop_details`.
    pub(super) fn stop_details(&self) -> &'static str {
        if self.stop_reason == "refusal" {
            REFUSED
        } else {
            "null"
        }
    }

    /// Id of the tool use of a paused turn.
    pub(super) fn tool_id(&self) -> String {
        format!("srvtoolu_{}", &self.id[4..])
    }

    /// The JSON of an answer that does not stream.
    pub fn whole(&self) -> Bytes {
        let mut out = String::with_capacity(640 + self.usage.output_tokens as usize * 7);
        let _ = write!(
            out,
            r#"{{"id":"{}","type":"message","role":"assistant","model":{},"content":[{{"type":"text","text":""#,
            self.id,
            quoted(&self.model),
        );
        Prose::new(self.dice).say(self.usage.output_tokens, &mut out);
        out.push_str("\"}");
        if self.stop_reason == "pause_turn" {
            let _ = write!(
                out,
                r#",{{"type":"server_tool_use","id":"{}","name":"web_search","input":{{"query":"bucket"}}}}"#,
                self.tool_id()
            );
        }
        let _ = write!(
            out,
            r#"],"container":null,"stop_reason":"{}","stop_sequence":null,"stop_details":{},"usage":"#,
            self.stop_reason,
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
