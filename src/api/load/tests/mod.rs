//! Whole runs in virtual time.

mod ends;
mod paced;
mod rig;

use super::*;
use crate::{
    api::call::{OpenPurse, Share},
    domain::{load::plan::Ramp, observation::What, retry::Budget},
};
use proptest::prelude::*;
use rig::{closed, open, run, run_with};

#[tokio::test(start_paused = true)]
async fn a_closed_loop_keeps_its_workers_busy_and_makes_as_many_calls_as_asked() {
    let done = run(closed(4, 10), 1.0, 0, None).await;
    assert_eq!(
        (done.end.begun, done.starts().len(), done.most()),
        (10, 10, 4)
    );
    // Ten calls of a second by four: three rounds.
    assert!((done.elapsed_s - 3.0).abs() < 0.1, "{}", done.elapsed_s);
}

#[tokio::test(start_paused = true)]
async fn an_open_loop_starts_on_time_whatever_becomes_of_the_calls() {
    let done = run(open(10.0, 256, 60.0), 5.0, 0, None).await;
    let starts = done.starts();
    assert_eq!((starts.len(), done.end.missed), (600, 0));
    for (k, start) in starts.iter().enumerate() {
        assert!(
            (start - k as f64 / 10.0).abs() < 0.002,
            "start {k} at {start}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn starts_without_a_free_worker_are_missed_and_counted() {
    // Two workers, each busy for a second, can take 2 of 10 starts a second.
    let done = run(open(10.0, 2, 10.0), 0.999, 0, None).await;
    assert_eq!(done.most(), 2);
    assert_eq!(done.end.begun + done.end.missed, 100);
    assert_eq!(done.end.begun, 20);
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_slept_fires_no_herd_of_overdue_calls() {
    let sleep = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        tokio::time::advance(Duration::from_secs(30)).await;
    };
    let (done, ()) = tokio::join!(run(open(10.0, 256, 60.0), 0.01, 0, None), sleep);
    assert!(
        (280..=300).contains(&done.end.missed),
        "{}",
        done.end.missed
    );
    assert_eq!(done.end.begun + done.end.missed, 600);
    let starts = done.starts();
    let herd = starts
        .iter()
        .filter(|start| (31.9..32.1).contains(*start))
        .count();
    // What is less than a second overdue still leaves: ten, and the two that are due.
    assert!(herd <= 13, "{herd}");
}

/// Four workers whose every third request is refused with a hint of 17 s: a day of that.
#[tokio::test(start_paused = true)]
async fn a_day_of_waits_takes_no_time() {
    let plan = Plan {
        duration_s: Some(86_400.0),
        calls: None,
        ..closed(4, 1)
    };
    let mut done = run(plan, 10.0, 3, None).await;
    assert!((86_400.0..86_500.0).contains(&done.elapsed_s));
    let mut waits = Vec::new();
    while let Ok(what) = done.seen.try_recv() {
        if let What::Decided { decision, .. } = what {
            waits.push(decision.wait_s);
        }
    }
    assert!(waits.len() > 5_000, "{}", waits.len());
    assert!(waits.iter().all(|wait| (17.0..=21.25).contains(wait)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Where everything is refused, all workers together retry no more than the budget allows, and
    /// those that may not say why.
    #[test]
    fn retries_stay_within_the_budget_of_all_workers(
        workers in 1_u32..20,
        calls in 1_u32..80,
        share in 0.0_f64..0.5,
        reserve in 0_u32..10,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        let budget = Arc::new(Share::new(Some(Budget::new(share, f64::from(reserve)))));
        let purse = Arc::new(OpenPurse);
        let run = run_with(closed(workers, calls), 0.1, 1, None, purse, Arc::clone(&budget));
        let mut done = runtime.block_on(run);
        let retries = done.starts().len() as f64 - f64::from(calls);
        prop_assert!(retries <= f64::from(reserve) + share * f64::from(calls) + 1e-9);
        let mut denied = 0;
        while let Ok(what) = done.seen.try_recv() {
            if let What::Decided { decision, .. } = what {
                denied += u64::from(decision.reason.contains("retry budget"));
            }
        }
        prop_assert_eq!(denied, budget.denied());
    }

    /// Two programs that were seeded alike, by chance or from one image, throw other dice for each client
    /// and each worker: their retries do not come together.
    #[test]
    fn clients_that_were_seeded_alike_do_not_wait_alike(seed in any::<u64>(), one in "[a-z]{1,8}", other in "[a-z]{1,8}") {
        prop_assume!(one != other);
        let dice = |client: &str| own_dice(&mut fastrand::Rng::with_seed(seed), &client.into());
        let (mut one, mut other, mut same) = (dice(&one), dice(&other), dice(&one));
        let mut worker = one.fork();
        let _ = same.fork();
        for _ in 0..4 {
            let die = one.f64();
            prop_assert!((die - other.f64()).abs() > 1e-12);
            prop_assert!((die - worker.f64()).abs() > 1e-12);
            prop_assert!((die - same.f64()).abs() < 1e-12, "but the same run is the same again");
        }
    }

    /// A cancelled run sends nothing more, ends at once, and counts what it began.
    #[test]
    fn after_a_cancel_nothing_is_sent(
        at in 0.0_f64..20.0,
        workers in 1_u32..20,
        rate in proptest::option::of(0.5_f64..50.0),
        takes_s in 0.01_f64..5.0,
        refuses_every in 0_usize..4,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        let plan = Plan { workers, rate, calls: None, duration_s: Some(1_000.0), ramp: Ramp::Linear(5.0) };
        let done = runtime.block_on(run(plan, takes_s, refuses_every, Some(at)));
        prop_assert!(done.starts().iter().all(|start| *start <= at + 0.002));
        prop_assert!(done.elapsed_s <= at + 0.01, "{} after {}", done.elapsed_s, at);
        prop_assert_eq!(done.slow.state.lock().unwrap().flying, 0);
        prop_assert!(done.most() <= workers as usize);
    }
}
