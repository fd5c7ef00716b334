//! Bills: what a billing month came to.
//!
//! A month is final some days after its end: its final bill is the month as known then and never changes.
//! What becomes known about it later stands, as adjustments that name it, in the bill of the month at whose
//! final bill it was known. The batch bill is the month as known now: the final bill and all adjustments
//! that name the month, to the last digit.

mod content;

use std::collections::BTreeSet;

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

/// The month as known at an instant, accrual included where it is still open at `at`.
pub fn batch(
    ledger: &Ledger,
    deployments: &mut Deployments,
    month: MonthSpan,
    at: Millis,
    known: Millis,
) -> Option<Bill> {
    let history = History::of(ledger, deployments, at, known)?;
    let mut bill = history.bill(ledger.user(), deployments, month, at);
    bill.opening = history.net_before(deployments, month.start);
    bill.close();
    Some(bill)
}

/// The final bill of a month: as known `grace` after its end, with adjustments of earlier months. `None`
/// where nothing was known of the user by then.
pub fn finished(
    ledger: &Ledger,
    deployments: &mut Deployments,
    month: MonthSpan,
    grace: i64,
) -> Option<Bill> {
    let known = Millis(month.end.0.saturating_add(grace));
    let history = History::of(ledger, deployments, month.end, known)?;
    let mut bill = history.bill(ledger.user(), deployments, month, month.end);
    let billed = Millis(month.start.0.saturating_add(grace));
    // At its last instant the month before has everything but its end; that is cut by the tick at the end.
    let before = History::of(ledger, deployments, month.start, billed).unwrap_or_default();
    bill.opening = before.net_before(deployments, month.start);
    bill.adjustments = adjustments(deployments, &before, &history, month.start);
    bill.close();
    Some(bill)
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
    state: State,
    postings: Postings,
}

impl History {
    fn of(ledger: &Ledger, deployments: &mut Deployments, at: Millis, known: Millis) -> Option<Self> {
        let visible = |record: &&crate::Record<'static>| record.received <= known && record.occurred <= at;
        let records: Vec<_> = ledger.records().filter(visible).cloned().collect();
        records.first()?;
        let mut deployments = deployments.known(known);
        let mut history = Self::default();
        history.state.fold(&mut deployments, &records, &mut history.postings).ok()?;
        history.state.derive(&mut deployments, at, &mut history.postings);
        Some(history)
    }

    fn bill(&self, user: &str, deployments: &mut Deployments, month: MonthSpan, at: Millis) -> Bill {
        let content = Content::of(deployments, &self.postings, month);
        let open = at < month.end;
        let mut lines = lines(deployments, &content, false);
        if open {
            let mut accrued = Content::default();
            for (instance, slot) in self.state.accrual(deployments, at).slots {
                accrued.add(deployments, &instance.resource, instance.instance.as_ref(), &slot);
            }
            lines.extend(self::lines(deployments, &accrued, true));
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

    /// What all months before an instant add to the balance.
    fn net_before(&self, deployments: &Deployments, end: Millis) -> Credits {
        let month = MonthSpan { month: Month { year: 0, month: 1 }, start: Millis::MIN, end };
        Content::of(deployments, &self.postings, month).net()
    }

    /// The instants at which something begins, before an instant.
    fn beginnings(&self, end: Millis) -> impl Iterator<Item = Millis> {
        let entries = self.postings.entries.iter().map(|entry| entry.slot.from);
        let refills = self.postings.refills.iter().map(|refill| refill.at);
        entries.chain(refills).filter(move |at| *at < end)
    }
}

/// What changed in the months before an instant from one history to a later one, per month and line.
fn adjustments(
    deployments: &mut Deployments,
    before: &History,
    after: &History,
    end: Millis,
) -> Vec<Adjustment> {
    let beginnings: BTreeSet<Millis> = before.beginnings(end).chain(after.beginnings(end)).collect();
    let mut found = Vec::new();
    let mut done = Millis::MIN;
    for at in beginnings {
        if at >= done {
            let month = deployments.month(at);
            done = month.end;
            let old = Content::of(deployments, &before.postings, month);
            let new = Content::of(deployments, &after.postings, month);
            adjust(deployments, month, &old, &new, &mut found);
        }
    }
    found
}

fn adjust(
    deployments: &Deployments,
    month: MonthSpan,
    old: &Content,
    new: &Content,
    found: &mut Vec<Adjustment>,
) {
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
        found.push(Adjustment { month: month.month.to_string(), line, credits: -change.credits });
    }
    let credits = new.refilled() + new.granted() - old.refilled() - old.granted();
    if !credits.is_zero() {
        found.push(Adjustment { month: month.month.to_string(), line: None, credits });
    }
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
