//! Folding readings and own usage, and looking at a gauge.

use divan::{Bencher, black_box};
use ratetop::domain::{
    gauge::{Gauge, Taken},
    headers::Level,
    limit::{Dimension, Family},
    observation::Source,
    time::{Time, after},
};

fn main() {
    divan::main();
}

fn at(s: f64) -> Time {
    after(Time::UNIX_EPOCH, 1_795_000_000.0 + s)
}

fn level(remaining: u64) -> Level {
    Level {
        limiter: "output_tokens_per_minute".into(),
        dimension: Dimension::Otpm,
        family: Family::Standard,
        limit: 1_000_000,
        remaining,
        full_in_s: Some(12.0),
    }
}

/// A gauge after ten busy minutes of twenty readings a second.
fn busy() -> Gauge {
    let mut gauge = Gauge::new(
        "output_tokens_per_minute".into(),
        Dimension::Otpm,
        Family::Standard,
    );
    for i in 0..12_000_u32 {
        fold(&mut gauge, i);
    }
    gauge
}

fn fold(gauge: &mut Gauge, i: u32) {
    let now = at(f64::from(i) / 20.0);
    let when = Taken {
        at: now,
        first_byte_s: 0.0,
        source: Source::Tap,
    };
    gauge.fold(&level(u64::from(i * 7_919 % 900_000)), when);
    gauge.draw(now, 120.0);
}

#[divan::bench]
fn fold_one_reading(bencher: Bencher) {
    let mut gauge = busy();
    let mut i = 12_000;
    bencher.bench_local(|| {
        i += 1;
        fold(black_box(&mut gauge), i);
    });
}

#[divan::bench]
fn view_one_gauge(bencher: Bencher) {
    let gauge = busy();
    bencher.bench_local(|| black_box(&gauge).view(black_box(at(601.0))));
}

#[divan::bench]
fn series_of_a_panel(bencher: Bencher) {
    let gauge = busy();
    bencher.bench_local(|| black_box(&gauge).series(black_box(at(601.0)), 600.0, 120));
}
