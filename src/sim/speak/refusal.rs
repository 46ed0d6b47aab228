//! Errors in the API's envelope.

use bytes::Bytes;
use serde::Serialize;

/// What is wrong with a request, before it has a request id.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// `error.type`.
    pub kind: &'static str,
    /// `error.message`.
    pub message: String,
    /// `error.details.error_code`.
    pub code: Option<&'static str>,
    /// Seconds for `retry-after`.
    pub retry_after_s: Option<u64>,
    /// Seconds until it is sent.
    pub wait_s: f64,
    /// Whether rate-limit headers come with it.
    pub levels: bool,
}

#[derive(Serialize)]
struct Envelope<'a> {
    r#type: &'static str,
    error: Inner<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

#[derive(Serialize)]
struct Inner<'a> {
    r#type: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details<'a>>,
}

#[derive(Serialize)]
struct Details<'a> {
    error_code: &'a str,
}

/// The envelope of section "errors"; a stream's `error` event has no `request_id`.
pub fn envelope(kind: &str, message: &str, code: Option<&str>, request: Option<&str>) -> Bytes {
    let envelope = Envelope {
        r#type: "error",
        error: Inner {
            r#type: kind,
            message,
            details: code.map(|error_code| Details { error_code }),
        },
        request_id: request,
    };
    serde_json::to_vec(&envelope).unwrap_or_default().into()
}

impl Refusal {
    /// A plain one.
    pub fn new(status: u16, kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            kind,
            message: message.into(),
            code: None,
            retry_after_s: None,
            wait_s: 0.0,
            levels: false,
        }
    }

    /// 400.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "invalid_request_error", message)
    }

    /// 404.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, "not_found_error", message)
    }

    /// 413.
    pub fn too_large() -> Self {
        Self::new(
            413,
            "request_too_large",
            "Request exceeds the maximum size of 32 MB",
        )
    }

    /// 429; seconds are rounded up, so that whoever waits them comes in time.
    pub fn limited(message: impl Into<String>, wait_s: Option<f64>) -> Self {
        Self {
            retry_after_s: wait_s.map(|seconds| (seconds - 1e-6).ceil().max(1.0) as u64),
            levels: true,
            ..Self::new(429, "rate_limit_error", message)
        }
    }

    /// With an error code.
    #[must_use]
    pub fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// The body.
    pub fn body(&self, request: &str) -> Bytes {
        envelope(self.kind, &self.message, self.code, Some(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn envelope_is_the_documented_one() {
        let refusal = Refusal::limited("no", Some(16.2)).code("ramp_limit_exceeded");
        assert_eq!(refusal.retry_after_s, Some(17));
        assert_eq!(
            refusal.body("req_1"),
            r#"{"type":"error","error":{"type":"rate_limit_error","message":"no","details":{"error_code":"ramp_limit_exceeded"}},"request_id":"req_1"}"#
        );
        assert_eq!(
            envelope("overloaded_error", "Overloaded", None, None),
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#
        );
    }
}
