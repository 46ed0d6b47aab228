//! The body of `POST /v1/messages` and of `count_tokens`, read leniently: only what the simulator
//! needs, with sizes instead of texts.

use super::{
    refusal::Refusal,
    size::{CacheControl, Content, Size, mix},
    tools::{self, ToolAsk},
};
use crate::sim::scenario::catalogue;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;
use std::borrow::Cow;

/// What the simulator needs to know of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct MessagesAsk {
    /// As written.
    pub model: String,
    /// `max_tokens`; 0 for `count_tokens`.
    pub max_tokens: u64,
    /// Whether to stream.
    pub stream: bool,
    /// Whether `speed` is `fast`.
    pub fast: bool,
    /// Estimated from the size, four bytes a token.
    pub input_tokens: u64,
    /// What `cache_control` asks to keep.
    pub cache: Option<CacheAsk>,
    /// Whether the last message is the assistant's, sent back after `pause_turn`.
    pub continued: bool,
    /// The tool that the answer may ask for.
    pub tool: Option<ToolAsk>,
    /// Whether the last message brings a tool's result.
    pub has_result: bool,
    /// Texts that end an answer.
    pub stop_sequences: Vec<String>,
    /// The stop reason that the prompt asks for: `[stop: refusal]`, see [`WANTED`].
    pub wanted: Option<Wanted>,
    /// Whether `service_tier` is `standard_only`.
    pub standard_only: bool,
}

/// A stop reason that a prompt may ask the simulator for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// `max_tokens`
    MaxTokens,
    /// `refusal`
    Refusal,
    /// `tool_use`
    ToolUse,
    /// `pause_turn`
    PauseTurn,
    /// `model_context_window_exceeded`
    Window,
}

/// What stands anywhere in a prompt for it, so that each can be met without a model that has its moods.
pub const WANTED: [(&str, Wanted); 5] = [
    ("[stop: max_tokens]", Wanted::MaxTokens),
    ("[stop: refusal]", Wanted::Refusal),
    ("[stop: tool_use]", Wanted::ToolUse),
    ("[stop: pause_turn]", Wanted::PauseTurn),
    ("[stop: model_context_window_exceeded]", Wanted::Window),
];

/// The first of [`WANTED`] in a body.
fn wanted(body: &[u8]) -> Option<Wanted> {
    const MARK: &[u8] = b"[stop: ";
    let mut rest = body;
    while let Some(at) = rest.iter().position(|b| *b == MARK[0]) {
        rest = &rest[at..];
        if rest.starts_with(MARK) {
            let found = WANTED
                .iter()
                .find(|(text, _)| rest.starts_with(text.as_bytes()));
            if let Some((_, wanted)) = found {
                return Some(*wanted);
            }
        }
        rest = &rest[1..];
    }
    None
}

/// A cache breakpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheAsk {
    /// Of everything up to the last breakpoint.
    pub hash: u64,
    /// Tokens up to there.
    pub tokens: u64,
    /// Kept for an hour instead of five minutes.
    pub one_hour: bool,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    model: Option<Cow<'a, str>>,
    max_tokens: Option<i64>,
    messages: Option<Vec<Turn<'a>>>,
    system: Option<Content>,
    stream: Option<bool>,
    #[serde(borrow)]
    speed: Option<Cow<'a, str>>,
    tools: Option<Value>,
    tool_choice: Option<Value>,
    stop_sequences: Option<Vec<String>>,
    #[serde(borrow)]
    service_tier: Option<Cow<'a, str>>,
    temperature: Option<IgnoredAny>,
    top_p: Option<IgnoredAny>,
    top_k: Option<IgnoredAny>,
    cache_control: Option<CacheControl<'a>>,
}

#[derive(Deserialize)]
struct Turn<'a> {
    #[serde(borrow)]
    role: Cow<'a, str>,
    content: Content,
}

/// As `domain::call::estimate_tokens` counts: four bytes a token, and eight for the frame.
fn tokens(bytes: u64) -> u64 {
    bytes.div_ceil(4).max(1)
}

/// Reads a body. `new_version` is `anthropic-version: 2026-10-21`, which refuses sampling parameters.
pub fn read(body: &[u8], counting: bool, new_version: bool) -> Result<MessagesAsk, Refusal> {
    let wanted = wanted(body);
    let body: Body<'_> = serde_json::from_slice(body).map_err(|error| {
        let what = if error.is_data() {
            "The request body has a field of the wrong type"
        } else {
            "The request body is not valid JSON"
        };
        Refusal::invalid(format!("{what}: {error}"))
    })?;
    let missing = |field: &str| Refusal::invalid(format!("{field}: Field required"));
    let model = body.model.ok_or_else(|| missing("model"))?.into_owned();
    let max_tokens = match body.max_tokens {
        Some(value) if value >= 1 => value as u64,
        Some(_) => {
            return Err(Refusal::invalid(
                "max_tokens: Input should be greater than or equal to 1",
            ));
        }
        None if counting => 0,
        None => return Err(missing("max_tokens")),
    };
    let turns = body.messages.ok_or_else(|| missing("messages"))?;
    if turns.is_empty() {
        return Err(Refusal::invalid(
            "messages: at least one message is required",
        ));
    }
    if let Some((n, turn)) = turns
        .iter()
        .enumerate()
        .find(|(_, turn)| !matches!(&*turn.role, "user" | "assistant" | "system"))
    {
        return Err(Refusal::invalid(format!(
            "messages.{n}.role: `{}` is not one of 'user', 'assistant' or 'system'",
            turn.role
        )));
    }
    if new_version || !catalogue::takes_sampling(&model) {
        for (field, given) in [
            ("temperature", body.temperature.is_some()),
            ("top_p", body.top_p.is_some()),
            ("top_k", body.top_k.is_some()),
        ] {
            if given {
                let by = if new_version {
                    "with anthropic-version 2026-10-21"
                } else {
                    "by this model"
                };
                return Err(Refusal::invalid(format!("{field}: not accepted {by}")));
            }
        }
    }
    let continued = turns.last().is_some_and(|turn| turn.role == "assistant");
    if continued
        && !counting
        && !catalogue::takes_prefill(&model)
        && !turns.last().is_some_and(|turn| turn.content.server_tool)
    {
        return Err(Refusal::invalid(
            "This model does not support assistant message prefill. The conversation must end with a user message.",
        ));
    }

    let mut bytes = 0_u64;
    let mut hash = 0;
    let mut mark = None;
    if let Some(tools) = body
        .tools
        .as_ref()
        .and_then(|it| Size::deserialize(it).ok())
    {
        bytes = tools.bytes;
        hash = tools.hash;
    }
    for piece in body
        .system
        .iter()
        .chain(turns.iter().map(|turn| &turn.content))
    {
        if let Some((upto, marked, one_hour)) = piece.mark {
            mark = Some((bytes.saturating_add(upto), mix(hash, marked), one_hour));
        }
        bytes = bytes.saturating_add(piece.bytes);
        hash = mix(hash, piece.hash);
    }
    if let Some(control) = body.cache_control {
        mark = Some((bytes, hash, control.one_hour()));
    }
    Ok(MessagesAsk {
        model,
        max_tokens,
        stream: body.stream.unwrap_or(false),
        fast: body.speed.as_deref() == Some("fast"),
        input_tokens: tokens(bytes) + 8,
        cache: mark.map(|(bytes, hash, one_hour)| CacheAsk {
            hash,
            tokens: tokens(bytes),
            one_hour,
        }),
        continued,
        tool: body
            .tools
            .as_ref()
            .and_then(|tools| tools::chosen(tools, body.tool_choice.as_ref())),
        has_result: turns.last().is_some_and(|turn| turn.content.tool_result),
        stop_sequences: body.stop_sequences.unwrap_or_default(),
        wanted,
        standard_only: body.service_tier.as_deref() == Some("standard_only"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::call::estimate_tokens;
    use rstest::rstest;

    fn ask(json: &str) -> Result<MessagesAsk, Refusal> {
        read(json.as_bytes(), false, true)
    }

    #[test]
    fn sizes_as_the_callers_estimate() {
        let json =
            r#"{"model":"m","max_tokens":5,"messages":[{"role":"user","content":"Say hello."}]}"#;
        assert_eq!(
            ask(json).unwrap().input_tokens,
            estimate_tokens("Say hello.")
        );
        let blocks = r#"{"model":"m","max_tokens":5,"messages":[{"role":"user","content":[{"type":"text","text":"Say hello."}]}]}"#;
        assert_eq!(
            ask(blocks).unwrap().input_tokens,
            estimate_tokens("Say hello.")
        );
    }

    #[rstest]
    #[case::system_role(r#"{"model":"m","max_tokens":5,"messages":[{"role":"system","content":"be brief"},{"role":"user","content":"hi"}]}"#)]
    #[case::unknown_keys(r#"{"model":"m","max_tokens":5,"zzz":[1,{"a":null}],"metadata":{"user_id":"x"},"messages":[{"role":"user","content":"hi","name":"x"}]}"#)]
    #[case::escapes(
        r#"{"model":"m\u0020x","max_tokens":5,"messages":[{"role":"user","content":"a\nb"}]}"#
    )]
    #[case::tools(r#"{"model":"m","max_tokens":5,"tools":[{"name":"t","input_schema":{"type":"object","n":1.5,"b":true,"z":null}}],"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"x","content":[{"type":"text","text":"ok"}]},{"type":"image","source":{"type":"base64","data":"AAAA"}}]}]}"#)]
    #[case::paused(r#"{"model":"m","max_tokens":5,"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{}}]}]}"#)]
    fn lenient(#[case] json: &str) {
        ask(json).unwrap_or_else(|refusal| panic!("{}", refusal.message));
    }

    #[rstest]
    #[case::empty("", "not valid JSON")]
    #[case::cut(r#"{"model":"m","#, "not valid JSON")]
    #[case::list("[]", "wrong type")]
    #[case::no_model(r#"{"max_tokens":5,"messages":[]}"#, "model: Field required")]
    #[case::no_max(
        r#"{"model":"m","messages":[{"role":"user","content":"x"}]}"#,
        "max_tokens: Field required"
    )]
    #[case::no_messages(r#"{"model":"m","max_tokens":5}"#, "messages: Field required")]
    #[case::none(r#"{"model":"m","max_tokens":5,"messages":[]}"#, "at least one")]
    #[case::zero(
        r#"{"model":"m","max_tokens":0,"messages":[{"role":"user","content":"x"}]}"#,
        "greater than"
    )]
    #[case::role(
        r#"{"model":"m","max_tokens":5,"messages":[{"role":"robot","content":"x"}]}"#,
        "messages.0.role"
    )]
    #[case::sampling(r#"{"model":"m","max_tokens":5,"temperature":0.2,"messages":[{"role":"user","content":"x"}]}"#, "temperature")]
    #[case::prefill(r#"{"model":"m","max_tokens":5,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"The"}]}"#, "prefill")]
    #[case::wrong(r#"{"model":5,"max_tokens":5,"messages":[]}"#, "wrong type")]
    fn refused(#[case] json: &str, #[case] part: &str) {
        let refusal = ask(json).unwrap_err();
        assert_eq!(refusal.status, 400);
        assert!(refusal.message.contains(part), "{}", refusal.message);
    }

    /// Section "live headers cheaply": sampling is refused under the new version and by models from 4.7
    /// on, a prefill by models from 4.6 on.
    #[rstest]
    #[case("claude-opus-5-5", false, false, false)]
    #[case("claude-opus-4-7", false, false, false)]
    #[case("claude-opus-4-6", false, true, false)]
    #[case("claude-sonnet-4-5-20250929", false, true, true)]
    #[case("claude-haiku-4-5", false, true, true)]
    #[case("claude-haiku-4-5", true, false, true)]
    fn what_old_models_take(
        #[case] model: &str,
        #[case] new: bool,
        #[case] sampling: bool,
        #[case] prefill: bool,
    ) {
        let body = |more: &str, turn: &str| {
            format!(
                r#"{{"model":"{model}","max_tokens":5{more},"messages":[{{"role":"user","content":"x"}}{turn}]}}"#
            )
        };
        let takes = |body: &str| read(body.as_bytes(), false, new).is_ok();
        assert_eq!(takes(&body(r#","top_p":0.5"#, "")), sampling);
        let turn = r#",{"role":"assistant","content":"The"}"#;
        assert_eq!(takes(&body("", turn)), prefill);
    }

    #[rstest]
    #[case("Say hello. [stop: refusal]", Some(Wanted::Refusal))]
    #[case("[[stop: [stop: pause_turn]", Some(Wanted::PauseTurn))]
    #[case("a full stop: refusal", None)]
    #[case("[stop: at once]", None)]
    fn a_prompt_may_ask_for_a_stop_reason(#[case] prompt: &str, #[case] wanted: Option<Wanted>) {
        let json = format!(
            r#"{{"model":"m","max_tokens":5,"messages":[{{"role":"user","content":"{prompt}"}}]}}"#
        );
        assert_eq!(ask(&json).unwrap().wanted, wanted);
    }

    #[test]
    fn the_last_breakpoint_counts_and_text_after_it_does_not_change_it() {
        let body = |tail: &str, ttl: &str| {
            ask(&format!(r#"{{"model":"m","max_tokens":5,"system":[{{"type":"text","text":"{}","cache_control":{{"type":"ephemeral"{ttl}}}}}],"messages":[{{"role":"user","content":"{tail}"}}]}}"#, "long ".repeat(2000)))
                .unwrap()
        };
        let (a, b) = (body("one", ""), body("another", r#","ttl":"1h""#));
        let (cached_a, cached_b) = (a.cache.unwrap(), b.cache.unwrap());
        assert_eq!(cached_a.hash, cached_b.hash);
        assert_eq!(cached_a.tokens, 2500);
        assert!(!cached_a.one_hour && cached_b.one_hour);
        assert!(a.input_tokens > cached_a.tokens);
    }
}
