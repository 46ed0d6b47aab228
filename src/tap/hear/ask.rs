//! What a request asks for, and by what its repetition is recognised. The body is read in passing and
//! never kept.

use super::scan::{Key, Scanner, Value, Wanted};
use siphasher::sip::SipHasher13;
use std::hash::Hasher as _;

/// Of a body every byte counts up to here; beyond, [`SAMPLE`] bytes of each [`STRIDE`].
const DENSE: u64 = 64 << 10;
const STRIDE: u64 = 512;
const SAMPLE: u64 = 64;

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
    print: Fingerprint,
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
            print: Fingerprint::new(key),
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
        self.print.push(bytes);
    }

    pub(super) fn wishes(&self) -> &Wishes {
        &self.wishes
    }

    /// What the same body, of the same client, will give again in this run and nothing else will
    /// (bodies above 64 kB: unless they differ only between samples).
    pub(super) fn print(&self, client: u64) -> u64 {
        self.print.finish(client)
    }
}

/// A keyed hash that does not depend on how the bytes are cut.
struct Fingerprint {
    hasher: SipHasher13,
    at: u64,
}

impl Fingerprint {
    fn new(key: &[u8; 16]) -> Self {
        Self {
            hasher: SipHasher13::new_with_key(key),
            at: 0,
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            // Bytes from here on that are hashed, then bytes that are not.
            let (hashed, passed) = if self.at < DENSE {
                (DENSE - self.at, 0)
            } else {
                let within = self.at % STRIDE;
                (SAMPLE.saturating_sub(within), STRIDE - within.max(SAMPLE))
            };
            let (taken, after) = cut(rest, hashed);
            self.hasher.write(taken);
            let (skipped, after) = cut(after, passed);
            self.at += (taken.len() + skipped.len()) as u64;
            rest = after;
        }
    }

    fn finish(&self, client: u64) -> u64 {
        let mut hasher = self.hasher;
        hasher.write_u64(self.at);
        hasher.write_u64(client);
        hasher.finish()
    }
}

fn cut(bytes: &[u8], at: u64) -> (&[u8], &[u8]) {
    bytes.split_at(usize::try_from(at).map_or(bytes.len(), |at| at.min(bytes.len())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
    fn a_fingerprint_needs_the_key() {
        let one = Ask::new(&[1; 16]);
        let other = Ask::new(&[2; 16]);
        assert_ne!(one.print(0), other.print(0));
        assert_ne!(one.print(0), one.print(1), "clients are told apart");
    }

    proptest! {
        #[test]
        fn a_fingerprint_does_not_depend_on_the_cuts(
            size in 0_usize..200_000,
            seed in any::<u8>(),
            cuts in prop::collection::vec(1_usize..70_000, 1..8),
        ) {
            let body: Vec<u8> = (0..size).map(|i| (i as u8).wrapping_mul(31) ^ seed).collect();
            prop_assert_eq!(heard(&body, &cuts).print(3), heard(&body, &[usize::MAX]).print(3));
        }

        #[test]
        fn one_byte_changes_a_fingerprint(
            mut body in prop::collection::vec(any::<u8>(), 1..2_000),
            at in any::<prop::sample::Index>(),
        ) {
            let before = heard(&body, &[usize::MAX]).print(0);
            let at = at.index(body.len());
            body[at] ^= 1;
            prop_assert_ne!(heard(&body, &[usize::MAX]).print(0), before);
        }
    }
}
