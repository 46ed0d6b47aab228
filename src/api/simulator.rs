//! Whether an address is our own simulator, and so free of charge.

use super::{connection::Connection, fetch};
use crate::clock::Clock;
use serde_json::Value;
use std::time::Duration;

/// Where the simulator says who it is.
pub const TARGET: &str = "/_ratetop/simulator";
/// No simulator takes longer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Who listens at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listener {
    /// A ratetop simulator, by its own word.
    Simulator,
    /// Somebody else, or somebody who does not say.
    Other,
    /// Nobody; one sentence.
    Nobody(String),
}

/// Asks the address whether it is a ratetop simulator. Only its own word makes it free: an error, a
/// gateway, or silence does not. No key is sent.
pub async fn who(connection: &Connection, clock: &Clock) -> Listener {
    let keyless = Connection {
        key: None,
        ..connection.clone()
    };
    let asked = tokio::time::timeout(PATIENCE, fetch::json(&keyless, clock, TARGET.into())).await;
    match asked {
        Ok(Ok(answer)) if says_so(&answer) => Listener::Simulator,
        Ok(Err(trouble)) if trouble.kind == fetch::Kind::Unreachable => {
            Listener::Nobody(trouble.what)
        }
        _ => Listener::Other,
    }
}

/// Whether an answer names the program and its simulator.
pub fn says_so(answer: &Value) -> bool {
    let is = |name: &str, value: &str| answer.get(name).and_then(Value::as_str) == Some(value);
    is("program", "ratetop") && is("what", "simulator")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_the_fixed_answer_counts() {
        assert!(says_so(
            &json!({"program": "ratetop", "what": "simulator", "version": "0.1.0"})
        ));
        assert!(!says_so(&json!({"program": "ratetop", "what": "tap"})));
        assert!(!says_so(&json!({"program": ["ratetop"], "what": true})));
        assert!(!says_so(&json!({})));
    }
}
