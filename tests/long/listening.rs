//! What the tap hears of any bytes: never a panic, each exchange counted once, and the same however the
//! bytes were cut.

use crate::{
    changes::{changed, changes, holds},
    life::dawn,
};
use flate2::{
    Compression,
    write::{GzEncoder, ZlibEncoder},
};
use http::{HeaderMap, HeaderValue, Request, header::CONTENT_ENCODING};
use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
    test_runner::TestCaseError,
};
use ratetop::{
    domain::{
        id::CallId,
        observation::{Observation, What},
        timeline::FIRST_FOREIGN_CALL,
        traffic::Totals,
    },
    tap::hear::{End, Hearing, Known, Settings, Sink},
};
use std::{
    io::Write,
    sync::{Arc, Mutex},
};

const ASK: &str = r#"{"model":"claude-opus-5-5","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"Gr\u00fc\u00dfe \ud83e\udd80 \"x\""}]}"#;
const MESSAGE: &str = r#"{"type":"message","content":[{"type":"text","text":"a\u00e4\""}],"stop_reason":"end_turn","usage":{"input_tokens":12,"output_tokens":34}}"#;
const REFUSED: &str = r#"{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your organization's rate limit of 8,000 output tokens per minute"}}"#;
const EVENTS: &str = "event: message_start\r\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":12,\"output_tokens\":1}}}\r\n\r\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"世界\"}}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":34}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

/// Keeps how exchanges ended.
#[derive(Default)]
struct Ends(Mutex<Vec<String>>);

impl Sink for Ends {
    fn sample(&self, seen: Observation) -> bool {
        self.must(seen);
        true
    }

    fn must(&self, seen: Observation) {
        if let What::Finished { outcome, usage, .. } = seen.what {
            let ended = format!("{outcome:?} {usage:?}");
            self.0.lock().unwrap().push(ended);
        }
    }
}

/// One exchange: its request, its answer, its codings.
#[derive(Clone, Debug)]
struct Case {
    ask: Vec<u8>,
    status: u16,
    kind: &'static str,
    coding: Option<&'static str>,
    answer: Vec<u8>,
    whole: bool,
}

/// `bytes` in pieces that end at the cuts.
fn pieces<'a>(bytes: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    ends.sort_unstable();
    ends.push(bytes.len());
    let mut from = 0;
    let pieces = ends.into_iter().map(|end| {
        let piece = &bytes[from..end];
        from = end;
        piece
    });
    pieces.collect()
}

/// What is counted and told of it.
fn heard(case: &Case, cuts: &[Index]) -> (Totals, Vec<String>) {
    let ends = Arc::new(Ends::default());
    let settings = Settings {
        key: [7; 16],
        first_call: CallId(FIRST_FOREIGN_CALL),
        since: dawn(),
        known: Known::default(),
    };
    let hearing = Hearing::new(settings, Arc::clone(&ends) as _);
    let request = Request::post("/v1/messages").body(()).unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static(case.kind));
    if let Some(coding) = case.coding {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    let now = dawn();
    let mut exchange = hearing.begin(&request.into_parts().0, now);
    for piece in pieces(&case.ask, cuts) {
        exchange.request_bytes(piece, now);
    }
    exchange.request_end(now);
    exchange.answered(case.status, &headers, now);
    for piece in pieces(&case.answer, cuts) {
        exchange.response_bytes(piece, now);
    }
    exchange.ended(
        if case.whole {
            End::Whole
        } else {
            End::UpstreamBroke("it broke".into())
        },
        now,
    );
    let told = ends.0.lock().unwrap().clone();
    (hearing.totals(now), told)
}

fn once(totals: &Totals) -> Result<(), TestCaseError> {
    prop_assert_eq!(totals.clients.len(), 1);
    let tally = &totals.clients[0].tally;
    prop_assert_eq!((tally.wire, tally.open, tally.ended()), (1, 0, 1));
    prop_assert_eq!(totals.drops.reader, 0);
    Ok(())
}

fn cuts() -> impl Strategy<Value = Vec<Index>> {
    vec(any::<Index>(), 0..12)
}

fn bodies() -> impl Strategy<Value = (u16, &'static str, &'static str)> {
    select(vec![
        (200, "application/json", MESSAGE),
        (200, "text/event-stream; charset=utf-8", EVENTS),
        (429, "application/json", REFUSED),
        (529, "text/html", "<html>busy</html>"),
        (200, "text/plain", ""),
    ])
}

#[test]
fn an_exchange_says_the_same_however_it_was_cut() {
    let cases = (bodies(), changes(), changes(), any::<bool>(), cuts());
    holds(60_000, &cases, |(body, asked, answered, whole, cuts)| {
        let (status, kind, text) = body;
        let case = Case {
            ask: changed(ASK.as_bytes(), &asked),
            status,
            kind,
            coding: None,
            answer: changed(text.as_bytes(), &answered),
            whole,
        };
        let uncut = heard(&case, &[]);
        once(&uncut.0)?;
        prop_assert_eq!(heard(&case, &cuts), uncut);
        Ok(())
    });
}

fn encoded(coding: &str, plain: &[u8]) -> Vec<u8> {
    match coding {
        "gzip" => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(plain).unwrap();
            encoder.finish().unwrap()
        }
        "deflate" => {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(plain).unwrap();
            encoder.finish().unwrap()
        }
        "br" => {
            let mut out = Vec::new();
            let params = brotli::enc::BrotliEncoderParams::default();
            brotli::BrotliCompress(&mut &plain[..], &mut out, &params).unwrap();
            out
        }
        _ => zstd::encode_all(plain, 1).unwrap(),
    }
}

#[test]
fn a_compressed_answer_says_the_same_however_it_was_cut() {
    let coding = select(vec!["gzip", "deflate", "br", "zstd"]);
    let cases = (bodies(), coding, any::<bool>(), cuts());
    holds(
        8_000,
        &cases,
        |((status, kind, text), coding, whole, cuts)| {
            let case = Case {
                ask: ASK.into(),
                status,
                kind,
                coding: Some(coding),
                answer: encoded(coding, text.as_bytes()),
                whole,
            };
            let uncut = heard(&case, &[]);
            once(&uncut.0)?;
            prop_assert_eq!(uncut.0.drops.decoders, 0);
            prop_assert_eq!(heard(&case, &cuts), uncut);
            Ok(())
        },
    );
}

#[test]
fn a_broken_compressed_answer_is_counted_once_and_hurts_nobody() {
    let coding = select(vec![
        "gzip",
        "deflate",
        "br",
        "zstd",
        "gzip, br",
        "unheard-of",
    ]);
    let cases = (bodies(), coding, changes(), any::<bool>(), cuts());
    holds(
        20_000,
        &cases,
        |((status, kind, text), coding, broken, whole, cuts)| {
            let case = Case {
                ask: ASK.into(),
                status,
                kind,
                coding: Some(coding),
                answer: changed(&encoded(coding, text.as_bytes()), &broken),
                whole,
            };
            once(&heard(&case, &cuts).0)
        },
    );
}
