//! The tap over real sockets: what passes is what would have passed without it, whatever goes wrong.

#[cfg(unix)]
mod admin;
mod afterwards;
#[cfg(unix)]
mod alone;
#[cfg(unix)]
mod attach;
mod chaos;
mod corpus;
#[cfg(unix)]
mod exec;
mod faults;
mod flow;
mod gate;
#[cfg(unix)]
mod http2;
#[cfg(unix)]
mod http2_server;
mod life;
#[cfg(unix)]
mod metrics;
#[cfg(unix)]
mod planted;
#[cfg(unix)]
mod process;
mod rig;
#[cfg(unix)]
mod secrets;
#[cfg(unix)]
mod strangers;
#[cfg(unix)]
mod tls;
mod wire;
