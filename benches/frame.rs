//! One frame: 20 pools (60 gauges), every one of them changed; the same with 1,000 pools.

#[expect(
    dead_code,
    reason = "the worlds of the screen tests, of which a bench needs a part"
)]
#[path = "../tests/it/world.rs"]
mod world;

use divan::{Bencher, black_box};
use ratatui::{Terminal, backend::CrosstermBackend};
use ratetop::{
    app::App,
    domain::time::after,
    ui::{
        draw,
        theme::{Depth, Look, Theme},
    },
};
use std::io::{self, Write};

fn main() {
    divan::main();
}

/// Takes bytes and forgets them.
struct Counter(u64);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const SIZE: (u16, u16) = (120, 40);

/// Two apps whose every gauge differs; drawing them in turn changes every number and bar.
fn pair(pools: usize) -> [App; 2] {
    [0, 1].map(|turn| {
        let mut app = world::fresh(SIZE);
        for back in (0..60).rev() {
            let when = world::at(-10.0 * f64::from(back) - 1.0);
            world::many(&mut app, pools, when, turn + 2 * u64::from(back as u32));
        }
        app
    })
}

fn look() -> Look {
    let theme = Theme::named("dark").unwrap_or_default();
    Look::new(&theme, Depth::True, false)
}

fn frames(bencher: Bencher, pools: usize, all_changed: bool) {
    let apps = pair(pools);
    let look = look();
    let backend = CrosstermBackend::new(Counter(0));
    let area = ratatui::layout::Rect::new(0, 0, SIZE.0, SIZE.1);
    let options = ratatui::TerminalOptions {
        viewport: ratatui::Viewport::Fixed(area),
    };
    let Ok(mut terminal) = Terminal::with_options(backend, options) else {
        return;
    };
    let mut turn = 0_usize;
    bencher.bench_local(|| {
        turn += 1;
        let app = &apps[if all_changed { turn % 2 } else { 0 }];
        let now = after(world::noon(), 0.0);
        let drawn = terminal.draw(|frame| draw(black_box(app), &look, now, frame));
        black_box(drawn.is_ok())
    });
}

#[divan::bench(args = [20, 1_000])]
fn all_changed(bencher: Bencher, pools: usize) {
    frames(bencher, pools, true);
}

#[divan::bench(args = [20, 1_000])]
fn unchanged(bencher: Bencher, pools: usize) {
    frames(bencher, pools, false);
}
