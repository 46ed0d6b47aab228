//! The simulator in this process: alone as `ratetop sim`, or behind the demo.

use super::{
    hub::Shared,
    listening::{self, Beside},
    programs,
    signals::Signals,
};
use crate::{
    cli::{args, args::World, error::ConfigError, profile::Profile},
    clock::Clock,
    domain::clean::clean,
    sim::{engine::Engine, scenario::Scenario, server::serve, traffic::Traffic},
};
use anyhow::Context;
use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What the demo plays unless told otherwise.
pub const DEMO: &str = "busy-afternoon";
/// What `sim` plays unless told otherwise.
const ALONE: &str = "calm";

/// The key that the simulator takes for an API key.
pub const API_KEY: &str = "sk-ant-api03-ratetop-sim";
/// The key that it takes for an Admin key.
pub const ADMIN_KEY: &str = "sk-ant-admin01-ratetop-sim";

/// The scenario of that name, else in that file.
pub fn scenario(world: &World, default: &str) -> Result<Scenario, ConfigError> {
    let wanted = world.scenario.as_deref().unwrap_or(default);
    let is_file = wanted.contains(['/', '\\', '.']) || Path::new(wanted).exists();
    if Scenario::names().any(|name| name == wanted) || !is_file {
        return Scenario::named(wanted).map_err(|error| ConfigError::new(error.to_string()));
    }
    let shown = clean(wanted, 200);
    let text = std::fs::read_to_string(wanted).map_err(|error| {
        ConfigError::new(format!("the scenario {shown} cannot be read: {error}"))
    })?;
    Scenario::parse(&text, &shown).map_err(|error| ConfigError::new(error.to_string()))
}

/// `ratetop sim`: one line on stdout once it accepts connections, then serves until a signal.
pub async fn simulate(options: &args::Sim) -> anyhow::Result<()> {
    let world = scenario(&options.world, ALONE)?;
    // Before the line is printed: whoever reads it may end us at once.
    let mut signals = Signals::for_server()?;
    let listener = TcpListener::bind(options.listen).await.with_context(|| {
        format!(
            "cannot listen on {}: name another address with --listen",
            options.listen
        )
    })?;
    let clock = Clock::start();
    let about = format!("scenario {}: {}", world.name, world.about);
    let engine = Engine::new(world, options.world.seed.unwrap_or(1), clock.now());
    listening::say(listener.local_addr()?, Beside::default(), options.json)?;
    eprintln!("{about}\nkeys: {API_KEY} and {ADMIN_KEY}; any other is refused");
    let stop = CancellationToken::new();
    let serving = serve(listener, Arc::new(Mutex::new(engine)), clock, stop.clone());
    tokio::pin!(serving);
    tokio::select! {
        () = &mut serving => {}
        _ = signals.next() => {
            stop.cancel();
            serving.await;
        }
    }
    Ok(())
}

/// The address that the demo's simulator will have. Bound before the screen is drawn, served after.
pub fn reserve() -> anyhow::Result<(std::net::TcpListener, SocketAddr)> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")
        .context("cannot listen on a loopback port for the demo's simulator")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Serves the demo's world and makes the calls of its clients of "me", through the tap.
pub fn play(
    shared: &Arc<Shared>,
    listener: std::net::TcpListener,
    world: Scenario,
    seed: u64,
    profile: &Profile,
) {
    let clock = shared.ground().clock.clone();
    let start = clock.now();
    let traffic = Traffic::new(&world, seed, start);
    let engine = Arc::new(Mutex::new(Engine::new(world, seed, start)));
    let stop = shared.stop().clone();
    let serving = Arc::clone(shared);
    shared.spawn("the simulator", async move {
        match TcpListener::from_std(listener) {
            Ok(listener) => serve(listener, engine, clock, stop).await,
            Err(error) => {
                let sentence = format!("The simulator cannot serve: {error}.");
                serving
                    .tell(crate::app::event::Event::Fault(sentence))
                    .await;
            }
        }
    });
    let calling = Arc::clone(shared);
    let name = Arc::clone(&profile.name);
    shared.spawn("the demo's traffic", async move {
        programs::call(&calling, traffic, &name).await;
    });
}
