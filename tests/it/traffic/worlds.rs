//! What a tap has carried: a team's minute, and variants of it.

use super::{
    HAIKU, OPUS, SONNET,
    programs::{Life, plain, used},
};
use crate::{
    screens::Size,
    world::{self, BUILD, at, limits, model_group, noon, reading},
};
use ratetop::{
    app::{
        App,
        event::{Attached, Event},
        profile::blank_card,
    },
    domain::{
        headers::{Hint, Reading, Unified, Window},
        observation::{CallResult, What},
        outcome::{ApiError, Outcome},
        time::Time,
        traffic::{ClientRow, Drops, ModelRow, Tally, Totals},
        usage::Usage,
        verdict::Cause,
    },
};

pub(super) fn listening(size: Size) -> App {
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
pub(super) fn dropping(size: Size) -> App {
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
pub(super) fn strangers(size: Size) -> App {
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

/// A screen that looks on at a tap elsewhere, which it has not reached, or lost before anything passed.
pub(super) fn attached(size: Size, lost_since: Option<Time>, tap: Option<&str>) -> App {
    let mut app = App::new(world::started(size));
    let mut card = blank_card("127.0.0.1:4789".into());
    card.attached = Some(Attached { lost_since });
    card.tap = tap.map(str::to_owned);
    "api.anthropic.com".clone_into(&mut card.host);
    app.update(Event::Profile(Box::new(card)), at(-60.0));
    app
}

/// Only the client that does not listen.
pub(super) fn early_only(size: Size) -> App {
    let mut app = listening(size);
    let mut early = Life::begin(&mut app, 2, "support-agent", OPUS, -20.0, false);
    early.sent(-20.0).output_refused(-19.98, 17.0);
    early.sent(-19.48);
    app
}
