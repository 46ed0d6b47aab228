//! Reading a TOML table key by key, so that every value knows its line and every complaint names it.

use super::error::{ConfigError, hint};
use std::{cell::RefCell, collections::BTreeSet, fmt, path::Path, sync::Arc};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// A line of the config file, from 1.
    File {
        /// The file.
        path: Arc<Path>,
        /// The line.
        line: usize,
    },
    /// An environment variable.
    Variable(String),
    /// A flag of the command line.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) => write!(f, "variable {name}"),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

impl Origin {
    /// An error about the value that came from here.
    pub fn error(&self, what: impl fmt::Display) -> ConfigError {
        match self {
            Self::Default => ConfigError::new(what.to_string()),
            _ => ConfigError::new(format!("{self}: {what}")),
        }
    }
}

/// A value that knows where it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Where it came from.
    pub from: Origin,
}

impl<T> Sourced<T> {
    /// A value that nobody set.
    pub fn default(value: T) -> Self {
        Self {
            value,
            from: Origin::Default,
        }
    }

    /// The same place, another value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Sourced<U> {
        Sourced {
            value: f(self.value),
            from: self.from,
        }
    }

    /// The same place, another value, or a complaint that begins with the place.
    pub fn try_map<U>(
        self,
        f: impl FnOnce(T) -> Result<U, String>,
    ) -> Result<Sourced<U>, ConfigError> {
        match f(self.value) {
            Ok(value) => Ok(Sourced {
                value,
                from: self.from,
            }),
            Err(what) => Err(self.from.error(what)),
        }
    }
}

/// A config file's text, for lines.
pub struct Source {
    path: Arc<Path>,
    text: String,
    absent: RefCell<BTreeSet<String>>,
}

impl Source {
    /// A file that was read.
    pub fn new(path: &Path, text: String) -> Self {
        Self {
            path: path.into(),
            text,
            absent: RefCell::default(),
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Keys that were looked for and are not set, as `[section] key`: what an example lacks.
    pub fn absent(&self) -> BTreeSet<String> {
        self.absent.borrow().clone()
    }

    /// The place of a byte offset.
    pub fn place(&self, offset: usize) -> Origin {
        let before = self.text.as_bytes().iter().take(offset);
        Origin::File {
            path: Arc::clone(&self.path),
            line: 1 + before.filter(|byte| **byte == b'\n').count(),
        }
    }

    /// Parses the whole.
    pub fn parse(&self) -> Result<Spanned<DeTable<'_>>, ConfigError> {
        DeTable::parse(&self.text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            self.place(offset).error(format_args!(
                "not valid TOML: {}",
                error.message().replace('\n', ", ")
            ))
        })
    }
}

/// One table, read key by key. [`Section::finish`] refuses what nobody asked for.
pub struct Section<'a> {
    source: &'a Source,
    name: String,
    table: &'a DeTable<'a>,
    asked: RefCell<Vec<String>>,
}

impl<'a> Section<'a> {
    /// The top of a file.
    pub fn top(source: &'a Source, table: &'a DeTable<'a>) -> Self {
        Self {
            source,
            name: String::new(),
            table,
            asked: RefCell::default(),
        }
    }

    /// `in [profiles.prod]`, or nothing at the top.
    fn here(&self) -> String {
        if self.name.is_empty() {
            String::new()
        } else {
            format!(" in [{}]", self.name)
        }
    }

    /// Keys of this table with their places.
    pub fn keys(&self) -> impl Iterator<Item = (&str, Origin)> {
        self.table
            .keys()
            .map(|key| (key.get_ref().as_ref(), self.source.place(key.span().start)))
    }

    /// The raw value of a key.
    pub fn raw(&self, key: &str) -> Option<(&'a DeValue<'a>, Origin)> {
        self.asked.borrow_mut().push(key.to_owned());
        let found = self
            .table
            .iter()
            .find(|(name, _)| name.get_ref().as_ref() == key);
        if found.is_none() {
            let name = format!("[{}] {key}", self.name);
            self.source.absent.borrow_mut().insert(name);
        }
        let (_, value) = found?;
        Some((value.get_ref(), self.source.place(value.span().start)))
    }

    /// A complaint about the type of a value; it never repeats the value, which may be a key.
    pub fn wrong(&self, key: &str, from: &Origin, want: &str, got: &DeValue<'_>) -> ConfigError {
        let article = match got.type_str() {
            kind if kind.starts_with(['a', 'i']) => "an",
            _ => "a",
        };
        from.error(format_args!(
            "`{key}`{} must be {want}, not {article} {}",
            self.here(),
            got.type_str()
        ))
    }

    fn take<T>(
        &self,
        key: &str,
        want: &str,
        read: impl FnOnce(&DeValue<'_>) -> Option<T>,
    ) -> Result<Option<Sourced<T>>, ConfigError> {
        let Some((value, from)) = self.raw(key) else {
            return Ok(None);
        };
        match read(value) {
            Some(value) => Ok(Some(Sourced { value, from })),
            None => Err(self.wrong(key, &from, want, value)),
        }
    }

    /// Text that is not empty.
    pub fn text(&self, key: &str) -> Result<Option<Sourced<String>>, ConfigError> {
        let text = self.take(key, "text in quotes", |value| {
            value.as_str().map(str::to_owned)
        })?;
        match text {
            Some(text) if text.value.is_empty() => Err(text.from.error(format_args!(
                "`{key}`{} is empty; leave the line out instead",
                self.here()
            ))),
            text => Ok(text),
        }
    }

    /// `true` or `false`.
    pub fn boolean(&self, key: &str) -> Result<Option<Sourced<bool>>, ConfigError> {
        self.take(key, "true or false", |value| match value {
            DeValue::Boolean(answer) => Some(*answer),
            _ => None,
        })
    }

    /// A number in a range, whole or not.
    pub fn number(
        &self,
        key: &str,
        range: std::ops::RangeInclusive<f64>,
    ) -> Result<Option<Sourced<f64>>, ConfigError> {
        let number = self.take(key, "a number", |value| {
            let text = match value {
                DeValue::Integer(whole) => whole.as_str(),
                DeValue::Float(float) => float.as_str(),
                _ => return None,
            };
            text.parse::<f64>().ok()
        })?;
        match number {
            Some(number) if !range.contains(&number.value) => Err(number.from.error(format_args!(
                "`{key}`{} must be from {} to {}",
                self.here(),
                range.start(),
                range.end()
            ))),
            number => Ok(number),
        }
    }

    /// A whole number in a range.
    pub fn count(
        &self,
        key: &str,
        range: std::ops::RangeInclusive<u32>,
    ) -> Result<Option<Sourced<u32>>, ConfigError> {
        let number = self.take(key, "a whole number", |value| match value {
            DeValue::Integer(whole) => whole.as_str().parse::<f64>().ok(),
            _ => None,
        })?;
        number
            .map(|number| {
                number.try_map(|value| {
                    let inside = f64::from(*range.start())..=f64::from(*range.end());
                    if inside.contains(&value) {
                        Ok(value as u32)
                    } else {
                        Err(format!(
                            "`{key}`{} must be from {} to {}",
                            self.here(),
                            range.start(),
                            range.end()
                        ))
                    }
                })
            })
            .transpose()
    }

    /// A duration of at least `least_s` seconds, in seconds.
    pub fn duration(&self, key: &str, least_s: u64) -> Result<Option<Sourced<f64>>, ConfigError> {
        let want = "a duration such as \"90s\" or \"10m\"";
        let text = self.take(key, want, |value| value.as_str().map(str::to_owned))?;
        text.map(|text| {
            text.try_map(|text| match humantime::parse_duration(&text) {
                Ok(span) if span.as_secs() >= least_s && span.as_secs() <= 7 * 86_400 => {
                    Ok(span.as_secs_f64())
                }
                Ok(_) => Err(format!(
                    "`{key}`{} must be from {least_s}s to 7d",
                    self.here()
                )),
                Err(_) => Err(format!("`{key}`{} must be {want}", self.here())),
            })
        })
        .transpose()
    }

    /// One word of a fixed set.
    pub fn word(
        &self,
        key: &str,
        valid: &[&'static str],
    ) -> Result<Option<Sourced<&'static str>>, ConfigError> {
        self.text(key)?
            .map(|text| {
                text.try_map(|text| {
                    valid
                        .iter()
                        .copied()
                        .find(|word| *word == text)
                        .ok_or_else(|| {
                            let here = self.here();
                            format!(
                                "`{key}`{here} does not know \"{}\"{}",
                                crate::domain::clean::clean(&text, 40),
                                hint(&text, valid.iter().copied())
                            )
                        })
                })
            })
            .transpose()
    }

    /// A list of texts.
    pub fn list(&self, key: &str) -> Result<Option<Sourced<Vec<String>>>, ConfigError> {
        self.take(key, "a list of texts", |value| {
            value
                .as_array()?
                .iter()
                .map(|item| item.get_ref().as_str().map(str::to_owned))
                .collect()
        })
    }

    /// A table below this one.
    pub fn section(&self, key: &str) -> Result<Option<Section<'a>>, ConfigError> {
        let Some((value, from)) = self.raw(key) else {
            return Ok(None);
        };
        let Some(table) = value.as_table() else {
            return Err(self.wrong(key, &from, "a table", value));
        };
        let name = if self.name.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.name)
        };
        Ok(Some(Section {
            source: self.source,
            name,
            table,
            asked: RefCell::default(),
        }))
    }

    /// Refuses every key that nobody asked for.
    pub fn finish(self) -> Result<(), ConfigError> {
        let asked = self.asked.borrow();
        let unknown = self
            .keys()
            .find(|(key, _)| !asked.iter().any(|known| known == key));
        match unknown {
            None => Ok(()),
            Some((key, from)) => Err(from.error(format_args!(
                "unknown key `{}`{}{}",
                crate::domain::clean::clean(key, 40),
                self.here(),
                hint(key, asked.iter().map(String::as_str))
            ))),
        }
    }
}
