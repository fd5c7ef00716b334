//! Bills: what a billing month came to.
//!
//! A month is final some days after its end: its final bill is the month as known then and never changes.
//! What becomes known about it later stands, as adjustments that name it, in the bill of the month at whose
//! final bill it was known. The batch bill is the month as known now: the final bill and all adjustments
//! that name the month, to the last digit.

mod content;

use std::collections::{BTreeMap, BTreeSet};

use aquarium_ir::credits::Credits;
use aquarium_ir::instant::Millis;
use aquarium_ir::number::Rational;
use aquarium_ir::policy::{Price, Tier};
use aquarium_ir::time::{Month, MonthSpan};
use serde::Serialize;

use crate::deployments::Deployments;
use crate::ledger::Ledger;
use crate::posting::Postings;
use crate::state::State;
use crate::view;
use content::{Content, LineKey, Sums};

/// Default of the time between the end of a month and its final bill: 3 days.
pub const GRACE_MILLIS: i64 = 3 * 86_400_000;

/// A bill of a user's month. Opening balance, refills, grants and adjustments less the lines are the closing
/// balance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bill {
    /// The user.
    #[serde(rename = "userID")]
    pub user: String,
    /// The month, as `YYYY-MM`.
    pub month: String,
    /// Its first instant.
    pub from: Millis,
    /// The first instant of the next.
    pub to: Millis,
    /// Whether the month has not ended at the instant of the bill: the lines marked open are accrual.
    pub open: bool,
    /// The balance before the month.
    pub opening: Credits,
    /// Charges, by resource, instance, agreement and price.
    pub lines: Vec<BillLine>,
    /// Refills and initial credits.
    pub refills: Vec<BillCredit>,
    /// Grants.
    pub grants: Vec<BillCredit>,
    /// What became known about earlier months since they were billed.
    pub adjustments: Vec<Adjustment>,
    /// The balance after the month, or at the instant of the bill of an open month.
    pub closing: Credits,
}

/// A line of a bill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BillLine {
    /// The resource.
    pub resource: String,
    /// The instance; `None` where the resource is not complex.
    #[serde(rename = "instanceID")]
    pub instance: Option<String>,
    /// The agreement.
    pub agreement: Option<String>,
    /// The price, where it is flat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Rational>,
    /// The price, where it has tiers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tiers: Option<Vec<Tier>>,
    /// The volume, in the resource's unit.
    pub volume: String,
    /// What it costs.
    pub credits: Credits,
    /// Of how many entries, or open slots.
    pub entries: usize,
    /// Whether it is accrual that is not posted yet.
    pub open: bool,
}

/// Credits that came in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BillCredit {
    /// When.
    pub at: Millis,
    /// How many.
    pub credits: Credits,
}

/// What became known about an earlier month: by how much a line, or its refills, changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Adjustment {
    /// The month that it is about, as `YYYY-MM`.
    pub month: String,
    /// The line's change; `None`: refills, initial credits and grants.
    pub line: Option<BillLine>,
    /// What it adds to the balance.
    pub credits: Credits,
}

/// The month as known at an instant, accrual included where it is still open at `at`. `None` where nothing is known
/// of the user by then, the month has not begun, or parts of the history [are elsewhere](Ledger::parts_elsewhere).
pub fn batch(
    ledger: &Ledger,
    deployments: &Deployments,
    month: Month,
    at: Millis,
    known: Millis,
) -> Option<Bill> {
    let mut deployments = deployments.known(known);
    let span = deployments.span_of(month);
    let at = Some(at.min(span.end)).filter(|at| *at >= span.start)?;
    let mut history = History::of(ledger, deployments, at, known)?;
    let mut months = history.months();
    let mut bill = history.bill(ledger.user(), span, &months.remove(&month).unwrap_or_default(), at);
    bill.opening = months.range(..month).map(|(_, content)| content.net()).sum();
    bill.close();
    Some(bill)
}

/// The final bill of a month: as known `grace` after its end, with adjustments of earlier months. `None` where
/// nothing was known of the user by then, or parts of the history [are elsewhere](Ledger::parts_elsewhere).
pub fn finished(ledger: &Ledger, deployments: &Deployments, month: Month, grace: i64) -> Option<Bill> {
    let billed = Billed::of(deployments, month, grace)?;
    let mut history = History::billed(ledger, deployments, billed)?;
    let mut now = history.months();
    let content = now.remove(&month).unwrap_or_default();
    let mut bill = history.bill(ledger.user(), billed.span, &content, billed.span.end);
    // At its last instant the month before has everything but its end; that is cut by the tick at the end.
    let before = Billed::of(deployments, month.previous(), grace);
    let mut before =
        before.and_then(|before| History::billed(ledger, deployments, before)).unwrap_or_default();
    let was = before.months();
    bill.opening = was.range(..month).map(|(_, content)| content.net()).sum();
    let months: BTreeSet<Month> = was.keys().chain(now.keys()).copied().filter(|it| *it < month).collect();
    for earlier in months {
        let of = |contents: &BTreeMap<Month, Content>| contents.get(&earlier).cloned().unwrap_or_default();
        bill.adjustments.extend(adjustments(&history.deployments, earlier, &of(&was), &of(&now)));
    }
    bill.close();
    Some(bill)
}

/// When the bill of a month becomes final: the first instant that lies `grace` after the end of the month as the
/// deployments that are known by then tell it. `None`: nothing is deployed.
#[must_use]
pub fn final_at(deployments: &Deployments, month: Month, grace: i64) -> Option<Millis> {
    Billed::of(deployments, month, grace).map(|billed| billed.known)
}

/// A month as it is billed: where it begins and ends, and by what was known when.
#[derive(Debug, Clone, Copy)]
struct Billed {
    span: MonthSpan,
    known: Millis,
}

impl Billed {
    /// A version in another zone that becomes known later moves the end of the month: what counts is the end as
    /// known when the month becomes final.
    fn of(deployments: &Deployments, month: Month, grace: i64) -> Option<Self> {
        let receipts: BTreeSet<Millis> = deployments.versions().map(|(_, span)| span.received).collect();
        let mut receipts = receipts.into_iter().peekable();
        while let Some(receipt) = receipts.next() {
            let span = deployments.known(receipt).span_of(month);
            let known = receipt.max(Millis(span.end.0.saturating_add(grace)));
            if receipts.peek().is_none_or(|next| known < *next) {
                return Some(Self { span, known });
            }
        }
        None
    }
}

impl Bill {
    fn close(&mut self) {
        let lines: Credits = self.lines.iter().map(|line| line.credits).sum();
        let credits: Credits = self.refills.iter().chain(&self.grants).map(|it| it.credits).sum();
        let adjusted: Credits = self.adjustments.iter().map(|it| it.credits).sum();
        self.closing = self.opening + credits + adjusted - lines;
    }
}

/// A fold up to an instant of what was known at another.
#[derive(Default)]
struct History {
    /// Those that were known.
    deployments: Deployments,
    state: State,
    postings: Postings,
}

impl History {
    fn billed(ledger: &Ledger, deployments: &Deployments, billed: Billed) -> Option<Self> {
        Self::of(ledger, deployments.known(billed.known), billed.span.end, billed.known)
    }

    fn of(ledger: &Ledger, deployments: Deployments, at: Millis, known: Millis) -> Option<Self> {
        if ledger.parts_elsewhere() > 0 {
            return None;
        }
        let visible = |record: &&crate::Record<'static>| record.received <= known && record.occurred <= at;
        let records: Vec<_> = ledger.records().filter(visible).cloned().collect();
        records.first()?;
        let mut history = Self { deployments, ..Self::default() };
        history.state.fold(&mut history.deployments, &records, &mut history.postings).ok()?;
        history.state.derive(&mut history.deployments, at, &mut history.postings);
        Some(history)
    }

    /// What each month holds.
    fn months(&mut self) -> BTreeMap<Month, Content> {
        Content::of_months(&mut self.deployments, &self.postings)
    }

    fn bill(&mut self, user: &str, month: MonthSpan, content: &Content, at: Millis) -> Bill {
        let open = at < month.end;
        let mut lines = lines(&self.deployments, content, false);
        if open {
            let mut accrued = Content::default();
            for (instance, slot) in self.state.accrual(&mut self.deployments, at).slots {
                accrued.add(&self.deployments, &instance.resource, instance.instance.as_ref(), &slot);
            }
            lines.extend(self::lines(&self.deployments, &accrued, true));
        }
        Bill {
            user: user.to_owned(),
            month: month.month.to_string(),
            from: month.start,
            to: month.end,
            open,
            opening: Credits::ZERO,
            lines,
            refills: credits(&content.refills),
            grants: credits(&content.grants),
            adjustments: Vec::new(),
            closing: Credits::ZERO,
        }
    }
}

/// What changed in a month from one fold to a later one, per line.
fn adjustments(deployments: &Deployments, month: Month, old: &Content, new: &Content) -> Vec<Adjustment> {
    let month = month.to_string();
    let mut found = Vec::new();
    let keys: BTreeSet<&LineKey> = old.lines.keys().chain(new.lines.keys()).collect();
    for key in keys {
        let sums = |content: &Content| content.lines.get(key).copied().unwrap_or_default();
        let (was, is) = (sums(old), sums(new));
        if was.volume == is.volume && was.credits == is.credits {
            continue;
        }
        let change = Sums {
            volume: is.volume.saturating_sub(was.volume),
            credits: is.credits - was.credits,
            entries: is.entries.abs_diff(was.entries),
        };
        let line = Some(line(deployments, key, change, false));
        found.push(Adjustment { month: month.clone(), line, credits: -change.credits });
    }
    let credits = new.refilled() + new.granted() - old.refilled() - old.granted();
    if !credits.is_zero() {
        found.push(Adjustment { month, line: None, credits });
    }
    found
}

fn lines(deployments: &Deployments, content: &Content, open: bool) -> Vec<BillLine> {
    content.lines.iter().map(|(key, sums)| line(deployments, key, *sums, open)).collect()
}

fn line(deployments: &Deployments, key: &LineKey, sums: Sums, open: bool) -> BillLine {
    let (price, tiers) = match &key.price {
        Some(Price::Flat(price)) => (Some(price.clone()), None),
        Some(Price::Tiers(tiers)) => (None, Some(tiers.clone())),
        None => (None, None),
    };
    BillLine {
        resource: key.resource.to_string(),
        instance: key.instance.as_deref().map(str::to_owned),
        agreement: key.agreement.as_deref().map(str::to_owned),
        price,
        tiers,
        volume: view::volume_text(deployments, &key.resource, sums.volume),
        credits: sums.credits,
        entries: sums.entries,
        open,
    }
}

fn credits(refills: &[crate::posting::Refill]) -> Vec<BillCredit> {
    refills.iter().map(|refill| BillCredit { at: refill.at, credits: refill.credits }).collect()
}
