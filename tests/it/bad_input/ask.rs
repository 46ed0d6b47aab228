//! One call against a scripted server, and what a user would see of it.

use super::server::{Do, Server};
use ratetop::{
    api::{
        call::{Around, Driver, OpenPurse, Told},
        connection::{AuthStyle, Connection, Version},
    },
    cli::exits,
    clock::Clock,
    domain::{
        board::Board,
        call::CallOrder,
        clean::is_harmless,
        headers::read,
        id::{CallId, ModelId},
        limit::{Dimension, Family},
        observation::{CallResult, Observation, Source, What},
        outcome::Outcome,
        retry::{Limits, Policy},
        time::{Time, after},
        timeline::{Attempt, Timeline},
        usage::Usage,
        verdict::Cause,
    },
    net::{
        base::Base,
        outbound::{Options, Outbound},
    },
};
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// The key that must never be seen again.
pub const KEY: &str = "sk-ant-api03-very-secret";
/// What was left of the output limit before the call.
pub const EARLIER: u64 = 123_000;

/// What a case expects. `says` is part of the sentence.
#[derive(Clone, Copy, Debug)]
pub struct Expect {
    pub cause: Option<Cause>,
    pub says: &'static str,
    pub exit: u8,
    /// What is left of the output limit afterwards.
    pub left: u64,
}

/// A whole answer.
pub const fn fine() -> Expect {
    Expect {
        cause: None,
        says: "",
        exit: exits::FINE,
        left: EARLIER,
    }
}

/// A failure of that cause, whose sentence says that.
pub const fn bad(cause: Cause, says: &'static str) -> Expect {
    let exit = match cause {
        Cause::Auth | Cause::Permission => exits::KEY_REFUSED,
        Cause::Unreachable | Cause::Timeout => exits::UNREACHABLE,
        _ => exits::FAILURE,
    };
    Expect {
        cause: Some(cause),
        says,
        exit,
        left: EARLIER,
    }
}

impl Expect {
    pub const fn left(mut self, left: u64) -> Self {
        self.left = left;
        self
    }
}

/// What came of a call.
pub struct Asked {
    pub attempt: Attempt,
    pub text: String,
    pub board: Board,
    pub now: Time,
    pub exit: u8,
}

/// Patient: nothing times out on a slow machine. Impatient: a hang is noticed at once.
pub fn options(patient: bool) -> Options {
    let wait = Duration::from_millis(if patient { 20_000 } else { 150 });
    Options {
        connect: Duration::from_secs(10),
        whole: wait,
        gap: wait,
        longest_stream: wait * 2,
        most_bytes: 24 << 20,
        allow_plain_http: false,
    }
}

/// How an address is reached.
type Way = fn(Base, Options) -> Result<Outbound, String>;

/// Straight, as an address of this machine is, and by the client that reaches all others.
pub const WAYS: [Way; 2] = [Outbound::new, Outbound::by_client];

pub fn connection(url: &str, options: Options) -> Connection {
    connection_by(WAYS[0], url, options)
}

pub fn connection_by(way: Way, url: &str, options: Options) -> Connection {
    let base = Base::parse(url).unwrap();
    Connection {
        host: base.host_and_port(),
        transport: Arc::new(way(base, options).unwrap()),
        key: Some(KEY.into()),
        auth: AuthStyle::XApiKey,
        version: Version::V2023,
        workspace: None,
        fast: false,
        profile: "prod".into(),
    }
}

/// A board that has seen one good head: an output limit of 400,000 with [`EARLIER`] left.
pub fn board_with_a_reading(model: &ModelId, now: Time) -> Board {
    let at = after(now, -2.0);
    let lines: [(&str, &[u8]); 3] = [
        ("anthropic-ratelimit-output-tokens-limit", b"400000"),
        ("anthropic-ratelimit-output-tokens-remaining", b"123000"),
        ("anthropic-organization-id", b"org-1"),
    ];
    let mut board = Board::default();
    board.absorb(&Observation {
        at,
        source: Source::Call,
        call: None,
        attempt: None,
        client: None,
        organization: None,
        workspace: None,
        model: Some(model.clone()),
        fast: false,
        what: What::Head {
            status: 200,
            reading: read(lines.into_iter(), at),
            first_byte_s: 0.1,
        },
    });
    board
}

/// What the board says is left of the output limit.
pub fn left(board: &Board, model: &ModelId, now: Time) -> Option<u64> {
    let pool = board.pool_of(model)?;
    pool.gauge(Dimension::Otpm, Family::Standard)?
        .view(now)
        .reading
}

pub async fn ask_at(url: &str, options: Options, stream: bool, clock: Clock) -> Asked {
    ask_with(connection(url, options), stream, clock).await
}

/// The same by any connection, whose key contains `very-secret`.
pub async fn ask_with(connection: Connection, stream: bool, clock: Clock) -> Asked {
    let model = ModelId::from("claude-opus-5-5");
    let (sender, mut receiver) = mpsc::channel(64);
    let driver = Driver {
        connection: Arc::new(connection),
        clock: clock.clone(),
        purse: Arc::new(OpenPurse),
        ear: Arc::new(sender),
        share: Arc::default(),
    };
    let order = CallOrder {
        call: CallId(1),
        client: "me".into(),
        source: Source::Call,
        model: model.clone(),
        prompt: "Say hello.".into(),
        cache: None,
        max_tokens: 16,
        stream,
        policy: Policy::None,
        attempts: 1,
        limits: Limits::default(),
    };
    let mut board = board_with_a_reading(&model, clock.now());
    let mut timeline = Timeline::new(4);
    let call = tokio::spawn(async move {
        let mut dice = fastrand::Rng::with_seed(1);
        let cancel = CancellationToken::new();
        driver
            .run(&order, &Around::default(), &mut dice, &cancel)
            .await
    });
    let mut text = String::new();
    while let Some(told) = receiver.recv().await {
        match told {
            Told::Seen(seen) => {
                let written = serde_json::to_string(&seen).unwrap();
                assert!(!written.contains("very-secret"), "{written}");
                board.absorb(&seen);
                timeline.absorb(&seen);
            }
            Told::Text { delta, .. } => text.push_str(&delta),
        }
    }
    let end = call.await.unwrap();
    assert_eq!(end.wire, 1);
    assert!(
        text.chars().all(|c| c == '\n' || is_harmless(c)),
        "{text:?}"
    );
    let attempt = timeline.calls().next().unwrap().attempts[0].clone();
    let cause = attempt.verdict.as_ref().map(|verdict| verdict.cause);
    let exit = match (end.result, cause) {
        (CallResult::Ok, _) => exits::FINE,
        (_, Some(Cause::Auth | Cause::Permission)) => exits::KEY_REFUSED,
        (_, Some(Cause::Unreachable | Cause::Timeout)) if attempt.status.is_none() => {
            exits::UNREACHABLE
        }
        _ => exits::FAILURE,
    };
    Asked {
        attempt,
        text,
        board,
        now: clock.now(),
        exit,
    }
}

/// Makes one call by either way, holds it against what is expected, and both against each other.
pub async fn check(script: Vec<Do>, stream: bool, patient: bool, expect: Expect) -> Asked {
    let server = Server::start(move |_| script.clone()).await;
    let straight = check_by(WAYS[0], &server, stream, patient, expect).await;
    assert_eq!(server.asked().len(), 1, "one send is one request");
    let asked = check_by(WAYS[1], &server, stream, patient, expect).await;
    assert_eq!(server.asked().len(), 2, "one send is one request");
    assert_eq!(asked.text, straight.text);
    let sentence = |asked: &Asked| Some(asked.attempt.verdict.as_ref()?.sentence.clone());
    assert_eq!(sentence(&asked), sentence(&straight));
    straight
}

async fn check_by(way: Way, server: &Server, stream: bool, patient: bool, expect: Expect) -> Asked {
    let connection = connection_by(way, &server.url(), options(patient));
    let asked = ask_with(connection, stream, Clock::start()).await;
    let seen = format!("{:#?}", asked.attempt);
    let verdict = asked.attempt.verdict.as_ref();
    assert_eq!(verdict.map(|v| v.cause), expect.cause, "{seen}");
    let sentence = verdict.map_or("", |verdict| verdict.sentence.as_str());
    assert!(sentence.contains(expect.says), "{sentence}");
    assert!(sentence.chars().all(is_harmless), "{sentence:?}");
    assert!(sentence.chars().count() < 600, "{sentence}");
    if matches!(asked.attempt.outcome, Some(Outcome::Unreachable { .. })) {
        assert!(sentence.contains(&server.address.to_string()), "{sentence}");
    }
    assert_eq!(asked.exit, expect.exit, "{seen}");
    let model = ModelId::from("claude-opus-5-5");
    assert_eq!(
        left(&asked.board, &model, asked.now),
        Some(expect.left),
        "{seen}"
    );
    assert!(server.asked().iter().all(|head| head.contains(KEY)));
    asked
}

/// Tokens of an attempt.
pub fn usage(asked: &Asked) -> Usage {
    asked.attempt.usage.unwrap()
}
