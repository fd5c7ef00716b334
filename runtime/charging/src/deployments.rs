//! Which policy version is in force when.
//!
//! Versions stand in order of deployment. The first holds from its own `effective` on; a later one over
//! the span of its deployment, cut to its `effective`; of those that cover an instant the latest deployed
//! wins. Where none covers, usage is uncovered, and zone and precision are as last in force.

mod months;

use std::sync::Arc;

use aquarium_ir::Policy;
use aquarium_ir::instant::Millis;
use aquarium_ir::policy::Resource;
use aquarium_ir::time::{Month, MonthSpan, Zone};

use self::months::Months;
use crate::version::Version;

/// A place in the list of versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VersionId(pub u32);

impl VersionId {
    fn of(index: usize) -> Self {
        Self(u32::try_from(index).unwrap_or(u32::MAX))
    }
}

/// Why a version is not deployed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeploymentRefused {
    /// A resource would mean something else than before.
    #[error(
        "the {key} of resource `{resource}` was `{before}` in a version deployed before; it never changes"
    )]
    ResourceChanged {
        /// The resource.
        resource: String,
        /// The key: `costpolicy`, `complex` or `unit`.
        key: &'static str,
        /// What it was.
        before: String,
    },
    /// The span holds no instant.
    #[error("the deployment ends at {to}, not after its start at {from}")]
    Empty {
        /// Its start.
        from: Millis,
        /// Its end.
        to: Millis,
    },
    /// A version scheduled for later would never come into force.
    #[error("a version is scheduled from {0} on and would be hidden: say which of the two is meant")]
    HidesScheduled(Millis),
}

/// When a version holds, and since when that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first instant.
    pub from: Millis,
    /// The instant after the last; [`Millis::MAX`]: none.
    pub to: Millis,
    /// When the deployment was received; [`Millis::MIN`]: always known.
    pub received: Millis,
}

impl Span {
    /// From an instant on.
    #[must_use]
    pub fn from(from: Millis) -> Self {
        Self { from, to: Millis::MAX, received: Millis::MIN }
    }
}

/// The version in force at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InForce {
    /// The version; where none covers the instant, the one last in force.
    pub version: VersionId,
    /// Whether it covers the instant.
    pub covered: bool,
    /// The same holds up to here, exclusive.
    pub until: Millis,
}

/// All versions ever deployed, and when each holds.
///
/// Questions change nothing but what is remembered to answer the next one fast; a clone answers the same.
#[derive(Debug, Clone, Default)]
pub struct Deployments {
    versions: Vec<Version>,
    spans: Vec<Span>,
    one_zone: bool,
    months: Months,
    last: Option<(Millis, InForce)>,
    edition: Edition,
}

/// Which deployments something was worked out by: they are the same where their editions are.
#[derive(Debug, Clone, Default)]
pub struct Edition(Arc<()>);

impl PartialEq for Edition {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Edition {}

impl Deployments {
    /// No version yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A single version that is always in force within its own `effective`.
    #[must_use]
    pub fn single(version: Version) -> Self {
        let mut deployments = Self::new();
        deployments.push(version, Span::from(Millis::MIN));
        deployments
    }

    /// Deploys a version after all others. The first one's span begins where its `effective` does,
    /// whatever `span` says.
    ///
    /// # Errors
    /// Where a resource would change its meaning, or the span is empty.
    pub fn deploy(&mut self, version: Version, span: Span) -> Result<VersionId, DeploymentRefused> {
        if span.from >= span.to {
            return Err(DeploymentRefused::Empty { from: span.from, to: span.to });
        }
        for earlier in &self.versions {
            refuse_changed_resource(&earlier.policy, &version.policy)?;
        }
        Ok(self.push(version, span))
    }

    /// Refuses a span that would hide, as seen from `now`, a version scheduled for later.
    ///
    /// # Errors
    /// Where it would.
    pub fn refuse_hiding(&self, span: &Span, now: Millis) -> Result<(), DeploymentRefused> {
        let later = self.spans.iter().skip(1).map(|scheduled| scheduled.from);
        let hidden = later.filter(|from| *from > now && *from >= span.from && *from < span.to).min();
        hidden.map_or(Ok(()), |from| Err(DeploymentRefused::HidesScheduled(from)))
    }

    fn push(&mut self, version: Version, span: Span) -> VersionId {
        let from = if self.spans.is_empty() { Millis::MIN } else { span.from };
        let id = VersionId::of(self.versions.len());
        self.one_zone = self.versions.iter().all(|other| other.policy.zone == version.policy.zone);
        self.versions.push(version);
        self.spans.push(Span { from, ..span });
        self.months.forget();
        self.last = None;
        self.edition = Edition::default();
        id
    }

    /// The deployments that were received at or before an instant.
    #[must_use]
    pub fn known(&self, known: Millis) -> Self {
        let mut deployments = Self::new();
        let received = self.versions.iter().zip(&self.spans).filter(|(_, span)| span.received <= known);
        for (version, span) in received {
            deployments.push(version.clone(), *span);
        }
        deployments
    }

    /// What tells these deployments from those before the last one, and from all others.
    #[must_use]
    pub fn edition(&self) -> &Edition {
        &self.edition
    }

    /// Whether nothing was deployed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.versions.is_empty()
    }

    /// The versions in order of deployment, with their spans.
    pub fn versions(&self) -> impl Iterator<Item = (&Version, &Span)> {
        self.versions.iter().zip(&self.spans)
    }

    /// A version.
    #[must_use]
    pub fn version(&self, id: VersionId) -> Option<&Version> {
        self.versions.get(id.0 as usize)
    }

    pub(crate) fn version_mut(&mut self, id: VersionId) -> Option<&mut Version> {
        self.versions.get_mut(id.0 as usize)
    }

    /// A resource as the latest version that has it says; what it is never changes.
    #[must_use]
    pub fn resource(&self, name: &str) -> Option<&Resource> {
        self.versions.iter().rev().find_map(|version| Some(version.policy.resource(name)?.1))
    }

    /// The version in force at an instant.
    pub fn in_force(&mut self, at: Millis) -> InForce {
        if let Some((from, last)) = self.last
            && at >= from
            && at < last.until
        {
            return last;
        }
        let found = self.find(at);
        self.last = Some((at, found));
        found
    }

    fn find(&mut self, at: Millis) -> InForce {
        let mut until = Millis::MAX;
        for (index, (version, span)) in self.versions.iter_mut().zip(&self.spans).enumerate().rev() {
            let (covers, same_until) = covers(version, span, at);
            until = until.min(same_until);
            if covers {
                return InForce { version: VersionId::of(index), covered: true, until };
            }
        }
        InForce { version: self.last_before(at), covered: false, until }
    }

    /// The version that was last in force before an instant that none covers; before all, the first.
    fn last_before(&self, at: Millis) -> VersionId {
        let ends = self.versions.iter().zip(&self.spans).zip(0..);
        let ends = ends.filter_map(|((version, span), index)| Some((last_end(version, span, at)?, index)));
        VersionId(ends.max().map_or(0, |(_, index)| index))
    }

    /// The zone of billing months and cron at an instant.
    fn zone_at(&mut self, at: Millis) -> Zone {
        let version = self.in_force(at).version;
        self.version(version).map_or_else(Zone::utc, |version| version.policy.zone.clone())
    }

    /// The span of a billing month.
    pub fn span_of(&mut self, month: Month) -> MonthSpan {
        let start =
            self.versions.first().map_or_else(Zone::utc, |it| it.policy.zone.clone()).month_start(month);
        let mut span = self.month(start);
        // Zones differ by a day or so at most: the month is this one or a neighbour.
        while span.month < month {
            span = self.month(span.end);
        }
        while span.month > month {
            span = self.month(Millis(span.start.0 - 1));
        }
        span
    }

    /// The billing month of an instant.
    pub fn month(&mut self, at: Millis) -> MonthSpan {
        let Some(first) = self.versions.first_mut() else {
            return months::of(&Zone::utc(), at);
        };
        if self.one_zone {
            return first.calendar.month(at);
        }
        let zone = first.policy.zone.clone();
        // Before the second version's start the first one alone can be in force.
        let second = self.spans.iter().skip(1).map(|span| span.from).min().unwrap_or_default();
        let anchor = Millis(second.0.max(0) - 1);
        let mut months = std::mem::take(&mut self.months);
        let span = months.at(at, anchor, &zone, |at| self.zone_at(at));
        self.months = months;
        span
    }
}

/// Whether a version covers an instant, and until when that stays so.
fn covers(version: &mut Version, span: &Span, at: Millis) -> (bool, Millis) {
    if at < span.from {
        return (false, span.from);
    }
    if at >= span.to {
        return (false, Millis::MAX);
    }
    let Some(frame) = version.policy.effective else { return (true, span.to) };
    let membership = version.calendar.membership(frame, at);
    (membership.inside, membership.until.min(span.to))
}

/// The end of the last stretch before `at` that a version covers. It looks back in growing steps, as
/// frames that repeat have no end of stretches.
fn last_end(version: &Version, span: &Span, at: Millis) -> Option<Millis> {
    let (from, to) = (span.from, span.to.min(at));
    let Some(frame) = version.policy.effective else { return (from < to).then_some(to) };
    let frame = version.policy.frames.get(frame.0 as usize)?;
    let first = from.max(frame.from).max(EARLIEST);
    let mut back = FIRST_LOOK_BACK_MILLIS;
    loop {
        let start = Millis(to.0.saturating_sub(back)).max(first);
        let last = frame.intervals(&version.policy.zone, start, to).last().map(|interval| interval.end);
        if last.is_some() || start <= first {
            return last;
        }
        back = back.saturating_mul(4);
    }
}

/// No version is looked for before this instant: events begin at the epoch, zones reach a day before.
const EARLIEST: Millis = Millis(-7 * 86_400_000);
/// How far back the last stretch of a version is first looked for: a week and a day, as most frames that
/// repeat do so every week or day.
const FIRST_LOOK_BACK_MILLIS: i64 = 8 * 86_400_000;

fn refuse_changed_resource(before: &Policy, after: &Policy) -> Result<(), DeploymentRefused> {
    for old in &before.resources {
        let Some((_, new)) = after.resource(&old.name) else { continue };
        let changed = [
            (
                "costpolicy",
                old.cost_policy != new.cost_policy,
                format!("{:?}", old.cost_policy).to_lowercase(),
            ),
            ("complex", old.complex != new.complex, old.complex.to_string()),
            ("unit", old.unit != new.unit, old.unit.clone()),
        ];
        if let Some((key, _, before)) = changed.into_iter().find(|(_, changed, _)| *changed) {
            return Err(DeploymentRefused::ResourceChanged { resource: old.name.clone(), key, before });
        }
    }
    Ok(())
}
