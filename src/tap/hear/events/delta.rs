//! The event of which streams consist, as the API writes it. Where it stands whole in one piece it is
//! taken in one go; any other, and any other spelling of it, is read like all events.

use super::{
    super::scan::{is_blank, special},
    LONGEST,
};

/// How each begins.
const BEGINNING: &[u8] =
    b"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":";

/// What stands between its index and what was generated.
const KINDS: [&[u8]; 3] = [
    b",\"delta\":{\"type\":\"text_delta\",\"text\":\"",
    b",\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"",
    b",\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"",
];

/// Such an event at the beginning of `bytes`: how many bytes were generated, unescaped, and what is
/// behind it.
pub(super) fn delta(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let index = bytes.strip_prefix(BEGINNING)?;
    let digits = index.iter().take_while(|b| b.is_ascii_digit()).count();
    let rest = index.get(digits..).filter(|_| digits > 0)?;
    let text = KINDS.iter().find_map(|kind| rest.strip_prefix(*kind))?;
    let (generated, rest) = text_in(text)?;
    // Blanks hide how long the text is from those who see only lengths.
    let rest = without_blanks(rest).strip_prefix(b"}")?;
    let rest = without_blanks(rest).strip_prefix(b"}")?;
    let rest = without_blanks(rest).strip_prefix(b"\n\n")?;
    let fits = (bytes.len() - rest.len()) as u64 <= LONGEST;
    fits.then_some((generated, rest))
}

/// The length of a string, unescaped, and what is behind it. One with a `\u` or a raw control character is left.
fn text_in(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (mut at, mut escapes) = (0, 0);
    loop {
        at += special(bytes.get(at..)?)?;
        if bytes.get(at) == Some(&b'"') {
            break;
        }
        if bytes.get(at + 1) == Some(&b'u') {
            return None;
        }
        escapes += 1;
        at += 2;
    }
    let (text, rest) = bytes.split_at_checked(at)?;
    // To the end whatever is found, as then many are looked at in one step.
    let least = text.iter().fold(b' ', |least, b| least.min(*b));
    let length = (least >= b' ').then_some((at - escapes) as u64)?;
    Some((length, rest.get(1..)?))
}

fn without_blanks(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|b| !is_line_blank(*b));
    bytes.get(end.unwrap_or(bytes.len())..).unwrap_or_default()
}

/// A blank of JSON that does not end the line.
const fn is_line_blank(byte: u8) -> bool {
    is_blank(byte) && !matches!(byte, b'\n' | b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: [(&str, u64); 6] = [
        (
            r#""index":0,"delta":{"type":"text_delta","text":"ello frien"}}"#,
            10,
        ),
        (
            r#""index":12,"delta":{"type":"text_delta","text":"é\n\"\\"}}"#,
            5,
        ),
        (
            r#""index":0,"delta":{"type":"text_delta","text":"a"}     }"#,
            1,
        ),
        (
            r#""index":1,"delta":{"type":"input_json_delta","partial_json":"{\"location\":"}}"#,
            12,
        ),
        (
            r#""index":1,"delta":{"type":"input_json_delta","partial_json":""}}"#,
            0,
        ),
        (
            r#""index":0,"delta":{"type":"thinking_delta","thinking":"I need to find the GCD"}}"#,
            22,
        ),
    ];

    fn event(data: &str) -> String {
        format!("event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",{data}\n\n")
    }

    /// The forms of the streaming page, so that what is quick is what comes.
    #[test]
    fn the_apis_own_are_taken_in_one_go() {
        for (data, generated) in EVENTS {
            let bytes = event(data) + "event: ping\n";
            let taken = delta(bytes.as_bytes());
            assert_eq!(taken, Some((generated, &b"event: ping\n"[..])), "{data}");
        }
    }

    #[test]
    fn one_that_is_not_whole_is_left() {
        for (data, _) in EVENTS {
            let bytes = event(data);
            for end in 0..bytes.len() {
                assert_eq!(delta(&bytes.as_bytes()[..end]), None);
            }
        }
    }

    #[test]
    fn what_may_mean_something_else_is_left() {
        for data in [
            r#""index":,"delta":{"type":"text_delta","text":"a"}}"#,
            r#""index":0,"delta":{"type":"text_delta","text":"\u00e9"}}"#,
            r#""index":0,"delta":{"type":"text_delta","text":"a","text":"b"}}"#,
            r#""index":0,"delta":{"type":"text_delta","text":"a"},"type":"error"}"#,
            r#""index":0,"delta":{"type":"signature_delta","signature":"a"}}"#,
            "\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\nb\"}}",
            "\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\\\rb\"}}",
        ] {
            assert_eq!(delta(event(data).as_bytes()), None, "{data}");
        }
        let long = "x".repeat(LONGEST as usize);
        let data = format!(r#""index":0,"delta":{{"type":"text_delta","text":"{long}"}}}}"#);
        assert_eq!(delta(event(&data).as_bytes()), None);
    }
}
