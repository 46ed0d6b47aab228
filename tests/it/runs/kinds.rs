//! Kinds of runs: paced, cached, with broken answers, spread, with every stop reason.

use super::stage::{Stage, TIGHT};
use crate::screens;
use ratetop::{
    app::calls::form::Field,
    domain::{
        cache::CacheUse,
        load::{pace::Gate, run::Run},
        outcome::Outcome,
    },
};

/// The same work, sent at once and held back until the buckets have room: what waited for which, for how
/// long, and what was spared.
#[tokio::test(start_paused = true)]
async fn a_paced_run_says_what_waited_for_which_bucket_and_what_it_spared() {
    let mut stage = Stage::new(TIGHT.0, TIGHT.1);
    stage.run((16, 48), "hint-jitter").await;
    stage.to(Field::Pace).keys("l <enter>").pass(11.5).await;
    stage.shots("run-paced-under-way");
    // Calls whose first request is held back are not counted among those that went out.
    let paced = stage.runs()[1];
    assert!(paced.left > 0 && paced.left < paced.begun, "{}", paced.left);
    stage.keys("b");
    let shot = stage.text();
    let each = shot.lines().find(|line| line.contains("for each call"));
    assert!(each.is_some_and(|line| line.contains("● 1.00")), "{shot}");
    stage.keys("b");
    stage.keys("J J").pass(0.02).await;
    stage.until_over().await;
    stage.shots("run-paced");
    let runs = stage.runs();
    let [without, paced] = runs.as_slice() else {
        panic!("two runs")
    };
    assert!(without.limited() > 10, "{}", without.limited());
    assert_eq!(paced.limited(), 0, "{:?}", paced.failed);
    assert!(paced.paced.contains_key(&Gate::Output), "{:?}", paced.paced);
    let held: f32 = paced.lanes.all().iter().map(|lane| lane.held_s).sum();
    let told: f64 = paced.paced.values().map(|it| it.seconds).sum();
    assert!((f64::from(held) - told).abs() < 0.5, "{held} {told}");
    stage.keys("b").shots("run-paced-side-by-side");
}

/// A cached system prompt is written once and read by all others; one that is too short is explained.
#[tokio::test(start_paused = true)]
async fn a_cached_prompt_says_what_counted_and_why_nothing_was_cached() {
    let mut stage = Stage::new("calm", "claude-haiku-4-5");
    stage.form((2, 20), "hint-jitter");
    stage
        .to(Field::Cache)
        .keys("l <enter>")
        .until_over()
        .await
        .shots("run-cached");
    let used = |run: &Run| CacheUse::from(&run.summary().usage);
    let run = stage.runs()[0];
    let prompt = run.asked.order.cache.unwrap();
    assert!(used(run).read > 10 * u64::from(prompt.tokens));
    assert!(used(run).multiplier().unwrap() > 5.0);
    // Below the model's minimum of 4,096 tokens, which the API passes over in silence.
    stage
        .to(Field::Cache)
        .keys("e 1 h <space> 9 0 0 <enter> <enter>")
        .until_over()
        .await
        .shots("run-too-short-to-cache");
    let runs = stage.runs();
    assert_eq!((used(runs[1]).written, used(runs[1]).read), (0, 0));
    stage.keys("x");
    let look = screens::look("dark", false);
    let shot = screens::text(&screens::cells(
        &stage.app,
        stage.now(),
        screens::WIDE,
        &look,
    ));
    assert!(shot.contains("claude-haiku-4-5's minimum of"), "{shot}");
}

/// Streams that break after a 200: surfaced each fails its call, called anew they are answered, and what
/// was paid twice is shown.
#[tokio::test(start_paused = true)]
async fn a_broken_answer_is_surfaced_or_called_anew_with_its_tokens_paid_twice() {
    let mut stage = Stage::new("mid-stream", "claude-haiku-4-5");
    stage.run((4, 24), "hint-jitter").await;
    stage
        .to(Field::Broken)
        .keys("ll <enter>")
        .until_over()
        .await
        .shots("run-called-anew");
    let runs = stage.runs();
    let [surfaced, anew] = runs.as_slice() else {
        panic!("two runs")
    };
    let (surfaced, anew) = (surfaced.summary(), anew.summary());
    assert!(surfaced.broken > 5 && surfaced.failed == surfaced.broken);
    assert_eq!(surfaced.paid_twice.output_tokens, 0);
    assert!(anew.ok > surfaced.ok && anew.retries > 0);
    assert!(anew.paid_twice.output_tokens > 0);
    assert!(anew.paid_twice.output_tokens <= anew.thrown_away.output_tokens);
    assert!(
        anew.sentence().contains("paid twice"),
        "{}",
        anew.sentence()
    );
}

/// One call after the other to whichever pool has most left; each is told by itself.
#[tokio::test(start_paused = true)]
async fn a_spread_run_tells_each_pool_by_itself() {
    let mut stage = Stage::new("calm", "claude-haiku-4-5");
    stage.spread().await.shots("run-spread");
    let run = stage.runs()[0];
    let of: Vec<u64> = run.models().iter().map(|(_, it)| it.logical).collect();
    assert_eq!(of, [30, 10]);
}

/// Each stop reason is met on purpose, and what to do about it is said.
#[tokio::test(start_paused = true)]
async fn every_stop_reason_is_reached_from_the_form() {
    let mut stage = Stage::new("calm", "claude-haiku-4-5");
    stage
        .keys("gg jj e <c-a> <c-k> 64 <enter>")
        .to(Field::Ending);
    for wanted in [
        "max_tokens",
        "refusal",
        "tool_use",
        "pause_turn",
        "model_context_window_exceeded",
    ] {
        stage.keys("l");
        // Two calls, so that it is a run.
        stage
            .to(Field::Workers)
            .keys("e <c-a> <c-k> 2 <enter>")
            .to(Field::Ending)
            .keys("<enter>")
            .until_over()
            .await;
        let runs = stage.runs();
        let run = runs.last().unwrap();
        let attempts = &run.call(0).unwrap().attempts;
        let reason = attempts.iter().find_map(|attempt| match &attempt.outcome {
            Some(Outcome::Complete { stop_reason, .. }) => stop_reason.clone(),
            _ => None,
        });
        assert_eq!(reason.as_deref(), Some(wanted));
        assert_eq!(run.summary().ok, 2, "{wanted}");
        if wanted == "pause_turn" {
            assert_eq!(
                (run.left, run.retries, run.continued, run.wire),
                (2, 0, 2, 4)
            );
            let text = stage.text();
            assert!(text.contains("on wire  4 · 2.00× · 2 continued"), "{text}");
        }
        stage.keys("x");
        if wanted != "pause_turn" {
            let look = screens::look("dark", false);
            let shot = screens::cells(&stage.app, stage.now(), screens::WIDE, &look);
            let text = screens::text(&shot);
            assert!(text.contains(&format!("stop: {wanted}")), "{text}");
        }
        stage.keys("<esc>");
    }
}
