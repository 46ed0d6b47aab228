//! Programs of ours, started, spoken to and ended as a shell would.

use super::{
    rig::Peer,
    wire::{self, Kind},
};
use std::{
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    ops::{Deref, DerefMut},
    os::unix::fs::PermissionsExt,
    process::{Child, Command, ExitStatus, Output, Stdio},
};

/// A user's machine without variables but those that are given.
pub struct Home(pub tempfile::TempDir);

impl Home {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn command(&self, args: &[&str], vars: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ratetop"));
        command
            .env_clear()
            .env("HOME", self.0.path())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(vars.iter().copied())
            .args(args)
            .current_dir(self.0.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn run(&self, args: &[&str], vars: &[(&str, &str)]) -> (i32, String, String) {
        let output = self.command(args, vars).output().unwrap();
        parts(&output)
    }

    pub fn file(&self, name: &str, text: &str, mode: u32) -> String {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path.display().to_string()
    }
}

pub fn parts(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let code = output.status.code().unwrap_or(-1);
    (code, text(&output.stdout), text(&output.stderr))
}

/// A process that does not outlive its test, whatever becomes of that.
pub struct Reaped(Option<Child>);

impl Reaped {
    pub fn wait_with_output(mut self) -> std::io::Result<Output> {
        self.0.take().unwrap().wait_with_output()
    }
}

impl Deref for Reaped {
    type Target = Child;

    fn deref(&self) -> &Child {
        self.0.as_ref().unwrap()
    }
}

impl DerefMut for Reaped {
    fn deref_mut(&mut self) -> &mut Child {
        self.0.as_mut().unwrap()
    }
}

impl Drop for Reaped {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A server that has said where it listens.
pub struct Running {
    pub child: Reaped,
    pub first: String,
    pub address: SocketAddr,
}

impl Running {
    pub fn tap(home: &Home, args: &[&str], vars: &[(&str, &str)]) -> Self {
        let mut all = vec!["tap", "--listen", "127.0.0.1:0"];
        if !args.contains(&"--admin") {
            all.extend(["--admin", "off"]);
        }
        Self::server(home, &[&all, args].concat(), vars)
    }

    pub fn sim(home: &Home, args: &[&str]) -> Self {
        let args = [&["sim", "--listen", "127.0.0.1:0"], args].concat();
        Self::server(home, &args, &[])
    }

    fn server(home: &Home, args: &[&str], vars: &[(&str, &str)]) -> Self {
        let mut child = Reaped(Some(home.command(args, vars).spawn().unwrap()));
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        out.read_line(&mut first).unwrap();
        let at = first.find("http://").unwrap_or_else(|| {
            let mut why = String::new();
            child
                .stderr
                .take()
                .unwrap()
                .read_to_string(&mut why)
                .unwrap();
            panic!("{first:?} {why}")
        });
        let address = first[at + 7..].split(['"', '\n']).next().unwrap();
        let address = address.parse().unwrap();
        child.stdout = Some(out.into_inner());
        Self {
            child,
            first,
            address,
        }
    }

    pub fn signal(&self, signal: &str) {
        signal_to(self.child.id(), signal);
    }

    /// Ends it; its code, the rest of its standard output, its standard error.
    pub fn end(self) -> (i32, String, String) {
        self.signal("TERM");
        parts(&self.child.wait_with_output().unwrap())
    }

    pub fn ask(&self, peer: &mut Peer, line: &str, rest: &str) -> wire::Message {
        peer.send(format!(
            "{line} HTTP/1.1\r\nHost: {}\r\n{rest}",
            self.address
        ));
        peer.next(Kind::Answer)
    }
}

pub fn signal_to(pid: u32, signal: &str) {
    let status: ExitStatus = Command::new("kill")
        .args([format!("-{signal}"), pid.to_string()])
        .status()
        .unwrap();
    assert!(status.success());
}
