//! Where a key comes from, and fetching it. Keys exist only as `SecretString`.

use super::environment::Environment;
use crate::domain::clean::clean;
use secrecy::{ExposeSecret, SecretString};
use std::{path::PathBuf, process::Stdio, time::Duration};
use tokio::io::{AsyncRead, AsyncReadExt};

/// How long a key command may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Far longer than any key; more than this is not a key.
const MOST_BYTES: u64 = 16 * 1024;

/// Where a key comes from. Nothing is read until [`KeySource::fetch`].
#[derive(Clone, Debug)]
pub enum KeySource {
    /// An environment variable.
    Variable(String),
    /// A file's whole text.
    File(PathBuf),
    /// What a command prints: program and arguments, no shell.
    Command(Vec<String>),
    /// Written into a config file that others cannot read.
    Literal(SecretString),
}

impl KeySource {
    /// In a few words, without the key.
    pub fn describe(&self) -> String {
        match self {
            Self::Variable(name) => format!("variable {}", clean(name, 60)),
            Self::File(path) => format!("file {}", clean(&path.display().to_string(), 200)),
            Self::Command(argv) => format!("command {}", program(argv)),
            Self::Literal(_) => "the config file itself".to_owned(),
        }
    }

    /// Fetches the key, or says in one sentence why not.
    pub async fn fetch(&self, env: &Environment) -> Result<SecretString, String> {
        let text = match self {
            Self::Variable(name) => match env.get(name) {
                Some(value) => SecretString::from(value),
                None => return Err(unset(name, env)),
            },
            Self::File(path) => {
                let shown = clean(&path.display().to_string(), 200);
                let file = tokio::fs::File::open(path)
                    .await
                    .map_err(|error| format!("key file {shown} cannot be read: {error}"))?;
                read_text(file)
                    .await
                    .map_err(|error| format!("key file {shown} cannot be read: {error}"))?
            }
            Self::Command(argv) => run(argv).await?,
            Self::Literal(key) => key.clone(),
        };
        let key = text.expose_secret().trim();
        if key.is_empty() {
            return Err(format!("{} holds no key", self.describe()));
        }
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!(
                "{} does not hold a key: more than one word, or not ASCII",
                self.describe()
            ));
        }
        Ok(SecretString::from(key))
    }
}

fn unset(name: &str, env: &Environment) -> String {
    let near = crate::domain::near::nearest(name, env.names())
        .map(|near| format!("; did you mean `{near}`?"))
        .unwrap_or_default();
    format!("variable {} is not set{near}", clean(name, 60))
}

fn program(argv: &[String]) -> String {
    clean(argv.first().map_or("", String::as_str), 60)
}

async fn read_text(from: impl AsyncRead + Unpin) -> Result<SecretString, std::io::Error> {
    let mut bytes = Vec::new();
    from.take(MOST_BYTES + 1).read_to_end(&mut bytes).await?;
    let error = |what: &str| std::io::Error::new(std::io::ErrorKind::InvalidData, what.to_owned());
    if bytes.len() as u64 > MOST_BYTES {
        return Err(error("too long for a key"));
    }
    String::from_utf8(bytes)
        .map(SecretString::from)
        .map_err(|_| error("not text"))
}

async fn run(argv: &[String]) -> Result<SecretString, String> {
    let name = program(argv);
    let Some((first, rest)) = argv.split_first() else {
        return Err("the key command is empty".to_owned());
    };
    let mut child = tokio::process::Command::new(first)
        .args(rest)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("key command {name} cannot be started: {error}"))?;
    let (Some(out), Some(mut err)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(format!("key command {name} has no output"));
    };
    let whole = async {
        // stderr is drained to its end, so that a chatty command does not block; its start is kept.
        let complaints = async {
            let (mut kept, mut chunk) = (Vec::new(), [0_u8; 1024]);
            while let Ok(n @ 1..) = err.read(&mut chunk).await {
                if kept.len() < 2048 {
                    kept.extend_from_slice(chunk.get(..n).unwrap_or_default());
                }
            }
            kept
        };
        let (text, complaints) = tokio::join!(read_text(out), complaints);
        (text, complaints, child.wait().await)
    };
    let Ok((text, complaints, status)) = tokio::time::timeout(PATIENCE, whole).await else {
        return Err(format!(
            "key command {name} took more than 10 s and was ended"
        ));
    };
    let status = status.map_err(|error| format!("key command {name} cannot be run: {error}"))?;
    if !status.success() {
        let said = clean(String::from_utf8_lossy(&complaints).trim(), 200);
        let tail = if said.is_empty() {
            String::new()
        } else {
            format!(": {said}")
        };
        return Err(format!("key command {name} failed ({status}){tail}"));
    }
    text.map_err(|error| format!("key command {name} did not print a key: {error}"))
}

/// The public part of a key, `sk-ant-api03`; none when it does not look like the API's.
pub fn prefix(key: &SecretString) -> Option<String> {
    let kind = key
        .expose_secret()
        .strip_prefix("sk-ant-")?
        .split('-')
        .next()?;
    let known = kind.len() <= 8
        && kind.ends_with(|c: char| c.is_ascii_digit())
        && kind
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    known.then(|| format!("sk-ant-{kind}"))
}

/// Whether the public part of a key says that it is one for the Admin API: no call is made with it.
pub fn is_admin(key: &SecretString) -> bool {
    prefix(key).is_some_and(|prefix| prefix.starts_with("sk-ant-admin"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env() -> Environment {
        [("PROD_KEY", "sk-ant-api03-planted"), ("EMPTY", "")]
            .into_iter()
            .collect()
    }

    async fn command(argv: &[&str]) -> Result<SecretString, String> {
        let argv = argv.iter().map(|&word| word.to_owned()).collect();
        KeySource::Command(argv).fetch(&env()).await
    }

    #[tokio::test]
    async fn a_variable_that_is_missing_names_its_neighbour() {
        let fetch = async |name: &str| KeySource::Variable(name.to_owned()).fetch(&env()).await;
        assert!(fetch("PROD_KEY").await.is_ok());
        assert_eq!(
            fetch("PROD_KYE").await.unwrap_err(),
            "variable PROD_KYE is not set; did you mean `PROD_KEY`?"
        );
        assert_eq!(
            fetch("EMPTY").await.unwrap_err(),
            "variable EMPTY is not set"
        );
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_command_gives_its_first_word_or_its_complaint_without_a_key() {
        let key = command(&["printf", "sk-ant-api03-x\n"]).await.unwrap();
        assert_eq!(key.expose_secret(), "sk-ant-api03-x");
        let failed = command(&["sh", "-c", "echo no entry for sk-ant-api03-x >&2; exit 3"]).await;
        assert_eq!(
            failed.unwrap_err(),
            "key command sh failed (exit status: 3): no entry for (a key)"
        );
        let empty = command(&["true"]).await.unwrap_err();
        assert_eq!(empty, "command true holds no key");
        let missing = command(&["/nonexistent/pass"]).await.unwrap_err();
        assert!(missing.contains("cannot be started"), "{missing}");
        let two = command(&["printf", "one two"]).await.unwrap_err();
        assert!(two.contains("more than one word"), "{two}");
    }

    #[cfg(unix)]
    #[tokio::test(start_paused = true)]
    async fn a_command_that_hangs_is_ended() {
        // The paused clock runs ahead to the ten seconds; the command would take an hour.
        let late = command(&["sleep", "3600"]).await.unwrap_err();
        assert_eq!(late, "key command sleep took more than 10 s and was ended");
    }

    #[test]
    fn only_the_public_part_is_shown() {
        let shown = |key: &str| prefix(&SecretString::from(key));
        assert_eq!(
            shown("sk-ant-api03-secret").as_deref(),
            Some("sk-ant-api03")
        );
        assert_eq!(
            shown("sk-ant-admin01-secret").as_deref(),
            Some("sk-ant-admin01")
        );
        assert!(is_admin(&SecretString::from("sk-ant-admin01-secret")));
        assert!(!is_admin(&SecretString::from("sk-ant-api03-admin01")));
        assert_eq!(shown("sk-ant-SECRETSECRET"), None);
        assert_eq!(shown("hunter2"), None);
    }

    #[test]
    fn debug_shows_no_key() {
        let literal = KeySource::Literal(SecretString::from("sk-ant-planted"));
        assert!(!format!("{literal:?} {:?}", env()).contains("planted"));
    }
}
