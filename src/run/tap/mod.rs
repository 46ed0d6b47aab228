//! The tap: alone as `ratetop tap`, or around one command as `ratetop exec`.

mod alone;
mod around;
mod chaos;
mod ears;
mod feeding;
mod inside;
mod limits;
mod metrics;
mod pass_on;
mod place;
mod ports;

pub use alone::alone;
pub use around::around;
pub use inside::{Inside, Listening, Neighbours, say_what_is_waited_for};

use super::listening;
use crate::{
    cli::{environment::Environment, error::ConfigError},
    clock::Clock,
    domain::{id::CallId, time::Time, timeline::FIRST_FOREIGN_CALL},
    net::upstream::Upstream,
    report::tap_text,
    tap::{
        Tap,
        gate::Gate,
        hear::{Hearing, Known, Settings, Sink},
        refusal::Refusal,
        server::serve,
    },
};
use anyhow::Context;
use place::Place;
use std::{io, net::SocketAddr, sync::Arc};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// A tap that accepts connections and waits to be served.
struct Open {
    listener: TcpListener,
    address: SocketAddr,
    tap: Arc<Tap>,
    clock: Clock,
}

/// What a tap is made of, besides its place.
struct Making {
    listen: SocketAddr,
    token: Option<String>,
    sink: Arc<dyn Sink>,
    refused: Box<dyn Fn(&Refusal) + Send + Sync>,
    chaos: Option<chaos::Wanted>,
    http2: bool,
    clock: Clock,
    named: Named,
}

/// What settings are called, and which addresses this program has already.
struct Named {
    listen: String,
    upstream: String,
    others: Vec<SocketAddr>,
}

impl Named {
    /// On the command line, where there is one tap.
    fn flags() -> Self {
        Self {
            listen: "--listen".to_owned(),
            upstream: "--upstream".to_owned(),
            others: Vec::new(),
        }
    }
}

impl Open {
    /// Binds the address, then opens a tap there to wherever `place` says.
    async fn at(
        making: Making,
        place: Place,
        env: &Environment,
        note: impl Fn(&str),
    ) -> anyhow::Result<Self> {
        let (clock, named) = (making.clock, making.named);
        let listener = TcpListener::bind(making.listen).await.with_context(|| {
            format!(
                "cannot listen on {}: name another address with {}",
                making.listen, named.listen
            )
        })?;
        let address = listener.local_addr()?;
        let http2 = making.http2 || place.is_http2();
        let (base, allow_plain_http) =
            place.behind(address, &named.others, &named.upstream, env, note)?;
        let chaos = match making.chaos {
            Some(wanted) => Some(wanted.before(&base, &clock).await?),
            None => None,
        };
        let upstream = Upstream::new(base, allow_plain_http);
        let upstream = if http2 {
            upstream.and_then(Upstream::over_http2)
        } else {
            upstream
        };
        let upstream = upstream.map_err(ConfigError::new)?;
        let gate = Gate::new(address, making.token).map_err(ConfigError::new)?;
        let hearing = Hearing::new(settings(clock.now()), making.sink);
        let mut tap = Tap::new(upstream, gate, hearing, clock.clone(), making.refused);
        if let Some(chaos) = chaos {
            tap = tap.with_chaos(chaos);
        }
        raise_file_limit();
        Ok(Self {
            listener,
            address,
            tap: Arc::new(tap),
            clock,
        })
    }

    /// Serves until `stop`. What is left of it tells the totals.
    async fn serve(self, stop: CancellationToken) -> Passed {
        serve(self.listener, Arc::clone(&self.tap), stop).await;
        Passed {
            tap: self.tap,
            clock: self.clock,
        }
    }
}

/// A tap that is over.
struct Passed {
    tap: Arc<Tap>,
    clock: Clock,
}

impl Passed {
    /// The totals in a few lines.
    fn text(&self) -> String {
        let counted = self.tap.counted();
        let totals = feeding::totals(&self.tap, &self.clock);
        let mut text = tap_text::totals(&totals, counted.refused);
        if let Some(plan) = self.tap.chaos() {
            text += &tap_text::chaos(&plan.name, counted.chaos);
        }
        text
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the key by which retries are recognised is of this run only"
)]
fn settings(since: Time) -> Settings {
    let mut dice = fastrand::Rng::new();
    let mut key = [0; 16];
    dice.fill(&mut key);
    Settings {
        key,
        first_call: CallId(FIRST_FOREIGN_CALL),
        since,
        known: Known::default(),
    }
}

/// Each connection takes two file handles; shells often allow 1,024 only.
#[cfg(unix)]
fn raise_file_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Where it may not be raised, the tap serves as many as it can.
    let _ = setrlimit(Resource::Nofile, limit);
}

#[cfg(not(unix))]
fn raise_file_limit() {}

/// Writes to standard error; that nobody reads it is no reason to stop.
fn tell(text: &str) {
    use io::Write;
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
