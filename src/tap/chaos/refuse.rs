//! An answer of our own that looks like the API's: the error envelope, `retry-after` on those that ask
//! for a wait, a request id in head and body.

use super::HEADER;
use crate::domain::time::Time;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde::Serialize;
use std::collections::BTreeMap;

/// Every id of ours begins so: nobody is to send one to support.
const REQUEST: &str = "req_chaos";
/// Characters after that.
const ID_CHARS: usize = 20;

/// An answer of our own.
#[derive(Clone, Debug, PartialEq)]
pub struct Refused {
    /// HTTP status.
    pub status: u16,
    /// All of them but the length.
    pub headers: HeaderMap,
    /// The API's error envelope.
    pub body: Bytes,
    says: Says,
}

/// What an error says.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Says {
    /// `error.type`.
    #[serde(rename = "type")]
    pub(super) kind: String,
    /// `error.message`.
    pub(super) message: String,
    /// `error.details`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) details: Option<Details>,
}

/// The machine-readable part of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Details {
    /// `error.details.error_code`.
    pub(super) error_code: String,
}

/// The API's envelope, in its order of fields.
#[derive(Serialize)]
struct Envelope<'a> {
    r#type: &'static str,
    error: &'a Says,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

impl Says {
    pub(super) fn new(kind: &str, message: &str, code: Option<&str>) -> Self {
        Self {
            kind: kind.to_owned(),
            message: message.to_owned(),
            details: code.map(|code| Details {
                error_code: code.to_owned(),
            }),
        }
    }

    /// As JSON. Only whole answers have an id in it, events of a stream have none.
    pub(super) fn envelope(&self, request_id: Option<&str>) -> String {
        let envelope = Envelope {
            r#type: "error",
            error: self,
            request_id,
        };
        serde_json::to_string(&envelope).unwrap_or_default()
    }
}

impl Refused {
    /// With that status, and a wait where it asks for one.
    pub(super) fn new(status: u16, retry_after_s: Option<u64>, says: Says) -> Self {
        let mut headers = HeaderMap::new();
        if let Some(seconds) = retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        Self {
            status,
            headers,
            body: Bytes::new(),
            says,
        }
    }

    /// Headers besides.
    pub(super) fn carries(&mut self, headers: &BTreeMap<String, String>) {
        for (name, value) in headers {
            let name = HeaderName::try_from(name);
            if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value)) {
                self.headers.insert(name, value);
            }
        }
    }

    /// Of an acceleration limit that lets so many calls pass, and so many from the next minute on, which
    /// is so many seconds away.
    pub(super) fn ramp(left_s: u64, now: u32, next: u32) -> Self {
        let message = format!(
            "This request would exceed your organization's maximum usage increase rate for requests per \
             minute. Your current limit is {now}; it will increase to {next} at the next minute boundary \
             (chaos of ratetop)."
        );
        let says = Says::new("rate_limit_error", &message, Some("ramp_limit_exceeded"));
        Self::new(429, Some(left_s), says)
    }

    /// Gives it an id, a date and the mark, and writes its body.
    pub(super) fn seal(&mut self, mark: HeaderValue, dice: &mut fastrand::Rng, now: Time) {
        let id: String = std::iter::repeat_with(|| dice.alphanumeric())
            .take(ID_CHARS)
            .collect();
        let id = format!("{REQUEST}{id}");
        self.body = Bytes::from(self.says.envelope(Some(&id)));
        let date = now.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        for (name, value) in [
            (header::DATE, HeaderValue::from_str(&date).ok()),
            (
                header::CONTENT_TYPE,
                Some(HeaderValue::from_static("application/json")),
            ),
            (
                HeaderName::from_static("request-id"),
                HeaderValue::from_str(&id).ok(),
            ),
            (HEADER, Some(mark)),
        ] {
            if let Some(value) = value {
                self.headers.insert(name, value);
            }
        }
    }
}
