//! The two text formats: Prometheus' 0.0.4 and OpenMetrics 1.0. They differ in how families are announced
//! and in the end.

use crate::domain::{clean::clean, traffic::Spans};
use std::fmt::{self, Write as _};

/// Characters of a label's value.
const LONGEST: usize = 100;

/// Which text format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus 0.0.4, which every scraper reads.
    Prometheus,
    /// OpenMetrics 1.0.0.
    OpenMetrics,
}

impl Format {
    /// What a reader gets that accepts these media types.
    pub fn wanted(accept: Option<&str>) -> Self {
        let named = |text: &str| {
            text.to_ascii_lowercase()
                .contains("application/openmetrics-text")
        };
        if accept.is_some_and(named) {
            Self::OpenMetrics
        } else {
            Self::Prometheus
        }
    }

    /// Its media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// What a family is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
    Info,
}

/// A page under way.
pub(super) struct Text {
    out: String,
    format: Format,
}

impl Text {
    pub(super) const fn new(format: Format) -> Self {
        Self {
            out: String::new(),
            format,
        }
    }

    /// Begins a family, named without `_total` or `_info`. Nothing is written before its first sample.
    pub(super) const fn family(
        &mut self,
        name: &'static str,
        kind: Kind,
        help: &'static str,
    ) -> Family<'_> {
        Family {
            text: self,
            name,
            kind,
            help,
            begun: false,
        }
    }

    pub(super) fn finish(mut self) -> String {
        if self.format == Format::OpenMetrics {
            self.out.push_str("# EOF\n");
        }
        self.out
    }
}

/// One family, whose samples follow each other.
pub(super) struct Family<'a> {
    text: &'a mut Text,
    name: &'static str,
    kind: Kind,
    help: &'static str,
    begun: bool,
}

impl Family<'_> {
    /// A sample.
    pub(super) fn is(&mut self, labels: &Labels, value: impl fmt::Display) {
        self.begin();
        let (name, suffix) = (self.name, self.suffix());
        let _ = writeln!(self.text.out, "{name}{suffix}{labels} {value}");
    }

    /// A sample where it is known.
    pub(super) fn may_be(&mut self, labels: &Labels, value: Option<impl fmt::Display>) {
        if let Some(value) = value {
            self.is(labels, value);
        }
    }

    /// The samples of a histogram, where there are any.
    pub(super) fn spans(&mut self, labels: &Labels, spans: &Spans) {
        if spans.is_empty() {
            return;
        }
        self.begin();
        let name = self.name;
        for (edge, count) in spans.up_to() {
            let up_to = labels.clone().with("le", &format!("{edge:?}"));
            let _ = writeln!(self.text.out, "{name}_bucket{up_to} {count}");
        }
        let all = labels.clone().with("le", "+Inf");
        let (sum, count) = (spans.sum_s(), spans.count());
        let _ = writeln!(self.text.out, "{name}_bucket{all} {count}");
        let _ = writeln!(self.text.out, "{name}_sum{labels} {sum}");
        let _ = writeln!(self.text.out, "{name}_count{labels} {count}");
    }

    fn begin(&mut self) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        let strict = self.text.format == Format::OpenMetrics;
        // Only OpenMetrics leaves the suffix off.
        let suffix = if strict { "" } else { self.suffix() };
        let kind = match self.kind {
            Kind::Counter => "counter",
            Kind::Histogram => "histogram",
            Kind::Info if strict => "info",
            Kind::Gauge | Kind::Info => "gauge",
        };
        let (name, help) = (self.name, self.help);
        let out = &mut self.text.out;
        let _ = writeln!(out, "# HELP {name}{suffix} {help}");
        let _ = writeln!(out, "# TYPE {name}{suffix} {kind}");
        if strict && name.ends_with("_seconds") {
            let _ = writeln!(out, "# UNIT {name} seconds");
        }
    }

    const fn suffix(&self) -> &'static str {
        match self.kind {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            Kind::Gauge | Kind::Histogram => "",
        }
    }
}

/// Labels of a sample, written as they are put.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Labels(String);

impl Labels {
    /// With one more.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        if !self.0.is_empty() {
            self.0.push(',');
        }
        self.0.push_str(name);
        self.0.push_str("=\"");
        for char in clean(value, LONGEST).chars() {
            match char {
                '\\' => self.0.push_str("\\\\"),
                '"' => self.0.push_str("\\\""),
                '\n' => self.0.push_str("\\n"),
                char => self.0.push(char),
            }
        }
        self.0.push('"');
        self
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        write!(f, "{{{}}}", self.0)
    }
}
