//! The terminal program: paint first, then the runtime, then everything else.

use super::{
    drive::{self, Desk},
    hub::Hub,
    session::{Ground, ledger},
    wait::Sources,
    world,
};
use crate::{
    app::{
        App,
        event::{Event, ProfileCard, Started},
    },
    assets,
    cli::{
        args::{Global, World},
        config::{Config, Look},
        environment::Environment,
        profile::Profile,
    },
    clock::{Clock, local_offset_s},
    ui::{terminal::Screen, theme},
};
use anyhow::Context;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Events on their way to the loop. A full channel makes calls wait, never the keyboard.
const EVENTS: usize = 1_024;

/// What a run of the terminal program is about.
struct Plan {
    profiles: Vec<Profile>,
    front: Option<Arc<str>>,
    ground: Ground,
    look: Look,
    demo: Option<Demo>,
}

/// The demo's world.
struct Demo {
    listener: std::net::TcpListener,
    scenario: crate::sim::scenario::Scenario,
    seed: u64,
}

/// `ratetop`: the profile that is meant, or a screen that says what to do.
pub fn live(global: &Global, env: Environment) -> anyhow::Result<()> {
    let config = Config::load(global, &env)?;
    let ground = Ground::of_platform(env, Clock::start(), global.read_only)?;
    run(Plan {
        front: config
            .chosen
            .as_ref()
            .map(|chosen| Arc::clone(&chosen.value)),
        profiles: config.profiles,
        ground,
        look: config.look,
        demo: None,
    })
}

/// `ratetop demo`: the same on the built-in simulator.
pub fn demo(world: &World, global: &Global, env: Environment) -> anyhow::Result<()> {
    let scenario = world::scenario(world, world::DEMO)?;
    let (listener, address) = world::reserve()?;
    let profile = Profile::simulated("demo", address, world::API_KEY, world::ADMIN_KEY);
    let ground = Ground {
        env: Arc::new(env),
        clock: Clock::start(),
        state: None,
        read_only: global.read_only,
    };
    run(Plan {
        front: Some(Arc::clone(&profile.name)),
        profiles: vec![profile],
        ground,
        look: Look::of_flags(global),
        demo: Some(Demo {
            listener,
            scenario,
            seed: world.seed.unwrap_or(1),
        }),
    })
}

fn run(plan: Plan) -> anyhow::Result<()> {
    let env = Arc::clone(&plan.ground.env);
    let theme = plan.look.theme.as_ref().map(|theme| theme.value.as_str());
    let look = theme::Look::choose(theme, plan.look.ascii.value, |name| {
        env.get(name).map(str::to_owned)
    })
    .map_err(anyhow::Error::msg)?;
    let clock = plan.ground.clock.clone();
    let mouse = plan.look.mouse.value;
    let mut app = App::new(Started {
        at: clock.now(),
        local_offset_s: local_offset_s(),
        mouse,
        read_only: plan.ground.read_only,
        size: Screen::size(),
        prices: assets::prices(),
        tiers: assets::tiers(),
    });
    if let Some(card) = first_card(&plan) {
        app.update(Event::Profile(Box::new(card)), clock.now());
    }
    let mut screen = Screen::open(mouse).context("the terminal cannot be used")?;
    app.take_dirty();
    screen.draw(&app, &look, clock.now())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("the runtime cannot start")?;
    let inside = runtime.enter();
    let (sender, mut events) = mpsc::channel(EVENTS);
    #[expect(
        clippy::disallowed_methods,
        reason = "the one seed; everything below forks it"
    )]
    let dice = fastrand::Rng::new();
    let front = plan.front.clone().unwrap_or_else(|| "".into());
    let mut hub = Hub::new(
        plan.profiles.clone(),
        Arc::clone(&front),
        plan.ground.clone(),
        sender,
        dice,
    );
    if let (Some(demo), Some(profile)) = (plan.demo, plan.profiles.first()) {
        world::play(
            hub.shared(),
            demo.listener,
            demo.scenario,
            demo.seed,
            profile,
        );
    }
    if plan.front.is_some() {
        hub.start();
    }
    let mut desk = Desk {
        screen: &mut screen,
        look: &look,
        hub: &mut hub,
    };
    let ended = Sources::open().and_then(|mut sources| {
        drive::drive(&mut app, &mut sources, &mut events, &mut desk, &clock)
    });
    drop(events);
    // The terminal is given back first: what still runs may take a moment to end.
    drop(screen);
    runtime.block_on(hub.shut_down());
    drop(inside);
    runtime.shutdown_background();
    Ok(ended?)
}

/// The card of the profile in front as it is before anything is opened.
fn first_card(plan: &Plan) -> Option<ProfileCard> {
    let name = plan.front.as_ref()?;
    let profile = plan.profiles.iter().find(|profile| profile.name == *name)?;
    let siblings: Vec<_> = plan.profiles.iter().map(|p| Arc::clone(&p.name)).collect();
    let spend = ledger(profile, &plan.ground, plan.demo.is_some())
        .spend(plan.ground.clock.now())
        .unwrap_or_default();
    Some(profile.card(&siblings, spend))
}
