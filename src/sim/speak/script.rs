//! An answer of the model, event by event with the seconds at which each is due.

use super::{
    prose::Prose,
    refusal::envelope,
    reply::{Ending, Reply, quoted},
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
                self.stage = Stage::Block;
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
            Stage::Block => {
                self.stage = Stage::Ping;
                data.push_str(r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#);
                ("content_block_start", 0.0)
            }
            Stage::Ping => {
                self.stage = Stage::Text;
                data.push_str(r#"{"type":"ping"}"#);
                ("ping", 0.0)
            }
            Stage::Text => {
                let end = match reply.ending {
                    Ending::Normal => reply.usage.output_tokens,
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
                data.push_str(r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":""#);
                self.prose.say(more, &mut data);
                data.push_str("\"}}");
                ("content_block_delta", self.seconds(self.said))
            }
            Stage::BlockStop => {
                self.stage = if reply.stop_reason == "pause_turn" {
                    Stage::Tool
                } else {
                    Stage::Delta
                };
                data.push_str(r#"{"type":"content_block_stop","index":0}"#);
                ("content_block_stop", now)
            }
            Stage::Tool => {
                self.stage = Stage::Delta;
                let text = format!(
                    "event: content_block_start\ndata: {{\"type\":\"content_block_start\",\"index\":1,\"content_block\":{{\"type\":\"server_tool_use\",\"id\":\"{}\",\"name\":\"web_search\",\"input\":{{}}}}}}\n\n\
                     event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{{\"type\":\"input_json_delta\",\"partial_json\":\"{{\\\"query\\\":\\\"bucket\\\"}}\"}}}}\n\n\
                     event: content_block_stop\ndata: {{\"type\":\"content_block_stop\",\"index\":1}}\n\n",
                    reply.tool_id()
                );
                return Some((now, Ok(text.into())));
            }
            Stage::Delta => {
                self.stage = Stage::Stop;
                let _ = write!(
                    data,
                    r#"{{"type":"message_delta","delta":{{"stop_reason":"{}","stop_sequence":null,"stop_details":{},"container":null}},"usage":"#,
                    reply.stop_reason,
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

fn event(name: &str, data: &str) -> Bytes {
    format!("event: {name}\ndata: {data}\n\n").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::usage::Usage, sim::dice::Dice};
    use rstest::rstest;

    fn reply(stop_reason: &'static str, ending: Ending) -> Reply {
        Reply {
            id: "msg_01Abc".into(),
            model: "claude-opus-5-5".into(),
            usage: Usage {
                input_tokens: 14,
                output_tokens: 30,
                cache_creation_input_tokens: 2,
                cache_read_input_tokens: 3,
            },
            one_hour: false,
            fast: false,
            stop_reason,
            ending,
            dice: Dice::new(1, 1, 1),
            tokens_per_s: 60.0,
        }
    }

    fn told(reply: Reply) -> (Vec<String>, bool, Vec<serde_json::Value>) {
        let mut script = reply.script();
        let (mut names, mut values, mut cut, mut last) = (vec![], vec![], false, 0.0);
        while let Some(at_s) = script.due_s() {
            assert!(at_s >= last, "events go forward in time");
            last = at_s;
            match script.event().unwrap() {
                Ok(bytes) => {
                    let text = String::from_utf8(bytes.to_vec()).unwrap();
                    for event in text.split("\n\n").filter(|event| !event.is_empty()) {
                        let (name, data) = event.split_once('\n').unwrap();
                        let data: serde_json::Value =
                            serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
                        let name = name.strip_prefix("event: ").unwrap();
                        assert_eq!(data["type"], name);
                        names.push(name.to_owned());
                        values.push(data);
                    }
                }
                Err(Cut) => cut = true,
            }
        }
        names.dedup();
        (names, cut, values)
    }

    /// Section "streaming": order of events, cumulative usage, stop reason.
    #[test]
    fn a_whole_stream_has_every_event_in_order() {
        let (names, cut, values) = told(reply("end_turn", Ending::Normal));
        assert_eq!(
            names,
            [
                "message_start",
                "content_block_start",
                "ping",
                "content_block_delta",
                "content_block_stop",
                "message_delta",
                "message_stop"
            ]
        );
        assert!(!cut);
        assert_eq!(values[0]["message"]["usage"]["input_tokens"], 14);
        assert_eq!(values[0]["message"]["usage"]["output_tokens"], 1);
        let delta = values
            .iter()
            .find(|value| value["type"] == "message_delta")
            .unwrap();
        assert_eq!(delta["usage"]["output_tokens"], 30);
        assert_eq!(delta["delta"]["stop_reason"], "end_turn");
        let streamed: String = values
            .iter()
            .filter_map(|value| value["delta"]["text"].as_str())
            .collect();
        let whole: serde_json::Value =
            serde_json::from_slice(&reply("end_turn", Ending::Normal).whole()).unwrap();
        assert_eq!(whole["content"][0]["text"], streamed);
    }

    #[rstest]
    #[case(Ending::Error("overloaded_error".into(), 9), "error", false)]
    #[case(Ending::Cut(9), "content_block_delta", true)]
    #[case(Ending::Truncated(9), "content_block_delta", false)]
    fn a_broken_stream_has_no_message_stop(
        #[case] ending: Ending,
        #[case] last: &str,
        #[case] cuts: bool,
    ) {
        let (names, cut, values) = told(reply("end_turn", ending));
        assert_eq!(names.last().unwrap(), last);
        assert_eq!(cut, cuts);
        assert!(!names.contains(&"message_stop".to_owned()));
        if last == "error" {
            assert_eq!(values.last().unwrap()["error"]["type"], "overloaded_error");
        }
    }

    #[test]
    fn paused_and_refused_turns_say_so() {
        let (_, _, values) = told(reply("pause_turn", Ending::Normal));
        assert!(
            values
                .iter()
                .any(|value| value["content_block"]["type"] == "server_tool_use")
        );
        let whole: serde_json::Value =
            serde_json::from_slice(&reply("refusal", Ending::Normal).whole()).unwrap();
        assert_eq!(whole["stop_details"]["type"], "refusal");
        let whole: serde_json::Value =
            serde_json::from_slice(&reply("pause_turn", Ending::Normal).whole()).unwrap();
        assert_eq!(whole["content"][1]["type"], "server_tool_use");
    }
}
