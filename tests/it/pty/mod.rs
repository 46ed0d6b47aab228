//! A real terminal: started, resized, stopped and ended in every way, it is always given back.
#![cfg(unix)]
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;
use vt100::{MouseProtocolMode, Parser, Screen};

mod ends;
mod keys;
mod looks;

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
    pub home: tempfile::TempDir,
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
