//! The parts of the daemon: whether each works, and how far it is behind. A script keeps the figures live.

use maud::{Markup, html};
use serde::Serialize;

use super::parts::wide;
use super::words::shown;
use super::{Frame, Section};
use crate::component::{ComponentState, Report};

/// What is live.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// The daemon's time.
    pub now: i64,
    /// The daemon as a whole.
    pub whole: Vec<Figure>,
    /// Its parts.
    pub components: Vec<Report>,
}

/// A figure of the whole daemon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Figure {
    /// Under which it is found again.
    pub name: &'static str,
    /// For people.
    pub label: &'static str,
    /// How much.
    pub value: String,
}

/// The page.
pub fn page(frame: &Frame, figures: &Figures) -> Markup {
    let content = html! {
        h1 { "Components" }
        p #live .hint role="status" data-live="/console/components/live" { "As of the time at which this page was made." }
        section aria-labelledby="whole" {
            h2 #whole { "The daemon" }
            dl .facts { @for figure in &figures.whole {
                div { dt { (figure.label) } dd data-figure=(figure.name) { (figure.value) } }
            } }
        }
        section aria-labelledby="parts" {
            h2 #parts { "Its parts" }
            (wide("Its parts", &table(&figures.components)))
        }
    };
    frame.page(Section::Components, "Components", &content)
}

fn table(components: &[Report]) -> Markup {
    let number = |value: Option<u64>| value.map_or_else(|| "–".to_owned(), |value| value.to_string());
    html! {
        table #components {
            thead { tr {
                th scope="col" { "Component" } th scope="col" { "State" } th scope="col" .number { "Restarts" }
                th scope="col" .number { "Lag" } th scope="col" .number { "Mailbox" } th scope="col" { "Last failure" }
            } }
            tbody { @for report in components { tr data-component=(report.name) {
                th scope="row" { (shown(&report.name)) }
                td data-cell="state" class=(class(report.state)) { (word(report.state)) }
                td .number data-cell="restarts" { (report.restarts) }
                td .number data-cell="lag" { (number(report.lag)) }
                td .number data-cell="mailboxDepth" { (number(report.mailbox_depth)) }
                td data-cell="lastFailure" { @if let Some(failure) = &report.last_failure { (shown(failure)) } }
            } } }
        }
    }
}

fn word(state: ComponentState) -> &'static str {
    match state {
        ComponentState::Running => "running",
        ComponentState::Restarting => "restarting",
        ComponentState::Ended => "ended",
    }
}

fn class(state: ComponentState) -> &'static str {
    match state {
        ComponentState::Running => "good",
        ComponentState::Restarting | ComponentState::Ended => "bad",
    }
}
