//! One profile at work: its keys fetched, its ways out, its purse, and what is known of its limits.

use super::purse::LedgerPurse;
use crate::{
    api::{
        call::{Around, Driver, Ear, Purse},
        connection::Connection,
        count,
        limits::Poller,
        models,
        simulator::{self, Listener},
    },
    app::event::{FormDefaults, ProfileCard},
    assets,
    cli::{
        environment::{Environment, Paths},
        key::is_admin,
        profile::{self, AdminAddress, Profile},
        section::Origin,
    },
    clock::Clock,
    domain::{
        count::{Count, CountOrder},
        id::{GroupId, ModelId},
        observation::{Observation, What},
        org::{Group, GroupKind, Override},
    },
    net::{
        base::Base,
        outbound::{Options, Outbound},
        transport::Transport,
    },
    store::ledger::{Ledger, Purpose},
};
use secrecy::SecretString;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

/// A list of models that takes longer is not waited for.
const MODELS_PATIENCE: Duration = Duration::from_secs(3);

/// What every session of this run of the program shares.
#[derive(Clone, Debug)]
pub struct Ground {
    /// The process's environment, as it was at the start.
    pub env: Arc<Environment>,
    /// The time.
    pub clock: Clock,
    /// Where ledgers are; none for the demo, which spends nothing.
    pub state: Option<PathBuf>,
    /// Whether anything that costs is refused.
    pub read_only: bool,
}

impl Ground {
    /// The ground of a real run: ledgers in the platform's state directory.
    pub fn of_platform(env: Environment, clock: Clock, read_only: bool) -> anyhow::Result<Self> {
        let state = Some(Paths::of_platform()?.state);
        Ok(Self {
            env: Arc::new(env),
            clock,
            state,
            read_only,
        })
    }
}

/// One profile at work.
pub struct Session {
    /// As configured.
    pub profile: Arc<Profile>,
    /// The way to the API with the API key; none without a key.
    pub calls: Option<Arc<Connection>>,
    /// The way to the Admin API; the sentence says why there is none.
    pub admin: Result<Arc<Connection>, String>,
    /// Whether the address said that it is a simulator.
    pub free: bool,
    /// Why nobody could be asked whether a loopback address is a simulator: nobody listens there yet.
    pub silent: Option<String>,
    /// What looks wrong about its keys, though only the API can tell: one sentence.
    pub odd_key: Option<String>,
    /// What is spent, and the caps.
    pub purse: Arc<LedgerPurse>,
    /// The way to the base address, whether or not there is a key.
    door: Arc<Connection>,
    /// Stands in for a default model that the address does not have.
    stand_in: OnceLock<ModelId>,
    ground: Ground,
    known: Mutex<Known>,
}

/// Limits as the last polls told them, for judging refusals.
#[derive(Clone, Debug, Default)]
struct Known {
    groups: Vec<Group>,
    overrides: Vec<Override>,
}

impl Session {
    /// Fetches the keys and asks a loopback address whether it is a simulator. One sentence when a key
    /// cannot be had or an address cannot be used.
    pub async fn open(profile: impl Into<Arc<Profile>>, ground: &Ground) -> anyhow::Result<Self> {
        let profile = profile.into();
        let keys = profile.connect(&ground.env).await?;
        let base = keys.base_url.clone();
        let plain = profile.allow_plain_http.value;
        let door = connection(&profile, &keys, base.clone(), keys.api_key.clone(), plain)?;
        let door = Arc::new(door);
        let listener = if base.is_loopback() {
            simulator::who(&door, &ground.clock).await
        } else {
            Listener::Other
        };
        let free = listener == Listener::Simulator;
        let silent = match listener {
            Listener::Nobody(why) => Some(why),
            _ => None,
        };
        let admin = admin(&profile, &keys, free, plain, silent.as_deref())?;
        let odd_key = keys.api_key.as_ref().filter(|key| is_admin(key)).map(|_| {
            format!(
                "profile {} has an Admin key (sk-ant-admin…) as its api_key, and no call is made with one: it \
                 belongs into admin_key or ANTHROPIC_ADMIN_KEY",
                profile.name
            )
        });
        let ledger = ledger(&profile, ground, free);
        let purse = LedgerPurse::new(ledger, assets::prices(), ground.clock.clone());
        Ok(Self {
            calls: keys.api_key.is_some().then(|| Arc::clone(&door)),
            admin,
            free,
            silent,
            odd_key,
            door,
            stand_in: OnceLock::new(),
            purse: Arc::new(purse),
            ground: ground.clone(),
            known: Mutex::default(),
            profile,
        })
    }

    /// Makes calls that somebody asked for; what they tell goes to `ear`.
    pub fn driver(&self, ear: Arc<dyn Ear>) -> Option<Driver> {
        self.driver_for(Purpose::Call, ear)
    }

    /// The same for calls with another purpose.
    pub fn driver_for(&self, purpose: Purpose, ear: Arc<dyn Ear>) -> Option<Driver> {
        let purse: Arc<dyn Purse> = Arc::new(Arc::clone(&self.purse).with_purpose(purpose));
        Some(Driver {
            connection: Arc::clone(self.calls.as_ref()?),
            clock: self.ground.clock.clone(),
            purse,
            ear,
            share: Arc::default(),
        })
    }

    /// Whether somebody listens at the address now.
    pub async fn is_answered(&self) -> bool {
        let listener = simulator::who(&self.door, &self.ground.clock).await;
        !matches!(listener, Listener::Nobody(_))
    }

    /// Where nobody chose a model and the address does not list the default one, another takes its
    /// place: the first active one of the haiku line. Whether one did.
    pub async fn settle_model(&self) -> bool {
        let wanted = &self.profile.call.model;
        let (Origin::Default, Some(calls)) = (&wanted.from, &self.calls) else {
            return false;
        };
        let listed = models::list(calls, &self.ground.clock);
        let Ok(Ok(listed)) = tokio::time::timeout(MODELS_PATIENCE, listed).await else {
            return false;
        };
        let wanted = ModelId::from(wanted.value.as_str());
        match models::choose(&listed, &wanted) {
            Some(found) if found.id != wanted => self.stand_in.set(found.id.clone()).is_ok(),
            _ => false,
        }
    }

    /// What a test call is unless something else is asked for.
    pub fn form(&self) -> FormDefaults {
        let mut form = self.profile.form();
        if let Some(model) = self.stand_in.get() {
            model.as_str().clone_into(&mut form.model);
        }
        form
    }

    /// The profile for the screen.
    pub fn card(&self, siblings: &[Arc<str>]) -> ProfileCard {
        // An unreadable ledger is said when something would be spent; until then it shows nothing.
        let spend = self.purse.spend().unwrap_or_default();
        let mut card = self.profile.card(siblings, spend);
        card.can_poll = self.admin.is_ok();
        card.form = self.form();
        card
    }

    /// Polls limits; `turns` other workspaces are read after each poll. None without an Admin key.
    pub fn poller(&self, turns: usize) -> Option<Poller> {
        let admin = self.admin.as_ref().ok()?;
        Some(Poller::new(
            Arc::clone(admin),
            self.ground.clock.clone(),
            turns,
        ))
    }

    /// Keeps what a poll brought, for judging refusals.
    pub fn learn(&self, seen: &Observation) {
        let What::Limits {
            snapshot: Some(snapshot),
            ..
        } = &seen.what
        else {
            return;
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.groups.clone_from(&snapshot.groups);
        for (workspace, overrides) in &snapshot.overrides {
            known.overrides.retain(|o| o.workspace != *workspace);
            known.overrides.extend(overrides.iter().cloned());
        }
    }

    /// Limits as the last polls told them: pools, and overrides that were read.
    pub fn known(&self) -> (Vec<Group>, Vec<Override>) {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        (known.groups.clone(), known.overrides.clone())
    }

    /// Counts a prompt's tokens; none without an API key.
    pub async fn count(&self, order: CountOrder) -> Option<(Count, Observation)> {
        let connection = self.calls.as_ref()?;
        let group = {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            let mut groups = known.groups.iter();
            groups.find(|it| it.kind == GroupKind::TokenCount).cloned()
        };
        Some(count::tokens(connection, &self.ground.clock, order, group.as_ref()).await)
    }

    /// A group that serves no model, as polled, else as the table guesses it.
    pub fn group(&self, kind: &GroupKind) -> Option<Group> {
        let (known, _) = self.known();
        let of = |groups: Vec<Group>| groups.into_iter().find(|it| it.kind == *kind);
        of(known).or_else(|| of(assets::tiers().guess_groups(None)))
    }

    /// What is known around a call of that model: its pool as polled, else as the table guesses it.
    pub fn around(&self, model: &ModelId) -> Around {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let listed = known
            .groups
            .iter()
            .find(|group| group.models.contains(model))
            .cloned();
        let guessed = || {
            let groups = assets::tiers().guess_groups(None);
            groups
                .into_iter()
                .find(|group| group.models.contains(model))
        };
        Around {
            pool: listed.or_else(guessed),
            overrides: known.overrides.clone(),
        }
    }

    /// The pool of each of those models, where it is known or guessed.
    pub fn pools<'a>(
        &self,
        models: impl IntoIterator<Item = &'a ModelId>,
    ) -> Vec<(ModelId, GroupId)> {
        let pool = |model: &ModelId| Some((model.clone(), self.around(model).pool?.id));
        models.into_iter().filter_map(pool).collect()
    }
}

/// The ledger of a profile. The demo and free addresses have nothing to write down.
pub fn ledger(profile: &Profile, ground: &Ground, free: bool) -> Ledger {
    let mut caps = profile.spend();
    caps.read_only = ground.read_only;
    caps.free = free || ground.state.is_none();
    let directory = ground.state.clone().unwrap_or_default();
    Ledger::new(
        &directory,
        &profile.name,
        caps,
        profile.probes.day_usd.value,
    )
}

fn connection(
    profile: &Profile,
    keys: &profile::Connection,
    base: Base,
    key: Option<SecretString>,
    allow_plain_http: bool,
) -> anyhow::Result<Connection> {
    let host = base.short();
    let options = Options {
        allow_plain_http: allow_plain_http || key.is_none(),
        ..Options::default()
    };
    let transport: Arc<dyn Transport> =
        Arc::new(Outbound::new(base, options).map_err(anyhow::Error::msg)?);
    Ok(Connection {
        transport,
        key,
        auth: keys.auth,
        version: keys.anthropic_version,
        workspace: profile.workspace.as_ref().map(|id| id.value.clone()),
        fast: false,
        profile: Arc::clone(&profile.name),
        host,
    })
}

/// The way to the Admin API. An Admin key never goes to a gateway.
fn admin(
    profile: &Profile,
    keys: &profile::Connection,
    free: bool,
    allow_plain_http: bool,
    silent: Option<&str>,
) -> anyhow::Result<Result<Arc<Connection>, String>> {
    let name = &profile.name;
    let url = match &keys.admin {
        AdminAddress::At(url) => url,
        AdminAddress::IfSimulator(url) if free => url,
        AdminAddress::IfSimulator(_) if let Some(why) = silent => {
            return Ok(Err(format!(
                "Headers only, limits cannot be polled: {why}."
            )));
        }
        AdminAddress::IfSimulator(_) | AdminAddress::None => {
            return Ok(Err(format!(
                "Headers only: {} is neither the API nor a simulator, so no Admin key goes there; \
                 name an admin_base_url in profile {name} to poll limits.",
                profile.base_url.value.short()
            )));
        }
    };
    let Some(key) = keys.admin_key.clone() else {
        return Ok(Err(format!(
            "Headers only: profile {name} has no Admin key, so configured limits are not known."
        )));
    };
    let connection = connection(profile, keys, url.clone(), Some(key), allow_plain_http)?;
    Ok(Ok(Arc::new(connection)))
}
