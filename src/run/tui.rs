//! The terminal program: paint first, then the runtime, then everything else.

use super::{
    attach::Watching,
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
        error::ConfigError,
        profile::Profile,
        section::Sourced,
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
    profiles: Vec<Arc<Profile>>,
    front: Option<Arc<str>>,
    ground: Ground,
    look: Look,
    demo: Option<Demo>,
    attached: Option<Watching>,
}

/// The demo's world.
struct Demo {
    listener: std::net::TcpListener,
    scenario: crate::sim::scenario::Scenario,
    seed: u64,
}

/// `ratetop`: the profile that is meant, or a screen that says what to do.
pub fn live(global: &Global, env: Environment) -> anyhow::Result<()> {
    if let Some(url) = &global.attach {
        return attach(url, global, env);
    }
    let config = Config::load(global, &env)?;
    let ground = Ground::of_platform(env, Clock::start(), global.read_only)?;
    run(Plan {
        front: config
            .chosen
            .as_ref()
            .map(|chosen| Arc::clone(&chosen.value)),
        profiles: config.profiles.into_iter().map(Arc::new).collect(),
        ground,
        look: config.look,
        demo: None,
        attached: None,
    })
}

/// `ratetop --attach URL`: what a tap elsewhere tells, and nothing else.
fn attach(url: &str, global: &Global, env: Environment) -> anyhow::Result<()> {
    let attached = Watching::of(url).map_err(|why| {
        ConfigError::new(format!(
            "--attach: {why}, or what `ratetop tap` says after `attach with`"
        ))
    })?;
    let look = Config::load(global, &env)?.look;
    run(Plan {
        front: Some(Arc::clone(&attached.name)),
        profiles: Vec::new(),
        ground: Ground {
            env: Arc::new(env),
            clock: Clock::start(),
            state: None,
            read_only: true,
        },
        look,
        demo: None,
        attached: Some(attached),
    })
}

/// `ratetop demo`: the same on the built-in simulator.
pub fn demo(world: &World, global: &Global, env: Environment) -> anyhow::Result<()> {
    let scenario = world::scenario(world, world::DEMO)?;
    let (listener, address) = world::reserve()?;
    let mut profile = Profile::simulated("demo", address, world::API_KEY, world::ADMIN_KEY);
    profile.meet = scenario.meet.as_deref().map(Arc::from);
    if let Some(model) = scenario.point() {
        profile.call.model = Sourced::default(model.to_owned());
    }
    let ground = Ground {
        env: Arc::new(env),
        clock: Clock::start(),
        state: None,
        read_only: global.read_only,
    };
    run(Plan {
        front: Some(Arc::clone(&profile.name)),
        profiles: vec![Arc::new(profile)],
        ground,
        look: Look::of_flags(global),
        demo: Some(Demo {
            listener,
            scenario,
            seed: world.seed.unwrap_or(1),
        }),
        attached: None,
    })
}

fn run(plan: Plan) -> anyhow::Result<()> {
    if !Screen::is_there() {
        let sentence = "the screen needs a terminal, and standard output is none: `ratetop status` prints the \
                        board once, `ratetop status --json` for scripts";
        return Err(ConfigError::new(sentence).into());
    }
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
    if let Some(attached) = plan.attached {
        let reading = attached.read(Arc::clone(hub.shared()));
        hub.shared().spawn("reading a tap's feed", reading);
    } else if plan.front.is_some() {
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
    if let Some(attached) = &plan.attached {
        return Some(attached.card());
    }
    let name = plan.front.as_ref()?;
    let profile = plan.profiles.iter().find(|profile| profile.name == *name)?;
    let siblings: Vec<_> = plan.profiles.iter().map(|p| Arc::clone(&p.name)).collect();
    let spend = ledger(profile, &plan.ground, plan.demo.is_some())
        .spend(plan.ground.clock.now())
        .unwrap_or_default();
    Some(profile.card(&siblings, spend))
}
