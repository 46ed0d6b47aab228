//! `--chaos`: which plan, and whether it may be put in front of that upstream.

use crate::{
    api::{
        connection::{AuthStyle, Connection, Version},
        simulator::{self, Listener},
    },
    cli::error::ConfigError,
    clock::Clock,
    domain::clean::clean,
    net::{
        base::Base,
        outbound::{Options, Outbound},
    },
    tap::chaos::{Chaos, plan::Plan},
};
use std::{path::Path, sync::Arc};

/// What `--chaos` and `--yes` ask for.
pub struct Wanted {
    plan: Plan,
    /// Also in front of what may cost.
    anywhere: bool,
}

impl Wanted {
    /// The plan of that name, else in that file.
    pub fn read(wanted: &str, anywhere: bool) -> Result<Self, ConfigError> {
        let is_file = wanted.contains(['/', '\\', '.']) || Path::new(wanted).exists();
        let plan = if Plan::names().any(|name| name == wanted) || !is_file {
            Plan::named(wanted)
        } else {
            let shown = clean(wanted, 200);
            let text = std::fs::read_to_string(wanted).map_err(|error| {
                ConfigError::new(format!("--chaos: {shown} cannot be read: {error}"))
            })?;
            Plan::parse(&text, &shown)
        };
        let plan = plan.map_err(|why| ConfigError::new(format!("--chaos: {why}")))?;
        Ok(Self { plan, anywhere })
    }

    /// The plan at work, if it may be in front of that upstream: of a simulator, or of anything that
    /// somebody said yes to.
    pub async fn before(self, base: &Base, clock: &Clock) -> Result<Chaos, ConfigError> {
        if !self.anywhere {
            let why = match who(base, clock).await? {
                Listener::Simulator => None,
                Listener::Other => Some(format!("{} is no ratetop simulator", base.short())),
                Listener::Nobody(why) => Some(why),
            };
            if let Some(why) = why {
                return Err(ConfigError::new(format!(
                    "--chaos: {why}; start `ratetop sim` and name it with --upstream, or add --yes to break \
                     calls of that upstream on purpose"
                )));
            }
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "the seed of this run's accidents; nothing below makes another"
        )]
        let dice = fastrand::Rng::new();
        Ok(Chaos::new(self.plan, dice, clock.now()))
    }
}

/// Asks an upstream of this machine who it is; elsewhere nobody is asked.
async fn who(base: &Base, clock: &Clock) -> Result<Listener, ConfigError> {
    if !base.is_loopback() {
        return Ok(Listener::Other);
    }
    let options = Options {
        allow_plain_http: true,
        ..Options::default()
    };
    let transport = Outbound::new(base.clone(), options).map_err(ConfigError::new)?;
    let connection = Connection {
        transport: Arc::new(transport),
        key: None,
        auth: AuthStyle::default(),
        version: Version::default(),
        workspace: None,
        fast: false,
        profile: "chaos".into(),
        host: base.short(),
    };
    Ok(simulator::who(&connection, clock).await)
}
