//! A user's month on their page: the chart, the controls that move it through time, and the same in tables.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use aquarium_ir::time::MonthSpan;
use aquarium_ir::{Credits, Millis};
use maud::{Markup, html};

use super::chart::{Extent, Line, Mark, Range, chart};
use super::parts::{field, wide};
use super::user::{Standing, at};
use super::words::{credits, day, local, shown};
use super::{Frame, chart};
use crate::views::month::{LateRecord, MonthView, Point};

/// A day, about: labels stand at midnights.
const DAY_MILLIS: i64 = 86_400_000;
/// Labels of days, every so many.
const LABEL_DAYS: usize = 5;
/// Rows of the table of balances: one a day.
const ROWS_MAX: usize = 33;

/// The section of the page.
pub fn section(frame: &Frame, standing: &Standing) -> Markup {
    let month = &standing.month;
    html! {
        section aria-labelledby="month" {
            h2 #month { "Balance in " (month.span.month) }
            (months(standing))
            (controls(frame, standing))
            (figure(frame, standing))
            (corrections(frame, standing))
            (charges(month))
            (refills(frame, month))
            (days(frame, month))
        }
    }
}

/// The months before and after.
fn months(standing: &Standing) -> Markup {
    let (user, span) = (&standing.state.user_id, standing.month.span);
    let known = &standing.asked.known;
    let before = Millis(span.start.0.saturating_sub(1));
    html! {
        nav .pager aria-label="Months" {
            @if before > Millis::EPOCH { a href=(at(user, &before.to_string(), known)) rel="prev" { (span.month.previous()) } }
            a href=(at(user, "", "")) { "Now" }
            @if span.end < Millis::LIMIT { a href=(at(user, &span.end.to_string(), known)) rel="next" { (span.month.next()) } }
        }
    }
}

/// What moves the page through time: by text without a script, by sliders with one.
fn controls(frame: &Frame, standing: &Standing) -> Markup {
    let (state, span) = (&standing.state, standing.month.span);
    let last = Millis(span.end.0.saturating_sub(1));
    html! {
        form .controls method="get" action="/console/user" data-time-controls {
            input type="hidden" name="id" value=(state.user_id);
            (field("At", "at", &standing.asked.at))
            (field("As known at", "known", &standing.asked.known))
            button type="submit" { "Show" }
            (slider("at", "Slide: at", span.start, last, state.at))
            @if frame.now > span.start {
                (slider("known", "Slide: as known at", span.start, frame.now, state.known))
            }
            p .hint {
                "A date, a date and time, or milliseconds since 1970; empty: now. What lies after "
                em { "at" } " is a projection; " em { "as known at" } " leaves out what was received later."
            }
        }
    }
}

fn slider(name: &str, label: &str, from: Millis, to: Millis, value: Millis) -> Markup {
    html! {
        label .slider hidden data-slides=(name) {
            span { (label) }
            input type="range" min=(from) max=(to.max(from)) value=(value.clamp(from, to.max(from))) step="60000";
            output {}
        }
    }
}

fn figure(frame: &Frame, standing: &Standing) -> Markup {
    let month = &standing.month;
    let at = standing.state.at;
    html! {
        figure .month data-chart=(data(month, at)) {
            (drawing(frame, month, at))
            figcaption {
                span .key .balance { "balance" } span .key .projection { "projection" } span .key .threshold { "threshold" }
                @if month.corrected.is_some() { span .key .corrected { "balance as known now" } }
                @if !month.refills.is_empty() { span .key .refill { "refill or grant" } }
                @if !month.late.is_empty() { span .key .late { "came late" } }
            }
        }
    }
}

fn drawing(frame: &Frame, month: &MonthView, at: Millis) -> Markup {
    let all = month.points.iter().chain(month.corrected.iter().flatten());
    let range = Range::of(all.flat_map(|point| [point.balance, point.threshold]));
    let extent = Extent::of_chart(month.span.start, month.span.end);
    let line = |class, points: Vec<(Millis, Credits)>| Line { class, points };
    let balances = |points: &[Point]| points.iter().map(|it| (it.at, it.balance)).collect::<Vec<_>>();
    let then = month.points.partition_point(|point| point.at <= at);
    let (past, ahead) = (month.points.get(..then), month.points.get(then.saturating_sub(1)..));
    let mut lines = vec![
        line("threshold", month.points.iter().map(|it| (it.at, it.threshold)).collect()),
        line("projection", balances(ahead.unwrap_or_default())),
    ];
    lines.extend(month.corrected.as_deref().map(|points| line("corrected", balances(points))));
    lines.push(line("balance", balances(past.unwrap_or_default())));
    let refill = |it: &crate::views::trace::TracedRefill| Mark {
        class: "refill",
        at: it.at,
        title: format!("{} {}: {}", it.kind, local(&frame.zone, it.at), it.credits),
    };
    let late = |it: &LateRecord| Mark {
        class: "late",
        at: it.occurred,
        title: format!("came late: {}", local(&frame.zone, it.occurred)),
    };
    let marks: Vec<Mark<'_>> = month.refills.iter().map(refill).chain(month.late.iter().map(late)).collect();
    chart(&summary(month), extent, range, &lines, &marks, &midnights(frame, month.span))
}

/// The chart in a sentence.
fn summary(month: &MonthView) -> String {
    let ends = month.points.first().zip(month.points.last());
    let low = month.points.iter().map(|point| point.balance).min();
    match (ends, low) {
        (Some((first, last)), Some(low)) => format!(
            "Balance in {}: from {} to {} credits, {low} at the lowest. The table below has it day by day.",
            month.span.month, first.balance, last.balance
        ),
        _ => format!("Balance in {}", month.span.month),
    }
}

fn midnights(frame: &Frame, span: MonthSpan) -> Vec<(Millis, String)> {
    let first = span.month.first_day().midnight();
    let days = (0..31_i64).step_by(LABEL_DAYS).map(|day| first.plus(day * DAY_MILLIS));
    let label = |local| (frame.zone.first_instant_not_before(local), local.date().to_string());
    let labels = days.map(label).filter(|(at, _)| *at < span.end);
    labels.map(|(at, date)| (at, date.get(5..).unwrap_or_default().to_owned())).collect()
}

/// What the script draws from: instants in seconds and amounts as texts.
fn data(month: &MonthView, at: Millis) -> String {
    let mut text = format!("{{\"at\":{}", at.0);
    let list = |values: Vec<String>| values.join(",");
    let of = |points: &[Point], value: fn(&Point) -> Credits| {
        list(points.iter().map(|it| value(it).to_string()).collect())
    };
    let times = list(month.points.iter().map(|point| point.at.0.to_string()).collect());
    let late = list(month.late.iter().map(|late| late.occurred.0.to_string()).collect());
    let refills = list(month.refills.iter().map(|refill| refill.at.0.to_string()).collect());
    let balances = of(&month.points, |point| point.balance);
    let thresholds = of(&month.points, |point| point.threshold);
    // Writing to a text does not fail.
    let _ = write!(text, ",\"times\":[{times}],\"balance\":[{balances}],\"threshold\":[{thresholds}]");
    let _ = write!(text, ",\"refills\":[{refills}],\"late\":[{late}]");
    if let Some(corrected) = &month.corrected {
        let _ = write!(text, ",\"corrected\":[{}]", of(corrected, |point| point.balance));
    }
    text.push('}');
    text
}

/// What became known later, or came late.
fn corrections(frame: &Frame, standing: &Standing) -> Markup {
    let (user, month) = (&standing.state.user_id, &standing.month);
    let then = month.points.partition_point(|point| point.at <= standing.state.at).checked_sub(1);
    let change = then.and_then(|place| {
        let corrected = month.corrected.as_ref()?.get(place)?;
        Some(corrected.balance - month.points.get(place)?.balance)
    });
    let table = html! {
        table {
            thead { tr {
                th scope="col" { "Happened" } th scope="col" { "Received" } th scope="col" { "Kind" }
                th scope="col" { "Sender" } th scope="col" { "Id" } th scope="col" { "Before it was known" }
            } }
            tbody { @for late in &month.late { tr {
                th scope="row" { (frame.instant(late.occurred)) }
                td { (frame.instant(late.received)) }
                td { (late.kind) }
                td { (shown(&late.client)) }
                td { (shown(&late.id)) }
                td { a href=(at(user, &standing.state.at.to_string(), &Millis(late.received.0.saturating_sub(1)).to_string())) { "compare" } }
            } } }
        }
    };
    html! {
        @if let Some(change) = change {
            p .mark { "What became known since changes the balance at this instant by " (credits(change)) " credits." }
        }
        @if !month.late.is_empty() {
            details open[month.corrected.is_some()] {
                summary { "What came late (" (month.late.len()) ")" }
                (wide("What came late", &table))
            }
        }
    }
}

/// Charges by resource, with what open intervals have come to.
fn charges(month: &MonthView) -> Markup {
    let mut charges: BTreeMap<&str, (Credits, Credits)> = BTreeMap::new();
    for line in month.bill.iter().flat_map(|bill| &bill.lines) {
        let (posted, open) = charges.entry(&line.resource).or_default();
        *(if line.open { open } else { posted }) += line.credits;
    }
    let range = Range::of(charges.values().map(|(posted, open)| *posted + *open));
    html! {
        h3 { "Charges by resource" }
        @if charges.is_empty() {
            p { "Nothing was charged." }
        } @else {
            (wide("Charges by resource", &html! {
                table {
                    thead { tr {
                        th scope="col" { "Resource" } th scope="col" .number { "Posted" } th scope="col" .number { "Open" }
                        th scope="col" .number { "Together" } th { span .unseen { "Share" } }
                    } }
                    tbody { @for (resource, (posted, open)) in &charges { tr {
                        th scope="row" { (shown(resource)) }
                        td .number { (credits(*posted)) }
                        td .number { (credits(*open)) }
                        td .number { (credits(*posted + *open)) }
                        td { (chart::bar(range, *posted + *open)) }
                    } } }
                }
            }))
        }
    }
}

fn refills(frame: &Frame, month: &MonthView) -> Markup {
    html! {
        @if !month.refills.is_empty() {
            details {
                summary { "Refills and grants (" (month.refills.len()) ")" }
                (wide("Refills and grants", &html! {
                    table {
                        thead { tr { th scope="col" { "When" } th scope="col" { "Kind" } th scope="col" .number { "Credits" } } }
                        tbody { @for refill in month.refills.iter().take(chart::ROWS_MAX) { tr {
                            th scope="row" { (frame.instant(refill.at)) }
                            td { (refill.kind) }
                            td .number { (credits(refill.credits)) }
                        } } }
                    }
                }))
            }
        }
    }
}

/// The chart as a table: the balance at the beginning of each day.
fn days(frame: &Frame, month: &MonthView) -> Markup {
    let mut last = String::new();
    let mut rows: Vec<&Point> = Vec::new();
    for point in &month.points {
        let day = day(&frame.zone, point.at);
        if day != last {
            rows.push(point);
            last = day;
        }
    }
    rows.extend(month.points.last());
    html! {
        details {
            summary { "The balance day by day" }
            (wide("The balance day by day", &html! {
                table {
                    thead { tr { th scope="col" { "When" } th scope="col" .number { "Balance" } th scope="col" .number { "Threshold" } } }
                    tbody { @for point in rows.into_iter().take(ROWS_MAX) { tr {
                        th scope="row" { (frame.instant(point.at)) }
                        td .number { (credits(point.balance)) }
                        td .number { (credits(point.threshold)) }
                    } } }
                }
            }))
        }
    }
}
