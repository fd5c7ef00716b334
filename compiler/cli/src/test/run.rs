//! One test: its scenario folded under its policy, and everything that is expected compared.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use aquarium_charging::explain::Derivation;
use aquarium_charging::simulate::{Entries, Options, Report, UserReport, simulate};
use aquarium_charging::{Deployments, Version};
use aquarium_compiler::Severity;
use aquarium_compiler::items::Text;
use aquarium_compiler::policy_test::{PolicyTest, User};
use aquarium_ir::time::Month;
use aquarium_ir::{Millis, Policy};

use super::compare::{self, Mismatch};
use super::recorder::Recorder;
use super::scenario::Scenario;
use super::suite::{Explained, Problem, Tested, Verdict};
use crate::events::{EventFile, month};

/// A test and what surrounds it.
pub struct Context<'t> {
    /// The users of every test of the file.
    pub users: &'t [User],
    /// The test.
    pub test: &'t PolicyTest,
    /// The directory of the file.
    pub directory: &'t Path,
    /// Whether it is to be told how every charge came about.
    pub explain: bool,
}

/// Runs a test, and notes what it reaches of the policy, and how its charges came about.
pub fn run_test(context: &Context<'_>, tested: &mut Tested) -> (Verdict, Option<Explained>) {
    let expect = &context.test.expect;
    let (mut mismatches, mut explained) = (Vec::new(), None);
    if let Some(findings) = &expect.findings {
        mismatches.extend(compare::findings(findings, tested));
    }
    let folds = !expect.users.is_empty() || expect.quarantined.is_some();
    if folds {
        let Some(policy) = tested.policy.clone() else {
            tested.is_reported = true;
            let errors = tested.analysis.diagnostics.iter().filter(|found| found.severity == Severity::Error);
            let reason = match errors.count() {
                1 => "its policy has an error".to_owned(),
                count => format!("its policy has {count} errors"),
            };
            return (Verdict::Broken(Problem::new(context.test.name.span, reason)), None);
        };
        match fold(context, tested, &policy) {
            Ok((found, derivations)) => {
                mismatches.extend(found);
                explained = context.explain.then(|| Explained { derivations, zone: policy.zone.clone() });
            }
            Err(problem) => return (Verdict::Broken(problem), None),
        }
    }
    let verdict = if mismatches.is_empty() { Verdict::Passed } else { Verdict::Failed(mismatches) };
    (verdict, explained)
}

/// What does not hold, and how the charges came about where that is to be told.
fn fold(
    context: &Context<'_>,
    tested: &mut Tested,
    policy: &Arc<Policy>,
) -> Result<(Vec<Mismatch>, Vec<Derivation>), Problem> {
    let zone = &policy.zone;
    let scenario = Scenario::of(context.users, context.test, zone)?;
    let read = |path: &Text| {
        EventFile::read(&context.directory.join(&path.value))
            .map_err(|failure| Problem::new(path.span, failure.to_string()))
    };
    let mut files = context.test.event_files.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    files.insert(0, EventFile::of("the test's events", scenario.lines.join("\n")));
    let recorder = Arc::new(Recorder::new(Arc::clone(policy)));
    let version = Version::new(Arc::clone(policy), "test", Arc::<Recorder>::clone(&recorder));
    let deployments = Deployments::single(version);
    let options = Options { at: scenario.at, open: true, derivations: context.explain, ..Options::default() };
    let fold =
        |options: &Options<'_>| simulate(&deployments, files.iter().flat_map(EventFile::lines), options);
    let mut report = fold(&options);
    let slots = recorder.take();
    note(tested, &report, policy, &slots);
    let mut mismatches = compare::users(&context.test.expect, &report, zone);
    mismatches.extend(compare::quarantined(&context.test.expect, &report));
    for (month, at) in months(context.test, &report)? {
        let report = fold(&Options { bills: Some(month), at: Some(at), derivations: false, ..options });
        mismatches.extend(compare::bills(&context.test.expect, &month.to_string(), &report));
    }
    let derivations = report.users.values_mut().filter_map(|user| user.derivations.take());
    Ok((mismatches, derivations.flatten().collect()))
}

/// The months whose bills are expected.
fn months(test: &PolicyTest, report: &Report) -> Result<BTreeMap<Month, Millis>, Problem> {
    let bills = test.expect.users.iter().filter_map(|user| user.bill.as_ref());
    let months = bills.map(|bill| {
        let unreadable = || {
            let reason = format!("`{}` is no month: write `YYYY-MM`, such as `2011-11`", bill.month.value);
            Problem::new(bill.month.span, reason)
        };
        Ok((month(&bill.month.value).ok_or_else(unreadable)?, report.at))
    });
    months.collect()
}

/// What the test reached.
fn note(tested: &mut Tested, report: &Report, policy: &Policy, slots: &[aquarium_ir::Slot]) {
    let (analysis, coverage) = (&tested.analysis, &mut tested.coverage);
    let entries = |user: &'_ UserReport| -> Vec<aquarium_charging::view::EntryView> {
        let posted = match &user.entries {
            Entries::List(entries) => entries.clone(),
            Entries::Count(_) => Vec::new(),
        };
        posted.into_iter().chain(user.open.clone().unwrap_or_default()).collect()
    };
    for entry in report.users.values().flat_map(entries) {
        coverage.note_entry(analysis, &entry);
    }
    for slot in slots {
        coverage.note_slot(policy, slot);
    }
}
