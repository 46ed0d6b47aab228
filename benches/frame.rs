//! One frame, 120x40: true p50 and p99 over thousands of frames, beside a floor of stock widgets drawn in
//! turns with ours.
//!
//! ```text
//! cargo bench --bench frame            # 200 rounds of 100 frames of each kind
//! FRAME_ROUNDS=1000 cargo bench --bench frame
//! ```
//! Times are of the thread's own CPU clock where there is one, so that other programs do not count;
//! the wall clock's p99 stands beside them.

#![expect(
    clippy::disallowed_methods,
    reason = "a bench reads the time for itself"
)]

#[expect(
    dead_code,
    reason = "the worlds of the screen tests, of which a bench needs a part"
)]
#[path = "../tests/it/world/mod.rs"]
mod world;

use hdrhistogram::Histogram;
use ratatui::{
    Frame, Terminal, TerminalOptions, Viewport,
    backend::CrosstermBackend,
    layout::{Constraint, Layout, Rect},
    style::{Color, Style},
    text::Line,
    widgets::{Block, Gauge, Paragraph, Row, Sparkline, Table},
};
use ratetop::{
    app::App,
    domain::time::after,
    ui::{
        draw,
        theme::{Depth, Look, Theme},
    },
};
use std::{
    cell::Cell,
    hint::black_box,
    io::{self, Write},
    rc::Rc,
    time::{Duration, Instant},
};

const SIZE: (u16, u16) = (120, 40);
/// No frame takes longer, nanoseconds.
const LONGEST_NS: u64 = 10_000_000_000;
/// Frames of one kind before the next has its turn.
const TURN: u64 = 100;

/// Counts bytes and forgets them.
#[derive(Clone, Default)]
struct Counter(Rc<Cell<u64>>);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.set(self.0.get() + bytes.len() as u64);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Since some moment, of this thread's CPU clock where there is one.
fn cpu() -> Duration {
    #[cfg(unix)]
    {
        use rustix::time::{ClockId, clock_gettime};
        let at = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(at.tv_sec as u64, at.tv_nsec as u32)
    }
    #[cfg(not(unix))]
    {
        use std::sync::LazyLock;
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        START.elapsed()
    }
}

/// Draws the nth frame.
type Paint = dyn FnMut(u64, &mut Frame<'_>);

/// One kind of frame, and how long each of them took, ns.
struct Kind {
    name: String,
    terminal: Terminal<CrosstermBackend<Counter>>,
    paint: Box<Paint>,
    cpu: Histogram<u64>,
    wall: Histogram<u64>,
    drawn: u64,
    written: Counter,
}

impl Kind {
    fn new(name: &str, paint: impl FnMut(u64, &mut Frame<'_>) + 'static) -> anyhow::Result<Self> {
        let viewport = Viewport::Fixed(Rect::new(0, 0, SIZE.0, SIZE.1));
        let written = Counter::default();
        let backend = CrosstermBackend::new(written.clone());
        let mut kind = Self {
            name: name.to_owned(),
            terminal: Terminal::with_options(backend, TerminalOptions { viewport })?,
            paint: Box::new(paint),
            cpu: Histogram::new_with_max(LONGEST_NS, 3)?,
            wall: Histogram::new_with_max(LONGEST_NS, 3)?,
            drawn: 0,
            written,
        };
        kind.turn();
        kind.cpu.reset();
        kind.wall.reset();
        Ok(kind)
    }

    fn turn(&mut self) {
        for _ in 0..TURN {
            self.drawn += 1;
            let n = self.drawn;
            let (wall, thread) = (Instant::now(), cpu());
            let drawn = self.terminal.draw(|frame| (self.paint)(n, frame));
            black_box(drawn.is_ok());
            let (thread, wall) = (cpu().saturating_sub(thread), wall.elapsed());
            self.cpu.saturating_record(thread.as_nanos() as u64);
            self.wall.saturating_record(wall.as_nanos() as u64);
        }
    }

    fn tell(&self) {
        let us =
            |histogram: &Histogram<u64>, share| histogram.value_at_quantile(share) as f64 / 1_000.0;
        let (p50, p99) = (us(&self.cpu, 0.5), us(&self.cpu, 0.99));
        println!(
            "{:<34} {p50:>8.1} {p99:>8.1} {:>6.2} {:>8.1} {:>8} {:>8}",
            self.name,
            p99 / p50,
            us(&self.wall, 0.99),
            self.written.0.get() / self.drawn,
            self.cpu.len(),
        );
    }
}

/// A dashboard of stock widgets: 12 gauges, 12 sparklines and a table of 18 rows, all changing.
fn floor(n: u64, frame: &mut Frame<'_>) {
    let rows = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(17),
        Constraint::Min(1),
        Constraint::Length(1),
    ]);
    let [top, cards, table, foot] = rows.areas(frame.area());
    frame.render_widget(Line::from(format!("polled {} s ago", n % 60)), top);
    let columns = Layout::horizontal([Constraint::Fill(1); 4]).split(cards);
    for (i, column) in (0..).zip(columns.iter()) {
        let block = Block::bordered().title(format!(" pool {i} "));
        let inner = block.inner(*column);
        frame.render_widget(block, *column);
        let gauges = Layout::vertical([Constraint::Length(5); 3]).split(inner);
        for (j, gauge) in (0..).zip(gauges.iter()) {
            let share = ((n * (7 + j) + i * 13) % 100) as f64 / 100.0;
            let parts = Layout::vertical([1, 1, 2].map(Constraint::Length));
            let [said, bar, spark] = parts.areas(*gauge);
            let left = (share * 2e6) as u64;
            frame.render_widget(Line::from(format!("{left:>9} left")), said);
            let style = Style::new().fg(Color::Rgb(80, 180, 120));
            let bar_of = Gauge::default().ratio(share).gauge_style(style);
            frame.render_widget(bar_of, bar);
            let data = (0..u64::from(spark.width)).map(|x| (x + n) * 37 % 64);
            frame.render_widget(Sparkline::default().data(data), spark);
        }
    }
    let rows = (0..18).map(|row| {
        let id = row + n;
        Row::new([
            format!("{:02}:{:02}", id / 60 % 60, id % 60),
            format!("req_{:08x}", id.wrapping_mul(2_654_435_761) as u32),
            if id.is_multiple_of(9) { "429" } else { "200" }.to_owned(),
            format!("{} ms", id * 31 % 900),
        ])
    });
    let table_of = Table::new(rows, [9, 14, 5, 8].map(Constraint::Length));
    frame.render_widget(table_of.block(Block::bordered()), table);
    frame.render_widget(Paragraph::new("q quit  ? help"), foot);
}

/// Two apps whose every gauge differs; drawing them in turn changes every number and bar.
fn pair(pools: usize) -> [App; 2] {
    [0, 1].map(|turn| {
        let mut app = world::fresh(SIZE);
        for back in (0..60).rev() {
            let when = world::at(-10.0 * f64::from(back) - 1.0);
            world::shown::many(&mut app, pools, when, turn + 2 * u64::from(back as u32));
        }
        app
    })
}

fn ours(name: &str, pools: usize, changing: bool) -> anyhow::Result<Kind> {
    let apps = pair(pools);
    let theme = Theme::named("dark").unwrap_or_default();
    let look = Look::new(&theme, Depth::True, false);
    Kind::new(&format!("{pools} pools, {name}"), move |n, frame| {
        let app = &apps[if changing { n as usize % 2 } else { 0 }];
        draw(black_box(app), &look, after(world::noon(), 0.0), frame);
    })
}

fn main() -> anyhow::Result<()> {
    let rounds = std::env::var("FRAME_ROUNDS")
        .ok()
        .and_then(|text| text.parse().ok());
    let mut kinds = [
        Kind::new("nothing at all", |_, _| {})?,
        Kind::new("floor: stock widgets, all changed", floor)?,
        ours("all changed", 20, true)?,
        ours("unchanged", 20, false)?,
        ours("all changed", 1_000, true)?,
        ours("unchanged", 1_000, false)?,
    ];
    for _ in 0..rounds.unwrap_or(200_u64) {
        kinds.iter_mut().for_each(Kind::turn);
    }
    println!(
        "{:<34} {:>8} {:>8} {:>6} {:>8} {:>8} {:>8}",
        "frame 120x40", "p50 us", "p99 us", "ratio", "wall p99", "bytes", "frames"
    );
    kinds.iter().for_each(Kind::tell);
    Ok(())
}
