//! The tap beside the screen: a program that points at it feeds the board of its profile.

use super::{PATIENCE, Rig, serve};
use ratetop::{
    app::event::{Event, ProfileCard},
    domain::{
        observation::{Observation, Source, What},
        traffic::Totals,
    },
    sim::speak::ask::API_KEY,
};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
};
use tokio_util::sync::DropGuard;

impl Rig {
    fn open(text: &str, variables: &[(&str, &str)]) -> Self {
        let rig = Self::still(text, variables);
        rig.hub.start();
        rig
    }

    async fn card(&mut self) -> ProfileCard {
        self.next(|event| match event {
            Event::Profile(card) => Some(*card),
            _ => None,
        })
        .await
    }

    async fn fault(&mut self) -> String {
        self.next(|event| match event {
            Event::Fault(sentence) => Some(sentence),
            _ => None,
        })
        .await
    }
}

/// A simulator, and where it is.
async fn simulator(scenario: &str) -> (SocketAddr, DropGuard) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (address, serve(listener, scenario))
}

fn profile(upstream: impl std::fmt::Display, listen: impl std::fmt::Display) -> String {
    format!(
        "[profiles.p]\nbase_url = \"http://{upstream}\"\n[profiles.p.tap]\nlisten = \"{listen}\"\n"
    )
}

/// One message, as an SDK sends it; the answer.
pub(crate) fn message(tap: &str, key: &str) -> String {
    let body = r#"{"model":"claude-haiku-5-5","max_tokens":5,"messages":[{"role":"user","content":"planted prompt"}]}"#;
    let mut stream = TcpStream::connect(tap).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(
        stream,
        "POST /v1/messages HTTP/1.1\r\nHost: {tap}\r\nUser-Agent: Anthropic/Python 0.112.0\r\n\
         X-Stainless-Lang: python\r\nX-Stainless-Retry-Count: 0\r\nanthropic-version: 2023-06-01\r\n\
         x-api-key: {key}\r\nContent-Type: application/json\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

async fn sent(tap: String, key: &'static str) -> String {
    tokio::task::spawn_blocking(move || message(&tap, key))
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_passes_the_tap_of_a_profile_feeds_its_board_and_its_totals_once() {
    let (upstream, _served) = simulator("calm").await;
    let mut rig = Rig::open(&profile(upstream, "127.0.0.1:0"), &[]);
    let tap = rig
        .card()
        .await
        .tap
        .expect("the card says where it listens");
    let answer = sent(tap, API_KEY).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let (mut seen, mut totals): (Vec<Observation>, Option<Totals>) = (Vec::new(), None);
    rig.next(|event| {
        match event {
            Event::Observed { profile, seen: one } if one.source == Source::Tap => {
                assert_eq!(&*profile, "p");
                seen.push((*one).clone());
            }
            Event::Traffic { totals: all, .. } if all.all().whole == 1 => totals = Some(*all),
            _ => {}
        }
        let closed = seen
            .iter()
            .any(|one| matches!(one.what, What::Closed { .. }));
        (closed && totals.is_some()).then_some(())
    })
    .await;
    let heads = seen.iter().filter_map(|one| match &one.what {
        What::Head {
            status, reading, ..
        } => Some((*status, !reading.raw.is_empty())),
        _ => None,
    });
    assert_eq!(heads.collect::<Vec<_>>(), [(200, true)], "with its limits");
    let finished = seen
        .iter()
        .filter(|one| matches!(one.what, What::Finished { .. }));
    assert_eq!(finished.count(), 1);
    let all = totals.unwrap();
    assert_eq!((all.all().logical, all.all().wire), (1, 1));
    assert!(
        all.clients[0]
            .client
            .as_str()
            .starts_with("Anthropic/Python")
    );
    let told = format!("{seen:?} {all:?}");
    assert!(
        !told.contains("planted") && !told.contains("sk-ant"),
        "{told}"
    );
    rig.hub.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taken_port_is_said_with_the_setting_and_had_once_it_is_free() {
    let (upstream, _served) = simulator("calm").await;
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let mut rig = Rig::open(&profile(upstream, address), &[]);
    let said = rig.fault().await;
    for part in [
        &format!("cannot listen on {address}"),
        "`tap.listen` of profile p",
        "It listens there as soon as the port is free.",
    ] {
        assert!(said.contains(part), "{said}");
    }
    assert_eq!(rig.card().await.tap, None);
    drop(taken);
    let listens = rig.next(|event| match event {
        Event::Tapped { profile, address } => Some((profile, address)),
        // Nothing more is said meanwhile.
        Event::Fault(sentence) => panic!("{sentence}"),
        _ => None,
    });
    assert_eq!(listens.await, ("p".into(), address.to_string()));
    let answer = sent(address.to_string(), API_KEY).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    rig.hub.shut_down().await;
}

#[tokio::test]
async fn a_tap_that_would_lead_to_itself_is_refused() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let mut rig = Rig::open(&profile(address, address), &[]);
    let said = rig.fault().await;
    assert!(
        said.contains("is this tap itself") && said.contains("`base_url` of profile p"),
        "{said}"
    );
    assert_eq!(rig.card().await.tap, None);
    rig.hub.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_variable_that_points_programs_at_the_tap_does_not_turn_the_tap_round() {
    let (upstream, _served) = simulator("calm").await;
    let text = profile(upstream, "127.0.0.1:0");
    let mut rig = Rig::open(&text, &[("ANTHROPIC_BASE_URL", "http://127.0.0.1:4788")]);
    let tap = rig.card().await.tap.unwrap();
    let answer = sent(tap, API_KEY).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    rig.hub.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_the_tap_does_not_pass_on_is_said() {
    let (upstream, _served) = simulator("calm").await;
    let mut rig = Rig::open(&profile(upstream, "127.0.0.1:0"), &[]);
    let tap = rig.card().await.tap.unwrap();
    let asking = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(tap).unwrap();
        write!(
            stream,
            "GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    assert!(asking.await.unwrap().starts_with("HTTP/1.1 403"));
    let said = rig.fault().await;
    assert!(
        said.starts_with("The tap: ") && said.contains("Host must be localhost"),
        "{said}"
    );
    rig.hub.shut_down().await;
}
