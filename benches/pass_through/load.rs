//! Clients, as many as are wanted, on this one thread.

use crate::{Failure, stub::EVENTS};
use futures_util::future::try_join_all;
use hdrhistogram::Histogram;
use std::{
    cell::RefCell,
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const BODY: &str = r#"{"model":"claude-sonnet-5-5","max_tokens":1024,"messages":[{"role":"user","content":"hello there, please answer briefly"}]}"#;
const PATIENCE: Duration = Duration::from_secs(20);

/// A load on one address.
pub(crate) struct Load {
    to: SocketAddr,
}

/// Times in microseconds, and what went wrong.
pub(crate) struct Times {
    each: Histogram<u64>,
    took: Duration,
    pub(crate) failed: u64,
}

impl Times {
    fn new() -> Result<Self, Failure> {
        Ok(Self {
            each: Histogram::new_with_max(600_000_000, 3)?,
            took: Duration::ZERO,
            failed: 0,
        })
    }

    /// Microseconds under which that share stays.
    pub(crate) fn at(&self, share: f64) -> f64 {
        // Kept as tenths.
        self.each.value_at_quantile(share) as f64 / 10.0
    }

    pub(crate) fn count(&self) -> u64 {
        self.each.len()
    }

    pub(crate) fn per_s(&self) -> f64 {
        self.count() as f64 / self.took.as_secs_f64()
    }

    fn add(&mut self, time: Duration) {
        self.each.saturating_record(time.as_nanos() as u64 / 100);
    }
}

/// Streams, by the time to their first event.
pub(crate) struct Streams {
    pub(crate) first: Times,
    pub(crate) failed: u64,
}

impl Load {
    pub(crate) const fn to(to: SocketAddr) -> Self {
        Self { to }
    }

    fn request(&self, lines: &str) -> Vec<u8> {
        format!(
            "POST /v1/messages HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nX-Api-Key: sk-ant-api03-bench\r\nanthropic-version: 2023-06-01\r\nUser-Agent: bench\r\n{lines}Content-Length: {}\r\n\r\n{BODY}",
            self.to,
            BODY.len()
        )
        .into_bytes()
    }

    /// Requests one after another on each of `clients` connections, for so long.
    pub(crate) async fn requests(&self, clients: usize, for_: Duration) -> Result<Times, Failure> {
        let times = Rc::new(RefCell::new(Times::new()?));
        let request = self.request("");
        let begun = Instant::now();
        let one = || async {
            let mut stream = TcpStream::connect(self.to).await?;
            stream.set_nodelay(true)?;
            let mut buffer = vec![0; 16 << 10];
            while begun.elapsed() < for_ {
                let sent = Instant::now();
                stream.write_all(&request).await?;
                let good = answer(&mut stream, &mut buffer).await?;
                let mut times = times.borrow_mut();
                times.add(sent.elapsed());
                times.failed += u64::from(!good);
            }
            Ok::<_, Failure>(())
        };
        try_join_all((0..clients).map(|_| one())).await?;
        let mut times = times.replace(Times::new()?);
        times.took = begun.elapsed();
        Ok(times)
    }

    /// `count` streams of `events`, `at_once` of them at a time, each on a connection of its own.
    pub(crate) async fn streams(
        &self,
        count: usize,
        at_once: usize,
        events: u32,
        gap: Duration,
    ) -> Result<Streams, Failure> {
        let mut streams = Streams {
            first: Times::new()?,
            failed: 0,
        };
        let request = self.request(&format!("{EVENTS}: {events} {}\r\n", gap.as_micros()));
        for _ in 0..count.div_ceil(at_once) {
            let each = (0..at_once).map(|n| {
                let request = &request;
                async move {
                    // Not all in one burst.
                    let apart = Duration::from_secs(1) * n as u32 / at_once as u32;
                    tokio::time::sleep(apart).await;
                    tokio::time::timeout(PATIENCE, self.stream(request)).await
                }
            });
            for ended in futures_util::future::join_all(each).await {
                match ended {
                    Ok(Ok(Some(first))) => streams.first.add(first),
                    _ => streams.failed += 1,
                }
            }
        }
        Ok(streams)
    }

    /// One stream to its end: the time to its first event, if it was whole.
    async fn stream(&self, request: &[u8]) -> Result<Option<Duration>, Failure> {
        let mut stream = TcpStream::connect(self.to).await?;
        stream.set_nodelay(true)?;
        let sent = Instant::now();
        stream.write_all(request).await?;
        let mut first = None;
        let mut tail = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let came = stream.read(&mut buffer).await?;
            if came == 0 {
                return Ok(None);
            }
            tail.extend_from_slice(buffer.get(..came).unwrap_or_default());
            if first.is_none() && find(&tail, b"message_start").is_some() {
                first = Some(sent.elapsed());
            }
            if tail.ends_with(b"0\r\n\r\n") {
                return Ok(first.filter(|_| find(&tail, b"message_stop").is_some()));
            }
            let keep = tail.len().saturating_sub(200);
            tail.drain(..keep);
        }
    }
}

/// Reads one answer with a length; whether it is a 200.
async fn answer(stream: &mut TcpStream, buffer: &mut [u8]) -> Result<bool, Failure> {
    let mut have = 0;
    loop {
        let room = buffer.get_mut(have..).filter(|room| !room.is_empty());
        let came = stream.read(room.ok_or("an answer is too long")?).await?;
        if came == 0 {
            return Err("the connection was closed".into());
        }
        have += came;
        let so_far = buffer.get(..have).unwrap_or_default();
        let Some(end) = find(so_far, b"\r\n\r\n") else {
            continue;
        };
        let (head, body) = so_far.split_at(end + 4);
        let head = std::str::from_utf8(head)?.to_ascii_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.ok_or("no length")?.parse()? {
            return Ok(head.starts_with("http/1.1 200"));
        }
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, what)
}
