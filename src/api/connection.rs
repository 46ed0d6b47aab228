//! What is needed to speak to one address as one profile.

use crate::{
    domain::{clean::is_secret, id::WorkspaceId},
    net::transport::{Request, Transport},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::{borrow::Cow, fmt, sync::Arc};

/// `anthropic-version`. Both work; both answers are understood whichever was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// The conservative default.
    #[default]
    V2023,
    /// Sent by the SDKs since October 2026.
    V2026,
}

impl Version {
    /// Every version, in the order of lists.
    pub const ALL: [Self; 2] = [Self::V2023, Self::V2026];

    /// As the header writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V2023 => "2023-06-01",
            Self::V2026 => "2026-10-21",
        }
    }

    /// The version of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|version| version.as_str() == name)
    }
}

/// Which header carries the key. The API takes every kind of key in either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuthStyle {
    /// `x-api-key: KEY`.
    #[default]
    XApiKey,
    /// `authorization: Bearer KEY`, as OAuth tokens need it and today's SDKs send it.
    Bearer,
}

impl AuthStyle {
    /// Every style, in the order of lists.
    pub const ALL: [Self; 2] = [Self::XApiKey, Self::Bearer];

    /// As flags and config write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::XApiKey => "x-api-key",
            Self::Bearer => "bearer",
        }
    }

    /// The style of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|style| style.name() == name)
    }
}

/// Stands where a key was.
const BLANK: &str = "(the key)";

/// One profile's way to one address, with one key.
#[derive(Clone)]
pub struct Connection {
    /// The way out.
    pub transport: Arc<dyn Transport>,
    /// The key. Without one nothing is sent in its place.
    pub key: Option<SecretString>,
    /// How the key is sent.
    pub auth: AuthStyle,
    /// `anthropic-version`.
    pub version: Version,
    /// The workspace of the key, where the profile names one.
    pub workspace: Option<WorkspaceId>,
    /// Whether calls ask for `speed: "fast"`.
    pub fast: bool,
    /// The profile's name, for sentences.
    pub profile: Arc<str>,
    /// Host and port, for sentences.
    pub host: String,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("profile", &self.profile)
            .field("host", &self.host)
            .field("auth", &self.auth)
            .field("version", &self.version)
            .field("workspace", &self.workspace)
            .field("fast", &self.fast)
            .field("key", &self.key.as_ref().map(|_| "[kept secret]"))
            .finish_non_exhaustive()
    }
}

impl Connection {
    /// `text` with this connection's own key blanked, whoever repeats it: a gateway's error page, a
    /// header, a model. Keys of the API's shape go with `domain::clean`; this is for the others.
    pub fn without_key(&self, text: String) -> String {
        match self.own_key() {
            Some(key) if text.contains(key) => text.replace(key, BLANK),
            _ => text,
        }
    }

    /// The same for a body, before anything is cut off it: half a key is half a leak.
    pub fn without_key_in<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let Some(key) = self.own_key().map(str::as_bytes) else {
            return Cow::Borrowed(bytes);
        };
        let Some(mut found) = position(bytes, key) else {
            return Cow::Borrowed(bytes);
        };
        let (mut rest, mut out) = (bytes, Vec::with_capacity(bytes.len()));
        loop {
            out.extend_from_slice(&rest[..found]);
            out.extend_from_slice(BLANK.as_bytes());
            rest = &rest[found + key.len()..];
            match position(rest, key) {
                Some(next) => found = next,
                None => break,
            }
        }
        out.extend_from_slice(rest);
        Cow::Owned(out)
    }

    /// The same for the values of headers.
    pub fn without_key_in_headers<'a>(&self, headers: &'a HeaderMap) -> Cow<'a, HeaderMap> {
        let mut clean = Cow::Borrowed(headers);
        for (name, value) in headers {
            if matches!(self.without_key_in(value.as_bytes()), Cow::Owned(_)) {
                let all = headers.get_all(name).iter().filter_map(|value| {
                    HeaderValue::from_bytes(&self.without_key_in(value.as_bytes())).ok()
                });
                let map = clean.to_mut();
                map.remove(name);
                for value in all {
                    map.append(name, value);
                }
            }
        }
        clean
    }

    fn own_key(&self) -> Option<&str> {
        let key = self.key.as_ref()?.expose_secret().trim();
        is_secret(key).then_some(key)
    }

    /// The same for every text of an answer, names included.
    pub fn without_key_inside(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.without_key(std::mem::take(text)),
            Value::Array(items) => {
                for item in items {
                    self.without_key_inside(item);
                }
            }
            Value::Object(fields) => {
                *fields = std::mem::take(fields)
                    .into_iter()
                    .map(|(name, mut value)| {
                        self.without_key_inside(&mut value);
                        (self.without_key(name), value)
                    })
                    .collect();
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// A request with the version, the key and `accept`. A key that no header can carry is an error
    /// without the key.
    pub fn request(
        &self,
        method: Method,
        target: String,
        body: Bytes,
        stream: bool,
    ) -> Result<Request, String> {
        let mut headers = HeaderMap::new();
        let accept = if stream {
            "text/event-stream"
        } else {
            "application/json"
        };
        headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        headers.insert(
            HeaderName::from_static("anthropic-version"),
            HeaderValue::from_static(self.version.as_str()),
        );
        if !body.is_empty() {
            let json = HeaderValue::from_static("application/json");
            headers.insert(header::CONTENT_TYPE, json);
        }
        if let Some(key) = &self.key {
            let (name, text) = match self.auth {
                AuthStyle::XApiKey => (
                    HeaderName::from_static("x-api-key"),
                    SecretString::from(key.expose_secret().trim()),
                ),
                AuthStyle::Bearer => (
                    header::AUTHORIZATION,
                    SecretString::from(format!("Bearer {}", key.expose_secret().trim())),
                ),
            };
            let mut value = HeaderValue::from_str(text.expose_secret()).map_err(|_| {
                format!(
                    "The key of profile {} contains characters that no header can carry: check where it \
                     comes from",
                    self.profile
                )
            })?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(Request {
            method,
            target,
            headers,
            body,
            stream,
        })
    }

    /// A `GET`.
    pub fn get(&self, target: String) -> Result<Request, String> {
        self.request(Method::GET, target, Bytes::new(), false)
    }
}

fn position(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

/// `text` as one piece of a path or a query: everything but letters, digits and `-._~` is escaped, so
/// that an id from the network can neither leave its place nor add a parameter.
pub fn escaped(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    // `..` alone would climb.
    if out.bytes().all(|byte| byte == b'.') {
        out = out.replace('.', "%2E");
    }
    out
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::net::transport::{Broken, Response};
    use futures_util::future::BoxFuture;

    struct Nowhere;

    impl Transport for Nowhere {
        fn send(&self, _: Request) -> BoxFuture<'_, Result<Response, Broken>> {
            unreachable!("nothing is sent here")
        }
    }

    pub(in crate::api) fn nowhere() -> Arc<dyn Transport> {
        Arc::new(Nowhere)
    }

    pub(in crate::api) fn connection(transport: Arc<dyn Transport>) -> Connection {
        Connection {
            transport,
            key: Some("sk-ant-api03-ratetop-sim".into()),
            auth: AuthStyle::XApiKey,
            version: Version::V2023,
            workspace: None,
            fast: false,
            profile: "test".into(),
            host: "127.0.0.1:1".into(),
        }
    }

    #[test]
    fn both_styles_carry_the_key_and_nothing_prints_it() {
        let mut connection = connection(nowhere());
        let request = connection.get("/v1/models".into()).unwrap();
        assert_eq!(request.headers["x-api-key"], "sk-ant-api03-ratetop-sim");
        assert_eq!(request.headers["anthropic-version"], "2023-06-01");
        assert!(!format!("{request:?} {connection:?}").contains("sk-ant"));
        connection.auth = AuthStyle::Bearer;
        connection.version = Version::V2026;
        let request = connection.get("/v1/models".into()).unwrap();
        assert_eq!(
            request.headers["authorization"],
            "Bearer sk-ant-api03-ratetop-sim"
        );
        assert_eq!(request.headers["anthropic-version"], "2026-10-21");
        assert!(!request.headers.contains_key("x-api-key"));
        assert!(!format!("{request:?}").contains("sk-ant"));
    }

    #[test]
    fn a_key_that_no_header_carries_is_named_without_the_key() {
        let mut connection = connection(nowhere());
        connection.key = Some("sk-ant\nsecret".into());
        let error = connection.get("/".into()).unwrap_err();
        assert!(
            error.contains("profile test") && !error.contains("secret"),
            "{error}"
        );
    }

    #[test]
    fn a_key_of_any_shape_is_blanked_wherever_it_stands() {
        let mut connection = connection(nowhere());
        connection.key = Some("odd/Key+9==".into());
        let body = connection.without_key_in(b"a odd/Key+9== b odd/Key+9==");
        assert_eq!(body, b"a (the key) b (the key)".as_slice());
        let plain = connection.without_key_in(b"odd/Key+9");
        assert!(matches!(plain, Cow::Borrowed(b"odd/Key+9")));
        let mut headers = HeaderMap::new();
        headers.append("x", HeaderValue::from_static("1"));
        headers.append("x", HeaderValue::from_static("<odd/Key+9==>"));
        let headers = connection.without_key_in_headers(&headers);
        let values: Vec<_> = headers.get_all("x").iter().collect();
        assert_eq!(values, ["1", "<(the key)>"]);
        let mut value = serde_json::json!({"odd/Key+9==": ["x odd/Key+9==", 1, null]});
        connection.without_key_inside(&mut value);
        assert_eq!(
            value,
            serde_json::json!({"(the key)": ["x (the key)", 1, null]})
        );
        // Too short to be one: sentences stay whole.
        connection.key = Some("a".into());
        assert_eq!(connection.without_key("a bat".into()), "a bat");
    }

    #[test]
    fn names_from_the_network_stay_in_their_place() {
        assert_eq!(escaped("wrkspc_01-a.b~"), "wrkspc_01-a.b~");
        assert_eq!(escaped("../x?y=1&z#é"), "..%2Fx%3Fy%3D1%26z%23%C3%A9");
        assert_eq!(escaped(".."), "%2E%2E");
    }
}
