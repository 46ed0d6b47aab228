//! `[policies.NAME]` of the config file: retry policies of one's own, checked when they are read.

use super::{
    error::{ConfigError, hint},
    section::{Origin, Section},
};
use crate::domain::{
    call::ATTEMPTS_MAX,
    clean::clean,
    retry::{Backoff, Defined, Jitter, Policy, RetryOn},
};

/// The shortest first backoff, seconds: a shorter one would be `immediate` under another name.
const LEAST_BASE_S: f64 = 0.1;
/// The longest backoff and budget, seconds.
const LONGEST_S: f64 = 86_400.0;

/// Built-in policies, then those of the file.
pub fn read(section: &Section<'_>) -> Result<Vec<Policy>, ConfigError> {
    let mut all = Policy::ALL.to_vec();
    for (name, from) in section.keys() {
        check_name(name).map_err(|what| from.error(what))?;
        if let Some(at) = section.section(name)? {
            all.push(Defined::policy(name, backoff(name, &from, at)?));
        }
    }
    Ok(all)
}

/// The policy of that name, or one sentence that names the nearest.
pub fn find(all: &[Policy], name: &str) -> Result<Policy, String> {
    let found = all.iter().find(|policy| policy.name() == name);
    found.copied().ok_or_else(|| {
        let names = all.iter().map(|policy| policy.name());
        format!("no policy `{}`{}", clean(name, 40), hint(name, names))
    })
}

/// What is not set is as in the default policy.
fn backoff(name: &str, from: &Origin, at: Section<'_>) -> Result<Backoff, ConfigError> {
    let mut backoff = Backoff::DEFAULT;
    let seconds = |key: &str, slot: &mut f64| {
        if let Some(found) = at.duration(key, 0)? {
            if !(LEAST_BASE_S..=LONGEST_S).contains(&found.value) {
                return Err(found.from.error(format_args!(
                    "`{key}` in [policies.{name}] must be from 100ms to 1d"
                )));
            }
            *slot = found.value;
        }
        Ok(())
    };
    seconds("base", &mut backoff.base_s)?;
    seconds("cap", &mut backoff.cap_s)?;
    let mut budget_s = f64::NAN;
    seconds("budget", &mut budget_s)?;
    if budget_s.is_finite() {
        backoff.budget_s = Some(budget_s);
    }
    if let Some(factor) = at.number("factor", 1.0..=100.0)? {
        backoff.factor = factor.value;
    }
    let jitters = [
        ("none", Jitter::None),
        ("full", Jitter::Full),
        ("equal", Jitter::Equal),
        ("decorrelated", Jitter::Decorrelated),
    ];
    if let Some(word) = at.word("jitter", &jitters.map(|(word, _)| word))? {
        let found = jitters.iter().find(|(known, _)| *known == word.value);
        backoff.jitter = found.map_or(backoff.jitter, |(_, jitter)| *jitter);
    }
    if let Some(word) = at.word("hint", &["obey", "ignore"])? {
        backoff.obeys_hint = word.value == "obey";
    }
    if let Some(list) = at.list("retry_on")? {
        backoff.retry_on = list.try_map(|words| retry_on(name, &words))?.value;
    }
    if let Some(attempts) = at.count("attempts", 1..=ATTEMPTS_MAX)? {
        backoff.attempts = attempts.value;
    }
    at.finish()?;
    if backoff.cap_s < backoff.base_s {
        return Err(from.error(format_args!(
            "[policies.{name}]: `cap` must not be below `base`"
        )));
    }
    Ok(backoff)
}

/// `429`, `5xx`, `connections`, `streams`.
fn retry_on(name: &str, words: &[String]) -> Result<RetryOn, String> {
    let mut statuses = Vec::new();
    for word in words {
        let one = || {
            word.parse::<u16>()
                .ok()
                .filter(|it| (400..600).contains(it))
        };
        match word.as_str() {
            "connections" | "streams" => {}
            "4xx" => statuses.push((400, 499)),
            "5xx" => statuses.push((500, 599)),
            _ => match one() {
                Some(status) => statuses.push((status, status)),
                None => {
                    return Err(format!(
                        "`retry_on` in [policies.{name}] does not know \"{}\": \
                         a status such as 429, 4xx, 5xx, connections or streams",
                        clean(word, 40)
                    ));
                }
            },
        }
    }
    let has = |what: &str| words.iter().any(|word| word == what);
    Ok(RetryOn {
        statuses: statuses.into(),
        connections: has("connections"),
        streams: has("streams"),
    })
}

fn check_name(name: &str) -> Result<(), String> {
    let shown = clean(name, 40);
    if Policy::named(name).is_some() {
        return Err(format!(
            "policy `{shown}` is built in: give yours another name"
        ));
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if name.is_empty() || name.len() > 40 || !name.bytes().all(plain) {
        return Err(format!(
            "policy name `{shown}` must be 1 to 40 of a-z, A-Z, 0-9, `.`, `_`, `-`"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::section::Source;
    use rstest::rstest;
    use std::path::Path;

    fn policies(text: &str) -> Result<Vec<Policy>, String> {
        let source = Source::new(Path::new("c.toml"), text.to_owned());
        let table = source.parse().map_err(|it| it.sentence)?;
        let top = Section::top(&source, table.get_ref());
        let section = top.section("policies").unwrap().unwrap();
        read(&section).map_err(|it| it.sentence)
    }

    #[test]
    fn what_is_set_counts_and_the_rest_is_the_default() {
        let all = policies(
            "[policies.gentle]\nbase = \"2s\"\ncap = \"5m\"\nattempts = 8\n\
             retry_on = [\"429\", \"5xx\", \"streams\"]\n",
        )
        .unwrap();
        assert_eq!(all.len(), Policy::ALL.len() + 1);
        let gentle = find(&all, "gentle").unwrap();
        let Policy::Defined(defined) = gentle else {
            panic!("{gentle:?}");
        };
        let backoff = Backoff {
            base_s: 2.0,
            cap_s: 300.0,
            attempts: 8,
            retry_on: RetryOn {
                statuses: vec![(429, 429), (500, 599)].into(),
                connections: false,
                streams: true,
            },
            ..Backoff::DEFAULT
        };
        assert_eq!(defined.backoff(), &backoff);
        assert_eq!(find(&all, "sdk"), Ok(Policy::Sdk));
        let wrong = find(&all, "gentel").unwrap_err();
        assert!(wrong.contains("did you mean `gentle`"), "{wrong}");
    }

    #[rstest]
    #[case("bse = \"1s\"", "c.toml:2: unknown key `bse` in [policies.p]")]
    #[case("bse = \"1s\"", "`base`")]
    #[case(
        "base = \"1ms\"",
        "c.toml:2: `base` in [policies.p] must be from 100ms to 1d"
    )]
    #[case("base = 1", "must be a duration")]
    #[case(
        "base = \"9s\"\ncap = \"1s\"",
        "c.toml:1: [policies.p]: `cap` must not be below `base`"
    )]
    #[case(
        "factor = 0.5",
        "c.toml:2: `factor` in [policies.p] must be from 1 to 100"
    )]
    #[case("jitter = \"ful\"", "`full`")]
    #[case("hint = \"maybe\"", "does not know")]
    #[case("attempts = 21", "must be from 1 to 20")]
    #[case("retry_on = [\"200\"]", "does not know \"200\"")]
    fn nonsense_is_told_with_its_line(#[case] text: &str, #[case] why: &str) {
        let refused = policies(&format!("[policies.p]\n{text}\n")).unwrap_err();
        assert!(refused.contains(why), "{refused}");
    }

    #[test]
    fn a_name_that_is_taken_or_odd_is_refused() {
        for (name, why) in [("sdk", "is built in"), ("\"a b\"", "must be 1 to 40 of")] {
            let refused = policies(&format!("[policies.{name}]\n")).unwrap_err();
            assert!(refused.contains(why), "{refused}");
        }
    }
}
