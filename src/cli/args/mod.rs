//! Arguments.

pub use super::call::Call;
use clap::{Args, Parser, Subcommand, builder::PossibleValuesParser};
use std::{ffi::OsString, net::SocketAddr, path::PathBuf};

/// htop for Claude API rate limits.
///
/// Shows how much of every limit is left, on which evidence and for how long, and what a refused
/// call should do next. Without a command: the terminal UI.
#[derive(Clone, Debug, Parser)]
#[command(name = "ratetop", version, max_term_width = 100, after_help = AFTER)]
pub struct Cli {
    /// Flags of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do; the terminal UI when absent.
    #[command(subcommand)]
    pub command: Option<Command>,
}

const AFTER: &str = "\
Keys come from a profile in the config file (`ratetop config init`). ANTHROPIC_API_KEY, \
ANTHROPIC_ADMIN_KEY and ANTHROPIC_BASE_URL make the profile `env`, which is used only when no profile is \
chosen, or by `--profile env`. Without any: `ratetop demo`.

Exit codes: 0 fine, 1 failure, 2 usage or configuration, 3 below the threshold, 4 key refused, \
5 unreachable, 6 cannot tell.";

/// Flags of every command.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Everywhere")]
pub struct Global {
    /// Config file; else RATETOP_CONFIG, else the platform's config directory
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Profile of the config file; else RATETOP_PROFILE, else its default_profile
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// Refuse everything that costs
    #[arg(long, global = true)]
    pub read_only: bool,
    /// Most that this session may spend, US dollars
    #[arg(long, global = true, value_name = "USD", value_parser = usd)]
    pub max_spend: Option<f64>,
    /// Show the tap that tells what passes at URL (its --admin address) in the terminal UI, and only look
    #[arg(long, global = true, value_name = "URL", conflicts_with = "profile")]
    pub attach: Option<String>,
    /// Theme of the terminal UI: auto, dark, light, …
    #[arg(long, global = true, value_name = "NAME", value_parser = PossibleValuesParser::new(theme_names()), hide_possible_values = true)]
    pub theme: Option<String>,
    /// Draw with ASCII only
    #[arg(long, global = true)]
    pub ascii: bool,
    /// Leave the mouse to the terminal
    #[arg(long, global = true)]
    pub no_mouse: bool,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// The terminal UI on the built-in simulator with its own traffic: no key, no cost
    Demo(World),
    /// The simulator alone
    ///
    /// Serves the API's wire format on loopback. Accepts the keys sk-ant-api03-ratetop-sim and
    /// sk-ant-admin01-ratetop-sim, and refuses any other as the API does.
    Sim(Sim),
    /// The tap alone: pass your own traffic through it and see what is left
    ///
    /// Point any program at it with ANTHROPIC_BASE_URL. It changes nothing of what passes, adds no
    /// key and keeps no prompt or answer. Refusals are told on stderr as they come, totals at the end
    /// (Ctrl-C).
    Tap(Tap),
    /// A command with a tap of its own; verdicts and totals at its end
    ///
    /// Sets ANTHROPIC_BASE_URL for CMD and ends with its exit code (126: it cannot be run, 127: it does
    /// not exist, 128 and more: a signal ended it).
    Exec(Exec),
    /// The board, once
    Status(Status),
    /// Configured limits of the organization and of every workspace
    Limits(Limits),
    /// A test call, or a run of many
    ///
    /// One call prints its answer, and on stderr its attempts. With --workers, --calls, --rate or
    /// --duration it is a run: many calls by one policy, and what came of them. Ctrl-C ends it with the
    /// result so far.
    Call(Box<Call>),
    /// What a gateway, or the tap, does to what passes it
    ///
    /// Starts an upstream of its own on loopback. Point the gateway's upstream there and it is seen from
    /// both ends, at no cost: retry-after, rate-limit headers, request ids, events, compression, big
    /// bodies, and more. A gateway that leads elsewhere gets one call of one token.
    ///
    /// Exit codes: 0 everything passes, 1 something is lost, 6 nothing is lost as far as can be seen.
    Doctor(Doctor),
    /// The config file
    Config {
        /// What about it.
        #[command(subcommand)]
        action: ConfigAction,
    },
    /// Shell completions on stdout
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// The manual page on stdout
    Man,
}

/// A simulated world.
#[derive(Clone, Debug, Default, Args)]
pub struct World {
    /// A built-in scenario, or a TOML file
    #[arg(long, value_name = "NAME|FILE")]
    pub scenario: Option<String>,
    /// Seed of everything random in it
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

/// `ratetop sim`.
#[derive(Clone, Debug, Args)]
pub struct Sim {
    /// Where to listen; port 0 picks a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4787")]
    pub listen: SocketAddr,
    /// What to play.
    #[command(flatten)]
    pub world: World,
    /// Print the address as JSON
    #[arg(long)]
    pub json: bool,
}

/// `ratetop tap`.
#[derive(Clone, Debug, Args)]
pub struct Tap {
    /// Where to listen; port 0 picks a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4788")]
    pub listen: SocketAddr,
    /// Where requests go; else the profile's base_url, else ANTHROPIC_BASE_URL, else the API
    #[arg(long, value_name = "URL")]
    pub upstream: Option<String>,
    /// Speak HTTP/2 to upstream, and nothing else; header names arrive there in lower case
    #[arg(long)]
    pub http2: bool,
    /// Listen beyond this machine too; needs --token-file
    #[arg(long, requires = "token_file")]
    pub allow_remote: bool,
    /// Let only those pass who know the token in FILE (mode 0600)
    ///
    /// Clients send it in the header x-ratetop-token, or put /t/TOKEN behind the address; it is taken
    /// off before requests go on.
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Where others attach (`ratetop --attach URL`), or `off`; port 0 picks a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4789")]
    pub admin: Port,
    /// Tell what passes and what is left to Prometheus, at ADDR (127.0.0.1:9478 when absent), /metrics
    #[arg(long, value_name = "ADDR", num_args = 0..=1, default_value = "off", default_missing_value = "127.0.0.1:9478", hide_default_value = true)]
    pub metrics: Port,
    /// Trouble on purpose, for trying your own client: a plan by name, or a TOML file
    ///
    /// 429-storm, overloaded, slow-first-byte, error-after-200, cut-stream, ramp. Answers that it
    /// touches carry the header x-ratetop-chaos. Upstream must be `ratetop sim`, unless there is --yes.
    #[arg(long, value_name = "NAME|FILE")]
    pub chaos: Option<String>,
    /// Chaos in front of any upstream
    #[arg(long, requires = "chaos")]
    pub yes: bool,
    /// Print the address as JSON
    #[arg(long)]
    pub json: bool,
}

/// Where a port beside the tap's own listens, if it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// It does not.
    Off,
    /// There.
    At(SocketAddr),
}

impl std::str::FromStr for Port {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self::Off);
        }
        let address = text.parse().map(Self::At);
        address.map_err(|_| "must be an address with a port, such as 127.0.0.1:4789, or off".into())
    }
}

/// `ratetop exec`.
#[derive(Clone, Debug, Args)]
pub struct Exec {
    /// Where requests go; else --profile's base_url, else ANTHROPIC_BASE_URL, else the profile, else
    /// the API
    #[arg(long, value_name = "URL")]
    pub upstream: Option<String>,
    /// Speak HTTP/2 to upstream, and nothing else; header names arrive there in lower case
    #[arg(long)]
    pub http2: bool,
    /// The command and its arguments
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        required = true,
        value_name = "CMD"
    )]
    pub command: Vec<OsString>,
}

/// `ratetop status`.
#[derive(Clone, Debug, Default, Args)]
pub struct Status {
    /// Print JSON (ratetop.status/1)
    #[arg(long, conflicts_with = "line")]
    pub json: bool,
    /// Print one line for a prompt or status bar
    ///
    /// TEMPLATE may hold {pool} {dimension} {percent} {remaining} {limit} {empty_in} {full_in}
    /// {age} {state} {source} {profile} {organization} of the tightest gauge. What is not known
    /// is `?`; {empty_in} and {full_in} are empty when there is nothing to say.
    #[arg(long, value_name = "TEMPLATE", num_args = 0..=1, default_missing_value = crate::report::line::DEFAULT)]
    pub line: Option<String>,
    /// Again and again, every INTERVAL (10s unless given); with --json one object a line
    #[arg(long, value_name = "INTERVAL", num_args = 0..=1, default_missing_value = "10s", value_parser = interval)]
    pub watch: Option<std::time::Duration>,
    /// Send a one-token call to MODEL first, for live headers; may be given more than once
    #[arg(long, value_name = "MODEL")]
    pub probe: Vec<String>,
    /// Exit 3 when any gauge has less than PERCENT left, 6 when none can be told
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub fail_under: Option<f64>,
}

/// `ratetop limits`.
#[derive(Clone, Debug, Default, Args)]
pub struct Limits {
    /// Print JSON (ratetop.limits/1)
    #[arg(long)]
    pub json: bool,
    /// Only this workspace's overrides
    #[arg(long, value_name = "ID")]
    pub workspace: Option<String>,
}

/// `ratetop doctor`.
#[derive(Clone, Debug, Args)]
pub struct Doctor {
    /// The gateway's base URL; that of the profile when absent
    ///
    /// A profile's key is sent only to the base URL of that profile; elsewhere a stand-in goes.
    #[arg(value_name = "URL")]
    pub url: Option<String>,
    /// Where the upstream of its own listens; port 0 picks a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4790", value_parser = loopback)]
    pub upstream: SocketAddr,
    /// A model id that the gateway knows
    #[arg(long, value_name = "M")]
    pub model: Option<String>,
    /// Print JSON (ratetop.doctor/1)
    #[arg(long)]
    pub json: bool,
}

/// `ratetop config …`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub enum ConfigAction {
    /// Write an example with every key; refuses to overwrite
    Init,
    /// Print where the file is, or would be
    Path,
    /// Say where each value comes from, without showing keys
    Check,
}

/// Themes by name; `auto` looks at the terminal.
pub fn theme_names() -> Vec<&'static str> {
    let themes = crate::ui::theme::THEMES.iter().map(|(name, _)| *name);
    std::iter::once("auto").chain(themes).collect()
}

fn usd(text: &str) -> Result<f64, String> {
    match text.trim_start_matches('$').parse::<f64>() {
        Ok(usd) if usd.is_finite() && usd >= 0.0 => Ok(usd),
        _ => Err("must be an amount in US dollars, such as 0.50".to_owned()),
    }
}

fn loopback(text: &str) -> Result<SocketAddr, String> {
    match text.parse::<SocketAddr>() {
        Ok(address) if address.ip().is_loopback() => Ok(address),
        Ok(_) => Err("must be on this machine, such as 127.0.0.1:4790".to_owned()),
        Err(_) => Err("must be an address with a port, such as 127.0.0.1:4790".to_owned()),
    }
}

fn percent(text: &str) -> Result<f64, String> {
    match text.trim_end_matches('%').parse::<f64>() {
        Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(percent),
        _ => Err("must be from 0 to 100".to_owned()),
    }
}

fn interval(text: &str) -> Result<std::time::Duration, String> {
    match humantime::parse_duration(text) {
        Ok(span) if (1..=86_400).contains(&span.as_secs()) => Ok(span),
        _ => Err("must be a duration from 1s to 1d".to_owned()),
    }
}

#[cfg(test)]
mod tests;
