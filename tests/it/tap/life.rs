//! Many connections, and the end of a tap.

use super::{
    rig::{PATIENCE, Peer, Seen, Stub, Tapped, listening},
    wire::{self, Kind, chunk},
};
use ratetop::{net::base::Base, tap::server};
use std::{
    io::{ErrorKind, Read},
    net::{SocketAddr, TcpStream},
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

#[test]
fn two_thousand_idle_connections_hinder_nobody() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let mut limit = getrlimit(Resource::Nofile);
        limit.current = limit.maximum;
        setrlimit(Resource::Nofile, limit).unwrap();
    }
    let (stub, _asked) = Stub::plain();
    let tap = Tapped::before(stub.address);
    let ask = tap.head("GET /v1/models") + "\r\n";
    let mut idle: Vec<TcpStream> = Vec::new();
    for n in 0..2_000 {
        let mut client = tap.client();
        if n % 100 == 0 {
            // Some have been used before.
            client.send(&ask);
            assert_eq!(client.next(Kind::Answer).text(), "ok");
        }
        idle.push(client.out);
    }
    let mut client = tap.client();
    for _ in 0..100 {
        client.send(&ask);
        assert_eq!(client.next(Kind::Answer).text(), "ok");
    }
    // They cost upstream nothing.
    assert_eq!(stub.connections(), 1);
    for stream in idle {
        let mut client = Peer::of(stream);
        client.send(&ask);
        assert_eq!(client.next(Kind::Answer).text(), "ok");
    }
}

#[test]
fn a_stop_finishes_what_flows_and_refuses_what_is_new() {
    let (go, gone) = mpsc::channel::<()>();
    let gone = Mutex::new(gone);
    let stub = Stub::playing(move |mut peer, _| {
        peer.next(Kind::Request);
        peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        peer.send(chunk(b"first"));
        gone.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        peer.send(chunk(b"last"));
        peer.send("0\r\n\r\n");
        peer.wait_for_the_end();
    });
    let tap = Tapped::before(stub.address);
    let mut idle = tap.client();
    let mut client = tap.client();
    client.send(tap.head("POST /v1/messages") + "Content-Length: 2\r\n\r\n{}");
    let head = wire::head(&mut client.lines).unwrap().unwrap();
    assert_eq!(head.status(), 200);
    tap.stop();
    // Nobody waits for those that have nothing to do.
    idle.wait_for_the_end();
    // The listener is closed; until then the kernel may still have let somebody in.
    loop {
        match TcpStream::connect(tap.address) {
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
                break;
            }
            Ok(stream) => Peer::of(stream).wait_for_the_end(),
        }
    }
    go.send(()).unwrap();
    let mut rest = Vec::new();
    client.lines.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"5\r\nfirst\r\n4\r\nlast\r\n0\r\n\r\n");
    drop(client);
    tap.join();
}

/// Has a tap before that upstream stopped once the client says so, with a clock that stands still except
/// where the tap waits: how long the stop took on it, and what the client's thread comes back with.
#[expect(
    clippy::disallowed_methods,
    reason = "how long the stop took on its clock"
)]
fn stopped_on_its_clock<T: Send + 'static>(
    upstream: &Stub,
    client: impl FnOnce(Peer, SocketAddr, &dyn Fn()) -> T + Send + 'static,
) -> (Duration, T) {
    let base = Base::parse(&format!("http://{}", upstream.address)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (took, client) = runtime.block_on(async {
        let (listener, tap) = listening(base, None, Arc::new(Seen::default()), None).await;
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let serving = tokio::spawn(server::serve(listener, tap, stop.clone()));
        let (ready, mut readied) = tokio::sync::mpsc::unbounded_channel();
        let client = std::thread::spawn(move || {
            client(Peer::to(address), address, &|| ready.send(()).unwrap())
        });
        readied.recv().await.unwrap();
        tokio::time::pause();
        let asked = tokio::time::Instant::now();
        stop.cancel();
        serving.await.unwrap();
        (asked.elapsed(), client)
    });
    drop(runtime);
    (took, client.join().unwrap())
}

/// One that has its answers and stays connected, as those of the SDKs do, keeps nobody.
#[test]
fn a_stop_waits_for_no_client_that_has_its_answers() {
    let (stub, _asked) = Stub::plain();
    let (took, _still_connected) = stopped_on_its_clock(&stub, |mut client, tap, ready| {
        client.send(format!("GET /x HTTP/1.1\r\nHost: {tap}\r\n\r\n"));
        assert_eq!(client.next(Kind::Answer).text(), "ok");
        client.send(format!(
            "POST /x HTTP/1.1\r\nHost: {tap}\r\nContent-Length: 2\r\n\r\n{{}}"
        ));
        assert_eq!(client.next(Kind::Answer).text(), "ok");
        ready();
        client
    });
    assert!(took < Duration::from_millis(10), "{took:?}");
}

#[test]
fn a_stop_cuts_what_does_not_end_in_ten_seconds() {
    let stub = Stub::playing(|mut peer, _| {
        peer.next(Kind::Request);
        peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        peer.send(chunk(b"first"));
        // The rest never comes; the tap lets go of it.
        peer.wait_for_the_end();
    });
    let (took, rest) = stopped_on_its_clock(&stub, |mut client, tap, ready| {
        client.send(format!("GET /x HTTP/1.1\r\nHost: {tap}\r\n\r\n"));
        let mut first = [0; 57];
        client.lines.read_exact(&mut first).unwrap();
        assert!(first.ends_with(b"\r\n5\r\nfirst\r\n"), "{first:?}");
        ready();
        // Neither more nor a clean end.
        let mut rest = Vec::new();
        let _ = client.lines.read_to_end(&mut rest);
        rest
    });
    assert!(
        (server::GRACE..server::GRACE + Duration::from_millis(10)).contains(&took),
        "{took:?}"
    );
    assert_eq!(rest, b"");
}
