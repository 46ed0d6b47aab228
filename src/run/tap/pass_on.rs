//! Signals that end a command end the command, and by that us.

#[cfg(unix)]
pub use unix::{Signals, to};

#[cfg(not(unix))]
pub use elsewhere::{Signals, to};

#[cfg(unix)]
mod unix {
    use rustix::process::{Pid, Signal, kill_process};
    use signal_hook::{
        consts,
        iterator::{SignalsInfo, exfiltrator::WithRawSiginfo},
    };
    use std::{io, thread};
    use tokio::{process::Child, sync::mpsc};

    /// The signals that end a command, as they come.
    pub struct Signals {
        come: mpsc::UnboundedReceiver<Come>,
        /// Ends the thread that waits for them.
        end: signal_hook::iterator::Handle,
    }

    /// One that has come.
    pub struct Come {
        signal: Signal,
        /// By keys of the terminal, which sends it to the command, too.
        is_key: bool,
    }

    impl Signals {
        /// Listens from here on.
        ///
        /// # Errors
        /// Where the system takes no handler or starts no thread.
        pub fn listen() -> io::Result<Self> {
            let wanted = [
                consts::SIGINT,
                consts::SIGQUIT,
                consts::SIGTERM,
                consts::SIGHUP,
            ];
            // Not tokio's, which do not say who sent one.
            let mut signals = SignalsInfo::<WithRawSiginfo>::new(wanted)?;
            let end = signals.handle();
            let (send, come) = mpsc::unbounded_channel();
            thread::Builder::new()
                .name("signals".to_owned())
                .spawn(move || {
                    for info in signals.forever() {
                        let signal = match info.si_signo {
                            consts::SIGINT => Signal::INT,
                            consts::SIGQUIT => Signal::QUIT,
                            consts::SIGHUP => Signal::HUP,
                            _ => Signal::TERM,
                        };
                        let is_key = matches!(signal, Signal::INT | Signal::QUIT)
                            && is_of_terminal(info.si_code);
                        if send.send(Come { signal, is_key }).is_err() {
                            return;
                        }
                    }
                })?;
            Ok(Self { come, end })
        }

        /// The next one.
        ///
        /// # Errors
        /// When none can come any more, as the thread that waits for them has ended.
        pub async fn next(&mut self) -> io::Result<Come> {
            let come = self.come.recv().await;
            come.ok_or_else(|| io::Error::other("signals are no longer heard"))
        }
    }

    impl Drop for Signals {
        fn drop(&mut self) {
            self.end.close();
        }
    }

    /// Passes a signal on, unless the terminal has sent it to the command itself.
    pub fn to(child: &Child, come: Come) {
        let pid = child.id().and_then(|id| Pid::from_raw(id as i32));
        if let (Some(pid), false) = (pid, come.is_key) {
            let _ = kill_process(pid, come.signal);
        }
    }

    /// Linux says who sent it: positive codes are the kernel's own (sigaction(2)), and what a program
    /// sends to us alone must reach the command also where a terminal is there.
    #[cfg(target_os = "linux")]
    const fn is_of_terminal(code: i32) -> bool {
        code > 0
    }

    /// Elsewhere the code says too little. Keys go to the group in the foreground of the terminal that
    /// controls us, wherever our input comes from.
    #[cfg(not(target_os = "linux"))]
    fn is_of_terminal(_: i32) -> bool {
        std::fs::File::open("/dev/tty")
            .is_ok_and(|it| rustix::termios::tcgetpgrp(it) == Ok(rustix::process::getpgrp()))
    }
}

#[cfg(not(unix))]
mod elsewhere {
    use std::io;
    use tokio::process::Child;

    /// Only Ctrl-C exists.
    pub struct Signals;

    impl Signals {
        /// Nothing to set up.
        pub fn listen() -> io::Result<Self> {
            Ok(Self)
        }

        /// Waits for Ctrl-C.
        pub async fn next(&mut self) -> io::Result<()> {
            tokio::signal::ctrl_c().await
        }
    }

    /// A console sends its keys to every program in it.
    pub fn to(_: &Child, (): ()) {}
}
