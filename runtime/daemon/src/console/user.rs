//! How a user stands: figures at a glance, the month, what runs, and what the user was called before.

use aquarium_ir::Credits;
use maud::{Markup, html};

use super::parts::{About, fact, or_none, user_head, wide};
use super::words::{address, credits, duration, shown};
use super::{Frame, Section, month};
use crate::views::month::MonthView;
use crate::views::names::Named;
use crate::views::state::UserState;

/// All about how a user stands.
pub struct Standing {
    /// The figures, as REST has them.
    pub state: UserState,
    /// What each instance costs in the next hour.
    pub costs: Vec<Credits>,
    /// The month.
    pub month: MonthView,
    /// Roles and agreements, the last ones.
    pub names: Vec<Named>,
    /// What was asked for, as it was written.
    pub asked: Asked,
}

/// The instants that were asked for; empty where they were not.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// At this one.
    pub at: String,
    /// As known then.
    pub known: String,
}

/// The page.
pub fn page(frame: &Frame, standing: &Standing) -> Markup {
    let user = &standing.state.user_id;
    let content = html! {
        (user_head(user, Some(About::State)))
        (glance(frame, standing))
        (month::section(frame, standing))
        (instances(frame, standing))
        (totals(&standing.state))
        (names(frame, &standing.names))
    };
    frame.page_with_charts(Section::Users, &format!("User {user}"), &content)
}

fn glance(frame: &Frame, standing: &Standing) -> Markup {
    let state = &standing.state;
    html! {
        section aria-labelledby="glance" {
            h2 #glance { "At a glance" }
            p {
                @if state.projected { strong .mark { "Projection" } " " }
                @if state.rerating { strong .mark { "Charging again" } " " }
                "At " (frame.instant(state.at))
                @if !standing.asked.known.is_empty() { ", as it was known at " (frame.instant(state.known)) }
            }
            dl .facts {
                (fact("Balance", &html! { strong .large { (credits(state.balance)) } }))
                (fact("Threshold", &credits(state.threshold)))
                (fact("State", &html! {
                    @if state.below_threshold { span .bad { "out of credits" } } @else { span .good { "has credits" } }
                }))
                (fact("Lasts until", &lasts(frame, state)))
                (fact("Cost per hour", &credits(state.burn_rate_per_hour)))
                (fact("Posted", &credits(state.posted)))
                (fact("Accrued", &credits(state.accrued)))
                (fact("Charged in all", &credits(state.charged)))
                (fact("Refilled in all", &credits(state.refilled)))
                (fact("Role", &or_none(state.role.as_deref())))
                (fact("Agreement", &or_none(state.agreement.as_deref())))
                (fact("Active", &html! { @if state.active { "yes" } @else { "no" } }))
            }
        }
    }
}

fn lasts(frame: &Frame, state: &UserState) -> Markup {
    html! {
        @match state.exhausted_at {
            Some(at) => {
                (frame.instant(at)) " "
                span .hint { "in " (duration(at.0.saturating_sub(state.at.0))) }
            }
            None if state.below_threshold => span .bad { "not any more" },
            None => span { "for 62 days or more" },
        }
    }
}

fn instances(frame: &Frame, standing: &Standing) -> Markup {
    let user = &standing.state.user_id;
    let table = html! {
        table {
            thead { tr {
                th scope="col" { "Resource" } th scope="col" { "Instance" } th scope="col" .number { "Amount" }
                th scope="col" .number { "Next hour" } th scope="col" { "Since" }
            } }
            tbody {
                @for (instance, cost) in standing.state.instances.iter().zip(&standing.costs) {
                    @let name = instance.instance.as_deref().unwrap_or_default();
                    tr {
                        th scope="row" {
                            a href=(address("/console/user/wallet", &[("id", user), ("resource", &instance.resource), ("instance", name)])) {
                                (shown(&instance.resource))
                            }
                        }
                        td { (or_none(instance.instance.as_deref())) }
                        td .number { (instance.amount.as_deref().unwrap_or("on")) }
                        td .number { (credits(*cost)) }
                        td { (frame.instant(instance.since)) }
                    }
                }
            }
        }
    };
    html! {
        section aria-labelledby="instances" {
            h2 #instances { "What runs" }
            @if standing.state.instances.is_empty() {
                p { "Nothing is on, and no amount is held." }
            } @else {
                p .hint { "Since when: not before the month began. The next hour: what it costs if nothing changes." }
                (wide("What runs", &table))
            }
        }
    }
}

fn totals(state: &UserState) -> Markup {
    html! {
        @if !state.totals.is_empty() {
            section aria-labelledby="totals" {
                h2 #totals { "The month’s volumes" }
                (wide("The month’s volumes", &html! {
                    table {
                        thead { tr { th scope="col" { "Resource" } th scope="col" .number { "Volume" } } }
                        tbody {
                            @for (resource, volume) in &state.totals {
                                tr { th scope="row" { (shown(resource)) } td .number { (volume) } }
                            }
                        }
                    }
                }))
            }
        }
    }
}

fn names(frame: &Frame, names: &[Named]) -> Markup {
    let table = html! {
        table {
            thead { tr {
                th scope="col" { "From" } th scope="col" { "Role" } th scope="col" { "Assigned" }
                th scope="col" { "Agreement" } th scope="col" { "Active" }
            } }
            tbody {
                @for named in names.iter().rev() {
                    tr {
                        th scope="row" { (frame.instant(named.from)) }
                        td { (or_none(named.role.as_deref())) }
                        td { (or_none(named.assigned.as_deref())) }
                        td { (or_none(named.agreement.as_deref())) }
                        td { @if named.active { "yes" } @else { "no" } }
                    }
                }
            }
        }
    };
    html! {
        section aria-labelledby="names" {
            h2 #names { "Role and agreement" }
            @if names.is_empty() {
                p { "No event about this user’s role yet: the agreement is that of a role that no policy names." }
            } @else {
                (wide("Role and agreement", &table))
            }
        }
    }
}

/// Where this page is at other instants.
pub fn at(user: &str, at: &str, known: &str) -> String {
    address("/console/user", &[("id", user), ("at", at), ("known", known)])
}
