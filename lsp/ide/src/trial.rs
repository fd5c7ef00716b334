//! Charging with the policy as it stands in the editor, by the fold of the daemon and the reference interpreter.

use std::sync::Arc;

use aquarium_charging::simulate::{Line, Options, Report, simulate};
use aquarium_charging::{Deployments, Interpreter, Version};
use aquarium_compiler::items::Items;
use aquarium_ir::Millis;
use aquarium_ir::policy::CostPolicy;
use aquarium_ir::time::Month;
use serde_json::{Value, json};

use crate::Snapshot;

/// An hour, for which things are on or held in a sample.
const HOUR: i64 = 3_600_000;

/// A charge that an agreement would bring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// What is used: `1 MB`, `1 hr`, `1 GB for 1 hr`.
    pub usage: String,
    /// What it costs.
    pub credits: String,
}

/// Charges the lines of an event file; `None` while the policy has errors.
#[must_use]
pub fn charge(snapshot: &Snapshot, file: &str, text: &str, bills: Option<Month>) -> Option<Report> {
    let lines = text.lines().zip(1..).map(|(line, number)| Line { file, number, bytes: line.as_bytes() });
    let options = Options { bills, ..Options::default() };
    Some(simulate(&deployments(snapshot)?, lines, &options))
}

/// What a little usage of a resource costs under an agreement from an instant on; `None` where that is not covered.
#[must_use]
pub fn sample(snapshot: &Snapshot, agreement: &str, resource: &str, at: Millis) -> Option<Sample> {
    let (usage, values) = usage(&snapshot.analysis().items, resource)?;
    let assigned = json!({"recordType": "assign", "id": "agreement", "clientID": "aquarium", "userID": "u",
                          "agreement": agreement, "occurredMillis": at.0.saturating_sub(1)});
    let events = values.into_iter().map(|(after, value)| event(resource, at.0.saturating_add(after), value));
    let lines: Vec<String> = std::iter::once(assigned).chain(events).map(|line| line.to_string()).collect();
    let lines = lines.iter().zip(1..).map(|(line, number)| Line { file: "", number, bytes: line.as_bytes() });
    let report = simulate(&deployments(snapshot)?, lines, &Options::default());
    let user = report.users.get("u")?;
    let aquarium_charging::simulate::Entries::List(entries) = &user.entries else { return None };
    let covered = report.quarantined.is_empty() && entries.iter().all(|entry| !entry.uncovered);
    covered.then(|| Sample { usage, credits: user.charged.to_string() })
}

/// A little usage in words, and as values by milliseconds after its beginning.
fn usage(items: &Items, resource: &str) -> Option<(String, Vec<(i64, i64)>)> {
    let resource = items.resources.get(resource)?;
    let unit = &resource.unit.as_ref()?.value;
    Some(match resource.cost_policy.as_ref()?.value {
        CostPolicy::Discrete => (format!("1 {unit}"), vec![(0, 1)]),
        CostPolicy::Onoff => ("1 hour on".to_owned(), vec![(0, 1), (HOUR, 0)]),
        CostPolicy::Continuous => (format!("1 held for 1 hour, in {unit}"), vec![(0, 1), (HOUR, -1)]),
    })
}

fn event(resource: &str, at: i64, value: i64) -> Value {
    json!({"id": at.to_string(), "clientID": "editor", "userID": "u", "resource": resource, "instanceID": "1",
           "value": value, "eventVersion": "1.0", "details": {}, "occurredMillis": at})
}

fn deployments(snapshot: &Snapshot) -> Option<Deployments> {
    let policy = Arc::new(snapshot.analysis().policy().cloned()?);
    Some(Deployments::single(Version::new(policy.clone(), "editor", Arc::new(Interpreter(policy)))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at_cursor;

    const POLICY: &str = "aquariumpolicy:
  resources:
    - {name: vmtime, unit: hr, costpolicy: onoff}
    - {name: pages, unit: page, costpolicy: discrete}
    - {name: disk, unit: GB*hr, costpolicy: continuous}
  algorithms:
    - {name: all, '*': price * volume}
  pricelists:
    - {name: base, vmtime: 1.5, pages: 0.02, disk: 3}
  agreements:
    - {name: default, algorithm: all, pricelist: base}
  roles: {'*': default}
$0";

    #[test]
    fn a_little_usage_of_each_kind_has_a_price() {
        let (snapshot, _, _) = at_cursor(POLICY);
        let at = Millis(1_320_012_000_000);
        let found = |resource| {
            sample(&snapshot, "default", resource, at).map(|it| format!("{}: {}", it.usage, it.credits))
        };
        assert_eq!(found("vmtime").as_deref(), Some("1 hour on: 1.5"));
        assert_eq!(found("pages").as_deref(), Some("1 page: 0.02"));
        assert_eq!(found("disk").as_deref(), Some("1 held for 1 hour, in GB*hr: 3"));
        assert_eq!(found("nothing"), None);
        assert_eq!(sample(&snapshot, "none", "vmtime", at), None);
    }

    #[test]
    fn an_event_file_is_charged() {
        let (snapshot, _, _) = at_cursor(POLICY);
        let lines = format!("{}\nnonsense\n", event("pages", 1_320_012_000_000, 7));
        let report = charge(&snapshot, "events.ndjson", &lines, None).unwrap();
        assert_eq!(report.users["u"].charged.to_string(), "0.14");
        assert_eq!(report.quarantined.len(), 1);
    }
}
