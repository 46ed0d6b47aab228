//! What stands over the rows: the heads of the columns, and the heading over another board.

use super::{Columns, Kind, Table, pick::COUNTS_READS};
use crate::{
    domain::{board::Pool, clean::clean},
    ui::{
        canvas::Canvas,
        headroom::{LABEL, LEFT_OF},
    },
};

impl Table<'_> {
    /// Draws the column heads.
    pub(in crate::ui::headroom) fn head(&self, canvas: &mut Canvas<'_>, y: u16, marked: bool) {
        let quiet = canvas.roles().quiet;
        let Columns {
            left,
            right,
            name,
            kind,
        } = self.columns;
        canvas.put(left + 3, y, "pool", quiet, right);
        let x = left + 3 + name;
        match kind {
            Kind::Wide(bar) => {
                let step = bar + LEFT_OF;
                canvas.put(x, y, "RPM", quiet, right);
                let end = canvas.put(x + step, y, "ITPM uncached", quiet, right);
                if marked {
                    let end = canvas.put(end, y, " ", quiet, right);
                    let hint = canvas.roles().hint;
                    let end = canvas.put(end, y, COUNTS_READS, hint, right);
                    canvas.put(end, y, " all", quiet, x + 2 * step);
                }
                canvas.put(x + 2 * step, y, "OTPM", quiet, right);
                canvas.put(x + 3 * step, y, "tightest", quiet, right);
            }
            Kind::Folded(bar) => {
                canvas.put(x, y, "tightest", quiet, right);
                let x = x + LABEL + bar + LEFT_OF + 8;
                canvas.put(x, y, " RPM ITPM OTPM", quiet, right);
            }
            Kind::List(_) => {}
        }
        if !matches!(kind, Kind::List(_)) {
            canvas.put_right(left, y, "source", quiet, right.saturating_sub(1));
        }
    }

    /// Draws the heading over the pools of another board; `pool` is the first of them.
    pub(in crate::ui::headroom) fn elsewhere(&self, canvas: &mut Canvas<'_>, y: u16, pool: &Pool) {
        let roles = *canvas.roles();
        let Columns {
            left, right, kind, ..
        } = self.columns;
        let home = self.shown.profile.board.seen_as();
        let whose = match (&pool.key.organization, &pool.key.workspace) {
            (organization, Some(workspace)) if organization.as_ref() == home => {
                format!("workspace {workspace}")
            }
            (Some(organization), _) => format!("organization {organization}"),
            (None, _) => "another organization".to_owned(),
        };
        let list = matches!(kind, Kind::List(_));
        let x = left + if list { 1 } else { 3 };
        let end = right.saturating_sub(u16::from(!list));
        let x = canvas.put(x, y, "◇ ", roles.hint, end);
        let x = canvas.put_cut(x, y, &clean(&whose, 60), roles.title, end);
        canvas.put_cut(x, y, ", seen in passing traffic", roles.quiet, end);
    }
}
