//! What may pass. Pure: a request's head, and the bytes that it came as where they matter.

use super::refusal::Refusal;
use http::{
    HeaderName, Method, Uri,
    header::{HOST, TRANSFER_ENCODING, UPGRADE},
    request::Parts,
    uri::PathAndQuery,
};
use std::net::SocketAddr;
use subtle::ConstantTimeEq;

/// Carries the token; never forwarded.
pub const TOKEN: HeaderName = HeaderName::from_static("x-ratetop-token");
/// In front of a target, followed by the token and a slash.
const IN_PATH: &str = "/t/";

/// The rules of one listener.
#[derive(Clone)]
pub struct Gate {
    port: u16,
    /// Names that `Host` may be; none where the token stands in for them.
    hosts: Option<[String; 3]>,
    token: Option<String>,
}

impl Gate {
    /// For a listener on `address`. Beyond loopback there must be a token; then any `Host` will do, as a
    /// page of another site does not know it.
    pub fn new(address: SocketAddr, token: Option<String>) -> Result<Self, String> {
        let port = address.port();
        let loopback = address.ip().is_loopback();
        if !loopback && token.is_none() {
            return Err(format!(
                "{address} can be reached from other machines: name a file with a token, by --token-file or by \
                 token_file in the profile"
            ));
        }
        let hosts = ["127.0.0.1", "localhost", "[::1]"].map(|name| format!("{name}:{port}"));
        Ok(Self {
            port,
            hosts: loopback.then_some(hosts),
            token,
        })
    }

    /// Lets a request pass, without its token, or says why not. `raw` are the bytes that came since the
    /// request before, if the reader saw where it ended.
    pub fn pass(&self, head: &mut Parts, raw: impl FnOnce() -> Vec<u8>) -> Result<(), Refusal> {
        if head.method == Method::CONNECT {
            return Err(Refusal::Connect);
        }
        if head.uri.authority().is_some() {
            return Err(Refusal::Absolute);
        }
        self.check_host(head)?;
        if self.token.is_some() {
            self.take_token(head)?;
        }
        if head.headers.contains_key(TRANSFER_ENCODING) && has_two_lengths(head, &raw()) {
            return Err(Refusal::TwoLengths);
        }
        match head.headers.get(UPGRADE) {
            // A client that offers HTTP/2 goes on without.
            Some(wanted) if !wanted.as_bytes().eq_ignore_ascii_case(b"h2c") => {
                Err(Refusal::Upgrade)
            }
            _ => Ok(()),
        }
    }

    fn check_host(&self, head: &Parts) -> Result<(), Refusal> {
        let Some(hosts) = &self.hosts else {
            return Ok(());
        };
        let mut named = head.headers.get_all(HOST).iter();
        let known = named.next().is_some_and(|host| {
            let is = |name: &str| host.as_bytes().eq_ignore_ascii_case(name.as_bytes());
            // Without a port it is the scheme's own.
            hosts.iter().any(|name| is(name))
                || self.port == 80 && hosts.iter().any(|name| is(name.trim_end_matches(":80")))
        });
        if known && named.next().is_none() {
            Ok(())
        } else {
            Err(Refusal::ForeignHost(self.port))
        }
    }

    fn take_token(&self, head: &mut Parts) -> Result<(), Refusal> {
        if let Some(shown) = head.headers.remove(TOKEN) {
            return self.check_token(shown.as_bytes());
        }
        let asked = head.uri.path_and_query().map_or("/", PathAndQuery::as_str);
        let rest = asked.strip_prefix(IN_PATH).ok_or(Refusal::Token)?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (shown, rest) = rest.split_at(end);
        self.check_token(shown.as_bytes())?;
        let rest = if rest.starts_with('/') {
            Uri::try_from(rest)
        } else {
            Uri::try_from(format!("/{rest}"))
        };
        head.uri = rest.map_err(|_| Refusal::Target)?;
        Ok(())
    }

    /// In a time that tells nothing of the token but its length.
    fn check_token(&self, shown: &[u8]) -> Result<(), Refusal> {
        let token = self.token.as_deref().unwrap_or_default().as_bytes();
        if !token.is_empty() && bool::from(token.ct_eq(shown)) {
            Ok(())
        } else {
            Err(Refusal::Token)
        }
    }
}

/// Whether a chunked request came with a `Content-Length` too. The parser drops that one, so the bytes
/// are looked at; where they are not this request's, because it was sent ahead of an answer, nobody can
/// tell.
fn has_two_lengths(head: &Parts, raw: &[u8]) -> bool {
    let raw = raw.trim_ascii_start();
    let method = head.method.as_str().as_bytes();
    if raw.strip_prefix(method).and_then(<[u8]>::first) != Some(&b' ') {
        return true;
    }
    let mut whole = false;
    for line in raw.split_inclusive(|byte| *byte == b'\n') {
        let Some(line) = line.strip_suffix(b"\n") else {
            break;
        };
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            whole = true;
            break;
        }
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        if name.trim_ascii().eq_ignore_ascii_case(b"content-length") {
            return true;
        }
    }
    !whole
}

#[cfg(test)]
mod tests;
