//! Server-sent events, read incrementally: the same events however the bytes are cut.

/// Bytes of one line, and of one event's data. The API's largest events are a few kilobytes.
pub const LONGEST: usize = 1 << 20;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// `event:`; empty when the stream named none.
    pub name: String,
    /// Every `data:` line, joined with newlines. Bytes that are not UTF-8 are replaced.
    pub data: String,
}

/// A line or an event is longer than [`LONGEST`]; nothing after it can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

/// Reads a stream piece by piece. LF, CR and CRLF end a line; a byte order mark at the start, comments
/// and unknown fields are skipped.
#[derive(Debug, Default)]
pub struct Reader {
    line: Vec<u8>,
    name: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    /// The last byte was CR, so that an LF now belongs to it.
    after_cr: bool,
    first_line_is_over: bool,
    dead: bool,
}

impl Reader {
    /// A reader at the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes; events that became whole are appended to `out`.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<Event>) -> Result<(), TooLong> {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.dead {
                return Err(TooLong);
            }
            if std::mem::take(&mut self.after_cr)
                && let Some(after) = rest.strip_prefix(b"\n")
            {
                rest = after;
                continue;
            }
            let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
                return self.extend_line(rest);
            };
            let (line, ending) = rest.split_at(end);
            self.extend_line(line)?;
            self.after_cr = ending.first() == Some(&b'\r');
            rest = ending.get(1..).unwrap_or_default();
            self.end_line(out)?;
        }
        Ok(())
    }

    /// The stream is over. An event whose last blank line is missing still counts: what was cut in the
    /// middle will not parse.
    pub fn finish(mut self) -> Option<Event> {
        let mut out = Vec::new();
        if !self.line.is_empty() {
            self.end_line(&mut out).ok()?;
        }
        self.dispatch(&mut out);
        out.pop()
    }

    fn extend_line(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        if self.line.len() + bytes.len() > LONGEST {
            return Err(self.die());
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn die(&mut self) -> TooLong {
        self.dead = true;
        self.line = Vec::new();
        self.data = Vec::new();
        self.has_data = false;
        TooLong
    }

    fn end_line(&mut self, out: &mut Vec<Event>) -> Result<(), TooLong> {
        let line = std::mem::take(&mut self.line);
        let mut text = line.as_slice();
        if !std::mem::replace(&mut self.first_line_is_over, true) {
            text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        }
        let result = self.field(text, out);
        // Its space is used again.
        self.line = line;
        self.line.clear();
        result
    }

    fn field(&mut self, line: &[u8], out: &mut Vec<Event>) -> Result<(), TooLong> {
        if line.is_empty() {
            self.dispatch(out);
            return Ok(());
        }
        let colon = line.iter().position(|byte| *byte == b':');
        let (field, value) = line.split_at(colon.unwrap_or(line.len()));
        let value = value.get(1..).unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"event" => {
                self.name.clear();
                self.name.extend_from_slice(value);
            }
            b"data" => {
                if self.data.len() + value.len() > LONGEST {
                    return Err(self.die());
                }
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.has_data = true;
                self.data.extend_from_slice(value);
            }
            // Comments, `id`, `retry`, and what nobody knows.
            _ => {}
        }
        Ok(())
    }

    fn dispatch(&mut self, out: &mut Vec<Event>) {
        if std::mem::take(&mut self.has_data) {
            out.push(Event {
                name: String::from_utf8_lossy(&self.name).into_owned(),
                data: String::from_utf8_lossy(&self.data).into_owned(),
            });
        }
        self.name.clear();
        self.data.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn events(bytes: &[u8], step: usize) -> (Vec<(String, String)>, bool) {
        let mut reader = Reader::new();
        let mut out = Vec::new();
        let mut whole = true;
        for piece in bytes.chunks(step.max(1)) {
            whole &= reader.push(piece, &mut out).is_ok();
        }
        out.extend(reader.finish());
        (out.into_iter().map(|e| (e.name, e.data)).collect(), whole)
    }

    #[rstest]
    #[case::lf("event: ping\ndata: {}\n\n", &[("ping", "{}")])]
    #[case::crlf("event: ping\r\ndata: {}\r\n\r\n", &[("ping", "{}")])]
    #[case::cr("event: ping\rdata: {}\r\r", &[("ping", "{}")])]
    #[case::bom("\u{feff}event: ping\ndata: {}\n\n", &[("ping", "{}")])]
    #[case::bom_only_at_the_start("data: a\n\n\u{feff}data: b\n\n", &[("", "a")])]
    #[case::comment(": hello\n\ndata: 1\n: between\ndata: 2\n\n", &[("", "1\n2")])]
    #[case::no_space("event:x\ndata:  two\n\n", &[("x", " two")])]
    #[case::no_colon("data\n\n", &[("", "")])]
    #[case::name_without_data("event: lost\n\ndata: 1\n\n", &[("", "1")])]
    #[case::no_last_blank_line("event: message_stop\ndata: {}", &[("message_stop", "{}")])]
    #[case::empty("", &[])]
    #[case::blank("\n\r\n\r\r\n", &[])]
    fn forms(#[case] text: &str, #[case] expected: &[(&str, &str)]) {
        for step in 1..=text.len() + 1 {
            let (got, whole) = events(text.as_bytes(), step);
            let got: Vec<_> = got.iter().map(|(n, d)| (n.as_str(), d.as_str())).collect();
            assert_eq!(
                (got.as_slice(), whole),
                (expected, true),
                "cut at every {step}"
            );
        }
    }

    #[test]
    fn a_line_without_end_is_bounded() {
        let mut reader = Reader::new();
        let mut out = Vec::new();
        let piece = vec![b'x'; 60_000];
        let mut pushed = 0;
        while reader.push(&piece, &mut out).is_ok() {
            pushed += 1;
            assert!(pushed < 20);
        }
        assert_eq!(reader.push(b"\n\ndata: 1\n\n", &mut out), Err(TooLong));
        assert_eq!(out, []);
        assert_eq!(reader.finish(), None);
    }

    #[test]
    fn an_event_of_many_lines_is_bounded() {
        let text = format!("data: {}\n", "x".repeat(1000)).repeat(2000);
        assert_eq!(events(text.as_bytes(), 4096), (Vec::new(), false));
    }

    proptest! {
        #[test]
        fn the_same_events_however_the_bytes_are_cut(
            pieces in prop::collection::vec(prop_oneof![
                Just(b"event: a\n".to_vec()), Just(b"data: x\r\n".to_vec()), Just(b"\r".to_vec()), Just(b"\n".to_vec()),
                Just(b"\r\n\r\n".to_vec()), Just(b"\xef\xbb\xbf".to_vec()), Just(b": c\n".to_vec()), Just("data: é€😀\n".as_bytes().to_vec()),
                prop::collection::vec(any::<u8>(), 0..12),
            ], 0..40),
            cuts in prop::collection::vec(1usize..9, 1..20),
        ) {
            let bytes = pieces.concat();
            let mut reader = Reader::new();
            let mut out = Vec::new();
            let mut rest = bytes.as_slice();
            let mut cuts = cuts.iter().cycle();
            while !rest.is_empty() {
                let (piece, after) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
                reader.push(piece, &mut out).unwrap();
                rest = after;
            }
            out.extend(reader.finish());
            let cut: Vec<_> = out.into_iter().map(|e| (e.name, e.data)).collect();
            prop_assert_eq!(cut, events(&bytes, usize::MAX).0);
        }
    }
}
