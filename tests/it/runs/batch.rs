//! The same work as a message batch.

use super::stage::Stage;
use crate::screens;
use ratetop::{
    app::calls::form::Field,
    domain::batch::{Stage as Step, Work},
};

/// A queue of five.
const FIVE: &str = "about = \"a queue of five\"\ntier = \"build\"\n\
                    [[pools]]\nname = \"batch\"\nlimits = { enqueued_batch_requests = 5 }";

fn batches(stage: &Stage) -> Vec<Work> {
    let shown = stage.app.shown(stage.now()).unwrap();
    shown.profile.runs.batches().cloned().collect()
}

fn newest(stage: &Stage) -> Work {
    batches(stage).pop().unwrap()
}

/// Submitted, watched, its results read: from its own pools, at half price.
#[tokio::test(start_paused = true)]
async fn a_batch_is_watched_to_its_end_at_half_price() {
    let mut stage = Stage::new("calm", "claude-haiku-4-5");
    stage.form((1, 24), "hint-jitter").to(Field::Batch);
    stage.keys("l <enter>").pass(2.5).await;
    let work = newest(&stage);
    assert_eq!(work.standing.batch.unwrap().stage, Step::InProgress);
    stage.shots("batch-in-progress");
    stage.pass(3_600.0).await;
    let work = newest(&stage);
    let tally = work.standing.results.clone().unwrap();
    assert!(
        !work.is_open() && tally.succeeded + tally.failed() == 24,
        "{tally:?}"
    );
    assert_eq!(work.standing.queued(), Some(0));
    // Each look was a request of the batch group, none of the model's.
    assert!(work.standing.made >= 4 && stage.runs().is_empty());
    stage.shots("batch-over");
}

/// Nobody told the limits: that is said, and no more.
#[tokio::test(start_paused = true)]
async fn limits_of_batches_that_nobody_told_are_said_to_be_unknown() {
    let mut stage = Stage::new("calm", "claude-haiku-4-5");
    stage.limits = false;
    stage.form((1, 24), "hint-jitter").to(Field::Batch);
    stage.keys("l <enter>").pass(2.5).await;
    let shot = stage.text();
    assert_eq!(shot.matches("limit not known").count(), 2, "{shot}");
    assert!(!shot.contains("known a minute"), "{shot}");
}

/// Esc cancels it; what was under way still ends, and what was cancelled is told.
#[tokio::test(start_paused = true)]
async fn escape_cancels_a_batch_and_it_is_watched_to_its_end() {
    let mut stage = Stage::new("calm", "claude-haiku-4-5");
    stage.form((1, 24), "hint-jitter").to(Field::Batch);
    stage.keys("l <enter>").pass(2.5).await;
    stage.keys("<esc>").pass(0.5).await;
    assert_eq!(
        newest(&stage).standing.batch.unwrap().stage,
        Step::Canceling
    );
    stage.pass(120.0).await;
    let work = newest(&stage);
    let tally = work.standing.results.clone().unwrap();
    assert!(!work.is_open() && tally.canceled > 0, "{tally:?}");
    assert_eq!(tally.canceled + tally.succeeded + tally.failed(), 24);
    stage.shots("batch-cancelled");
}

/// More than the queue holds is refused with its verdict, which is an event like any other.
#[tokio::test(start_paused = true)]
async fn a_batch_beyond_the_queue_is_refused_with_its_verdict() {
    let mut stage = Stage::new(FIVE, "claude-haiku-4-5");
    stage.form((1, 6), "none").to(Field::Batch);
    stage.keys("l <enter>").pass(2.0).await;
    let work = newest(&stage);
    assert!(!work.is_open() && work.standing.batch.is_none());
    assert_eq!((work.standing.made, work.standing.limited), (1, 1));
    stage.shots("batch-refused");
    stage.keys("7");
    let look = screens::look("dark", false);
    let shot = screens::cells(&stage.app, stage.now(), screens::WIDE, &look);
    let text = screens::text(&shot);
    assert!(text.contains("▲ refusal  429"), "{text}");
}
