//! What of a head is heard beside its limits. Each head is looked over once: to look up name after name
//! takes twice as long.

use http::{HeaderMap, HeaderValue};

/// What of a request's head is heard. Of a header that comes twice, the first counts.
#[derive(Clone, Copy, Default)]
pub(super) struct Asked<'a> {
    /// `user-agent`.
    pub(super) agent: Option<&'a HeaderValue>,
    /// `x-stainless-lang`: in what language the SDK is written.
    pub(super) language: Option<&'a HeaderValue>,
    /// `x-stainless-package-version`: the SDK's own.
    pub(super) version: Option<&'a HeaderValue>,
    /// `x-stainless-retry-count`: how often the SDK has tried before.
    pub(super) retry_count: Option<&'a HeaderValue>,
    /// `authorization` and `x-api-key`.
    pub(super) keys: [Option<&'a HeaderValue>; 2],
}

impl<'a> Asked<'a> {
    pub(super) fn of(headers: &'a HeaderMap) -> Self {
        let mut asked = Self::default();
        for (name, value) in headers {
            let place = match name.as_str() {
                "user-agent" => &mut asked.agent,
                "x-stainless-lang" => &mut asked.language,
                "x-stainless-package-version" => &mut asked.version,
                "x-stainless-retry-count" => &mut asked.retry_count,
                "authorization" => &mut asked.keys[0],
                "x-api-key" => &mut asked.keys[1],
                _ => continue,
            };
            place.get_or_insert(value);
        }
        asked
    }
}

/// What of an answer's head is heard. Of a header that comes twice, the first counts.
#[derive(Clone, Copy, Default)]
pub(super) struct Answered<'a> {
    /// `anthropic-organization-id`.
    pub(super) organization: Option<&'a HeaderValue>,
    /// `anthropic-workspace-id`.
    pub(super) workspace: Option<&'a HeaderValue>,
    /// `content-type`.
    pub(super) kind: Option<&'a HeaderValue>,
    /// `content-encoding`.
    pub(super) encoding: Option<&'a HeaderValue>,
    /// Whether there is more than one `content-encoding`.
    pub(super) is_encoded_again: bool,
    /// `location`.
    pub(super) location: Option<&'a HeaderValue>,
}

impl<'a> Answered<'a> {
    pub(super) fn of(headers: &'a HeaderMap) -> Self {
        let mut answered = Self::default();
        for (name, value) in headers {
            let place = match name.as_str() {
                "anthropic-organization-id" => &mut answered.organization,
                "anthropic-workspace-id" => &mut answered.workspace,
                "content-type" => &mut answered.kind,
                "content-encoding" => {
                    answered.is_encoded_again = answered.encoding.is_some();
                    &mut answered.encoding
                }
                "location" => &mut answered.location,
                _ => continue,
            };
            place.get_or_insert(value);
        }
        answered
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, header};
    use proptest::{collection::vec, prelude::*, sample::select};

    fn map(lines: &[(&'static str, u8)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, n) in lines {
            let value = HeaderValue::from_str(&n.to_string()).unwrap();
            map.append(HeaderName::from_static(name), value);
        }
        map
    }

    const ASKED: [&str; 8] = [
        "user-agent",
        "x-stainless-lang",
        "x-stainless-package-version",
        "x-stainless-retry-count",
        "authorization",
        "x-api-key",
        "x-stainless-os",
        "accept",
    ];
    const TOLD: [&str; 6] = [
        "anthropic-organization-id",
        "anthropic-workspace-id",
        "content-type",
        "content-encoding",
        "location",
        "retry-after",
    ];

    proptest! {
        #[test]
        fn one_look_finds_what_each_look_up_would(
            asked in vec((select(&ASKED[..]), any::<u8>()), 0..12),
            told in vec((select(&TOLD[..]), any::<u8>()), 0..12),
        ) {
            let headers = map(&asked);
            let found = Asked::of(&headers);
            prop_assert_eq!(found.agent, headers.get(header::USER_AGENT));
            prop_assert_eq!(found.language, headers.get(ASKED[1]));
            prop_assert_eq!(found.version, headers.get(ASKED[2]));
            prop_assert_eq!(found.retry_count, headers.get(ASKED[3]));
            prop_assert_eq!(found.keys, [headers.get(header::AUTHORIZATION), headers.get(ASKED[5])]);
            let headers = map(&told);
            let found = Answered::of(&headers);
            prop_assert_eq!(found.organization, headers.get(TOLD[0]));
            prop_assert_eq!(found.workspace, headers.get(TOLD[1]));
            prop_assert_eq!(found.kind, headers.get(header::CONTENT_TYPE));
            let encodings: Vec<_> = headers.get_all(header::CONTENT_ENCODING).iter().collect();
            prop_assert_eq!(found.encoding, encodings.first().copied());
            prop_assert_eq!(found.is_encoded_again, encodings.len() > 1);
            prop_assert_eq!(found.location, headers.get(header::LOCATION));
        }
    }
}
