//! The feed as a stream of server-sent events: `hello` first, then a numbered event for each line, and
//! `missed` where lines were dropped before a reader came back.

use super::{Kind, Line};
use crate::domain::{
    answer::sse::Event,
    clean::clean,
    observation::{Observation, Recorded, VERSION},
    time::Time,
    traffic::Totals,
};
use serde::{Deserialize, Serialize};

/// The first event of every stream.
const HELLO: &str = "hello";
/// Says how many lines were dropped.
const MISSED: &str = "missed";

/// Who speaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// `ratetop`.
    pub program: String,
    /// [`VERSION`] of the observations that follow.
    pub v: u32,
    /// Tells one run of the program from the next: numbers begin anew with each.
    pub run: String,
    /// The profile's name over there.
    pub profile: String,
    /// Host, and port where it is not the scheme's own, of its upstream.
    pub upstream: String,
    /// Host and port where clients reach the tap.
    pub tap: String,
    /// The profile's workspace, where it names one.
    pub workspace: Option<String>,
    /// Its time when it said this.
    #[serde(default)]
    pub at: Option<Time>,
    /// The plan by which it breaks answers on purpose, if it does.
    #[serde(default)]
    pub chaos: Option<String>,
}

/// One thing that was told.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// Who speaks.
    Hello(Box<Hello>),
    /// Something was seen over there.
    Seen(Box<Observation>),
    /// Totals of what passed.
    Totals(Box<Totals>),
    /// So many lines were dropped before we came back.
    Missed(u64),
}

/// What a numbered line holds. The number stands in `id:` too, for readers that resume by it.
#[derive(Deserialize)]
struct Numbered<T> {
    n: u64,
    of: T,
}

impl Hello {
    /// As an event.
    pub fn event(&self) -> String {
        let json = serde_json::to_string(self).unwrap_or_default();
        format!("event: {HELLO}\ndata: {json}\n\n")
    }
}

impl Line {
    /// As an event.
    pub fn event(&self) -> String {
        let (name, n, json) = (self.kind.name(), self.number, &self.json);
        format!("event: {name}\nid: {n}\ndata: {{\"n\":{n},\"of\":{json}}}\n\n")
    }
}

/// So many lines were dropped, as an event.
pub fn missed(lines: u64) -> String {
    format!("event: {MISSED}\ndata: {lines}\n\n")
}

/// Reads an event; the number of a line comes with it. None for what a later version tells besides. The
/// error is one sentence.
pub fn read(event: &Event) -> Result<Option<(Option<u64>, Told)>, String> {
    match event.name.as_str() {
        HELLO => {
            let hello: Hello = of_json(&event.data)?;
            if hello.v > VERSION {
                return Err(format!(
                    "the tap speaks version {} and this ratetop {VERSION}: update this one",
                    hello.v
                ));
            }
            Ok(Some((None, Told::Hello(Box::new(hello)))))
        }
        MISSED => {
            let missed = of_json(&event.data)?;
            Ok(Some((None, Told::Missed(missed))))
        }
        name => Ok(match Kind::named(name) {
            None => None,
            Some(Kind::Seen) => {
                let line: Numbered<Recorded> = of_json(&event.data)?;
                Some((Some(line.n), Told::Seen(Box::new(line.of.seen))))
            }
            Some(Kind::Totals) => {
                let line: Numbered<Totals> = of_json(&event.data)?;
                Some((Some(line.n), Told::Totals(Box::new(line.of))))
            }
        }),
    }
}

fn of_json<T: serde::de::DeserializeOwned>(data: &str) -> Result<T, String> {
    serde_json::from_str(data).map_err(|why| {
        format!(
            "a line of the stream cannot be read ({}): is the tap of another version?",
            clean(&why.to_string(), 200)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        answer::sse::Reader,
        feed::Feed,
        observation::{Source, What},
    };

    fn events(text: &str) -> Vec<Event> {
        let mut events = Vec::new();
        Reader::new().push(text.as_bytes(), &mut events).unwrap();
        events
    }

    fn hello() -> Hello {
        Hello {
            program: "ratetop".into(),
            v: VERSION,
            run: "1".into(),
            profile: "prod".into(),
            upstream: "api.anthropic.com".into(),
            tap: "127.0.0.1:4788".into(),
            workspace: None,
            at: None,
            chaos: None,
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let now: Time = "2026-11-24T12:00:00Z".parse().unwrap();
        let seen = Observation {
            at: now,
            source: Source::Tap,
            call: None,
            attempt: Some(1),
            client: Some("a\nb".into()),
            organization: None,
            workspace: None,
            model: None,
            fast: false,
            what: What::Sent,
        };
        let mut feed = Feed::new();
        feed.see(&seen);
        feed.count(&Totals::empty(now));
        let mut text = hello().event() + &missed(7);
        for line in feed.after(0, 10).lines {
            text += &line.event();
        }
        let told: Vec<_> = events(&text)
            .iter()
            .map(|event| read(event).unwrap().unwrap())
            .collect();
        assert_eq!(
            told,
            [
                (None, Told::Hello(Box::new(hello()))),
                (None, Told::Missed(7)),
                (Some(1), Told::Seen(Box::new(seen))),
                (Some(2), Told::Totals(Box::new(Totals::empty(now)))),
            ]
        );
    }

    #[test]
    fn later_versions_and_nonsense_are_told_apart() {
        let later = Hello {
            v: VERSION + 1,
            ..hello()
        };
        let of = |text: &str| read(&events(text)[0]);
        assert!(of(&later.event()).unwrap_err().contains("update this one"));
        assert_eq!(of("event: new_kind\ndata: {}\n\n"), Ok(None));
        for text in [
            "event: seen\ndata: {}\n\n",
            "event: totals\ndata: 7\n\n",
            "event: missed\ndata: -1\n\n",
            "event: hello\ndata: <html>\n\n",
        ] {
            assert!(of(text).unwrap_err().contains("another version"), "{text}");
        }
    }
}
