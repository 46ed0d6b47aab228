//! A value that was found.

/// A value that was asked for. Of a key that comes twice both are told; the last counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tap::hear) enum Value<'a> {
    /// A string's first [`super::KEPT`] bytes, unescaped, and how many there are in all.
    Text(&'a [u8], u64),
    /// A number as it is written.
    Number(&'a [u8]),
    Bool(bool),
    Null,
    /// It begins; what is within is told next.
    Object,
    Array,
}

impl Value<'_> {
    /// A whole number that is not negative, as serde_json reads one.
    pub(in crate::tap::hear) fn whole(&self) -> Option<u64> {
        let Self::Number(digits) = self else {
            return None;
        };
        let (first, rest) = digits.split_first()?;
        rest.iter().try_fold(digit(*first)?, |whole, byte| {
            whole.checked_mul(10)?.checked_add(digit(*byte)?)
        })
    }

    /// A string; bytes that are not UTF-8 are replaced.
    pub(in crate::tap::hear) fn text(&self) -> Option<std::borrow::Cow<'_, str>> {
        match self {
            Self::Text(bytes, _) => Some(String::from_utf8_lossy(whole_characters(bytes))),
            _ => None,
        }
    }
}

fn digit(byte: u8) -> Option<u64> {
    byte.is_ascii_digit().then(|| u64::from(byte - b'0'))
}

/// Without the beginning of a character that was cut off at the end.
fn whole_characters(bytes: &[u8]) -> &[u8] {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => &bytes[..error.valid_up_to()],
        _ => bytes,
    }
}
