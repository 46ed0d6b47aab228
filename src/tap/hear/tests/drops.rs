//! What is sampled, and that nothing is lost of totals, refusals and limits.

use super::*;
use crate::domain::usage::Usage;
use std::collections::HashSet;

fn counted(paper: &Paper) -> (u64, Usage) {
    let all = paper.all();
    let bulks = all.iter().filter_map(|seen| match &seen.what {
        What::Counted { requests, usage } => Some((*requests, *usage)),
        _ => None,
    });
    bulks.fold((0, Usage::default()), |(n, sum), (requests, usage)| {
        (n + requests, sum.plus(&usage))
    })
}

#[test]
fn a_thousand_answers_a_second_are_sampled_and_none_is_lost() {
    let (hearing, paper) = hearing();
    for n in 0..2_000 {
        well(&hearing, &asks(false, &n.to_string()), f64::from(n) / 1e3);
    }
    let totals = hearing.totals(t(3.0));
    let all = totals.all();
    assert_eq!(
        (all.wire, all.whole, all.usage.output_tokens),
        (2_000, 2_000, 18_000)
    );
    let lines = paper.lines();
    let told = lines
        .iter()
        .filter(|line| line.ends_with(" closed"))
        .count();
    assert!((60..=85).contains(&told), "{told}");
    let heads = lines.iter().filter(|line| line.ends_with(" head")).count();
    assert_eq!(heads, told);
    let (requests, usage) = counted(&paper);
    assert_eq!(requests + told as u64, 2_000);
    assert_eq!(usage.output_tokens + 9 * told as u64, 18_000);
    assert_eq!(totals.drops.observations, requests);
    assert_eq!(totals.drops.readings, requests);
    let bulks = lines.iter().filter(|line| *line == "counted").count();
    assert!(bulks <= 22, "{bulks} tellings in two seconds");
}

#[test]
fn refusals_are_told_one_by_one_whatever_the_rate() {
    let (hearing, paper) = hearing();
    for n in 0..500 {
        throttled(
            &hearing,
            &asks(false, &n.to_string()),
            Some("1"),
            f64::from(n) / 1e4,
        );
    }
    assert_eq!(paper.verdicts().len(), 500);
    let calls: HashSet<_> = paper.all().iter().map(|seen| seen.call).collect();
    assert_eq!(calls.len(), 500);
    let began = paper
        .lines()
        .iter()
        .filter(|line| line.ends_with(" began"))
        .count();
    assert_eq!(began, 500);
}

#[test]
fn a_change_of_a_limit_is_told_even_when_there_is_no_room() {
    let (hearing, paper) = hearing();
    let mut exchange = asks(false, "1").send(&hearing, 0.0);
    answers(&mut exchange, 200, &LIMITS, MESSAGE, 0.0);
    exchange.ended(End::Whole, t(0.0));
    let mut exchange = asks(false, "2").send(&hearing, 0.1);
    paper.full.store(true, Ordering::Relaxed);
    let mut lines = LIMITS;
    lines[3].1 = "400000";
    answers(&mut exchange, 200, &lines, MESSAGE, 0.1);
    let heads = paper
        .lines()
        .iter()
        .filter(|line| line.ends_with(" head"))
        .count();
    assert_eq!(heads, 2);
    exchange.ended(End::Whole, t(0.1));
}

#[test]
fn with_the_screen_stalled_totals_are_exact_and_refusals_arrive() {
    let (hearing, paper) = hearing();
    paper.full.store(true, Ordering::Relaxed);
    for n in 0..100 {
        well(&hearing, &asks(false, &n.to_string()), f64::from(n));
    }
    throttled(&hearing, &asks(false, "no"), None, 100.0);
    let totals = hearing.totals(t(101.0));
    assert_eq!((totals.all().whole, totals.all().refusals()), (100, 1));
    assert_eq!(paper.verdicts().len(), 1);
    assert!(totals.drops.screen >= 100);
    assert_eq!(counted(&paper).0, 0);
    paper.full.store(false, Ordering::Relaxed);
    hearing.totals(t(102.0));
    assert_eq!(counted(&paper).0, 100, "what had no room is told later");
}

#[test]
fn a_call_that_was_told_is_told_to_its_end() {
    let (hearing, paper) = hearing();
    let mut exchange = asks(true, "hi").send(&hearing, 0.0);
    paper.full.store(true, Ordering::Relaxed);
    answers(&mut exchange, 200, &LIMITS, MESSAGE, 0.1);
    exchange.ended(End::Whole, t(0.2));
    assert_eq!(
        paper.lines(),
        ["0 began", "0.1 sent", "0.1 finished", "0 closed"]
    );
    assert_eq!(hearing.totals(t(1.0)).drops.screen, 1);
}

#[test]
fn another_organization_is_heard_in_the_middle_of_a_flood() {
    let (hearing, paper) = hearing();
    for n in 0..200 {
        well(&hearing, &asks(false, &n.to_string()), f64::from(n) / 1e4);
    }
    let mut lines = LIMITS;
    lines[2].1 = "another-organization";
    passes(&hearing, &asks(false, "x"), 200, &lines, MESSAGE, 0.03);
    let theirs = paper.all().into_iter().filter(|seen| {
        seen.organization
            .as_ref()
            .is_some_and(|it| it.as_str() == "another-organization")
    });
    assert!(theirs.count() >= 3, "head, finished, closed");
}

#[test]
fn encodings_are_read_on_the_side_and_their_drops_counted() {
    let (hearing, _) = hearing();
    let gzip = {
        use std::io::Write as _;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(MESSAGE.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    for (n, (coding, body)) in [
        ("gzip", &gzip[..]),
        ("gzip", b"no gzip"),
        ("lzma", &gzip[..]),
    ]
    .into_iter()
    .enumerate()
    {
        let mut exchange = asks(false, &n.to_string()).send(&hearing, 0.0);
        exchange.answered(200, &headers(&[("content-encoding", coding)]), t(0.0));
        for piece in body.chunks(5) {
            exchange.response_bytes(piece, t(0.0));
        }
        exchange.ended(End::Whole, t(0.0));
    }
    let totals = hearing.totals(t(1.0));
    assert_eq!(
        (totals.all().whole, totals.all().usage.output_tokens),
        (3, 9)
    );
    assert_eq!((totals.drops.decoders, totals.drops.encodings), (1, 1));
}

#[test]
fn a_refusal_in_an_unknown_encoding_is_still_a_refusal() {
    let (hearing, paper) = hearing();
    let mut exchange = asks(false, "hi").send(&hearing, 0.0);
    exchange.answered(
        429,
        &headers(&[("content-encoding", "lzma"), ("retry-after", "9")]),
        t(0.0),
    );
    exchange.response_bytes(b"\x01\x02", t(0.0));
    exchange.ended(End::Whole, t(0.0));
    assert_eq!(hearing.totals(t(1.0)).all().refusals(), 1);
    assert_eq!(paper.verdicts()[0].asked_s, Some(9.0));
    assert_ne!(
        paper.verdicts()[0].cause,
        crate::domain::verdict::Cause::Gateway
    );
}

#[test]
fn names_beyond_200_go_to_other_and_are_counted() {
    let (hearing, _) = hearing();
    for n in 0..210 {
        let agent = format!("agent/{n}");
        let mut sends = asks(false, "hi");
        sends.headers = vec![("user-agent", &agent)];
        sends.body = sends.body.replace("opus-5-5", &format!("m{n}"));
        well(&hearing, &sends, f64::from(n));
    }
    let totals = hearing.totals(t(300.0));
    assert_eq!((totals.clients.len(), totals.models.len()), (201, 201));
    assert_eq!(totals.drops.names, 20);
    let other = totals
        .clients
        .iter()
        .find(|row| row.client.as_str() == "other")
        .unwrap();
    assert_eq!(other.tally.whole, 10);
}

/// A sink that fails, as a bug of ours would.
struct Broken;

impl Sink for Broken {
    fn sample(&self, _: Observation) -> bool {
        panic!("a bug");
    }

    fn must(&self, _: Observation) {
        panic!("a bug");
    }
}

#[test]
fn a_failure_of_the_reader_stays_inside_and_is_counted() {
    let settings = Settings {
        key: [0; 16],
        first_call: CallId(crate::domain::timeline::FIRST_FOREIGN_CALL),
        since: t(0.0),
        known: Known::default(),
    };
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let hearing = Hearing::new(settings, Arc::new(Broken));
    well(&hearing, &asks(false, "hi"), 0.0);
    let deaf = asks(false, "ho").send(&hearing, 0.0);
    drop(deaf);
    std::panic::set_hook(hook);
    let totals = hearing.totals(t(0.1));
    assert!(totals.drops.reader > 0);
    assert_eq!(
        (totals.all().wire, totals.all().open),
        (2, 0),
        "nothing stays open"
    );
}
