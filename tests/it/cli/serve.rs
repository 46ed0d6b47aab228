//! `ratetop sim` and the demo, started.

use super::home::Home;
use rstest::rstest;
use std::{
    io::{BufRead, BufReader, Read},
    process::Stdio,
};

#[test]
fn a_server_says_where_it_listens_in_one_line_and_ends_with_0() {
    let home = Home::bare();
    let mut child = home
        .command()
        .args(["sim", "--listen", "127.0.0.1:0", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    assert!(
        line.starts_with("{\"schema\":\"ratetop.listening/1\",\"url\":\"http://127.0.0.1:"),
        "{line}"
    );
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
}

#[rstest]
#[case("sim --scenario nope", "there is no scenario `nope`")]
#[case("demo --scenario ./nope.toml", "cannot be read")]
#[case("sim --scenario wrong.toml", "wrong.toml, line 2: unknown key `foo`")]
fn a_wrong_scenario_is_wrong_usage(#[case] line: &str, #[case] why: &str) {
    let home = Home::bare();
    std::fs::write(
        home.dir.path().join("wrong.toml"),
        "about = \"x\"\nfoo = 1\n",
    )
    .unwrap();
    let done = home.run(line).exits(2);
    assert!(done.err.contains(why), "{}", done.err);
}

/// Whoever pipes the screen somewhere is told what prints instead, and no escape sequence goes there.
#[test]
fn a_screen_without_a_terminal_is_a_sentence() {
    let home = super::home::Home::bare();
    for line in ["demo", "", "--attach http://127.0.0.1:1"] {
        let done = home.run(line).exits(2);
        assert!(done.err.contains("standard output is none"), "{}", done.err);
        assert_eq!(done.out, "", "{line}");
    }
}
