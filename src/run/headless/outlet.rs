//! Standard output and standard error of a headless command. Keys never leave through it.

use crate::domain::clean::without_key;
use secrecy::{ExposeSecret, SecretString};
use std::io::{self, Write};

/// Whoever read us has gone: the command ends, quietly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone;

/// Where a command prints.
pub struct Outlet<'a> {
    out: &'a mut (dyn Write + Send),
    err: &'a mut (dyn Write + Send),
    keys: Vec<SecretString>,
}

impl<'a> Outlet<'a> {
    /// Prints to these two.
    pub fn new(out: &'a mut (dyn Write + Send), err: &'a mut (dyn Write + Send)) -> Self {
        Self {
            out,
            err,
            keys: Vec::new(),
        }
    }

    /// From now on these keys are blanked, whoever repeats them (a gateway's error page, a model).
    pub fn hide(&mut self, keys: &[SecretString]) {
        self.keys.extend_from_slice(keys);
    }

    fn hidden(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for key in &self.keys {
            text = without_key(&text, key.expose_secret()).into_owned();
        }
        text
    }

    /// To standard output.
    pub fn print(&mut self, text: &str) -> Result<(), Gone> {
        let text = self.hidden(text);
        let written = self.out.write_all(text.as_bytes());
        written.and_then(|()| self.out.flush()).map_err(|_| Gone)
    }

    /// One sentence to standard error. That nobody reads it is no reason to stop.
    pub fn tell(&mut self, sentence: &str) {
        let line = self.hidden(&format!("ratetop: {sentence}\n"));
        let _: io::Result<()> = self.err.write_all(line.as_bytes());
    }

    /// Progress to standard error, as it is.
    pub fn progress(&mut self, text: &str) {
        let text = self.hidden(text);
        let _: io::Result<()> = self.err.write_all(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_never_leaves() {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut outlet = Outlet::new(&mut out, &mut err);
        outlet.hide(&[SecretString::from("sk-ant-planted")]);
        outlet.print("invalid x-api-key sk-ant-planted.\n").unwrap();
        outlet.tell("sk-ant-planted was refused");
        assert_eq!(out, b"invalid x-api-key (a key).\n");
        assert_eq!(err, b"ratetop: (a key) was refused\n");
    }

    #[test]
    fn a_key_of_one_letter_eats_no_word() {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut outlet = Outlet::new(&mut out, &mut err);
        outlet.hide(&[SecretString::from("x")]);
        outlet.tell("invalid x-api-key");
        assert_eq!(err, b"ratetop: invalid x-api-key\n");
    }
}
