//! How long one response head takes to read.

fn main() {
    divan::main();
}

const HEAD: &[(&str, &[u8])] = &[
    ("date", b"Tue, 24 Nov 2026 12:00:00 GMT"),
    ("content-type", b"application/json"),
    ("server", b"cloudflare"),
    ("cf-ray", b"8f0000000000-FRA"),
    ("request-id", b"req_011CX00000000000000009f"),
    (
        "anthropic-organization-id",
        b"6a3f0f4e-0000-4000-8000-000000000001",
    ),
    ("anthropic-ratelimit-requests-limit", b"5000"),
    ("anthropic-ratelimit-requests-remaining", b"4412"),
    (
        "anthropic-ratelimit-requests-reset",
        b"2026-11-24T12:00:07Z",
    ),
    ("anthropic-ratelimit-tokens-limit", b"6000000"),
    ("anthropic-ratelimit-tokens-remaining", b"3306000"),
    ("anthropic-ratelimit-tokens-reset", b"2026-11-24T12:00:48Z"),
    ("anthropic-ratelimit-input-tokens-limit", b"5000000"),
    ("anthropic-ratelimit-input-tokens-remaining", b"3100000"),
    (
        "anthropic-ratelimit-input-tokens-reset",
        b"2026-11-24T12:00:23Z",
    ),
    ("anthropic-ratelimit-output-tokens-limit", b"1000000"),
    ("anthropic-ratelimit-output-tokens-remaining", b"206000"),
    (
        "anthropic-ratelimit-output-tokens-reset",
        b"2026-11-24T12:00:48Z",
    ),
];

#[divan::bench]
fn standard_head(bencher: divan::Bencher) {
    let at = chrono::DateTime::from_timestamp(1_795_521_603, 0).unwrap_or_default();
    bencher.bench(|| ratetop::domain::headers::read(divan::black_box(HEAD).iter().copied(), at));
}

#[divan::bench]
fn head_without_limits(bencher: divan::Bencher) {
    let at = chrono::DateTime::from_timestamp(1_795_521_603, 0).unwrap_or_default();
    let head = HEAD.get(..5).unwrap_or_default();
    bencher.bench(|| ratetop::domain::headers::read(divan::black_box(head).iter().copied(), at));
}
