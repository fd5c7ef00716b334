//! A bill, to be read, printed and exported.

use aquarium_charging::bills::{Adjustment, Bill, BillLine};
use aquarium_ir::Credits;
use aquarium_ir::time::Month;
use maud::{Markup, html};

use super::parts::{About, fact, field, or_none, user_head, wide};
use super::words::{address, credits, segment, shown};
use super::{Frame, Section};

/// A bill that was asked for.
pub struct Asked {
    /// The user.
    pub user: String,
    /// The month.
    pub month: Month,
    /// Whether the final bill is meant.
    pub finished: bool,
    /// The bill, or why there is none.
    pub bill: Result<Bill, String>,
}

/// The page.
pub fn page(frame: &Frame, asked: &Asked) -> Markup {
    let Asked { user, month, finished, bill } = asked;
    let content = html! {
        (user_head(user, Some(About::Bill)))
        form .controls.unprinted method="get" action="/console/user/bill" {
            input type="hidden" name="id" value=(user);
            (field("Month (2011-12)", "month", &month.to_string()))
            label .check { input type="checkbox" name="final" value="true" checked[*finished]; span { "the final bill" } }
            button type="submit" { "Show" }
            a href=(at(user, month.previous(), *finished)) rel="prev" { (month.previous()) }
            a href=(at(user, month.next(), *finished)) rel="next" { (month.next()) }
        }
        @match bill {
            Ok(bill) => { (exports(asked)) (sheet(frame, bill, *finished)) },
            Err(why) => p .fault role="status" { (shown(why)) },
        }
    };
    frame.page(Section::Users, &format!("Bill of {user}, {month}"), &content)
}

fn at(user: &str, month: Month, finished: bool) -> String {
    let finished = if finished { "true" } else { "" };
    address("/console/user/bill", &[("id", user), ("month", &month.to_string()), ("final", finished)])
}

/// The same bill over REST.
fn exports(asked: &Asked) -> Markup {
    let Month { year, month } = asked.month;
    let path = format!("/user/{}/bill/{year}/{month}", segment(&asked.user));
    let finished = if asked.finished { "true" } else { "" };
    html! {
        p .unprinted {
            a href=(address(&path, &[("final", finished), ("format", "csv")])) { "As CSV" } " "
            a href=(address(&path, &[("final", finished)])) { "As JSON" } " "
            button type="button" data-print hidden { "Print" }
        }
    }
}

fn sheet(frame: &Frame, bill: &Bill, finished: bool) -> Markup {
    let charges: Credits = bill.lines.iter().map(|line| line.credits).sum();
    html! {
        article .bill aria-labelledby="bill" {
            h2 #bill { @if finished { "Final bill" } @else { "Bill" } ", " (bill.month) }
            p { "User " (shown(&bill.user)) ". From " (frame.instant(bill.from)) " to " (frame.instant(bill.to)) "." }
            @if bill.open {
                p .mark { "The month goes on: lines marked open are what has accrued up to now." }
            } @else if !finished {
                p .hint { "As it is known now." }
            }
            dl .facts {
                (fact("Balance before", &credits(bill.opening)))
                (fact("Refills", &credits(bill.refills.iter().map(|it| it.credits).sum())))
                (fact("Grants", &credits(bill.grants.iter().map(|it| it.credits).sum())))
                (fact("Charges", &credits(charges)))
                (fact("Adjustments", &credits(bill.adjustments.iter().map(|it| it.credits).sum())))
                (fact("Balance after", &html! { strong { (credits(bill.closing)) } }))
            }
            h3 { "Charges" }
            @if bill.lines.is_empty() { p { "Nothing was charged." } } @else { (wide("Charges", &lines(&bill.lines, charges))) }
            @if !bill.refills.is_empty() || !bill.grants.is_empty() {
                h3 { "Refills and grants" }
                (wide("Refills and grants", &incomes(frame, bill)))
            }
            @if !bill.adjustments.is_empty() {
                h3 { "Adjustments of earlier months" }
                (wide("Adjustments", &adjustments(&bill.adjustments)))
            }
        }
    }
}

fn line_heads() -> Markup {
    html! {
        th scope="col" { "Resource" } th scope="col" { "Instance" } th scope="col" { "Agreement" }
        th scope="col" { "Price" } th scope="col" .number { "Volume" } th scope="col" .number { "Entries" }
    }
}

fn line_cells(line: &BillLine) -> Markup {
    html! {
        td { (shown(&line.resource)) @if line.open { " " span .mark { "open" } } }
        td { (or_none(line.instance.as_deref())) }
        td { (or_none(line.agreement.as_deref())) }
        td {
            @if let Some(price) = &line.price { (price) }
            @else if line.tiers.is_some() { "tiers" }
            @else { span .nothing { "uncovered" } }
        }
        td .number { (line.volume) }
        td .number { (line.entries) }
    }
}

fn lines(lines: &[BillLine], sum: Credits) -> Markup {
    html! {
        table {
            thead { tr { (line_heads()) th scope="col" .number { "Credits" } } }
            tbody { @for line in lines { tr { (line_cells(line)) td .number { (credits(line.credits)) } } } }
            tfoot { tr { th scope="row" colspan="6" { "Together" } td .number { (credits(sum)) } } }
        }
    }
}

fn incomes(frame: &Frame, bill: &Bill) -> Markup {
    let refills = bill.refills.iter().map(|it| ("refill", it));
    let all = refills.chain(bill.grants.iter().map(|it| ("grant", it)));
    html! {
        table {
            thead { tr { th scope="col" { "When" } th scope="col" { "Kind" } th scope="col" .number { "Credits" } } }
            tbody { @for (kind, income) in all { tr {
                td { (frame.instant(income.at)) } td { (kind) } td .number { (credits(income.credits)) }
            } } }
        }
    }
}

fn adjustments(adjustments: &[Adjustment]) -> Markup {
    html! {
        table {
            thead { tr { th scope="col" { "Month" } (line_heads()) th scope="col" .number { "To the balance" } } }
            tbody { @for one in adjustments { tr {
                td { (one.month) }
                @match &one.line {
                    Some(line) => (line_cells(line)),
                    None => td colspan="6" { "refills and grants" },
                }
                td .number { (credits(one.credits)) }
            } } }
        }
    }
}
