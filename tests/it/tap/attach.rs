//! `ratetop --attach`: the screen of a tap that runs somewhere else, over breaks and new beginnings.

use super::{
    process::{Home, Running},
    rig::{PATIENCE, Peer},
};
use crate::pty::{RATETOP, Terminal};
use ratetop::{
    app::event::Event,
    cli::environment::Environment,
    clock::Clock,
    domain::{id::CallId, observation::What},
    run::{attach::Watching, hub::Hub, session::Ground},
};
use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, mpsc},
};

const ASK: &str = r#"{"model":"claude-haiku-4-5","max_tokens":9,"messages":[{"role":"user","content":"Say hello."}]}"#;

/// An address that was free a moment ago, for a server that has to come back to it.
fn free() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

fn tap(home: &Home, upstream: SocketAddr, admin: SocketAddr, more: &[&str]) -> Running {
    let (upstream, admin) = (format!("http://{upstream}"), admin.to_string());
    let args = ["--upstream", &upstream, "--admin", &admin];
    Running::tap(home, &[&args, more].concat(), &[])
}

fn call(tap: &Running) -> u16 {
    let mut client = Peer::to(tap.address);
    let rest = format!(
        "X-Api-Key: sk-ant-api03-ratetop-sim\r\nAnthropic-Version: 2023-06-01\r\nUser-Agent: some-client/7\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{ASK}",
        ASK.len()
    );
    tap.ask(&mut client, "POST /v1/messages", &rest).status()
}

#[test]
fn a_screen_looks_on_over_the_end_of_a_tap_and_the_next_beginning() {
    let home = Home::new();
    let sim = Running::sim(&home, &[]);
    let admin = free();
    let first = tap(&home, sim.address, admin, &[]);
    assert_eq!(call(&first), 200);
    let url = format!("http://{admin}");
    let mut screen = Terminal::start(RATETOP, &["--attach", &url], &[], 120, 36);
    let mut second = Terminal::start(RATETOP, &["--attach", &url], &[], 80, 24);
    for screen in [&screen, &second] {
        screen.until_shows("Haiku 4.5");
        screen.until_shows("read only");
        screen.until_shows("live ");
    }
    second.press("q");
    assert_eq!(second.end().1, 0);
    screen.press("3");
    screen.until_shows("some-client");
    screen.press("2");
    screen.until_shows("│ This screen only looks on");
    screen.press("\r");
    screen.until_shows("› This screen only looks on");
    screen.press("r");
    screen.until_shows("reads its limits by itself");
    first.end();
    screen.until_shows("· lost ");
    screen.press("7");
    screen.until_shows("trying again");
    let next = tap(&home, sim.address, admin, &["--chaos", "slow-first-byte"]);
    screen.until_shows("was started anew");
    screen.until_shows("again after");
    screen.until_shows("CHAOS slow-first-byte");
    drop(screen.until("the end of the loss", |seen| {
        !seen.parser.screen().contents().contains("· lost ")
    }));
    screen.press("3");
    screen.until_shows("0 of 0");
    assert_eq!(call(&next), 200);
    screen.until_shows("some-client");
    screen.press("q");
    assert_eq!(screen.end().1, 0);
    next.end();
    sim.end();
}

#[test]
fn what_cannot_be_attached_to_is_refused() {
    let home = Home::new();
    for (args, said) in [
        (vec!["--attach", "127.0.0.1:4789"], "--attach: The base URL"),
        (
            vec!["--attach", "http://127.0.0.1:4789", "demo"],
            "no command goes with it",
        ),
        (
            vec!["--attach", "http://127.0.0.1:4789", "--profile", "p"],
            "cannot be used with",
        ),
    ] {
        let (code, out, err) = home.run(&args, &[]);
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        assert!(err.contains(said), "{err}");
    }
}

/// Passes bytes between two sides until it is told to break every connection.
struct Wire {
    address: SocketAddr,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Wire {
    fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let open = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&open);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (Ok(client), Ok(server)) = (client, TcpStream::connect(target)) else {
                    return;
                };
                let both = || (client.try_clone().unwrap(), server.try_clone().unwrap());
                let ((mut up, mut to), (mut back, mut from)) = (both(), both());
                std::thread::spawn(move || io::copy(&mut from, &mut back));
                std::thread::spawn(move || {
                    let mut piece = [0; 4096];
                    while let Ok(n @ 1..) = up.read(&mut piece) {
                        // The port of the way in is another than the tap's own.
                        let text = String::from_utf8_lossy(&piece[..n]);
                        let text = text.replace(&address.to_string(), &target.to_string());
                        if to.write_all(text.as_bytes()).is_err() {
                            return;
                        }
                    }
                });
                kept.lock().unwrap().extend([client, server]);
            }
        });
        Self { address, open }
    }

    fn cut(&self) {
        for stream in self.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// Everything that a screen is told.
fn watch(url: &str) -> mpsc::Receiver<Event> {
    let watching = Watching::of(url).unwrap();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let ground = Ground {
                env: Arc::new(Environment::default()),
                clock: Clock::start(),
                state: None,
                read_only: true,
            };
            let (sender, mut events) = tokio::sync::mpsc::channel(64);
            let dice = fastrand::Rng::with_seed(1);
            let name = Arc::clone(&watching.name);
            let hub = Hub::new(Vec::new(), name, ground, sender, dice);
            let reading = watching.read(Arc::clone(hub.shared()));
            hub.shared().spawn("reading", reading);
            while let Some(event) = events.recv().await {
                if tell.send(event).is_err() {
                    break;
                }
            }
            hub.shut_down().await;
        });
    });
    told
}

/// Takes what is told until something of it is as wanted; all of it.
fn until(told: &mpsc::Receiver<Event>, is: impl Fn(&Event) -> bool) -> Vec<Event> {
    let mut all = Vec::new();
    loop {
        let event = told.recv_timeout(PATIENCE);
        let event = event.unwrap_or_else(|_| panic!("{all:#?}"));
        let found = is(&event);
        all.push(event);
        if found {
            return all;
        }
    }
}

/// The calls that ended in what was told.
fn closed(events: &[Event]) -> Vec<CallId> {
    let ended = events.iter().filter_map(|event| match event {
        Event::Observed { seen, .. } if matches!(seen.what, What::Closed { .. }) => seen.call,
        _ => None,
    });
    ended.collect()
}

fn is_closed(event: &Event) -> bool {
    !closed(std::slice::from_ref(event)).is_empty()
}

fn noted(words: &'static str) -> impl Fn(&Event) -> bool {
    move |event| matches!(event, Event::Noted(draft) if draft.sentence.contains(words))
}

#[test]
fn after_a_break_it_goes_on_where_it_was_and_says_since_when() {
    let home = Home::new();
    let sim = Running::sim(&home, &[]);
    let admin = free();
    let tap = tap(&home, sim.address, admin, &[]);
    let wire = Wire::to(admin);
    let told = watch(&format!("http://{}", wire.address));
    call(&tap);
    let before = until(&told, is_closed);
    wire.cut();
    let lost = until(&told, noted("trying again"));
    let since = lost.iter().find_map(|event| match event {
        Event::Profile(card) => card.attached?.lost_since,
        _ => None,
    });
    assert!(since.is_some(), "{lost:?}");
    call(&tap);
    let mut after = until(&told, noted("again after"));
    after.extend(until(&told, is_closed));
    let card = after.iter().find_map(|event| match event {
        Event::Profile(card) => card.attached,
        _ => None,
    });
    assert_eq!(card.unwrap().lost_since, None);
    // Each once, in order, and nothing was begun anew.
    let (before, after) = (closed(&before), closed(&after));
    assert_eq!((before.len(), after.len()), (1, 1));
    assert!(before[0].0 < after[0].0, "{before:?} {after:?}");
    tap.end();
    sim.end();
}

#[test]
fn what_answers_and_is_no_tap_is_said_to_be_none() {
    let home = Home::new();
    let sim = Running::sim(&home, &[]);
    let told = watch(&format!("http://{}", sim.address));
    until(&told, noted("is not the admin address of a tap"));
    home.file("token", "planted-token-0123456789", 0o600);
    let admin = free();
    let tap = tap(&home, sim.address, admin, &["--token-file", "token"]);
    let told = watch(&format!("http://{admin}"));
    until(&told, noted("put /t/TOKEN behind the address"));
    let told = watch(&format!("http://{admin}/t/planted-token-0123456789"));
    let events = until(
        &told,
        |event| matches!(event, Event::Profile(card) if card.tap.is_some()),
    );
    assert!(!format!("{events:?}").contains("planted"), "{events:?}");
    tap.end();
    sim.end();
}
