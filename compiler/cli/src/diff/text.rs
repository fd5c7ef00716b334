//! Differences for the terminal.

use std::io::{Result, Write};

use aquarium_ir::Credits;

use super::Report;
use super::effect::{Effect, Pair};
use crate::output::wrap;
use aquarium_ir::difference::rows::Row;

/// So many users are shown, those with the greatest change.
pub const USERS_MAX: usize = 20;

/// Writes the differences for a terminal of that width.
pub fn write(out: &mut impl Write, report: &Report, width: usize) -> Result<()> {
    if report.sections.is_empty() {
        writeln!(out, "no difference in meaning")?;
    }
    for section in &report.sections {
        lines(out, &section.title, width, 2)?;
        for row in &section.rows {
            write_row(out, row, width)?;
        }
    }
    match &report.effect {
        Some(effect) => write_effect(out, effect, report),
        None => Ok(()),
    }
}

fn write_row(out: &mut impl Write, row: &Row, width: usize) -> Result<()> {
    let colon = if row.when.is_empty() { String::new() } else { format!(": {}", row.when) };
    lines(out, &format!("  {}{colon}", row.what), width, 4)?;
    for (sign, words, source) in [('-', &row.old, &row.old_source), ('+', &row.new, &row.new_source)] {
        if words.is_empty() {
            continue;
        }
        let source = source.as_ref().map(|source| format!("  ({source})")).unwrap_or_default();
        lines(out, &format!("    {sign} {words}{source}"), width, 8)?;
    }
    Ok(())
}

fn write_effect(out: &mut impl Write, effect: &Effect, report: &Report) -> Result<()> {
    let changed = effect.changed();
    let users = if effect.users.len() == 1 { "user" } else { "users" };
    writeln!(
        out,
        "charged up to {}: {} of {} {users} change",
        report.new.zone.format(effect.at),
        changed.len(),
        effect.users.len()
    )?;
    let width = changed.iter().map(|(id, _)| id.chars().count()).chain(["user".len(), "total".len()]).max();
    let width = width.unwrap_or(0).min(40);
    writeln!(
        out,
        "  {:width$}  {:>16}  {:>16}  {:>16}  {:>16}",
        "user", "charged", "now", "change", "balance"
    )?;
    for (id, pair) in changed.iter().take(USERS_MAX) {
        write_user(out, id, pair, width)?;
    }
    if changed.len() > USERS_MAX {
        writeln!(out, "  and {} more", changed.len() - USERS_MAX)?;
    }
    write_user(out, "total", &effect.total, width)?;
    let (old, new) = effect.without_effect;
    if (old, new) != (0, 0) {
        writeln!(out, "messages without effect: {old} before, {new} now")?;
    }
    Ok(())
}

fn write_user(out: &mut impl Write, id: &str, pair: &Pair, width: usize) -> Result<()> {
    let figures = [
        pair.old.charged.to_string(),
        pair.new.charged.to_string(),
        signed(pair.charged()),
        signed(pair.balance()),
    ];
    let [old, new, change, balance] = figures;
    writeln!(out, "  {id:width$}  {old:>16}  {new:>16}  {change:>16}  {balance:>16}")
}

/// Credits with their sign, `+` included.
pub fn signed(credits: Credits) -> String {
    if credits.is_negative() || credits.is_zero() { credits.to_string() } else { format!("+{credits}") }
}

fn lines(out: &mut impl Write, text: &str, width: usize, indent: usize) -> Result<()> {
    wrap(text, width, indent).iter().try_for_each(|line| writeln!(out, "{line}"))
}
