//! ratetop in a terminal of its own, with a tap beside the screen.

use crate::Failure;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::{
    fs,
    io::Read,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

/// Large, so that a few pictures fill whatever keeps what nobody reads.
const SIZES: [PtySize; 2] = [of(300, 100), of(299, 99)];

const fn of(cols: u16, rows: u16) -> PtySize {
    PtySize {
        rows,
        cols,
        pixel_width: 0,
        pixel_height: 0,
    }
}

/// The program and its terminal.
pub(crate) struct Screen {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    reading: Arc<(Mutex<bool>, Condvar)>,
    read: Arc<AtomicU64>,
}

impl Screen {
    /// Opens it, with a profile whose tap listens there.
    pub(crate) fn open(
        program: &Path,
        directory: &Path,
        listen: SocketAddr,
        upstream: SocketAddr,
    ) -> Result<Self, Failure> {
        let config = directory.join("config.toml");
        let text = format!(
            "[profiles.bench]\nbase_url = \"http://{upstream}\"\n[profiles.bench.tap]\nlisten = \"{listen}\"\n"
        );
        fs::write(&config, text)?;
        let pair = native_pty_system().openpty(SIZES[0])?;
        let mut command = CommandBuilder::new(program);
        command.arg("--config");
        command.arg(&config);
        command.cwd(directory);
        command.env_clear();
        command.env("HOME", directory);
        command.env("TERM", "xterm-256color");
        let child = pair.slave.spawn_command(command)?;
        drop(pair.slave);
        let mut output = pair.master.try_clone_reader()?;
        let reading = Arc::new((Mutex::new(true), Condvar::new()));
        let read = Arc::new(AtomicU64::new(0));
        let (gate, count) = (Arc::clone(&reading), Arc::clone(&read));
        std::thread::spawn(move || {
            let mut buffer = [0; 1 << 14];
            while let Ok(got @ 1..) = output.read(&mut buffer) {
                count.fetch_add(got as u64, Relaxed);
                let open = gate.0.lock().unwrap_or_else(PoisonError::into_inner);
                drop(gate.1.wait_while(open, |open| !*open));
            }
        });
        Ok(Self {
            child,
            master: pair.master,
            reading,
            read,
        })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.process_id().unwrap_or_default()
    }

    /// Stops to read, and asks for pictures until the program waits for its terminal.
    pub(crate) fn stall(&self) -> Result<(), Failure> {
        *self.gate() = false;
        for size in SIZES.iter().cycle().skip(1).take(200) {
            if self.waits() {
                return Ok(());
            }
            self.master.resize(*size)?;
            std::thread::sleep(Duration::from_millis(50));
        }
        Err("the screen does not stand still".into())
    }

    /// Whether a thread of it waits until somebody reads.
    fn waits(&self) -> bool {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.id()));
        let waits = |task: fs::DirEntry| {
            let call = fs::read_to_string(task.path().join("wchan"));
            call.is_ok_and(|call| call.contains("wait_woken") || call.contains("tty_write"))
        };
        tasks.is_ok_and(|tasks| tasks.flatten().any(waits))
    }

    /// Ends it at once: one that stands still would not hear of it.
    pub(crate) fn end(&mut self) {
        let _ = self.child.kill();
        *self.gate() = true;
        self.reading.1.notify_all();
        let _ = self.child.wait();
        eprintln!("the terminal was sent {} bytes", self.read.load(Relaxed));
    }

    fn gate(&self) -> std::sync::MutexGuard<'_, bool> {
        let gate = self.reading.0.lock();
        gate.unwrap_or_else(PoisonError::into_inner)
    }
}
