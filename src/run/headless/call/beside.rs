//! The run that another one is compared with: made before it, or kept in a file.

use crate::domain::{
    load::compare::Side,
    time::{Time, seconds_between},
};
use serde_json::Value;
use std::path::Path;

/// A file of a run is never larger: a thousand calls with twenty attempts each have 40 MB.
const MOST_BYTES: u64 = 64 << 20;
/// Limits are full again after a minute, whatever was taken (rate-limits page), seconds.
const REFILL_S: f64 = 60.0;

/// The numbers of a run that an earlier `ratetop call --json` printed; one sentence where it did not.
pub(super) fn kept(path: &Path) -> Result<Side, String> {
    let shown = path.display();
    let cannot = |error: std::io::Error| format!("{shown} cannot be read: {error}");
    let bytes = std::fs::metadata(path).map_err(cannot)?.len();
    if bytes > MOST_BYTES {
        return Err(format!("{shown} is larger than 64 MB, so it is no run"));
    }
    let text = std::fs::read(path).map_err(cannot)?;
    side(&text).ok_or_else(|| {
        format!(
            "{shown} holds no run: it must be what `ratetop call --json` printed for several calls"
        )
    })
}

/// The same from its text.
fn side(text: &[u8]) -> Option<Side> {
    let value: Value = serde_json::from_slice(text).ok()?;
    let (run, totals) = (value.get("run")?, value.get("totals")?);
    if value.get("schema")?.as_str()? != "ratetop.call/1" || !run.is_object() {
        return None;
    }
    let count = |name: &str| totals.get(name).and_then(Value::as_u64);
    let status = |code: &str| totals["statuses"][code].as_u64().unwrap_or(0);
    let p = |name: &str| totals["latency"]["call"][name].as_f64().map(|ms| ms / 1e3);
    let word = |value: &Value| value.as_str().map(str::to_owned);
    let policy = word(&run["policy"])?;
    let pace = word(&run["pace"]["by"]);
    Some(Side {
        name: match pace {
            Some(pace) => format!("the kept run ({policy}, paced by {pace})"),
            None => format!("the kept run ({policy}, not paced)"),
        },
        logical: count("logical")?,
        wire: count("wire")?,
        ok: count("ok")?,
        refused: status("429"),
        overloaded: status("529"),
        early: count("early_retries")?,
        slept_s: totals["slept_s"].as_f64().unwrap_or(0.0),
        elapsed_s: totals["elapsed_s"].as_f64()?,
        call_p50_s: p("p50_ms"),
        call_p99_s: p("p99_ms"),
        cost_usd: totals["cost_usd"].as_f64(),
    })
}

/// How long the limits still need to be full after a run, seconds; at most a minute. `full_at` is what
/// its heads said last; where they said nothing a run that was refused waits the whole minute.
pub(super) fn refill_s(full_at: Option<Time>, refused: bool, now: Time) -> f64 {
    match full_at {
        Some(full_at) => seconds_between(now, full_at).clamp(0.0, REFILL_S),
        None if refused => REFILL_S,
        None => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::t;

    #[test]
    fn a_kept_run_is_known_by_its_policy_and_pace() {
        let text = br#"{"schema":"ratetop.call/1","calls":[],"run":{"policy":"sdk","pace":null},
            "totals":{"logical":60,"wire":102,"ok":51,"early_retries":3,"slept_s":7.5,"elapsed_s":75.0,
            "statuses":{"200":51,"429":42},"latency":{"call":{"p50_ms":500.0,"p99_ms":9000.0}},"cost_usd":null}}"#;
        let side = side(text).unwrap();
        assert_eq!(side.name, "the kept run (sdk, not paced)");
        assert_eq!((side.refused, side.overloaded, side.wire), (42, 0, 102));
        assert_eq!((side.call_p99_s, side.cost_usd), (Some(9.0), None));
    }

    #[test]
    fn what_is_no_run() {
        for text in [
            "",
            "[]",
            "{}",
            r#"{"schema":"ratetop.call/1","run":null,"totals":{}}"#,
        ] {
            assert_eq!(side(text.as_bytes()), None, "{text}");
        }
        assert!(
            kept(Path::new("/nonexistent/run.json"))
                .unwrap_err()
                .contains("cannot be read")
        );
    }

    #[test]
    fn the_limits_are_full_after_a_minute_at_most() {
        let close = |one: f64, other: f64| (one - other).abs() < 1e-9;
        assert!(close(refill_s(Some(t(23.0)), true, t(3.0)), 20.0));
        assert!(close(refill_s(Some(t(1.0)), true, t(3.0)), 0.0));
        assert!(close(refill_s(Some(t(900.0)), true, t(3.0)), 60.0));
        assert!(close(refill_s(None, true, t(0.0)), 60.0));
        assert!(close(refill_s(None, false, t(0.0)), 0.0));
    }
}
