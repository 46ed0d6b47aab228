//! The hops as processes of their own: started, measured, pinned, ended.

use crate::{Failure, screen::Screen};
use std::{
    fs, io,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

/// One hop; it ends when this is dropped.
pub(crate) struct Hop {
    name: &'static str,
    address: SocketAddr,
    program: Program,
    beside: Option<std::process::Child>,
    /// Removed at the end.
    directory: Option<PathBuf>,
}

/// What runs.
enum Program {
    Plain(std::process::Child),
    Screen(Screen),
}

impl Program {
    fn id(&self) -> u32 {
        match self {
            Self::Plain(child) => child.id(),
            Self::Screen(screen) => screen.id(),
        }
    }
}

/// An address that nobody listens on.
pub(crate) fn free_port() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

impl Hop {
    /// Starts it, and waits until it accepts connections.
    pub(crate) fn start(
        name: &'static str,
        address: SocketAddr,
        program: &Path,
        arguments: &[&str],
    ) -> Result<Self, Failure> {
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Self {
            name,
            address,
            program: Program::Plain(child),
            beside: None,
            directory: None,
        }
        .wait()
    }

    /// A tap beside a screen, in a terminal; nobody reads a stalled one, so that its loop stands still.
    pub(crate) fn screen(
        name: &'static str,
        address: SocketAddr,
        program: &Path,
        upstream: SocketAddr,
        stalled: bool,
    ) -> Result<Self, Failure> {
        let directory = std::env::temp_dir().join(format!("ratetop-bench-{}", address.port()));
        fs::create_dir_all(&directory)?;
        let screen = Screen::open(program, &directory, address, upstream)?;
        let hop = Self {
            name,
            address,
            program: Program::Screen(screen),
            beside: None,
            directory: Some(directory),
        }
        .wait()?;
        if let (true, Program::Screen(screen)) = (stalled, &hop.program) {
            screen.stall()?;
        }
        Ok(hop)
    }

    /// Starts another program that goes with it; what that costs is not the hop's.
    pub(crate) fn beside(&mut self, program: &Path, arguments: &[&str]) -> io::Result<()> {
        let child = Command::new(program).args(arguments).spawn()?;
        self.beside = Some(child);
        Ok(())
    }

    fn wait(self) -> Result<Self, Failure> {
        for _ in 0..1_000 {
            if TcpStream::connect(self.address).is_ok() {
                return Ok(self);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Err(format!("{} does not start", self.name).into())
    }

    pub(crate) const fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its processes: itself, and its children.
    fn processes(&self) -> Vec<u32> {
        let own = self.program.id();
        let children = fs::read_to_string(format!("/proc/{own}/task/{own}/children"));
        let children = children.unwrap_or_default();
        let children = children.split_whitespace().filter_map(|id| id.parse().ok());
        std::iter::once(own).chain(children).collect()
    }

    /// Nanoseconds that it has run on a core; 0 where the system does not say.
    pub(crate) fn cpu_ns(&self) -> u64 {
        let of = |task: io::Result<fs::DirEntry>| {
            let spent = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
            spent.split_whitespace().next()?.parse::<u64>().ok()
        };
        let tasks = |process: u32| fs::read_dir(format!("/proc/{process}/task"));
        let tasks = self.processes().into_iter().filter_map(|id| tasks(id).ok());
        tasks.flatten().filter_map(of).sum()
    }

    /// The most memory that it has had, MiB; 0 where the system does not say.
    pub(crate) fn peak_mib(&self) -> f64 {
        let of = |process: u32| {
            let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
            let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
            line.split_whitespace().nth(1)?.parse::<f64>().ok()
        };
        self.processes().into_iter().filter_map(of).sum::<f64>() / 1024.0
    }
}

impl Drop for Hop {
    fn drop(&mut self) {
        for process in self.processes().into_iter().rev() {
            end(process);
        }
        if let Some(mut beside) = self.beside.take() {
            let _ = beside.kill();
            let _ = beside.wait();
        }
        match &mut self.program {
            Program::Plain(child) => drop(child.wait()),
            Program::Screen(screen) => screen.end(),
        }
        if let Some(directory) = &self.directory {
            let _ = fs::remove_dir_all(directory);
        }
    }
}

#[cfg(unix)]
fn end(process: u32) {
    use rustix::process::{Pid, Signal, kill_process};
    if let Some(pid) = Pid::from_raw(process as i32) {
        let _ = kill_process(pid, Signal::TERM);
    }
}

#[cfg(not(unix))]
fn end(_: u32) {}

/// nginx as a hop, if it is installed.
pub(crate) fn nginx(upstream: SocketAddr) -> Result<Option<Hop>, Failure> {
    let program = [
        "/usr/sbin/nginx",
        "/usr/local/sbin/nginx",
        "/opt/homebrew/bin/nginx",
    ];
    let Some(program) = program
        .map(Path::new)
        .into_iter()
        .find(|path| path.exists())
    else {
        return Ok(None);
    };
    let address = free_port()?;
    let directory = std::env::temp_dir().join(format!("ratetop-bench-{}", std::process::id()));
    fs::create_dir_all(&directory)?;
    let place = directory.display();
    let config = format!(
        "worker_processes 1; daemon off; pid {place}/pid; error_log {place}/error crit;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 100000000; tcp_nodelay on;
  client_body_temp_path {place}/1; proxy_temp_path {place}/2; fastcgi_temp_path {place}/3;
  uwsgi_temp_path {place}/4; scgi_temp_path {place}/5;
  upstream up {{ server {upstream}; keepalive 256; keepalive_requests 100000000; }}
  server {{
    listen {address} backlog=1024;
    location / {{
      proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection \"\";
      proxy_buffering off; proxy_request_buffering off; proxy_read_timeout 120s;
    }}
  }}
}}
"
    );
    let file = directory.join("nginx.conf");
    fs::write(&file, config)?;
    let file = file.display().to_string();
    let mut hop = Hop::start("nginx", address, program, &["-c", &file])?;
    hop.directory = Some(directory);
    Ok(Some(hop))
}

/// As long as this is held the hop has a core of its own, beside upstream and load on another.
pub(crate) struct Pinned(Vec<u32>);

/// Gives the hop a core of its own, where that can be done.
pub(crate) fn pin(stub: &Hop, hop: Option<&Hop>) -> Pinned {
    let own = hop.map(Hop::processes).unwrap_or_default();
    let rest = [stub.processes(), vec![std::process::id()]].concat();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if cores < 2 {
        return Pinned(Vec::new());
    }
    for process in &own {
        cores_of(*process, 0..1);
    }
    for process in &rest {
        cores_of(*process, 1..2);
    }
    Pinned([own, rest].concat())
}

impl Drop for Pinned {
    fn drop(&mut self) {
        for process in &self.0 {
            cores_of(*process, 0..64);
        }
    }
}

#[cfg(target_os = "linux")]
fn cores_of(process: u32, cores: std::ops::Range<usize>) {
    use rustix::{
        process::Pid,
        thread::{CpuSet, sched_setaffinity},
    };
    let mut set = CpuSet::new();
    for core in cores {
        set.set(core);
    }
    let _ = sched_setaffinity(Pid::from_raw(process as i32), &set);
}

#[cfg(not(target_os = "linux"))]
fn cores_of(_: u32, _: std::ops::Range<usize>) {}
