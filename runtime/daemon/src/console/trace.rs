//! A user's life event by event: what was before, what it brought about, what was then.

use maud::{Markup, html};

use super::parts::{About, charge_address, field, or_none, pager, user_head, wide};
use super::words::{address, credits, shown};
use super::{Frame, Section};
use crate::views::trace::{Step, TracedState};

/// Instances of a state that are listed, at most.
const INSTANCES_MAX: usize = 20;
/// Entries of a step that are listed, at most.
const ENTRIES_MAX: usize = 50;

/// What is asked for, as it was written.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Not before this instant.
    pub from: String,
    /// Before this one.
    pub to: String,
    /// After so many steps.
    pub after: String,
}

/// A page of a trace.
pub struct Page {
    /// The user.
    pub user: String,
    /// What was asked for.
    pub asked: Asked,
    /// What happened.
    pub steps: Vec<Step>,
    /// How many come before the next page.
    pub next: Option<usize>,
}

/// The page.
pub fn page(frame: &Frame, page: &Page) -> Markup {
    let Page { user, asked, .. } = page;
    let at = |after: &str| {
        let query = [("id", user.as_str()), ("from", &asked.from), ("to", &asked.to), ("after", after)];
        address("/console/user/trace", &query)
    };
    let first = (!asked.after.is_empty()).then(|| at(""));
    let next = page.next.map(|next| at(&next.to_string()));
    let content = html! {
        (user_head(user, Some(About::Trace)))
        form .controls method="get" action="/console/user/trace" {
            input type="hidden" name="id" value=(user);
            (field("From", "from", &asked.from))
            (field("To", "to", &asked.to))
            button type="submit" { "Show" }
            p .hint { "A date, a date and time, or milliseconds since 1970; empty: from the first, to the last." }
        }
        @if page.steps.is_empty() {
            p { "Nothing happened in this time." }
        } @else {
            ol .steps { @for step in &page.steps { li { (self::step(frame, user, step)) } } }
        }
        (pager(first.as_deref(), next.as_deref()))
    };
    frame.page(Section::Users, &format!("Trace of {user}"), &content)
}

fn step(frame: &Frame, user: &str, step: &Step) -> Markup {
    html! {
        h2 { (frame.instant(step.at)) }
        @if step.records.is_empty() { p { "Time passed: a month ended, or credits came in." } }
        @for record in &step.records {
            p {
                strong { (record.kind) } " from " (shown(&record.client)) ", id " (shown(&record.id))
                ", received " (frame.instant(record.received))
            }
        }
        @for note in &step.notes {
            p .mark {
                @match note.reason { Some(reason) => { "No effect (" (reason) "): " }, None => "Odd: " }
                (shown(&note.message))
            }
        }
        @if !step.refills.is_empty() {
            ul { @for refill in &step.refills {
                li { (credits(refill.credits)) " credits came in: " (refill.kind) ", " (frame.instant(refill.at)) }
            } }
        }
        @if !step.entries.is_empty() {
            ul { @for entry in step.entries.iter().take(ENTRIES_MAX) { li {
                (credits(entry.credits)) " credits for " (shown(&entry.resource)) ", volume " (entry.volume) " "
                a href=(charge_address(user, &entry.id)) { "Why" span .unseen { " these " (entry.credits) " credits" } }
            } } }
            @if step.entries.len() > ENTRIES_MAX { p { "and " (step.entries.len() - ENTRIES_MAX) " more" } }
        }
        (wide("Before and after", &states(step)))
    }
}

type Tell = fn(&TracedState) -> Markup;

/// What is told of a state.
const ROWS: &[(&str, Tell)] = &[
    ("Balance", |state| credits(state.balance)),
    ("Accrued", |state| credits(state.accrued)),
    ("Role", |state| or_none(state.role.as_deref())),
    ("Agreement", |state| or_none(state.agreement.as_deref())),
    ("Active", |state| html! { @if state.active { "yes" } @else { "no" } }),
    ("Runs", instances),
    ("Volumes", totals),
];

/// The states before and after, beside each other; what differs is marked.
fn states(step: &Step) -> Markup {
    html! {
        table .compare {
            thead { tr { th { span .unseen { "What" } } th scope="col" { "Before" } th scope="col" { "After" } } }
            tbody { @for (name, tell) in ROWS {
                @let (before, after) = (tell(&step.before), tell(&step.after));
                @let differs = before.0 != after.0;
                tr .changed[differs] {
                    th scope="row" { (name) @if differs { span .unseen { " (changed)" } } }
                    td { (before) }
                    td { (after) }
                }
            } }
        }
    }
}

fn instances(state: &TracedState) -> Markup {
    html! {
        @if state.instances.is_empty() { span .nothing { "nothing" } }
        @else {
            ul .plain {
                @for instance in state.instances.iter().take(INSTANCES_MAX) { li {
                    (shown(&instance.resource))
                    @if let Some(name) = &instance.instance { " " (shown(name)) }
                    ": " (instance.amount.as_deref().unwrap_or("on"))
                } }
                @if state.instances.len() > INSTANCES_MAX { li { "and " (state.instances.len() - INSTANCES_MAX) " more" } }
            }
        }
    }
}

fn totals(state: &TracedState) -> Markup {
    html! {
        @if state.totals.is_empty() { span .nothing { "none" } }
        @else { ul .plain { @for (resource, volume) in &state.totals { li { (shown(resource)) ": " (volume) } } } }
    }
}
