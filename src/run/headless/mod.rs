//! Commands without a screen: `status`, `limits`, `call`, `doctor`. Each prints one report and ends with an exit
//! code of `cli::exits`; with `--json` standard output carries JSON and nothing else.

mod as_code;
mod call;
mod count;
mod doctor;
mod heard;
mod limits;
mod outlet;
mod status;

pub use outlet::{Gone, Outlet};

use super::session::{Ground, Session};
use crate::{
    cli::{
        args::{Command, Global},
        config::Config,
        error::ConfigError,
        exits,
    },
    clock::Clock,
    report::Subject,
};
use heard::Heard;
use secrecy::SecretString;

/// Everything a headless command stands on.
pub struct Desk {
    session: Session,
    clock: Clock,
}

impl Desk {
    /// Reads the configuration and brings the profile that is meant to life.
    async fn open(global: &Global, ground: &Ground) -> Result<Self, ConfigError> {
        let config = Config::load(global, &ground.env)?;
        let Some(profile) = config.chosen() else {
            return Err(ConfigError::new(
                "no profile: set ANTHROPIC_API_KEY, or write one into the file that `ratetop config \
                 init` makes",
            ));
        };
        let session = Session::open(profile.clone(), ground)
            .await
            .map_err(|error| ConfigError::new(error.to_string()))?;
        if session.calls.is_none() && session.admin.is_err() && session.silent.is_none() {
            return Err(ConfigError::new(format!(
                "profile {} has neither an api_key nor an admin_key that could be used",
                profile.name
            )));
        }
        Ok(Self {
            session,
            clock: ground.clock.clone(),
        })
    }

    /// Every key, so that nothing that is printed repeats one.
    fn keys(&self) -> Vec<SecretString> {
        let connections = [
            self.session.calls.as_ref(),
            self.session.admin.as_ref().ok(),
        ];
        let connections = connections.into_iter().flatten();
        connections.filter_map(|it| it.key.clone()).collect()
    }

    fn subject(&self) -> Subject<'_> {
        Subject {
            profile: &self.session.profile.name,
            base_url: self.session.profile.base_url.value.as_str(),
        }
    }

    /// The ear of this profile's calls, with an empty board.
    fn heard(&self) -> Heard {
        let workspace = self.session.profile.workspace.as_ref();
        Heard::new(workspace.map(|id| id.value.clone()))
    }
}

/// Runs a headless command; the exit code.
pub async fn run(
    command: &Command,
    global: &Global,
    ground: &Ground,
    outlet: &mut Outlet<'_>,
) -> u8 {
    if let Err(error) = check(command) {
        outlet.tell(&error.sentence);
        return exits::USAGE;
    }
    if let Command::Doctor(args) = command {
        let code = doctor::run(args, global, ground, outlet).await;
        return code.unwrap_or(exits::FINE);
    }
    if let Command::Call(args) = command
        && let Some(target) = &args.as_code
    {
        let code = as_code::run(args, target, global, ground, outlet);
        return code.unwrap_or(exits::FINE);
    }
    let desk = match Desk::open(global, ground).await {
        Ok(desk) => desk,
        Err(error) => {
            outlet.tell(&error.sentence);
            return exits::USAGE;
        }
    };
    outlet.hide(&desk.keys());
    if let Some(odd) = &desk.session.odd_key {
        outlet.tell(odd);
    }
    let code = match command {
        Command::Status(args) => status::run(args, &desk, outlet).await,
        Command::Limits(args) => limits::run(args, &desk, outlet).await,
        Command::Call(args) if args.count_tokens => count::run(args, &desk, outlet).await,
        Command::Call(args) => call::run(args, &desk, outlet).await,
        _ => Ok(exits::USAGE),
    };
    code.unwrap_or(exits::FINE)
}

/// What can be refused before anything is opened.
fn check(command: &Command) -> Result<(), ConfigError> {
    match command {
        Command::Status(args) => status::check(args),
        Command::Call(args) => call::check(args).map_err(ConfigError::new),
        _ => Ok(()),
    }
}

/// Ends when the user or the system asks for it (Ctrl-C, SIGTERM).
async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
