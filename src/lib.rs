//! ratetop: htop for Claude API rate limits. A library with a thin binary; this is the map of it.
//!
//! ```text
//!                  main                     parse, run, exit code
//!                   │
//!                  cli                      arguments, config file, profiles
//!                   │
//!                  run                      the loop: the only room that knows everybody
//!       ┌─────────┬─┴───────┬───────┬───────┬────────┐
//!       ui      report     api     tap     sim     store
//!    (people) (machines)  (asks) (hears) (plays)  (keeps)   assets: tables built in
//!       └────┬────┘         └───────┼───────┘        │
//!           app                    net               │      net: sockets, and what is known of addresses
//!     (state, update)               │        clock ──┤      clock: the only reader of the time
//!            └───────────┬──────────┴──────────┴─────┘
//!                     domain                                pure: limits, buckets, gauges, retry, verdicts
//! ```
//!
//! A room looks only downwards, and rooms on one level are strangers: `app` does not know that HTTP
//! exists, `api` not that a screen does, `sim` not that it is drawn. They speak in words of `domain`,
//! through `run`. `tests/it/architecture.rs` reads `src/` and keeps it so.
//!
//! | room | what it is | may look into |
//! | --- | --- | --- |
//! | [`domain`] | the rules; pure: `now` and the die are arguments | nothing |
//! | [`clock`], [`net`] | time; sockets behind one trait | `domain` |
//! | [`assets`] | prices, tiers, built in and dated | `domain` |
//! | [`app`] | state, and how an event changes it; pure | `domain` |
//! | [`api`] | calls, streams, polls of limits | `domain`, `net`, `clock`, `assets` |
//! | [`tap`] | passes the user's own traffic on, and listens | `domain`, `net`, `clock` |
//! | [`sim`] | a simulated API: a pure engine, a thin server | `domain`, `net`, `clock`, `assets` |
//! | [`doctor`] | examines a gateway from both ends | `domain`, `net`, `clock`, `assets` |
//! | [`store`] | the spend ledger and the log on disk | `domain` |
//! | [`ui`], [`report`] | what people and machines see; pure | `app`, `domain` |
//! | [`cli`], [`run`] | what is wanted; where everybody meets | everything |
//!
//! One datum, from the network to the screen:
//!
//! ```text
//! anthropic-ratelimit-… headers
//!   net::Transport ─► api::call ─► domain::headers ─► Reading, stamped by clock
//!       ─► Event::Observed(Observation)            bounded channel; every source sends the same event
//!       ─► run::drive ─► App::update(event, now) ─► Board::absorb ─► Gauge::fold ─► dirty
//!       ─► due? ─► ui::draw(&App, now)
//!             └──► Effect (a call, a poll, a copy) ─► run::hub
//! ```
//!
//! An `Observation` is the single coin of the house: headers, polls, attempts and their ends are all
//! told by it, and folding the same ones again gives the same board. There is no tick: the app names
//! the next moment at which something visible changes, and the loop sleeps until then.
//!
//! | to add | touch |
//! | --- | --- |
//! | a limiter or header family | a row of `domain::limit::KNOWN`, a fixture in `domain::headers` |
//! | a key or command | a row of `app::command::COMMANDS`, an arm in `App::update` |
//! | a tab | a row of `app::panel::PANELS`, its state in `app`, its picture in `ui` |
//! | a retry policy | an entry of `Policy::ALL` in `domain::retry` |
//! | a world to simulate | `assets/scenarios/<name>.toml` |
//! | a number about traffic | a field of `domain::traffic::Tally`, counted in `tap::hear` |
//! | a source of readings | whatever sends `Event::Observed` |
//!
//! Each room's `mod.rs` says what is inside and how to add to it.

pub mod api;
pub mod app;
pub mod assets;
pub mod cli;
pub mod clock;
pub mod doctor;
pub mod domain;
pub mod net;
pub mod report;
pub mod run;
pub mod sim;
pub mod store;
pub mod tap;
pub mod ui;
