//! A week of prices as a grid: a row for each hour that the clock shows, a column for each day.

use aquarium_ir::time::week::{Day, Hour, Stretch, Week};
use maud::{Markup, html};

use super::Frame;
use super::words::shown;
use crate::views::policies::Asked;

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
/// Shades that tell prices apart at a glance; further ones begin again.
const SHADES: usize = 6;

/// The grid, and what gives each price.
pub fn grid(frame: &Frame, week: &Week<Option<Asked>>) -> Markup {
    let distinct = week.distinct();
    let shade =
        |value: &Option<Asked>| distinct.iter().position(|it| *it == value).unwrap_or_default() % SHADES;
    html! {
        table .week {
            thead { tr {
                th scope="col" { "Hour" }
                @for (name, day) in DAYS.iter().zip(&week.days) { th scope="col" { (name) br; span .hint { (day.date) } } }
            } }
            tbody { @for number in 0..24_usize { tr {
                th scope="row" { (format!("{number:02}:00")) }
                @for day in &week.days { (cell(frame, week, day, number, &shade)) }
            } } }
        }
        ul .legend { @for value in &distinct { li {
            span class=(format!("swatch shade{}", shade(value))) aria-hidden="true" {}
            @match value {
                Some(asked) => { strong { (asked.price) } " by " (shown(&asked.item)) ", line " code { (shown(&asked.source)) } },
                None => "nothing covers this time",
            }
        } } }
    }
}

fn cell(
    frame: &Frame,
    week: &Week<Option<Asked>>,
    day: &Day,
    number: usize,
    shade: &impl Fn(&Option<Asked>) -> usize,
) -> Markup {
    let hour: Option<Hour> = day.hours.get(number).copied();
    let within: &[Stretch<Option<Asked>>] = hour.map(|hour| week.within(hour)).unwrap_or_default();
    let class = within.first().map(|first| format!("shade{}", shade(&first.value))).unwrap_or_default();
    html! {
        td class=(class) {
            @if within.is_empty() { span .nothing { "skipped" } }
            @for (place, stretch) in within.iter().enumerate() {
                @if place > 0 { br; span .hint { "from " (minute(frame, stretch)) } " " }
                @match &stretch.value { Some(asked) => (asked.price), None => span .nothing { "none" } }
            }
        }
    }
}

/// The time of day at which something begins.
fn minute(frame: &Frame, stretch: &Stretch<Option<Asked>>) -> String {
    let local = frame.zone.local(stretch.from).to_string();
    local.split_once('T').map_or(local.clone(), |(_, time)| time.to_owned())
}
