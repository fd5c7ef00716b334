//! Charging recorded events in one go: lines of event files in, a report out.
//!
//! It reads messages as an import does (no plausibility check, the runtime's own records welcome),
//! drops duplicates, sets conflicts aside, folds every user from nothing and reports the state at one
//! instant as if a tick at it had been folded. A deployment in the files takes the version whose module it
//! names from those that are given.

mod log;

use std::collections::BTreeMap;

use aquarium_ir::credits::Credits;
use aquarium_ir::instant::Millis;
use aquarium_ir::time::Month;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::announcements::{Announcements, CreditEvent};
use crate::bills::{self, Bill};
use crate::charging::Charged;
use crate::deployments::Deployments;
use crate::explain::{Derivation, explain};
use crate::ledger::Ledger;
use crate::posting::{Cause, Entry, Finding, Postings};
use crate::reason::Reason;
use crate::record::Record;
use crate::state::{Accrual, Instance, State};
use crate::view::{self, EntryView};
use log::Log;

/// One line of an event file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// The file as it was named.
    pub file: &'a str,
    /// The line, from 1.
    pub number: u64,
    /// Its bytes, without the line's end.
    pub bytes: &'a [u8],
}

/// What to report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options<'a> {
    /// The instant; `None`: the greatest `occurredMillis` of the files.
    pub at: Option<Millis>,
    /// Only what was received up to here; `None`: everything.
    pub known: Option<Millis>,
    /// Only this user; `None`: all.
    pub user: Option<&'a str>,
    /// The number of entries instead of the entries.
    pub summary: bool,
    /// Also the bills of this month.
    pub bills: Option<Month>,
    /// Also how the entry with this id came about.
    pub explain: Option<&'a str>,
    /// Also how every entry came about, those of open intervals too.
    pub derivations: bool,
    /// Also the slots of open intervals, as entries that are not posted yet.
    pub open: bool,
    /// Also the credit events.
    pub credit_events: bool,
}

/// The state of all users at an instant.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The instant.
    pub at: Millis,
    /// The users that have a record at or before it, by id.
    pub users: BTreeMap<String, UserReport>,
    /// Messages that repeat an earlier one.
    pub duplicates: u64,
    /// Messages that have no effect, by file and line.
    pub quarantined: Vec<Quarantined>,
    /// The bills of the month that was asked for, by user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bills: Option<BTreeMap<String, Bill>>,
    /// How the entry that was asked for came about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explained: Option<Derivation>,
}

/// The state of a user: `balance = refilled - charged - accrued`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UserReport {
    /// What is left.
    pub balance: Credits,
    /// What open intervals have come to.
    pub accrued: Credits,
    /// What is posted.
    pub charged: Credits,
    /// Refills, initial credits and grants.
    pub refilled: Credits,
    /// What makes up `charged`.
    pub entries: Entries,
    /// What makes up `accrued`, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open: Option<Vec<EntryView>>,
    /// How `entries` and what is open came about, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub derivations: Option<Vec<Derivation>>,
    /// What was announced of balance and threshold, where that was asked for.
    #[serde(rename = "creditEvents", skip_serializing_if = "Option::is_none")]
    pub credit_events: Option<Vec<CreditEvent>>,
}

/// Entries, or how many there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Entries {
    /// How many.
    Count(usize),
    /// All of them, as they were posted.
    List(Vec<EntryView>),
}

/// A message that has no effect, and why.
#[derive(Debug, Serialize)]
pub struct Quarantined {
    /// The published reason.
    pub reason: Reason,
    /// `ingest` or `fold`.
    pub stage: &'static str,
    /// The file; `None` where no single event is to blame.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: Option<u64>,
    /// What is wrong, in words.
    pub message: String,
    /// The event as it came: JSON where it is JSON, else its text.
    pub event: Option<Box<RawValue>>,
}

/// Charges recorded events.
pub fn simulate<'a>(
    deployments: &Deployments,
    lines: impl IntoIterator<Item = Line<'a>>,
    options: &Options<'_>,
) -> Report {
    let mut log = Log::default();
    lines.into_iter().for_each(|line| log.read(line));
    let at = options.at.unwrap_or(log.latest);
    let known = options.known.unwrap_or(Millis::MAX);
    let mut deployments = log.deployed(deployments);
    if options.known.is_some() {
        deployments = deployments.known(known);
    }
    let mut report = Report {
        at,
        users: BTreeMap::new(),
        duplicates: log.duplicates,
        quarantined: Vec::new(),
        bills: options.bills.map(|_| BTreeMap::new()),
        explained: None,
    };
    for (user, records) in std::mem::take(&mut log.users) {
        if options.user.is_some_and(|wanted| wanted != user) {
            continue;
        }
        let records = visible(records, at, known);
        if !records.is_empty() {
            let findings = charge_user(&mut deployments, &user, records, options, &mut report);
            log.quarantine_findings(&user, findings);
        }
    }
    report.quarantined = log.quarantined();
    report
}

/// The records that count, in their order.
fn visible(records: Vec<Record<'_>>, at: Millis, known: Millis) -> Vec<Record<'_>> {
    let counts = |record: &Record<'_>| record.occurred <= at && record.received <= known;
    let mut records: Vec<_> = records.into_iter().filter(counts).collect();
    records.sort_by(Record::order);
    records
}

fn charge_user(
    deployments: &mut Deployments,
    user: &str,
    records: Vec<Record<'_>>,
    options: &Options<'_>,
    report: &mut Report,
) -> Vec<Finding> {
    let at = report.at;
    let mut state = State::new();
    let mut postings = Postings::default();
    // Sorted records are never late.
    let _ = state.fold(deployments, &records, &mut postings);
    state.derive(deployments, at, &mut postings);
    let mut credit_events = None;
    if options.credit_events || options.bills.is_some() {
        let mut ledger = Ledger::new(user);
        records.into_iter().for_each(|record| ledger.append(record.into_owned()));
        let bill = |month| bills::batch(&ledger, deployments, month, at, Millis::MAX);
        if let Some(bill) = options.bills.and_then(bill) {
            report.bills.get_or_insert_default().insert(user.to_owned(), bill);
        }
        credit_events = options.credit_events.then(|| announced(ledger, deployments, at));
    }
    if let Some(id) = options.explain
        && let Some(entry) = postings.entries.iter().find(|entry| view::entry_id(user, entry, 0) == id)
    {
        report.explained = Some(explain(deployments, user, entry, 0));
    }
    let accrual = state.accrual(deployments, at);
    let accrued = accrual.credits;
    let open = open_entries(accrual, at);
    let derivations = options.derivations.then(|| {
        let entries = postings.entries.iter().chain(&open);
        entries.map(|entry| explain(deployments, user, entry, 0)).collect()
    });
    let mut views = |entries: &[Entry]| -> Vec<EntryView> {
        entries.iter().map(|entry| view::entry(deployments, user, entry, 0)).collect()
    };
    let open = options.open.then(|| views(&open));
    let entries = if options.summary {
        Entries::Count(postings.entries.len())
    } else {
        Entries::List(views(&postings.entries))
    };
    let figures = UserReport {
        balance: state.wallet().balance() - accrued,
        accrued,
        charged: state.charged(),
        refilled: state.refilled(),
        entries,
        open,
        derivations,
        credit_events,
    };
    report.users.insert(user.to_owned(), figures);
    postings.findings
}

/// Open slots as the entries that they would be if their intervals ended at an instant.
fn open_entries(accrual: Accrual, at: Millis) -> Vec<Entry> {
    let slots = accrual.slots.into_iter();
    let entry = |(instance, slot): (Instance, Charged)| Entry {
        resource: instance.resource,
        instance: instance.instance,
        slot,
        posted: at,
        cause: Cause::MonthEnd,
    };
    slots.map(entry).collect()
}

/// What is announced up to an instant where every record comes as it happens.
fn announced(mut ledger: Ledger, deployments: &mut Deployments, at: Millis) -> Vec<CreditEvent> {
    let mut announcements = Announcements::new();
    // The user is first known at the first record.
    let first = ledger.waits_for().unwrap_or(at);
    let (_, mut events) = announcements.fold(&mut ledger, deployments, first);
    events.extend(announcements.fold(&mut ledger, deployments, at).1);
    events
}
