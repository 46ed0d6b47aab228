//! What is submitted: a body of many equal requests.

use crate::{
    api::messages,
    domain::{
        batch::{MOST_BYTES, MOST_REQUESTS},
        call::CallOrder,
    },
};
use bytes::Bytes;
use serde_json::value::RawValue;

/// Whether a batch of so many requests can be; one sentence where not.
pub fn fits(order: &CallOrder, requests: u32) -> Result<(), String> {
    described(order, requests).map(|_| ())
}

/// What each of its requests asks, where they fit.
fn described(order: &CallOrder, requests: u32) -> Result<String, String> {
    if !(1..=MOST_REQUESTS).contains(&requests) {
        return Err(format!("a batch has from 1 to {MOST_REQUESTS} requests"));
    }
    let params = messages::body(order, &[]).to_string();
    if params.len().saturating_mul(requests as usize) > MOST_BYTES {
        return Err(
            "a batch has at most 256 MB; make it fewer requests, or shorter ones".to_owned(),
        );
    }
    Ok(params)
}

/// The body that creates a batch of so many equal requests, named `call-1` and on.
pub fn body(order: &CallOrder, requests: u32) -> Result<Bytes, String> {
    let params = described(order, requests)?;
    let params = RawValue::from_string(params).map_err(|error| error.to_string())?;
    let mut all = Vec::with_capacity((params.get().len() + 40) * requests as usize + 20);
    all.extend_from_slice(b"{\"requests\":[");
    for n in 1..=requests {
        let comma = if n > 1 { "," } else { "" };
        let head = format!("{comma}{{\"custom_id\":\"call-{n}\",\"params\":");
        all.extend_from_slice(head.as_bytes());
        all.extend_from_slice(params.get().as_bytes());
        all.push(b'}');
    }
    all.extend_from_slice(b"]}");
    Ok(all.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::messages::tests::order;
    use serde_json::{Value, json};

    // Batch-processing page: `custom_id` and `params`; no stream in a batch.
    #[test]
    fn a_batch_asks_what_the_calls_would_and_does_not_stream() {
        let order = order(true);
        let body: Value = serde_json::from_slice(&body(&order, 3).unwrap()).unwrap();
        let requests = body["requests"].as_array().unwrap();
        assert_eq!(requests.len(), 3);
        assert_eq!(requests[2]["custom_id"], "call-3");
        assert_eq!(
            requests[2]["params"],
            json!({"model": "claude-opus-5-5", "max_tokens": 256,
                   "messages": [{"role": "user", "content": "Say hello."}]})
        );
    }

    #[test]
    fn more_than_a_batch_holds_is_refused() {
        let mut order = order(false);
        assert!(body(&order, 0).is_err() && body(&order, MOST_REQUESTS + 1).is_err());
        order.prompt = "x".repeat(1 << 20);
        assert!(body(&order, 300).unwrap_err().contains("256 MB"));
    }
}
