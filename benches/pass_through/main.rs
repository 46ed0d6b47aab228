//! What a hop costs: straight to an upstream, through nginx (if it is installed), through the smallest
//! hop that hyper makes, and through `ratetop tap`, in turns on loopback. A table with ratios.
//!
//! `cargo bench --bench pass_through`; `ROUNDS` (3) and `SECONDS` (2, of each load) can be set, and
//! `WATCHED=1` puts the tap beside itself instead of beside others: with nobody that looks on, with one
//! reader of its admin port, beside a screen, and beside a screen whose terminal nobody reads, so that its
//! loop stands still. Absolute figures move with the machine's load; what counts is the ratio to a peer of
//! the same run.

#![expect(clippy::disallowed_methods, reason = "a bench measures real time")]

mod hop;
mod load;
mod process;
#[cfg(unix)]
mod screen;
mod stub;
mod table;

use load::Load;
use process::{Hop, free_port};
use std::{
    error::Error,
    io::{self, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    time::Duration,
};
use table::{Figures, Row};

/// Anything that ends the bench.
type Failure = Box<dyn Error + Send + Sync>;

const RATETOP: &str = env!("CARGO_BIN_EXE_ratetop");
/// Streams of the first-event phase, one after another.
const SINGLE: usize = 60;
/// Streams at the same time.
const MANY: usize = 500;

fn main() -> Result<(), Failure> {
    let mut args = std::env::args().skip(1);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match (args.next().as_deref(), args.next(), args.next()) {
        (Some("stub"), Some(listen), _) => runtime.block_on(stub::serve(listen.parse()?)),
        (Some("hop"), Some(listen), Some(upstream)) => {
            runtime.block_on(hop::serve(listen.parse()?, upstream))
        }
        (Some("look"), Some(admin), _) => look(admin.parse()?),
        _ => runtime.block_on(measure()),
    }
}

/// Reads all that a tap tells, for ever.
fn look(admin: SocketAddr) -> Result<(), Failure> {
    let mut stream = TcpStream::connect(admin)?;
    write!(stream, "GET /events HTTP/1.1\r\nHost: {admin}\r\n\r\n")?;
    io::copy(&mut stream, &mut io::sink())?;
    Ok(())
}

fn setting(name: &str, default: u32) -> u32 {
    let set = std::env::var(name).ok();
    set.and_then(|text| text.parse().ok()).unwrap_or(default)
}

async fn measure() -> Result<(), Failure> {
    let rounds = setting("ROUNDS", 3);
    let seconds = Duration::from_secs(setting("SECONDS", 2).into());
    let us = std::env::current_exe()?;
    let upstream = free_port()?;
    let stub = Hop::start("direct", upstream, &us, &["stub", &upstream.to_string()])?;
    let hops = match setting("WATCHED", 0) {
        0 => beside_others(upstream, &us)?,
        _ => beside_itself(upstream, &us)?,
    };
    let mut rows: Vec<Row> = std::iter::once("direct")
        .chain(hops.iter().map(Hop::name))
        .map(Row::new)
        .collect();
    for round in 0..rounds {
        eprintln!("round {} of {rounds}", round + 1);
        for (row, hop) in rows
            .iter_mut()
            .zip(std::iter::once(None).chain(hops.iter().map(Some)))
        {
            let figures = figures(upstream, &stub, hop, seconds).await?;
            row.add(figures);
        }
    }
    println!("{}", table::text(&rows));
    Ok(())
}

/// The peers, and the tap as it is started.
fn beside_others(upstream: SocketAddr, us: &Path) -> Result<Vec<Hop>, Failure> {
    let mut hops = Vec::new();
    match process::nginx(upstream)? {
        Some(nginx) => hops.push(nginx),
        None => println!("nginx is not installed, so it is left out"),
    }
    let listen = free_port()?;
    let arguments = ["hop", &listen.to_string(), &upstream.to_string()];
    hops.push(Hop::start("hyper", listen, us, &arguments)?);
    hops.push(tap("ratetop tap", upstream, &free_port()?.to_string())?);
    Ok(hops)
}

fn tap(name: &'static str, upstream: SocketAddr, admin: &str) -> Result<Hop, Failure> {
    let listen = free_port()?;
    let (listening, url) = (listen.to_string(), format!("http://{upstream}"));
    let arguments = ["--config", "/dev/null", "tap", "--listen", &listening];
    let more = ["--upstream", &url, "--admin", admin];
    Hop::start(
        name,
        listen,
        Path::new(RATETOP),
        &[&arguments[..], &more].concat(),
    )
}

/// The tap with fewer and with more that look on.
fn beside_itself(upstream: SocketAddr, us: &Path) -> Result<Vec<Hop>, Failure> {
    let admin = free_port()?;
    let mut read = tap("one reads its admin port", upstream, &admin.to_string())?;
    read.beside(us, &["look", &admin.to_string()])?;
    let mut hops = vec![read];
    #[cfg(unix)]
    for (name, stalled) in [
        ("beside a stalled screen", true),
        ("beside a screen", false),
    ] {
        let program = Path::new(RATETOP);
        hops.push(Hop::screen(name, free_port()?, program, upstream, stalled)?);
    }
    hops.push(tap("alone, no admin port", upstream, "off")?);
    Ok(hops)
}

/// All figures of one way to the upstream.
async fn figures(
    upstream: SocketAddr,
    stub: &Hop,
    hop: Option<&Hop>,
    seconds: Duration,
) -> Result<Figures, Failure> {
    let to = hop.map_or(upstream, Hop::address);
    let load = Load::to(to);
    // Both sides warm.
    load.requests(4, Duration::from_millis(200)).await?;
    let one = load.requests(1, seconds).await?;
    let pinned = process::pin(stub, hop);
    let before = hop.map_or(0, Hop::cpu_ns);
    let many = load.requests(32, seconds).await?;
    let cpu = hop.map_or(0, Hop::cpu_ns) - before;
    drop(pinned);
    let single = load.streams(SINGLE, 1, 4, Duration::from_millis(2)).await?;
    let before = hop.map_or(0, Hop::cpu_ns);
    let streams = load
        .streams(MANY, MANY, 60, Duration::from_millis(50))
        .await?;
    Ok(Figures {
        p50_us: one.at(0.5),
        p99_us: one.at(0.99),
        per_s: many.per_s(),
        cpu_us: cpu as f64 / 1e3 / many.count().max(1) as f64,
        first_ms: single.first.at(0.5) / 1e3,
        streams_cpu_s: (hop.map_or(0, Hop::cpu_ns) - before) as f64 / 1e9,
        // At its end all of them have been there.
        streams_mib: hop.map_or(0.0, Hop::peak_mib),
        failed: (one.failed + many.failed + single.failed + streams.failed) as f64,
    })
}
