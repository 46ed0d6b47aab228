//! What the demo has to show within its first minute: loops around an SDK that has retried already.

use crate::{agreement::Stage, pty::Terminal};
use ratetop::{
    api::call::{Around, Told},
    domain::{id::ClientId, observation::CallResult, time::seconds_between},
    sim::scenario::Scenario,
};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Until when the first call of `client` has failed with all the attempts of its SDK, seconds; none within
/// a minute.
async fn first_given_up(client: &ClientId, seed: u64) -> Option<f64> {
    let (ear, mut heard) = mpsc::channel::<Told>(64);
    let Stage {
        clock,
        mut traffic,
        driver,
        ..
    } = Stage::of(
        Scenario::named("busy-afternoon").unwrap(),
        seed,
        Arc::new(ear),
    );
    tokio::spawn(async move { while heard.recv().await.is_some() {} });
    let start = clock.now();
    let mut dice = fastrand::Rng::with_seed(seed);
    let (tell, mut given_up) = mpsc::channel(64);
    while let Some(due) = traffic.next_due() {
        if seconds_between(start, due) > 60.0 {
            break;
        }
        tokio::time::sleep_until(clock.instant_of(due)).await;
        if let Ok(at_s) = given_up.try_recv() {
            return Some(at_s);
        }
        for order in traffic.take(clock.now()) {
            let (driver, mut dice, clock) = (driver.clone(), dice.fork(), clock.clone());
            let tell = (order.client == *client).then(|| tell.clone());
            tokio::spawn(async move {
                let cancel = CancellationToken::new();
                let around = Around::default();
                let end = driver.run(&order, &around, &mut dice, &cancel).await;
                if let (CallResult::Failed, Some(tell)) = (end.result, tell) {
                    tell.send(seconds_between(start, clock.now()))
                        .await
                        .unwrap();
                }
            });
        }
    }
    given_up.try_recv().ok()
}

#[tokio::test(start_paused = true)]
async fn retries_on_top_of_an_sdk_s_own_happen_within_a_minute() {
    let world = Scenario::named("busy-afternoon").unwrap();
    let looping = world
        .me
        .iter()
        .find(|client| client.anew > 0 && client.name == "tagger");
    let looping = looping.expect("a loop around an SDK");
    assert_eq!(looping.policy().name(), "sdk");
    let client = ClientId::from(looping.name.as_str());
    for seed in 1..=8 {
        // A second later the loop begins anew.
        let first = first_given_up(&client, seed).await;
        assert!(
            first.is_some_and(|at_s| at_s < 58.0),
            "seed {seed}: {first:?}"
        );
    }
}

#[cfg(unix)]
#[test]
fn they_are_flagged_on_the_screen() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("always.toml");
    let world = r#"
        about = "Always overloaded, and a loop around an SDK."
        [[me]]
        name = "tagger"
        model = "claude-haiku-4-5"
        per_minute = 120
        input = [10, 20]
        output = [10, 20]
        stream = 0.0
        policy = "sdk"
        anew = 2
        [[faults]]
        kind = "overloaded"
        share = 1.0
    "#;
    std::fs::write(&file, world).unwrap();
    let scenario = file.display().to_string();
    let args = ["demo", "--scenario", &scenario];
    let mut terminal = Terminal::start(env!("CARGO_BIN_EXE_ratetop"), &args, &[], 120, 36);
    terminal.until_shows("Headroom");
    terminal.press("3");
    terminal.until_shows("STACKED on an SDK's own");
    terminal.press("q");
    assert_eq!(terminal.end().1, 0);
}
