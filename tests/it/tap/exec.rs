//! `ratetop exec` as a shell sees it: a command with a tap of its own, ended as it ends.

use super::{
    process::{Home, signal_to},
    rig::{PATIENCE, Stub},
};
use std::{
    io::{BufRead, BufReader, Read},
    process::Command,
};

#[test]
fn exec_gives_a_command_a_tap_of_its_own() {
    let (stub, asked) = Stub::plain();
    let upstream = format!("http://{}", stub.address);
    let home = Home::new();
    let script = "printf '%s|%s' \"$ANTHROPIC_BASE_URL\" \"$NO_PROXY\"; exit 7";
    let vars = [("ANTHROPIC_BASE_URL", upstream.as_str())];
    let (code, out, err) = home.run(&["exec", "--", "sh", "-c", script], &vars);
    assert_eq!(code, 7, "{err}");
    let (url, no_proxy) = out.split_once('|').unwrap();
    assert!(
        url.starts_with("http://127.0.0.1:") && url != upstream,
        "{out}"
    );
    assert_eq!(no_proxy, "");
    assert!(err.contains("through the tap: 0 requests"), "{err}");
    // What it asks goes to where it would have gone without, past any proxy.
    let client = "exec 3<>/dev/tcp/127.0.0.1/${ANTHROPIC_BASE_URL##*:}; printf 'GET /v1/models HTTP/1.1\\r\\nHost: %s\\r\\nConnection: close\\r\\n\\r\\n' \"${ANTHROPIC_BASE_URL#http://}\" >&3; cat <&3; printf '|%s|%s' \"$NO_PROXY\" \"$no_proxy\"";
    let vars = [
        vars[0],
        ("HTTP_PROXY", "http://127.0.0.1:1"),
        ("no_proxy", "a.example"),
    ];
    let (code, out, err) = home.run(&["exec", "bash", "-c", client], &vars);
    assert_eq!(code, 0, "{err}");
    assert!(
        out.contains("\r\n\r\nok|a.example,127.0.0.1|a.example,127.0.0.1"),
        "{out}"
    );
    assert_eq!(
        asked.recv_timeout(PATIENCE).unwrap().start,
        "GET /v1/models HTTP/1.1"
    );
}

#[test]
fn exec_ends_as_its_command_does() {
    let home = Home::new();
    for (script, want) in [
        ("exit 0", 0),
        ("exit 3", 3),
        ("kill -TERM $$", 143),
        ("kill -KILL $$", 137),
    ] {
        let (code, _, err) = home.run(&["exec", "--", "sh", "-c", script], &[]);
        assert_eq!(code, want, "{script} {err}");
    }
    let (code, _, err) = home.run(&["exec", "--", "no-such-program"], &[]);
    assert_eq!(code, 127);
    assert!(err.contains("cannot start no-such-program"), "{err}");
    let plain = home.file("plain", "text", 0o600);
    assert_eq!(home.run(&["exec", "--", &plain], &[]).0, 126);
    assert_eq!(home.run(&["exec"], &[]).0, 2);
}

#[test]
fn signals_reach_the_command() {
    let home = Home::new();
    for signal in ["TERM", "HUP", "INT", "QUIT"] {
        // A shell that takes a signal just before it waits would wait for good: it wakes by itself, too.
        let script = format!(
            "trap 'echo got {signal}; exit 9' {signal}; echo ready; while :; do read -rt 1 x <>pipe; done"
        );
        let pipe = home.0.path().join("pipe");
        let _ = std::fs::remove_file(&pipe);
        assert!(
            Command::new("mkfifo")
                .arg(&pipe)
                .status()
                .unwrap()
                .success()
        );
        let mut child = home
            .command(&["exec", "--", "bash", "-c", &script], &[])
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        signal_to(child.id(), signal);
        let mut rest = String::new();
        out.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, format!("got {signal}\n"));
        assert_eq!(child.wait().unwrap().code(), Some(9));
    }
}
