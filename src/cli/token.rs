//! The token that opens a tap: read from a file that only the user can read.

use super::{config::others_can_read, error::ConfigError};
use crate::domain::clean::clean;
use std::{fs::File, io::Read, path::Path};

/// Shorter ones can be guessed.
const SHORTEST: usize = 16;
/// No token is longer.
const LONGEST: u64 = 4096;

/// The token in `path`, which `named` names in complaints: at least 16 of a-z, A-Z, 0-9, `.`, `_`, `~`, `-`, as it also stands in paths.
pub fn read(path: &Path, named: &str) -> Result<String, ConfigError> {
    let shown = clean(&path.display().to_string(), 200);
    let fail = |what: String| ConfigError::new(format!("{named}: {shown} {what}"));
    let unreadable = |error: std::io::Error| fail(format!("cannot be read: {error}"));
    let file = File::open(path).map_err(unreadable)?;
    if others_can_read(&file.metadata().map_err(unreadable)?) {
        return Err(fail(
            "can be read by others: run `chmod 600` on it".to_owned(),
        ));
    }
    let mut text = String::new();
    file.take(LONGEST)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    let token = text.trim();
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'~' | b'-');
    if token.len() < SHORTEST || !token.bytes().all(plain) {
        return Err(fail(format!(
            "holds no token: at least {SHORTEST} of a-z, A-Z, 0-9, `.`, `_`, `~`, `-`"
        )));
    }
    Ok(token.to_owned())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_token_is_long_plain_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        let with = |text: &str, mode: u32| {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            read(&path, "--token-file").map_err(|error| error.sentence)
        };
        let good = "planted-0123456789.~_";
        assert_eq!(with(&format!("{good}\n"), 0o600).unwrap(), good);
        for (text, mode, said) in [
            (good, 0o640, "can be read by others"),
            (good, 0o604, "can be read by others"),
            ("planted-short", 0o600, "holds no token"),
            ("planted with a space in it", 0o600, "holds no token"),
            ("planted/with/slashes/in/it", 0o600, "holds no token"),
            ("", 0o600, "holds no token"),
        ] {
            let why = with(text, mode).unwrap_err();
            assert!(why.contains(said) && !why.contains("planted"), "{why}");
        }
        let why = read(&dir.path().join("none"), "tap.token_file")
            .unwrap_err()
            .sentence;
        assert!(why.contains("cannot be read"), "{why}");
    }
}
