//! Differences as Markdown, for a merge request: a table a subject, the users with the greatest change.

use std::io::{Result, Write};

use super::Report;
use super::effect::{Effect, Pair};
use super::text::{USERS_MAX, signed};
use aquarium_ir::difference::rows::Section;

/// Writes headings and tables.
pub fn write(out: &mut impl Write, report: &Report) -> Result<()> {
    writeln!(out, "## Policy changes\n")?;
    if report.sections.is_empty() {
        writeln!(out, "No difference in meaning.")?;
    }
    for section in &report.sections {
        write_section(out, section)?;
    }
    report.effect.as_ref().map_or(Ok(()), |effect| write_effect(out, effect, report))
}

fn write_section(out: &mut impl Write, section: &Section) -> Result<()> {
    writeln!(out, "### {}\n", cell(&section.title))?;
    writeln!(out, "| what | when | before | after |\n|---|---|---|---|")?;
    for row in &section.rows {
        let side = |words: &str, source: &Option<String>| {
            let source = source.as_ref().map(|source| format!("<br><sub>{}</sub>", cell(source)));
            format!("{}{}", cell(words), source.unwrap_or_default())
        };
        let when = if row.when.is_empty() { "always" } else { &row.when };
        let (old, new) = (side(&row.old, &row.old_source), side(&row.new, &row.new_source));
        writeln!(out, "| {} | {} | {old} | {new} |", cell(&row.what), cell(when))?;
    }
    writeln!(out)
}

fn write_effect(out: &mut impl Write, effect: &Effect, report: &Report) -> Result<()> {
    let changed = effect.changed();
    writeln!(out, "### Effect on recorded events\n")?;
    writeln!(
        out,
        "Charged up to {}: {} of {} users change, {} credits in total.\n",
        report.new.zone.format(effect.at),
        changed.len(),
        effect.users.len(),
        signed(effect.total.charged())
    )?;
    writeln!(
        out,
        "| user | charged before | charged after | change | change of balance |\n|---|--:|--:|--:|--:|"
    )?;
    for (id, pair) in changed.iter().take(USERS_MAX) {
        write_user(out, &cell(id), pair)?;
    }
    write_user(out, "**total**", &effect.total)?;
    if changed.len() > USERS_MAX {
        writeln!(out, "\nAnd {} more users.", changed.len() - USERS_MAX)?;
    }
    Ok(())
}

fn write_user(out: &mut impl Write, id: &str, pair: &Pair) -> Result<()> {
    let (change, balance) = (signed(pair.charged()), signed(pair.balance()));
    writeln!(out, "| {id} | {} | {} | {change} | {balance} |", pair.old.charged, pair.new.charged)
}

/// A text that keeps its table whole and is not read as markup.
fn cell(text: &str) -> String {
    let mut cell = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' | '\r' => cell.push(' '),
            '&' => cell.push_str("&amp;"),
            '<' => cell.push_str("&lt;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '|' | '#' | '~' | '!' => {
                cell.push('\\');
                cell.push(letter);
            }
            _ => cell.push(letter),
        }
    }
    cell
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_keeps_its_table_whole() {
        assert_eq!(
            cell("{price} times {volume} || 1\n<b>"),
            "\\{price\\} times \\{volume\\} \\|\\| 1 &lt;b>"
        );
    }
}
