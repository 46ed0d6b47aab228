//! HTTP/1.1 by hand, so that neither side of a test shares a parser with the tap.

use std::io::{self, BufRead, Read};

/// How a message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// As its framing says.
    Whole,
    /// The connection was closed before that.
    Closed,
    /// The connection was reset before that.
    Reset,
}

/// One message as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The request or status line.
    pub start: String,
    /// Names and values as they came, in order.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Without its framing.
    pub body: Vec<u8>,
    pub trailers: Vec<(String, Vec<u8>)>,
    pub ended: Ended,
    /// Informational answers before it.
    pub informed: Vec<String>,
}

impl Message {
    /// All values of a header.
    pub fn all(&self, name: &str) -> Vec<String> {
        let all = self.headers.iter();
        let all = all.filter(|(named, _)| named.eq_ignore_ascii_case(name));
        all.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
            .collect()
    }

    pub fn get(&self, name: &str) -> Option<String> {
        self.all(name).into_iter().next()
    }

    pub fn status(&self) -> u16 {
        self.start[9..12].parse().unwrap()
    }

    /// The body, which is short and text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A line without its end; none at the end of the connection.
fn line(from: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    if from.read_until(b'\n', &mut line)? == 0 || line.pop() != Some(b'\n') {
        return Ok(None);
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(Some(line))
}

type Lines = Vec<(String, Vec<u8>)>;

fn lines(from: &mut impl BufRead) -> io::Result<Option<Lines>> {
    let mut lines = Vec::new();
    loop {
        let Some(line) = line(from)? else {
            return Ok(None);
        };
        if line.is_empty() {
            return Ok(Some(lines));
        }
        let colon = line.iter().position(|byte| *byte == b':').unwrap();
        let name = String::from_utf8(line[..colon].to_vec()).unwrap();
        lines.push((name, line[colon + 1..].trim_ascii().to_vec()));
    }
}

/// What kind of message is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Request,
    Answer,
    /// An answer to HEAD.
    BareAnswer,
}

/// The head of the next message; none where the connection ends before it is whole.
pub fn head(from: &mut impl BufRead) -> io::Result<Option<Message>> {
    let Some(start) = line(from)? else {
        return Ok(None);
    };
    let Some(headers) = lines(from)? else {
        return Ok(None);
    };
    Ok(Some(Message {
        start: String::from_utf8(start).unwrap(),
        headers,
        body: Vec::new(),
        trailers: Vec::new(),
        ended: Ended::Closed,
        informed: Vec::new(),
    }))
}

/// The next message, as far as it comes; an error or none where there is not even a head.
pub fn message(from: &mut impl BufRead, kind: Kind) -> io::Result<Option<Message>> {
    let mut informed = Vec::new();
    let mut message = loop {
        let Some(message) = head(from)? else {
            return Ok(None);
        };
        if kind == Kind::Request || !message.start[9..].starts_with('1') {
            break message;
        }
        informed.push(message.start);
    };
    message.informed = informed;
    let read = body(&mut message, from, kind);
    message.ended = match read {
        Ok(true) => Ended::Whole,
        Ok(false) => Ended::Closed,
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ended::Reset,
        Err(error) => return Err(error),
    };
    Ok(Some(message))
}

/// Reads a body into its message; whether it is whole.
fn body(message: &mut Message, from: &mut impl BufRead, kind: Kind) -> io::Result<bool> {
    let bare =
        kind == Kind::BareAnswer || kind == Kind::Answer && matches!(message.status(), 204 | 304);
    if bare {
        return Ok(true);
    }
    let coding = message.get("transfer-encoding").unwrap_or_default();
    if coding.to_ascii_lowercase().ends_with("chunked") {
        return chunks(message, from);
    }
    match message.get("content-length") {
        Some(length) => upto(from, length.parse().unwrap(), &mut message.body),
        None if kind == Kind::Request => Ok(true),
        None => from.read_to_end(&mut message.body).map(|_| true),
    }
}

/// Reads `length` bytes, or as many as come; whether all came.
fn upto(from: &mut impl BufRead, length: u64, into: &mut Vec<u8>) -> io::Result<bool> {
    let before = into.len() as u64;
    let result = from.take(length).read_to_end(into);
    result.map(|_| into.len() as u64 == before + length)
}

fn chunks(message: &mut Message, from: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let Some(size) = line(from)? else {
            return Ok(false);
        };
        let size = String::from_utf8(size).unwrap();
        let size = size.split(';').next().unwrap().trim().to_owned();
        let size = u64::from_str_radix(&size, 16).unwrap();
        if size == 0 {
            let Some(trailers) = lines(from)? else {
                return Ok(false);
            };
            message.trailers = trailers;
            return Ok(true);
        }
        if !upto(from, size, &mut message.body)? || line(from)?.is_none() {
            return Ok(false);
        }
    }
}

/// One chunk.
pub fn chunk(data: &[u8]) -> Vec<u8> {
    let mut chunk = format!("{:x}\r\n", data.len()).into_bytes();
    chunk.extend_from_slice(data);
    chunk.extend_from_slice(b"\r\n");
    chunk
}

/// `head`, then `body` in chunks of `size`, each a piece of its own.
pub fn chunked(head: &str, body: &[u8], size: usize) -> Vec<Vec<u8>> {
    let mut pieces = vec![head.as_bytes().to_vec()];
    pieces.extend(body.chunks(size).map(chunk));
    pieces.push(b"0\r\n\r\n".to_vec());
    pieces
}

/// `head` and `body`, cut into pieces of `size`.
pub fn cut(head: &str, body: &[u8], size: usize) -> Vec<Vec<u8>> {
    let whole = [head.as_bytes(), body].concat();
    whole.chunks(size).map(<[u8]>::to_vec).collect()
}
