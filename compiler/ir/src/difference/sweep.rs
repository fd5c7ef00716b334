//! Two policies side by side through time: when they say something else, and what.

use std::collections::BTreeMap;

use crate::Millis;
use crate::time::Interval;

use super::{Change, When};

/// A limit on the work for one pair of timelines: a change a day for 180 years, on both sides.
const STEPS_MAX: usize = 1 << 18;

/// Follows both from the epoch. `old` and `new` tell what holds at an instant and until when that is surely
/// so; what repeats is followed up to `horizon` ([`Millis::MAX`]: nothing repeats).
pub fn sweep<V: Ord + Clone>(
    mut old: impl FnMut(Millis) -> (V, Millis),
    mut new: impl FnMut(Millis) -> (V, Millis),
    same: impl Fn(&V, &V) -> bool,
    horizon: Millis,
) -> Vec<Change<V>> {
    let mut differing: BTreeMap<(V, V), Vec<Interval>> = BTreeMap::new();
    let mut instant = Millis::EPOCH;
    for _ in 0..STEPS_MAX {
        let ((before, before_until), (after, after_until)) = (old(instant), new(instant));
        let until = before_until.min(after_until);
        if !same(&before, &after) {
            let stretches = differing.entry((before, after)).or_default();
            match stretches.last_mut() {
                Some(last) if last.end == instant => last.end = until,
                _ => stretches.extend(Interval::new(instant, until)),
            }
        }
        instant = until;
        if instant >= horizon {
            break;
        }
    }
    let mut changes: Vec<Change<V>> = differing
        .into_iter()
        .map(|((old, new), stretches)| Change { old, new, when: When { stretches, horizon } })
        .collect();
    changes.sort_by_key(|change| change.when.stretches.first().map(|stretch| stretch.start));
    changes
}
