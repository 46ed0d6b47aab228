//! The line by which a server says where it listens.

use serde::Serialize;
use std::{
    io::{self, Write},
    net::SocketAddr,
};

/// The line as JSON.
#[derive(Debug, Serialize)]
struct Listening {
    schema: &'static str,
    url: String,
    metrics_url: Option<String>,
    admin_url: Option<String>,
}

/// Ports beside a server's own.
#[derive(Clone, Copy, Debug, Default)]
pub struct Beside {
    /// Where metrics are.
    pub metrics: Option<SocketAddr>,
    /// Where others attach.
    pub admin: Option<SocketAddr>,
}

/// Says once, on standard output, that connections are accepted at `address`.
pub fn say(address: SocketAddr, beside: Beside, json: bool) -> io::Result<()> {
    let url = self::url(address);
    let line = if json {
        let listening = Listening {
            schema: "ratetop.listening/1",
            url,
            metrics_url: beside.metrics.map(self::url),
            admin_url: beside.admin.map(self::url),
        };
        serde_json::to_string(&listening)?
    } else {
        format!("listening on {url}")
    };
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// The base URL of a server there.
pub fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}
