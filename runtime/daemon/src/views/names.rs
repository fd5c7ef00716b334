//! What a user was called over time: roles and agreements, and activity.

use std::sync::Arc;

use aquarium_charging::{Body, Deployments, Ledger, Record};
use aquarium_ir::Millis;

/// What holds of a user from an instant on, until the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The first instant.
    pub from: Millis,
    /// The role.
    pub role: Option<String>,
    /// The agreement that is assigned instead of the role's.
    pub assigned: Option<String>,
    /// The agreement that these name under the policy in force then.
    pub agreement: Option<String>,
    /// Whether the user is active.
    pub active: bool,
}

/// The history of a user's names up to an instant, by what was received up to another; the last `limit` of it.
pub fn history(
    ledger: &Ledger,
    deployments: &mut Deployments,
    at: Millis,
    known: Millis,
    limit: usize,
) -> Vec<Named> {
    let meant = ledger.records().filter(|record| record.occurred <= at && record.received <= known);
    let mut history: Vec<Named> = Vec::new();
    for record in meant {
        let Some(next) = named(record, history.last(), deployments) else { continue };
        match history.last_mut() {
            Some(last) if last.from == next.from => *last = next,
            Some(last) if Named { from: next.from, ..last.clone() } == next => {}
            _ => history.push(next),
        }
    }
    history.split_off(history.len().saturating_sub(limit))
}

fn named(record: &Record<'_>, before: Option<&Named>, deployments: &mut Deployments) -> Option<Named> {
    let before = before.cloned().unwrap_or(Named {
        from: record.occurred,
        role: None,
        assigned: None,
        agreement: None,
        active: false,
    });
    let mut next = match &record.body {
        Body::User(event) => Named { role: Some(event.role.to_string()), active: event.active(), ..before },
        Body::Assign(agreement) => Named { assigned: agreement.as_ref().map(ToString::to_string), ..before },
        _ => return None,
    };
    next.from = record.occurred;
    let version = deployments.in_force(next.from).version;
    let assigned = next.assigned.as_deref().map(Arc::from);
    let version = deployments.version(version);
    next.agreement = version
        .and_then(|version| version.agreement(next.role.as_deref(), assigned.as_ref()).0)
        .map(|name| name.to_string());
    Some(next)
}
