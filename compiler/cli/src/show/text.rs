//! The answer for people: a head line a resource, the chains with their places, the week.

use std::io::{Result, Write};

use aquarium_compiler::chain::Chain;
use aquarium_compiler::terms::Terms;
use aquarium_ir::Millis;
use aquarium_ir::time::civil::{HOUR, MINUTE};

use super::answer::{Answer, Shown};
use super::grid::{Grid, letters};
use crate::output::wrap;

/// How far links and grids are indented.
const INDENT: usize = 2;

/// Writes the answer for a terminal of that width.
pub fn write(out: &mut impl Write, answer: &Answer<'_>, bounds: bool, width: usize) -> Result<()> {
    let zone = &answer.policy.zone;
    let head =
        format!("agreement {} at {} ({})", answer.agreement.name.value, zone.format(answer.at), zone.name());
    lines(out, &wrap(&head, width, INDENT))?;
    for shown in &answer.resources {
        writeln!(out)?;
        let (price, expression) = answer.words(shown.terms, shown.resource);
        let head = match (&price, &expression) {
            (Some(price), Some(expression)) => {
                format!("{}: {price}, charged {expression}", shown.resource.name)
            }
            (None, _) => format!("{}: uncovered, it has no price", shown.resource.name),
            (_, None) => format!("{}: uncovered, it has no expression", shown.resource.name),
        };
        lines(out, &wrap(&head, width, INDENT))?;
        chain(out, answer, "price", &shown.price, width)?;
        chain(out, answer, "expression", &shown.expression, width)?;
        week(out, answer, shown, width)?;
        if bounds {
            writeln!(out, "  proven of the charge")?;
            for row in shown.bounds(answer.policy) {
                writeln!(out, "  {row}")?;
            }
        }
    }
    Ok(())
}

/// The links of a chain, each with its place: beside it where there is room, else below.
fn chain(out: &mut impl Write, answer: &Answer<'_>, what: &str, chain: &Chain, width: usize) -> Result<()> {
    let until = match chain.until {
        Millis::MAX => String::new(),
        until => format!(", the same until {}", answer.policy.zone.format(until)),
    };
    lines(out, &wrap(&format!("  {what}{until}"), width, 2 * INDENT))?;
    let links: Vec<(String, String)> = chain
        .links
        .iter()
        .map(|link| {
            let words = link.words(&answer.analysis.items, &answer.policy.zone, answer.at);
            (words, answer.place(link.span))
        })
        .collect();
    let column = links.iter().map(|(words, _)| words.chars().count()).max().unwrap_or(0);
    for (words, place) in links {
        let gap = column.saturating_sub(words.chars().count());
        let beside = format!("    {words}{}  {place}", " ".repeat(gap));
        if beside.chars().count() <= width {
            writeln!(out, "{beside}")?;
        } else {
            lines(out, &wrap(&format!("    {words}"), width, 3 * INDENT))?;
            writeln!(out, "      {place}")?;
        }
    }
    Ok(())
}

/// The week as a grid with its legend; a line where nothing changes in it, unless the resource was asked for.
fn week(out: &mut impl Write, answer: &Answer<'_>, shown: &Shown<'_>, width: usize) -> Result<()> {
    let values = shown.week.distinct();
    let Some(monday) = shown.week.days.first() else { return Ok(()) };
    if values.len() == 1 && !answer.named {
        return lines(out, &wrap(&format!("  the same all week of {}", monday.date), width, 2 * INDENT));
    }
    lines(
        out,
        &wrap(
            &format!("  week of {}, hours in {}", monday.date, answer.policy.zone.name()),
            width,
            2 * INDENT,
        ),
    )?;
    let is_covered = |terms: &Terms| terms.price.is_some() && terms.expression.is_some();
    let grid = Grid {
        week: &shown.week,
        letters: letters(&values, is_covered),
        at: answer.at,
        zone: &answer.policy.zone,
    };
    // The grid stands at the margin: with an indentation it would not fit 80 columns.
    for line in grid.lines(width) {
        lines(out, &wrap(&line, width, INDENT))?;
    }
    for value in values {
        let text =
            format!("  {} = {}, {}", grid.letter(value), legend(answer, shown, *value), hours(shown, *value));
        lines(out, &wrap(&text, width, 3 * INDENT))?;
    }
    Ok(())
}

/// What a letter stands for; the expression is named only where it changes in the week.
fn legend(answer: &Answer<'_>, shown: &Shown<'_>, terms: Terms) -> String {
    let (price, expression) = answer.words(terms, shown.resource);
    let one_expression =
        shown.week.stretches.iter().all(|stretch| stretch.value.expression == terms.expression);
    match (price, expression) {
        (Some(price), Some(_)) if one_expression => price,
        (Some(price), Some(expression)) => format!("{price}, charged {expression}"),
        _ => "uncovered".to_owned(),
    }
}

/// How long some terms hold in the week.
fn hours(shown: &Shown<'_>, terms: Terms) -> String {
    let stretches = shown.week.stretches.iter().filter(|stretch| stretch.value == terms);
    let millis: i64 = stretches.map(|stretch| stretch.to.0.saturating_sub(stretch.from.0)).sum();
    match millis % HOUR / MINUTE {
        0 => format!("{} h", millis / HOUR),
        minutes => format!("{} h {minutes} min", millis / HOUR),
    }
}

fn lines(out: &mut impl Write, lines: &[String]) -> Result<()> {
    lines.iter().try_for_each(|line| writeln!(out, "{line}"))
}
