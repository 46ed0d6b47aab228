//! Good text spoiled on purpose, and a law that is held for as long as a long test lasts.

use crate::{memory, size::sized};
use proptest::{
    collection::vec,
    prelude::*,
    sample::select,
    test_runner::{Config as Cases, RngAlgorithm, TestCaseError, TestRng, TestRunner},
};

/// Runs a law on many cases, the same in every run of one size; a failure prints the smallest case.
pub(crate) fn holds<S: Strategy>(
    full: u32,
    cases: &S,
    law: impl Fn(S::Value) -> Result<(), TestCaseError>,
) {
    let _beside = memory::beside_others();
    let config = Cases {
        cases: sized(full, 64),
        failure_persistence: None,
        ..Cases::default()
    };
    let dice = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, dice);
    if let Err(failed) = runner.run(cases, law) {
        panic!("{failed}");
    }
}

/// One change to bytes.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Flip(usize, u8),
    Cut(usize),
    Drop(usize, usize),
    Twice(usize, usize),
    Put(usize, Vec<u8>),
}

pub(crate) fn changes() -> impl Strategy<Value = Vec<Change>> {
    let hostile: Vec<Vec<u8>> = [
        &b"\x1b]0;x\x07"[..],
        b"\xff\xfe",
        b"\xe2\x80\xae",
        b"\0",
        b"null",
        b"1e999",
        b"-1",
        b"18446744073709551616",
        b"[[[[[[[[",
        b"\"",
        b"{}",
        b"\r\n",
        b"\n\n",
        b"2026-13-45T99:99:99Z",
        b"inf",
        b" = ",
    ]
    .iter()
    .map(|bytes| bytes.to_vec())
    .collect();
    let at = || any::<usize>();
    let change = prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, by)| Change::Flip(at, by)),
        at().prop_map(Change::Cut),
        (at(), 1..40_usize).prop_map(|(at, many)| Change::Drop(at, many)),
        (at(), 1..80_usize).prop_map(|(at, many)| Change::Twice(at, many)),
        (at(), select(hostile)).prop_map(|(at, what)| Change::Put(at, what)),
        (at(), vec(any::<u8>(), 0..30)).prop_map(|(at, what)| Change::Put(at, what)),
    ];
    vec(change, 0..6)
}

pub(crate) fn changed(text: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut bytes = text.to_vec();
    for change in changes {
        let within = |at: usize| at % (bytes.len() + 1);
        match change {
            Change::Flip(at, by) => {
                let at = within(*at);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= by;
                }
            }
            Change::Cut(at) => bytes.truncate(within(*at)),
            Change::Drop(at, many) => {
                let (at, len) = (within(*at), bytes.len());
                bytes.drain(at..(at + many).min(len));
            }
            Change::Twice(at, many) => {
                let (at, len) = (within(*at), bytes.len());
                let piece = bytes[at..(at + many).min(len)].to_vec();
                bytes.splice(at..at, piece);
            }
            Change::Put(at, what) => {
                let at = within(*at);
                bytes.splice(at..at, what.iter().copied());
            }
        }
    }
    bytes
}
