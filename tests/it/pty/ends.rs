//! However it ends or stops, the terminal is given back.

use super::{PATIENCE, RATETOP, Terminal, assert_given_back};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    io::{Read, Write},
    sync::{Arc, Mutex},
};
use vt100::Screen;

/// Leaving is no failure, whichever way: as with the servers, and as `q`.
#[test]
fn ctrl_c_ends_it_as_q_does() {
    let mut terminal = Terminal::demo(&[], &[], 80, 24);
    terminal.until_shows("Opus 5.5");
    // Also while something is open that takes every other key.
    terminal.press(":");
    terminal.until_shows("Command");
    terminal.press("\x03");
    let (screen, code) = terminal.end();
    assert_given_back(&screen);
    assert_eq!(code, 0);
}

#[test]
fn signals_give_the_terminal_back_and_end_it_with_0() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let mut terminal = Terminal::demo(&[], &[], 80, 24);
        terminal.until_shows("Opus 5.5");
        terminal.signal(signal);
        let (screen, code) = terminal.end();
        assert_given_back(&screen);
        assert_eq!(code, 0, "{signal:?}");
    }
}

/// Builds with debug assertions panic on F12, so that this can be seen; others do not know that key.
#[cfg(debug_assertions)]
#[test]
fn a_panic_gives_the_terminal_back_and_is_told() {
    let mut terminal = Terminal::demo(&[], &[], 80, 24);
    terminal.until_shows("Opus 5.5");
    terminal.press("\x1b[24~");
    let (screen, code) = terminal.end();
    assert_given_back(&screen);
    assert_eq!(code, 1);
    assert!(
        screen.contents().contains("asked for with F12"),
        "{}",
        screen.contents()
    );
}

#[test]
fn ctrl_z_gives_the_terminal_back_for_a_while() {
    let script = r#"set -m; "$RATETOP" demo; echo "stopped with $?"; read -r line; fg; echo "ended with $?""#;
    let mut terminal = Terminal::start("sh", &["-c", script], &[], 80, 24);
    terminal.until_shows("Opus 5.5");
    terminal.press("\x1a");
    terminal.until_shows("stopped with");
    assert_given_back(terminal.seen.0.lock().unwrap().parser.screen());
    terminal.press("\r");
    let back = terminal.until("the program again", |seen| {
        let screen = seen.parser.screen();
        screen.alternate_screen() && screen.contents().contains("Opus 5.5")
    });
    assert!(back.parser.screen().hide_cursor());
    drop(back);
    terminal.press("q");
    let (screen, _) = terminal.end();
    assert_given_back(&screen);
    assert!(
        screen.contents().contains("ended with 0"),
        "{}",
        screen.contents()
    );
}

#[test]
fn leaving_finishes_what_flows_through_the_tap_and_says_so() {
    use std::net::{TcpListener, TcpStream};
    let upstream = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = upstream.local_addr().unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = free.local_addr().unwrap();
    drop(free);
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("config.toml");
    let text = format!(
        "[profiles.p]\nbase_url = \"http://{address}\"\n[profiles.p.tap]\nlisten = \"{listen}\"\n"
    );
    std::fs::write(&config, text).unwrap();
    // It answers one path only, and that slowly.
    let (go_on, may_go_on) = std::sync::mpsc::channel::<()>();
    let may_go_on = Arc::new(Mutex::new(may_go_on));
    std::thread::spawn(move || {
        for stream in upstream.incoming() {
            let (mut stream, may_go_on) = (stream.unwrap(), Arc::clone(&may_go_on));
            std::thread::spawn(move || {
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) > 0 {
                    head.push(byte[0]);
                }
                if !head.starts_with(b"GET /slow ") {
                    let none =
                        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                    let _ = stream.write_all(none.as_bytes());
                    return;
                }
                let start = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nwhi";
                stream.write_all(start.as_bytes()).unwrap();
                may_go_on.lock().unwrap().recv().unwrap();
                stream.write_all(b"ole").unwrap();
            });
        }
    });
    let args = ["--config", config.to_str().unwrap()];
    let mut terminal = Terminal::start(RATETOP, &args, &[], 120, 36);
    terminal.until_shows(&format!("tap :{}", listen.port()));
    let mut client = TcpStream::connect(listen).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(
        client,
        "GET /slow HTTP/1.1\r\nHost: {listen}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"whi") {
        client.read_exact(&mut byte).unwrap();
        answer.push(byte[0]);
    }
    terminal.press("q");
    terminal.until_shows("finishing 1 request that passes the tap, 10 s at most");
    go_on.send(()).unwrap();
    client.read_to_end(&mut answer).unwrap();
    assert!(answer.ends_with(b"whiole"));
    let (screen, code) = terminal.end();
    assert_eq!(code, 0);
    assert_given_back(&screen);
}

/// A command that says each signal, and that it wakes by itself, as one that comes just before it
/// waits would else wait for good.
const LISTENER: &str = r#"trap 'echo "got INT"' INT; trap 'echo "got TERM"; exit 9' TERM
mkfifo pipe; echo ready; while :; do read -rt 1 x <>pipe; done"#;

fn times(screen: &Screen, text: &str) -> usize {
    screen.contents().matches(text).count()
}

/// The terminal itself sends Ctrl-C to the command, too: passed on it would be a second one, and many
/// programs take a second one as "at once, without tidying up".
#[test]
fn ctrl_c_reaches_the_command_of_exec_once_wherever_its_input_comes_from() {
    for script in [
        r#"exec "$RATETOP" exec -- bash -c "$LISTENER""#,
        r#"exec "$RATETOP" exec -- bash -c "$LISTENER" </dev/null"#,
        r#"echo some input | "$RATETOP" exec -- bash -c 'echo $PPID >ratetop; eval "$LISTENER"'"#,
    ] {
        let env = [("LISTENER", LISTENER)];
        let mut terminal = Terminal::start("bash", &["-c", script], &env, 120, 24);
        terminal.until_shows("ready");
        terminal.press("\x03");
        terminal.until_shows("got INT");
        // What is sent to ratetop alone is passed on, and comes behind a Ctrl-C passed on before.
        match std::fs::read_to_string(terminal.home.path().join("ratetop")) {
            Ok(id) => {
                let id = Pid::from_raw(id.trim().parse().unwrap()).unwrap();
                kill_process(id, Signal::TERM).unwrap();
            }
            Err(_) => terminal.signal(Signal::TERM),
        }
        let (screen, _) = terminal.end();
        assert_eq!(times(&screen, "got INT"), 1, "{}", screen.contents());
        assert_eq!(times(&screen, "got TERM"), 1, "{}", screen.contents());
    }
}

/// Only who sent it tells it from Ctrl-C, and only Linux says that.
#[cfg(target_os = "linux")]
#[test]
fn an_interrupt_sent_to_exec_alone_reaches_its_command_also_in_a_terminal() {
    let mut terminal = Terminal::start(
        RATETOP,
        &["exec", "--", "bash", "-c", LISTENER],
        &[],
        120,
        24,
    );
    terminal.until_shows("ready");
    terminal.signal(Signal::INT);
    terminal.until_shows("got INT");
    terminal.signal(Signal::TERM);
    let (screen, code) = terminal.end();
    assert_eq!(times(&screen, "got INT"), 1, "{}", screen.contents());
    assert_eq!(code, 9);
}
