//! A tap between a client and an upstream that are nothing but sockets.

use super::wire::{self, Kind, Message};
use ratetop::{
    clock::Clock,
    domain::{id::CallId, observation::Observation, timeline::FIRST_FOREIGN_CALL, traffic::Totals},
    net::{base::Base, upstream::Upstream},
    tap::{
        Counted, Tap,
        chaos::{Chaos, plan::Plan},
        gate::Gate,
        hear::{Hearing, Known, Settings, Sink},
        server,
    },
};
use std::{
    io::{self, BufReader, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// Longer than anything here takes.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Both ways of one connection.
pub struct Peer {
    pub lines: BufReader<TcpStream>,
    pub out: TcpStream,
}

impl Peer {
    pub fn of(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self {
            lines: BufReader::new(stream.try_clone().unwrap()),
            out: stream,
        }
    }

    pub fn to(address: SocketAddr) -> Self {
        Self::of(TcpStream::connect(address).unwrap())
    }

    pub fn send(&mut self, text: impl AsRef<[u8]>) -> &mut Self {
        self.out.write_all(text.as_ref()).unwrap();
        self
    }

    /// The next message, which is there.
    pub fn next(&mut self, kind: Kind) -> Message {
        wire::message(&mut self.lines, kind).unwrap().unwrap()
    }

    /// The next answer, if there is one: an error where the connection was reset before it.
    pub fn answer(&mut self) -> io::Result<Option<Message>> {
        wire::message(&mut self.lines, Kind::Answer)
    }

    /// Ends the connection as one that is reset.
    pub fn reset(self) {
        let linger = socket2::SockRef::from(&self.out).set_linger(Some(Duration::ZERO));
        linger.unwrap();
    }

    /// Ends one way of it.
    pub fn half_close(&self) {
        self.out.shutdown(Shutdown::Write).unwrap();
    }

    /// Waits until the other side has gone, and throws away what it still sent.
    pub fn wait_for_the_end(&mut self) {
        match io::copy(&mut self.lines, &mut io::sink()) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset),
        }
    }
}

/// An upstream: every connection gets a thread that runs the same script.
pub struct Stub {
    pub address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Stub {
    /// The script gets the connection's number, from 0.
    pub fn playing(script: impl Fn(Peer, usize) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let (script, count) = (Arc::new(script), Arc::clone(&connections));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let n = count.fetch_add(1, Ordering::SeqCst);
                let script = Arc::clone(&script);
                std::thread::spawn(move || script(Peer::of(stream), n));
            }
        });
        Self {
            address,
            connections,
        }
    }

    /// Answers every request with the same pieces, and tells what was asked.
    pub fn answering(pieces: Vec<Vec<u8>>, then: Then) -> (Self, mpsc::Receiver<Message>) {
        let (tell, asked) = mpsc::channel();
        let tell = Mutex::new(tell);
        let stub = Self::playing(move |mut peer, _| {
            while let Ok(Some(request)) = wire::message(&mut peer.lines, Kind::Request) {
                let _ = tell.lock().unwrap().send(request);
                for piece in &pieces {
                    if peer.out.write_all(piece).is_err() {
                        return;
                    }
                }
                match then {
                    Then::Keep => {}
                    Then::Close => return,
                    Then::Reset => return peer.reset(),
                }
            }
        });
        (stub, asked)
    }

    /// With a plain answer to everything.
    pub fn plain() -> (Self, mpsc::Receiver<Message>) {
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        Self::answering(vec![answer.as_bytes().to_vec()], Then::Keep)
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// What an upstream does after its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    Keep,
    Close,
    Reset,
}

/// Hears everything.
#[derive(Default)]
pub struct Seen(pub Mutex<Vec<Observation>>, Condvar);

impl Seen {
    /// The first one that is picked, once it is there: what passes is heard when it has been passed on, so
    /// a client may have its answer a moment earlier.
    pub fn first<T>(&self, mut pick: impl FnMut(&Observation) -> Option<T>) -> T {
        let mut picked = None;
        let nothing = |all: &mut Vec<Observation>| {
            picked = all.iter().find_map(&mut pick);
            picked.is_none()
        };
        let seen = self.0.lock().unwrap();
        let waited = self.1.wait_timeout_while(seen, PATIENCE, nothing).unwrap();
        drop(waited);
        picked.unwrap()
    }
}

impl Sink for Seen {
    fn sample(&self, seen: Observation) -> bool {
        self.must(seen);
        true
    }

    fn must(&self, seen: Observation) {
        self.0.lock().unwrap().push(seen);
        self.1.notify_all();
    }
}

/// A tap that is not served yet.
pub async fn listening(
    upstream: Base,
    token: Option<String>,
    sink: Arc<dyn Sink>,
    chaos: Option<Plan>,
) -> (tokio::net::TcpListener, Arc<Tap>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let clock = Clock::start();
    let settings = Settings {
        key: [7; 16],
        first_call: CallId(FIRST_FOREIGN_CALL),
        since: clock.now(),
        known: Known::default(),
    };
    let mut tap = Tap::new(
        Upstream::new(upstream, true).unwrap(),
        Gate::new(address, token).unwrap(),
        Hearing::new(settings, sink),
        clock.clone(),
        |_| (),
    );
    if let Some(plan) = chaos {
        let dice = fastrand::Rng::with_seed(7);
        tap = tap.with_chaos(Chaos::new(plan, dice, clock.now()));
    }
    (listener, Arc::new(tap))
}

/// A tap on a thread of its own, for as long as it is held.
pub struct Tapped {
    pub address: SocketAddr,
    tap: Arc<Tap>,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Tapped {
    pub fn before(upstream: SocketAddr) -> Self {
        Self::at(&format!("http://{upstream}"), None)
    }

    pub fn at(upstream: &str, token: Option<&str>) -> Self {
        Self::heard_by(upstream, token, Arc::new(Seen::default()))
    }

    /// With trouble on purpose.
    pub fn troubled(upstream: SocketAddr, plan: &str, sink: Arc<dyn Sink>) -> Self {
        let plan = Plan::parse(plan, "planned.toml").unwrap();
        Self::open(&format!("http://{upstream}"), None, sink, Some(plan))
    }

    pub fn heard_by(upstream: &str, token: Option<&str>, sink: Arc<dyn Sink>) -> Self {
        Self::open(upstream, token, sink, None)
    }

    fn open(upstream: &str, token: Option<&str>, sink: Arc<dyn Sink>, chaos: Option<Plan>) -> Self {
        let base = Base::parse(upstream).unwrap();
        let token = token.map(str::to_owned);
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let (tell, told) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let (listener, tap) = listening(base, token, sink, chaos).await;
                let address = listener.local_addr().unwrap();
                tell.send((address, Arc::clone(&tap))).unwrap();
                server::serve(listener, tap, stopped).await;
            });
        });
        let (address, tap) = told.recv_timeout(PATIENCE).unwrap();
        Self {
            address,
            tap,
            stop,
            thread: Some(thread),
        }
    }

    pub fn counted(&self) -> Counted {
        self.tap.counted()
    }

    /// What was heard so far.
    pub fn totals(&self) -> Totals {
        self.tap.hearing().totals(Clock::start().now())
    }

    /// Exchanges in which listening failed.
    pub fn unheard(&self) -> u64 {
        self.totals().drops.reader + self.counted().unheard
    }

    /// Connections to upstream that wait for another request.
    pub fn unused(&self) -> usize {
        self.tap.upstream().unused()
    }

    /// Asks it to stop.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until it has.
    pub fn join(mut self) {
        self.thread.take().unwrap().join().unwrap();
    }

    /// A client's connection.
    pub fn client(&self) -> Peer {
        Peer::to(self.address)
    }

    /// A request's head without its last empty line, for more lines.
    pub fn head(&self, line: &str) -> String {
        format!("{line} HTTP/1.1\r\nHost: {}\r\n", self.address)
    }
}

impl Drop for Tapped {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// A step that one thread takes when another says so.
pub fn step() -> (mpsc::Sender<()>, Mutex<mpsc::Receiver<()>>) {
    let (go, gone) = mpsc::channel();
    (go, Mutex::new(gone))
}

pub fn wait(step: &Mutex<mpsc::Receiver<()>>) {
    step.lock().unwrap().recv_timeout(PATIENCE).unwrap();
}
