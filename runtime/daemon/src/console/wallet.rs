//! A user's entries, filtered, page by page.

use aquarium_charging::view::EntryView;
use aquarium_ir::Credits;
use maud::{Markup, html};

use super::parts::{About, charge_address, field, or_none, pager, user_head, wide};
use super::words::{address, credits, duration, shown};
use super::{Frame, Section};

/// What is asked for, as it was written; empty: all.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Of this resource.
    pub resource: String,
    /// Of this instance.
    pub instance: String,
    /// Under this agreement.
    pub agreement: String,
    /// In this month, as `2011-12`.
    pub month: String,
    /// After so many.
    pub after: String,
}

/// A page of entries.
pub struct Page {
    /// The user.
    pub user: String,
    /// What was asked for.
    pub asked: Asked,
    /// The entries.
    pub entries: Vec<EntryView>,
    /// How many are meant, on whatever page, and what they come to.
    pub sum: (usize, Credits),
    /// How many come before the next page.
    pub next: Option<usize>,
}

impl Page {
    fn address(&self, after: &str) -> String {
        let Asked { resource, instance, agreement, month, .. } = &self.asked;
        let query = [
            ("id", self.user.as_str()),
            ("resource", resource),
            ("instance", instance),
            ("agreement", agreement),
            ("month", month),
            ("after", after),
        ];
        address("/console/user/wallet", &query)
    }
}

/// The page.
pub fn page(frame: &Frame, page: &Page) -> Markup {
    let first = (!page.asked.after.is_empty()).then(|| page.address(""));
    let next = page.next.map(|next| page.address(&next.to_string()));
    let (count, sum) = page.sum;
    let content = html! {
        (user_head(&page.user, Some(About::Wallet)))
        form .controls method="get" action="/console/user/wallet" {
            input type="hidden" name="id" value=(page.user);
            (field("Resource", "resource", &page.asked.resource))
            (field("Instance", "instance", &page.asked.instance))
            (field("Agreement", "agreement", &page.asked.agreement))
            (field("Month (2011-12)", "month", &page.asked.month))
            button type="submit" { "Filter" }
            a .button href=(address("/console/user/wallet", &[("id", &page.user)])) { "All entries" }
        }
        p { (count) " entries, " (credits(sum)) " credits together." }
        @if page.entries.is_empty() {
            p { "There is no such entry." }
        } @else {
            (wide("Entries", &entries(frame, &page.user, &page.entries)))
        }
        (pager(first.as_deref(), next.as_deref()))
    };
    frame.page(Section::Users, &format!("Wallet of {}", page.user), &content)
}

/// Entries as a table, each with the way to its reason.
pub fn entries(frame: &Frame, user: &str, entries: &[EntryView]) -> Markup {
    html! {
        table {
            thead { tr {
                th scope="col" { "Begins" } th scope="col" { "Lasts" } th scope="col" { "Resource" }
                th scope="col" { "Instance" } th scope="col" .number { "Volume" } th scope="col" { "Price" }
                th scope="col" { "Agreement" } th scope="col" .number { "Credits" } th scope="col" { span .unseen { "Reason" } }
            } }
            tbody { @for entry in entries { tr {
                td { (frame.instant(entry.from)) }
                td { (duration(entry.duration_millis)) }
                td { (shown(&entry.resource)) }
                td { (or_none(entry.instance.as_deref())) }
                td .number { (entry.volume) }
                td { (price(entry)) }
                td { (or_none(entry.agreement.as_deref())) }
                td .number { (credits(entry.credits)) }
                td { a href=(charge_address(user, &entry.id)) { "Why" span .unseen { " this charge of " (entry.credits) " credits" } } }
            } } }
        }
    }
}

/// The price of an entry, in words.
pub fn price(entry: &EntryView) -> Markup {
    html! {
        @if let Some(price) = &entry.price {
            (price)
        } @else if entry.tiers.is_some() {
            "tiers"
        } @else {
            span .nothing { "uncovered" }
        }
    }
}
