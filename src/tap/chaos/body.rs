//! Where a stream of events is to end early. Counts events as bytes pass, however they are cut.

use super::Ending;
use bytes::Bytes;

/// Watches a stream until its end is due.
#[derive(Clone, Debug)]
pub struct Fuse {
    left: u32,
    last: Option<Bytes>,
    /// Whether the line so far is empty; a blank line ends an event.
    blank: bool,
    after_cr: bool,
    has_line: bool,
}

/// What becomes of a piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Passes {
    /// All of it.
    Whole,
    /// These bytes, and then the stream ends: with that event, or without one by a break.
    Until(Bytes, Option<Bytes>),
}

impl Fuse {
    /// A fuse for that ending.
    pub fn new(ending: Ending) -> Self {
        Self {
            left: ending.after_events,
            last: ending.last,
            blank: true,
            after_cr: false,
            has_line: false,
        }
    }

    /// Takes the next piece of the stream. After [`Passes::Until`] nothing more may be given.
    pub fn take(&mut self, piece: &Bytes) -> Passes {
        if self.left == 0 {
            return Passes::Until(Bytes::new(), self.last.take());
        }
        for (at, byte) in piece.iter().enumerate() {
            let newline = match byte {
                b'\n' if std::mem::take(&mut self.after_cr) => continue,
                b'\n' => true,
                b'\r' => {
                    self.after_cr = true;
                    true
                }
                _ => {
                    self.after_cr = false;
                    self.blank = false;
                    self.has_line = true;
                    false
                }
            };
            if !newline {
                continue;
            }
            if self.blank && std::mem::take(&mut self.has_line) {
                self.left -= 1;
                if self.left == 0 {
                    // An LF that belongs to a CR is part of the event.
                    let crlf = *byte == b'\r' && piece.get(at + 1) == Some(&b'\n');
                    let end = at + 1 + usize::from(crlf);
                    return Passes::Until(piece.slice(..end), self.last.take());
                }
            }
            self.blank = true;
        }
        Passes::Whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stream(events: u32, newline: &str) -> String {
        format!("event: ping{newline}data: {{}}{newline}{newline}").repeat(events as usize)
    }

    fn passed(text: &str, cuts: &[usize], after: u32) -> (String, bool) {
        let last = Some(Bytes::from_static(b"!"));
        let mut fuse = Fuse::new(Ending {
            after_events: after,
            last,
        });
        let mut out = String::new();
        let mut at = 0;
        for cut in cuts.iter().copied().chain([text.len()]) {
            let cut = cut.clamp(at, text.len());
            let piece = Bytes::copy_from_slice(&text.as_bytes()[at..cut]);
            at = cut;
            match fuse.take(&piece) {
                Passes::Whole => out.push_str(std::str::from_utf8(&piece).unwrap()),
                Passes::Until(bytes, last) => {
                    out.push_str(std::str::from_utf8(&bytes).unwrap());
                    assert_eq!(last.as_deref(), Some(b"!".as_slice()));
                    return (out, true);
                }
            }
        }
        (out, false)
    }

    proptest! {
        #[test]
        fn as_many_events_pass_however_the_bytes_are_cut(
            mut cuts in proptest::collection::vec(0_usize..400, 0..12),
            after in 0_u32..8,
            newline in prop_oneof![Just("\n"), Just("\r\n")],
        ) {
            cuts.sort_unstable();
            let text = stream(6, newline);
            let (out, ended) = passed(&text, &cuts, after);
            // Of a CRLF that was cut in two the LF may be left behind; the event is whole.
            let expected = stream(after.min(6), newline);
            prop_assert!(out == expected || format!("{out}\n") == expected, "{out:?}");
            // At zero the first piece is already too many; above six the stream ends by itself.
            prop_assert_eq!(ended, after <= 6);
        }
    }
}
