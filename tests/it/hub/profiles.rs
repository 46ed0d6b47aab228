//! Profiles that open, wait, and switch.

use super::{PATIENCE, Rig, serve};
use futures_util::FutureExt as _;
use ratetop::{
    app::{effect::Effect, event::Event},
    domain::{observation::What, org::LimitsState},
    sim::speak::ask::{ADMIN_KEY, API_KEY},
};
use std::{net::SocketAddr, sync::Arc};
use tokio::net::{TcpListener, TcpSocket};

/// An address that is taken, but where nobody listens yet.
fn quiet() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

fn hub(text: &str) -> Rig {
    Rig::still(text, &[("API", API_KEY), ("ADMIN", ADMIN_KEY)])
}

fn profile(name: &str, address: SocketAddr) -> String {
    format!(
        "[profiles.{name}]\nbase_url = \"http://{address}\"\napi_key = {{ env = \"API\" }}\n\
         admin_key = {{ env = \"ADMIN\" }}\n"
    )
}

/// Waits for the next poll's end of that profile.
async fn polled(rig: &mut Rig, name: &str) -> (LimitsState, Option<String>) {
    rig.next(|event| match event {
        Event::Observed { profile, seen } if &*profile == name => match &seen.what {
            What::Limits { state, error, .. } => Some((state.clone(), error.clone())),
            _ => None,
        },
        _ => None,
    })
    .await
}

#[tokio::test]
async fn a_simulator_that_starts_later_is_found() {
    let (socket, address) = quiet();
    let mut rig = hub(&profile("later", address));
    rig.hub.start();
    let (state, why) = polled(&mut rig, "later").await;
    assert_eq!(state, LimitsState::Absent);
    assert!(why.unwrap().contains("Nobody listens"));
    let _served = serve(socket.listen(16).unwrap(), "calm");
    rig.hub.carry_out(Effect::PollLimits);
    assert_eq!(polled(&mut rig, "later").await.0, LimitsState::Ok);
    rig.hub.shut_down().await;
}

#[tokio::test]
async fn whoever_waits_for_a_profile_is_woken_when_it_opens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut rig = hub(&profile("one", listener.local_addr().unwrap()));
    let _served = serve(listener, "calm");
    let shared = Arc::clone(rig.hub.shared());
    let name: Arc<str> = "one".into();
    let early = shared.until_open(&name).now_or_never();
    assert!(early.is_none(), "nothing is open yet");
    let (waited, wanted) = (Arc::clone(&shared), Arc::clone(&name));
    let waiting = tokio::spawn(async move { waited.until_open(&wanted).await });
    tokio::task::yield_now().await;
    rig.hub.start();
    polled(&mut rig, "one").await;
    tokio::time::timeout(PATIENCE, waiting)
        .await
        .unwrap()
        .unwrap();
    let late = shared.until_open(&name).now_or_never();
    assert!(late.is_some(), "nobody waits for what is open");
    rig.hub.shut_down().await;
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
    let mut rig = hub(&text);
    rig.hub.start();
    assert_eq!(polled(&mut rig, "one").await.0, LimitsState::Ok);
    rig.hub.carry_out(Effect::SwitchProfile("two".into()));
    assert_eq!(polled(&mut rig, "two").await.0, LimitsState::Ok);
    rig.hub.carry_out(Effect::SwitchProfile("one".into()));
    rig.hub.carry_out(Effect::PollLimits);
    assert_eq!(polled(&mut rig, "one").await.0, LimitsState::Ok);
    rig.hub.shut_down().await;
}

/// A key command may ask a person: pressing `r` while it waits asks nobody twice, and starts nothing twice.
#[cfg(unix)]
#[tokio::test]
async fn a_profile_that_is_being_opened_is_not_opened_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let _served = serve(listener, "calm");
    let dir = tempfile::tempdir().unwrap();
    let (asked, answer) = (dir.path().join("asked"), dir.path().join("answer"));
    let made = std::process::Command::new("mkfifo").arg(&answer).status();
    assert!(made.unwrap().success());
    let script = format!(
        "echo asked >> '{}'; cat '{}'",
        asked.display(),
        answer.display()
    );
    let text = format!(
        "[profiles.slow]\nbase_url = \"http://{address}\"\nadmin_key = {{ env = \"ADMIN\" }}\n\
         api_key = {{ command = [\"sh\", \"-c\", \"{script}\"] }}\n"
    );
    let mut rig = hub(&text);
    rig.hub.start();
    for _ in 0..3 {
        rig.hub.carry_out(Effect::PollLimits);
        rig.hub.carry_out(Effect::SwitchProfile("slow".into()));
    }
    // Opening it for writing waits for whoever reads it: the key command.
    let key = tokio::task::spawn_blocking(move || std::fs::write(answer, API_KEY));
    key.await.unwrap().unwrap();
    assert_eq!(polled(&mut rig, "slow").await.0, LimitsState::Ok);
    assert_eq!(std::fs::read_to_string(asked).unwrap(), "asked\n");
    rig.hub.shut_down().await;
}
