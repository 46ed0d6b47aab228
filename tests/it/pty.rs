//! A real terminal: started, resized, stopped and ended in every way, it is always given back.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;
use vt100::{MouseProtocolMode, Parser, Screen};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

pub const RATETOP: &str = env!("CARGO_BIN_EXE_ratetop");

/// What the program wrote, as a terminal shows it.
pub struct Seen {
    pub parser: Parser,
    bytes: Vec<u8>,
    ended: bool,
}

/// A program in a terminal of its own.
pub struct Terminal {
    seen: Arc<(Mutex<Seen>, Condvar)>,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    home: tempfile::TempDir,
}

fn cells(n: u16) -> NonZeroU16 {
    NonZeroU16::new(n).unwrap()
}

fn size(cols: u16, rows: u16) -> PtySize {
    PtySize {
        rows,
        cols,
        ..PtySize::default()
    }
}

impl Terminal {
    /// `program` with `args`, in a home of its own and no variables but `env`.
    pub fn start(program: &str, args: &[&str], env: &[(&str, &str)], cols: u16, rows: u16) -> Self {
        let pair = native_pty_system().openpty(size(cols, rows)).unwrap();
        let home = tempfile::tempdir().unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(args);
        command.cwd(home.path());
        command.env_clear();
        for name in ["PATH", "LLVM_PROFILE_FILE"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.env("HOME", home.path());
        command.env("TERM", "xterm-256color");
        command.env("RATETOP", RATETOP);
        for (name, value) in env {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let seen = Arc::new((
            Mutex::new(Seen {
                parser: Parser::new(cells(rows), cells(cols), 0),
                bytes: Vec::new(),
                ended: false,
            }),
            Condvar::new(),
        ));
        let mut output = pair.master.try_clone_reader().unwrap();
        let shared = Arc::clone(&seen);
        std::thread::spawn(move || {
            let mut buffer = [0; 1 << 14];
            loop {
                let got = output.read(&mut buffer).unwrap_or(0);
                let mut seen = shared.0.lock().unwrap();
                seen.parser.process(&buffer[..got]);
                seen.bytes.extend_from_slice(&buffer[..got]);
                seen.ended = got == 0;
                shared.1.notify_all();
                if got == 0 {
                    return;
                }
            }
        });
        Self {
            seen,
            keys: pair.master.take_writer().unwrap(),
            master: pair.master,
            child,
            home,
        }
    }

    fn demo(args: &[&str], env: &[(&str, &str)], cols: u16, rows: u16) -> Self {
        let args = [&["demo"], args].concat();
        Self::start(RATETOP, &args, env, cols, rows)
    }

    /// Waits until what is seen is as wanted, woken by output, never by the clock alone.
    pub fn until(&self, what: &str, is: impl Fn(&Seen) -> bool) -> MutexGuard<'_, Seen> {
        let guard = self.seen.0.lock().unwrap();
        let (guard, late) = self
            .seen
            .1
            .wait_timeout_while(guard, PATIENCE, |seen| !is(seen) && !seen.ended)
            .unwrap();
        if is(&guard) {
            return guard;
        }
        let shown = guard.parser.screen().contents();
        drop(guard);
        panic!(
            "{what}: {}\n{shown}",
            if late.timed_out() {
                "never seen"
            } else {
                "the program ended before"
            }
        );
    }

    pub fn until_shows(&self, text: &str) {
        drop(self.until(text, |seen| seen.parser.screen().contents().contains(text)));
    }

    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    fn resize(&self, cols: u16, rows: u16) {
        let mut seen = self.seen.0.lock().unwrap();
        seen.parser.screen_mut().set_size(cells(rows), cells(cols));
        drop(seen);
        self.master.resize(size(cols, rows)).unwrap();
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let id = i32::try_from(self.child.process_id().unwrap()).unwrap();
        rustix::process::kill_process(rustix::process::Pid::from_raw(id).unwrap(), signal).unwrap();
    }

    /// Waits for the end; the screen as it was left, and the exit code.
    pub fn end(&mut self) -> (Screen, u32) {
        let screen = self
            .until("the end", |seen| seen.ended)
            .parser
            .screen()
            .clone();
        (screen, self.child.wait().unwrap().exit_code())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn assert_given_back(screen: &Screen) {
    assert!(!screen.alternate_screen(), "the alternate screen was left");
    assert!(!screen.hide_cursor(), "the cursor is shown");
    assert!(!screen.bracketed_paste(), "pasting is plain again");
    assert_eq!(screen.mouse_protocol_mode(), MouseProtocolMode::None);
}

#[test]
fn every_size_is_useful_and_q_ends_it() {
    let mut terminal = Terminal::demo(&["--scenario", "idle"], &[], 120, 36);
    terminal.until_shows("Headroom");
    terminal.until_shows("Opus 5.5");
    terminal.until_shows("RPM");
    {
        let seen = terminal.until("the alternate screen", |seen| {
            seen.parser.screen().alternate_screen()
        });
        assert!(seen.parser.screen().hide_cursor());
    }
    for (cols, rows) in [(80, 24), (40, 12), (120, 36)] {
        terminal.resize(cols, rows);
        let seen = terminal.until("a pool in the new size", |seen| {
            seen.parser.screen().contents().contains("Opus 5.5")
        });
        let widest = seen
            .parser
            .screen()
            .rows(0, cols)
            .map(|row| row.chars().count());
        assert!(widest.max() <= Some(usize::from(cols)));
    }
    terminal.press("2");
    terminal.until_shows("policy");
    terminal.press("7");
    terminal.until_shows("Events");
    terminal.press("?");
    terminal.until_shows("gives the terminal back");
    terminal.press("\x1b");
    drop(terminal.until("the end of help", |seen| {
        !seen
            .parser
            .screen()
            .contents()
            .contains("gives the terminal back")
    }));
    terminal.press("1");
    terminal.until_shows("Opus 5.5");
    terminal.press("q");
    let (screen, code) = terminal.end();
    assert_given_back(&screen);
    assert_eq!(code, 0);
    assert!(terminal.home.path().exists());
}

#[test]
fn a_call_is_made_by_keys_alone() {
    let mut terminal = Terminal::demo(&["--scenario", "calm", "--seed", "3"], &[], 120, 36);
    terminal.until_shows("live");
    terminal.press("2");
    terminal.until_shows("policy");
    terminal.press("\r");
    terminal.until_shows("end_turn");
    terminal.press("q");
    assert_eq!(terminal.end().1, 0);
}

#[test]
fn a_program_of_ones_own_can_be_pointed_at_the_demo() {
    const URL: &str = "export ANTHROPIC_BASE_URL=http://";
    let mut terminal = Terminal::demo(&["--scenario", "idle"], &[], 120, 36);
    terminal.until_shows("tap :");
    terminal.press("3");
    terminal.until_shows(URL);
    let tap = {
        let seen = terminal.seen.0.lock().unwrap();
        let screen = seen.parser.screen().contents();
        let (_, rest) = screen.split_once(URL).unwrap();
        rest.split_whitespace().next().unwrap().to_owned()
    };
    let answer = crate::hub::taps::message(&tap, ratetop::run::world::API_KEY);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    terminal.until_shows("1 call → 1 on the wire");
    terminal.until_shows("Python 0.112.0");
    terminal.press("\r");
    terminal.until_shows("Phases of attempt 1");
    terminal.press("q");
    assert_eq!(terminal.end().1, 0);
}

/// One of the demo's programs has a policy that ignores what the server asks for.
#[test]
fn the_demo_shows_what_a_bad_retry_policy_does() {
    let mut terminal = Terminal::demo(&[], &[], 120, 36);
    terminal.until_shows("live");
    terminal.press("3");
    terminal.until_shows("EARLY by");
    terminal.press("q");
    assert_eq!(terminal.end().1, 0);
}

#[test]
fn a_run_of_many_workers_is_made_by_keys_alone() {
    let mut terminal = Terminal::demo(&["--scenario", "calm", "--seed", "3"], &[], 120, 36);
    terminal.until_shows("live");
    terminal.press("2");
    terminal.until_shows("workers");
    terminal.press("gg");
    // Eleven fields down; five doublings of one.
    terminal.press("jjjjjjjjjjjlllll");
    terminal.until_shows("32");
    terminal.press("\r");
    terminal.until_shows("32 workers, 32 calls");
    terminal.until_shows("over in");
    terminal.until_shows("32 ok");
    terminal.press("q");
    assert_eq!(terminal.end().1, 0);
}

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
    use rustix::process::Signal;
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
fn no_color_means_no_colour() {
    let mut terminal = Terminal::demo(
        &[],
        &[("NO_COLOR", "1"), ("COLORTERM", "truecolor")],
        120,
        36,
    );
    terminal.until_shows("live ");
    terminal.press("q");
    terminal.end();
    let seen = terminal.seen.0.lock().unwrap();
    let colours = colours(&seen.bytes);
    assert!(colours.is_empty(), "{colours:?}");
}

#[test]
fn colours_are_there_otherwise() {
    let mut terminal = Terminal::demo(&[], &[("COLORTERM", "truecolor")], 120, 36);
    terminal.until_shows("live");
    terminal.press("q");
    terminal.end();
    assert!(!colours(&terminal.seen.0.lock().unwrap().bytes).is_empty());
}

/// Every graphic rendition that sets a colour.
fn colours(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let mut found = Vec::new();
    for sequence in text.split("\x1b[").skip(1) {
        let Some(end) = sequence.find(|c: char| c.is_ascii_alphabetic()) else {
            continue;
        };
        let parameters = &sequence[..end];
        if sequence[end..].starts_with('m')
            && parameters.split([';', ':']).any(|parameter| {
                matches!(
                    parameter.parse(),
                    Ok(30..=38 | 40..=48 | 90..=97 | 100..=107)
                )
            })
        {
            found.push(parameters.to_owned());
        }
    }
    found
}

#[test]
fn with_neither_config_nor_key_it_opens_and_says_what_to_do() {
    let mut terminal = Terminal::start(RATETOP, &[], &[], 80, 24);
    terminal.until_shows("ratetop demo");
    terminal.until_shows("ANTHROPIC_API_KEY");
    terminal.press("q");
    let (screen, code) = terminal.end();
    assert_given_back(&screen);
    assert_eq!(code, 0);
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

/// A run on a terminal has one line that says where it is, written over and gone at its end; without one
/// (as in every other test of runs) it writes none.
#[test]
fn a_run_tells_where_it_is_in_one_line_of_the_terminal() {
    let simulator = crate::cli::Simulator::named("calm");
    let key = ratetop::sim::speak::ask::API_KEY;
    let env = [
        ("ANTHROPIC_BASE_URL", simulator.url.as_str()),
        ("ANTHROPIC_API_KEY", key),
    ];
    let line = "call --rate 5/s --duration 3s --model claude-haiku-4-5 --max-tokens 5";
    let args: Vec<&str> = line.split(' ').collect();
    let terminal = Terminal::start(RATETOP, &args, &env, 100, 30);
    let line_of = |seen: &Seen| {
        let text = seen.parser.screen().contents();
        text.lines()
            .find(|line| line.contains(" in flight, "))
            .map(str::to_owned)
    };
    let first = line_of(&terminal.until("a line of progress", |seen| line_of(seen).is_some()));
    let second = terminal.until("another one in its place", |seen| {
        line_of(seen).is_some_and(|line| Some(&line) != first.as_ref())
    });
    let lines = second.parser.screen().contents();
    assert_eq!(lines.matches(" in flight, ").count(), 1, "{lines}");
    drop(second);
    let ended = terminal.until("its result", |seen| seen.ended);
    let text = ended.parser.screen().contents();
    assert!(line_of(&ended).is_none(), "{text}");
    assert!(text.contains("15 calls to claude-haiku-4-5"), "{text}");
}
