//! Why an entry is what it is, as a person would want to read it.

use std::io::{Result, Write};

use aquarium_charging::explain::{Derivation, Step};
use aquarium_charging::view::{CauseView, EntryView};
use aquarium_ir::time::Zone;

/// Writes what happened, when, under which terms, and the arithmetic step by step.
pub fn write(out: &mut impl Write, derivation: &Derivation, zone: &Zone) -> Result<()> {
    let entry = &derivation.entry;
    writeln!(out, "\nentry {}: {} credits", entry.id, entry.credits)?;
    what(out, entry, zone)?;
    terms(out, derivation)?;
    let width = derivation.steps.iter().map(|step| step_text(step).chars().count()).max().unwrap_or(0);
    for step in &derivation.steps {
        write_step(out, step, width)?;
    }
    match &derivation.value {
        Some(value) => {
            writeln!(
                out,
                "  comes to    {value}, rounded half to even to {} places: {}",
                derivation.precision, entry.credits
            )
        }
        None => writeln!(
            out,
            "  comes to    0: {}",
            entry.reason.as_deref().unwrap_or("no price or no expression covers it")
        ),
    }
}

/// Who used what, when, and which event posted it.
fn what(out: &mut impl Write, entry: &EntryView, zone: &Zone) -> Result<()> {
    let instance = entry.instance.as_deref().map(|instance| format!(" `{instance}`")).unwrap_or_default();
    writeln!(out, "  user        {}, {}{instance}", entry.user, entry.resource)?;
    writeln!(out, "  from        {} ({})", zone.format(entry.from), entry.from)?;
    writeln!(out, "  to          {} ({})", zone.format(entry.to), entry.to)?;
    if let Some(amount) = &entry.amount {
        writeln!(out, "  amount      {amount}")?;
    }
    writeln!(out, "  volume      {}", entry.volume)?;
    if let Some(total) = &entry.total_before {
        writeln!(out, "  total       {total} in this month before")?;
    }
    match &entry.cause {
        CauseView::Event { client, id } => writeln!(out, "  posted by   event {id} of {client}"),
        CauseView::MonthEnd { instant } => {
            writeln!(out, "  posted by   the end of the month, {}", zone.format(*instant))
        }
    }
}

/// Agreement, price and expression, and where they are written.
fn terms(out: &mut impl Write, derivation: &Derivation) -> Result<()> {
    let entry = &derivation.entry;
    let chain: Vec<&str> = entry.agreement.iter().chain(&derivation.ancestors).map(String::as_str).collect();
    writeln!(
        out,
        "  agreement   {}",
        if chain.is_empty() { "none".to_owned() } else { chain.join(", extends ") }
    )?;
    if let Some(price) = &entry.price {
        writeln!(out, "  price       {price}{}", given(entry.item.as_deref(), entry.source.as_deref()))?;
    }
    for tier in entry.tiers.iter().flatten() {
        let upto = tier.upto.as_ref().map_or("beyond".to_owned(), |upto| format!("up to {upto}"));
        writeln!(
            out,
            "  price       {} {upto}{}",
            tier.price,
            given(entry.item.as_deref(), entry.source.as_deref())
        )?;
    }
    if let Some(expression) = &derivation.expression {
        let by = given(entry.algorithm.as_deref(), entry.algorithm_source.as_deref());
        writeln!(out, "  expression  {}{by}", expression.trim())?;
    }
    Ok(())
}

fn given(item: Option<&str>, source: Option<&str>) -> String {
    match (item, source) {
        (Some(item), Some(source)) => format!("  ({item}, {source})"),
        (Some(item), None) => format!("  ({item})"),
        _ => String::new(),
    }
}

fn write_step(out: &mut impl Write, step: &Step, width: usize) -> Result<()> {
    let unit = if step.unit.is_empty() { String::new() } else { format!(" {}", step.unit) };
    writeln!(out, "  step        {:width$}  is {}{unit}", step_text(step), step.value)
}

/// The part of the expression that a step is about, in one line; its place where the text is not known.
fn step_text(step: &Step) -> String {
    match &step.text {
        Some(text) => text.split_whitespace().collect::<Vec<_>>().join(" "),
        None => {
            let (start, end) = step.bytes;
            format!("({}, bytes {start} to {end})", step.source.as_deref().unwrap_or("-"))
        }
    }
}
