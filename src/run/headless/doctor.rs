//! `ratetop doctor`: examines a gateway.

use super::{Gone, Outlet};
use crate::{
    api::{
        call::{Purse, Spent},
        connection::Connection,
    },
    assets,
    cli::{
        args::{self, Global},
        config::Config,
        error::ConfigError,
        exits,
        key::KeySource,
        profile::Profile,
        section::{Origin, Sourced},
    },
    doctor::{Answered, First, PATIENCE, Probe, Upstream, case::Case, examine, one_call},
    domain::{
        answer::{sse::Reader, take_usage},
        call::CallOrder,
        checkup::{Checkup, Grade, Means},
        clean::clean,
        id::{CallId, ModelId},
        observation::Source,
        outcome::Unreachable,
        retry::{Limits, Policy},
    },
    net::base::Base,
    report::{self, doctor::Doctor},
    run::session::{Ground, Session},
    store::ledger::Purpose,
};
use http::Method;
use secrecy::SecretString;
use serde_json::Value;
use std::sync::Arc;

/// Stands in for a key where the address is not that of the profile: no key of a profile goes there.
const STAND_IN: &str = "sk-ant-api03-ratetop-doctor";

/// Runs the command; the exit code. It needs no profile when an address is given.
pub(super) async fn run(
    args: &args::Doctor,
    global: &Global,
    ground: &Ground,
    outlet: &mut Outlet<'_>,
) -> Result<u8, Gone> {
    match prepare(args, global, ground).await {
        Ok(patient) => patient.examine(args, ground, outlet).await,
        Err(error) => {
            outlet.tell(&error.sentence);
            Ok(exits::USAGE)
        }
    }
}

/// A gateway, and all that is needed to examine it.
struct Patient {
    session: Session,
    connection: Arc<Connection>,
    upstream: Upstream,
    model: ModelId,
    /// Whether its key is a stand-in, which nobody charges for.
    stands_in: bool,
}

async fn prepare(
    args: &args::Doctor,
    global: &Global,
    ground: &Ground,
) -> Result<Patient, ConfigError> {
    let (profile, stands_in) = choose(args, global, ground)?;
    let mut ground = ground.clone();
    if stands_in {
        ground.state = None;
    }
    let session = Session::open(profile, &ground)
        .await
        .map_err(|error| ConfigError::new(error.to_string()))?;
    let Some(connection) = session.calls.clone() else {
        return Err(ConfigError::new(format!(
            "profile {} has no api_key; an address on the command line is examined without one",
            session.profile.name
        )));
    };
    if args.model.is_none() && !stands_in {
        session.settle_model().await;
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "a command of its own seeds its own dice"
    )]
    let nonce = fastrand::Rng::new().u64(..);
    let upstream = Upstream::start(args.upstream, nonce, PATIENCE)
        .await
        .map_err(|error| {
            ConfigError::new(format!(
                "{} cannot be listened at: {error}; choose another with --upstream",
                args.upstream
            ))
        })?;
    let model = args.model.clone().unwrap_or_else(|| session.form().model);
    Ok(Patient {
        session,
        connection,
        upstream,
        model: model.into(),
        stands_in,
    })
}

/// The profile that is meant. One with the address that was given lends its key; any other does not.
fn choose(
    args: &args::Doctor,
    global: &Global,
    ground: &Ground,
) -> Result<(Profile, bool), ConfigError> {
    let Some(url) = &args.url else {
        let config = Config::load(global, &ground.env)?;
        let chosen = config.chosen().cloned().ok_or_else(|| {
            ConfigError::new("no address and no profile: say `ratetop doctor http://HOST:PORT`")
        })?;
        return Ok((chosen, false));
    };
    let base = Base::parse(url).map_err(ConfigError::new)?;
    // A profile that was asked for by name must be there; one by chance may be.
    let config = match Config::load(global, &ground.env) {
        Err(error) if global.profile.is_some() || global.config.is_some() => return Err(error),
        config => config.ok(),
    };
    let chosen = config.as_ref().and_then(Config::chosen);
    if let Some(profile) = chosen.filter(|it| it.base_url.value == base && it.api_key.is_some()) {
        return Ok((profile.clone(), false));
    }
    let mut profile = Profile::bare("doctor", Origin::Default);
    profile.base_url = Sourced::default(base);
    profile.api_key = Some(Sourced::default(KeySource::Literal(SecretString::from(
        STAND_IN,
    ))));
    // What stands in for a key may be read by everybody.
    profile.allow_plain_http = Sourced::default(true);
    Ok((profile, true))
}

impl Patient {
    async fn examine(
        &self,
        args: &args::Doctor,
        ground: &Ground,
        outlet: &mut Outlet<'_>,
    ) -> Result<u8, Gone> {
        if let Some(key) = self.connection.key.clone().filter(|_| !self.stands_in) {
            outlet.hide(&[key]);
        }
        let order = self.order();
        let purse = Arc::clone(&self.session.purse).with_purpose(Purpose::Call);
        let ticket = match purse.reserve(&order, &order.most()) {
            Ok(ticket) => ticket,
            Err(why) => {
                outlet.tell(&why);
                return Ok(exits::FAILURE);
            }
        };
        let request =
            |target, body, stream| self.connection.request(Method::POST, target, body, stream);
        let probe = Probe {
            transport: self.connection.transport.as_ref(),
            cases: &Case::ALL,
            model: self.model.as_str(),
            request: &request,
        };
        let examined = tokio::select! {
            examined = examine(&probe, &self.upstream) => examined,
            () = super::interrupted() => return Ok(exits::FAILURE),
        };
        let (checkup, spent, code) = match examined {
            Err(why) => {
                purse.settle(ticket, Spent::Nothing);
                outlet.tell(&why);
                return Ok(exits::USAGE);
            }
            Ok(First::Whole(checkup)) => {
                let code = exit(&checkup);
                (checkup, Spent::Nothing, code)
            }
            Ok(First::Elsewhere(Err(broken))) => {
                outlet.tell(&broken.how);
                let (means, spent) = match broken.kind {
                    Unreachable::Dns | Unreachable::Refused | Unreachable::Tls => {
                        (Means::NoCall, Spent::Nothing)
                    }
                    // The call left, or may have.
                    Unreachable::Timeout | Unreachable::Broken => (Means::OneCall, Spent::Unknown),
                };
                let nobody = Checkup::of(means, Vec::new(), "nobody answered");
                (nobody, spent, exits::UNREACHABLE)
            }
            Ok(First::Elsewhere(Ok(answered))) => self.elsewhere(&answered, outlet),
        };
        purse.settle(ticket, spent);
        let cost = match spent {
            Spent::Nothing => Some(0.0),
            _ if self.session.free || self.stands_in => Some(0.0),
            Spent::Tokens(usage) => assets::prices().cost(&self.model, &usage),
            Spent::Unknown => None,
        };
        let gateway = self.session.profile.base_url.value.as_str();
        let upstream = format!("http://{}", self.upstream.address);
        let report = Doctor::of(gateway, &upstream, &checkup, cost, ground.clock.now());
        if args.json {
            outlet.print(&report::to_pretty(&report).map_err(|_| Gone)?)?;
        } else {
            outlet.print(&report.text())?;
        }
        Ok(code)
    }

    /// The call reached something else than our upstream.
    fn elsewhere(&self, answered: &Answered, outlet: &mut Outlet<'_>) -> (Checkup, Spent, u8) {
        let checkup = one_call(answered);
        if answered.status != 200 {
            let body = String::from_utf8_lossy(&answered.body);
            outlet.tell(&format!(
                "{} answered {}: {}",
                self.session.profile.base_url.value.host_and_port(),
                answered.status,
                clean(&body, 300)
            ));
        }
        if self.stands_in && matches!(answered.status, 401 | 403) {
            let base = self.session.profile.base_url.value.as_str();
            outlet.tell(&format!(
                "no key of a profile was sent there; choose one with base_url = \"{base}\", or set \
                 ANTHROPIC_BASE_URL={base} beside ANTHROPIC_API_KEY and say --profile env"
            ));
        }
        outlet.tell(&format!(
            "the gateway did not ask http://{}: point its upstream there to see what it does on the way",
            self.upstream.address
        ));
        let code = match answered.status {
            401 | 403 => exits::KEY_REFUSED,
            200 => exit(&checkup),
            _ => exits::FAILURE,
        };
        (checkup, spent(answered), code)
    }

    /// The one call that may turn out to be real.
    fn order(&self) -> CallOrder {
        CallOrder {
            call: CallId(1),
            client: "me".into(),
            source: Source::Call,
            model: self.model.clone(),
            prompt: Case::Stream.prompt(self.upstream.nonce()),
            cache: None,
            max_tokens: 1,
            stream: true,
            policy: Policy::None,
            attempts: 1,
            limits: Limits::default(),
        }
    }
}

/// What a real call took: nothing when it was refused.
fn spent(answered: &Answered) -> Spent {
    if answered.status != 200 {
        return Spent::Nothing;
    }
    let mut events = Vec::new();
    let _ = Reader::new().push(&answered.body, &mut events);
    let mut usage = None;
    for event in &events {
        let data = serde_json::from_str::<Value>(&event.data).unwrap_or_default();
        take_usage(&mut usage, data.pointer("/message/usage"));
        take_usage(&mut usage, data.get("usage"));
    }
    usage.map_or(Spent::Unknown, Spent::Tokens)
}

/// A gateway passes when everything was seen and nothing was lost; unknown never passes a gate.
fn exit(checkup: &Checkup) -> u8 {
    match (checkup.count(Grade::Fail), checkup.count(Grade::Unknown)) {
        (0, 0) => exits::FINE,
        (0, _) => exits::CANNOT_TELL,
        _ => exits::FAILURE,
    }
}
