//! Bills: what a billing month came to, for one user or for all.

use aquarium_charging::bills::{self, Adjustment, BillCredit, BillLine};
use aquarium_charging::{Deployments, Ledger};
use aquarium_ir::policy::Tier;
use aquarium_ir::time::Month;
use aquarium_ir::{Credits, Millis, Rational};
use thiserror::Error;

pub use aquarium_charging::bills::Bill;

/// Which bill is meant.
#[derive(Debug, Clone, Copy)]
pub struct Which {
    /// The month.
    pub month: Month,
    /// The final bill, which never changes, rather than the month as it is known now.
    pub finished: bool,
}

/// Why there is no bill.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoBill {
    /// The month lies ahead.
    #[error("the month {0} has not begun")]
    Ahead(Month),
    /// It can still change.
    #[error("the bill of {0} is final at {1} and not before")]
    NotFinal(Month, Millis),
    /// Nothing was known of the user.
    #[error("nothing was known of this user in {0}")]
    Nothing(Month),
}

/// The bill of a month.
pub fn bill(
    ledger: &Ledger,
    deployments: &mut Deployments,
    which: Which,
    now: Millis,
) -> Result<Bill, NoBill> {
    let span = deployments.span_of(which.month);
    if span.start > now {
        return Err(NoBill::Ahead(which.month));
    }
    let bill = if which.finished {
        let finished = bills::final_at(deployments, which.month, bills::GRACE_MILLIS);
        if let Some(finished) = finished.filter(|finished| now < *finished) {
            return Err(NoBill::NotFinal(which.month, finished));
        }
        bills::finished(ledger, deployments, which.month, bills::GRACE_MILLIS)
    } else {
        bills::batch(ledger, deployments, which.month, now, Millis::MAX)
    };
    bill.ok_or(NoBill::Nothing(which.month))
}

/// The columns of bills as CSV.
pub const COLUMNS: [&str; 13] = [
    "userID",
    "month",
    "kind",
    "resource",
    "instanceID",
    "agreement",
    "price",
    "volume",
    "entries",
    "open",
    "at",
    "about",
    "credits",
];

/// The rows of a bill. `opening` + `refill` + `grant` + `adjustment` - `line` = `closing`.
pub fn rows(bill: &Bill) -> Vec<[String; COLUMNS.len()]> {
    let mut rows = vec![amount(bill, "opening", bill.from, bill.opening)];
    rows.extend(bill.lines.iter().map(|it| Row::new(bill, "line").line(it).cells(it.credits)));
    rows.extend(bill.refills.iter().map(|it| credit(bill, "refill", it)));
    rows.extend(bill.grants.iter().map(|it| credit(bill, "grant", it)));
    rows.extend(bill.adjustments.iter().map(|it| adjustment(bill, it)));
    rows.push(amount(bill, "closing", bill.to, bill.closing));
    rows
}

fn amount(bill: &Bill, kind: &'static str, at: Millis, credits: Credits) -> [String; COLUMNS.len()] {
    Row { at: Some(at), ..Row::new(bill, kind) }.cells(credits)
}

fn credit(bill: &Bill, kind: &'static str, credit: &BillCredit) -> [String; COLUMNS.len()] {
    amount(bill, kind, credit.at, credit.credits)
}

fn adjustment(bill: &Bill, adjustment: &Adjustment) -> [String; COLUMNS.len()] {
    let row = Row { about: &adjustment.month, ..Row::new(bill, "adjustment") };
    let row = match &adjustment.line {
        Some(line) => row.line(line),
        None => row,
    };
    row.cells(adjustment.credits)
}

/// A row that is being filled.
struct Row<'a> {
    bill: &'a Bill,
    kind: &'static str,
    line: Option<&'a BillLine>,
    at: Option<Millis>,
    about: &'a str,
}

impl<'a> Row<'a> {
    fn new(bill: &'a Bill, kind: &'static str) -> Self {
        Self { bill, kind, line: None, at: None, about: "" }
    }

    fn line(self, line: &'a BillLine) -> Self {
        Self { line: Some(line), ..self }
    }

    fn cells(self, credits: Credits) -> [String; COLUMNS.len()] {
        let of_line = |cell: fn(&BillLine) -> String| self.line.map(cell).unwrap_or_default();
        [
            self.bill.user.clone(),
            self.bill.month.clone(),
            self.kind.to_owned(),
            of_line(|line| line.resource.clone()),
            of_line(|line| line.instance.clone().unwrap_or_default()),
            of_line(|line| line.agreement.clone().unwrap_or_default()),
            of_line(|line| price(line.price.as_ref(), line.tiers.as_deref())),
            of_line(|line| line.volume.clone()),
            of_line(|line| line.entries.to_string()),
            of_line(|line| line.open.to_string()),
            self.at.map(|at| at.to_string()).unwrap_or_default(),
            self.about.to_owned(),
            credits.to_string(),
        ]
    }
}

/// A price in one cell: tiers as `0.5 up to 100; 0.25`.
fn price(flat: Option<&Rational>, tiers: Option<&[Tier]>) -> String {
    let tier = |tier: &Tier| match &tier.upto {
        Some(upto) => format!("{} up to {upto}", tier.price),
        None => tier.price.to_string(),
    };
    match (flat, tiers) {
        (Some(price), _) => price.to_string(),
        (None, Some(tiers)) => tiers.iter().map(tier).collect::<Vec<_>>().join("; "),
        (None, None) => String::new(),
    }
}
