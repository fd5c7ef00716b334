//! Whether something holds at an instant, and since when.

use aquarium_ir::Millis;
use aquarium_ir::time::{FrameId, Zone};

use super::WrittenFrame;
use crate::items::Items;

/// How far back the beginning of a stretch is first looked for; then ever farther.
const FIRST_LOOK_BACK_MILLIS: i64 = 40 * 86_400_000;
/// And how far back at most: after 28 years weekdays fall on the same dates again.
const LAST_LOOK_BACK_MILLIS: i64 = 29 * 366 * 86_400_000;

/// Whether something holds at the instant that was asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Whether it does.
    pub holds: bool,
    /// Its time frame, own or inherited, and where that is written; `None`: it always holds.
    pub frame: Option<WrittenFrame>,
    /// Up to here, exclusive, that stays so; [`Millis::MAX`]: for good.
    pub until: Millis,
}

impl Standing {
    /// Of what has no time frame.
    pub const ALWAYS: Self = Self { holds: true, frame: None, until: Millis::MAX };

    /// The instant since which it has been so without a break; `None`: ever since, or for decades.
    #[must_use]
    pub fn since(&self, items: &Items, zone: &Zone, at: Millis) -> Option<Millis> {
        let (FrameId(frame), _) = self.frame?;
        let frame = items.frames.get(frame as usize)?;
        let mut back = FIRST_LOOK_BACK_MILLIS;
        while back <= LAST_LOOK_BACK_MILLIS {
            let start = Millis(at.0.saturating_sub(back));
            let last = frame.intervals(zone, start, Millis(at.0.saturating_add(1))).pop();
            let since = last.map(|last| if self.holds { last.start } else { last.end });
            if since.is_some_and(|since| since > start) {
                return since;
            }
            back = back.saturating_mul(4);
        }
        None
    }
}
