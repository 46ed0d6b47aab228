//! Headers that belong to one hop and not to the message.

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{
        CONNECTION, CONTENT_LENGTH, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE,
        TRANSFER_ENCODING, UPGRADE,
    },
};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
/// Of one hop, always. `Transfer-Encoding` stays: it says how the next hop is to frame the body, and both
/// sides do as it says. `Proxy-Authenticate` goes as no proxy of the client's is behind us.
const HOP: [HeaderName; 6] = [
    KEEP_ALIVE,
    PROXY_CONNECTION,
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    CONNECTION,
    UPGRADE,
];

/// Makes a request's headers those of the next hop.
pub fn outgoing(headers: &mut HeaderMap, host: &HeaderValue) {
    let trailers = takes_trailers(headers);
    strip(headers);
    headers.remove(TE);
    if trailers {
        // Whoever takes trailers must hear of it from each hop anew.
        headers.insert(TE, HeaderValue::from_static("trailers"));
        headers.insert(CONNECTION, HeaderValue::from_static("TE"));
    }
    headers.insert(HOST, host.clone());
}

/// Makes a request's headers those of a next hop that speaks HTTP/2: it frames bodies by itself, and the
/// host is in the target.
pub fn outgoing_http2(headers: &mut HeaderMap, host: &HeaderValue) {
    outgoing(headers, host);
    for name in [HOST, CONNECTION, TRANSFER_ENCODING] {
        headers.remove(name);
    }
}

/// Makes an answer's headers those of the next hop.
pub fn incoming(headers: &mut HeaderMap) {
    strip(headers);
    if headers.contains_key(TRANSFER_ENCODING) {
        // The upstream's own length says nothing beside it.
        headers.remove(CONTENT_LENGTH);
    }
}

fn takes_trailers(headers: &HeaderMap) -> bool {
    headers.get_all(TE).iter().any(|value| {
        let mut codings = value.as_bytes().split(|byte| *byte == b',');
        codings.any(|coding| coding.trim_ascii().eq_ignore_ascii_case(b"trailers"))
    })
}

fn strip(headers: &mut HeaderMap) {
    // Mostly there is none, and to look at all is faster than to look for each.
    if !headers.keys().any(|name| HOP.contains(name)) {
        return;
    }
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
        // No hop may take these away.
        .filter(|name| ![HOST, CONTENT_LENGTH, TRANSFER_ENCODING, TE].contains(name))
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in HOP {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(lines: &[(&str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in lines {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            map.append(name, HeaderValue::from_str(value).unwrap());
        }
        map
    }

    #[test]
    fn what_belongs_to_a_hop_goes_and_the_rest_stays_in_order() {
        let mut headers = map(&[
            ("x-a", "1"),
            ("connection", "keep-alive, X-Mine"),
            ("x-a", "2"),
            ("keep-alive", "timeout=5"),
            ("x-mine", "secret"),
            ("te", "gzip, trailers"),
            ("upgrade", "h2c"),
            ("proxy-authorization", "Basic x"),
            ("host", "127.0.0.1:4788"),
            ("transfer-encoding", "chunked"),
        ]);
        outgoing(&mut headers, &HeaderValue::from_static("api.example"));
        let left = map(&[
            ("x-a", "1"),
            ("x-a", "2"),
            ("te", "trailers"),
            ("connection", "TE"),
            ("host", "api.example"),
            ("transfer-encoding", "chunked"),
        ]);
        assert_eq!(headers, left);
    }

    #[test]
    fn connection_cannot_take_the_length_or_the_host_away() {
        let mut headers = map(&[
            ("connection", "content-length, host, transfer-encoding"),
            ("content-length", "5"),
            ("host", "h"),
        ]);
        outgoing(&mut headers, &HeaderValue::from_static("api.example"));
        let left = map(&[("content-length", "5"), ("host", "api.example")]);
        assert_eq!(headers, left);
    }

    #[test]
    fn over_http2_only_the_wish_for_trailers_is_left_of_a_hop() {
        let mut headers = map(&[
            ("connection", "close, te"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("host", "h"),
            ("x-a", "1"),
        ]);
        outgoing_http2(&mut headers, &HeaderValue::from_static("api.example"));
        assert_eq!(headers, map(&[("te", "trailers"), ("x-a", "1")]));
    }

    #[test]
    fn of_two_lengths_in_an_answer_the_chunks_count() {
        let mut headers = map(&[("transfer-encoding", "chunked"), ("content-length", "5")]);
        incoming(&mut headers);
        assert_eq!(headers, map(&[("transfer-encoding", "chunked")]));
    }
}
