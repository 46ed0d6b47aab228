//! A change of a workspace's rate limits.

use super::refusal::Refusal;
use serde_json::Value;

/// Limiters that a workspace may have (the SDK's `WorkspaceRateLimitType`).
const SETTABLE: [&str; 9] = [
    "fast_itpmca",
    "fast_otpm",
    "input_tokens_per_minute",
    "input_tokens_per_minute_cache_aware",
    "output_tokens_per_minute",
    "requests_per_minute",
    "tokens_per_day",
    "tokens_per_minute",
    "tool_uses_per_second",
];

/// One limiter of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its type.
    pub limiter: String,
    /// The override; none clears it.
    pub value: Option<u64>,
}

/// The body `{"limits": [{"type": …, "value": …|null}]}`.
pub fn read(body: &[u8]) -> Result<Vec<Change>, Refusal> {
    let body: Value = serde_json::from_slice(body)
        .map_err(|_| Refusal::invalid("The request body is not valid JSON"))?;
    let limits = body["limits"]
        .as_array()
        .ok_or_else(|| Refusal::invalid("limits: Field required"))?;
    let one = |(n, limit): (usize, &Value)| {
        let wrong = |what: &str| Refusal::invalid(format!("limits.{n}.{what}"));
        let limiter = limit["type"]
            .as_str()
            .filter(|name| SETTABLE.contains(name))
            .ok_or_else(|| wrong("type: Input should be a known type of limit"))?;
        let value = match limit.get("value") {
            Some(Value::Null) => None,
            Some(value) => Some(value.as_u64().ok_or_else(|| {
                wrong("value: Input should be a whole number that is not negative, or null")
            })?),
            None => return Err(wrong("value: Field required")),
        };
        Ok(Change {
            limiter: limiter.to_owned(),
            value,
        })
    };
    limits.iter().enumerate().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn numbers_set_and_null_clears() {
        let body = br#"{"limits":[{"type":"requests_per_minute","value":100},{"type":"output_tokens_per_minute","value":null}]}"#;
        let change = |limiter: &str, value| Change {
            limiter: limiter.into(),
            value,
        };
        let expected = vec![
            change("requests_per_minute", Some(100)),
            change("output_tokens_per_minute", None),
        ];
        assert_eq!(read(body).unwrap(), expected);
        assert_eq!(read(br#"{"limits":[]}"#).unwrap(), vec![]);
    }

    #[rstest]
    #[case("", "JSON")]
    #[case("[]", "limits: Field required")]
    #[case(r#"{"limits":7}"#, "limits: Field required")]
    #[case(r#"{"limits":[7]}"#, "limits.0.type")]
    #[case(
        r#"{"limits":[{"type":"anything_per_minute","value":1}]}"#,
        "limits.0.type"
    )]
    #[case(
        r#"{"limits":[{"type":"enqueued_batch_requests","value":1}]}"#,
        "limits.0.type"
    )]
    #[case(
        r#"{"limits":[{"type":"requests_per_minute"}]}"#,
        "limits.0.value: Field required"
    )]
    #[case(
        r#"{"limits":[{"type":"requests_per_minute","value":-1}]}"#,
        "limits.0.value: Input"
    )]
    #[case(
        r#"{"limits":[{"type":"requests_per_minute","value":1.5}]}"#,
        "limits.0.value: Input"
    )]
    fn nonsense_is_a_bad_request(#[case] body: &str, #[case] why: &str) {
        let refusal = read(body.as_bytes()).unwrap_err();
        assert_eq!(refusal.status, 400);
        assert!(refusal.message.contains(why), "{}", refusal.message);
    }
}
