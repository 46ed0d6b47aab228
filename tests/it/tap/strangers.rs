//! Programs of two organizations behind one tap: each has gauges of its own on the screen, whoever calls
//! last.

use super::{
    process::{Home, Running},
    rig::{Peer, Stub},
    wire::{self, Kind},
};
use crate::pty::{RATETOP, Seen, Terminal};
use std::net::SocketAddr;

const OURS: &str = "5f0c0a52-7e1d-4c58-9b0e-2d6a4f1c8e90";
const THEIRS: &str = "8a5ffd5c-3b0e-4c1d-9a77-0d6f2b1e4c55";
const ASK: &str = r#"{"model":"claude-opus-5-5","max_tokens":9,"messages":[]}"#;
const ANSWER: &str = r#"{"type":"message","model":"claude-opus-5-5","content":[],"stop_reason":"end_turn","usage":{"input_tokens":3,"output_tokens":2}}"#;

/// An API that tells organizations by their keys, with ample limits for us and small ones for them.
fn api() -> Stub {
    Stub::playing(|mut peer, _| {
        while let Ok(Some(request)) = wire::message(&mut peer.lines, Kind::Request) {
            let is_ours = request.get("x-api-key").as_deref() == Some("ours");
            let (organization, limit, left) = if is_ours {
                (OURS, 5_000, 4_000)
            } else {
                (THEIRS, 50, 5)
            };
            peer.send(format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
                 anthropic-organization-id: {organization}\r\n\
                 anthropic-ratelimit-requests-limit: {limit}\r\n\
                 anthropic-ratelimit-requests-remaining: {left}\r\n\
                 Content-Length: {}\r\n\r\n{ANSWER}",
                ANSWER.len()
            ));
        }
    })
}

fn call(tap: &Running, key: &str) {
    let mut client = Peer::to(tap.address);
    let rest = format!(
        "X-Api-Key: {key}\r\nUser-Agent: {key}/1.0\r\nContent-Length: {}\r\n\r\n{ASK}",
        ASK.len()
    );
    let answer = tap.ask(&mut client, "POST /v1/messages", &rest);
    assert_eq!(answer.status(), 200);
}

fn text(seen: &Seen) -> String {
    seen.parser.screen().contents()
}

/// Whether a request of that client is shown with its answer.
fn answered(screen: &str, client: &str) -> bool {
    let mut rows = screen.lines().filter(|row| row.contains(client));
    rows.any(|row| row.contains("200 ok"))
}

#[test]
fn another_organization_has_a_board_of_its_own_on_the_screen() {
    let (home, api) = (Home::new(), api());
    let upstream = format!("http://{}", api.address);
    let args = ["--upstream", &upstream, "--admin", "127.0.0.1:0", "--json"];
    let tap = Running::tap(&home, &args, &[]);
    let admin: SocketAddr = super::admin::admin_of(&tap);
    call(&tap, "ours");
    let url = format!("http://{admin}");
    let sizes = [(120, 36), (80, 24), (40, 12)];
    let mut screens = sizes
        .map(|(columns, rows)| Terminal::start(RATETOP, &["--attach", &url], &[], columns, rows));
    for screen in &screens {
        screen.until_shows("▇");
        let shown = screen.until("our pool", |seen| text(seen).contains("Opus 5.5"));
        assert!(!text(&shown).contains('◇'));
    }
    for key in ["theirs", "ours", "theirs"] {
        call(&tap, key);
    }
    for (screen, (columns, _)) in screens.iter_mut().zip(sizes) {
        screen.press("3");
        // What was answered has its headers on the board already.
        for client in ["theirs/1", " ours/1."] {
            drop(screen.until("an answer", |seen| answered(&text(seen), client)));
        }
        screen.press("1G");
        // It can be selected.
        let selected = |shown: &str| {
            let mut rows = shown.lines().filter(|row| row.contains("◇ Opus 5.5"));
            rows.any(|row| row.contains('▸'))
        };
        let shown = text(&screen.until("their board", |seen| selected(&text(seen))));
        let row = |what: &str| shown.lines().find(|row| row.contains(what)).unwrap();
        assert!(row("8a5ffd5c").contains("◇ organization"), "{shown}");
        if columns == 120 {
            // Neither is taken for the other.
            assert!(row("◇ Opus 5.5").contains("/50"), "{shown}");
            assert!(row("  Opus 5.5").contains("/5k"), "{shown}");
        }
        screen.press("q");
        assert_eq!(screen.end().1, 0);
    }
    tap.end();
}
