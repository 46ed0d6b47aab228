//! Every figure on the screen of a run is also in what `ratetop call --json` prints: both are made of
//! the same observations, and what the screen shows is written again from the JSON alone.

use super::stage::{Stage, TIGHT};
use ratetop::{
    app::calls::form::Field,
    assets,
    domain::{
        load::{live::Live, pace::Gate, result::Summary},
        spend::dollars,
    },
    report::{
        self,
        call::Calls,
        run::{Held, Run as About},
    },
    ui::{calls::words::span, format::count},
};
use serde_json::Value;

fn whole(value: &Value) -> u64 {
    value
        .as_u64()
        .unwrap_or_else(|| panic!("{value} is no count"))
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

/// Boxes stand beside each other, so that the columns of a line follow each other.
fn all_are_on(screen: &str, expected: &[String]) {
    for what in expected {
        let (label, rest) = what.split_at(what.find(' ').unwrap());
        let apart = screen.contains(label) && screen.contains(rest.trim());
        assert!(
            apart || screen.contains(what.as_str()),
            "{what} is not on the screen:\n{screen}"
        );
    }
}

/// What the headless command prints of the same calls.
fn json(stage: &Stage) -> Value {
    let run = stage.runs()[0];
    let prices = Some(assets::prices());
    let order = &run.asked.order;
    let summary = Summary::new(run.began).with_prices(prices);
    let spread = run.asked.spread.as_ref();
    let mut live = Live::new(summary, 1_000).by_model(spread);
    for seen in &stage.seen {
        live.absorb(seen);
    }
    live.end(run.summary().missed, &[], run.summary().denied);
    let held: Vec<Held> = stage.held(run.first());
    let about = About {
        plan: &run.asked.plan,
        model: order.model.as_str(),
        policy: order.policy.name(),
        retry_budget_percent: None,
        pace: run.asked.pacing.map(|it| (it.word(), held.as_slice())),
        cache: order.cache,
        spread,
        pools: &[],
        comparison: None,
        free: true,
        interrupted: false,
        unsent: None,
    };
    let text = report::to_pretty(&Calls::of_run(&live, &about, |_| Some(0.0))).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// What the JSON says of one worker's calls.
struct Own<'a> {
    calls: usize,
    attempts: Vec<&'a Value>,
    /// Calls that were answered.
    ok: usize,
    slept_s: f64,
}

impl<'a> Own<'a> {
    fn of(json: &'a Value, worker: usize) -> Self {
        let all = json["calls"].as_array().unwrap();
        let own = all.iter().filter(|call| call["worker"] == worker);
        let own: Vec<&Value> = own.collect();
        let attempts = own
            .iter()
            .flat_map(|call| call["attempts"].as_array().unwrap());
        let attempts: Vec<&Value> = attempts.collect();
        let slept = attempts.iter().filter_map(|it| it["slept_s"].as_f64());
        Self {
            calls: own.len(),
            ok: own.iter().filter(|call| call["outcome"] == "ok").count(),
            slept_s: slept.sum(),
            attempts,
        }
    }
}

/// The screen without its boxes, its words with one space between.
fn words(stage: &Stage) -> String {
    let text = stage.text();
    // The form on the left is no figure of the run.
    let right = text
        .lines()
        .map(|line| line.chars().skip(36).collect::<String>());
    let right = right.collect::<Vec<_>>().join(" ").replace('│', " ");
    right.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test(start_paused = true)]
async fn every_figure_of_the_result_is_in_the_json() {
    let mut stage = Stage::new(TIGHT.0, TIGHT.1);
    stage.run((16, 48), "hint-jitter").await;
    let (json, screen) = (json(&stage), words(&stage));
    let totals = &json["totals"];
    let usage = &totals["usage"];
    let mut expected = vec![
        format!(
            "calls {} ok · {} failed · {:.0}%",
            totals["ok"],
            totals["failed"],
            number(&totals["success_share"]) * 100.0
        ),
        format!(
            "on wire {} · {:.2} for each call",
            totals["wire"],
            number(&totals["amplification"])
        ),
        format!(
            "refused OTPM {}",
            totals["refused"]["output_tokens_per_minute"]
        ),
        format!(
            "slept {} · {} in vain",
            span(number(&totals["slept_s"])),
            span(number(&totals["wasted_s"]))
        ),
        format!("herd {} starts in 100 ms", totals["herd_peak"]),
        format!(
            "tokens {} in · {} out",
            count(whole(&usage["input_tokens"])),
            count(whole(&usage["output_tokens"]))
        ),
        format!(
            "cost free here · {} at the API",
            dollars(number(&totals["list_cost_usd"]))
        ),
        format!(
            "pace {:.1} answers a second",
            number(&totals["answers_per_s"])
        ),
    ];
    assert_eq!(
        (whole(&totals["early_retries"]), &totals["cost_usd"]),
        (0, &0.0.into())
    );
    assert_eq!(
        whole(&totals["sent"]) + whole(&totals["retries"]) + whole(&totals["continued"]),
        whole(&totals["wire"])
    );
    expected.push(format!(
        "retries {} · none before its hint",
        totals["retries"]
    ));
    for (name, field) in [
        ("first byte", "first_byte"),
        ("first token", "first_token"),
        ("whole call", "call"),
    ] {
        let spans = &totals["latency"][field];
        let of = ["p50_ms", "p90_ms", "p99_ms", "longest_ms"];
        let cells = of.map(|name| span(number(&spans[name]) / 1e3));
        expected.push(format!("{name} {}", cells.join(" ")));
    }
    all_are_on(&screen, &expected);
    let sentence = totals["sentence"].as_str().unwrap();
    let said: Vec<&str> = sentence.split_whitespace().skip(1).collect();
    assert!(screen.contains(&said.join(" ")), "{sentence}:\n{screen}");
}

/// A lane's figures are those of its calls, and the level beneath is what the heads said.
#[tokio::test(start_paused = true)]
async fn the_figures_of_a_lane_are_those_of_its_calls_in_the_json() {
    let mut stage = Stage::new(TIGHT.0, TIGHT.1);
    stage.run((1, 12), "hint-jitter").await;
    let json = json(&stage);
    let Own {
        calls,
        attempts,
        ok,
        slept_s: slept,
    } = Own::of(&json, 1);
    assert_eq!(calls, json["calls"].as_array().unwrap().len());
    let lane = &stage.runs()[0].lanes.all()[0];
    let refused = attempts.iter().filter(|it| it["status"] != 200).count();
    let early = attempts.iter().filter(|it| it["early"] == true).count();
    assert!(refused > 0 && slept > 1.0, "{refused} {slept}");
    assert_eq!((lane.ok as usize, lane.failed as usize), (ok, refused));
    assert_eq!(lane.early as usize, early);
    assert!((f64::from(lane.slept_s) - slept).abs() < 0.01, "{slept}");
    // Each head says what of the bucket is there.
    let left = |it: &&Value| {
        let of = it["left"].as_array().unwrap().iter();
        let mut of = of.filter(|it| it["limiter"] == "output_tokens_per_minute");
        let level = of.next().unwrap();
        (whole(&level["remaining"]), whole(&level["limit"]))
    };
    let levels: Vec<(u64, u64)> = attempts.iter().map(left).collect();
    assert!(
        levels
            .iter()
            .all(|(left, limit)| left <= limit && *limit == 8_000)
    );
    // It runs empty as the calls go on. What the screen calls left now is a projection from the last of
    // them, and says so with a tilde.
    assert!(levels[0].0 > 0 && levels.last().is_some_and(|it| it.0 == 0));
}

/// Of several workers each has its lane again.
#[tokio::test(start_paused = true)]
async fn the_lanes_of_several_workers_can_be_drawn_again_from_the_json() {
    let mut stage = Stage::new(TIGHT.0, TIGHT.1);
    stage.run((16, 48), "hint-jitter").await;
    let json = json(&stage);
    for (at, lane) in stage.runs()[0].lanes.all().iter().enumerate() {
        let own = Own::of(&json, at + 1);
        assert!(own.calls > 0, "worker {} made none", at + 1);
        assert_eq!(lane.ok as usize, own.ok, "worker {}", at + 1);
        assert_eq!((lane.ok + lane.failed) as usize, own.attempts.len());
        let (slept, told) = (f64::from(lane.slept_s), own.slept_s);
        assert!((slept - told).abs() < 0.05, "{slept} {told}");
    }
}

/// What waited for which bucket.
#[tokio::test(start_paused = true)]
async fn what_a_paced_run_held_back_is_in_the_json() {
    let mut stage = Stage::new(TIGHT.0, TIGHT.1);
    stage.form((16, 48), "hint-jitter").to(Field::Pace);
    stage.keys("l <enter>").until_over().await;
    let (json, screen) = (json(&stage), words(&stage));
    let pace = &json["run"]["pace"];
    assert_eq!(pace["by"], "buckets");
    let waited = &pace["waited"]["output_tokens_per_minute"];
    assert!(whole(&waited["requests"]) > 10, "{pace}");
    let expected = format!(
        "paced {} for {}, {}",
        waited["requests"],
        Gate::Output.short(),
        span(number(&waited["waited_s"]))
    );
    all_are_on(&screen, &[expected]);
}

/// What became of a cached prompt.
#[tokio::test(start_paused = true)]
async fn what_a_cached_run_wrote_and_read_is_in_the_json() {
    let mut stage = Stage::new("calm", "claude-haiku-4-5");
    stage.form((2, 20), "hint-jitter").to(Field::Cache);
    stage.keys("l <enter>").until_over().await;
    let (json, screen) = (json(&stage), words(&stage));
    let cache = &json["totals"]["cache"];
    let of = |field: &str| whole(&cache[field]);
    assert!(of("written_tokens") > 0 && of("read_tokens") > of("written_tokens"));
    let expected = [
        format!(
            "cache {} written · {} read",
            count(of("written_tokens")),
            count(of("read_tokens"))
        ),
        format!(
            "uncached {} · ITPM {} · {:.1}×",
            count(of("uncached_tokens")),
            count(of("itpm_tokens")),
            number(&cache["multiplier"])
        ),
    ];
    all_are_on(&screen, &expected);
}

/// Each pool of a spread run by itself.
#[tokio::test(start_paused = true)]
async fn what_each_pool_of_a_spread_run_did_is_in_the_json() {
    let mut stage = Stage::new("calm", "claude-haiku-4-5");
    stage.spread().await;
    let (json, screen) = (json(&stage), words(&stage));
    let row = |name: &str, of: &Value| {
        let share = number(&of["logical"]) / number(&json["totals"]["logical"]);
        let refused = of["refused"].as_object().unwrap().values().map(whole);
        let half = span(number(&of["latency"]["call"]["p50_ms"]) / 1e3);
        format!(
            "{name} {} {:.0}% {} {half}",
            of["ok"],
            share * 100.0,
            refused.sum::<u64>()
        )
    };
    let models = json["models"].as_array().unwrap();
    // The screen calls each by its pool.
    let names: Vec<&str> = models
        .iter()
        .filter_map(|it| it["model"].as_str())
        .collect();
    assert_eq!(names, ["claude-haiku-4-5", "claude-opus-5-5"]);
    let rows = [
        row("claude-haiku-4…", &models[0]["totals"]),
        row("Opus 5.5", &models[1]["totals"]),
        row("all", &json["totals"]),
    ];
    for row in rows {
        assert!(screen.contains(&row), "{row}:\n{screen}");
    }
}
