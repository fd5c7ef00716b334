//! What time alone brings about: month ends cut open intervals, plans refill the wallet.

use aquarium_ir::instant::Millis;

use super::{Instance, State, total_of};
use crate::charging;
use crate::deployments::Deployments;
use crate::posting::{By, Entry, Postings};
use crate::rate::split;

impl State {
    /// Derives every month end and refill up to an instant, inclusive, as if a tick at it were folded.
    /// No time passes beyond [`Millis::LIMIT`].
    pub fn derive(&mut self, deployments: &mut Deployments, at: Millis, postings: &mut Postings) {
        let before = Millis(at.0.saturating_add(1)).min(Millis::LIMIT);
        self.derive_before(deployments, before, postings);
    }

    /// Derives every month end and refill before an instant.
    pub(super) fn derive_before(
        &mut self,
        deployments: &mut Deployments,
        before: Millis,
        postings: &mut Postings,
    ) {
        loop {
            let cut = self.next_cut().filter(|cut| *cut < before);
            let refill = self.next_refill(deployments, cut.map_or(before, |cut| Millis(cut.0 + 1)));
            let Some(next) = refill.into_iter().chain(cut).min() else { return };
            if cut == Some(next) {
                self.cut_month(deployments, next, postings);
            }
            if refill == Some(next) {
                self.refill(deployments, next, postings);
            }
            self.reached = Some(next);
        }
    }

    /// Whether time alone surely brings nothing about up to an instant, inclusive.
    pub(crate) fn is_derived_up_to(&self, at: Millis) -> bool {
        self.next_cut().is_none_or(|cut| cut > at) && self.no_refill_up_to(at)
    }

    /// The end of the month, where it cuts something.
    fn next_cut(&self) -> Option<Millis> {
        let month = self.month?;
        let something = !self.totals.is_empty() || self.instances.iter().any(Instance::runs);
        something.then_some(month.end)
    }

    /// Brings the month up to date at an instant before which everything is derived.
    pub(super) fn enter_month(&mut self, deployments: &mut Deployments, at: Millis, postings: &mut Postings) {
        if self.month.is_none_or(|month| at >= month.end) {
            self.cut_month(deployments, at, postings);
        }
    }

    /// Posts the open intervals by resource, then instance, and begins the month of `at` with them.
    fn cut_month(&mut self, deployments: &mut Deployments, at: Millis, postings: &mut Postings) {
        for index in 0..self.instances.len() {
            self.post_interval(deployments, index, at, By::MonthEnd, postings);
        }
        self.totals.clear();
        self.month = Some(deployments.month(at));
        let current = self.namings.partition_point(|naming| naming.from <= at).saturating_sub(1);
        self.namings.drain(..current);
    }

    /// Posts the interval of an instance up to `at`, where one is open, and lets the next begin there.
    pub(super) fn post_interval(
        &mut self,
        deployments: &mut Deployments,
        index: usize,
        at: Millis,
        by: By<'_>,
        postings: &mut Postings,
    ) {
        let Some(instance) = self.instances.get_mut(index) else { return };
        let since = std::mem::replace(&mut instance.since, at);
        if !instance.runs() {
            return;
        }
        let instance = instance.clone();
        let pieces = split(deployments, &self.namings, &instance.resource, since, at);
        self.post(deployments, &instance, pieces, (at, by), postings);
    }

    /// Charges pieces of usage and posts the entries.
    pub(super) fn post(
        &mut self,
        deployments: &Deployments,
        instance: &Instance,
        pieces: Vec<crate::rate::Piece>,
        (posted, by): (Millis, By<'_>),
        postings: &mut Postings,
    ) {
        let total = total_of(&mut self.totals, &instance.resource);
        for slot in charging::charge(deployments, instance.usage(), pieces, total) {
            postings.note(posted, by, &slot);
            if slot.is_void() {
                continue;
            }
            self.charged += slot.credits;
            self.wallet.charge(slot.credits);
            postings.entries.push(Entry {
                resource: instance.resource.clone(),
                instance: instance.instance.clone(),
                slot,
                posted,
                cause: by.cause(&postings.entries),
            });
        }
    }
}
