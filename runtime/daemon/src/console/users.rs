//! The first page: looking for a user.

use aquarium_ir::{Credits, Millis};
use maud::{Markup, html};

use super::words::{address, credits, plain, shown};
use super::{Frame, Section, parts};

/// What was looked for, and who was found.
pub struct Found {
    /// What was received up to this instant is charged.
    pub known: Millis,
    /// A part of the ids.
    pub query: String,
    /// The user after whom the page begins.
    pub after: Option<String>,
    /// Ids and balances; `None`: none can be told now.
    pub users: Vec<(String, Option<Credits>)>,
    /// The user after whom the next page begins.
    pub next: Option<String>,
}

/// The page.
pub fn page(frame: &Frame, found: &Found) -> Markup {
    let content = html! {
        h1 { "Users" }
        form .search method="get" action="/console" role="search" data-live-search="results" {
            label for="query" { "Part of the user’s id" }
            input #query type="search" name="query" value=(found.query) autocomplete="off" spellcheck="false"
                autocapitalize="none" aria-describedby="hint";
            button type="submit" { "Search" }
            p #hint .hint { "Letter case counts. " kbd { "/" } " goes to this field." }
        }
        section #results aria-live="polite" aria-label="Users found" { (results(frame, found)) }
    };
    let title =
        if found.query.is_empty() { "Users".to_owned() } else { format!("Users: {}", plain(&found.query)) };
    frame.page(Section::Users, &title, &content)
}

fn results(frame: &Frame, found: &Found) -> Markup {
    let page = |after: &str| address("/console", &[("query", &found.query), ("after", after)]);
    let first = found.after.as_ref().map(|_| page(""));
    let next = found.next.as_deref().map(page);
    html! {
        @if found.users.is_empty() {
            p { "No user’s id has this in it." }
        } @else {
            (parts::as_of(frame, found.known))
            table {
                thead { tr { th scope="col" { "User" } th scope="col" .number { "Balance now" } } }
                tbody {
                    @for (user, balance) in &found.users {
                        tr {
                            th scope="row" { a href=(parts::user_address(user)) { (shown(user)) } }
                            td .number {
                                @match balance {
                                    Some(balance) => (credits(*balance)),
                                    None => span .nothing { "not known now" },
                                }
                            }
                        }
                    }
                }
            }
        }
        (parts::pager(first.as_deref(), next.as_deref()))
    }
}
