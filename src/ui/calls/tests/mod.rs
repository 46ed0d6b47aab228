//! Screens of each moment of a call. Lives of calls come from the timeline's fixtures.

mod form;
mod lives;

use crate::{
    app::{
        App,
        effect::Effect,
        event::{Event, FormDefaults, ProfileCard, Started, Thresholds},
    },
    domain::{
        id::{CallId, ModelId},
        observation::Observation,
        retry::Policy,
        spend::{Price, Prices, Spend},
        time::Time,
        timeline::fixtures::t,
    },
    ui::{
        canvas::Canvas,
        theme::{Depth, Look, Theme},
    },
};
use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers};
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
        meet: None,
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
