//! Worlds as screens show them: a busy one, a subscription, one with many pools.

use super::{
    BUILD, at, call, fresh, group, limits, model_group, noon, reading, refusal, seen, send,
};
use ratetop::{
    app::{App, event::Event},
    domain::{
        headers::{Reading, Unified, Window},
        observation::What,
        org::GroupKind,
        time::Time,
        usage::{CacheCreation, Usage},
    },
};

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
