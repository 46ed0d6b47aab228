//! Arguments of `ratetop call`.

use crate::domain::{
    batch,
    cache::{self, CacheOrder, Lifetime},
    call::ATTEMPTS_MAX,
    load::{
        pace::Pacing,
        plan::{LONGEST_S, MOST_PER_S, MOST_WORKERS, Plan, Ramp},
        spread::Spread,
    },
    retry::{Broken, Budget, Policy, code::Target},
};
use clap::{
    Args,
    builder::{PossibleValue, PossibleValuesParser, StringValueParser, TypedValueParser},
};
use std::{ffi::OsStr, path::PathBuf, time::Duration};

const RUN: &str = "Runs of many calls";
/// Retries that a run with a budget may make before any call has paid in.
const RESERVE: f64 = 10.0;

/// `ratetop call`. What is not given comes from the profile.
#[derive(Clone, Debug, Default, Args)]
pub struct Call {
    /// Print JSON (ratetop.call/1)
    #[arg(long)]
    pub json: bool,
    /// Model id
    #[arg(long, value_name = "M")]
    pub model: Option<String>,
    /// User message; `-` reads it from stdin
    #[arg(long, value_name = "TEXT|-", allow_hyphen_values = true)]
    pub prompt: Option<String>,
    /// Most tokens to generate
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_tokens: Option<u32>,
    /// Stream the answer
    #[arg(long, overrides_with = "no_stream")]
    pub stream: bool,
    /// Wait for the whole answer
    #[arg(long, overrides_with = "stream")]
    pub no_stream: bool,
    /// What to do after a refusal: one of these, or one that the config file names
    #[arg(long, value_name = "NAME", value_parser = PolicyName)]
    pub policy: Option<String>,
    /// Attempts in all, the first included; 20 at most
    #[arg(long, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..=i64::from(ATTEMPTS_MAX)))]
    pub attempts: Option<u32>,
    /// No attempt begins later than this after the call, whatever the policy
    #[arg(long, value_name = "D", value_parser = span)]
    pub deadline: Option<Duration>,
    /// No wait is longer, whatever the policy; one that the server asked for ends the call instead
    #[arg(long, value_name = "D", value_parser = span)]
    pub max_wait: Option<Duration>,
    /// What to do with an answer that breaks after a 200: as the policy does, surface it, or call anew
    ///
    /// The built-in policies surface it. A new call is a whole one: what the broken answer took is paid
    /// twice, and shown.
    #[arg(long, value_name = "WHAT", value_parser = mid_stream())]
    pub mid_stream: Option<Broken>,
    /// Put a system prompt before the message and have it cached for that long: `5m` or `1h`
    ///
    /// What was written, read and neither, what of it counted towards ITPM, and how many times as many
    /// tokens go through, is told for each call and for all.
    #[arg(long, value_name = "5m|1h")]
    pub cache: Option<Lifetime>,
    /// Tokens of that system prompt, about; twice the model's minimum unless given
    #[arg(long, value_name = "N", requires = "cache",
          value_parser = clap::value_parser!(u32).range(1..=i64::from(cache::MOST_TOKENS)))]
    pub cache_tokens: Option<u32>,
    /// Count the prompt's tokens instead of sending it: free, from a pool of its own
    #[arg(long, conflicts_with = "as_code")]
    pub count_tokens: bool,
    /// Print the policy as code for that target instead, and send nothing
    ///
    /// The Python or TypeScript SDK, tenacity around the Python SDK, or curl. What a target cannot
    /// express is said in the text.
    #[arg(long, value_name = "TARGET", value_parser = targets(), conflicts_with = "json")]
    pub as_code: Option<String>,
    /// Retries that all calls of a run may make together, in percent of calls
    #[arg(long, value_name = "PERCENT", value_parser = share, help_heading = RUN)]
    pub retry_budget: Option<f64>,
    /// Calls at the same time, 1 to 256; each worker makes its next call when the one before is over
    #[arg(long, value_name = "N", allow_negative_numbers = true, help_heading = RUN)]
    pub workers: Option<u32>,
    /// Calls in all; one for each worker unless --duration is given
    #[arg(long, value_name = "N", allow_negative_numbers = true, help_heading = RUN)]
    pub calls: Option<u32>,
    /// Start calls at this rate whatever becomes of them: `5` or `5/s`, `300/min`
    ///
    /// A start for which no worker is free is missed, and counted; there are 256 unless --workers says
    /// otherwise.
    #[arg(long, value_name = "R", value_parser = rate, allow_negative_numbers = true, help_heading = RUN)]
    pub rate: Option<f64>,
    /// Start no call later than this
    #[arg(long, value_name = "D", value_parser = long, help_heading = RUN)]
    pub duration: Option<Duration>,
    /// Come up to the full rate, or to all workers, over this time instead of at once
    #[arg(long, value_name = "D", value_parser = long, help_heading = RUN)]
    pub ramp: Option<Duration>,
    /// The same in N equal steps, 2 to 1000
    #[arg(long, value_name = "N", requires = "ramp", help_heading = RUN)]
    pub steps: Option<u32>,
    /// Hold requests back so that none is refused: by what the server says is left
    ///
    /// HOW is `live` (the default), limits of your own such as `rpm=50,itpm=30k,otpm=8k`, or `aimd`: as
    /// many calls at the same time as the server takes, one more each round, half as many after a refusal.
    #[arg(long, value_name = "HOW", num_args = 0..=1, default_missing_value = "live", value_parser = pacing, help_heading = RUN)]
    pub pace: Option<Pacing>,
    /// Spread the calls over models by shares, or to whichever has most left
    ///
    /// `claude-opus-5-5=3,claude-haiku-4-5=1`, or `headroom:claude-opus-5-5,claude-haiku-4-5`. Each model
    /// is paced by its own limits, and told by itself.
    #[arg(long, value_name = "MODELS", conflicts_with = "model", help_heading = RUN)]
    pub spread: Option<Spread>,
    /// Beside another run: how many 429s, how long, how much
    ///
    /// Without FILE the same run is made first without --pace, and once more with it when the limits are
    /// full again. FILE is what an earlier `ratetop call --json` printed.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, help_heading = RUN)]
    pub compare: Option<Option<PathBuf>>,
    /// Send the calls as one message batch: half price, from pools of its own, done within a day
    ///
    /// It is watched until it is over, and its results are counted; Ctrl-C cancels it. Prints
    /// ratetop.batch/1 with --json.
    #[arg(long, help_heading = RUN, conflicts_with_all = ["workers", "rate", "duration", "ramp", "pace",
          "retry_budget", "spread", "compare", "stream", "count_tokens", "as_code"])]
    pub batch: bool,
    /// Do not ask before a run that may cost more than $0.10
    #[arg(long, help_heading = RUN)]
    pub yes: bool,
}

impl Call {
    /// When calls start; one sentence where the arguments make no sense.
    pub fn plan(&self) -> Result<Plan, String> {
        let workers = match (self.workers, self.rate) {
            (Some(workers), _) => workers,
            (None, Some(_)) => MOST_WORKERS,
            (None, None) => 1,
        };
        let closed = self.rate.is_none() && self.duration.is_none();
        let over_s = self.ramp.map(|ramp| ramp.as_secs_f64());
        let plan = Plan {
            workers,
            rate: self.rate,
            calls: self.calls.or(closed.then_some(workers)),
            duration_s: self.duration.map(|span| span.as_secs_f64()),
            ramp: match (over_s, self.steps) {
                (None, _) => Ramp::None,
                (Some(over_s), None) => Ramp::Linear(over_s),
                (Some(over_s), Some(steps)) => Ramp::Steps { steps, over_s },
            },
        };
        plan.check().map_err(|bad| bad.to_string())?;
        Ok(plan)
    }

    /// The system prompt that is to be cached, if one is, for that model.
    pub fn cache(&self, model: &str) -> Option<CacheOrder> {
        let enough = CacheOrder::enough(self.cache?, model);
        Some(CacheOrder {
            tokens: self.cache_tokens.unwrap_or(enough.tokens),
            ..enough
        })
    }

    /// What of the arguments does not go together; one sentence.
    pub fn agrees(&self) -> Result<(), String> {
        let plan = self.plan()?;
        if self.batch && plan.most_calls() > batch::MOST_REQUESTS {
            return Err(format!(
                "a batch has at most {} calls",
                batch::MOST_REQUESTS
            ));
        }
        let single = plan.is_single();
        let of_a_run = [
            ("--spread", self.spread.is_some()),
            ("--compare", self.compare.is_some()),
            ("--pace", self.pace.is_some()),
            ("--ramp", self.ramp.is_some()),
            ("--retry-budget", self.retry_budget.is_some()),
        ];
        if let Some((flag, _)) = of_a_run.iter().find(|(_, given)| single && *given) {
            return Err(format!(
                "{flag} is for a run of several calls: add --workers or --calls"
            ));
        }
        let empty = |model: &String| model.trim().is_empty();
        if self.model.as_ref().is_some_and(empty) {
            return Err("--model names no model".to_owned());
        }
        if self.compare == Some(None) && self.pace.is_none() {
            return Err(
                "--compare makes the run once without --pace and once with it: add --pace, or name the \
                 file of an earlier run, as in --compare=run.json"
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// The retry budget of all calls, if there is one.
    pub fn budget(&self) -> Option<Budget> {
        let percent = self.retry_budget?;
        let reserve = if percent > 0.0 { RESERVE } else { 0.0 };
        Some(Budget::new(percent / 100.0, reserve))
    }
}

fn span(text: &str) -> Result<std::time::Duration, String> {
    match humantime::parse_duration(text) {
        Ok(span) if !span.is_zero() && span.as_secs() <= 86_400 => Ok(span),
        _ => Err("must be a duration above 0 and at most 1d, such as 500ms or 30s".to_owned()),
    }
}

fn targets() -> PossibleValuesParser {
    PossibleValuesParser::new(Target::ALL.iter().map(|target| target.name()))
}

fn mid_stream() -> impl TypedValueParser<Value = Broken> {
    PossibleValuesParser::new(Broken::ALL.iter().map(|it| it.name()))
        .try_map(|name| name.parse::<Broken>())
}

fn long(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(span) if !span.is_zero() && span.as_secs_f64() <= LONGEST_S => Ok(span),
        _ => Err("must be a duration above 0 and at most 7d, such as 30s or 10m".to_owned()),
    }
}

fn share(text: &str) -> Result<f64, String> {
    match text.trim_end_matches('%').parse::<f64>() {
        Ok(percent) if (0.0..=1_000.0).contains(&percent) => Ok(percent),
        _ => Err("must be from 0 to 1000, such as 10".to_owned()),
    }
}

fn pacing(text: &str) -> Result<Pacing, &'static str> {
    text.parse()
}

/// Any name: those of the config file are known later. The built-in ones are shown and completed.
#[derive(Clone, Copy, Debug)]
struct PolicyName;

impl TypedValueParser for PolicyName {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let names = Policy::ALL.iter().map(|policy| policy.name());
        Some(Box::new(names.map(PossibleValue::new)))
    }
}

/// Starts a second of `5`, `5/s`, `300/min`, `1000/h`.
fn rate(text: &str) -> Result<f64, String> {
    let (number, unit) = text.split_once('/').unwrap_or((text, "s"));
    let per_s = match unit.trim() {
        "s" | "sec" | "second" => 1.0,
        "m" | "min" | "minute" => 60.0,
        "h" | "hour" => 3_600.0,
        _ => 0.0,
    };
    match number.trim().parse::<f64>().map(|number| number / per_s) {
        Ok(rate) if rate > 0.0 && rate <= MOST_PER_S => Ok(rate),
        _ => Err(format!(
            "must be above 0 and at most {MOST_PER_S} a second, such as 5, 5/s or 300/min"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::{Cli, Command};
    use clap::Parser;

    fn plan(flags: &str) -> Result<Plan, String> {
        let words = ["ratetop", "call"]
            .into_iter()
            .chain(flags.split_whitespace());
        match Cli::try_parse_from(words).unwrap().command {
            Some(Command::Call(call)) => call.plan(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_not_said_follows_from_what_is() {
        assert_eq!(plan("").unwrap(), Plan::default());
        let eight = plan("--workers 8").unwrap();
        assert_eq!((eight.workers, eight.calls), (8, Some(8)));
        let timed = plan("--workers 8 --duration 1m").unwrap();
        assert_eq!((timed.calls, timed.duration_s), (None, Some(60.0)));
        let open = plan("--rate 300/min --calls 9 --ramp 30s --steps 3").unwrap();
        assert_eq!((open.workers, open.rate), (MOST_WORKERS, Some(5.0)));
        assert_eq!(
            open.ramp,
            Ramp::Steps {
                steps: 3,
                over_s: 30.0
            }
        );
    }

    #[test]
    fn what_only_a_run_can_do_is_not_silently_left_out_of_one_call() {
        let agrees = |flags: &[&str]| {
            let words = ["ratetop", "call"].iter().chain(flags);
            match Cli::try_parse_from(words).unwrap().command {
                Some(Command::Call(call)) => call.agrees(),
                other => panic!("{other:?}"),
            }
        };
        for flags in [
            &["--pace"][..],
            &["--ramp", "9s"],
            &["--retry-budget", "10"],
            &["--spread", "a=1,b=1"],
            &["--compare=run.json"],
        ] {
            let why = agrees(flags).unwrap_err();
            let flag = flags[0].split('=').next().unwrap();
            assert_eq!(
                why,
                format!("{flag} is for a run of several calls: add --workers or --calls")
            );
            let run = [flags, &["--workers", "2"]].concat();
            assert_eq!(agrees(&run), Ok(()), "{run:?}");
        }
        assert_eq!(
            agrees(&["--model", " "]).unwrap_err(),
            "--model names no model"
        );
    }

    #[test]
    fn nonsense_is_refused_with_a_reason() {
        for (flags, why) in [
            ("--workers 0", "workers must be from 1 to 256"),
            ("--workers 257", "workers must be from 1 to 256"),
            ("--calls 0", "calls must be from 1 to 1000000"),
            ("--rate 5", "calls or a duration must be given"),
            ("--workers 2 --ramp 9s --steps 1", "ramp must have from 2"),
        ] {
            let refused = plan(flags).unwrap_err();
            assert!(refused.starts_with(why), "{flags}: {refused}");
        }
    }
}
