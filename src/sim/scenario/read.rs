//! From a TOML text to a checked world, with sentences for people when that fails.

use super::{Client, PoolSpec, Scenario, catalogue};
use crate::domain::{
    clean::clean,
    limit::KNOWN,
    near::{line_of, meant, sentence},
    retry::Policy,
};

/// Why a scenario cannot be used: one sentence with file, line where there is one, and the nearest
/// valid name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadScenario(String);

impl BadScenario {
    /// What a file says is quoted, so it is cleaned like any text from outside.
    fn new(sentence: &str) -> Self {
        Self(clean(sentence, LONGEST))
    }
}

/// Characters of a sentence; a name in it may be of any length.
const LONGEST: usize = 500;

/// Name and text of each built-in world, the default first. To add one: a file and a row.
const BUILT_IN: &[(&str, &str)] = &[
    (
        "busy-afternoon",
        include_str!("../../../assets/scenarios/busy-afternoon.toml"),
    ),
    ("idle", include_str!("../../../assets/scenarios/idle.toml")),
    ("calm", include_str!("../../../assets/scenarios/calm.toml")),
    (
        "tight-output",
        include_str!("../../../assets/scenarios/tight-output.toml"),
    ),
    ("ramp", include_str!("../../../assets/scenarios/ramp.toml")),
    (
        "overloaded",
        include_str!("../../../assets/scenarios/overloaded.toml"),
    ),
    (
        "noisy-neighbour",
        include_str!("../../../assets/scenarios/noisy-neighbour.toml"),
    ),
    (
        "spend-cap",
        include_str!("../../../assets/scenarios/spend-cap.toml"),
    ),
    (
        "cold-cache",
        include_str!("../../../assets/scenarios/cold-cache.toml"),
    ),
    ("tiny", include_str!("../../../assets/scenarios/tiny.toml")),
    ("bare", include_str!("../../../assets/scenarios/bare.toml")),
    (
        "subscription",
        include_str!("../../../assets/scenarios/subscription.toml"),
    ),
    (
        "mid-stream",
        include_str!("../../../assets/scenarios/mid-stream.toml"),
    ),
    (
        "flood",
        include_str!("../../../assets/scenarios/flood.toml"),
    ),
];

impl Scenario {
    /// The world that a demo shows unless told otherwise.
    pub const DEFAULT: &'static str = "busy-afternoon";

    /// Names of the built-in worlds, the default first.
    pub fn names() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, _)| *name)
    }

    /// A built-in world.
    pub fn named(name: &str) -> Result<Self, BadScenario> {
        let Some((name, text)) = BUILT_IN.iter().find(|(known, _)| *known == name) else {
            let names: Vec<&str> = Self::names().collect();
            return Err(BadScenario::new(&format!(
                "there is no scenario `{name}`{}; built in are {}, and a path to a .toml file works too",
                meant(name, names.iter().copied()),
                names.join(", "),
            )));
        };
        let mut world = Self::parse(text, &format!("scenario {name}"))?;
        (*name).clone_into(&mut world.name);
        Ok(world)
    }

    /// A world from the text of a file; `file` is named in errors.
    pub fn parse(text: &str, file: &str) -> Result<Self, BadScenario> {
        let mut world: Self = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(String::new(), |span| {
                format!(", line {}", line_of(text, span.start))
            });
            BadScenario::new(&format!("{file}{at}: {}", sentence(error.message())))
        })?;
        std::path::Path::new(file)
            .file_stem()
            .map_or(file, |stem| stem.to_str().unwrap_or(file))
            .clone_into(&mut world.name);
        world.complete().map_err(|(word, why)| {
            let at = text
                .find(&format!("\"{word}\""))
                .or_else(|| text.find(&word))
                .map_or(String::new(), |start| {
                    format!(", line {}", line_of(text, start))
                });
            BadScenario::new(&format!("{file}{at}: {why}"))
        })?;
        Ok(world)
    }

    /// Fills in what the tier brings and checks names and numbers. The error is the offending word
    /// and a sentence.
    fn complete(&mut self) -> Result<(), (String, String)> {
        let mut pools = catalogue::pools(self.tier);
        let known = catalogue::pools(super::Tier::Build);
        for change in std::mem::take(&mut self.pools) {
            let at = pools.iter().position(|pool| pool.name == change.name);
            let base = match at {
                Some(at) => pools.remove(at),
                None => known
                    .iter()
                    .find(|pool| pool.name == change.name)
                    .map(|pool| PoolSpec {
                        limits: std::collections::BTreeMap::new(),
                        ..pool.clone()
                    })
                    .unwrap_or_default(),
            };
            let at = at.unwrap_or_else(|| {
                pools
                    .iter()
                    .position(|pool| pool.kind != "model_group")
                    .unwrap_or(pools.len())
            });
            pools.insert(at, over(base, change));
        }
        for pool in &mut pools {
            if pool.kind.is_empty() {
                "model_group".clone_into(&mut pool.kind);
            }
            if pool.id.is_empty() {
                pool.id = format!("rlg_sim_{}", pool.name.replace(' ', "_"));
            }
            pool.limits.retain(|_, value| *value > 0);
            for limiter in pool.limits.keys().chain(pool.start.keys()) {
                known_limiter(limiter)?;
            }
            for share in pool.start.values() {
                if !(-1.0..=1.0).contains(share) {
                    return Err((
                        pool.name.clone(),
                        format!(
                            "a start level of pool `{}` must be between -1 and 1",
                            pool.name
                        ),
                    ));
                }
            }
            if pool.kind == "model_group" && pool.models.is_empty() {
                return Err((
                    pool.name.clone(),
                    format!(
                        "pool `{}` is not in the catalogue, so it needs `models`",
                        pool.name
                    ),
                ));
            }
        }
        self.pools = pools;
        for workspace in &self.workspaces {
            for (pool, limits) in &workspace.limits {
                let names: Vec<&str> = self.pools.iter().map(|pool| pool.name.as_str()).collect();
                if !names.contains(&pool.as_str()) {
                    return Err((
                        pool.clone(),
                        format!(
                            "there is no pool `{pool}`{}",
                            meant(pool, names.into_iter())
                        ),
                    ));
                }
                limits
                    .keys()
                    .try_for_each(|limiter| known_limiter(limiter))?;
            }
        }
        if let Some(name) = &self.workspace {
            let found = self
                .workspaces
                .iter()
                .find(|w| w.name == *name || w.id == *name);
            let Some(found) = found else {
                return Err((
                    name.clone(),
                    format!(
                        "there is no workspace `{name}`{}",
                        meant(name, self.workspaces.iter().map(|w| w.name.as_str()))
                    ),
                ));
            };
            self.workspace = Some(found.id.clone());
        }
        for client in self.me.iter().chain(&self.unseen) {
            self.check(client)?;
        }
        for fault in &self.faults {
            if !(0.0..=1.0).contains(&fault.share) {
                return Err((
                    "share".into(),
                    "the share of a fault must be between 0 and 1".into(),
                ));
            }
            fault
                .models
                .iter()
                .try_for_each(|model| self.known_model(model))?;
        }
        if !(self.batches.clock > 0.0 && self.batches.clock <= 1e6) {
            return Err((
                "clock".into(),
                "the clock of batches must be above 0 and at most 1000000".into(),
            ));
        }
        ordered("takes_s", self.batches.takes_s)?;
        ordered("tokens", self.answers.tokens)?;
        ordered("first_byte_s", self.answers.first_byte_s)?;
        ordered("tokens_per_s", self.answers.tokens_per_s)
    }

    fn check(&self, client: &Client) -> Result<(), (String, String)> {
        self.known_model(&client.model)?;
        ordered("input", client.input)?;
        ordered("output", client.output)?;
        if !(client.per_minute > 0.0 && client.per_minute <= 60_000.0) {
            return Err((
                client.name.clone(),
                format!(
                    "per_minute of client `{}` must be above 0 and at most 60000",
                    client.name
                ),
            ));
        }
        if let Some(policy) = &client.policy
            && Policy::named(policy).is_none()
        {
            let names = Policy::ALL.iter().map(|policy| policy.name());
            return Err((
                policy.clone(),
                format!("there is no policy `{policy}`{}", meant(policy, names)),
            ));
        }
        Ok(())
    }

    fn known_model(&self, model: &str) -> Result<(), (String, String)> {
        let mut names = self.pools.iter().flat_map(|pool| &pool.models);
        if names.any(|name| name == model) {
            return Ok(());
        }
        let names = self
            .pools
            .iter()
            .flat_map(|pool| &pool.models)
            .map(String::as_str);
        Err((
            model.into(),
            format!("no pool serves the model `{model}`{}", meant(model, names)),
        ))
    }
}

fn over(mut base: PoolSpec, change: PoolSpec) -> PoolSpec {
    base.name = change.name;
    if !change.id.is_empty() {
        base.id = change.id;
    }
    if !change.kind.is_empty() {
        base.kind = change.kind;
    }
    if !change.models.is_empty() {
        base.models = change.models;
    }
    base.limits.extend(change.limits);
    base.start.extend(change.start);
    base
}

fn known_limiter(limiter: &str) -> Result<(), (String, String)> {
    let mut names = KNOWN.iter().map(|known| known.limiter);
    if names.clone().any(|name| name == limiter) {
        return Ok(());
    }
    Err((
        limiter.into(),
        format!(
            "there is no limiter `{limiter}`{}",
            meant(limiter, &mut names)
        ),
    ))
}

fn ordered(what: &str, (low, high): (f64, f64)) -> Result<(), (String, String)> {
    if low.is_finite() && high.is_finite() && 0.0 <= low && low <= high && high < 1e9 {
        return Ok(());
    }
    Err((
        what.into(),
        format!("`{what}` must be [lowest, highest], both at least 0"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn every_built_in_world_reads_and_is_a_file() {
        for name in Scenario::names() {
            let world = Scenario::named(name).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(world.name, name);
            assert!(!world.about.is_empty() && !world.pools.is_empty());
        }
        let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/scenarios"));
        assert_eq!(files.unwrap().count(), Scenario::names().count());
        assert_eq!(Scenario::names().next(), Some(Scenario::DEFAULT));
    }

    #[rstest]
    #[case::key("about = \"x\"\n\n[answers]\ntokns = [1, 2]", &["line 4", "`tokns`", "did you mean `tokens`?"])]
    #[case::top("about = \"x\"\npool = []", &["line 2", "unknown key `pool`", "did you mean `pools`?"])]
    #[case::value("about = \"x\"\n[headers]\ntokens = \"combind\"", &["line 3", "did you mean `combined`?"])]
    #[case::kind("about = \"x\"\n[answers]\ntokens = 5", &["line 3"])]
    #[case::syntax("about = \"x\"\ntier = ", &["line 2"])]
    #[case::limiter("about = \"x\"\n[[pools]]\nname = \"Opus 5.5\"\nlimits = { request_per_minute = 5 }", &["line 4", "did you mean `requests_per_minute`?"])]
    #[case::model("about = \"x\"\n[[me]]\nname = \"a\"\nmodel = \"claude-opus-5_5\"\nper_minute = 1\ninput = [1, 2]\noutput = [1, 2]", &["line 4", "did you mean `claude-opus-5-5`?"])]
    #[case::range("about = \"x\"\n[answers]\ntokens = [9, 2]", &["line 3", "lowest, highest"])]
    #[case::about("tier = \"build\"", &["about"])]
    fn a_mistake_is_named_with_its_line(#[case] text: &str, #[case] parts: &[&str]) {
        let error = Scenario::parse(text, "my.toml").unwrap_err().to_string();
        assert!(
            error.starts_with("my.toml") && !error.contains('\n'),
            "{error}"
        );
        for part in parts {
            assert!(error.contains(part), "{part} is not in: {error}");
        }
    }

    #[rstest]
    #[case("busy-afternoon", Some("claude-haiku-4-5"))]
    #[case("tight-output", Some("claude-sonnet-5-5"))]
    #[case("ramp", Some("claude-opus-5-5"))]
    #[case("overloaded", Some("claude-sonnet-5-5"))]
    #[case("noisy-neighbour", Some("claude-sonnet-5-5"))]
    #[case("spend-cap", Some("claude-opus-5-5"))]
    #[case("cold-cache", Some("claude-sonnet-5-5"))]
    #[case("tiny", Some("claude-haiku-4-5"))]
    #[case("mid-stream", Some("claude-sonnet-5-5"))]
    #[case("idle", None)]
    fn a_test_call_in_the_demo_meets_what_the_scenario_shows(
        #[case] name: &str,
        #[case] model: Option<&str>,
    ) {
        assert_eq!(Scenario::named(name).unwrap().point(), model);
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest() {
        let error = Scenario::named("noisy-neighbor").unwrap_err().to_string();
        assert!(error.contains("did you mean `noisy-neighbour`?"), "{error}");
    }

    #[test]
    fn a_pool_of_the_tier_can_be_changed_in_place() {
        let text = "about = \"x\"\n[[pools]]\nname = \"Opus 5\"\nlimits = { requests_per_minute = 7, output_tokens_per_minute = 0 }";
        let world = Scenario::parse(text, "x").unwrap();
        let pool = world
            .pools
            .iter()
            .find(|pool| pool.name == "Opus 5")
            .unwrap();
        assert_eq!(pool.limits.get("requests_per_minute"), Some(&7));
        assert_eq!(pool.limits.get("output_tokens_per_minute"), None);
        assert_eq!(
            pool.limits.get("input_tokens_per_minute_cache_aware"),
            Some(&5_000_000)
        );
        assert_eq!(pool.models, ["claude-opus-5"]);
    }
}
