//! Tab 3 from outside: what a tap would send, typed from the facts about the API and its SDKs; then
//! pictures and keys.

use crate::{
    screens::{FOLDED, SMALL, Size, WIDE, cells, click, look, press, style_of, text},
    world::{self, BUILD, at, limits, model_group, noon, reading, seen, send},
};
use ratetop::{
    app::{App, effect::Effect, event::Event, layout},
    domain::{
        headers::{Hint, Reading, Unified, Window},
        id::ClientId,
        observation::{CallResult, Observation, Source, What},
        outcome::{ApiError, Outcome},
        time::{Time, after},
        timeline::FIRST_FOREIGN_CALL,
        traffic::{ClientRow, Drops, ModelRow, Tally, Totals},
        usage::{CacheCreation, Usage},
        verdict::{Cause, Certainty, Evidence, EvidenceFrom, Scope, Verdict},
    },
};

const OPUS: &str = "claude-opus-5-5";
const SONNET: &str = "claude-sonnet-5-5";
const HAIKU: &str = "claude-haiku-4-5";

/// One call as a tap tells it: nobody knows the client's policy.
struct Life<'a> {
    app: &'a mut App,
    id: u64,
    client: &'static str,
    model: &'static str,
    attempt: u32,
}

impl<'a> Life<'a> {
    fn begin(
        app: &'a mut App,
        n: u64,
        client: &'static str,
        model: &'static str,
        when: f64,
        stream: bool,
    ) -> Self {
        let mut life = Self {
            app,
            id: FIRST_FOREIGN_CALL + n,
            client,
            model,
            attempt: 0,
        };
        let began = What::Began {
            policy: String::new(),
            attempts: None,
            stream,
            input_estimate: 900,
        };
        life.tell(when, began);
        life
    }

    fn tell(&mut self, when: f64, what: What) -> &mut Self {
        let seen = Observation {
            source: Source::Tap,
            client: Some(ClientId::from(self.client)),
            attempt: (self.attempt > 0).then_some(self.attempt),
            organization: None,
            ..seen(at(when), self.id, self.model, what)
        };
        send(self.app, seen);
        self
    }

    fn sent(&mut self, when: f64) -> &mut Self {
        self.attempt += 1;
        self.tell(when, What::Sent)
    }

    fn head(&mut self, when: f64, first_byte_s: f64, status: u16, asked: Option<f64>) -> &mut Self {
        let out = if status == 429 { 0 } else { 206_000 };
        let levels = [(5_000, 4_412), (5_000_000, 3_100_000), (1_000_000, out)];
        let hint = Hint {
            retry_after_s: asked,
            ..Hint::default()
        };
        let mut reading = Reading {
            hint,
            request: Some(request(self.id, self.attempt).into()),
            ..reading(at(when), levels)
        };
        if status == 529 {
            // What refuses for everybody's load says nothing of one's own.
            (reading.levels, reading.raw) = (Vec::new(), Vec::new());
        }
        reading.unknown = Vec::new();
        if let Some(asked) = asked {
            let asked = ("retry-after".to_owned(), asked.to_string());
            reading.raw.push(asked);
        }
        self.tell(
            when,
            What::Head {
                status,
                reading,
                first_byte_s,
            },
        )
    }

    fn token(&mut self, when: f64, after_s: f64, so_far: Usage) -> &mut Self {
        self.tell(when, What::FirstToken { after_s });
        self.tell(when, What::Progress { usage: so_far })
    }

    fn whole(&mut self, when: f64, duration_s: f64, usage: Usage) {
        let outcome = Outcome::Complete {
            status: 200,
            stop_reason: Some("end_turn".to_owned()),
        };
        self.ended(when, duration_s, outcome, Some(usage), None);
        self.closed(when, CallResult::Ok);
    }

    fn ended(
        &mut self,
        when: f64,
        duration_s: f64,
        outcome: Outcome,
        usage: Option<Usage>,
        verdict: Option<Verdict>,
    ) -> &mut Self {
        let verdict = verdict.map(Box::new);
        self.tell(
            when,
            What::Finished {
                outcome,
                usage,
                duration_s,
                verdict,
            },
        )
    }

    fn closed(&mut self, when: f64, result: CallResult) {
        self.tell(when, What::Closed { result });
    }

    /// The 429 of the output limit, head and end.
    fn output_refused(&mut self, when: f64, asked: f64) -> &mut Self {
        let verdict = Verdict {
            request_id: Some(request(self.id, self.attempt).into()),
            ..output_verdict(at(when), asked)
        };
        let hint = Hint {
            retry_after_s: Some(asked),
            ..Hint::default()
        };
        let error = ApiError {
            kind: "rate_limit_error".to_owned(),
            message: OUTPUT.to_owned(),
            ..ApiError::default()
        };
        let refused = Outcome::Refused {
            status: 429,
            error,
            hint,
        };
        self.head(when, 0.012, 429, Some(asked));
        self.ended(when + 0.001, 0.013, refused, None, Some(verdict))
    }

    fn overloaded(&mut self, when: f64) -> &mut Self {
        let error = ApiError {
            kind: "overloaded_error".to_owned(),
            message: "Overloaded".to_owned(),
            ..ApiError::default()
        };
        let verdict = plain(Cause::Overloaded, Some(529), "overloaded_error", true);
        let refused = Outcome::Refused {
            status: 529,
            error,
            hint: Hint::default(),
        };
        self.head(when, 0.2, 529, None);
        self.ended(when + 0.01, 0.21, refused, None, Some(verdict))
    }
}

/// The newer form of the message.
const OUTPUT: &str = "This request would exceed your organization's rate limit of 1,000,000 output \
                      tokens per minute (org: org-1, model: claude-opus-5-5).";

fn request(id: u64, attempt: u32) -> String {
    format!("req_011CX{:03}{attempt}9f", id - FIRST_FOREIGN_CALL)
}

fn output_verdict(when: Time, asked: f64) -> Verdict {
    Verdict {
        cause: Cause::OutputTokensPerMinute,
        limiter: Some("output_tokens_per_minute".into()),
        scope: Scope::Unknown,
        certainty: Certainty::Stated,
        evidence: vec![
            Evidence {
                from: EvidenceFrom::Message,
                text: "limit of 1,000,000 output tokens per minute".to_owned(),
            },
            Evidence {
                from: EvidenceFrom::Headers,
                text: "output-tokens 0 of 1,000,000 left".to_owned(),
            },
        ],
        status: Some(429),
        model: Some(OPUS.into()),
        pool: Some("rlg_opus55".into()),
        retry_helps: true,
        retry_at: Some(after(when, asked)),
        asked_s: Some(asked),
        request_id: None,
        sentence: format!(
            "Opus 5.5 refused a call: its output tokens per minute are used up; a retry helps in {asked} s."
        ),
    }
}

fn plain(cause: Cause, status: Option<u16>, text: &str, retry_helps: bool) -> Verdict {
    Verdict {
        cause,
        limiter: None,
        scope: Scope::Unknown,
        certainty: Certainty::Stated,
        evidence: vec![Evidence {
            from: EvidenceFrom::Message,
            text: text.to_owned(),
        }],
        status,
        model: None,
        pool: None,
        retry_helps,
        retry_at: None,
        asked_s: None,
        request_id: None,
        sentence: format!("{}: {text}", cause.words()),
    }
}

const fn used(input: u64, read: u64, out: u64) -> Usage {
    Usage {
        input_tokens: input,
        output_tokens: out,
        cache_creation_input_tokens: 0,
        cache_read_input_tokens: read,
        cache_creation: CacheCreation::of(0, false),
    }
}

fn listening(size: Size) -> App {
    let mut app = world::fresh(size);
    let mut card = world::card("prod");
    card.tap = Some("127.0.0.1:4788".to_owned());
    app.update(Event::Profile(Box::new(card)), at(-700.0));
    let groups = vec![
        model_group("rlg_opus55", "Opus 5.5", &[OPUS], BUILD),
        model_group("rlg_sonnet55", "Sonnet 5.5", &[SONNET], BUILD),
        model_group("rlg_haiku45", "Haiku 4.5", &[HAIKU], BUILD),
    ];
    limits(&mut app, at(-125.0), groups);
    app
}

/// A minute of a team's programs, with one of everything that can happen to a request.
pub(crate) fn tapped(size: Size) -> App {
    let mut app = listening(size);
    lives(&mut app);
    let totals = Box::new(totals());
    let profile = "prod".into();
    app.update(Event::Traffic { profile, totals }, noon());
    app
}

fn lives(app: &mut App) {
    Life::begin(app, 1, "Anthropic/Python 2.12.0", SONNET, -48.0, true)
        .sent(-48.0)
        .head(-47.58, 0.42, 200, None)
        .token(-47.39, 0.61, used(1_240, 9_800, 1))
        .whole(-40.9, 7.1, used(1_240, 9_800, 640));
    // A loop of its own that does not listen: twice too early, then it gives up.
    let mut nightly = Life::begin(app, 2, "nightly-report", OPUS, -40.0, false);
    nightly.sent(-40.0).output_refused(-39.98, 17.0);
    nightly.sent(-39.48).output_refused(-39.46, 16.0);
    nightly.sent(-38.46).output_refused(-38.44, 15.0);
    nightly.closed(-38.4, CallResult::Failed);
    // An SDK that listens.
    let mut listens = Life::begin(app, 3, "Anthropic/JS 1.12.0", OPUS, -30.0, true);
    listens.sent(-30.0).output_refused(-29.98, 5.0);
    listens.sent(-24.9).head(-24.4, 0.5, 200, None);
    listens
        .token(-24.2, 0.7, used(820, 0, 1))
        .whole(-19.0, 5.9, used(820, 0, 500));
    let mut broken = Life::begin(app, 4, "claude-cli/2.1.0, SDK js 0.60.0", OPUS, -21.0, true);
    broken.sent(-21.0).overloaded(-20.8);
    broken.sent(-20.3).head(-19.9, 0.4, 200, None);
    broken.token(-19.7, 0.6, used(3_100, 44_000, 1));
    let error = ApiError {
        kind: "overloaded_error".to_owned(),
        message: "Overloaded".to_owned(),
        ..ApiError::default()
    };
    let verdict = plain(
        Cause::StreamError,
        Some(200),
        "overloaded_error after a 200",
        true,
    );
    let event = Outcome::StreamError { error };
    let usage = Some(used(3_100, 44_000, 412));
    broken.ended(-14.0, 6.3, event, usage, Some(verdict));
    broken.closed(-14.0, CallResult::Failed);
    let mut invalid = Life::begin(app, 5, "curl/8.5", SONNET, -12.0, false);
    let error = ApiError {
        kind: "invalid_request_error".to_owned(),
        ..ApiError::default()
    };
    let refused = Outcome::Refused {
        status: 400,
        error,
        hint: Hint::default(),
    };
    let verdict = plain(
        Cause::InvalidRequest,
        Some(400),
        "invalid_request_error",
        false,
    );
    invalid.sent(-12.0).head(-11.97, 0.03, 400, None);
    invalid.ended(-11.96, 0.04, refused, None, Some(verdict));
    invalid.closed(-11.96, CallResult::Failed);
    Life::begin(app, 6, "classifier", HAIKU, -9.0, false)
        .sent(-9.0)
        .head(-8.7, 0.3, 200, None)
        .whole(-8.69, 0.31, used(210, 0, 14));
    let mut live = Life::begin(app, 7, "Anthropic/Python 2.12.0", SONNET, -6.0, true);
    live.sent(-6.0).head(-5.5, 0.5, 200, None);
    live.token(-5.3, 0.7, used(1_180, 9_800, 380));
    let mut waits = Life::begin(app, 8, "nightly-report", OPUS, -4.0, false);
    waits.sent(-4.0).output_refused(-3.98, 9.0);
    Life::begin(app, 9, "claude-cli/2.1.0, SDK js 0.60.0", OPUS, -2.0, true).sent(-2.0);
}

fn tally(logical: u64, wire: u64, usage: Usage, refused: &[(Cause, u64)]) -> Tally {
    let refused: std::collections::BTreeMap<_, _> = refused.iter().copied().collect();
    Tally {
        logical,
        wire,
        whole: wire - refused.values().sum::<u64>(),
        retries: wire - logical,
        refused,
        usage,
        ..Tally::default()
    }
}

/// What the tap has counted in an hour.
fn totals() -> Totals {
    let client = |name: &str, tally| ClientRow {
        client: name.into(),
        tally,
    };
    let model = |name: &str, tally| ModelRow {
        model: name.into(),
        tally,
    };
    let otpm = Cause::OutputTokensPerMinute;
    let nightly = Tally {
        early: 212,
        early_s: 2_940.0,
        early_worst_s: 17.1,
        stacked: 140,
        asked_s: 3_400.0,
        slept_s: 260.0,
        ..tally(118, 354, used(90_000, 0, 41_000), &[(otpm, 236)])
    };
    let code = Tally {
        open: 1,
        broken: 6,
        whole: 190,
        lost: used(18_000, 240_000, 2_470),
        ..tally(
            180,
            214,
            used(610_000, 7_900_000, 96_000),
            &[(Cause::Overloaded, 17)],
        )
    };
    let python = Tally {
        open: 1,
        whole: 903,
        ..tally(900, 904, used(1_100_000, 8_800_000, 570_000), &[])
    };
    let typescript = tally(
        60,
        71,
        used(49_000, 0, 30_000),
        &[(otpm, 9), (Cause::Ramp, 2)],
    );
    let classifier = tally(2_400, 2_400, used(504_000, 0, 33_600), &[]);
    let curl = tally(3, 3, used(0, 0, 0), &[(Cause::InvalidRequest, 3)]);
    let mut opus = nightly.clone();
    opus.merge(&code);
    opus.merge(&typescript);
    let mut sonnet = python.clone();
    sonnet.merge(&curl);
    Totals {
        since: at(-3_600.0),
        until: noon(),
        clients: vec![
            client("Anthropic/JS 1.12.0", typescript),
            client("Anthropic/Python 2.12.0", python),
            client("classifier", classifier.clone()),
            client("claude-cli/2.1.0, SDK js 0.60.0", code),
            client("curl/8.5", curl),
            client("nightly-report", nightly),
        ],
        models: vec![
            model(HAIKU, classifier),
            model(OPUS, opus),
            model(SONNET, sonnet),
        ],
        elsewhere: ratetop::domain::traffic::Elsewhere {
            wire: 31,
            whole: 30,
            refused: 1,
            ..Default::default()
        },
        drops: Drops::default(),
    }
}

/// The same, with a screen that was too slow and bodies that could not be read.
fn dropping(size: Size) -> App {
    let mut app = tapped(size);
    let mut totals = totals();
    totals.drops = Drops {
        screen: 1_204,
        decoders: 2,
        ..Drops::default()
    };
    let profile = "prod".into();
    let totals = Box::new(totals);
    app.update(Event::Traffic { profile, totals }, noon());
    app
}

/// Traffic of a client of another organization, of one in another workspace, and of a subscription.
fn strangers(size: Size) -> App {
    let mut app = tapped(size);
    let away = |app: &mut App, n, organization: &str, reading: Reading| {
        let mut life = Life::begin(app, n, "contractor", OPUS, -5.0, false);
        life.sent(-5.0);
        let head = What::Head {
            status: 200,
            reading: Reading {
                organization: Some(organization.into()),
                unknown: Vec::new(),
                ..reading
            },
            first_byte_s: 0.4,
        };
        life.tell(-4.6, head);
        life.whole(-4.5, 0.5, used(600, 0, 90));
    };
    let levels = [(50, 31), (30_000, 12_000), (8_000, 1_000)];
    let other = "8a5ffd5c-3b0e-4c1d-9a77-0d6f2b1e4c55";
    away(&mut app, 101, other, reading(at(-4.6), levels));
    let window = |name: &str, used: f64| Window {
        name: name.to_owned(),
        status: Some("allowed".to_owned()),
        utilization: Some(used),
        reset: Some(at(9_000.0)),
    };
    let unified = Unified {
        status: Some("allowed".to_owned()),
        windows: vec![window("5h", 0.62), window("7d", 0.31)],
        ..Unified::default()
    };
    let reading = Reading {
        levels: Vec::new(),
        unified: Some(unified),
        ..reading(at(-4.6), levels)
    };
    let person = "c1d2e3f4-7777-4c1d-9a77-0d6f2b1e4c55";
    away(&mut app, 102, person, reading);
    app
}

fn drawn(app: &App, size: Size) -> String {
    text(&cells(app, noon(), size, &look("dark", false)))
}

fn screen(world: fn(Size) -> App, script: &str, size: Size) -> String {
    let mut app = world(size);
    let mut now = noon();
    press(&mut app, script, &mut now);
    text(&cells(&app, now, size, &look("dark", false)))
}

macro_rules! screen {
    ($name:ident, $world:expr, $script:literal, $size:expr) => {
        #[test]
        fn $name() {
            insta::assert_snapshot!(screen($world, $script, $size));
        }
    };
}

screen!(requests_wide, tapped, "3", WIDE);
screen!(requests_folded, tapped, "3 jj", FOLDED);
screen!(requests_small, tapped, "3", SMALL);
screen!(requests_very_wide, tapped, "3 s", (180, 44));
screen!(requests_tiny, tapped, "3", (20, 6));
screen!(the_worst_first, tapped, "3 sss", FOLDED);
screen!(only_refused_for_output, tapped, "3 /otpm <enter>", FOLDED);
screen!(
    an_early_retry_wide,
    tapped,
    "3 /nightly <enter> j <enter>",
    WIDE
);
screen!(
    a_broken_stream_folded,
    tapped,
    "3 /cli <enter> j <enter>",
    FOLDED
);
screen!(
    a_listening_client_small,
    tapped,
    "3 /anthropic/js <enter> <enter>",
    SMALL
);
screen!(a_live_request, tapped, "3 j <enter>", FOLDED);
screen!(totals_wide, tapped, "3 o", WIDE);
screen!(totals_folded, tapped, "3 o", FOLDED);
screen!(totals_small, tapped, "3 o jjjj", SMALL);
screen!(drops_are_shown, dropping, "3", WIDE);
screen!(drops_folded, dropping, "3 o G", FOLDED);
screen!(help_on_traffic, tapped, "3 ?", WIDE);
screen!(nothing_has_passed_wide, listening, "3", WIDE);
screen!(nothing_has_passed_without_a_tap, world::busy, "3", FOLDED);
screen!(nothing_has_passed_small, listening, "3", SMALL);
screen!(other_organizations_wide, strangers, "", WIDE);
screen!(other_organizations_folded, strangers, "G", FOLDED);
screen!(other_organizations_small, strangers, "G", SMALL);
screen!(the_last_refusal_names_its_program, early_only, "", WIDE);

/// Only the client that does not listen.
fn early_only(size: Size) -> App {
    let mut app = listening(size);
    let mut early = Life::begin(&mut app, 2, "support-agent", OPUS, -20.0, false);
    early.sent(-20.0).output_refused(-19.98, 17.0);
    early.sent(-19.48);
    app
}

#[test]
fn words_that_nobody_may_overlook_stand_out_in_the_list_too() {
    let look = look("dark", false);
    let mut app = tapped(WIDE);
    press(&mut app, "3", &mut noon());
    let buf = cells(&app, noon(), WIDE, &look);
    let style = style_of(&buf, "EARLY").unwrap();
    assert_eq!(style.fg, look.roles.empty.fg);
    let stacked = style_of(&buf, "140 STACKED").unwrap();
    assert_eq!(stacked.fg, look.roles.bad.fg);
}

#[test]
fn a_click_selects_a_request_and_a_second_one_opens_it() {
    for size in [WIDE, FOLDED, SMALL] {
        let mut app = tapped(size);
        press(&mut app, "3", &mut noon());
        let row = layout::traffic(size).list + 3;
        click(&mut app, 20, row, noon());
        let screen = drawn(&app, size);
        let marked = screen.lines().nth(row.into()).unwrap();
        assert!(
            marked.contains('▸') && marked.contains("classif"),
            "{screen}"
        );
        assert!(app.traffic().open.is_none());
        click(&mut app, 20, row, noon());
        assert!(app.traffic().open.is_some());
        press(&mut app, "<esc>", &mut noon());
        assert!(app.traffic().open.is_none());
    }
}

#[test]
fn y_copies_the_request_id_of_what_is_looked_at() {
    let mut app = tapped(WIDE);
    let mut now = noon();
    press(&mut app, "3 /nightly <enter> j <enter>", &mut now);
    let copied = press(&mut app, "y", &mut now);
    assert_eq!(copied, [Effect::Copy("req_011CX00239f".to_owned())]);
    let copied = press(&mut app, "K y", &mut now);
    assert_eq!(copied, [Effect::Copy("req_011CX00229f".to_owned())]);
}

#[test]
fn what_is_being_read_stays_when_a_flood_pushes_it_out() {
    let mut app = tapped(WIDE);
    let mut now = noon();
    press(&mut app, "3 /nightly <enter> j <enter>", &mut now);
    let before = drawn(&app, WIDE);
    for n in 0..3_000 {
        Life::begin(&mut app, 1_000 + n, "nightly-report", HAIKU, 0.0, false)
            .sent(0.0)
            .head(0.0, 0.01, 200, None)
            .whole(0.0, 0.01, used(10, 0, 1));
    }
    let top = |screen: &str| {
        screen
            .lines()
            .skip(2)
            .take(9)
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert_eq!(top(&before), top(&drawn(&app, WIDE)));
    press(&mut app, "<esc> <esc>", &mut now);
    let listed = drawn(&app, WIDE);
    assert!(listed.contains("Requests · 1,000 of "), "{listed}");
}

#[test]
fn a_paused_list_can_still_be_sorted_filtered_and_read() {
    let mut app = tapped(FOLDED);
    let mut now = noon();
    press(&mut app, "3 <space>", &mut now);
    Life::begin(&mut app, 900, "late-comer", OPUS, 1.0, false).sent(1.0);
    let screen = drawn(&app, FOLDED);
    assert!(
        screen.contains("PAUSED") && !screen.contains("late-comer"),
        "{screen}"
    );
    press(&mut app, "sss", &mut now);
    assert!(drawn(&app, FOLDED).contains("worst first"));
    press(&mut app, "/late <enter>", &mut now);
    assert!(drawn(&app, FOLDED).contains("No request fits the filter"));
    press(&mut app, "<space>", &mut now);
    assert!(drawn(&app, FOLDED).contains("late-comer"));
    press(&mut app, "<esc>", &mut now);
    assert!(drawn(&app, FOLDED).contains("nightly-rep"));
}

#[test]
fn a_test_call_can_take_the_model_of_a_request() {
    let mut app = tapped(WIDE);
    press(&mut app, "3 /classifier <enter> t", &mut noon());
    assert!(drawn(&app, WIDE).contains("model      claude-haiku-4-5"));
}
