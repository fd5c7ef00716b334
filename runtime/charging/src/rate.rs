//! Which terms hold for a user's resource, stretch by stretch.
//!
//! An interval is cut where the user's agreement, the policy version in force, or the price or
//! expression of that agreement changes. Pieces that join are one slot where agreement, precision,
//! price and expression are the same, across items and versions.

use std::sync::Arc;

use aquarium_ir::instant::Millis;
use aquarium_ir::policy::{AgreementId, ResourceId};

use crate::deployments::{Deployments, VersionId};
use crate::version::Terms;

/// What names a user's agreement from an instant on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Naming {
    /// The first instant.
    pub from: Millis,
    /// The role; `None` before the first user event.
    pub role: Option<Arc<str>>,
    /// The agreement that is assigned instead of the role's.
    pub assigned: Option<Arc<str>>,
}

/// The terms of a resource at an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    /// The version in force, or last in force.
    pub version: VersionId,
    /// Whether it covers the instant.
    pub covered: bool,
    /// The agreement that the assignment, else the role, names.
    pub agreement: Option<Arc<str>>,
    /// That agreement in the version; `None` where the version lacks it.
    pub agreement_id: Option<AgreementId>,
    /// The resource in the version; `None` where the version lacks it.
    pub resource_id: Option<ResourceId>,
    /// Price and expression; `None`: uncovered.
    pub terms: Option<Terms>,
}

/// A stretch of time with one rate: that of its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The first instant.
    pub from: Millis,
    /// The instant after the last.
    pub to: Millis,
    /// What holds.
    pub rate: Rate,
}

/// The naming at an instant, and until when it holds.
pub fn naming_at(namings: &[Naming], at: Millis) -> (Option<&Naming>, Millis) {
    let after = namings.partition_point(|naming| naming.from <= at);
    let until = namings.get(after).map_or(Millis::MAX, |next| next.from);
    (after.checked_sub(1).and_then(|index| namings.get(index)), until)
}

/// The rate of a resource at an instant, and until when it surely holds.
pub fn rate_at(
    deployments: &mut Deployments,
    namings: &[Naming],
    resource: &str,
    at: Millis,
) -> (Rate, Millis) {
    let (naming, naming_until) = naming_at(namings, at);
    let in_force = deployments.in_force(at);
    let until = naming_until.min(in_force.until);
    let assigned = naming.and_then(|naming| naming.assigned.as_ref());
    let mut rate = Rate {
        version: in_force.version,
        covered: in_force.covered,
        agreement: assigned.cloned(),
        agreement_id: None,
        resource_id: None,
        terms: None,
    };
    let Some(version) = deployments.version_mut(in_force.version).filter(|_| in_force.covered) else {
        return (rate, until);
    };
    let role = naming.and_then(|naming| naming.role.as_deref());
    (rate.agreement, rate.agreement_id) = version.agreement(role, assigned);
    rate.resource_id = version.resource(resource).map(|(id, ..)| id);
    let (Some(agreement), Some(resource)) = (rate.agreement_id, rate.resource_id) else {
        return (rate, until);
    };
    let (terms, terms_until) = version.terms(agreement, resource, at);
    rate.terms = terms;
    (rate, until.min(terms_until))
}

/// Cuts an interval within a month into slots.
pub fn split(
    deployments: &mut Deployments,
    namings: &[Naming],
    resource: &str,
    from: Millis,
    to: Millis,
) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::with_capacity(1);
    let mut at = from;
    while at < to {
        let (rate, until) = rate_at(deployments, namings, resource, at);
        let end = until.min(to);
        join(deployments, &mut pieces, Piece { from: at, to: end, rate });
        at = end;
    }
    pieces
}

/// Adds the piece that comes after slots: it joins the last one where both are one slot.
pub(crate) fn join(deployments: &Deployments, slots: &mut Vec<Piece>, piece: Piece) {
    match slots.last_mut() {
        Some(last) if same_slot(deployments, &last.rate, &piece.rate) => last.to = piece.to,
        _ => slots.push(piece),
    }
}

/// Whether neighbouring pieces of one month are one slot.
fn same_slot(deployments: &Deployments, left: &Rate, right: &Rate) -> bool {
    if left.agreement != right.agreement {
        return false;
    }
    match (left.terms, right.terms) {
        (None, None) => true,
        (Some(one), Some(other)) if left.version == right.version => {
            one.price == other.price && one.expression == other.expression
        }
        (Some(one), Some(other)) => {
            same_terms(deployments, (left.version, one), (right.version, other)).unwrap_or(false)
        }
        _ => false,
    }
}

/// Whether terms of two versions are the same in precision, price and expression.
fn same_terms(
    deployments: &Deployments,
    (left, one): (VersionId, Terms),
    (right, other): (VersionId, Terms),
) -> Option<bool> {
    let (left, right) = (&deployments.version(left)?.policy, &deployments.version(right)?.policy);
    let price = left.prices.get(one.price.index())? == right.prices.get(other.price.index())?;
    let one = left.expressions.get(one.expression.index())?;
    let other = right.expressions.get(other.expression.index())?;
    Some(price && left.precision == right.precision && one.digest == other.digest)
}
