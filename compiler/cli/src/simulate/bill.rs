//! A month's bill as text.

use std::io::{Result, Write};

use aquarium_charging::bills::{Bill, BillLine};
use aquarium_ir::time::Zone;

/// Writes opening balance, lines, credits, adjustments and closing balance.
pub fn write(out: &mut impl Write, bill: &Bill, zone: &Zone) -> Result<()> {
    let open = if bill.open { ", still open" } else { "" };
    writeln!(out, "\nbill of {} for {}{open}", bill.user, bill.month)?;
    writeln!(out, "  {:>20}  opening balance", bill.opening.to_string())?;
    for refill in &bill.refills {
        writeln!(out, "  {:>20}  refill at {}", refill.credits.to_string(), zone.format(refill.at))?;
    }
    for grant in &bill.grants {
        writeln!(out, "  {:>20}  grant at {}", grant.credits.to_string(), zone.format(grant.at))?;
    }
    for line in &bill.lines {
        writeln!(out, "  {:>20}  {}", (-line.credits).to_string(), describe(line))?;
    }
    for adjustment in &bill.adjustments {
        let about = adjustment.line.as_ref().map_or("refills and grants".to_owned(), describe);
        writeln!(
            out,
            "  {:>20}  adjustment of {}: {about}",
            adjustment.credits.to_string(),
            adjustment.month
        )?;
    }
    writeln!(out, "  {:>20}  closing balance", bill.closing.to_string())
}

fn describe(line: &BillLine) -> String {
    let instance = line.instance.as_deref().map(|instance| format!(" `{instance}`")).unwrap_or_default();
    let price = line.price.as_ref().map(|price| format!(" at {price}")).unwrap_or_default();
    let tiers = if line.tiers.is_some() { " by tiers" } else { "" };
    let agreement =
        line.agreement.as_deref().map(|agreement| format!(", agreement {agreement}")).unwrap_or_default();
    let open = if line.open { ", accrued" } else { "" };
    format!("{}{instance}: {}{price}{tiers}{agreement}{open}", line.resource, line.volume)
}
