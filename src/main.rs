//! The thin binary: parse, run, exit code.

use clap::Parser;
use ratetop::cli::{
    args::{Cli, Command},
    commands,
    environment::Environment,
    error::ConfigError,
    exits,
};
use std::{io::Write, process::ExitCode};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let env = Environment::of_process();
    match plain(&cli, &env) {
        Ok(output) => say(&output),
        Err(error) => {
            eprintln!("ratetop: {error}");
            ExitCode::from(exits::USAGE)
        }
    }
}

/// Commands that end with some text.
fn plain(cli: &Cli, env: &Environment) -> Result<Vec<u8>, ConfigError> {
    let failed = |error: std::io::Error| ConfigError::new(error.to_string());
    match &cli.command {
        Some(Command::Config { action }) => {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(failed)?;
            let text = runtime.block_on(commands::config(*action, &cli.global, env))?;
            Ok(text.into_bytes())
        }
        Some(Command::Completions { shell }) => Ok(commands::completions(*shell)),
        Some(Command::Man) => commands::man().map_err(failed),
        _ => Err(ConfigError::new("not built yet")),
    }
}

/// Prints; a reader that went away is no failure.
fn say(output: &[u8]) -> ExitCode {
    let mut out = std::io::stdout().lock();
    match out.write_all(output).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            eprintln!("ratetop: cannot write to stdout: {error}");
            ExitCode::from(exits::FAILURE)
        }
        _ => ExitCode::from(exits::FINE),
    }
}
