//! Screens of each moment of a call. Lives of calls come from the timeline's fixtures.

use crate::{
    app::{
        App,
        effect::Effect,
        event::{Event, FormDefaults, ProfileCard, Started, Thresholds},
    },
    domain::{
        clean::is_harmless,
        count::Count,
        id::{CallId, ModelId},
        observation::{CallResult, Observation, What},
        outcome::{ApiError, Outcome},
        retry::Policy,
        spend::{Price, Prices, Spend},
        time::Time,
        timeline::{FIRST_FOREIGN_CALL, fixtures::*},
        verdict::{Cause, EvidenceFrom},
    },
    ui::{
        canvas::Canvas,
        theme::{Depth, Look, Theme},
    },
};
use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers};
use proptest::prelude::*;
use ratatui::{buffer::Buffer, layout::Rect};
use std::sync::Arc;

const SIZES: [(u16, u16); 3] = [(120, 36), (80, 24), (40, 12)];

/// An app on tab 2 with one profile.
struct Stage {
    app: App,
    now: Time,
    sent: Vec<Effect>,
}

/// Opus 5.5's row of the price table (pricing page).
fn prices() -> Prices {
    let price = Price {
        input: 4.0,
        write_5m: Some(5.0),
        write_1h: Some(8.0),
        read: Some(0.2),
        output: 20.0,
        long: None,
    };
    Prices {
        as_of: "2026-11-24".into(),
        models: vec![(ModelId::from("claude-opus-5-5"), price)],
    }
}

fn card() -> ProfileCard {
    ProfileCard {
        tap: None,
        attached: None,
        chaos: None,
        name: Arc::from("prod"),
        host: "api.anthropic.com".into(),
        can_call: true,
        cannot_call_because: None,
        can_poll: true,
        workspace: None,
        thresholds: Thresholds {
            tight_percent: 25.0,
            critical_percent: 10.0,
        },
        form: FormDefaults {
            model: "claude-opus-5-5".into(),
            prompt: "Say hello.".into(),
            max_tokens: 256,
            stream: true,
            policy: Policy::HintJitter,
            attempts: None,
            policies: Policy::ALL.into(),
        },
        spend: Spend {
            day_usd: 0.03,
            day_cap_usd: Some(1.0),
            session_usd: 0.01,
            session_cap_usd: Some(0.5),
            ..Spend::default()
        },
        siblings: vec![Arc::from("prod")],
    }
}

impl Stage {
    fn with(card: ProfileCard) -> Self {
        let started = Started {
            at: t(0.0),
            local_offset_s: 0,
            mouse: true,
            read_only: false,
            size: SIZES[0],
            prices: Arc::new(prices()),
            tiers: Arc::default(),
        };
        let mut app = App::new(started);
        app.update(Event::Profile(Box::new(card)), t(0.0));
        let mut stage = Self {
            app,
            now: t(0.0),
            sent: Vec::new(),
        };
        stage.keys("2");
        stage
    }

    fn new() -> Self {
        Self::with(card())
    }

    /// After those observations, at second `at`.
    fn seeing(mut self, all: &[Observation], at: f64) -> Self {
        for seen in all {
            let event = Event::Observed {
                profile: Arc::from("prod"),
                seen: Arc::new(seen.clone()),
            };
            self.app.update(event, seen.at);
        }
        self.now = t(at);
        self
    }

    fn saying(mut self, attempt: u32, text: &str) -> Self {
        let event = Event::Text {
            profile: Arc::from("prod"),
            call: CallId(1),
            attempt,
            delta: text.into(),
        };
        self.app.update(event, self.now);
        self
    }

    fn key(&mut self, code: KeyCode) {
        let event = Event::Input(Input::Key(KeyEvent::new(code, KeyModifiers::NONE)));
        self.sent.extend(self.app.update(event, self.now));
    }

    /// Letters, `\n` for Enter, `\x1b` for Esc, `\x08` for Backspace.
    fn keys(&mut self, keys: &str) {
        for c in keys.chars() {
            self.key(match c {
                '\n' => KeyCode::Enter,
                '\x1b' => KeyCode::Esc,
                '\x08' => KeyCode::Backspace,
                '\t' => KeyCode::Tab,
                c => KeyCode::Char(c),
            });
        }
    }

    fn typing(mut self, keys: &str) -> Self {
        self.keys(keys);
        self
    }

    /// The tab's own part of the screen: header, tab line and footer are drawn by others.
    fn screen(&self, (width, height): (u16, u16)) -> String {
        let look = Look::new(&Theme::named("dark").unwrap(), Depth::True, false);
        let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
        let bands = crate::app::layout::bands((width, height));
        let body = Rect::new(0, bands.body, width, bands.rows);
        let mut canvas = Canvas {
            buf: &mut buf,
            look: &look,
        };
        super::draw(
            &self.app,
            &self.app.shown(self.now).unwrap(),
            &mut canvas,
            body,
        );
        (body.top()..body.bottom())
            .map(|y| {
                let line: String = (0..width).map(|x| buf[(x, y)].symbol()).collect();
                line.trim_end().to_owned() + "\n"
            })
            .collect()
    }
}

/// A snapshot at each of the sizes.
fn snap(name: &str, stage: &Stage, sizes: usize) {
    for size in &SIZES[..sizes] {
        insta::assert_snapshot!(format!("{name}-{}x{}", size.0, size.1), stage.screen(*size));
    }
}

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
fn an_invalid_value_is_refused_in_its_field() {
    let mut stage = Stage::new().typing("jje\x08\x08\x080\n");
    snap("invalid", &stage, 3);
    // Nothing was taken, nothing is sent while it is edited.
    assert!(stage.sent.is_empty());
    stage.keys("\x1b\n");
    assert!(
        matches!(stage.sent.as_slice(), [Effect::Call(order)] if order.max_tokens == 256 && order.call == CallId(1))
    );
}

#[test]
fn choosing_a_policy_shows_every_rule() {
    let stage = Stage::new().typing("jjjjje");
    snap("policies", &stage, 3);
}

#[test]
fn headers_stand_where_the_answer_was() {
    let stage = Stage::new()
        .seeing(&refused_then_ok(1, 17.4)[..5], 6.0)
        .typing("v");
    snap("headers", &stage, 1);
}

#[test]
fn what_may_not_be_sent_is_said_and_not_sent() {
    let mut read_only = card();
    read_only.spend.read_only = true;
    let mut keyless = card();
    keyless.can_call = false;
    keyless.cannot_call_because = Some("Set ANTHROPIC_API_KEY to make calls.".into());
    for (card, sentence) in [(read_only, "Read only"), (keyless, "Set ANTHROPIC_API_KEY")] {
        let stage = Stage::with(card).typing("\n");
        assert!(stage.sent.is_empty());
        assert!(stage.app.toast().unwrap().text.contains(sentence));
    }
}

#[test]
fn counted_tokens_stand_in_the_cost_until_the_prompt_changes() {
    let mut stage = Stage::new().typing("n");
    let Some(Effect::Count(order)) = stage.sent.pop() else {
        panic!("{:?}", stage.sent);
    };
    let count = |tokens| {
        Box::new(Count {
            order: order.clone(),
            tokens,
            verdict: None,
        })
    };
    let profile: std::sync::Arc<str> = "prod".into();
    let told = |count| Event::Counted {
        profile: profile.clone(),
        count,
    };
    stage.app.update(told(count(Some(4_321))), t(0.0));
    assert!(stage.screen((120, 36)).contains("4321 in + at most"));
    let toast = stage.app.toast().map(|toast| toast.text.as_str());
    assert_eq!(toast, Some("claude-opus-5-5: 4,321 input tokens."));
    let stage = stage.typing("je!\n");
    assert!(stage.screen((120, 36)).contains("about "));
}

#[test]
fn an_empty_prompt_is_found_before_it_is_sent() {
    let mut empty = card();
    empty.form.prompt = " ".into();
    let stage = Stage::with(empty).typing("\n");
    assert!(stage.sent.is_empty());
    assert!(stage.app.toast().unwrap().text.starts_with("prompt: empty"));
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
