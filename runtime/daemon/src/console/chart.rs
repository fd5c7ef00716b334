//! Pictures of what happens in time, drawn in whole numbers: they are read without a script. Where there is one
//! it draws the balance anew, to be pointed at.

use aquarium_ir::{Credits, Millis};
use ethnum::I256;
use maud::{Markup, html};

/// Width and height of a drawing, in its own units.
pub const WIDTH: i64 = 960;
const HEIGHT: i64 = 280;
/// Room for labels.
const LEFT: i64 = 96;
const BOTTOM: i64 = 28;
const TOP: i64 = 12;
const RIGHT: i64 = 12;

/// A span of time that is drawn from left to right.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// The first instant.
    pub from: Millis,
    /// The instant after the last.
    pub to: Millis,
    /// Where the first is drawn.
    pub left: i64,
    /// Where the last is drawn.
    pub right: i64,
}

impl Extent {
    /// The whole width of a chart, without the labels beside it.
    pub fn of_chart(from: Millis, to: Millis) -> Self {
        Self { from, to, left: LEFT, right: WIDTH - RIGHT }
    }

    /// Where an instant is drawn; what lies outside is drawn at the border.
    pub fn x(&self, at: Millis) -> i64 {
        let length = (i128::from(self.to.0) - i128::from(self.from.0)).max(1);
        let part = (i128::from(at.0) - i128::from(self.from.0)).clamp(0, length);
        let room = i128::from(self.right - self.left);
        self.left.saturating_add(i64::try_from(part * room / length).unwrap_or(0))
    }
}

/// Amounts that are drawn from the bottom to the top.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    low: Credits,
    high: Credits,
}

impl Range {
    /// All of these, and 0.
    pub fn of(amounts: impl Iterator<Item = Credits>) -> Self {
        let (mut low, mut high) = (Credits::ZERO, Credits::ZERO);
        for amount in amounts {
            (low, high) = (low.min(amount), high.max(amount));
        }
        Self { low, high }
    }

    /// Where an amount is drawn.
    pub fn y(&self, amount: Credits) -> i64 {
        let room = I256::from(HEIGHT - TOP - BOTTOM);
        let length = (self.high - self.low).0.max(I256::ONE);
        let part = (amount - self.low).0.clamp(I256::ZERO, length);
        // Amounts are far from the limits of 256 bits.
        let above = part.saturating_mul(room).checked_div(length).unwrap_or_default();
        HEIGHT - BOTTOM - i64::try_from(above).unwrap_or(0)
    }

    /// Amounts to which lines are drawn: the ends, zero, and the middle.
    fn marks(&self) -> Vec<Credits> {
        let middle = Credits(self.low.0.saturating_add(self.high.0) / 2);
        let mut marks = vec![self.low, middle, Credits::ZERO, self.high];
        marks.sort_unstable();
        marks.dedup();
        let mut apart: Vec<Credits> = Vec::new();
        for mark in marks {
            let near = |other: &Credits| self.y(*other).abs_diff(self.y(mark)) < 16;
            // Zero stays, whatever is beside it.
            if mark.is_zero() {
                apart.retain(|other| !near(other));
            }
            if !apart.iter().any(near) {
                apart.push(mark);
            }
        }
        apart
    }
}

/// A line of amounts.
pub struct Line<'a> {
    /// Its class.
    pub class: &'a str,
    /// Its points, in order of time.
    pub points: Vec<(Millis, Credits)>,
}

/// A mark at an instant.
pub struct Mark<'a> {
    /// Its class.
    pub class: &'a str,
    /// Where it stands.
    pub at: Millis,
    /// What it says.
    pub title: String,
}

/// A chart: lines of amounts over time, marks, and labels below.
pub fn chart(
    label: &str,
    extent: Extent,
    range: Range,
    lines: &[Line<'_>],
    marks: &[Mark<'_>],
    labels: &[(Millis, String)],
) -> Markup {
    html! {
        svg .chart viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(label) {
            @for amount in range.marks() {
                @let y = range.y(amount);
                line .grid x1=(LEFT) x2=(WIDTH - RIGHT) y1=(y) y2=(y) {}
                text .label x=(LEFT - 8) y=(y + 4) text-anchor="end" { (short(amount)) }
            }
            @for (at, text) in labels {
                @let x = extent.x(*at);
                line .grid x1=(x) x2=(x) y1=(TOP) y2=(HEIGHT - BOTTOM) {}
                text .label x=(x) y=(HEIGHT - 8) text-anchor="middle" { (text) }
            }
            @for mark in marks {
                @let x = extent.x(mark.at);
                line class=(mark.class) x1=(x) x2=(x) y1=(TOP) y2=(HEIGHT - BOTTOM) { title { (mark.title) } }
            }
            @for line in lines {
                polyline class=(line.class) points=(points(extent, range, &line.points)) {}
            }
        }
    }
}

fn points(extent: Extent, range: Range, points: &[(Millis, Credits)]) -> String {
    let point = |(at, amount): &(Millis, Credits)| format!("{},{}", extent.x(*at), range.y(*amount));
    points.iter().map(point).collect::<Vec<_>>().join(" ")
}

/// Rows of tables beside a chart, at most.
pub const ROWS_MAX: usize = 200;

/// An amount as a bar, among others.
pub fn bar(range: Range, amount: Credits) -> Markup {
    let (zero, end) = (range.y(Credits::ZERO), range.y(amount));
    // Heights serve as lengths: both have the same number of steps.
    let (left, length) = (HEIGHT - BOTTOM - zero.max(end), zero.abs_diff(end));
    html! {
        svg .bar viewBox=(format!("0 0 {} 16", HEIGHT - BOTTOM - TOP)) preserveAspectRatio="none" aria-hidden="true" {
            rect x=(left) y="2" width=(length) height="12" {}
        }
    }
}

/// An amount without the digits that a label has no room for.
fn short(amount: Credits) -> String {
    const DIGITS: usize = 10;
    let text = amount.to_string();
    match text.split_once('.') {
        Some((whole, _)) if text.len() > DIGITS && whole.len() + 2 > DIGITS => whole.to_owned(),
        Some(_) => text.chars().take(DIGITS).collect(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(text: &str) -> Credits {
        text.parse().unwrap()
    }

    #[test]
    fn everything_is_drawn_within_its_borders() {
        let range = Range::of([amount("-5"), amount("1e20")].into_iter());
        for drawn in ["-6", "-5", "0", "1", "1e20", "1e30"] {
            assert!((TOP..=HEIGHT - BOTTOM).contains(&range.y(amount(drawn))), "{drawn}");
        }
        let extent = Extent::of_chart(Millis(0), Millis(10));
        for at in [Millis::MIN, Millis(0), Millis(5), Millis(10), Millis::MAX] {
            assert!((LEFT..=WIDTH - RIGHT).contains(&extent.x(at)), "{at}");
        }
        let nothing = Range::of(std::iter::empty());
        assert_eq!(nothing.y(Credits::ZERO), HEIGHT - BOTTOM);
        assert_eq!(Extent::of_chart(Millis(1), Millis(1)).x(Millis(1)), LEFT);
    }

    #[test]
    fn labels_are_short_and_true() {
        for (text, label) in [
            ("100", "100"),
            ("-0.0004", "-0.0004"),
            ("1234567890.5", "1234567890"),
            ("2.123456789012", "2.12345678"),
        ] {
            assert_eq!(short(amount(text)), label, "{text}");
        }
    }
}
