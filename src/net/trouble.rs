//! What went wrong on the way, sorted, in one sentence for people: which address, and what to do.

use super::transport::Broken;
use crate::domain::{clean::clean, outcome::Unreachable};
use std::{error::Error, io, time::Duration};

fn said(kind: Unreachable, how: String) -> Broken {
    Broken { kind, how }
}

/// A connection that broke, or an answer that is not HTTP.
pub(super) fn broken(place: &str, what: &str) -> Broken {
    said(Unreachable::Broken, format!("{place}: {what}"))
}

/// A target that no request can carry.
pub(super) fn unwritable(place: &str) -> Broken {
    broken(place, "the request could not be written for this address")
}

/// No answer came in time.
pub(super) fn no_head(place: &str, patience: Duration) -> Broken {
    said(
        Unreachable::Timeout,
        format!(
            "{place} took the request but sent no answer within {}; it may still be working on it",
            seconds(patience)
        ),
    )
}

/// An answer stopped in the middle.
pub(super) fn silent(place: &str, patience: Duration) -> Broken {
    said(
        Unreachable::Timeout,
        format!(
            "{place} began an answer and then sent nothing for {}",
            seconds(patience)
        ),
    )
}

/// An answer took too long in all.
pub(super) fn too_slow(place: &str, whole: Duration) -> Broken {
    said(
        Unreachable::Timeout,
        format!(
            "{place} had not finished its answer after {}",
            seconds(whole)
        ),
    )
}

/// A body beyond the bound.
pub(super) fn endless(place: &str) -> Broken {
    broken(
        place,
        "the answer is larger than ratetop reads, so it was cut off",
    )
}

/// The client itself could not be made: nearly always a machine without certificates.
pub(super) fn of_client(error: &reqwest::Error, place: &str) -> Broken {
    no_certificates(error, place)
}

/// There is nothing to check a server's certificate with.
pub(super) fn no_certificates(error: &(dyn Error + 'static), place: &str) -> Broken {
    said(
        Unreachable::Tls,
        format!(
            "No trusted certificates were found on this machine, so {place} cannot be checked: install \
             the package ca-certificates or set SSL_CERT_FILE ({})",
            innermost(error)
        ),
    )
}

/// TLS failed, and why.
pub(super) fn tls(place: &str, why: &str) -> Broken {
    said(
        Unreachable::Tls,
        format!(
            "TLS with {place} failed: check the address, this machine's clock and its certificates \
             ({why})"
        ),
    )
}

/// HTTP/2 was wanted where it is not spoken, and how that showed.
pub(super) fn no_http2(place: &str, why: &str) -> Broken {
    broken(
        place,
        &format!(
            "HTTP/2 is not spoken there: turn the setting http2 off for this upstream ({why})"
        ),
    )
}

/// Nobody took the connection in time.
pub(super) fn no_connection_in_time(place: &str, patience: Duration) -> Broken {
    said(
        Unreachable::Timeout,
        format!(
            "There was no connection to {place} within {}: check the address, the network, and \
             HTTPS_PROXY",
            seconds(patience)
        ),
    )
}

/// The name does not resolve.
fn dns(place: &str) -> Broken {
    let host = place.rsplit_once(':').map_or(place, |(host, _)| host);
    said(
        Unreachable::Dns,
        format!("The name {host} does not resolve: check the address and the network"),
    )
}

/// No connection, for a cause below HTTP.
fn no_connection(error: &(dyn Error + 'static), place: &str, patience: Duration) -> Broken {
    match io_kind(error) {
        Some(io::ErrorKind::ConnectionRefused) => said(
            Unreachable::Refused,
            format!("Nobody listens at {place}: check the address, or start the server there"),
        ),
        Some(io::ErrorKind::TimedOut) => no_connection_in_time(place, patience),
        _ => said(
            Unreachable::Broken,
            format!(
                "No connection to {place}: check the address, the network, and HTTPS_PROXY ({})",
                innermost(error)
            ),
        ),
    }
}

/// No connection, from whoever opens them.
pub(super) fn of_connect(error: &(dyn Error + 'static), place: &str, patience: Duration) -> Broken {
    if error.to_string().starts_with("dns error") {
        return dns(place);
    }
    no_connection(error, place, patience)
}

/// A connection, but no answer on it.
pub(super) fn no_answer(error: &(dyn Error + 'static), place: &str) -> Broken {
    if find::<hyper::Error>(error).is_some_and(hyper::Error::is_parse) {
        return said(
            Unreachable::Broken,
            format!(
                "What {place} answered is not HTTP: check that the address and port are the API's ({})",
                innermost(error)
            ),
        );
    }
    said(
        Unreachable::Broken,
        format!(
            "{place} closed the connection before it answered: try again, and look at what stands there \
             ({})",
            innermost(error)
        ),
    )
}

/// A connection broke within an answer.
pub(super) fn in_answer(error: &(dyn Error + 'static), place: &str) -> Broken {
    broken(
        place,
        &format!(
            "the connection broke in the middle of the answer ({})",
            innermost(error)
        ),
    )
}

/// No response head.
pub(super) fn of_request(error: reqwest::Error, place: &str, connect: Duration) -> Broken {
    let error = error.without_url();
    if error.is_dns() {
        return dns(place);
    }
    if find::<rustls::Error>(&error).is_some() {
        return tls(place, &innermost(&error));
    }
    if error.is_connect() {
        if error.is_timeout() {
            return no_connection_in_time(place, connect);
        }
        return no_connection(&error, place, connect);
    }
    if error.is_builder() {
        return unwritable(place);
    }
    no_answer(&error, place)
}

/// A body that broke.
pub(super) fn of_body(error: reqwest::Error, place: &str) -> Broken {
    in_answer(&error.without_url(), place)
}

fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}

/// The deepest cause in its own words.
pub(super) fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut deepest = error;
    while let Some(next) = deepest.source() {
        deepest = next;
    }
    clean(&deepest.to_string(), 120)
}

/// The first cause of a type, also where it is wrapped in an `io::Error`.
fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(this) = next {
        if let Some(found) = this.downcast_ref::<E>() {
            return Some(found);
        }
        if let Some(found) = this
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
            .and_then(|inner| inner.downcast_ref::<E>())
        {
            return Some(found);
        }
        next = this.source();
    }
    None
}

fn io_kind(error: &(dyn Error + 'static)) -> Option<io::ErrorKind> {
    find::<io::Error>(error).map(io::Error::kind)
}
