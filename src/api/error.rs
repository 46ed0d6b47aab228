//! An answer that is not a success, as the transport brings it.

pub use crate::domain::answer::error::{LONGEST, envelope};
use crate::domain::{
    answer::error::{self, Ending},
    headers::Hint,
    outcome::Outcome,
};
use crate::net::body::End;
use http::{HeaderMap, header};

/// What an answer with an error status (or a body that is no message) was.
pub fn outcome(status: u16, headers: &HeaderMap, hint: Hint, body: &[u8], end: &End) -> Outcome {
    let location = headers
        .get(header::LOCATION)
        .map(http::HeaderValue::as_bytes);
    let end = match end {
        End::Whole => Ending::Whole,
        End::TooLong => Ending::TooLong,
        End::Broken(_) => Ending::Broken,
    };
    error::outcome(status, location, hint, body, end)
}
