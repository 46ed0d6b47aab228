//! An upstream and a client with secrets planted in what passes between them.

use super::{
    process::Running,
    rig::{Peer, Stub, Then},
};

const KEY: &str = "sk-ant-api03-planted-key";
pub const ASK: &str = r#"{"model":"claude-opus-5-5","max_tokens":9,"messages":[{"role":"user","content":"planted prompt"}]}"#;
const ANSWER: &str = r#"{"type":"message","model":"claude-opus-5-5","content":[{"type":"text","text":"planted reply"}],"stop_reason":"end_turn","usage":{"input_tokens":3,"output_tokens":2}}"#;

/// What answers everything with it, and with these header lines.
pub fn upstream(headers: &str) -> Stub {
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{headers}Content-Length: {}\r\n\r\n{ANSWER}",
        ANSWER.len()
    );
    Stub::answering(vec![answer.into_bytes()], Then::Keep).0
}

/// A call through the tap.
pub fn call(tap: &Running) {
    let mut client = Peer::to(tap.address);
    let rest = format!(
        "X-Api-Key: {KEY}\r\nUser-Agent: mine/1.0\r\nContent-Length: {}\r\n\r\n{ASK}",
        ASK.len()
    );
    let answer = tap.ask(&mut client, "POST /v1/messages", &rest);
    assert_eq!(answer.status(), 200);
}
