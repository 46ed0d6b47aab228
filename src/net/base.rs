//! A base address: where requests go, and whether a key may go there.

use reqwest::Url;
use std::net::{IpAddr, SocketAddr};

/// The address of the API itself.
pub const API: &str = "https://api.anthropic.com";

/// A checked base address, without `/v1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    url: String,
    host: String,
    port: u16,
    path: String,
    plain: bool,
    loopback: bool,
}

impl Base {
    /// The API itself.
    pub fn api() -> Self {
        Self {
            url: API.to_owned(),
            host: API.trim_start_matches("https://").to_owned(),
            port: 443,
            path: String::new(),
            plain: false,
            loopback: false,
        }
    }

    /// Plain http to an address that is known.
    pub fn of_address(address: SocketAddr) -> Self {
        let url = format!("http://{address}");
        let url = url.strip_suffix(":80").unwrap_or(&url).to_owned();
        let host = match address.ip() {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        Self {
            url,
            host,
            port: address.port(),
            path: String::new(),
            plain: true,
            loopback: address.ip().is_loopback(),
        }
    }

    /// Reads an address such as `https://api.anthropic.com` or `http://127.0.0.1:4787/prefix`. An
    /// error is one sentence and never repeats a password that stood in the address.
    pub fn parse(text: &str) -> Result<Self, String> {
        let said = |what: &str| format!("The base URL {what}; write it as {API}");
        let url =
            Url::parse(text.trim()).map_err(|error| said(&format!("cannot be read ({error})")))?;
        let plain = match url.scheme() {
            "https" => false,
            "http" => true,
            _ => return Err(said("begins neither with https:// nor with http://")),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(said(
                "carries a name or a password, which is no place for a key",
            ));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(said("carries a query or a fragment"));
        }
        let Some(host) = url.host_str() else {
            return Err(said("names no host"));
        };
        let path = url.path().trim_end_matches('/');
        if path.ends_with("/v1") || path == "/v1" {
            return Err(said("ends in /v1, which ratetop adds itself"));
        }
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let loopback = bare.eq_ignore_ascii_case("localhost")
            || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        Ok(Self {
            url: url.as_str().trim_end_matches('/').to_owned(),
            host: host.to_owned(),
            port: url.port_or_known_default().unwrap_or(443),
            path: path.to_owned(),
            plain,
            loopback,
        })
    }

    /// As it is written, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// `api.anthropic.com:443`, for sentences.
    pub fn host_and_port(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The host, and the port where it is not the scheme's own, for the header line.
    pub fn short(&self) -> String {
        if self.port == if self.plain { 80 } else { 443 } {
            self.host.clone()
        } else {
            self.host_and_port()
        }
    }

    /// The host, with brackets around an IPv6 address.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, also where it is the scheme's own.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Scheme, host and port, without the path.
    pub fn origin(&self) -> &str {
        self.url
            .strip_suffix(self.path.as_str())
            .unwrap_or(&self.url)
    }

    /// What stands before `/v1` in every target: empty, or `/prefix`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether requests stay on this machine.
    pub const fn is_loopback(&self) -> bool {
        self.loopback
    }

    /// Whether requests travel unencrypted.
    pub const fn is_plain_http(&self) -> bool {
        self.plain
    }

    /// Whether this is the API itself and not a gateway.
    pub fn is_api(&self) -> bool {
        self.url == API
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(
        "https://api.anthropic.com",
        "api.anthropic.com:443",
        "api.anthropic.com",
        false
    )]
    #[case(
        "https://api.anthropic.com/",
        "api.anthropic.com:443",
        "api.anthropic.com",
        false
    )]
    #[case("http://127.0.0.1:4787", "127.0.0.1:4787", "127.0.0.1:4787", true)]
    #[case("http://[::1]:80/a/", "[::1]:80", "[::1]", true)]
    #[case("http://LOCALHOST:9", "localhost:9", "localhost:9", true)]
    #[case(
        "http://127.0.0.1.example.com",
        "127.0.0.1.example.com:80",
        "127.0.0.1.example.com",
        false
    )]
    fn good(#[case] text: &str, #[case] full: &str, #[case] short: &str, #[case] loopback: bool) {
        let base = Base::parse(text).unwrap();
        assert_eq!(base.host_and_port(), full);
        assert_eq!(base.short(), short);
        assert_eq!(base.is_loopback(), loopback);
        assert_eq!(base.is_api(), text.starts_with(API));
    }

    #[test]
    fn what_needs_no_reading_is_what_would_have_been_read() {
        assert_eq!(Ok(Base::api()), Base::parse(API));
        for address in [
            "127.0.0.1:4787",
            "127.0.0.1:80",
            "10.0.0.1:443",
            "[::1]:80",
            "[fd00::1]:9",
        ] {
            let known = Base::of_address(address.parse().unwrap());
            assert_eq!(Ok(known), Base::parse(&format!("http://{address}")));
        }
    }

    #[rstest]
    #[case("", "cannot be read")]
    #[case("api.anthropic.com", "cannot be read")]
    #[case("ftp://x", "begins neither")]
    #[case("https://sk-ant-secret@x", "no place for a key")]
    #[case("https://u:sk-ant-secret@x", "no place for a key")]
    #[case("https://x/?key=sk-ant-secret", "carries a query")]
    #[case("https://api.anthropic.com/v1", "ends in /v1")]
    #[case("https://api.anthropic.com/v1/", "ends in /v1")]
    fn bad(#[case] text: &str, #[case] said: &str) {
        let error = Base::parse(text).unwrap_err();
        assert!(error.contains(said), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}
