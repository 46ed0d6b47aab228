//! The thin binary: parse, run, exit code.

use clap::Parser;
use ratetop::{
    cli::{
        args::{Cli, Command},
        commands,
        environment::{Environment, Paths},
        error::ConfigError,
        exits,
    },
    clock::Clock,
    run::{
        headless::{self, Outlet},
        session::Ground,
        tap, tui, world,
    },
    store::log,
};
use std::{io::Write, process::ExitCode};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let env = Environment::of_process();
    // A panic has been told by its hook; to scripts it is a failure like any other.
    match std::panic::catch_unwind(|| run(&cli, env)) {
        Err(_) => ExitCode::from(exits::FAILURE),
        Ok(Ok(code)) => ExitCode::from(code),
        Ok(Err(error)) => {
            eprintln!("ratetop: {error:#}");
            let usage = error.downcast_ref::<ConfigError>().is_some();
            ExitCode::from(if usage { exits::USAGE } else { exits::FAILURE })
        }
    }
}

fn run(cli: &Cli, env: Environment) -> anyhow::Result<u8> {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
    };
    if cli.global.attach.is_some() && cli.command.is_some() {
        let sentence = "--attach shows a tap in the terminal UI, so no command goes with it";
        return Err(ConfigError::new(sentence).into());
    }
    // Held to the end: dropping it writes what is still queued.
    let _log = start_log(&env)?;
    match &cli.command {
        None => tui::live(&cli.global, env).map(|()| exits::FINE),
        Some(Command::Demo(world)) => tui::demo(world, &cli.global, env).map(|()| exits::FINE),
        Some(Command::Sim(options)) => runtime()?
            .block_on(world::simulate(options))
            .map(|()| exits::FINE),
        Some(Command::Tap(options)) => runtime()?
            .block_on(tap::alone(options, &cli.global, &env))
            .map(|()| exits::FINE),
        Some(Command::Exec(options)) => {
            runtime()?.block_on(tap::around(options, &cli.global, &env))
        }
        Some(Command::Config { action }) => {
            let text = runtime()?.block_on(commands::config(*action, &cli.global, &env))?;
            Ok(say(text.as_bytes()))
        }
        Some(Command::Completions { shell }) => Ok(say(&commands::completions(*shell))),
        Some(Command::Man) => Ok(say(&commands::man()?)),
        Some(
            command @ (Command::Status(_)
            | Command::Limits(_)
            | Command::Call(_)
            | Command::Doctor(_)),
        ) => {
            let ground = Ground::of_platform(env, Clock::start(), cli.global.read_only)?;
            let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
            let mut outlet = Outlet::new(&mut out, &mut err);
            let command = headless::run(command, &cli.global, &ground, &mut outlet);
            Ok(runtime()?.block_on(command))
        }
    }
}

/// The log, for those who ask for it with RATETOP_LOG.
fn start_log(env: &Environment) -> Result<Option<log::Guard>, ConfigError> {
    let Some(level) = env.get("RATETOP_LOG") else {
        return Ok(None);
    };
    let directory = Paths::of_platform()?.state.join("log");
    let guard = log::start(&directory, level).map_err(ConfigError::new)?;
    Ok(Some(guard))
}

/// Prints; a reader that went away is no failure.
fn say(output: &[u8]) -> u8 {
    let mut out = std::io::stdout().lock();
    match out.write_all(output).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            eprintln!("ratetop: cannot write to stdout: {error}");
            exits::FAILURE
        }
        _ => exits::FINE,
    }
}
