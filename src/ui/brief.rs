//! Our own sentences where columns are few: fewer words, never half a number.

use crate::domain::{
    limit::Dimension,
    verdict::{Evidence, EvidenceFrom},
};
use std::borrow::Cow;

/// Limits that sentences name in words; a longer name stands before one that it contains.
const NAMED: [Dimension; 5] = [
    Dimension::ItpmAll,
    Dimension::Itpm,
    Dimension::Otpm,
    Dimension::Rpm,
    Dimension::Combined,
];

/// A sentence of ours in at most `room` characters, as far as that can be had without losing what it says:
/// names of models without `Claude`, limits by the heads of their columns, then less of the rest. What
/// the network said is evidence and is not for this.
pub(super) fn brief(sentence: &str, room: usize) -> Cow<'_, str> {
    let fits = |text: &str| text.chars().count() <= room;
    if fits(sentence) {
        return Cow::Borrowed(sentence);
    }
    let mut short = sentence.replace(" of Claude ", " of ");
    if fits(&short) {
        return Cow::Owned(short);
    }
    for dimension in NAMED {
        short = short.replace(dimension.words(), dimension.label());
    }
    short = short.replace(
        "the organization's configured limit is ",
        "of the organization: ",
    );
    if fits(&short) {
        return Cow::Owned(short);
    }
    if let Some((kept, last)) = short.rsplit_once(", full in ")
        && !last.contains([';', ','])
    {
        short.truncate(kept.len());
    }
    Cow::Owned(short)
}

/// A piece of evidence in `room` characters: what we say of headers and limits becomes brief, what the
/// server wrote stays as it came.
pub(super) fn told_in(evidence: &Evidence, room: usize) -> Cow<'_, str> {
    match evidence.from {
        EvidenceFrom::Headers | EvidenceFrom::Limits => brief(&evidence.text, room),
        _ => Cow::Borrowed(&evidence.text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const USED_UP: &str = "429: output tokens per minute of Claude Sonnet 5.5 used up (limit 8,000); asked to wait 14 s";
    const LEFT: &str = "input tokens per minute: 3,000 of 120,000 left, full in 59 s";

    #[rstest]
    #[case(USED_UP, 100, USED_UP)]
    #[case(
        USED_UP,
        90,
        "429: output tokens per minute of Sonnet 5.5 used up (limit 8,000); asked to wait 14 s"
    )]
    #[case(
        USED_UP,
        25,
        "429: OTPM of Sonnet 5.5 used up (limit 8,000); asked to wait 14 s"
    )]
    #[case(LEFT, 45, "ITPM: 3,000 of 120,000 left, full in 59 s")]
    #[case(LEFT, 30, "ITPM: 3,000 of 120,000 left")]
    #[case(
        "input tokens per minute, cache reads counted: 0 of 5 left",
        50,
        "ITPM all: 0 of 5 left"
    )]
    #[case(
        "the organization's configured limit is 120,000",
        45,
        "of the organization: 120,000"
    )]
    #[case(
        "tokens per minute: 0 of 5 left, full in 2 s; x",
        9,
        "TPM: 0 of 5 left, full in 2 s; x"
    )]
    fn a_sentence_becomes_as_short_as_it_must(
        #[case] sentence: &str,
        #[case] room: usize,
        #[case] text: &str,
    ) {
        assert_eq!(brief(sentence, room), text);
    }
}
