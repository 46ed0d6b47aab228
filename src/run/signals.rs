//! Signals from outside: end, and stop for a while.

use std::{
    io,
    task::{Context, Poll},
};

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM, SIGINT, SIGHUP: end as `q` does.
    Terminate,
    /// SIGTSTP: give the terminal back and stop.
    Suspend,
}

/// The signals that are listened to.
#[cfg(unix)]
pub struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
    stop: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    /// For a terminal program: SIGTSTP too. Call inside the runtime.
    pub fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let tstp = SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw());
        Ok(Self {
            stop: Some(signal(tstp)?),
            ..Self::for_server()?
        })
    }

    /// For a server: Ctrl-Z stops it as the shell likes.
    pub fn for_server() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            stop: None,
        })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) -> Signal {
        std::future::poll_fn(|context| self.poll(context)).await
    }

    /// The next one, if it has come.
    pub fn poll(&mut self, context: &mut Context<'_>) -> Poll<Signal> {
        for end in [&mut self.terminate, &mut self.interrupt, &mut self.hangup] {
            if end.poll_recv(context).is_ready() {
                return Poll::Ready(Signal::Terminate);
            }
        }
        match &mut self.stop {
            Some(stop) => stop.poll_recv(context).map(|_| Signal::Suspend),
            None => Poll::Pending,
        }
    }
}

/// Only Ctrl-C exists elsewhere, and a raw terminal sends it as a key.
#[cfg(not(unix))]
pub struct Signals;

#[cfg(not(unix))]
impl Signals {
    /// Nothing to set up.
    pub fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    /// Nothing to set up.
    pub fn for_server() -> io::Result<Self> {
        Ok(Self)
    }

    /// Waits for Ctrl-C.
    pub async fn next(&mut self) -> Signal {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Signal::Terminate
    }

    /// None comes to a raw terminal.
    pub fn poll(&mut self, _: &mut Context<'_>) -> Poll<Signal> {
        Poll::Pending
    }
}
