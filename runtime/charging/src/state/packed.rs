//! States as bytes.

use aquarium_ir::instant::Millis;

use super::{Instance, Lookahead, State};
use crate::packed::{Packed, Reader, Writer, packed_fields};

packed_fields! {
    Instance { resource, instance, cost_policy, since, amount }
}

impl Packed for State {
    fn put<'a>(&'a self, to: &mut Writer<'a>) {
        // What is known about the next refill is not kept: the state and the policies say it again.
        let Self {
            reached,
            month,
            namings,
            active,
            ever_active,
            instances,
            totals,
            wallet,
            refilled,
            charged,
            threshold,
            lookahead: _,
        } = self;
        reached.put(to);
        month.put(to);
        namings.put(to);
        active.put(to);
        ever_active.put(to);
        instances.put(to);
        totals.put(to);
        wallet.put(to);
        refilled.put(to);
        charged.put(to);
        threshold.put(to);
    }

    fn take(from: &mut Reader<'_>) -> Option<Self> {
        let mut state = Self {
            reached: Packed::take(from)?,
            month: Packed::take(from)?,
            namings: Packed::take(from)?,
            active: Packed::take(from)?,
            ever_active: Packed::take(from)?,
            instances: Packed::take(from)?,
            totals: Packed::take(from)?,
            wallet: Packed::take(from)?,
            refilled: Packed::take(from)?,
            charged: Packed::take(from)?,
            threshold: Packed::take(from)?,
            lookahead: Lookahead::default(),
        };
        state.look_for_refills_anew();
        Some(state)
    }
}

impl State {
    /// Forgets what was found out about refills after what is folded: the policies are others now, or the state
    /// was read. Every refill up to the last folded instant is folded.
    pub(crate) fn look_for_refills_anew(&mut self) {
        if let Some(reached) = self.reached {
            self.look_again(Millis(reached.0.saturating_add(1)));
        }
    }
}
