//! The tap over real sockets: what passes is what would have passed without it, whatever goes wrong.

#[cfg(unix)]
mod admin;
#[cfg(unix)]
mod attach;
mod chaos;
mod corpus;
mod faults;
mod gate;
#[cfg(unix)]
mod http2;
mod life;
#[cfg(unix)]
mod metrics;
#[cfg(unix)]
mod process;
mod rig;
#[cfg(unix)]
mod strangers;
#[cfg(unix)]
mod tls;
mod wire;
