//! Accepting connections, and serving each until it or the tap ends.

use super::{
    Tap,
    alarm::Alarm,
    forward::forward,
    link::{Link, Socket},
};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Poll, Waker},
    time::Duration,
};
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How long what flows may go on after a stop.
pub const GRACE: Duration = Duration::from_secs(10);
/// How long to wait when the system has no more file handles.
const BREATH: Duration = Duration::from_millis(50);
/// How long a client that was answered in the middle of its request may go on sending before its
/// connection is closed: closing at once could take the answer from it.
const LINGER: Duration = Duration::from_secs(2);

/// Serves until `stop` is cancelled; then refuses what is new and finishes what flows, for [`GRACE`] at
/// most.
pub async fn serve(listener: TcpListener, tap: Arc<Tap>, stop: CancellationToken) {
    let closing = Arc::new(Closing::default());
    let _cut_at_the_end = closing.cut.clone().drop_guard();
    let connections = TaskTracker::new();
    let mut builder = http1::Builder::new();
    builder.auto_date_header(false);
    let mut sweeping = pin!(tap.upstream.sweep());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
            () = &mut sweeping => break,
        };
        match accepted {
            Ok((stream, _)) => {
                let link = Arc::new(Link::new(Arc::clone(&tap)));
                let closing = Arc::clone(&closing);
                connections.spawn(connection(builder.clone(), stream, link, closing));
            }
            Err(error) => {
                tracing::warn!(%error, "the tap cannot accept a connection");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
    drop(listener);
    closing.asked.store(true, Relaxed);
    closing.ask.cancel();
    connections.close();
    let _ = timeout(GRACE, connections.wait()).await;
}

/// How a tap ends: first it asks its connections to, then it cuts them.
#[derive(Default)]
struct Closing {
    asked: AtomicBool,
    ask: CancellationToken,
    cut: CancellationToken,
}

async fn connection(
    builder: http1::Builder,
    stream: TcpStream,
    link: Arc<Link>,
    closing: Arc<Closing>,
) {
    // Without it the kernel would hold small events back until the last is acknowledged.
    let _ = stream.set_nodelay(true);
    let socket = TokioIo::new(Socket::new(stream, Arc::clone(&link)));
    let service = {
        let link = Arc::clone(&link);
        service_fn(move |request| forward(Arc::clone(&link), request))
    };
    let mut serving = builder.serve_connection(socket, service);
    let mut asked = pin!(closing.ask.cancelled());
    let mut cut = pin!(closing.cut.cancelled());
    let alarm = Arc::new(Alarm::default());
    let waker = Waker::from(Arc::clone(&alarm));
    let mut polled = false;
    let mut graceful = false;
    let ended = poll_fn(|cx| {
        // Both wake this task for good once they have been polled; asking the flag is enough then.
        if !polled {
            polled = true;
            let _ = (asked.as_mut().poll(cx), cut.as_mut().poll(cx));
        }
        if !graceful && closing.asked.load(Relaxed) {
            graceful = true;
            Pin::new(&mut serving).graceful_shutdown();
        }
        if graceful && closing.cut.is_cancelled() {
            return Poll::Ready(None);
        }
        link.enter();
        let ended = alarm.poll(cx, &waker, |cx| Pin::new(&mut serving).poll(cx));
        link.leave();
        ended.map(Some)
    })
    .await;
    let stream = serving.into_parts().io.into_inner().into_inner();
    match ended {
        Some(Ok(())) if link.is_within_a_request() => linger(stream).await,
        _ if link.is_reset() => {
            let _ = stream.set_zero_linger();
        }
        _ => {}
    }
}

/// Waits for the client to close its side, and throws away what it still sends.
async fn linger(mut stream: TcpStream) {
    // Not on the stack, where it would be part of every connection.
    let mut rest = vec![0; 4096];
    let _ = timeout(LINGER, async {
        while let Ok(1..) = stream.read(&mut rest).await {}
    })
    .await;
}
