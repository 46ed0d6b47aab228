//! A request as far as the engine needs it.

use super::{
    batch::{self, BatchAsk},
    limits::{self, Change},
    message::{self, MessagesAsk},
    refusal::Refusal,
};
use http::{HeaderMap, Method};

/// More than this many bytes is refused with 413.
pub const MAX_BODY: usize = 32 * 1024 * 1024;

/// Keys that the simulator accepts.
pub const API_KEY: &str = "sk-ant-api03-ratetop-sim";
/// The same for the Admin API.
pub const ADMIN_KEY: &str = "sk-ant-admin01-ratetop-sim";

/// Whose key came with the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// [`API_KEY`].
    Api,
    /// [`ADMIN_KEY`].
    Admin,
    /// Another one.
    Unknown,
    /// None at all.
    Missing,
}

/// The value of `anthropic-version`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// `2023-06-01`
    Y2023,
    /// `2026-10-21`
    Y2026,
    /// Another one.
    Unknown,
    /// No such header.
    Missing,
}

/// Query parameters, decoded, in order.
pub type Query = Vec<(String, String)>;

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Route {
    /// `HEAD /`
    Alive,
    /// `GET /_ratetop/simulator`
    Simulator,
    /// `POST /v1/messages`
    Messages(Result<MessagesAsk, Refusal>),
    /// `POST /v1/messages/count_tokens`
    CountTokens(Result<MessagesAsk, Refusal>),
    /// `/v1/messages/batches…`, and the `Host` of the request: results have a URL.
    Batches(String, BatchAsk),
    /// `GET /v1/models`
    Models(Query),
    /// `GET /v1/models/{id}`
    Model(String),
    /// `GET /v1/organizations/me`
    Me,
    /// `GET /v1/organizations/rate_limits`
    RateLimits(Query),
    /// `GET /v1/organizations/workspaces`
    Workspaces(Query),
    /// `GET /v1/organizations/workspaces/{id}`
    Workspace(String),
    /// `GET /v1/organizations/workspaces/{id}/rate_limits`
    WorkspaceRateLimits(String, Query),
    /// `POST /v1/organizations/workspaces/{id}/rate_limits/{rate_limit_id}`
    SetRateLimits(String, String, Result<Vec<Change>, Refusal>),
    /// `GET /v1/organizations/usage_report/messages`
    Usage(Query),
    /// Refused before anything else.
    Refused(Refusal),
}

/// A request.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// Whose key.
    pub key: Key,
    /// Which version.
    pub version: Version,
    /// What for.
    pub route: Route,
}

/// Reads a request. `target` is path and query.
pub fn read(method: &Method, target: &str, headers: &HeaderMap, body: &[u8]) -> Ask {
    let version = match headers
        .get("anthropic-version")
        .map(http::HeaderValue::as_bytes)
    {
        Some(b"2023-06-01") => Version::Y2023,
        Some(b"2026-10-21") => Version::Y2026,
        Some(_) => Version::Unknown,
        None => Version::Missing,
    };
    Ask {
        key: key(headers),
        version,
        route: route(method, target, host(headers), body, version),
    }
}

fn key(headers: &HeaderMap) -> Key {
    let plain = headers.get("x-api-key").map(http::HeaderValue::as_bytes);
    let bearer = headers
        .get("authorization")
        .map(http::HeaderValue::as_bytes)
        .and_then(|value| {
            value
                .get(..7)
                .filter(|word| word.eq_ignore_ascii_case(b"bearer "))
                .map(|_| &value[7..])
        });
    match plain.filter(|key| !key.is_empty()).or(bearer) {
        Some(key) if key == API_KEY.as_bytes() => Key::Api,
        Some(key) if key == ADMIN_KEY.as_bytes() => Key::Admin,
        Some(_) => Key::Unknown,
        None => Key::Missing,
    }
}

fn host(headers: &HeaderMap) -> &str {
    let host = headers.get(http::header::HOST);
    host.and_then(|host| host.to_str().ok())
        .unwrap_or("api.anthropic.com")
}

fn route(method: &Method, target: &str, host: &str, body: &[u8], version: Version) -> Route {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let query = || {
        query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (decoded(name), decoded(value))
            })
            .collect()
    };
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let new = version == Version::Y2026;
    let (wanted, route) = match parts.as_slice() {
        [""] => (Method::HEAD, Route::Alive),
        ["_ratetop", "simulator"] => (Method::GET, Route::Simulator),
        ["v1", "messages"] if method == Method::POST => {
            return Route::Messages(message::read(body, false, new));
        }
        ["v1", "messages", "count_tokens"] if method == Method::POST => {
            return Route::CountTokens(message::read(body, true, new));
        }
        ["v1", "messages"] | ["v1", "messages", "count_tokens"] => (
            Method::POST,
            Route::Refused(Refusal::not_found("Not Found")),
        ),
        ["v1", "messages", "batches", rest @ ..] => {
            let (wanted, ask) = match rest {
                [] if method == Method::POST => {
                    (Method::POST, BatchAsk::Create(batch::read(body, new)))
                }
                [] => (Method::GET, BatchAsk::List(query())),
                [id, "cancel"] => (Method::POST, BatchAsk::Cancel(decoded(id))),
                [id, "results"] => (Method::GET, BatchAsk::Results(decoded(id))),
                [id] if method == Method::DELETE => (Method::DELETE, BatchAsk::Delete(decoded(id))),
                [id] => (Method::GET, BatchAsk::Retrieve(decoded(id))),
                _ => return Route::Refused(Refusal::not_found("Not Found")),
            };
            (wanted, Route::Batches(host.to_owned(), ask))
        }
        ["v1", "models"] => (Method::GET, Route::Models(query())),
        ["v1", "models", id] => (Method::GET, Route::Model(decoded(id))),
        ["v1", "organizations", "me"] => (Method::GET, Route::Me),
        ["v1", "organizations", "rate_limits"] => (Method::GET, Route::RateLimits(query())),
        ["v1", "organizations", "workspaces"] => (Method::GET, Route::Workspaces(query())),
        ["v1", "organizations", "workspaces", id] => (Method::GET, Route::Workspace(decoded(id))),
        ["v1", "organizations", "workspaces", id, "rate_limits"] => (
            Method::GET,
            Route::WorkspaceRateLimits(decoded(id), query()),
        ),
        [
            "v1",
            "organizations",
            "workspaces",
            id,
            "rate_limits",
            entry,
        ] => (
            Method::POST,
            Route::SetRateLimits(decoded(id), decoded(entry), limits::read(body)),
        ),
        ["v1", "organizations", "usage_report", "messages"] => (Method::GET, Route::Usage(query())),
        _ => return Route::Refused(Refusal::not_found("Not Found")),
    };
    if *method == wanted {
        route
    } else if path == "/" {
        Route::Refused(Refusal::not_found("Not Found"))
    } else {
        Route::Refused(Refusal::new(
            405,
            "invalid_request_error",
            "Method Not Allowed",
        ))
    }
}

/// `%5B` and `+` as they were meant; what is no UTF-8 becomes the replacement character.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let hex = bytes
            .get(at + 1..at + 3)
            .filter(|_| *byte == b'%')
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        if let Some(value) = hex {
            out.push(value);
            at += 3;
        } else {
            out.push(if *byte == b'+' { b' ' } else { *byte });
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(&[("x-api-key", API_KEY)], Key::Api)]
    #[case(&[("authorization", "Bearer sk-ant-api03-ratetop-sim")], Key::Api)]
    #[case(&[("authorization", "bearer sk-ant-admin01-ratetop-sim")], Key::Admin)]
    #[case(&[("x-api-key", "sk-ant-other"), ("authorization", "Bearer x")], Key::Unknown)]
    #[case(&[("authorization", "Basic x")], Key::Missing)]
    #[case(&[], Key::Missing)]
    fn keys_in_either_header(
        #[case] headers: &[(&'static str, &'static str)],
        #[case] expected: Key,
    ) {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        assert_eq!(key(&headers), expected);
    }

    #[test]
    fn paths_queries_and_methods() {
        let get = |target: &str| route(&Method::GET, target, "h", b"", Version::Y2023);
        assert_eq!(
            get("/v1/organizations/usage_report/messages?group_by%5B%5D=model&limit=5"),
            Route::Usage(vec![
                ("group_by[]".into(), "model".into()),
                ("limit".into(), "5".into())
            ])
        );
        assert_eq!(
            get("/v1/models/claude-opus-5-5"),
            Route::Model("claude-opus-5-5".into())
        );
        assert!(matches!(
            get("/v1/messages"),
            Route::Refused(Refusal { status: 405, .. })
        ));
        assert!(matches!(
            get("/v2/messages"),
            Route::Refused(Refusal { status: 404, .. })
        ));
        assert!(matches!(
            get("/"),
            Route::Refused(Refusal { status: 404, .. })
        ));
        assert_eq!(
            route(&Method::HEAD, "/", "h", b"", Version::Missing),
            Route::Alive
        );
        let post = route(
            &Method::POST,
            "/v1/messages?beta=true",
            "h",
            b"{}",
            Version::Y2023,
        );
        assert!(matches!(post, Route::Messages(Err(_))));
        assert_eq!(decoded("a%2Fb+c%zz%"), "a/b c%zz%");
    }
}
