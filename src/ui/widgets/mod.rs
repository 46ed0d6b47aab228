//! Picture elements that panels share.
//!
//! To add one: a file here with one function that draws on a `Canvas` and panics nowhere.

pub mod bar;
pub mod chart;
pub mod popup;

use crate::{app::event::Thresholds, domain::gauge::GaugeView};
use ratatui::style::Style;

use super::theme::Look;

/// How much attention a level wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tone {
    /// Enough is left.
    Calm,
    /// Below the tight threshold.
    Tight,
    /// Below the critical threshold.
    Critical,
}

impl Tone {
    /// The tone of a share left, in percent.
    pub fn of(percent: f64, thresholds: Thresholds) -> Self {
        if percent < thresholds.critical_percent {
            Self::Critical
        } else if percent < thresholds.tight_percent {
            Self::Tight
        } else {
            Self::Calm
        }
    }

    /// The tone of a gauge; none while its level is not known.
    pub fn of_view(view: &GaugeView, thresholds: Thresholds) -> Option<Self> {
        view.percent_left().map(|left| Self::of(left, thresholds))
    }

    /// Its style.
    pub fn style(self, look: &Look) -> Style {
        match self {
            Self::Calm => look.roles.calm,
            Self::Tight => look.roles.tight,
            Self::Critical => look.roles.critical,
        }
    }

    /// The style of its band.
    pub fn light(self, look: &Look) -> Style {
        match self {
            Self::Calm => look.roles.calm_light,
            Self::Tight => look.roles.tight_light,
            Self::Critical => look.roles.critical_light,
        }
    }

    /// The style of a bar that stands on a projection.
    pub fn projected(self, look: &Look) -> Style {
        look.projected[self as usize]
    }

    /// The style of numbers: calm ones are plain data.
    pub fn number(self, look: &Look) -> Style {
        match self {
            Self::Calm => look.roles.strong,
            _ => self.style(look),
        }
    }
}
