//! An answer that is not a success: the API's envelope, or somebody else's page.

use crate::domain::{
    clean::clean,
    headers::Hint,
    outcome::{ApiError, Outcome},
};
use serde_json::Value;

/// How the body of such an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It is whole.
    Whole,
    /// It was longer than is read.
    TooLong,
    /// It broke off.
    Broken,
}

/// Bytes of an error body that are read; an envelope has a few hundred.
pub const LONGEST: usize = 256 << 10;

/// What an answer with an error status (or a body that is no message) was. `location` is the header of
/// that name.
pub fn outcome(
    status: u16,
    location: Option<&[u8]>,
    hint: Hint,
    body: &[u8],
    end: Ending,
) -> Outcome {
    match envelope(body) {
        Some(error) if status >= 400 => Outcome::Refused {
            status,
            error,
            hint,
        },
        _ => Outcome::Foreign {
            status,
            looks_like: looks_like(status, location, body, end),
            hint,
        },
    }
}

/// `{"type":"error","error":{"type":T,"message":M,"details":{"error_code":C}},"request_id":R}`, every
/// part but `error` optional. Another vendor's envelope (`param`, `code` in `error`) is none.
pub fn envelope(body: &[u8]) -> Option<ApiError> {
    let value: Value = serde_json::from_slice(body).ok()?;
    from_value(&value)
}

/// The same from parsed JSON, as an `error` event carries it.
pub fn from_value(value: &Value) -> Option<ApiError> {
    let error = value.get("error")?.as_object()?;
    let text =
        |value: Option<&Value>, most| value.and_then(Value::as_str).map(|text| clean(text, most));
    let own = value.get("type").and_then(Value::as_str) == Some("error");
    if !own && (error.contains_key("param") || error.contains_key("code")) {
        return None;
    }
    let kind = text(error.get("type"), 100);
    let message = text(error.get("message"), 2000);
    if kind.is_none() && message.is_none() {
        return None;
    }
    let code = error
        .get("details")
        .and_then(|details| details.get("error_code"));
    Some(ApiError {
        kind: kind.unwrap_or_default(),
        message: message.unwrap_or_default(),
        code: text(code, 100).filter(|code| !code.is_empty()),
        request: text(value.get("request_id"), 200)
            .filter(|id| !id.is_empty())
            .map(Into::into),
    })
}

/// What a body looks like, in a few words.
pub fn looks_like(status: u16, location: Option<&[u8]>, body: &[u8], end: Ending) -> String {
    if (300..400).contains(&status)
        && let Some(location) = location
    {
        return format!("a redirect to {}", place(location));
    }
    match end {
        Ending::Broken => return "an answer that broke off in the middle".into(),
        Ending::TooLong => return "an answer that is far too large".into(),
        Ending::Whole => {}
    }
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return "an empty body".into();
    }
    let start: String = text
        .chars()
        .take(300)
        .collect::<String>()
        .to_ascii_lowercase();
    if start.starts_with("<!doctype html") || start.contains("<html") {
        return title(text).map_or_else(
            || "an HTML page".into(),
            |title| format!("an HTML page titled \"{title}\""),
        );
    }
    if start.starts_with('<') {
        return "an XML document".into();
    }
    if std::str::from_utf8(body).is_err() {
        return "bytes that are not text".into();
    }
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(_)) => "JSON of another kind".into(),
        Ok(_) => "JSON that is no object".into(),
        Err(_) if matches!(start.as_bytes().first(), Some(b'{' | b'[')) => {
            "JSON that cannot be read".into()
        }
        Err(_) => format!("plain text \"{}\"", clean(text, 60)),
    }
}

/// Scheme, host and port of a location: its path and query may carry secrets.
fn place(location: &[u8]) -> String {
    let text = String::from_utf8_lossy(location);
    let Some((scheme, rest)) = text.split_once("://") else {
        return "another path".into();
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    clean(&format!("{scheme}://{host}"), 80)
}

fn title(html: &str) -> Option<String> {
    let lower = html.to_ascii_lowercase();
    let start = lower.find("<title")?;
    let start = start + lower.get(start..)?.find('>')? + 1;
    let end = start + lower.get(start..)?.find('<')?;
    let title = clean(html.get(start..end)?.trim(), 60);
    (!title.is_empty()).then_some(title)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn of(status: u16, body: &[u8]) -> Outcome {
        outcome(status, None, Hint::default(), body, Ending::Whole)
    }

    #[test]
    fn the_envelope_with_everything() {
        // Errors page; `details.error_code` as in the SDK's error types.
        let body = br#"{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your organization's maximum usage increase rate","details":{"error_code":"ramp_limit_exceeded"}},"request_id":"req_011CX"}"#;
        let Outcome::Refused { status, error, .. } = of(429, body) else {
            panic!("not refused");
        };
        assert_eq!((status, error.kind.as_str()), (429, "rate_limit_error"));
        assert_eq!(error.code.as_deref(), Some("ramp_limit_exceeded"));
        assert_eq!(error.request.unwrap().as_str(), "req_011CX");
    }

    #[rstest]
    #[case::no_outer_type(br#"{"error":{"type":"rate_limit_error","message":"m"}}"#)]
    #[case::null_details(
        br#"{"type":"error","error":{"type":"api_error","message":"m","details":null}}"#
    )]
    #[case::no_message(br#"{"type":"error","error":{"type":"api_error"}}"#)]
    #[case::unknown_type(
        br#"{"type":"error","error":{"type":"new_error","message":"m","x":1},"y":[]}"#
    )]
    fn envelopes(#[case] body: &[u8]) {
        assert!(matches!(of(500, body), Outcome::Refused { .. }));
    }

    #[rstest]
    #[case(b"", "an empty body")]
    #[case(
        b"<!DOCTYPE html><html><head><title>502 Bad\x1b[31m Gateway</title>",
        "an HTML page titled \"502 Bad[31m Gateway\""
    )]
    #[case(b"<HTML>", "an HTML page")]
    #[case(b"<?xml version='1.0'?><Error/>", "an XML document")]
    #[case(
        br#"{"type":"error","error":{"type":"rate_l"#,
        "JSON that cannot be read"
    )]
    #[case(br#"{"detail":"Not Found"}"#, "JSON of another kind")]
    #[case(br#"{"error":"quota"}"#, "JSON of another kind")]
    #[case(
        br#"{"error":{"message":"m","type":"None","param":"None","code":"429"}}"#,
        "JSON of another kind"
    )]
    #[case(b"[1]", "JSON that is no object")]
    #[case(b"upstream connect error", "plain text \"upstream connect error\"")]
    #[case(b"\xff\xfe\x00", "bytes that are not text")]
    fn foreign(#[case] body: &[u8], #[case] looks: &str) {
        let Outcome::Foreign { looks_like, .. } = of(503, body) else {
            panic!("not foreign");
        };
        assert_eq!(looks_like, looks);
    }

    #[test]
    fn a_redirect_names_the_host_and_nothing_that_may_be_secret() {
        let location = b"https://user:pw@login.example.com/sso?token=secret";
        assert_eq!(
            looks_like(302, Some(location), b"", Ending::Whole),
            "a redirect to https://login.example.com"
        );
    }

    proptest! {
        #[test]
        fn any_bytes_give_an_outcome(body in prop::collection::vec(any::<u8>(), 0..200), status in 100u16..600) {
            let outcome = of(status, &body);
            let is_foreign = matches!(outcome, Outcome::Foreign { .. });
            prop_assert!(is_foreign);
        }
    }
}
