//! What a request asks for, and by what its repetition is recognised. The body is read in passing and
//! never kept.

use super::{
    fingerprint::Fingerprint,
    scan::{Key, Scanner, Value, Wanted},
};

/// Bytes of a model's name that are looked at.
pub(super) const MODEL: usize = 256;

#[derive(Clone, Copy, Debug)]
enum Want {
    Model,
    Stream,
    MaxTokens,
    Speed,
}

const fn leaf(name: &'static str, want: Want) -> Key<Want> {
    Key {
        name,
        want: Some(want),
        inner: &[],
    }
}

const REQUEST: Wanted<Want> = &[
    leaf("model", Want::Model),
    leaf("stream", Want::Stream),
    leaf("max_tokens", Want::MaxTokens),
    leaf("speed", Want::Speed),
];

/// A request's body as it passes.
pub(super) struct Ask {
    scanner: Scanner<Want>,
    /// Until it was asked for.
    print: Option<Fingerprint>,
    wishes: Wishes,
}

/// What it asks for.
#[derive(Clone, Debug)]
pub(super) struct Wishes {
    model: Vec<u8>,
    pub(super) stream: bool,
    pub(super) max_tokens: Option<u64>,
    pub(super) fast: bool,
    /// Bytes of the body.
    pub(super) size: u64,
}

impl Wishes {
    /// The model's name as it came, at most [`MODEL`] bytes; empty when none was named.
    pub(super) fn model(&self) -> &[u8] {
        &self.model
    }

    fn take(&mut self, want: Want, value: Value<'_>) {
        match want {
            Want::Model => {
                self.model.clear();
                if let Value::Text(name, _) = value {
                    self.model.extend_from_slice(&name[..name.len().min(MODEL)]);
                }
            }
            Want::Stream => self.stream = value == Value::Bool(true),
            Want::MaxTokens => self.max_tokens = value.whole(),
            Want::Speed => self.fast = matches!(value, Value::Text(b"fast", _)),
        }
    }

    /// Input tokens that it probably takes, four bytes a token. Above 200 kB a body is mostly images
    /// and documents, whose bytes say little.
    pub(super) fn input_estimate(&self) -> u64 {
        (self.size / 4).min(50_000)
    }
}

impl Ask {
    pub(super) fn new(key: &[u8; 16]) -> Self {
        Self {
            scanner: Scanner::new(REQUEST),
            print: Some(Fingerprint::new(key)),
            wishes: Wishes {
                model: Vec::new(),
                stream: false,
                max_tokens: None,
                fast: false,
                size: 0,
            },
        }
    }

    /// Takes the next bytes of the body.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let wishes = &mut self.wishes;
        wishes.size += bytes.len() as u64;
        self.scanner
            .push(bytes, &mut |want, value| wishes.take(want, value));
        if let Some(print) = &mut self.print {
            print.push(bytes);
        }
    }

    pub(super) fn wishes(&self) -> &Wishes {
        &self.wishes
    }

    /// What the same body, of the same client, will give again in this run and no other will. It is
    /// given once: what was needed for it goes, while the answer may take minutes.
    pub(super) fn print(&mut self, client: u64) -> Option<u64> {
        self.print.take().map(|print| print.finish(client))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(body: &[u8], cuts: &[usize]) -> Ask {
        let mut ask = Ask::new(&[7; 16]);
        let mut rest = body;
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at((*cut).min(rest.len()));
            ask.push(piece);
            rest = after;
        }
        ask
    }

    #[test]
    fn a_request_of_an_sdk() {
        let body = br#"{"max_tokens":1024,"messages":[{"role":"user","content":"{\"model\":\"x\",\"stream\":false}"}],"model":"claude-opus-5-5","speed":"fast","stream":true,"tools":[{"model":"no"}]}"#;
        for cut in 1..body.len() {
            let ask = heard(body, &[cut]);
            let wishes = ask.wishes();
            assert_eq!(wishes.model(), b"claude-opus-5-5");
            assert_eq!(wishes.max_tokens, Some(1_024));
            assert!(wishes.stream && wishes.fast);
            assert_eq!(wishes.size, body.len() as u64);
        }
    }

    #[test]
    fn what_is_no_request_asks_for_nothing() {
        for body in [&b""[..], b"[1]", b"model", b"{\"model\":5}", b"{\"model\":"] {
            let ask = heard(body, &[1]);
            assert_eq!(ask.wishes().model(), b"");
            assert!(!ask.wishes().stream);
        }
    }

    #[test]
    fn a_fingerprint_is_given_once() {
        let mut ask = heard(b"{}", &[1]);
        assert!(ask.print(0).is_some());
        ask.push(b"more");
        assert_eq!(ask.print(0), None);
    }
}
