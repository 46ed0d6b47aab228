//! What works behind the screen, on real loopback: hubs on a config text, and what they tell.

mod batches;
mod profiles;
pub mod taps;

use ratetop::{
    app::event::Event,
    cli::{args::Global, config::Config, environment::Environment},
    clock::Clock,
    run::{hub::Hub, session::Ground},
    sim::{engine::Engine, scenario::Scenario, server},
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{net::TcpListener, sync::mpsc};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A hub on a config text, and what it tells.
struct Rig {
    hub: Hub,
    events: mpsc::Receiver<Event>,
    _dir: tempfile::TempDir,
}

impl Rig {
    /// A hub that has not been started.
    fn still(text: &str, variables: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        let env: Environment = variables.iter().copied().collect();
        let global = Global {
            config: Some(path),
            ..Global::default()
        };
        let config = Config::load(&global, &env).unwrap();
        let front = Arc::clone(&config.chosen.as_ref().unwrap().value);
        let ground = Ground {
            env: Arc::new(env),
            clock: Clock::start(),
            state: Some(dir.path().to_owned()),
            read_only: false,
        };
        let (sender, events) = mpsc::channel(256);
        let dice = fastrand::Rng::with_seed(1);
        Self {
            hub: Hub::new(
                config.profiles.into_iter().map(Arc::new).collect(),
                front,
                ground,
                sender,
                dice,
            ),
            events,
            _dir: dir,
        }
    }

    /// What the next event is that `wanted` makes something of.
    async fn next<T>(&mut self, mut wanted: impl FnMut(Event) -> Option<T>) -> T {
        let waiting = async {
            loop {
                if let Some(found) = wanted(self.events.recv().await.unwrap()) {
                    return found;
                }
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.unwrap()
    }
}

/// A simulator behind that listener, for as long as the guard is held.
fn serve(listener: TcpListener, scenario: &str) -> DropGuard {
    serve_world(listener, Scenario::named(scenario).unwrap())
}

/// The same with a world of the test's own.
fn serve_world(listener: TcpListener, world: Scenario) -> DropGuard {
    let (clock, stop) = (Clock::start(), CancellationToken::new());
    let engine = Engine::new(world, 7, clock.now());
    let engine = Arc::new(Mutex::new(engine));
    tokio::spawn(server::serve(listener, engine, clock, stop.clone()));
    stop.drop_guard()
}
