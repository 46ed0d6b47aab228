//! Runs whose requests are held back: by a pace, or by a person.

use super::rig::{Done, Room, closed, open, run_against, run_with};
use crate::{
    api::call::{OpenPurse, Share},
    clock::Clock,
    domain::{
        headers::Level,
        id::ModelId,
        limit::{Dimension, Family},
        load::pace::{Aimd, Buckets, Limits, Pace},
        observation::What,
    },
};
use std::{sync::Arc, time::Duration};

/// By what the server says is left.
fn live() -> Pace {
    Pace::Buckets(Box::new(Buckets::new(Limits::default())))
}

fn refusals(done: &mut Done) -> usize {
    let mut refusals = 0;
    while let Ok(what) = done.seen.try_recv() {
        refusals += usize::from(matches!(what, What::Head { status: 429, .. }));
    }
    refusals
}

/// 40 requests a minute, asked for 100 by 16 workers. The same run is refused often without a pace,
/// never by one that follows the server's numbers. Where the server has room for 5 at the same time, the
/// one that feels its way is refused seldom.
#[tokio::test(start_paused = true)]
async fn a_paced_run_is_not_refused() {
    let run_in = async |room: Room, pace: Option<Pace>| {
        let share = Arc::new(Share::default().paced(pace));
        let purse = Arc::new(OpenPurse);
        let run = run_against(
            closed(16, 100),
            room,
            0.3,
            0,
            None,
            purse,
            Arc::clone(&share),
        );
        let mut done = run.await;
        (refusals(&mut done), done.elapsed_s, share.waited())
    };
    let run = |pace| run_in(Room::PerMinute(40.0), pace);
    let (without, ..) = run(None).await;
    assert!(without > 20, "{without}");

    let (refused, elapsed_s, waited) = run(Some(live())).await;
    assert_eq!(refused, 0, "{waited:?}");
    // 40 are there, 60 come back at 40 a minute: 90 s, and not much more.
    assert!((89.0..100.0).contains(&elapsed_s), "{elapsed_s}");
    let requests: u64 = waited.values().map(|it| it.requests).sum();
    assert!((60..=100).contains(&requests), "{waited:?}");

    let by_hand = Limits {
        requests: Some(20),
        input: Some(1_000_000),
        output: Some(1_000_000),
    };
    let (refused, elapsed_s, _) = run(Some(Pace::Buckets(Box::new(Buckets::new(by_hand))))).await;
    assert_eq!(refused, 0);
    assert!((239.0..245.0).contains(&elapsed_s), "{elapsed_s}");

    let (without, ..) = run_in(Room::AtOnce(5), None).await;
    let (felt, ..) = run_in(Room::AtOnce(5), Some(Pace::Aimd(Aimd::new(16)))).await;
    assert!(felt < without / 2, "{felt} of {without}");
}

#[tokio::test(start_paused = true)]
async fn a_paused_run_sends_nothing_and_then_goes_on_where_it_was() {
    for plan in [open(10.0, 256, 20.0), closed(2, 40)] {
        let share = Arc::new(Share::default());
        let pause = async {
            let clock = Clock::anchored("2026-11-24T12:00:00Z".parse().unwrap());
            tokio::time::sleep(Duration::from_millis(5_050)).await;
            share.pause(clock.instant());
            tokio::time::sleep(Duration::from_secs(30)).await;
            share.resume(clock.instant());
        };
        let run = run_with(plan, 0.9, 0, None, Arc::new(OpenPurse), Arc::clone(&share));
        let (done, ()) = tokio::join!(run, pause);
        let starts = done.starts();
        assert!(
            !starts.iter().any(|at| (5.06..35.04).contains(at)),
            "{starts:?}"
        );
        let all = if plan.rate.is_some() { 200 } else { 40 };
        assert_eq!((starts.len(), done.end.missed), (all, 0));
        assert!(done.elapsed_s < 52.0, "{}", done.elapsed_s);
    }
}

/// Two models of one pool, which has room for 40 requests a minute, share one pace; a model whose pool is
/// not known has its own.
#[tokio::test(start_paused = true)]
async fn models_of_one_pool_are_held_back_together() {
    let run = async |pools: &[&str]| {
        let spread = "claude-opus-5-5,claude-opus-5".parse().unwrap();
        let pools = pools
            .iter()
            .map(|model| (ModelId::from(*model), "opus".into()));
        let share = Share::default().paced(Some(live())).spread(Some(&spread));
        let share = Arc::new(share.pools(pools));
        let purse = Arc::new(OpenPurse);
        let room = Room::PerMinute(40.0);
        let run = run_against(closed(16, 100), room, 0.3, 0, None, purse, share);
        refusals(&mut run.await)
    };
    assert_eq!(run(&["claude-opus-5-5", "claude-opus-5"]).await, 0);
    let apart = run(&[]).await;
    assert!(apart > 0, "two paces of which each takes all that is left");
}

/// What another program's answer said is left holds a spread run back from its first request on.
#[tokio::test(start_paused = true)]
async fn a_spread_run_follows_what_was_overheard_of_its_pools() {
    let clock = Clock::anchored("2026-11-24T12:00:00Z".parse().unwrap());
    let spread = "claude-opus-5-5,claude-haiku-4-5".parse().unwrap();
    let share = Share::default().paced(Some(live())).spread(Some(&spread));
    let share = Arc::new(share);
    let level = Level {
        limiter: "requests_per_minute".into(),
        dimension: Dimension::Rpm,
        family: Family::Standard,
        limit: 60,
        remaining: 0,
        full_in_s: None,
    };
    share.overheard(clock.now(), &"claude-haiku-4-5".into(), &[level]);
    let purse = Arc::new(OpenPurse);
    let plan = closed(2, 2);
    let run = run_against(plan, Room::Any, 0.3, 0, None, purse, share);
    let starts = run.await.starts();
    assert!(starts[0] < 0.01 && starts[1] > 0.9, "{starts:?}");
}
