//! Worlds for screens: what sources would send, typed from the facts about the API (limits of the
//! Build tier, header families, messages of refusals). Virtual time, no sockets.

use ratetop::{
    app::{
        App,
        event::{Event, FormDefaults, ProfileCard, Started, Thresholds},
    },
    domain::{
        headers::{Hint, Level, Reading, Unified, Window},
        id::{CallId, ModelId},
        observation::{CallResult, Observation, Source, What},
        org::{
            ConfiguredLimit, Group, GroupKind, LimitsSnapshot, LimitsState, Organization, Override,
            Workspace,
        },
        outcome::{ApiError, Outcome},
        retry::{Action, Decision, Policy},
        spend::Spend,
        time::{Time, after},
        usage::{CacheCreation, Usage},
        verdict::{Cause, Certainty, Evidence, EvidenceFrom, Scope, Verdict},
    },
};
use std::sync::Arc;

/// The moment that screens show unless they wait.
pub(crate) fn noon() -> Time {
    "2026-11-24T12:04:31Z".parse().unwrap_or_default()
}

/// `noon` moved by seconds.
pub(crate) fn at(s: f64) -> Time {
    after(noon(), s)
}

pub(crate) fn started(size: (u16, u16)) -> Started {
    Started {
        at: at(-700.0),
        local_offset_s: 0,
        mouse: true,
        read_only: false,
        size,
        prices: ratetop::assets::prices(),
        tiers: ratetop::assets::tiers(),
    }
}

pub(crate) fn card(name: &str) -> ProfileCard {
    ProfileCard {
        tap: None,
        attached: None,
        chaos: None,
        meet: None,
        name: name.into(),
        host: "api.anthropic.com".to_owned(),
        can_call: true,
        cannot_call_because: None,
        can_poll: true,
        workspace: None,
        thresholds: Thresholds {
            tight_percent: 25.0,
            critical_percent: 10.0,
        },
        form: FormDefaults {
            model: "claude-haiku-4-5".to_owned(),
            prompt: "Say hello.".to_owned(),
            max_tokens: 256,
            stream: true,
            policy: Policy::HintJitter,
            attempts: None,
            policies: Policy::ALL.into(),
        },
        spend: Spend::default(),
        siblings: vec!["prod".into(), "staging".into()],
    }
}

/// An app of a profile that has seen nothing.
pub(crate) fn fresh(size: (u16, u16)) -> App {
    let mut app = App::new(started(size));
    app.update(Event::Profile(Box::new(card("prod"))), at(-700.0));
    app
}

pub(crate) fn send(app: &mut App, seen: Observation) {
    let now = seen.at;
    let profile = "prod".into();
    app.update(
        Event::Observed {
            profile,
            seen: Arc::new(seen),
        },
        now,
    );
}

pub(crate) fn group(
    id: &str,
    kind: GroupKind,
    name: &str,
    models: &[&str],
    limits: &[(&str, u64)],
) -> Group {
    Group {
        id: id.into(),
        entry: None,
        kind,
        name: name.to_owned(),
        models: models.iter().map(|model| ModelId::from(*model)).collect(),
        limits: limits
            .iter()
            .map(|(limiter, value)| ConfiguredLimit {
                limiter: (*limiter).into(),
                value: *value,
            })
            .collect(),
        guess: false,
    }
}

pub(crate) fn model_group(
    id: &str,
    name: &str,
    models: &[&str],
    [rpm, itpm, otpm]: [u64; 3],
) -> Group {
    let limits = [
        ("requests_per_minute", rpm),
        ("input_tokens_per_minute_cache_aware", itpm),
        ("output_tokens_per_minute", otpm),
    ];
    group(id, GroupKind::ModelGroup, name, models, &limits)
}

/// Build tier: 5,000 / 5M / 1M; Fable 2,000 / 1.5M / 300k; batch queue 300,000, count_tokens 4,000.
pub(crate) const BUILD: [u64; 3] = [5_000, 5_000_000, 1_000_000];

pub(crate) fn limits(app: &mut App, when: Time, groups: Vec<Group>) {
    let snapshot = LimitsSnapshot {
        at: when,
        organization: Some(Organization {
            id: "org-1".into(),
            name: "Acme Corp".to_owned(),
        }),
        groups,
        workspaces: vec![Workspace {
            id: "wrkspc_agents".into(),
            name: "agents".to_owned(),
        }],
        overrides: vec![(
            "wrkspc_agents".into(),
            vec![Override {
                workspace: "wrkspc_agents".into(),
                group: "rlg_opus55".into(),
                limiter: "output_tokens_per_minute".into(),
                value: 400_000,
                org_limit: Some(1_000_000),
            }],
        )],
        faults: Vec::new(),
    };
    send(
        app,
        Observation {
            source: Source::Admin,
            call: None,
            attempt: None,
            client: None,
            model: None,
            ..seen(
                when,
                0,
                "",
                What::Limits {
                    state: LimitsState::Ok,
                    error: None,
                    snapshot: Some(Box::new(snapshot)),
                },
            )
        },
    );
}

pub(crate) fn seen(when: Time, call: u64, model: &str, what: What) -> Observation {
    Observation {
        at: when,
        source: Source::Call,
        call: Some(CallId(call)),
        attempt: Some(1),
        client: Some("me".into()),
        organization: Some("org-1".into()),
        workspace: None,
        model: Some(model.into()),
        fast: false,
        what,
    }
}

/// A head with the three standard families: limit and remaining of each.
pub(crate) fn reading(when: Time, [rpm, itpm, otpm]: [(u64, u64); 3]) -> Reading {
    let level = |limiter: &str, (limit, remaining): (u64, u64)| {
        let limiter = ratetop::domain::id::Limiter::from(limiter);
        Level {
            dimension: limiter.dimension(),
            family: limiter.family(),
            limiter,
            limit,
            remaining,
            full_in_s: Some(60.0 * (1.0 - remaining as f64 / limit as f64)),
        }
    };
    let raw = |stem: &str, (limit, remaining): (u64, u64)| {
        [
            (
                format!("anthropic-ratelimit-{stem}-limit"),
                limit.to_string(),
            ),
            (
                format!("anthropic-ratelimit-{stem}-remaining"),
                remaining.to_string(),
            ),
        ]
    };
    Reading {
        at: when,
        date: Some(when),
        organization: Some("org-1".into()),
        workspace: None,
        request: Some("req_011CX9f".into()),
        hint: Hint::default(),
        levels: vec![
            level("requests_per_minute", rpm),
            level("input_tokens_per_minute_cache_aware", itpm),
            level("output_tokens_per_minute", otpm),
        ],
        unified: None,
        unknown: vec![(
            "anthropic-ratelimit-moon-phase".to_owned(),
            "0.4".to_owned(),
        )],
        raw: [
            raw("requests", rpm),
            raw("input-tokens", itpm),
            raw("output-tokens", otpm),
        ]
        .into_iter()
        .flatten()
        .collect(),
    }
}

/// A whole call: began, sent, head, finished, closed, within a second.
pub(crate) fn call(
    app: &mut App,
    id: u64,
    when: Time,
    model: &str,
    levels: [(u64, u64); 3],
    usage: Usage,
) {
    let began = What::Began {
        policy: "hint-jitter".to_owned(),
        attempts: Some(5),
        stream: false,
        input_estimate: usage.all_input(),
    };
    send(app, seen(when, id, model, began));
    send(app, seen(when, id, model, What::Sent));
    let head = What::Head {
        status: 200,
        reading: reading(after(when, 0.3), levels),
        first_byte_s: 0.3,
    };
    send(app, seen(after(when, 0.3), id, model, head));
    let finished = What::Finished {
        outcome: Outcome::Complete {
            status: 200,
            stop_reason: Some("end_turn".to_owned()),
        },
        usage: Some(usage),
        duration_s: 0.4,
        verdict: None,
    };
    send(app, seen(after(when, 0.4), id, model, finished));
    let closed = What::Closed {
        result: CallResult::Ok,
    };
    send(app, seen(after(when, 0.4), id, model, closed));
}

/// The 429 of the newer message form, then an early retry as the SDKs do.
pub(crate) fn refusal(app: &mut App, id: u64, when: Time) {
    let model = "claude-opus-5-5";
    let message = "This request would exceed your organization's rate limit of 1,000,000 output \
                   tokens per minute (org: org-1, model: claude-opus-5-5).";
    let verdict = Verdict {
        cause: Cause::OutputTokensPerMinute,
        limiter: Some("output_tokens_per_minute".into()),
        scope: Scope::Organization,
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
        model: Some(model.into()),
        pool: Some("rlg_opus55".into()),
        retry_helps: true,
        retry_at: Some(after(when, 17.0)),
        asked_s: Some(17.0),
        request_id: Some("req_011CXa7mQ9f".into()),
        sentence:
            "Opus 5.5 refused a call: its output tokens per minute are used up; a retry helps \
                   in 17 s."
                .to_owned(),
    };
    let began = What::Began {
        policy: "sdk".to_owned(),
        attempts: Some(3),
        stream: false,
        input_estimate: 20,
    };
    send(app, seen(when, id, model, began));
    send(app, seen(when, id, model, What::Sent));
    let hint = Hint {
        retry_after_s: Some(17.0),
        ..Hint::default()
    };
    let head = What::Head {
        status: 429,
        reading: Reading {
            hint,
            ..reading(
                when,
                [(5_000, 4_413), (5_000_000, 3_090_000), (1_000_000, 0)],
            )
        },
        first_byte_s: 0.012,
    };
    send(app, seen(when, id, model, head));
    let finished = What::Finished {
        outcome: Outcome::Refused {
            status: 429,
            error: ApiError {
                kind: "rate_limit_error".to_owned(),
                message: message.to_owned(),
                code: None,
                request: None,
            },
            hint,
        },
        usage: None,
        duration_s: 0.013,
        verdict: Some(Box::new(verdict)),
    };
    send(app, seen(when, id, model, finished));
    let decided = What::Decided {
        decision: Decision {
            action: Action::Retry,
            wait_s: 0.5,
            jitter_s: 0.0,
            reason: "no hint was obeyed".to_owned(),
        },
        asked_s: Some(17.0),
    };
    send(app, seen(when, id, model, decided));
    let again = Observation {
        attempt: Some(2),
        ..seen(after(when, 0.5), id, model, What::Sent)
    };
    send(app, again);
}

const HALF_CACHED: Usage = Usage {
    input_tokens: 2_900,
    output_tokens: 6_000,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 7_100,
    cache_creation: CacheCreation::of(0, false),
};

/// Every gauge state on one screen: live, projected, stale, limit only, no data, tight, EMPTY and
/// DEBT, a guess, a subscription, a foreign pool.
pub(crate) fn busy(size: (u16, u16)) -> App {
    let mut app = fresh(size);
    let build = |id: &str, name: &str, models: &[&str]| model_group(id, name, models, BUILD);
    let groups = vec![
        build("rlg_opus55", "Opus 5.5", &["claude-opus-5-5"]),
        build("rlg_sonnet55", "Sonnet 5.5", &["claude-sonnet-5-5"]),
        build(
            "rlg_haiku45",
            "Haiku 4.5",
            &["claude-haiku-4-5", "claude-haiku-4-5-20251001"],
        ),
        build(
            "rlg_sonnet4",
            "Sonnet 4.x",
            &["claude-sonnet-4-6", "claude-sonnet-4-5"],
        ),
        build(
            "rlg_opus4",
            "Opus 4.x",
            &["claude-opus-4-8", "claude-opus-4-7"],
        ),
        model_group(
            "rlg_fable5",
            "Fable 5.x",
            &["claude-fable-5-1", "claude-fable-5"],
            [2_000, 1_500_000, 300_000],
        ),
        group(
            "batch",
            GroupKind::Batch,
            "batch queue",
            &[],
            &[("enqueued_batch_requests", 300_000)],
        ),
        group(
            "token_count",
            GroupKind::TokenCount,
            "token counting",
            &[],
            &[("requests_per_minute", 4_000)],
        ),
    ];
    limits(&mut app, at(-620.0), groups.clone());
    // Ten minutes of Opus traffic, sinking.
    let mut id = 1;
    for i in 0..60_u64 {
        let wave = (i % 12) * 14_000;
        let left = 1_000_000 - i * 12_500 - wave;
        let levels = [
            (5_000, 4_950 - i * 9),
            (5_000_000, 5_000_000 - i * 32_000),
            (1_000_000, left),
        ];
        let when = at(-597.0 + i as f64 * 10.0);
        call(&mut app, id, when, "claude-opus-5-5", levels, HALF_CACHED);
        id += 1;
    }
    let timed_out = "The limits of api.anthropic.com could not be read: timed out.";
    app.update(Event::Fault(timed_out.to_owned()), at(-400.0));
    let mut tuned = groups;
    tuned[5].limits[2].value = 400_000;
    limits(&mut app, at(-125.0), tuned);
    refusal(&mut app, id, at(-14.0));
    id += 1;
    let small = Usage {
        input_tokens: 400,
        output_tokens: 90,
        ..Usage::default()
    };
    let full = |rpm, itpm, otpm| [(5_000, rpm), (5_000_000, itpm), (1_000_000, otpm)];
    let sonnet = full(5_000, 4_980_000, 999_000);
    call(&mut app, id, at(-12.4), "claude-sonnet-5-5", sonnet, small);
    let haiku = full(0, 4_500_000, 970_000);
    call(&mut app, id + 1, at(-0.4), "claude-haiku-4-5", haiku, small);
    let stale = full(4_100, 3_000_000, 620_000);
    call(
        &mut app,
        id + 2,
        at(-190.0),
        "claude-sonnet-4-6",
        stale,
        small,
    );
    // A stream that has drawn more than there was.
    let model = "claude-opus-4-8";
    let began = What::Began {
        policy: "none".to_owned(),
        attempts: Some(1),
        stream: true,
        input_estimate: 100,
    };
    send(&mut app, seen(at(-3.0), id + 3, model, began));
    send(&mut app, seen(at(-3.0), id + 3, model, What::Sent));
    let head = What::Head {
        status: 200,
        reading: reading(at(-2.5), full(4_980, 4_700_000, 0)),
        first_byte_s: 0.5,
    };
    send(&mut app, seen(at(-2.5), id + 3, model, head));
    let usage = Usage {
        input_tokens: 100,
        output_tokens: 90_000,
        ..Usage::default()
    };
    send(
        &mut app,
        seen(at(-0.5), id + 3, model, What::Progress { usage }),
    );
    let opus = full(4_412, 3_100_000, 206_000);
    call(
        &mut app,
        id + 4,
        at(-3.2),
        "claude-opus-5-5",
        opus,
        HALF_CACHED,
    );
    app.wake(noon());
    app
}

/// Subscription traffic: two windows, one beyond its end.
pub(crate) fn subscription(size: (u16, u16)) -> App {
    let mut app = fresh(size);
    let window = |name: &str, used: f64, status: &str| Window {
        name: name.to_owned(),
        status: Some(status.to_owned()),
        utilization: Some(used),
        reset: Some(at(9_000.0)),
    };
    let head = What::Head {
        status: 200,
        reading: Reading {
            levels: Vec::new(),
            unified: Some(Unified {
                status: Some("allowed_warning".to_owned()),
                windows: vec![
                    window("5h", 0.83, "allowed_warning"),
                    window("7d", 1.02, "rejected"),
                ],
                ..Unified::default()
            }),
            ..reading(at(-2.0), [(1, 1), (1, 1), (1, 1)])
        },
        first_byte_s: 0.4,
    };
    send(&mut app, seen(at(-2.0), 1, "claude-fable-5-2", head));
    app
}

/// Many pools, each with a reading of its own at `when`.
pub(crate) fn many(app: &mut App, pools: usize, when: Time, turn: u64) {
    for i in 0..pools {
        let model = format!("claude-made-up-{i}");
        let spin = (i as u64 * 7_919 + turn * 104_729) % 1_000;
        let levels = [
            (5_000, 5 * spin),
            (5_000_000, 5_000_000 - 4_999 * spin),
            (1_000_000, 1_000 * ((spin * 7) % 1_000)),
        ];
        let head = What::Head {
            status: 200,
            reading: reading(when, levels),
            first_byte_s: 0.0,
        };
        send(app, seen(when, 1_000_000 + turn, &model, head));
    }
}
