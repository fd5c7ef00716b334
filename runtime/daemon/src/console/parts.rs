//! Pieces that several pages share.

use aquarium_ir::Millis;
use maud::{Markup, html};

use super::Frame;
use super::words::{self, address};

/// Nobody looks at figures that are younger as at old ones.
const BEHIND_MILLIS: i64 = 1_000;

/// Pages about one user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// How the user stands.
    State,
    /// The entries.
    Wallet,
    /// A bill.
    Bill,
    /// Event by event.
    Trace,
}

impl About {
    const ALL: [(Self, &'static str, &'static str); 4] = [
        (Self::State, "Balance", "/console/user"),
        (Self::Wallet, "Wallet", "/console/user/wallet"),
        (Self::Bill, "Bill", "/console/user/bill"),
        (Self::Trace, "Trace", "/console/user/trace"),
    ];
}

/// The head of a page about a user.
pub fn user_head(user: &str, about: Option<About>) -> Markup {
    html! {
        h1 { "User " (words::shown(user)) }
        nav .tabs aria-label="About this user" {
            @for (one, name, path) in About::ALL {
                a href=(address(path, &[("id", user)])) aria-current=[(Some(one) == about).then_some("page")] {
                    (name)
                }
            }
        }
    }
}

/// Where a user's page is.
pub fn user_address(user: &str) -> String {
    address("/console/user", &[("id", user)])
}

/// Why an entry is what it is.
pub fn charge_address(user: &str, entry: &str) -> String {
    address("/console/user/charge", &[("id", user), ("entry", entry)])
}

/// A table that may be wider than the page: it can be moved by keys, too.
pub fn wide(label: &str, table: &Markup) -> Markup {
    html! { div .wide role="group" aria-label=(label) tabindex="0" { (table) } }
}

/// The way to the first page and to the next one.
pub fn pager(first: Option<&str>, next: Option<&str>) -> Markup {
    html! {
        @if first.is_some() || next.is_some() {
            nav .pager aria-label="Pages" {
                @if let Some(first) = first { a href=(first) { "First page" } }
                @if let Some(next) = next { a href=(next) rel="next" { "Next page" } }
            }
        }
    }
}

/// A text field of a form, with its label.
pub fn field(label: &str, name: &str, value: &str) -> Markup {
    html! { label { span { (label) } input type="text" name=(name) value=(value) autocomplete="off" spellcheck="false"; } }
}

/// Up to when a list tells what was received, where that is not now.
pub fn as_of(frame: &Frame, known: Millis) -> Markup {
    html! {
        @if known.0.saturating_add(BEHIND_MILLIS) < frame.now.0 {
            p .mark role="status" { "More comes in than is charged at once: this is what was received up to " (frame.instant(known)) "." }
        }
    }
}

/// A term and what it is, for lists of facts.
pub fn fact(term: &str, value: &Markup) -> Markup {
    html! { div { dt { (term) } dd { (value) } } }
}

/// A name, or that there is none.
pub fn or_none(text: Option<&str>) -> Markup {
    html! {
        @match text {
            Some(text) => (words::shown(text)),
            None => span .nothing { "none" },
        }
    }
}
