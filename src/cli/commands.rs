//! Commands that need no network: `config`, `completions`, `man`.

use super::{
    args::{Cli, ConfigAction, Global},
    check,
    config::{Config, locate},
    environment::Environment,
    error::ConfigError,
};
use clap::CommandFactory;
use std::{io::Write, path::Path};

/// What `config init` writes.
pub const EXAMPLE: &str = include_str!("../../config.example.toml");

/// `ratetop config …`: what to print.
pub async fn config(
    action: ConfigAction,
    global: &Global,
    env: &Environment,
) -> Result<String, ConfigError> {
    match action {
        ConfigAction::Path => Ok(format!("{}\n", locate(global, env)?.value.display())),
        ConfigAction::Init => {
            let path = locate(global, env)?.value;
            write_example(&path)?;
            Ok(format!("wrote {}\n", path.display()))
        }
        ConfigAction::Check => check::report(&Config::load(global, env)?, env).await,
    }
}

fn write_example(path: &Path) -> Result<(), ConfigError> {
    let fail = |error: std::io::Error| {
        let shown = path.display();
        ConfigError::new(if error.kind() == std::io::ErrorKind::AlreadyExists {
            format!("{shown} exists already and stays as it is; `ratetop config check` looks at it")
        } else {
            format!("{shown} cannot be written: {error}")
        })
    };
    if let Some(parent) = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(parent).map_err(fail)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(fail)?;
    file.write_all(EXAMPLE.as_bytes()).map_err(fail)
}

/// `ratetop completions SHELL`.
pub fn completions(shell: clap_complete::Shell) -> Vec<u8> {
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "ratetop", &mut out);
    out
}

/// `ratetop man`: the page of the program, then one section for each command.
pub fn man() -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut command = Cli::command();
    command.build();
    clap_mangen::Man::new(command.clone()).render(&mut out)?;
    for sub in command
        .get_subcommands()
        .filter(|sub| sub.get_name() != "help")
    {
        writeln!(out, ".SH COMMAND {}", sub.get_name().to_uppercase())?;
        let page = clap_mangen::Man::new(sub.clone());
        page.render_description_section(&mut out)?;
        page.render_options_section(&mut out)?;
    }
    Ok(out)
}
