//! Worlds for screens: what sources would send, typed from the facts about the API (limits of the
//! Build tier, header families, messages of refusals). Virtual time, no sockets.

pub(crate) mod shown;

use ratetop::{
    app::{
        App,
        event::{Event, FormDefaults, ProfileCard, Started, Thresholds},
    },
    domain::{
        headers::{Hint, Level, Reading},
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
        usage::Usage,
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
