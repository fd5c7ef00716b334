//! The time at which somebody looks: what is said of "now" and "next" depends on it, findings never do.

use std::time::{SystemTime, UNIX_EPOCH};

use aquarium_ir::Millis;

/// The time of this machine; the epoch where its clock stands before it.
#[expect(clippy::disallowed_methods, reason = "what is shown as now is the reader's own time")]
pub(crate) fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
