//! The tool's own log: files of a day, at most five, never the screen.

use super::private;
use std::{io, path::Path};
pub use tracing_appender::non_blocking::WorkerGuard as Guard;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::{filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

/// Days kept.
const FILES: usize = 5;
/// Starts the log in `directory`. `level` is the value of RATETOP_LOG: `debug` for ours alone, or
/// directives such as `ratetop::api=trace,hyper=debug`; keys are in no message at any level. Keep the
/// guard until the very end: it writes what is still queued.
///
/// # Errors
/// When the directory cannot be used, the level is not one, or a log runs already.
pub fn start(directory: &Path, level: &str) -> Result<Guard, String> {
    let directives = if level.contains(['=', ',']) {
        level.to_owned()
    } else {
        format!("ratetop={level}")
    };
    let filter = directives
        .parse::<Targets>()
        .map_err(|error| format!("RATETOP_LOG is not a level such as \"debug\": {error}"))?;
    let file = open(directory)
        .map_err(|error| format!("the log in {} cannot be used: {error}", directory.display()))?;
    let (writer, guard) = tracing_appender::non_blocking(file);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(writer)
        .with_ansi(false);
    tracing_subscriber::registry()
        .with(lines)
        .with(filter)
        .try_init()
        .map_err(|error| format!("the log cannot be started: {error}"))?;
    Ok(guard)
}

fn open(directory: &Path) -> io::Result<RollingFileAppender> {
    private::directory(directory)?;
    // The appender makes tomorrow's file itself, so the process's mask has to see to its mode.
    #[cfg(unix)]
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let appender = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("ratetop")
        .filename_suffix("log")
        .max_log_files(FILES)
        .build(directory)
        .map_err(io::Error::other)?;
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|it| it == "log") {
            private::tighten(&path, 0o600)?;
        }
    }
    Ok(appender)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_wrong_level_is_a_sentence() {
        let dir = tempfile::tempdir().unwrap();
        let error = start(dir.path(), "loud").unwrap_err();
        assert!(
            error.starts_with("RATETOP_LOG is not a level such as \"debug\": "),
            "{error}"
        );
    }

    #[cfg(unix)]
    #[test]
    fn only_the_user_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let logs = dir.path().join("state/log");
        open(&logs).unwrap().write_all(b"x").unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&logs), 0o700);
        let files: Vec<_> = std::fs::read_dir(&logs)
            .unwrap()
            .map(|it| it.unwrap().path())
            .collect();
        assert_eq!(files.len(), 1);
        assert!(files.iter().all(|file| mode(file) == 0o600));
    }
}
