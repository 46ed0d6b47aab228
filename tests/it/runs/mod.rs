//! Runs of many calls on tab 2: real policies against the simulator's engine, in virtual time and
//! without sockets, as a person drives them with keys.

mod batch;
mod figures;
mod frames;
mod kinds;
mod stage;

use crate::screens;
use ratetop::app::panel::Tab;
use stage::{Stage, TIGHT};

#[tokio::test(start_paused = true)]
async fn lanes_of_a_policy_that_obeys_the_hint() {
    let mut stage = Stage::new(TIGHT.0, TIGHT.1);
    stage.form((16, 48), "hint-jitter");
    stage.shots("run-form");
    stage.keys("<enter>").pass(11.5).await;
    stage.shots("run-under-way");
    stage.keys("J J J").pass(0.02).await;
    stage.shots("run-lane-selected");
    stage.keys("x").shots("run-attempt-open");
    stage.keys("<esc>").until_over().await;
    stage.shots("run-over");
    let run = stage.runs()[0];
    assert_eq!(
        (run.early, run.summary().early),
        (0, 0),
        "never before the hint"
    );
    assert_eq!(run.summary().logical, 48);
}

/// In the middle size, too, one reads to its end why it waits so long.
#[tokio::test(start_paused = true)]
async fn why_a_policy_waits_is_whole_in_the_middle_size() {
    for (policy, keys, words) in [
        ("full-jitter", "J J J x", "drawn between 0 s and"),
        ("exponential", "J J J x", "without jitter"),
        // This one has given up by then.
        ("sdk-classic", "J J J x K", "drawn between"),
    ] {
        let mut stage = Stage::new(TIGHT.0, TIGHT.1);
        stage
            .form((16, 48), policy)
            .keys("<enter>")
            .pass(13.0)
            .await;
        stage.keys(keys).pass(0.02).await;
        let look = screens::look("dark", false);
        let shot = screens::cells(&stage.app, stage.now(), screens::FOLDED, &look);
        let shot = screens::text(&shot);
        let mut lines = shot.lines().map(|line| line.trim_matches(['│', ' ']));
        let why: Vec<&str> = lines
            .by_ref()
            .skip_while(|line| !line.starts_with("after "))
            .take_while(|line| !line.starts_with(policy) && !line.starts_with('╰'))
            .collect();
        let why = why.join(" ");
        assert!(why.contains(words) && !why.contains('…'), "{shot}");
    }
}

#[tokio::test(start_paused = true)]
async fn two_policies_in_the_same_world_side_by_side() {
    let mut stage = Stage::new(TIGHT.0, TIGHT.1);
    stage.run((16, 48), "immediate").await;
    stage.run((16, 48), "hint-jitter").await;
    stage.keys("b").shots("runs-side-by-side");
    for (name, theme, ascii) in [("plain", "plain", false), ("ascii", "plain", true)] {
        let look = screens::look(theme, ascii);
        let shot = screens::cells(&stage.app, stage.now(), screens::WIDE, &look);
        insta::assert_snapshot!(format!("runs-side-by-side-{name}"), screens::text(&shot));
    }
    let runs = stage.runs();
    let [immediate, obeys] = runs.as_slice() else {
        panic!("two runs")
    };
    assert!(immediate.early > 0 && obeys.early == 0);
    assert!(immediate.summary().success() < obeys.summary().success());
    stage.keys("b").shots("run-over-alone");
}

#[tokio::test(start_paused = true)]
async fn escape_ends_a_run_at_once_and_nothing_more_is_sent() {
    let mut stage = Stage::new(TIGHT.0, TIGHT.1);
    stage
        .form((32, 96), "hint-jitter")
        .keys("<enter>")
        .pass(6.0)
        .await;
    let wire = stage.runs()[0].wire;
    stage.keys("<esc>").pass(0.1).await;
    assert!(!stage.runs()[0].is_open(), "it ended at once");
    stage.pass(120.0).await;
    let run = stage.runs()[0];
    assert_eq!(run.wire, wire);
    assert!(run.cancelled && run.summary().cancelled > 0);
    stage.shots("run-cancelled");
}

#[tokio::test(start_paused = true)]
async fn a_held_run_sends_nothing_and_goes_on() {
    let mut stage = Stage::new("calm", "claude-haiku-4-5");
    stage.form((2, 40), "hint-jitter");
    stage.keys("<enter>").pass(2.0).await;
    stage.keys("p").pass(5.0).await;
    let held = stage.runs()[0].wire;
    stage.pass(30.0).await;
    assert_eq!(stage.runs()[0].wire, held);
    stage.keys("p").until_over().await;
    assert_eq!(stage.runs()[0].summary().ok, 40);
}

#[tokio::test(start_paused = true)]
async fn many_workers_scroll_and_the_newest_calls_can_be_opened() {
    let mut stage = Stage::new("calm", "claude-haiku-4-5");
    stage.run((256, 256), "hint-jitter").await;
    stage.keys("K").shots("run-of-256");
    stage.keys("x");
    assert_eq!(stage.app.tab(), Tab::Calls);
    stage.shots("run-of-256-open");
}
