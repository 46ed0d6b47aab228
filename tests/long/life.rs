//! A world that lives in virtual time: the engine, its clients of "me" through the real client code,
//! and what they tell. No sockets: a paused clock runs ahead of those.

use crate::{simulated, size::sized};
use ratetop::{
    api::call::{Around, Driver, OpenPurse, Told},
    clock::Clock,
    domain::{call::CallOrder, time::Time},
    sim::{direct::Direct, engine::Engine, play::World, scenario::Scenario, traffic::Traffic},
};
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Told between two looks at most; more would wait, as it does before a real screen.
const ROOM: usize = 200_000;

/// The moment at which every world begins.
pub(crate) fn dawn() -> Time {
    "2026-11-24T00:00:00Z".parse().unwrap()
}

/// A seed of its own for each turn of a sweep, the same in every run.
pub(crate) fn seeds(full: u32) -> impl Iterator<Item = u64> {
    (0..sized(full, 1)).map(|n| 1 + u64::from(n) * 7_919)
}

/// A world and its clients.
pub(crate) struct Life {
    pub(crate) scenario: Scenario,
    engine: Arc<Mutex<Engine>>,
    driver: Driver,
    told: mpsc::Receiver<Told>,
    calls: TaskTracker,
    stop: CancellationToken,
    seed: u64,
}

impl Life {
    /// Begins now, on a paused clock.
    pub(crate) fn begin(scenario: Scenario, seed: u64, clock: &Clock) -> Self {
        let start = clock.now();
        let engine = Arc::new(Mutex::new(Engine::new(scenario.clone(), seed, start)));
        let transport = Direct::new(World::new(Arc::clone(&engine), clock.clone()));
        let (tell, told) = mpsc::channel(ROOM);
        let driver = Driver {
            connection: simulated::connection(transport, "long"),
            clock: clock.clone(),
            purse: Arc::new(OpenPurse),
            ear: Arc::new(tell),
            share: Arc::default(),
        };
        let life = Self {
            engine,
            driver,
            told,
            calls: TaskTracker::new(),
            stop: CancellationToken::new(),
            seed,
            scenario,
        };
        let traffic = Traffic::new(&life.scenario, seed, start);
        let (driver, calls, stop) = (life.driver.clone(), life.calls.clone(), life.stop.clone());
        let clients = async move {
            let mut traffic = traffic;
            let mut dice = fastrand::Rng::with_seed(seed);
            while let Some(due) = traffic.next_due() {
                tokio::time::sleep_until(driver.clock.instant_of(due)).await;
                for order in traffic.take(driver.clock.now()) {
                    make(&driver, &calls, &stop, order, dice.fork());
                }
            }
        };
        let ended = life.stop.clone();
        tokio::spawn(async move {
            ended.run_until_cancelled(clients).await;
        });
        life
    }

    /// Makes a call of a person.
    pub(crate) fn call(&self, order: CallOrder) {
        let dice = fastrand::Rng::with_seed(self.seed ^ order.call.0);
        make(&self.driver, &self.calls, &self.stop, order, dice);
    }

    /// What was told since the last look.
    pub(crate) fn heard(&mut self) -> Vec<Told> {
        std::iter::from_fn(|| self.told.try_recv().ok()).collect()
    }

    /// The engine.
    pub(crate) fn engine(&self) -> MutexGuard<'_, Engine> {
        self.engine.lock().unwrap()
    }

    /// Nobody calls any more, and who waits gives up; the rest of what was told comes back.
    pub(crate) async fn end(&mut self) -> Vec<Told> {
        self.stop.cancel();
        self.calls.close();
        self.calls.wait().await;
        self.heard()
    }
}

fn make(
    driver: &Driver,
    calls: &TaskTracker,
    stop: &CancellationToken,
    order: CallOrder,
    mut dice: fastrand::Rng,
) {
    let (driver, stop) = (driver.clone(), stop.clone());
    calls.spawn(async move {
        driver
            .run(&order, &Around::default(), &mut dice, &stop)
            .await;
    });
}
