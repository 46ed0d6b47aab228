//! Streams as the API writes them: section "streaming" of the API notes.

use super::*;
use crate::sim::speak::reply::Stop;
use crate::{domain::usage::Usage, sim::dice::Dice};
use rstest::rstest;

fn reply(stop: Stop, ending: Ending) -> Reply {
    Reply {
        id: "msg_01Abc".into(),
        model: "claude-opus-5-5".into(),
        usage: Usage {
            input_tokens: 14,
            output_tokens: 30,
            cache_creation_input_tokens: 2,
            cache_read_input_tokens: 3,
            ..Usage::default()
        },
        one_hour: false,
        fast: false,
        priority: false,
        thinking: false,
        stop,
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
    let (names, cut, values) = told(reply(Stop::EndTurn, Ending::Normal));
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
        serde_json::from_slice(&reply(Stop::EndTurn, Ending::Normal).whole()).unwrap();
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
    let (names, cut, values) = told(reply(Stop::EndTurn, ending));
    assert_eq!(names.last().unwrap(), last);
    assert_eq!(cut, cuts);
    assert!(!names.contains(&"message_stop".to_owned()));
    if last == "error" {
        assert_eq!(values.last().unwrap()["error"]["type"], "overloaded_error");
    }
}

#[test]
fn paused_and_refused_turns_say_so() {
    let (_, _, values) = told(reply(Stop::PauseTurn, Ending::Normal));
    assert!(
        values
            .iter()
            .any(|value| value["content_block"]["type"] == "server_tool_use")
    );
    let whole: serde_json::Value =
        serde_json::from_slice(&reply(Stop::Refusal, Ending::Normal).whole()).unwrap();
    assert_eq!(whole["stop_details"]["type"], "refusal");
    let whole: serde_json::Value =
        serde_json::from_slice(&reply(Stop::PauseTurn, Ending::Normal).whole()).unwrap();
    assert_eq!(whole["content"][1]["type"], "server_tool_use");
}

/// Section "streaming": a tool's input comes as `input_json_delta`s.
#[test]
fn a_tool_is_asked_for_in_pieces_that_join_to_its_input() {
    let stop = Stop::Tool {
        name: "we\"ather".into(),
        input: r#"{"city":"Köln","n":[1]}"#.into(),
        tokens: 7,
    };
    let (names, _, values) = told(reply(stop.clone(), Ending::Normal));
    assert_eq!(names.last().unwrap(), "message_stop");
    let pieces: String = values
        .iter()
        .filter_map(|value| value["delta"]["partial_json"].as_str())
        .collect();
    let block = values
        .iter()
        .find(|value| value["content_block"]["type"] == "tool_use")
        .unwrap();
    assert_eq!(block["content_block"]["name"], "we\"ather");
    let whole: serde_json::Value =
        serde_json::from_slice(&reply(stop, Ending::Normal).whole()).unwrap();
    assert_eq!(whole["stop_reason"], "tool_use");
    let input: serde_json::Value = serde_json::from_str(&pieces).unwrap();
    assert_eq!(whole["content"][1]["input"], input);
    assert_eq!(whole["content"][1]["id"], block["content_block"]["id"]);
    let text: String = values
        .iter()
        .filter_map(|value| value["delta"]["text"].as_str())
        .collect();
    assert_eq!(whole["content"][0]["text"], text);
}

#[test]
fn a_stop_sequence_is_named_and_is_not_in_the_text() {
    // "Hello from the simulator": cut before the last word, which five tokens would say.
    let stop = Stop::Sequence {
        text: "simu".into(),
        bytes: 15,
    };
    let (_, _, values) = told(reply(stop.clone(), Ending::Normal));
    let text: String = values
        .iter()
        .filter_map(|value| value["delta"]["text"].as_str())
        .collect();
    assert_eq!(text, "Hello from the ");
    let delta = values
        .iter()
        .find(|v| v["type"] == "message_delta")
        .unwrap();
    assert_eq!(delta["delta"]["stop_reason"], "stop_sequence");
    assert_eq!(delta["delta"]["stop_sequence"], "simu");
    let whole: serde_json::Value =
        serde_json::from_slice(&reply(stop, Ending::Normal).whole()).unwrap();
    assert_eq!(whole["content"][0]["text"], text);
    assert_eq!(whole["stop_sequence"], "simu");
}

/// Section "streaming": thinking comes before the text; unknown events and deltas may come anywhere.
#[test]
fn thinking_comes_first_with_what_no_client_knows() {
    let thinks = Reply {
        thinking: true,
        ..reply(Stop::EndTurn, Ending::Normal)
    };
    let whole: serde_json::Value = serde_json::from_slice(&thinks.whole()).unwrap();
    let of = |value: &serde_json::Value| value["usage"]["output_tokens_details"].clone();
    assert_eq!(whole["content"][0]["thinking"], "Which words?");
    assert_eq!(whole["content"][1]["type"], "text");
    assert_eq!(of(&whole)["thinking_tokens"], 3);
    let (names, _, values) = told(thinks);
    let last = values
        .iter()
        .rfind(|value| value["type"] == "message_delta");
    assert_eq!(of(last.unwrap())["thinking_tokens"], 3);
    assert!(names.contains(&"simulated_event".to_owned()));
    let of = |kind: &str| {
        let is = |value: &&serde_json::Value| value["delta"]["type"] == kind;
        values.iter().find(is).map(|value| value["index"].clone())
    };
    assert_eq!(of("thinking_delta"), Some(0.into()));
    assert_eq!(of("signature_delta"), Some(0.into()));
    assert_eq!(of("simulated_delta"), Some(0.into()));
    assert_eq!(of("text_delta"), Some(1.into()));
}
