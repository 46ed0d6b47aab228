use super::*;
use crate::domain::{
    answer::{sse::Reader, stream::Growing},
    outcome::Outcome,
};
use proptest::prelude::*;

/// How a stream is heard here: how it ended, tokens, stop reason, whether anything was generated.
type Heard = (String, Option<Usage>, Option<String>, bool);

fn heard(bytes: &[u8], cuts: &[usize], most: Option<u64>) -> Heard {
    let mut events = Events::new();
    let mut json = Json::new();
    let mut rest = bytes;
    let mut cuts = cuts.iter().cycle();
    while !rest.is_empty() {
        let (piece, after) = rest.split_at((*cuts.next().unwrap()).clamp(1, rest.len()));
        events.push(piece, &mut json);
        rest = after;
    }
    events.finish(&mut json);
    let end = match &events.over {
        None if events.any => "truncated".to_owned(),
        None => "nothing".to_owned(),
        Some(Over::Whole) => "whole".to_owned(),
        Some(Over::Failed(error)) => format!("{error:?}"),
        Some(Over::Garbled) => "garbled".to_owned(),
        Some(other) => format!("{other:?}"),
    };
    let reason = events.stop_reason().map(|it| it.clone().into_owned());
    (end, events.usage(most), reason, events.token)
}

/// The same as the house's own reader of streams, which copies everything, finds it.
fn found(bytes: &[u8], most: Option<u64>) -> Heard {
    let mut reader = Reader::new();
    let mut events = Vec::new();
    reader.push(bytes, &mut events).unwrap();
    events.extend(reader.finish().filter(Growing::is_whole));
    let any = !events.is_empty();
    let mut growing = Growing::unkept(most);
    let (mut token, mut end) = (false, None);
    for event in events {
        let step = growing.take(&event);
        token |= step.token;
        end = step.ended;
        if end.is_some() {
            break;
        }
    }
    let end = match end {
        None if any => "truncated".to_owned(),
        None => "nothing".to_owned(),
        Some(Outcome::Complete { .. }) => "whole".to_owned(),
        Some(Outcome::StreamError { error }) => format!("{error:?}"),
        Some(_) => "garbled".to_owned(),
    };
    let answer = growing.answer();
    (end, answer.usage, answer.stop_reason, token)
}

/// Events as the streaming page has them, and what else may come.
fn event() -> impl Strategy<Value = String> {
    let data = prop_oneof![
        Just(r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-opus-5-5","content":[],"stop_reason":null,"usage":{"input_tokens":25,"cache_creation_input_tokens":null,"cache_read_input_tokens":7,"output_tokens":1}}}"#.to_owned()),
        (0_u64..500, 0_u64..500).prop_map(|(short, long)| serde_json::json!({"type":"message_start","message":{"type":"message","content":[],"usage":{"input_tokens":25,"cache_creation_input_tokens":short + long,"cache_creation":{"ephemeral_5m_input_tokens":short,"ephemeral_1h_input_tokens":long},"cache_read_input_tokens":7,"output_tokens":1}}}).to_string()),
        Just(r#"{"type":"message_delta","delta":{},"usage":{"cache_creation":null,"output_tokens":3}}"#.to_owned()),
        Just(r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#.to_owned()),
        Just(r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"Hi"}}"#.to_owned()),
        Just(r#"{"type":"ping"}"#.to_owned()),
        "[a-z\"\\\\\n é😀]{0,12}".prop_map(|text| serde_json::json!({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":text}}).to_string()),
        "[a-z]{0,12}".prop_map(|text| serde_json::json!({"type":"content_block_delta","index":0,"delta":{"thinking":text,"type":"thinking_delta"}}).to_string()),
        "[a-z]{0,12}".prop_map(|text| serde_json::json!({"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":text}}).to_string()),
        Just(r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"abc"}}"#.to_owned()),
        Just(r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":5}}"#.to_owned()),
        Just(r#"{"type":"content_block_stop","index":0}"#.to_owned()),
        (0_u64..500, prop::sample::select(vec!["end_turn", "max_tokens", "a_new_one"])).prop_map(|(out, reason)| format!(r#"{{"type":"message_delta","delta":{{"stop_reason":"{reason}","stop_sequence":null}},"usage":{{"output_tokens":{out}}}}}"#)),
        Just(r#"{"type":"message_delta","delta":{"stop_reason":null},"usage":{"input_tokens":30,"output_tokens":null}}"#.to_owned()),
        Just(r#"{"type":"message_delta","delta":{},"usage":null}"#.to_owned()),
        Just(r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded","details":{"error_code":"x"}},"request_id":"req_1"}"#.to_owned()),
        Just(r#"{"type":"message_stop"}"#.to_owned()),
        Just("{\"type\":\"a_new_event\",\ndata: \"x\":1}".to_owned()),
        Just("not json".to_owned()),
    ];
    let name = prop_oneof![
        Just(String::new()),
        Just("event: content_block_delta\n".to_owned()),
        Just("event: message_delta\n".to_owned()),
        Just("event:ping\n".to_owned()),
        Just(": a comment\nid: 7\n".to_owned()),
        Just("event: a_name_that_is_longer_than_any_of_those_that_are_known\n".to_owned()),
    ];
    (name, data).prop_map(|(name, data)| format!("{name}data: {data}\n\n"))
}

/// A delta as the API writes it: mostly what is taken in one go.
fn delta_of_the_api() -> impl Strategy<Value = String> {
    let kind = prop::sample::select(vec![
        ("text_delta", "text"),
        ("input_json_delta", "partial_json"),
        ("thinking_delta", "thinking"),
        ("signature_delta", "signature"),
        ("text_delta", "thinking"),
    ]);
    let text = prop_oneof![
        4 => "[a-z\"\\\\\n é😀]{0,60}".prop_map(|text| serde_json::to_string(&text).unwrap()),
        1 => "[a-z\\\\u0-9]{0,12}".prop_map(|text| format!("\"{text}\"")),
    ];
    (kind, 0_u32..12, text, " {0,3}", " {0,3}").prop_map(|((kind, field), index, text, a, b)| {
        format!("event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":{index},\"delta\":{{\"type\":\"{kind}\",\"{field}\":{text}}}{a}}}{b}\n\n")
    })
}

proptest! {
    /// What is taken in one go says what its bytes say one by one, also when one of them is another.
    #[test]
    fn a_delta_in_one_piece_says_what_its_bytes_say(
        before in event(),
        deltas in prop::collection::vec(delta_of_the_api(), 1..6),
        after in event(),
        at in any::<prop::sample::Index>(),
        other in prop::option::of(prop::sample::select(b"\"\\\n\r{}[]:, 0nu\xff".to_vec())),
        cuts in prop::collection::vec(1_usize..300, 1..9),
    ) {
        let mut bytes = (before + &deltas.concat() + &after).into_bytes();
        if let Some(other) = other {
            let at = at.index(bytes.len());
            bytes[at] = other;
        }
        let wanted = heard(&bytes, &[1], None);
        prop_assert_eq!(heard(&bytes, &[usize::MAX], None), wanted.clone());
        prop_assert_eq!(heard(&bytes, &cuts, None), wanted);
    }

    #[test]
    fn a_stream_is_heard_as_the_house_reads_it(
        events in prop::collection::vec(event(), 0..12),
        ending in prop::sample::select(vec!["\n", "\r\n", "\r"]),
        bom in any::<bool>(),
        cut in any::<prop::sample::Index>(),
        most in prop::option::of(0_u64..20),
        cuts in prop::collection::vec(1_usize..40, 1..9),
    ) {
        let mut text = events.concat().replace('\n', ending);
        if bom {
            text.insert(0, '\u{feff}');
        }
        let mut bytes = text.into_bytes();
        if cut.index(4) == 0 {
            bytes.truncate(cut.index(bytes.len() + 1));
        }
        let wanted = found(&bytes, most);
        prop_assert_eq!(heard(&bytes, &[usize::MAX], most), wanted.clone());
        prop_assert_eq!(heard(&bytes, &cuts, most), wanted);
    }

    #[test]
    fn any_bytes_are_survived(
        bytes in prop::collection::vec(prop_oneof![
            prop::collection::vec(any::<u8>(), 0..20),
            prop::sample::select(vec![&b"data:"[..], b"event: error\n", b"\n\n", b"\r", b"{}", b"\""]).prop_map(<[u8]>::to_vec),
        ], 0..20),
        cuts in prop::collection::vec(1_usize..9, 1..9),
    ) {
        let bytes = bytes.concat();
        prop_assert_eq!(heard(&bytes, &cuts, None), heard(&bytes, &[usize::MAX], None));
    }
}

#[test]
fn a_line_of_a_megabyte_is_read_through() {
    let mut events = Events::new();
    let mut json = Json::new();
    events.push(b"data: {\"type\":\"ping\",\"text\":\"", &mut json);
    events.push(&vec![b'x'; 1_000_000], &mut json);
    events.push(b"\"}\n\ndata: {\"type\":\"message_stop\"}\n\n", &mut json);
    assert_eq!(events.over, Some(Over::Whole));
}

#[test]
fn a_line_above_a_megabyte_ends_the_reading() {
    let mut events = Events::new();
    let mut json = Json::new();
    let piece = vec![b'x'; 60_000];
    events.push(b"data: \"", &mut json);
    for _ in 0..18 {
        events.push(&piece, &mut json);
    }
    assert_eq!(events.over, Some(Over::TooLong));
    events.push(b"\n\ndata: {\"type\":\"message_stop\"}\n\n", &mut json);
    assert_eq!(events.over, Some(Over::TooLong));
}
