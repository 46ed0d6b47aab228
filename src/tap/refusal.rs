//! Why the tap itself answers, in the API's error envelope, so that every client can read it.

use bytes::Bytes;
use http::StatusCode;
use std::fmt;

/// Why a request was not passed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Its `Host` is not one of the tap's own; the ports that are.
    ForeignHost(u16),
    /// It asks for a tunnel.
    Connect,
    /// Its target names a server.
    Absolute,
    /// Its target cannot be put behind the upstream's path.
    Target,
    /// It has `Content-Length` and `Transfer-Encoding`, or may have both.
    TwoLengths,
    /// The chunks of its body are not well-formed.
    Chunks,
    /// It lacks the token, or has another.
    Token,
    /// It wants another protocol.
    Upgrade,
    /// There was no answer from upstream; why, in one sentence.
    Unreachable(String),
}

impl Refusal {
    /// The HTTP status.
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::ForeignHost(_) => StatusCode::FORBIDDEN,
            Self::Connect => StatusCode::METHOD_NOT_ALLOWED,
            Self::Absolute | Self::Target | Self::TwoLengths | Self::Chunks => {
                StatusCode::BAD_REQUEST
            }
            Self::Token => StatusCode::UNAUTHORIZED,
            Self::Upgrade => StatusCode::NOT_IMPLEMENTED,
            Self::Unreachable(_) => StatusCode::BAD_GATEWAY,
        }
    }

    /// `error.type`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::ForeignHost(_) => "permission_error",
            Self::Token => "authentication_error",
            Self::Unreachable(_) => "api_error",
            _ => "invalid_request_error",
        }
    }

    /// The whole body.
    pub fn body(&self) -> Bytes {
        // In the API's own order of fields.
        let message = serde_json::Value::from(format!("ratetop tap: {self}"));
        Bytes::from(format!(
            r#"{{"type":"error","error":{{"type":"{}","message":{message}}},"request_id":null}}"#,
            self.kind()
        ))
    }
}

/// One sentence.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ForeignHost(port) => write!(
                f,
                "the request was not passed on: its Host must be localhost, 127.0.0.1 or [::1] with port \
                 {port}"
            ),
            Self::Connect => f.write_str("the request was not passed on: this is no proxy for CONNECT"),
            Self::Absolute => f.write_str(
                "the request was not passed on: its target names a server; set this address as the base \
                 URL, not as a proxy",
            ),
            Self::Target => f.write_str("the request was not passed on: its target cannot be forwarded"),
            Self::TwoLengths => f.write_str(
                "the request was not passed on: a chunked request must come by itself and without \
                 Content-Length",
            ),
            Self::Chunks => {
                f.write_str("the request was broken off: the chunks of its body are not well-formed")
            }
            Self::Token => f.write_str(
                "the request was not passed on: send this tap's token (of --token-file, or of token_file in its \
                 profile) in the header x-ratetop-token, or put /t/TOKEN behind this address",
            ),
            Self::Upgrade => f.write_str(
                "the request was not passed on: only HTTP/1.1 passes, no upgrade to another protocol",
            ),
            Self::Unreachable(why) => write!(f, "no answer from upstream: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_is_an_envelope_of_the_api() {
        for refusal in [
            Refusal::ForeignHost(4788),
            Refusal::Connect,
            Refusal::Absolute,
            Refusal::Target,
            Refusal::TwoLengths,
            Refusal::Chunks,
            Refusal::Token,
            Refusal::Upgrade,
            Refusal::Unreachable("Nobody listens at \"x\"".into()),
        ] {
            let body: serde_json::Value = serde_json::from_slice(&refusal.body()).unwrap();
            assert_eq!(body["type"], "error");
            assert_eq!(body["error"]["type"], refusal.kind());
            let message = body["error"]["message"].as_str().unwrap();
            assert!(message.starts_with("ratetop tap: "), "{message}");
            assert!(refusal.status().as_u16() >= 400);
        }
    }
}
