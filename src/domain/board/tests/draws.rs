//! Own usage on the board.

use super::*;

#[test]
fn own_usage_is_drawn_as_it_is_seen_and_a_refused_estimate_comes_back() {
    let mut board = Board::default();
    board.absorb(&limits(groups()));
    board.absorb(&head(
        t(0.0),
        ORG,
        vec![
            level("input_tokens_per_minute_cache_aware", 5_000_000, 4_000_000),
            level("output_tokens_per_minute", 1_000_000, 500_000),
        ],
    ));
    let began = What::Began {
        policy: "none".into(),
        attempts: Some(1),
        stream: true,
        input_estimate: 90_000,
    };
    board.absorb(&seen(t(1.0), began));
    board.absorb(&seen(t(1.0), What::Sent));
    let own = |board: &Board, d| view(board, "claude-opus-5-5", d, t(1.0)).own_burn_per_min;
    assert!(own(&board, Dimension::Itpm).is_some_and(|burn| burn > 0.0));
    let refusal = What::Finished {
        outcome: Outcome::Refused {
            status: 429,
            error: ApiError::default(),
            hint: Hint::default(),
        },
        usage: None,
        duration_s: 0.1,
        verdict: None,
    };
    board.absorb(&seen(t(1.0), refusal));
    assert_eq!(own(&board, Dimension::Itpm), Some(0.0));

    board.absorb(&seen(t(1.0), What::Sent));
    let usage = Usage {
        input_tokens: 60_000,
        output_tokens: 100,
        ..Usage::default()
    };
    board.absorb(&seen(t(1.0), What::Progress { usage }));
    let done = Usage {
        output_tokens: 900,
        ..usage
    };
    let whole = What::Finished {
        outcome: Outcome::Complete {
            status: 200,
            stop_reason: None,
        },
        usage: Some(done),
        duration_s: 2.0,
        verdict: None,
    };
    board.absorb(&seen(t(1.0), whole));
    board.absorb(&seen(
        t(1.0),
        What::Closed {
            result: CallResult::Ok,
        },
    ));
    let at = |d| {
        view(&board, "claude-opus-5-5", d, t(5.0))
            .own_burn_per_min
            .unwrap()
    };
    assert!(
        (at(Dimension::Itpm) - 60_000.0 * 4.0).abs() < 1.0,
        "{}",
        at(Dimension::Itpm)
    );
    assert!(
        (at(Dimension::Otpm) - 900.0 * 4.0).abs() < 1.0,
        "{}",
        at(Dimension::Otpm)
    );
}
