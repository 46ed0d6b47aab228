//! A server made of scripted bytes.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::AbortHandle,
};

/// One thing the server does on a connection, after it has read the request.
#[derive(Clone, Debug)]
pub enum Do {
    /// Sends bytes.
    Send(Vec<u8>),
    /// Sends one byte every few milliseconds until nobody reads any more.
    Drip(u8),
    /// Sends the same bytes until nobody reads any more.
    Repeat(Vec<u8>),
    /// Breaks the connection with a reset.
    Reset,
    /// Says nothing more and keeps the connection open.
    Hang,
}

/// A server on a free loopback port. Ends with the test.
pub struct Server {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    task: AbortHandle,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Answers every request with what `script` gives for its head.
    pub async fn start(script: impl Fn(&str) -> Vec<Do> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let heads = asked.clone();
        let script = Arc::new(script);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (heads, script) = (heads.clone(), script.clone());
                tokio::spawn(async move {
                    let _ = serve(stream, &heads, script.as_ref()).await;
                });
            }
        });
        Self {
            address,
            asked,
            task: task.abort_handle(),
        }
    }

    /// The heads of all requests so far.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn serve(
    mut stream: TcpStream,
    heads: &Mutex<Vec<String>>,
    script: &(dyn Fn(&str) -> Vec<Do> + Send + Sync),
) -> std::io::Result<()> {
    let mut request = Vec::new();
    let head = loop {
        if let Some(end) = request.windows(4).position(|four| four == b"\r\n\r\n") {
            break String::from_utf8_lossy(&request[..end]).into_owned();
        }
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    };
    let length = head
        .lines()
        .find_map(|line| {
            line.to_ascii_lowercase()
                .strip_prefix("content-length:")
                .map(str::to_owned)
        })
        .and_then(|length| length.trim().parse::<usize>().ok())
        .unwrap_or(0);
    while request.len() < head.len() + 4 + length {
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    heads.lock().unwrap().push(head.clone());
    stream.set_nodelay(true)?;
    for step in script(&head) {
        match step {
            Do::Send(bytes) => stream.write_all(&bytes).await?,
            Do::Drip(byte) => loop {
                stream.write_all(&[byte]).await?;
                tokio::time::sleep(Duration::from_millis(10)).await;
            },
            Do::Repeat(bytes) => loop {
                stream.write_all(&bytes).await?;
            },
            Do::Reset => {
                stream.set_zero_linger()?;
                return Ok(());
            }
            Do::Hang => std::future::pending().await,
        }
    }
    stream.shutdown().await
}

/// A response with a right length.
pub fn http(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<Do> {
    let body = body.as_ref();
    let length = format!("content-length: {}\r\n{headers}", body.len());
    raw(status, &length, body)
}

/// A response with just these headers.
pub fn raw(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<Do> {
    let mut bytes = format!("HTTP/1.1 {status}\r\nconnection: close\r\n{headers}\r\n").into_bytes();
    bytes.extend_from_slice(body.as_ref());
    vec![Do::Send(bytes)]
}

/// The same, and then something else.
pub fn then(mut script: Vec<Do>, last: Do) -> Vec<Do> {
    script.push(last);
    script
}
