//! Why one charge is what it is: its event, its slot among its neighbours, and the arithmetic step by step.

use aquarium_charging::explain::Derivation;
use aquarium_charging::view::{CauseView, EntryView};
use maud::{Markup, html};

use super::chart::{self, Extent};
use super::parts::{charge_address, fact, or_none, user_head, wide};
use super::wallet::{self, price};
use super::words::{address, block, credits, duration, plain, shown};
use super::{Frame, Section};
use crate::views::charge::Charge;

/// Height of the line of slots.
const LINE_HEIGHT: i64 = 84;
/// A slot is drawn at least so wide.
const SLOT_WIDTH_MIN: i64 = 6;
/// A price is written into slots that are at least so wide.
const PRICE_WIDTH_MIN: i64 = 64;

/// Lines of the policy that are shown before and after the one that is meant.
const LINES_AROUND: usize = 3;
/// So much is shown of a line.
const LINE_CHARACTERS_MAX: usize = 400;

/// A charge, and the event that posted it as it came.
pub struct Why {
    /// The user.
    pub user: String,
    /// The charge.
    pub charge: Charge,
    /// The event; `None`: it was the end of a month.
    pub event: Option<String>,
    /// What stands in the policy around price and expression.
    pub excerpts: Vec<Excerpt>,
}

/// A line of the policy, among those around it.
pub struct Excerpt {
    /// File and line, as entries name them.
    pub place: String,
    /// The number of the first line that is shown.
    pub first: usize,
    /// The number of the line that is meant.
    pub line: usize,
    /// The lines.
    pub lines: Vec<String>,
}

impl Excerpt {
    /// The lines around a place, of the file's text.
    pub fn of(place: &str, text: &str) -> Option<Self> {
        let line: usize = place.rsplit_once(':')?.1.parse().ok()?;
        let first = line.saturating_sub(LINES_AROUND).max(1);
        let before = line.checked_sub(first)?;
        let lines: Vec<String> = text
            .lines()
            .skip(first - 1)
            .take(before + 1 + LINES_AROUND)
            .map(|line| line.chars().take(LINE_CHARACTERS_MAX).collect())
            .collect();
        (before < lines.len()).then(|| Self { place: place.to_owned(), first, line, lines })
    }
}

/// The page.
pub fn page(frame: &Frame, why: &Why) -> Markup {
    let Why { user, charge: Charge { derivation, neighbours }, event, excerpts } = why;
    let entry = &derivation.entry;
    let content = html! {
        (user_head(user, None))
        h2 { "Why " (credits(entry.credits)) " credits for " (shown(&entry.resource)) "?" }
        (facts(frame, entry))
        section aria-labelledby="line" {
            h3 #line { "The slot and its neighbours" }
            (line(entry, neighbours))
            (wide("Neighbours", &wallet::entries(frame, user, neighbours)))
        }
        (policy(derivation, excerpts))
        (arithmetic(derivation))
        (cause(frame, user, entry, event.as_deref()))
    };
    frame.page(Section::Users, &format!("Charge {}", entry.id), &content)
}

fn facts(frame: &Frame, entry: &EntryView) -> Markup {
    html! {
        dl .facts {
            (fact("Credits", &html! { strong .large { (credits(entry.credits)) } }))
            (fact("Resource", &shown(&entry.resource)))
            (fact("Instance", &or_none(entry.instance.as_deref())))
            (fact("From", &frame.instant(entry.from)))
            (fact("To", &frame.instant(entry.to)))
            (fact("Lasts", &html! { (duration(entry.duration_millis)) " (" (entry.duration_millis) " ms)" }))
            @if let Some(amount) = &entry.amount { (fact("Amount", &html! { (amount) })) }
            (fact("Volume", &html! { (entry.volume) }))
            (fact("Price", &price(entry)))
            @if let Some(total) = &entry.total_before { (fact("Month’s total before", &html! { (total) })) }
            @if entry.uncovered { (fact("Uncovered", &html! { span .bad { "no price or no expression held" } })) }
            @if let Some(reason) = &entry.reason { (fact("Reason of 0", &shown(reason))) }
            (fact("Entry", &html! { code { (entry.id) } }))
        }
        @if let Some(tiers) = &entry.tiers {
            ul { @for tier in tiers { li {
                (tier.price) @match &tier.upto { Some(upto) => { " up to " (upto) }, None => " beyond" }
            } } }
        }
    }
}

/// The slots around one, as they lie in time.
fn line(entry: &EntryView, neighbours: &[EntryView]) -> Markup {
    let ends = neighbours.first().zip(neighbours.iter().map(|it| it.to).max());
    let Some((first, last)) = ends else { return html! {} };
    let extent = Extent { from: first.from, to: last, left: 8, right: chart::WIDTH - 8 };
    let slots = neighbours.iter().map(|slot| {
        let (left, right) = (extent.x(slot.from), extent.x(slot.to));
        let width = (right - left).max(SLOT_WIDTH_MIN);
        (slot, left.min(chart::WIDTH - 8 - width), width)
    });
    html! {
        svg .slots viewBox=(format!("0 0 {} {LINE_HEIGHT}", chart::WIDTH)) role="img"
            aria-label="The slots in time; the table below has the same." {
            line .grid x1="8" x2=(chart::WIDTH - 8) y1=(LINE_HEIGHT - 24) y2=(LINE_HEIGHT - 24) {}
            @for (slot, left, width) in slots {
                g {
                    title { (plain(&slot.resource)) ": " (slot.credits) " credits" }
                    rect .slot .this[slot.id == entry.id] .none[slot.uncovered] x=(left) y="20" width=(width) height="40" {}
                    @if width >= PRICE_WIDTH_MIN {
                        text .label x=(left + width / 2) y="44" text-anchor="middle" {
                            @match &slot.price { Some(price) => (price), None => "tiers" }
                        }
                    }
                    @if slot.id == entry.id {
                        text .label x=(left + width / 2) y="14" text-anchor="middle" { "this charge" }
                    }
                }
            }
        }
    }
}

/// What of the policy gave it.
fn policy(derivation: &Derivation, excerpts: &[Excerpt]) -> Markup {
    let entry = &derivation.entry;
    html! {
        section aria-labelledby="policy" {
            h3 #policy { "The policy that held" }
            dl .facts {
                (fact("Policy", &or_none(entry.policy.as_deref())))
                (fact("Agreement", &or_none(entry.agreement.as_deref())))
                (fact("It extends", &html! {
                    @if derivation.ancestors.is_empty() { span .nothing { "none" } }
                    @else { ol .chain { @for name in &derivation.ancestors { li { (shown(name)) } } } }
                }))
                (fact("Price from", &given(entry.item.as_deref(), entry.source.as_deref())))
                (fact("Expression from", &given(entry.algorithm.as_deref(), entry.algorithm_source.as_deref())))
                (fact("Module", &html! { @match &entry.module {
                    Some(module) => a href=(address("/console/policies", &[("module", module)])) { code { (module.get(..12).unwrap_or(module)) } },
                    None => span .nothing { "none" },
                } }))
            }
            @if let Some(expression) = &derivation.expression { pre .source { code { (block(expression)) } } }
            @for excerpt in excerpts { (self::excerpt(excerpt)) }
        }
    }
}

fn excerpt(excerpt: &Excerpt) -> Markup {
    html! {
        figure {
            figcaption { code { (shown(&excerpt.place)) } }
            pre .source .numbered { code {
                @for (number, line) in (excerpt.first..).zip(&excerpt.lines) {
                    span .line .meant[number == excerpt.line] {
                        span .number { (number) } " " @if !line.is_empty() { (shown(line)) }
                    }
                    "\n"
                }
            } }
        }
    }
}

fn given(item: Option<&str>, source: Option<&str>) -> Markup {
    html! {
        (or_none(item))
        @if let Some(source) = source { ", line " code { (shown(source)) } }
    }
}

fn arithmetic(derivation: &Derivation) -> Markup {
    let table = html! {
        table {
            thead { tr {
                th scope="col" { "Step" } th scope="col" { "Of the expression" } th scope="col" .number { "Value, exact" }
                th scope="col" { "Unit" } th scope="col" { "Line" }
            } }
            tbody { @for (number, step) in (1..).zip(&derivation.steps) { tr {
                th scope="row" { (number) }
                td { @match &step.text { Some(text) => code { (shown(text)) }, None => span .nothing { "bytes " (step.bytes.0) "–" (step.bytes.1) } } }
                td .number { (step.value) }
                td { (step.unit) }
                td { (or_none(step.source.as_deref())) }
            } } }
        }
    };
    html! {
        section aria-labelledby="steps" {
            h3 #steps { "The arithmetic" }
            @if derivation.steps.is_empty() {
                p { "Nothing was worked out: nothing covered this usage." }
            } @else {
                (wide("The arithmetic", &table))
                p {
                    "The exact value " @if let Some(value) = &derivation.value { strong { (value) } }
                    " is rounded once, to " (derivation.precision) " places, a tie to the even digit: "
                    strong { (credits(derivation.entry.credits)) } "."
                }
            }
        }
    }
}

fn cause(frame: &Frame, user: &str, entry: &EntryView, event: Option<&str>) -> Markup {
    html! {
        section aria-labelledby="cause" {
            h3 #cause { "What posted it" }
            @match &entry.cause {
                CauseView::MonthEnd { instant } => p { "The end of the month, " (frame.instant(*instant)) "." },
                CauseView::Event { client, id } => {
                    dl .facts { (fact("Sender", &shown(client))) (fact("Event", &shown(id))) }
                    @match event {
                        Some(event) => { p { "As it came:" } pre .source { code { (block(event)) } } },
                        None => p { "The log has no such event." },
                    }
                }
            }
            p {
                a href=(address("/console/user/trace", &[("id", user), ("from", &entry.to.to_string())])) { "Trace from here" } " "
                a href=(charge_address(user, &entry.id)) { "Link to this page" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpts_are_the_lines_around_a_place_as_far_as_there_are_any() {
        let text = "a\nb\nc\nd\ne\nf\ng\nh\n";
        let shown = |place: &str| Excerpt::of(place, text).map(|it| (it.first, it.lines.concat()));
        assert_eq!(shown("policy:1"), Some((1, "abcd".to_owned())));
        assert_eq!(shown("dir:ectory/policy:5"), Some((2, "bcdefgh".to_owned())));
        assert_eq!(shown("policy:8"), Some((5, "efgh".to_owned())));
        for nowhere in ["policy:0", "policy:9", "policy:18446744073709551615", "policy:x", "policy", ""] {
            assert_eq!(shown(nowhere), None, "{nowhere}");
        }
    }
}
