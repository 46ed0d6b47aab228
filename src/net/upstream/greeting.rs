//! What an HTTP/2 server says first: a SETTINGS frame (RFC 9113, 3.4). Read on the way in, as a request must
//! not leave before it is known that HTTP/2 is spoken there.

use super::stream::Stream;
use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::oneshot,
};

/// Bytes of a frame's head.
const HEAD: usize = 9;
/// A SETTINGS frame.
const SETTINGS: u8 = 4;
/// Bytes of a frame that need not be announced.
const LONGEST: usize = 16_384;
/// SETTINGS_MAX_CONCURRENT_STREAMS.
const MAX_STREAMS: [u8; 2] = [0, 3];

/// How many streams a server allows; none where it does not say.
pub type Room = Option<u32>;

/// Reads the first frame. None until it is whole, an error where it is no SETTINGS.
pub fn read(bytes: &[u8]) -> Option<Result<Room, NotHttp2>> {
    // An HTTP/1.1 answer begins with `H`, and is known before nine bytes of it came.
    let known = bytes.get(3).is_some_and(|kind| *kind != SETTINGS);
    if known {
        return Some(Err(NotHttp2));
    }
    let head = bytes.get(..HEAD)?;
    let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
    let is_ours = head[4..] == [0; 5] && length <= LONGEST && length.is_multiple_of(6);
    if !is_ours {
        return Some(Err(NotHttp2));
    }
    let settings = bytes.get(HEAD..HEAD + length)?;
    let mut settings = settings.chunks_exact(6);
    let room = settings.rfind(|setting| setting.starts_with(&MAX_STREAMS));
    Some(Ok(room.map(|setting| {
        setting[2..]
            .iter()
            .fold(0, |sum, byte| sum << 8 | u32::from(*byte))
    })))
}

/// Something else was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotHttp2;

/// A connection whose first frame is read as it comes in.
pub struct Greeted {
    stream: Stream,
    came: Vec<u8>,
    /// Until it is there.
    tell: Option<oneshot::Sender<Result<Room, NotHttp2>>>,
}

impl Greeted {
    /// A connection over `stream`, and what is said there first; nothing where it ends before.
    pub fn new(stream: Stream) -> (Self, oneshot::Receiver<Result<Room, NotHttp2>>) {
        let (tell, told) = oneshot::channel();
        let greeted = Self {
            stream,
            came: Vec::new(),
            tell: Some(tell),
        };
        (greeted, told)
    }

    fn hear(&mut self, came: &[u8]) {
        self.came.extend_from_slice(came);
        if let Some(said) = read(&self.came) {
            self.came = Vec::new();
            if let Some(tell) = self.tell.take() {
                // Who gave up waiting need not know.
                let _ = tell.send(said);
            }
        }
    }
}

impl AsyncRead for Greeted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buf);
        if self.tell.is_some() {
            let came = buf.filled().get(before..).unwrap_or_default();
            self.hear(came);
            if matches!(result, Poll::Ready(Err(_))) || came.is_empty() && result.is_ready() {
                self.tell = None;
            }
        }
        result
    }
}

impl AsyncWrite for Greeted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case(b"\0\0\0\x04\0\0\0\0\0", Some(Ok(None)))]
    #[case(b"\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64", Some(Ok(Some(100))))]
    #[case(
        b"\0\0\x0c\x04\0\0\0\0\0\0\x04\0\0\xff\xff\0\x03\0\0\x01\0rest",
        Some(Ok(Some(256)))
    )]
    #[case(b"\0\0\x06\x04\0\0\0\0\0\0\x03", None)]
    #[case(b"\0\0", None)]
    #[case(b"", None)]
    // An acknowledgement, a stream's, a length that is none.
    #[case(b"\0\0\0\x04\x01\0\0\0\0", Some(Err(NotHttp2)))]
    #[case(b"\0\0\0\x04\0\0\0\0\x01", Some(Err(NotHttp2)))]
    #[case(b"\0\0\x05\x04\0\0\0\0\0", Some(Err(NotHttp2)))]
    #[case(b"HTTP", Some(Err(NotHttp2)))]
    #[case(b"\0\0\0\x07\0\0\0\0\0", Some(Err(NotHttp2)))]
    fn only_settings_are_a_greeting(
        #[case] bytes: &[u8],
        #[case] said: Option<Result<Room, NotHttp2>>,
    ) {
        assert_eq!(read(bytes), said);
    }

    proptest! {
        #[test]
        fn what_is_said_does_not_change_as_more_comes(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut known = None;
            for length in 0..=bytes.len() {
                let said = read(&bytes[..length]);
                prop_assert!(known.is_none() || said == known);
                known = said;
            }
        }
    }
}
