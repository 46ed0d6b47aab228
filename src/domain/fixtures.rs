//! What tests of several rooms begin with: a moment, and one observation of one call.

use super::{
    call::CallOrder,
    headers::{Hint, Level, Reading},
    id::{CallId, Limiter},
    observation::{Observation, Source, What},
    retry::{Limits, Policy},
    time::{Time, after},
};

/// `s` seconds after noon.
pub fn t(s: f64) -> Time {
    after(
        chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::seconds(1_795_521_600),
        s,
    )
}

/// One thing that was seen of the first attempt of our own first call, to Opus 5.5.
pub fn seen(at: Time, what: What) -> Observation {
    Observation {
        at,
        source: Source::Call,
        call: Some(CallId(1)),
        attempt: Some(1),
        client: Some("me".into()),
        organization: None,
        workspace: None,
        model: Some("claude-opus-5-5".into()),
        fast: false,
        what,
    }
}

/// What a header family says, without a reset.
pub fn level(limiter: &str, limit: u64, remaining: u64) -> Level {
    let limiter = Limiter::from(limiter);
    let (dimension, family) = (limiter.dimension(), limiter.family());
    Level {
        limiter,
        dimension,
        family,
        limit,
        remaining,
        full_in_s: None,
    }
}

/// The head of a 200 of that organization, at once.
pub fn head(at: Time, organization: &str, levels: Vec<Level>) -> Observation {
    let reading = Reading {
        at,
        date: None,
        organization: Some(organization.into()),
        workspace: None,
        request: None,
        hint: Hint::default(),
        levels,
        unified: None,
        unknown: Vec::new(),
        raw: Vec::new(),
    };
    let what = What::Head {
        status: 200,
        reading,
        first_byte_s: 0.0,
    };
    seen(at, what)
}

/// Our own first call, for that model: one attempt, 256 tokens at most.
pub fn order(model: &str) -> CallOrder {
    CallOrder {
        call: CallId(1),
        client: "me".into(),
        source: Source::Call,
        model: model.into(),
        prompt: "Say hello.".to_owned(),
        cache: None,
        max_tokens: 256,
        stream: true,
        policy: Policy::HintJitter,
        attempts: 1,
        limits: Limits::default(),
    }
}
