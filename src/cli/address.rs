//! Checking addresses and ids before anything is sent to them.

use crate::domain::id::WorkspaceId;
use reqwest::Url;

/// The API itself.
pub const API: &str = "https://api.anthropic.com";

/// Checks a base URL; the complaint never repeats it.
pub(super) fn address(text: &str, key: &str) -> Result<Url, String> {
    let url = Url::parse(text)
        .map_err(|why| format!("`{key}` is not an address such as \"{API}\" ({why})"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(format!(
            "`{key}` must begin with https:// or http:// and name a host"
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!("`{key}` must not hold a user name or password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("`{key}` must end with its path: no `?` or `#`"));
    }
    if url.path().trim_end_matches('/').ends_with("/v1") {
        return Err(format!("`{key}` must be given without `/v1`"));
    }
    Ok(url)
}

pub(super) fn workspace(text: &str) -> Result<WorkspaceId, String> {
    let plain = text.len() <= 100
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if plain && text.starts_with("wrkspc_") {
        Ok(WorkspaceId::from(text))
    } else {
        Err("`workspace` must be an id such as \"wrkspc_01AbC\" (leave it out for the default workspace)".to_owned())
    }
}

/// Host and port, as the header line shows them.
pub fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Whether an address is on this machine.
pub fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || bare
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}
