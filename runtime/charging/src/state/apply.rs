//! Records into state: what each does, and the order within one instant.
//!
//! At one instant: the month end cuts open intervals; user events and assignments take effect together;
//! initial credits and refills are given; then the rest in order, each posting its own charge.

use std::sync::Arc;

use aquarium_ir::instant::Millis;
use aquarium_ir::policy::CostPolicy;

use super::{Instance, State};
use crate::deployments::Deployments;
use crate::posting::{Anomaly, By, Cause, Finding, Postings, RefillKind};
use crate::rate::{Naming, Piece, rate_at};
use crate::reason::Reason;
use crate::record::{Body, Record, Usage};

/// The value of an `onoff` event that switches on, in 10⁻⁹.
const ON: i128 = 1_000_000_000;

/// Records that are older than what is folded: the fold starts again from before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a record at {record} comes after the fold reached {reached}")]
pub struct Late {
    /// When the record happened.
    pub record: Millis,
    /// What was reached.
    pub reached: Millis,
}

/// The rank of the last records that take effect before the refills of their instant.
const RANK_BEFORE_REFILLS: u8 = 1;

impl State {
    /// Whether a record can still be folded. Among records of the last folded instant the caller keeps
    /// the order.
    ///
    /// # Errors
    /// Where it is too late for it.
    pub fn accepts(&self, record: &Record<'_>) -> Result<(), Late> {
        let Some(reached) = self.reached else { return Ok(()) };
        let joins = record.occurred == reached && record.body.rank() > RANK_BEFORE_REFILLS;
        if joins || record.occurred > reached {
            return Ok(());
        }
        Err(Late { record: record.occurred, reached })
    }

    /// Folds records that are sorted by [`Record::order`].
    ///
    /// # Errors
    /// Where the first one is too late; then nothing was folded.
    pub fn fold(
        &mut self,
        deployments: &mut Deployments,
        records: &[Record<'_>],
        postings: &mut Postings,
    ) -> Result<(), Late> {
        self.fold_watched(deployments, records, postings, &mut |_, _, _| {})
    }

    /// Folds as [`State::fold`] and shows the state before each instant at which something happened to it,
    /// with that instant: up to it, exclusive, only time passes.
    ///
    /// # Errors
    /// As [`State::fold`].
    pub(crate) fn fold_watched(
        &mut self,
        deployments: &mut Deployments,
        records: &[Record<'_>],
        postings: &mut Postings,
        watch: &mut impl FnMut(&Self, &mut Deployments, Millis),
    ) -> Result<(), Late> {
        records.first().map_or(Ok(()), |first| self.accepts(first))?;
        for instant in records.chunk_by(|left, right| left.occurred == right.occurred) {
            if let Some(first) = instant.first() {
                watch(self, deployments, first.occurred);
            }
            self.fold_instant(deployments, instant, postings);
        }
        Ok(())
    }

    fn fold_instant(
        &mut self,
        deployments: &mut Deployments,
        records: &[Record<'_>],
        postings: &mut Postings,
    ) {
        let Some(at) = records.first().map(|record| record.occurred) else { return };
        let early = records.partition_point(|record| record.body.rank() <= RANK_BEFORE_REFILLS);
        let (early, rest) = records.split_at(early);
        if self.reached != Some(at) {
            self.derive_before(deployments, at, postings);
            self.enter_month(deployments, at, postings);
            self.apply_user_events(at, early);
            self.credit(deployments, at, postings);
            self.reached = Some(at);
        }
        for record in rest {
            self.apply(deployments, record, postings);
        }
    }

    /// User events and assignments of one instant take effect together: the last in order holds.
    fn apply_user_events(&mut self, at: Millis, records: &[Record<'_>]) {
        let last = self.namings.last();
        let (mut role, mut assigned) = last.map_or((None, None), |it| (it.role.clone(), it.assigned.clone()));
        let was_active = self.active;
        for record in records {
            match &record.body {
                Body::User(event) => {
                    role = Some(Arc::from(&*event.role));
                    self.active = event.active();
                }
                Body::Assign(agreement) => assigned = agreement.as_deref().map(Arc::from),
                _ => {}
            }
        }
        let changed = last.is_none_or(|last| last.role != role || last.assigned != assigned);
        if changed {
            let from = if self.namings.is_empty() && role.is_none() && assigned.is_none() {
                Millis::MIN
            } else {
                at
            };
            self.begin_naming(Naming { from, role, assigned });
        }
        if changed || self.active != was_active {
            self.look_again(at);
        }
    }

    /// Before the first naming the role is one that is not named.
    fn begin_naming(&mut self, naming: Naming) {
        if self.namings.is_empty() && naming.from > Millis::MIN {
            self.namings.push(Naming { from: Millis::MIN, role: None, assigned: None });
        }
        self.namings.push(naming);
    }

    /// Initial credits, then the refill of this instant.
    fn credit(&mut self, deployments: &mut Deployments, at: Millis, postings: &mut Postings) {
        if self.active && !self.ever_active {
            self.ever_active = true;
            self.grant_initial(deployments, at, postings);
        }
        if self.next_refill(deployments, Millis(at.0.saturating_add(1))).is_some() {
            self.refill(deployments, at, postings);
        }
    }

    fn apply(&mut self, deployments: &mut Deployments, record: &Record<'_>, postings: &mut Postings) {
        match &record.body {
            Body::Grant { credits, .. } => {
                self.wallet.grant(*credits);
                let kind = RefillKind::Grant(Cause::of(record));
                self.note_refill(record.occurred, kind, *credits, postings);
            }
            Body::Threshold(value) => self.threshold = *value,
            Body::Resource(usage) => self.apply_usage(deployments, record, usage, postings),
            Body::User(_)
            | Body::Assign(_)
            | Body::Deployment { .. }
            | Body::Tick { .. }
            | Body::Redrive(_)
            | Body::Discard(_) => {}
        }
    }

    fn apply_usage(
        &mut self,
        deployments: &mut Deployments,
        record: &Record<'_>,
        usage: &Usage<'_>,
        postings: &mut Postings,
    ) {
        let target = match Target::of(deployments, record, usage) {
            Ok(target) => target,
            Err(finding) => return postings.findings.push(finding),
        };
        let outcome = match target.cost_policy {
            CostPolicy::Discrete => self.apply_discrete(deployments, record, target, usage.value, postings),
            CostPolicy::Onoff => self.apply_onoff(deployments, record, target, usage.value, postings),
            CostPolicy::Continuous => {
                self.apply_continuous(deployments, record, target, usage.value, postings)
            }
        };
        match outcome {
            Outcome::Taken => {}
            Outcome::Odd(message) => {
                postings.anomalies.push(Anomaly { at: record.occurred, cause: Cause::of(record), message });
            }
            Outcome::BadValue(message) => {
                postings.findings.push(finding(record, Reason::BadValue, message.to_owned()));
            }
        }
    }

    /// One charge at the event's instant.
    fn apply_discrete(
        &mut self,
        deployments: &mut Deployments,
        record: &Record<'_>,
        target: Target<'_>,
        value: i128,
        postings: &mut Postings,
    ) -> Outcome {
        if value < 0 {
            return Outcome::Odd("a value below zero has no effect");
        }
        let at = record.occurred;
        let (rate, _) = rate_at(deployments, &self.namings, &target.resource, at);
        let usage = target.instance(at, value);
        self.post(
            deployments,
            &usage,
            vec![Piece { from: at, to: at, rate }],
            (at, By::Event(record)),
            postings,
        );
        Outcome::Taken
    }

    /// Off to on opens an interval, on to off charges it.
    fn apply_onoff(
        &mut self,
        deployments: &mut Deployments,
        record: &Record<'_>,
        target: Target<'_>,
        value: i128,
        postings: &mut Postings,
    ) -> Outcome {
        match (self.find(&target), value) {
            (Err(index), ON) => {
                self.instances.insert(index, target.instance(record.occurred, 1));
                Outcome::Taken
            }
            (Ok(index), 0) => {
                self.post_interval(deployments, index, record.occurred, By::Event(record), postings);
                self.instances.remove(index);
                Outcome::Taken
            }
            (Ok(_), ON) => Outcome::Odd("the instance is on already"),
            (Err(_), 0) => Outcome::Odd("the instance is off already"),
            _ => Outcome::BadValue("a value of an `onoff` resource is 0 or 1"),
        }
    }

    /// The value is a change of the amount; what was held until now is charged.
    fn apply_continuous(
        &mut self,
        deployments: &mut Deployments,
        record: &Record<'_>,
        target: Target<'_>,
        value: i128,
        postings: &mut Postings,
    ) -> Outcome {
        let place = self.find(&target);
        let held = place.ok().and_then(|index| self.instances.get(index)).map_or(0, |it| it.amount);
        let amount = held.saturating_add(value);
        if amount.abs() > target.max {
            return Outcome::BadValue("the amount would be beyond the `max` of the resource");
        }
        if value == 0 {
            return Outcome::Taken;
        }
        let index = match place {
            Ok(index) => {
                self.post_interval(deployments, index, record.occurred, By::Event(record), postings);
                index
            }
            Err(index) => {
                self.instances.insert(index, target.instance(record.occurred, 0));
                index
            }
        };
        self.hold(index, amount);
        if amount < 0 { Outcome::Odd("the amount is below zero") } else { Outcome::Taken }
    }

    /// Sets the amount of an instance; an amount of zero is no state.
    fn hold(&mut self, index: usize, amount: i128) {
        if amount == 0 {
            self.instances.remove(index);
        } else if let Some(instance) = self.instances.get_mut(index) {
            instance.amount = amount;
        }
    }

    fn find(&self, target: &Target<'_>) -> Result<usize, usize> {
        let key = (&*target.resource, target.instance);
        self.instances.binary_search_by(|instance| instance.key().cmp(&key))
    }
}

/// What an event did.
enum Outcome {
    Taken,
    Odd(&'static str),
    BadValue(&'static str),
}

/// What an event of usage is about, by the version in force.
struct Target<'a> {
    resource: Arc<str>,
    instance: Option<&'a str>,
    cost_policy: CostPolicy,
    max: i128,
}

impl<'a> Target<'a> {
    fn of(deployments: &mut Deployments, record: &Record<'_>, usage: &'a Usage<'_>) -> Result<Self, Finding> {
        let in_force = deployments.in_force(record.occurred);
        let version = deployments.version(in_force.version);
        let Some((_, resource, limits)) = version.and_then(|version| version.resource(&usage.resource))
        else {
            let message = format!("the policy in force has no resource `{}`", usage.resource);
            return Err(finding(record, Reason::UnknownResource, message));
        };
        if usage.value.abs() > limits.max {
            let message = "the value is beyond the `max` of the resource".to_owned();
            return Err(finding(record, Reason::BadValue, message));
        }
        Ok(Self {
            resource: Arc::clone(&limits.name),
            instance: resource.complex.then_some(&*usage.instance),
            cost_policy: resource.cost_policy,
            max: limits.max,
        })
    }

    fn instance(self, since: Millis, amount: i128) -> Instance {
        let Self { resource, instance, cost_policy, .. } = self;
        Instance { resource, instance: instance.map(Arc::from), cost_policy, since, amount }
    }
}

fn finding(record: &Record<'_>, reason: Reason, message: String) -> Finding {
    Finding { at: record.occurred, cause: Cause::of(record), reason, message }
}
