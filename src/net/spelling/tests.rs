use super::*;
use proptest::{prelude::*, sample::Index};
use std::task::Waker;

/// Takes a few bytes at a time, and sometimes none.
struct Narrow {
    taken: Vec<u8>,
    widths: Vec<usize>,
    turn: usize,
}

impl AsyncWrite for Narrow {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let turn = self.turn;
        self.turn += 1;
        let mut width = self.widths[turn % self.widths.len()];
        if width == 0 {
            return Poll::Pending;
        }
        let before = self.taken.len();
        for buf in bufs {
            let part = width.min(buf.len());
            self.taken.extend_from_slice(&buf[..part]);
            width -= part;
        }
        Poll::Ready(Ok(self.taken.len() - before))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}

/// Writes pieces as the parser does: what was not taken is offered again.
fn write_all(speller: &mut Speller, io: &mut Narrow, pieces: &[&[u8]]) {
    let mut cx = Context::from_waker(Waker::noop());
    let mut written = 0;
    let total: usize = pieces.iter().map(|piece| piece.len()).sum();
    while written < total {
        let mut skip = written;
        let left: Vec<IoSlice<'_>> = pieces
            .iter()
            .map(|piece| {
                let part = skip.min(piece.len());
                skip -= part;
                IoSlice::new(&piece[part..])
            })
            .filter(|piece| !piece.is_empty())
            .collect();
        if let Poll::Ready(more) = speller.poll_write(io, &mut cx, &left) {
            written += more.unwrap();
        }
    }
}

fn raw(text: &[u8]) -> RawHead {
    let mut raw = RawHead::default();
    raw.push(text);
    raw
}

fn respelled(head: &str, original: &str) -> String {
    let mut head = head.as_bytes().to_vec();
    respell(&mut head, original.as_bytes());
    String::from_utf8(head).unwrap()
}

#[test]
fn names_get_their_spelling_back_wherever_they_stand() {
    let original = "POST /v1/messages HTTP/1.1\r\nHost: 127.0.0.1:1\r\nX-API-Key: Secret: X-Dup\r\nx-dup: 1\r\nX-DUP: 2\r\nConnection: keep-alive\r\nX-Dup: 3\r\n\r\nX-Last: body";
    // Another order, one gone, two added, none of them the body's.
    let written = "POST /v1/messages HTTP/1.1\r\nx-dup: 1\r\nx-dup: 2\r\nx-dup: 3\r\nx-dup: 4\r\nhost: api.example\r\nx-api-key: Secret: X-Dup\r\nx-last: 1\r\ncontent-length: 0\r\n\r\n";
    let expected = "POST /v1/messages HTTP/1.1\r\nx-dup: 1\r\nX-DUP: 2\r\nX-Dup: 3\r\nx-dup: 4\r\nHost: api.example\r\nX-API-Key: Secret: X-Dup\r\nx-last: 1\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(respelled(written, original), expected);
}

#[test]
fn interim_answers_are_not_the_head() {
    let original = "HTTP/1.1 100 Continue\r\nX-A: no\r\n\r\nHTTP/1.1 103 Early Hints\r\nX-a: no\r\n\r\nHTTP/1.1 200 OK\r\nx-A: yes\r\n\r\nx-a: body";
    let written = "HTTP/1.1 200 OK\r\nx-a: yes\r\n\r\n";
    let expected = "HTTP/1.1 200 OK\r\nx-A: yes\r\n\r\n";
    assert_eq!(respelled(written, original), expected);
}

#[test]
fn lines_that_end_with_lf_alone_and_lines_before_the_head() {
    let original = "\r\n\nGET / HTTP/1.1\nX-A: 1\nX-b: 2\n\nX-C: body";
    let written = "GET / HTTP/1.1\r\nx-a: 1\r\nx-b: 2\r\nx-c: 3\r\n\r\n";
    let expected = "GET / HTTP/1.1\r\nX-A: 1\r\nX-b: 2\r\nx-c: 3\r\n\r\n";
    assert_eq!(respelled(written, original), expected);
}

#[test]
fn what_follows_a_head_is_left_for_the_next() {
    let mut both = raw(b"GET /1 HTTP/1.1\r\nX-A: 1\r\n\r\nGET /2 HTTP/1.1\r\nX-a: 1\r\n");
    assert_eq!(
        both.take_first().bytes(),
        b"GET /1 HTTP/1.1\r\nX-A: 1\r\n\r\n"
    );
    both.push(b"\r\n");
    assert_eq!(
        both.take_first().bytes(),
        b"GET /2 HTTP/1.1\r\nX-a: 1\r\n\r\n"
    );
    assert_eq!(both.bytes(), b"");
}

#[test]
fn the_memory_of_a_head_serves_the_next_one_and_none_stays_with_a_stream() {
    let head = b"HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\n";
    let mut io = Narrow {
        taken: Vec::new(),
        widths: vec![1_000],
        turn: 0,
    };
    let mut speller = Speller::default();
    speller.arm(raw(head));
    write_all(
        &mut speller,
        &mut io,
        &[b"HTTP/1.1 200 OK\r\nx-a: 1\r\n\r\n", b"{}"],
    );
    let mut next = RawHead::default();
    let used = speller.used.as_ptr();
    speller.hear(&mut next, b"GET / HTTP/1.1\r\n");
    speller.hear(&mut next, b"\r\n");
    assert_eq!(next.bytes(), b"GET / HTTP/1.1\r\n\r\n");
    assert_eq!(next.bytes().as_ptr(), used);
    assert_ne!(speller.head.capacity(), 0);
    write_all(&mut speller, &mut io, &[b"more of a stream"]);
    assert_eq!((speller.head.capacity(), speller.used.capacity()), (0, 0));
}

#[test]
fn nothing_grows_without_end() {
    let mut endless = RawHead::default();
    for _ in 0..1_000 {
        endless.push(&[b'x'; 1_000]);
    }
    assert_eq!(endless.bytes().len(), LONGEST_HEAD);
    // A large piece is kept only up to the end of its head.
    let head = b"HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\n";
    let large = [head.to_vec(), vec![b'x'; 100_000]].concat();
    assert_eq!(raw(&large).bytes(), head);
}

fn spelled() -> impl Strategy<Value = String> {
    // Few letters, so that names meet again.
    "[aAbB]{1,2}"
}

proptest! {
    #[test]
    fn a_head_comes_out_as_it_came_through_any_narrow_place(
        names in prop::collection::vec(spelled(), 0..20),
        interim in any::<bool>(),
        body in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..30),
        widths in prop::collection::vec(0..60_usize, 0..6),
    ) {
        let go_on = if interim { "HTTP/1.1 100 Continue\r\n\r\n" } else { "" };
        let lines = names.iter().enumerate().map(|(n, name)| format!("{name}: {n}\r\n"));
        let lines: Vec<String> = lines.collect();
        let original = format!("HTTP/1.1 200 OK\r\n{}\r\n", lines.concat());
        let head = format!("{go_on}{}", original.to_ascii_lowercase().replace("http/1.1 200 ok", "HTTP/1.1 200 OK"));
        let mut pieces: Vec<&[u8]> = vec![head.as_bytes()];
        pieces.extend(body.iter().map(Vec::as_slice));
        let mut widths = widths;
        widths.push(7);
        let mut io = Narrow { taken: Vec::new(), widths, turn: 0 };
        let mut speller = Speller::default();
        speller.arm(raw(original.as_bytes()));
        write_all(&mut speller, &mut io, &pieces);
        // What is written next is as it is.
        write_all(&mut speller, &mut io, &[b"aa: a\r\n\r\n"]);
        let expected = [go_on.as_bytes(), original.as_bytes(), &body.concat(), b"aa: a\r\n\r\n"].concat();
        prop_assert_eq!(io.taken, expected);
    }

    #[test]
    fn nothing_but_the_case_of_letters_ever_changes(
        head in prop::collection::vec(prop::sample::select(b"aAbB:\r\n H/1.".as_slice()), 0..200),
        original in prop::collection::vec(prop::sample::select(b"aAbB:\r\n H/1.".as_slice()), 0..200),
        cut in any::<Index>(),
    ) {
        let mut same = head.clone();
        respell(&mut same, &original);
        prop_assert!(same.eq_ignore_ascii_case(&head));
        let mut pieces = RawHead::default();
        let at = cut.index(original.len() + 1);
        pieces.push(&original[..at]);
        pieces.push(&original[at..]);
        prop_assert_eq!(pieces.bytes(), original);
    }
}
