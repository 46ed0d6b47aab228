//! The metrics port: what passed the tap and what is left, for Prometheus.
//!
//! - `GET /metrics` is made anew for each reader
//! - `GET /healthz` says that it works

use super::feeding::{self, Feeding};
use crate::{
    assets,
    cli::profile::Profile,
    clock::Clock,
    domain::{board::Board, observation::Observation},
    report::metrics::{Door, Format, Subject, page},
    tap::{
        Tap,
        port::{Body, Pages, plain, whole},
    },
};
use http::{HeaderValue, Response, StatusCode, header, request::Parts};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What is left of every limit, folded from what the tap hears.
pub struct Left(Mutex<Board>);

impl Left {
    /// A board of the profile that leads where the tap leads.
    pub fn of(profile: Option<&Profile>) -> Self {
        let workspace = profile.and_then(|profile| profile.workspace.as_ref());
        let workspace = workspace.map(|id| id.value.clone());
        Self(Mutex::new(Board::new(workspace, assets::tiers())))
    }

    /// Takes observations in. What is worth telling is told by others.
    pub fn absorb(&self, seen: &[Observation]) {
        let mut board = self.board();
        for seen in seen {
            board.absorb(seen);
        }
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the port tells.
pub struct Metrics {
    tap: Arc<Tap>,
    left: Arc<Left>,
    feeding: Arc<Feeding>,
    clock: Clock,
}

impl Metrics {
    /// Of that tap; `feeding` is what `left` is folded by.
    pub const fn new(tap: Arc<Tap>, left: Arc<Left>, feeding: Arc<Feeding>, clock: Clock) -> Self {
        Self {
            tap,
            left,
            feeding,
            clock,
        }
    }

    fn text(&self, format: Format) -> String {
        let totals = feeding::totals(&self.tap, &self.clock);
        let counted = self.tap.counted();
        let door = Door {
            refused: counted.refused,
            unreachable: counted.unreachable,
            chaos: self.tap.chaos().map(|_| counted.chaos),
        };
        // What the totals count was heard before: the limits are to be no older.
        self.feeding.catch_up();
        let board = self.left.board();
        let subject = Subject {
            version: env!("CARGO_PKG_VERSION"),
            totals: &totals,
            door,
            board: &board,
        };
        page(&subject, format, self.clock.now())
    }
}

impl Pages for Metrics {
    fn page(&self, head: &Parts) -> Response<Body> {
        match head.uri.path() {
            "/metrics" => {
                let accept = head.headers.get(header::ACCEPT);
                let format = Format::wanted(accept.and_then(|value| value.to_str().ok()));
                let kind = HeaderValue::from_static(format.media_type());
                whole(StatusCode::OK, kind, self.text(format))
            }
            "/healthz" => plain(StatusCode::OK, "ok\n"),
            _ => plain(StatusCode::NOT_FOUND, "there is /metrics and /healthz\n"),
        }
    }
}
