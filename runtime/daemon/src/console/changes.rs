//! What a deployment changed: prices, expressions and plans before and since, when, and the weeks in which to look at it.

use aquarium_ir::Millis;
use aquarium_ir::difference::rows::{Row, Section as Subject};
use aquarium_ir::time::Interval;
use maud::{Markup, html};

use super::parts::{fact, wide};
use super::policies::{bound, name};
use super::words::{address, day, shown};
use super::{Frame, Section};
use crate::deployment::Listed;
use crate::views::policies::{Changes, stretches};

/// Stretches of a change that are told by their weeks, at most.
const WEEKS: usize = 3;
/// Characters of what a subject is called, at most: agreements that change alike are named together.
const TITLE_MAX: usize = 300;

/// What a deployment changed of the one that held before.
pub struct Changed {
    /// The deployment.
    pub listed: Listed,
    /// The one before; `None`: there was none.
    pub before: Option<Listed>,
    /// What is otherwise; `None`: there was nothing to change.
    pub changes: Option<Changes>,
    /// From when on it is compared.
    pub at: Millis,
}

/// The page of one deployment's changes.
pub fn page(frame: &Frame, changed: &Changed) -> Markup {
    let deployment = &changed.listed.deployment;
    let content = html! {
        h1 { "What " (shown(&deployment.id)) " changed" }
        dl .facts {
            (fact("Name", &shown(name(&changed.listed))))
            (fact("Holds from", &bound(frame, deployment.span.from)))
            (fact("Holds to", &bound(frame, deployment.span.to)))
            (fact("Deployed", &frame.instant(deployment.span.received)))
            (fact("Module", &html! { code { (deployment.module) } }))
        }
        @match changed.before.as_ref().zip(changed.changes.as_ref()) {
            None => p { "There was no policy before: there was nothing to change." },
            Some((before, changes)) => (told(frame, changed, before, changes)),
        }
        p { a href="/console/policies" { "All policies" } }
    };
    frame.page(Section::Policies, &format!("What {} changed", deployment.id), &content)
}

fn told(frame: &Frame, changed: &Changed, before: &Listed, changes: &Changes) -> Markup {
    html! {
        p {
            "Compared with " a href=(policy_address(before)) { (shown(&before.deployment.id)) } " ("
            (shown(name(before))) "), which held before " (frame.instant(changed.at)) "."
        }
        @if changes.sections.is_empty() {
            p { "They mean the same: nobody is charged otherwise." }
        }
        @for (number, subject) in changes.sections.iter().enumerate() {
            @let id = format!("subject-{number}");
            section aria-labelledby=(id) {
                h2 id=(id) { (shown(&cut(&subject.title))) }
                (wide(&cut(&subject.title), &table(frame, changed, before, subject)))
            }
        }
        @if changes.more > 0 { p .mark { (changes.more) " more changes are not told here; " code { "aquariumc diff" } " tells all." } }
        @if changes.any_elsewhere {
            p .hint { "The policies differ also in times in which this deployment does not hold; that charges nobody otherwise." }
        }
    }
}

fn cut(title: &str) -> String {
    let mut cut: String = title.chars().take(TITLE_MAX).collect();
    if cut.len() < title.len() {
        cut.push('…');
    }
    cut
}

fn policy_address(listed: &Listed) -> String {
    address("/console/policies", &[("deployment", &listed.deployment.id)])
}

fn table(frame: &Frame, changed: &Changed, before: &Listed, subject: &Subject) -> Markup {
    let agreement = subject.agreements.first().map(String::as_str);
    html! {
        table {
            thead { tr {
                th scope="col" { "What" } th scope="col" { "When" } th scope="col" { "Before" } th scope="col" { "Since" }
                @if agreement.is_some() { th scope="col" { "Look at the week" } }
            } }
            tbody { @for row in &subject.rows { tr {
                th scope="row" { (shown(&row.what)) }
                td { @if row.when.is_empty() { "always" } @else { (row.when) } }
                td { (side(&row.old, row.old_source.as_deref())) }
                td { (side(&row.new, row.new_source.as_deref())) }
                @if let Some(agreement) = agreement { td { (weeks(frame, changed, before, agreement, row)) } }
            } } }
        }
    }
}

/// What held, and where it is written.
fn side(words: &str, source: Option<&str>) -> Markup {
    html! {
        @if words.is_empty() { span .nothing { "none" } } @else { (shown(words)) }
        @if let Some(source) = source { br; span .hint { (shown(source)) } }
    }
}

/// Weeks in which a price or an expression is another, by both policies.
fn weeks(frame: &Frame, changed: &Changed, before: &Listed, agreement: &str, row: &Row) -> Markup {
    let Some(resource) = &row.resource else { return html! {} };
    let week = |listed: &Listed, at: Millis| {
        let at = at.to_string();
        let query = [
            ("deployment", &*listed.deployment.id),
            ("agreement", agreement),
            ("resource", resource),
            ("at", &at),
        ];
        address("/console/policies", &query)
    };
    html! {
        ul .plain { @for at in looked_at(changed, row) {
            li {
                (day(&frame.zone, at)) ": "
                a href=(week(before, at)) { "before" span .unseen { " " (day(&frame.zone, at)) } } ", "
                a href=(week(&changed.listed, at)) { "since" span .unseen { " " (day(&frame.zone, at)) } }
            }
        } }
    }
}

/// Where stretches of a change begin. One in which the deployment begins is looked at there, one before it that has no
/// beginning where it ends.
fn looked_at(changed: &Changed, row: &Row) -> Vec<Millis> {
    let held = stretches(row, changed.listed.deployment.span, changed.at, WEEKS);
    let begins = |stretch: Interval| {
        if stretch.start < changed.at && stretch.end > changed.at {
            return changed.at;
        }
        if stretch.start <= Millis(1) { Millis(stretch.end.0.saturating_sub(1)) } else { stretch.start }
    };
    let mut instants: Vec<Millis> = held.into_iter().map(begins).collect();
    instants.dedup();
    instants
}
