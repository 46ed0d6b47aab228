//! Puts the functions that run side by side in the program. A page fault maps the 64 KiB around it, so
//! what runs and lies scattered among what does not takes twice the memory (docs/figures.md).
//!
//! `order.txt` names the functions, as patterns without what differs from build to build; what it does not
//! know lies behind them, so that an old list costs some memory and nothing else. `record.py` writes it.

use std::{env, error::Error, fmt::Write as _, fs, path::Path};

const ORDER: &str = "link/order.txt";
/// Set to `off` it leaves the functions where the compiler puts them, for valgrind or a linker of one's own.
const SWITCH: &str = "RATETOP_LINK_ORDER";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=link/build.rs");
    println!("cargo::rerun-if-changed={ORDER}");
    println!("cargo::rerun-if-env-changed={SWITCH}");
    if !is_known_linker() {
        return Ok(());
    }
    let mut script = "SECTIONS {\n  .text.run : {\n".to_owned();
    let order = fs::read_to_string(ORDER)?;
    for name in order.lines().filter(|line| !line.starts_with('#')) {
        // The compiler moves what it takes for cold into sections of another name.
        writeln!(script, "    *(.text.{name} .text.unlikely.{name})")?;
    }
    script += "  }\n}\nINSERT BEFORE .text;\n";
    let file = Path::new(&env::var("OUT_DIR")?).join("order.ld");
    fs::write(&file, script)?;
    println!("cargo::rustc-link-arg-bins=-T{}", file.display());
    Ok(())
}

/// Whether the linker is one that adds such a script to its own: lld, which comes with Rust and is its
/// default here, or GNU's. One that somebody has chosen may not.
fn is_known_linker() -> bool {
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|it| it == value);
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    !is(SWITCH, "off")
        && is("PROFILE", "release")
        && is("TARGET", "x86_64-unknown-linux-gnu")
        && is("HOST", "x86_64-unknown-linux-gnu")
        && env::var_os("RUSTC_LINKER").is_none()
        && !flags.contains("link")
}
