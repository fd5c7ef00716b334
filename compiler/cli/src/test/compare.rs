//! What a test expects beside what came of it.

use aquarium_charging::bills::{Bill, BillLine};
use aquarium_charging::simulate::{Entries, Quarantined, Report, UserReport};
use aquarium_charging::view::EntryView;
use aquarium_compiler::policy_test::{
    Expect, Expected, ExpectedBill, ExpectedFinding, ExpectedUser, Field, Fields, Kind,
};
use aquarium_compiler::{Diagnostic, FileSpan, LineIndex, Severity};
use aquarium_ir::Rational;
use aquarium_ir::time::{WrittenInstant, Zone};

use super::suite::Tested;

/// Something that is not as expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The place of the expectation in the test file.
    pub span: FileSpan,
    /// What was compared: `alice: balance`.
    pub what: String,
    /// What was expected.
    pub expected: String,
    /// What came of it.
    pub actual: String,
}

impl Mismatch {
    /// The whole of it in a line.
    pub fn told(&self) -> String {
        format!("{}: expected {}, got {}", self.what, self.expected, self.actual)
    }
}

/// Compares users: figures and entries.
pub fn users(expect: &Expect, report: &Report, zone: &Zone) -> Vec<Mismatch> {
    expect.users.iter().flat_map(|user| one_user(user, report, zone)).collect()
}

fn one_user(expected: &ExpectedUser, report: &Report, zone: &Zone) -> Vec<Mismatch> {
    let id = &expected.id;
    let Some(user) = report.users.get(&id.value) else {
        return vec![Mismatch {
            span: id.span,
            what: id.value.clone(),
            expected: "a user".to_owned(),
            actual: "nobody of that id up to the instant of the test".to_owned(),
        }];
    };
    let mut mismatches = fields(&expected.figures, &id.value, zone, |key| figure(user, key));
    if let Some(entries) = &expected.entries {
        let actual: &[EntryView] = match &user.entries {
            Entries::List(entries) => entries,
            Entries::Count(_) => &[],
        };
        let list = Listed { what: format!("{}: entry", id.value), zone };
        mismatches.extend(list.compare(entries, actual, entry_field, |entry| describe_entry(entry, zone)));
    }
    mismatches
}

/// Compares the bills of a month.
pub fn bills(expect: &Expect, month: &str, report: &Report) -> Vec<Mismatch> {
    let of_month = |user: &&ExpectedUser| user.bill.as_ref().is_some_and(|bill| bill.month.value == month);
    let bills = expect.users.iter().filter(of_month);
    bills.flat_map(|user| one_bill(user.bill.as_ref(), &user.id.value, report)).collect()
}

fn one_bill(expected: Option<&ExpectedBill>, user: &str, report: &Report) -> Vec<Mismatch> {
    let Some(expected) = expected else { return Vec::new() };
    let what = format!("{user}: bill of {}", expected.month.value);
    let Some(bill) = report.bills.as_ref().and_then(|bills| bills.get(user)) else {
        let actual = "none of that month".to_owned();
        return vec![Mismatch { span: expected.key, what, expected: "a bill".to_owned(), actual }];
    };
    let zone = Zone::utc();
    let mut mismatches = fields(&expected.figures, &what, &zone, |key| bill_figure(bill, key));
    if let Some(lines) = &expected.lines {
        let list = Listed { what: format!("{what}: line"), zone: &zone };
        mismatches.extend(list.compare(lines, &bill.lines, line_field, describe_line));
    }
    mismatches
}

/// Compares the messages without effect.
pub fn quarantined(expect: &Expect, report: &Report) -> Vec<Mismatch> {
    let Some(expected) = &expect.quarantined else { return Vec::new() };
    let zone = Zone::utc();
    let list = Listed { what: "quarantined".to_owned(), zone: &zone };
    let describe = |aside: &Quarantined| format!("{}: {}", aside.reason, aside.message);
    list.compare(expected, &report.quarantined, quarantine_field, describe)
}

/// Compares the findings of the policy: its errors and warnings are exactly those expected, hints may be
/// expected too.
pub fn findings(expected: &Expected<ExpectedFinding>, tested: &Tested) -> Vec<Mismatch> {
    let lines: Vec<LineIndex> =
        tested.analysis.files.iter().map(|file| LineIndex::new(&file.bytes)).collect();
    let place = |found: &Diagnostic| {
        let file = found.primary.span.file.0 as usize;
        let line = lines.get(file).map_or(0, |lines| lines.line(found.primary.span.start)) + 1;
        (tested.analysis.files.get(file).map_or("", |file| file.path.as_str()), line)
    };
    let mut left: Vec<&Diagnostic> = tested.analysis.diagnostics.iter().collect();
    let mut mismatches = Vec::new();
    for item in &expected.items {
        let is_it = |found: &&Diagnostic| {
            let line = Rational::integer(place(found).1);
            item.code.value == found.code
                && item.line.as_ref().is_none_or(|wanted| wanted.value == line)
                && item.message.as_ref().is_none_or(|part| found.message.contains(&part.value))
        };
        match left.iter().position(is_it) {
            Some(found) => _ = left.remove(found),
            None => mismatches.push(Mismatch {
                span: item.span,
                what: "finding".to_owned(),
                expected: item.code.value.entry().id.to_owned(),
                actual: "no such finding".to_owned(),
            }),
        }
    }
    let unexpected = left.into_iter().filter(|found| found.severity != Severity::Hint);
    mismatches.extend(unexpected.map(|found| {
        let (path, line) = place(found);
        let actual = format!("{path}:{line}: {}: {}", found.code.entry().id, found.message);
        Mismatch {
            span: expected.key,
            what: "finding".to_owned(),
            expected: "nothing more".to_owned(),
            actual,
        }
    }));
    mismatches
}

/// A list that is compared item by item.
struct Listed<'z> {
    what: String,
    zone: &'z Zone,
}

impl Listed<'_> {
    /// Finds the longest common part of both lists; what is left on both sides at one place is compared field
    /// by field, what is left on one side is missing or not expected.
    fn compare<T>(
        &self,
        expected: &Expected<Fields>,
        actual: &[T],
        field: impl Fn(&T, &str) -> Option<String>,
        describe: impl Fn(&T) -> String,
    ) -> Vec<Mismatch> {
        let matches = |wanted: &Fields, item: &T| {
            wanted
                .fields
                .iter()
                .all(|one| field(item, one.key).is_some_and(|actual| holds(one, &actual, self.zone)))
        };
        let mut mismatches = Vec::new();
        for (wanted, found) in aligned(&expected.items, actual, matches) {
            match (wanted, found) {
                (Some((number, wanted)), Some(item)) => {
                    let what = format!("{} {}", self.what, number + 1);
                    mismatches.extend(fields(wanted, &what, self.zone, |key| field(item, key)));
                }
                (Some((number, wanted)), None) => mismatches.push(Mismatch {
                    span: wanted.span,
                    what: format!("{} {}", self.what, number + 1),
                    expected: "one like this".to_owned(),
                    actual: "none".to_owned(),
                }),
                (None, Some(item)) => mismatches.push(Mismatch {
                    span: expected.key,
                    what: self.what.clone(),
                    expected: "nothing more".to_owned(),
                    actual: describe(item),
                }),
                (None, None) => {}
            }
        }
        mismatches
    }
}

/// An expected item with its number, beside the actual one.
type Beside<'e, 'a, T> = (Option<(usize, &'e Fields)>, Option<&'a T>);

/// Lists beyond this many pairs are compared place by place: the table of the longest common part would be large.
const PAIRS_MAX: usize = 4_000_000;

/// Both lists side by side, matching items beside each other. Those that match are left out.
fn aligned<'e, 'a, T>(
    expected: &'e [Fields],
    actual: &'a [T],
    matches: impl Fn(&Fields, &T) -> bool,
) -> Vec<Beside<'e, 'a, T>> {
    let mut beside = Vec::new();
    let (mut wanted, mut found) = (Vec::new(), Vec::new());
    let common = if expected.len().saturating_mul(actual.len()) <= PAIRS_MAX {
        longest_common(expected, actual, &matches)
    } else {
        Vec::new()
    };
    let end = (expected.len(), actual.len());
    let (mut row, mut column) = (0, 0);
    for (next_row, next_column) in common.into_iter().chain([end]) {
        wanted.extend(expected.iter().enumerate().take(next_row).skip(row));
        found.extend(actual.iter().take(next_column).skip(column));
        let count = wanted.len().max(found.len());
        let (mut left, mut right) = (wanted.drain(..), found.drain(..));
        beside.extend((0..count).map(|_| (left.next(), right.next())));
        (row, column) = (next_row + 1, next_column + 1);
    }
    beside
}

/// The places of a longest common subsequence.
fn longest_common<T>(
    expected: &[Fields],
    actual: &[T],
    matches: impl Fn(&Fields, &T) -> bool,
) -> Vec<(usize, usize)> {
    let width = actual.len() + 1;
    let mut lengths = vec![0_u32; (expected.len() + 1) * width];
    let at = |row: usize, column: usize| row * width + column;
    let get = |lengths: &[u32], row: usize, column: usize| lengths.get(at(row, column)).copied().unwrap_or(0);
    for (row, wanted) in expected.iter().enumerate().rev() {
        for (column, item) in actual.iter().enumerate().rev() {
            let length = if matches(wanted, item) {
                get(&lengths, row + 1, column + 1) + 1
            } else {
                get(&lengths, row + 1, column).max(get(&lengths, row, column + 1))
            };
            if let Some(place) = lengths.get_mut(at(row, column)) {
                *place = length;
            }
        }
    }
    let mut common = Vec::new();
    let (mut row, mut column) = (0, 0);
    while let Some((wanted, item)) = expected.get(row).zip(actual.get(column)) {
        if matches(wanted, item) {
            common.push((row, column));
            (row, column) = (row + 1, column + 1);
        } else if get(&lengths, row + 1, column) >= get(&lengths, row, column + 1) {
            row += 1;
        } else {
            column += 1;
        }
    }
    common
}

/// Compares fields one by one.
fn fields(
    expected: &Fields,
    what: &str,
    zone: &Zone,
    actual: impl Fn(&str) -> Option<String>,
) -> Vec<Mismatch> {
    let compare = |field: &Field| {
        let actual = actual(field.key);
        let is_so = actual.as_ref().is_some_and(|actual| holds(field, actual, zone));
        (!is_so).then(|| Mismatch {
            span: field.value.span,
            what: format!("{what}: {}", field.key),
            expected: field.value.value.clone(),
            actual: actual.map_or_else(|| "nothing".to_owned(), |actual| shown(field, &actual, zone)),
        })
    };
    expected.fields.iter().filter_map(compare).collect()
}

/// Whether an actual value is the one expected.
fn holds(field: &Field, actual: &str, zone: &Zone) -> bool {
    let expected = field.value.value.as_str();
    match field.kind {
        Kind::Text | Kind::Truth => expected == actual,
        Kind::Instant => {
            let expected = WrittenInstant::read(expected, zone).map(|written| written.instant.to_string());
            expected.is_ok_and(|expected| expected == actual)
        }
        Kind::Number => {
            let expected = expected.replace('_', "").parse::<Rational>();
            expected.is_ok_and(|expected| actual.parse::<Rational>().is_ok_and(|actual| actual == expected))
        }
    }
}

/// An actual value as its kind is best read.
fn shown(field: &Field, actual: &str, zone: &Zone) -> String {
    match (field.kind, actual.parse::<i64>()) {
        (Kind::Instant, Ok(millis)) => zone.format(aquarium_ir::Millis(millis)),
        _ => actual.to_owned(),
    }
}

fn figure(user: &UserReport, key: &str) -> Option<String> {
    Some(match key {
        "balance" => user.balance.to_string(),
        "charged" => user.charged.to_string(),
        "accrued" => user.accrued.to_string(),
        "refilled" => user.refilled.to_string(),
        _ => return None,
    })
}

fn bill_figure(bill: &Bill, key: &str) -> Option<String> {
    Some(match key {
        "opening" => bill.opening.to_string(),
        "closing" => bill.closing.to_string(),
        "open" => bill.open.to_string(),
        _ => return None,
    })
}

fn entry_field(entry: &EntryView, key: &str) -> Option<String> {
    match key {
        "resource" => Some(entry.resource.clone()),
        "instance" => entry.instance.clone(),
        "from" => Some(entry.from.to_string()),
        "to" => Some(entry.to.to_string()),
        "amount" => entry.amount.clone(),
        "volume" => Some(entry.volume.clone()),
        "price" => entry.price.as_ref().map(ToString::to_string),
        "totalBefore" => entry.total_before.clone(),
        "agreement" => entry.agreement.clone(),
        "item" => entry.item.clone(),
        "algorithm" => entry.algorithm.clone(),
        "credits" => Some(entry.credits.to_string()),
        "uncovered" => Some(entry.uncovered.to_string()),
        "reason" => entry.reason.clone(),
        _ => None,
    }
}

fn describe_entry(entry: &EntryView, zone: &Zone) -> String {
    let instance = entry.instance.as_ref().map(|instance| format!(" `{instance}`")).unwrap_or_default();
    let price = entry.price.as_ref().map(|price| format!(" at {price}")).unwrap_or_default();
    format!(
        "{} credits: {}{instance}, volume {}{price}, from {} to {}",
        entry.credits,
        entry.resource,
        entry.volume,
        zone.format(entry.from),
        zone.format(entry.to)
    )
}

fn line_field(line: &BillLine, key: &str) -> Option<String> {
    match key {
        "resource" => Some(line.resource.clone()),
        "instance" => line.instance.clone(),
        "agreement" => line.agreement.clone(),
        "price" => line.price.as_ref().map(ToString::to_string),
        "volume" => Some(line.volume.clone()),
        "credits" => Some(line.credits.to_string()),
        "entries" => Some(line.entries.to_string()),
        "open" => Some(line.open.to_string()),
        _ => None,
    }
}

fn describe_line(line: &BillLine) -> String {
    let price = line.price.as_ref().map(|price| format!(" at {price}")).unwrap_or_default();
    format!("{} credits: {}, volume {}{price}", line.credits, line.resource, line.volume)
}

fn quarantine_field(aside: &Quarantined, key: &str) -> Option<String> {
    match key {
        "reason" => Some(aside.reason.to_string()),
        "stage" => Some(aside.stage.to_owned()),
        "message" => Some(aside.message.clone()),
        _ => None,
    }
}
