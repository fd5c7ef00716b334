//! What has no effect: how much for which reason, the list, and one piece of it with its bytes.

use aquarium_charging::Reason;
use aquarium_ir::Millis;
use maud::{Markup, html};

use super::parts::{as_of, fact, or_none, pager, user_address, wide};
use super::words::{address, block, shown};
use super::{Frame, Section};
use crate::views::quarantine::Quarantined;

/// Bytes of one that are shown, at most.
const BYTES_MAX: usize = 16 << 10;
/// Bytes in a line of a dump.
const DUMP_LINE: usize = 16;
/// Bytes that are dumped, at most.
const DUMP_MAX: usize = 2 << 10;

/// A page of the list.
pub struct Page {
    /// What was received up to this instant was looked at, and charged.
    pub known: Millis,
    /// Whether users are being charged again because of a deployment.
    pub rerating: bool,
    /// How much there is, by reason.
    pub counts: Vec<(Reason, u64)>,
    /// Only for this reason; empty: for any.
    pub reason: String,
    /// What came before.
    pub after: String,
    /// What is listed.
    pub listed: Vec<Quarantined>,
    /// Where the list goes on.
    pub next: Option<String>,
}

/// The page of the list.
pub fn page(frame: &Frame, page: &Page) -> Markup {
    let at =
        |reason: &str, after: &str| address("/console/quarantine", &[("reason", reason), ("after", after)]);
    let first = (!page.after.is_empty()).then(|| at(&page.reason, ""));
    let next = page.next.as_deref().map(|next| at(&page.reason, next));
    let content = html! {
        h1 { "Quarantine" }
        p .hint { "Nothing that arrives is dropped: what has no effect is here, with its reason." }
        (as_of(frame, page.known))
        @if page.rerating { p .mark role="status" { "Users are being charged again after a deployment: what is listed of some is by the policy before." } }
        section aria-labelledby="counts" {
            h2 #counts { "How much, and why" }
            (wide("Counts by reason", &counts(page)))
        }
        section aria-labelledby="list" {
            h2 #list { "The list" @if !page.reason.is_empty() { ": " (shown(&page.reason)) } }
            @if !page.reason.is_empty() { p { a href="/console/quarantine" { "All reasons" } } }
            @if page.listed.is_empty() { p { "Nothing is listed." } } @else { (wide("The list", &list(frame, &page.listed))) }
            (pager(first.as_deref(), next.as_deref()))
        }
    };
    frame.page(Section::Quarantine, "Quarantine", &content)
}

fn counts(page: &Page) -> Markup {
    html! {
        table {
            thead { tr { th scope="col" { "Reason" } th scope="col" { "Found" } th scope="col" .number { "Listed" } } }
            tbody { @for (reason, count) in &page.counts { tr {
                th scope="row" { a href=(address("/console/quarantine", &[("reason", reason.as_str())])) { (reason) } }
                td { @if reason.stage() == "ingest" { "on arrival" } @else { "by the policy in force" } }
                td .number { (count) }
            } } }
        }
    }
}

fn list(frame: &Frame, listed: &[Quarantined]) -> Markup {
    html! {
        table {
            thead { tr {
                th scope="col" { "Place" } th scope="col" { "Received" } th scope="col" { "Reason" }
                th scope="col" { "Why" } th scope="col" { "User" } th scope="col" { "Sender" }
            } }
            tbody { @for one in listed { tr {
                th scope="row" { a href=(address("/console/quarantine/one", &[("position", &one.position.to_string())])) { (one.position) } }
                td { (frame.instant(Millis(one.received_millis))) }
                td { (one.reason) }
                td { (shown(&one.message)) }
                td { @match &one.user { Some(user) => a href=(user_address(user)) { (shown(user)) }, None => (or_none(None)) } }
                td { (or_none(one.client.as_deref())) }
            } } }
        }
    }
}

/// One of the list, with its bytes.
pub struct One {
    /// What is said of it.
    pub listed: Quarantined,
    /// As it came.
    pub bytes: Vec<u8>,
}

/// The page of one.
pub fn one(frame: &Frame, one: &One) -> Markup {
    let One { listed, bytes } = one;
    let text = String::from_utf8_lossy(bytes.get(..BYTES_MAX).unwrap_or(bytes));
    let content = html! {
        h1 { "Quarantined: " (listed.reason) }
        p .fault role="status" { (shown(&listed.message)) }
        dl .facts {
            (fact("Place in the log", &html! { (listed.position) }))
            (fact("Received", &frame.instant(Millis(listed.received_millis))))
            (fact("Found", &html! { @if listed.stage == "ingest" { "on arrival" } @else { "by the policy in force" } }))
            (fact("User", &html! { @match &listed.user { Some(user) => a href=(user_address(user)) { (shown(user)) }, None => (or_none(None)) } }))
            (fact("Sender", &or_none(listed.client.as_deref())))
            (fact("Bytes", &html! { (bytes.len()) }))
        }
        h2 { "As it came" }
        pre .source { code { (block(&text)) } }
        @if bytes.len() > BYTES_MAX { p .hint { "The first " (BYTES_MAX) " bytes." } }
        details {
            summary { "Its bytes" }
            pre .source { code { (dump(bytes)) } }
            @if bytes.len() > DUMP_MAX { p .hint { "The first " (DUMP_MAX) " bytes." } }
        }
        p { a href="/console/quarantine" { "The whole list" } }
    };
    frame.page(Section::Quarantine, &format!("Quarantined: {}", listed.reason), &content)
}

/// Bytes in hexadecimal digits, with what can be read of them beside.
fn dump(bytes: &[u8]) -> String {
    let line = |(number, line): (usize, &[u8])| {
        let digits: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        let read = |byte: &u8| if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '.' };
        let text: String = line.iter().map(read).collect();
        format!("{:08x}  {:<47}  {text}\n", number * DUMP_LINE, digits.join(" "))
    };
    bytes.get(..DUMP_MAX).unwrap_or(bytes).chunks(DUMP_LINE).enumerate().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_dumped_in_lines() {
        let text = dump(b"{\"id\": \"\xff\x00 more than a line\"}");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(
            lines[0],
            "00000000  7b 22 69 64 22 3a 20 22 ff 00 20 6d 6f 72 65 20  {\"id\": \".. more "
        );
        assert_eq!(dump(&[0; 10 * DUMP_MAX]).lines().count(), DUMP_MAX / DUMP_LINE);
    }
}
