//! The lives of calls, moment by moment.

use super::{SIZES, Stage, card, snap};
use crate::{
    app::effect::Effect,
    domain::{
        answer::Thought,
        clean::is_harmless,
        id::CallId,
        observation::{CallResult, Observation, What},
        outcome::{ApiError, Outcome},
        timeline::{FIRST_FOREIGN_CALL, fixtures::*},
        verdict::{Cause, EvidenceFrom},
    },
};
use proptest::prelude::*;

#[test]
fn before_the_first_call() {
    snap("fresh", &Stage::new(), 3);
}

#[test]
fn in_flight() {
    snap(
        "in-flight",
        &Stage::new().seeing(&refused_then_ok(1, 17.4)[..2], 3.2),
        3,
    );
}

#[test]
fn waiting_with_a_countdown() {
    snap(
        "waiting",
        &Stage::new().seeing(&refused_then_ok(1, 17.4)[..5], 6.0),
        3,
    );
}

#[test]
fn the_countdown_ticks_on_the_second() {
    let mut stage = Stage::new().seeing(&refused_then_ok(1, 17.4)[..5], 6.0);
    assert!(stage.screen(SIZES[0]).contains("next attempt in 12 s"));
    let wake = stage.app.next_wake(stage.now).unwrap();
    assert_eq!(wake, t(6.52));
    stage.now = wake;
    assert!(stage.screen(SIZES[0]).contains("next attempt in 11 s"));
}

#[test]
fn refused_then_answered() {
    let stage = Stage::new()
        .seeing(&refused_then_ok(1, 17.4), 20.0)
        .saying(2, "Hello! How can I help you today?");
    snap("refused-then-ok", &stage, 3);
}

/// A demo whose first call may miss its point says how to meet it, where nothing was refused.
#[test]
fn a_demo_says_how_to_meet_its_point() {
    let meet = "In this world four requests in ten meet a 529: send a few more.";
    let screen = |life: &[Observation], now: f64| {
        let mut card = card();
        card.meet = Some(meet.into());
        Stage::with(card).seeing(life, now).screen(SIZES[1])
    };
    let early = screen(&refused_then_ok(1, 17.4)[..2], 0.05);
    assert!(!early.contains("In this world"), "{early}");
    let complete = Outcome::Complete {
        status: 200,
        stop_reason: Some("end_turn".into()),
    };
    let whole = [
        began(1, 0.0),
        seen(1, Some(1), 0.0, What::Sent),
        seen(1, Some(1), 0.5, finished(complete, 0.5, Some(out(9)))),
    ];
    let screen = screen(&whole, 1.0);
    assert!(screen.contains("Nothing was refused here."), "{screen}");
    assert!(
        screen.contains("In this world four requests in"),
        "{screen}"
    );
}

/// That a model thinks is said while it does, and how much when the answer says it.
#[test]
fn thinking_is_told_and_is_no_text() {
    let thought = |tokens| What::Thought(Thought { blocks: 1, tokens });
    let complete = Outcome::Complete {
        status: 200,
        stop_reason: Some("end_turn".into()),
    };
    let result = CallResult::Ok;
    let life = [
        began(1, 0.0),
        seen(1, Some(1), 0.0, What::Sent),
        seen(1, Some(1), 0.2, headed(0.2, 200, None, 290_000, 0.2)),
        seen(1, Some(1), 0.4, thought(None)),
        seen(1, Some(1), 0.4, What::FirstToken { after_s: 0.4 }),
        seen(1, Some(1), 9.0, thought(Some(1_024))),
        seen(1, Some(1), 9.0, finished(complete, 9.0, Some(out(1_060)))),
        seen(1, None, 9.0, What::Closed { result }),
    ];
    let thinks = Stage::new().seeing(&life[..5], 3.0);
    let screen = thinks.screen(SIZES[0]);
    assert!(screen.contains("It thinks; no text yet."), "{screen}");
    let stage = Stage::new().seeing(&life, 10.0).saying(1, "Forty-two.");
    snap("thought", &stage, 2);
}

#[test]
fn a_policy_that_ignores_the_hint_retries_early() {
    let reason = "4 s and 0.4 s of jitter; the server's 17 s are ignored";
    let stage = Stage::new().seeing(
        &[
            began_with(1, 0.0, "exponential-jitter", 6),
            seen(1, Some(1), 0.0, What::Sent),
            seen(1, Some(1), 0.1, headed(0.1, 429, Some(17.0), 0, 0.1)),
            seen(
                1,
                Some(1),
                0.11,
                judged(
                    refused_for_output(17.0),
                    0.11,
                    None,
                    verdict_output(0.1, 17.0),
                ),
            ),
            seen(1, Some(1), 0.12, retries(4.4, 0.4, reason, Some(17.0))),
            seen(1, Some(2), 4.52, What::Sent),
            seen(1, Some(2), 4.6, headed(4.6, 429, Some(13.0), 0, 0.1)),
            seen(
                1,
                Some(2),
                4.61,
                judged(
                    refused_for_output(13.0),
                    0.09,
                    None,
                    verdict_output(4.6, 13.0),
                ),
            ),
            seen(
                1,
                Some(2),
                4.62,
                retries(
                    5.1,
                    1.1,
                    "4 s and 1.1 s of jitter; the server's 13 s are ignored",
                    Some(13.0),
                ),
            ),
        ],
        7.0,
    );
    snap("early", &stage.typing("K"), 3);
}

#[test]
fn an_error_after_a_200() {
    let error = ApiError {
        kind: "overloaded_error".into(),
        message: "Overloaded".into(),
        ..ApiError::default()
    };
    let what = verdict(
        Cause::StreamError,
        Some(200),
        EvidenceFrom::Message,
        "event error: overloaded_error: Overloaded",
        true,
    );
    let stage = Stage::new()
        .seeing(
            &[
                began(1, 0.0),
                seen(1, Some(1), 0.0, What::Sent),
                seen(1, Some(1), 0.2, headed(0.2, 200, None, 290_000, 0.2)),
                seen(1, Some(1), 0.4, What::FirstToken { after_s: 0.4 }),
                seen(
                    1,
                    Some(1),
                    1.9,
                    judged(Outcome::StreamError { error }, 1.9, Some(out(23)), what),
                ),
                seen(
                    1,
                    Some(1),
                    1.9,
                    stops("an answer had begun: the tokens are spent, it is not sent again"),
                ),
                seen(
                    1,
                    None,
                    1.9,
                    What::Closed {
                        result: CallResult::Failed,
                    },
                ),
            ],
            2.0,
        )
        .saying(1, "Hello! How can I");
    snap("mid-stream", &stage, 3);
}

#[test]
fn cancelled_during_a_wait() {
    let mut all = refused_then_ok(1, 17.4)[..5].to_vec();
    let mut stage = Stage::new().seeing(&all, 6.0).typing("\x1b");
    assert_eq!(stage.sent.pop(), Some(Effect::Cancel(CallId(1))));
    all.push(seen(
        1,
        None,
        6.1,
        What::Closed {
            result: CallResult::Cancelled,
        },
    ));
    snap("cancelled", &stage.seeing(&all[5..], 7.0), 1);
}

#[test]
fn a_spend_cap_is_not_retried() {
    // Errors section: 429 with a code and without retry-after.
    let error = ApiError {
        kind: "rate_limit_error".into(),
        message: "You have reached your API usage limits.".into(),
        code: Some("enforced_spend_limit_reached".into()),
        request: None,
    };
    let outcome = Outcome::Refused {
        status: 429,
        error,
        hint: hint(None),
    };
    let what = verdict(
        Cause::SpendCap,
        Some(429),
        EvidenceFrom::ErrorCode,
        "enforced_spend_limit_reached",
        false,
    );
    let stage = Stage::new().seeing(
        &[
            began(1, 0.0),
            seen(1, Some(1), 0.0, What::Sent),
            seen(1, Some(1), 0.1, headed(0.1, 429, None, 900_000, 0.1)),
            seen(1, Some(1), 0.1, judged(outcome, 0.1, None, what)),
            seen(1, Some(1), 0.1, stops("a spend cap: retrying cannot help")),
            seen(
                1,
                None,
                0.1,
                What::Closed {
                    result: CallResult::Failed,
                },
            ),
        ],
        2.0,
    );
    snap("spend-cap", &stage, 3);
}

#[test]
fn a_paused_turn_goes_on() {
    let stage = Stage::new()
        .seeing(
            &[
                began(1, 0.0),
                seen(1, Some(1), 0.0, What::Sent),
                seen(1, Some(1), 0.2, headed(0.2, 200, None, 900_000, 0.2)),
                seen(1, Some(1), 0.3, What::FirstToken { after_s: 0.3 }),
                seen(
                    1,
                    Some(1),
                    1.5,
                    finished(complete("pause_turn"), 1.5, Some(out(40))),
                ),
                seen(1, Some(2), 1.5, What::Sent),
                seen(1, Some(2), 1.7, headed(1.7, 200, None, 890_000, 0.2)),
                seen(1, Some(2), 1.8, What::FirstToken { after_s: 0.3 }),
            ],
            2.4,
        )
        .saying(1, "Searching the web for the answer ");
    snap("pause-turn", &stage, 1);
}

#[test]
fn headers_stand_where_the_answer_was() {
    let stage = Stage::new()
        .seeing(&refused_then_ok(1, 17.4)[..5], 6.0)
        .typing("v");
    snap("headers", &stage, 1);
}

#[test]
fn calls_of_others_are_drawn_the_same_way() {
    let mut others = refused_then_ok(FIRST_FOREIGN_CALL + 7, 2.0);
    for seen in &mut others {
        seen.client = Some("worker-3".into());
    }
    let stage = Stage::new()
        .seeing(&refused_then_ok(1, 17.4)[..5], 6.0)
        .seeing(&others, 6.0)
        .typing("o");
    snap("others", &stage, 1);
}

proptest! {
    #[test]
    fn any_keys_at_any_size_draw_something(
        keys in "[hjklgGeo\\[\\]KJv+<>=yt \n\t\x1b\x08a0-9]{0,40}",
        seen in 0_usize..11,
        at in -5.0_f64..40.0,
        (width, height) in (0_u16..140, 0_u16..50),
    ) {
        let mut stage = Stage::new()
            .seeing(&refused_then_ok(1, 17.4)[..seen], at)
            .saying(2, "Hello \u{1b}[2J\u{202e}there, \u{65e5}\u{672c}");
        for c in keys.chars() {
            stage.keys(&c.to_string());
            // Quitting and other tabs are none of this tab's.
            if stage.app.tab() != crate::app::panel::Tab::Calls {
                stage.keys("2");
            }
        }
        if width > 0 && height > 3 {
            let screen = stage.screen((width, height));
            prop_assert!(screen.chars().all(|c| c == '\n' || is_harmless(c)));
        }
    }
}
