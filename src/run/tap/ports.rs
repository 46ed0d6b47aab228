//! Ports beside the tap's own: bound before anything is said, under the same rules as the tap.

use crate::{
    cli::{args::Port, error::ConfigError},
    tap::{
        gate::Gate,
        port::{self, Pages},
    },
};
use anyhow::Context;
use std::{net::SocketAddr, sync::Arc};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What holds for every address of a tap.
pub struct Rules {
    /// Whether one may be reached from other machines.
    pub allow_remote: bool,
    /// What clients must know then, or always where it is given.
    pub token: Option<String>,
}

/// A port that accepts connections and waits to be served.
pub struct Bound {
    listener: TcpListener,
    gate: Gate,
    /// Where it is.
    pub address: SocketAddr,
}

impl Rules {
    /// Whether that address may be listened on; `flag` named it.
    pub fn check(&self, flag: &str, address: SocketAddr) -> Result<(), ConfigError> {
        if address.ip().is_loopback() || self.allow_remote {
            return Ok(());
        }
        Err(ConfigError::new(format!(
            "{flag}: {address} can be reached from other machines: add --allow-remote and --token-file, or \
             listen on 127.0.0.1"
        )))
    }

    /// Binds a port; none where it is off.
    pub async fn bind(&self, flag: &str, port: Port) -> anyhow::Result<Option<Bound>> {
        let Port::At(address) = port else {
            return Ok(None);
        };
        self.check(flag, address)?;
        let listener = TcpListener::bind(address).await.with_context(|| {
            format!(
                "cannot listen on {address}: name another address with {flag}, or say `{flag} off`"
            )
        })?;
        let address = listener.local_addr()?;
        let gate = Gate::new(address, self.token.clone()).map_err(ConfigError::new)?;
        Ok(Some(Bound {
            listener,
            gate,
            address,
        }))
    }
}

impl Bound {
    /// Serves those pages in a task of its own, until `stop`.
    pub fn serve(self, pages: Arc<dyn Pages>, stop: CancellationToken) {
        let port = port::Port::new(self.gate, pages);
        tokio::spawn(port.serve(self.listener, stop));
    }
}
