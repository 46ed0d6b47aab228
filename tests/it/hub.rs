//! What works behind the screen, on real loopback: profiles that open, wait, and switch.

use futures_util::FutureExt as _;
use ratetop::{
    app::{effect::Effect, event::Event},
    cli::{args::Global, config::Config, environment::Environment},
    clock::Clock,
    domain::{observation::What, org::LimitsState},
    run::{hub::Hub, session::Ground},
    sim::{
        engine::Engine,
        scenario::Scenario,
        server,
        speak::ask::{ADMIN_KEY, API_KEY},
    },
};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{net::TcpListener, net::TcpSocket, sync::mpsc};
use tokio_util::sync::CancellationToken;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// An address that is taken, but where nobody listens yet.
fn quiet() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

fn serve(listener: TcpListener, scenario: &str) -> tokio_util::sync::DropGuard {
    let (clock, stop) = (Clock::start(), CancellationToken::new());
    let engine = Engine::new(Scenario::named(scenario).unwrap(), 7, clock.now());
    let engine = Arc::new(Mutex::new(engine));
    tokio::spawn(server::serve(listener, engine, clock, stop.clone()));
    stop.drop_guard()
}

/// A hub on a config text, its events, and the directory of its files.
fn hub(text: &str) -> (Hub, mpsc::Receiver<Event>, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    std::fs::write(&path, text).unwrap();
    let env: Environment = [("API", API_KEY), ("ADMIN", ADMIN_KEY)]
        .into_iter()
        .collect();
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
    (
        Hub::new(
            config.profiles.into_iter().map(Arc::new).collect(),
            front,
            ground,
            sender,
            dice,
        ),
        events,
        dir,
    )
}

fn profile(name: &str, address: SocketAddr) -> String {
    format!(
        "[profiles.{name}]\nbase_url = \"http://{address}\"\napi_key = {{ env = \"API\" }}\n\
         admin_key = {{ env = \"ADMIN\" }}\n"
    )
}

/// Waits for the next poll's end of that profile.
async fn polled(events: &mut mpsc::Receiver<Event>, name: &str) -> (LimitsState, Option<String>) {
    let waiting = async {
        loop {
            if let Event::Observed { profile, seen } = events.recv().await.unwrap()
                && &*profile == name
                && let What::Limits { state, error, .. } = &seen.what
            {
                return (state.clone(), error.clone());
            }
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap()
}

#[tokio::test]
async fn a_simulator_that_starts_later_is_found() {
    let (socket, address) = quiet();
    let (mut hub, mut events, _dir) = hub(&profile("later", address));
    hub.start();
    let (state, why) = polled(&mut events, "later").await;
    assert_eq!(state, LimitsState::Absent);
    assert!(why.unwrap().contains("Nobody listens"));
    let _served = serve(socket.listen(16).unwrap(), "calm");
    hub.carry_out(Effect::PollLimits);
    assert_eq!(polled(&mut events, "later").await.0, LimitsState::Ok);
    hub.shut_down().await;
}

#[tokio::test]
async fn whoever_waits_for_a_profile_is_woken_when_it_opens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (hub, mut events, _dir) = hub(&profile("one", listener.local_addr().unwrap()));
    let _served = serve(listener, "calm");
    let shared = Arc::clone(hub.shared());
    let name: Arc<str> = "one".into();
    let early = shared.until_open(&name).now_or_never();
    assert!(early.is_none(), "nothing is open yet");
    let (waited, wanted) = (Arc::clone(&shared), Arc::clone(&name));
    let waiting = tokio::spawn(async move { waited.until_open(&wanted).await });
    tokio::task::yield_now().await;
    hub.start();
    polled(&mut events, "one").await;
    tokio::time::timeout(PATIENCE, waiting)
        .await
        .unwrap()
        .unwrap();
    let late = shared.until_open(&name).now_or_never();
    assert!(late.is_some(), "nobody waits for what is open");
    hub.shut_down().await;
}

#[tokio::test]
async fn both_profiles_go_on_after_a_switch() {
    let one = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let two = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let text = format!(
        "default_profile = \"one\"\n{}{}",
        profile("one", one.local_addr().unwrap()),
        profile("two", two.local_addr().unwrap())
    );
    let _served = (serve(one, "calm"), serve(two, "tiny"));
    let (mut hub, mut events, _dir) = hub(&text);
    hub.start();
    assert_eq!(polled(&mut events, "one").await.0, LimitsState::Ok);
    hub.carry_out(Effect::SwitchProfile("two".into()));
    assert_eq!(polled(&mut events, "two").await.0, LimitsState::Ok);
    hub.carry_out(Effect::SwitchProfile("one".into()));
    hub.carry_out(Effect::PollLimits);
    assert_eq!(polled(&mut events, "one").await.0, LimitsState::Ok);
    hub.shut_down().await;
}
