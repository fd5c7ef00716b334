//! Policies: what was deployed, when each version holds, and an agreement's week.

use aquarium_ir::Millis;
use aquarium_ir::policy::Policy;
use aquarium_ir::time::week::Week;
use maud::{Markup, html};

use super::chart::{self, Extent};
use super::parts::{field, or_none, wide};
use super::words::{address, local, plain, shown};
use super::{Frame, Section, week};
use crate::deployment::Listed;
use crate::views::policies::{Asked, Held};

/// Height of a version's row in the picture.
const ROW_HEIGHT: i64 = 26;
/// Versions that the picture has, at most: the last ones.
const ROWS_MAX: usize = 12;

/// Everything that was deployed.
pub struct Deployed {
    /// The oldest first.
    pub listed: Vec<Listed>,
    /// When each holds.
    pub held: Vec<Held>,
    /// From when to when that is told.
    pub span: (Millis, Millis),
    /// A week of one of them.
    pub week: Option<ChosenWeek>,
}

/// An agreement's week.
pub struct ChosenWeek {
    /// The deployment, by its id.
    pub deployment: String,
    /// Its policy.
    pub policy: std::sync::Arc<Policy>,
    /// The agreement.
    pub agreement: String,
    /// The resource.
    pub resource: String,
    /// The instant of the week, as it was asked for.
    pub at: String,
    /// What is asked; `None`: there is no such agreement or resource.
    pub week: Option<Week<Option<Asked>>>,
}

/// The page of all.
pub fn page(frame: &Frame, deployed: &Deployed) -> Markup {
    let content = html! {
        h1 { "Policies" }
        @if deployed.listed.is_empty() {
            p { "No policy was deployed yet: events are stored, and wait." }
        } @else {
            section aria-labelledby="force" {
                h2 #force { "In force" }
                (picture(frame, deployed))
                (wide("Deployments", &table(frame, deployed)))
            }
            @if let Some(chosen) = &deployed.week { (chosen_week(frame, deployed, chosen)) }
        }
    };
    frame.page(Section::Policies, "Policies", &content)
}

/// How people call a deployment.
pub fn name(listed: &Listed) -> &str {
    let named = listed.deployment.name.as_deref().or(listed.title.as_deref());
    named.unwrap_or(&listed.deployment.id)
}

fn picture(frame: &Frame, deployed: &Deployed) -> Markup {
    let (from, to) = deployed.span;
    let first = deployed.listed.len().saturating_sub(ROWS_MAX);
    let rows: Vec<(usize, &Listed)> = deployed.listed.iter().enumerate().skip(first).collect();
    let extent = Extent { from, to, left: 180, right: chart::WIDTH - 8 };
    let height = ROW_HEIGHT.saturating_mul(i64::try_from(rows.len()).unwrap_or(0));
    let held = |place: usize| deployed.held.iter().filter(move |held| held.deployment == Some(place));
    html! {
        svg .slots viewBox=(format!("0 0 {} {}", chart::WIDTH, height + 30)) role="img"
            aria-label="When each version is in force; the table below has when each was asked to hold." {
            @for ((place, listed), row) in rows.iter().zip(0_i64..) {
                @let top = row * ROW_HEIGHT;
                text .label x="172" y=(top + 17) text-anchor="end" { (plain(name(listed)).chars().take(22).collect::<String>()) }
                line .grid x1="180" x2=(chart::WIDTH - 8) y1=(top + ROW_HEIGHT) y2=(top + ROW_HEIGHT) {}
                @for held in held(*place) {
                    @let (left, right) = (extent.x(held.from), extent.x(held.to));
                    rect .slot .this[listed.in_force] x=(left) y=(top + 4) width=((right - left).max(2)) height=(ROW_HEIGHT - 8) {
                        title { (plain(name(listed))) ": " (local(&frame.zone, held.from)) " to " (local(&frame.zone, held.to)) }
                    }
                }
            }
            line .now x1=(extent.x(frame.now)) x2=(extent.x(frame.now)) y1="0" y2=(height) { title { "now" } }
            text .label x="180" y=(height + 20) { (local(&frame.zone, from)) }
            text .label x=(chart::WIDTH - 8) y=(height + 20) text-anchor="end" { (local(&frame.zone, to)) }
        }
    }
}

fn table(frame: &Frame, deployed: &Deployed) -> Markup {
    html! {
        table {
            thead { tr {
                th scope="col" { "Deployment" } th scope="col" { "Name" } th scope="col" { "From" } th scope="col" { "To" }
                th scope="col" { "Deployed" } th scope="col" { "By" } th scope="col" { "Module" } th scope="col" { "Changes" }
            } }
            tbody { @for listed in deployed.listed.iter().rev() {
                @let deployment = &listed.deployment;
                tr {
                    th scope="row" {
                        a href=(address("/console/policies", &[("deployment", &deployment.id)])) { (shown(&deployment.id)) }
                        @if listed.in_force { " " span .good { "in force" } }
                    }
                    td { (shown(name(listed))) }
                    td { (bound(frame, deployment.span.from)) }
                    td { (bound(frame, deployment.span.to)) }
                    td { (frame.instant(deployment.span.received)) }
                    td { (or_none(deployment.author.as_deref())) }
                    td { code { (deployment.module.get(..12).unwrap_or(&deployment.module)) } }
                    td { a href=(address("/console/policies/changes", &[("deployment", &deployment.id)])) {
                        "What it changed" span .unseen { " (" (plain(&deployment.id)) ")" }
                    } }
                }
            } }
        }
    }
}

/// A bound of a span: the first millisecond of time and its end are none.
pub fn bound(frame: &Frame, at: Millis) -> Markup {
    html! {
        @if at <= Millis(1) { "always" } @else if at >= Millis::LIMIT { "without end" } @else { (frame.instant(at)) }
    }
}

fn chosen_week(frame: &Frame, deployed: &Deployed, chosen: &ChosenWeek) -> Markup {
    html! {
        section aria-labelledby="week" {
            h2 #week { "An agreement’s week" }
            form .controls method="get" action="/console/policies" {
                (choice("Deployment", "deployment", &chosen.deployment, deployed.listed.iter().map(|it| it.deployment.id.as_str())))
                (choice("Agreement", "agreement", &chosen.agreement, chosen.policy.agreements.iter().map(|it| it.name.as_str())))
                (choice("Resource", "resource", &chosen.resource, chosen.policy.resources.iter().map(|it| it.name.as_str())))
                (field("Week of", "at", &chosen.at))
                button type="submit" { "Show" }
            }
            @match &chosen.week {
                Some(prices) => {
                    p { "Prices of " (shown(&chosen.resource)) " under " (shown(&chosen.agreement)) ", hour by hour on the clock of " (chosen.policy.zone.name()) "." }
                    (wide("Prices of the week", &week::grid(frame, prices)))
                }
                None => p .fault role="status" { "This policy has no such agreement or resource." },
            }
        }
    }
}

fn choice<'a>(label: &str, name: &str, chosen: &str, options: impl Iterator<Item = &'a str>) -> Markup {
    html! {
        label { span { (label) } select name=(name) {
            @for option in options { option value=(option) selected[option == chosen] { (plain(option)) } }
        } }
    }
}
