//! What the servers are given to read: a policy of ten thousand lines, and a workspace of two thousand files.
//!
//! Both are YAML to the letter, so that a YAML server reads the same bytes without an error.

use std::fmt::Write;
use std::path::Path;

/// Lines of the long policy, less what a tenant takes.
const LINES: usize = 10_000;
/// Resources of the long policy.
const RESOURCES: usize = 20;
/// Files of the workspace, a policy in a directory of its own each.
pub const FILES: usize = 2_000;

/// A place where one keystroke makes a mistake that both servers see: the line, and the column to type at.
pub struct Place {
    /// The line, from 0.
    pub line: u32,
    /// The column, from 0.
    pub column: u32,
    /// Whether a name of the policy stands there: completion has something to propose.
    pub is_value: bool,
}

/// A policy of many tenants: price lists for day and night, a credit plan and an agreement each.
pub fn long_policy() -> String {
    let mut text = head();
    let tenant_lines = tenant(0).sections.iter().map(|section| section.lines().count()).sum::<usize>();
    let tenants = (LINES - text.lines().count()) / tenant_lines;
    let tenants: Vec<Tenant> = (0..tenants).map(tenant).collect();
    for (number, title) in ["pricelists", "creditplans", "agreements", "roles"].iter().enumerate() {
        _ = writeln!(text, "  {title}:");
        text.extend(tenants.iter().filter_map(|tenant| tenant.sections.get(number)).map(String::as_str));
    }
    text.push_str("    \"*\": agreement0\n");
    text
}

fn head() -> String {
    let mut text = "aquariumpolicy:\n  name: many\n  timezone: Europe/Athens\n  resources:\n".to_owned();
    for number in 0..RESOURCES {
        let (unit, cost_policy) = match number % 3 {
            0 => ("MB", "discrete"),
            1 => ("hr", "onoff"),
            _ => ("MB/hr", "continuous"),
        };
        _ = writeln!(
            text,
            "    - name: resource{number}\n      unit: {unit}\n      costpolicy: {cost_policy}"
        );
    }
    text.push_str("  algorithms:\n    - name: usual\n");
    for number in 0..RESOURCES {
        _ = writeln!(text, "      resource{number}: price * volume * {}", number % 4 + 1);
    }
    text
}

/// A tenant's part of each section.
struct Tenant {
    sections: [String; 4],
}

fn tenant(number: usize) -> Tenant {
    let mut lists = format!("    - name: day{number}\n");
    let cents = |resource: usize| 1 + (number * 7 + resource * 13) % 97;
    for resource in 0..RESOURCES {
        _ = writeln!(lists, "      resource{resource}: 0.{:02}", cents(resource));
    }
    _ = write!(
        lists,
        "    - name: night{number}\n      extends: day{number}\n      effective:\n        repeat:\n          \
         - start: \"00 {:02} * * *\"\n            end: \"00 06 * * *\"\n",
        20 + number % 4
    );
    for resource in (0..RESOURCES).step_by(2) {
        _ = writeln!(lists, "      resource{resource}: 0.0{:02}", cents(resource));
    }
    let plan =
        format!("    - name: plan{number}\n      credits: {}\n      at: \"00 00 1 * *\"\n", 100 + number);
    let agreement = format!(
        "    - name: agreement{number}\n      algorithm: usual\n      pricelist: night{number}\n      creditplan: plan{number}\n"
    );
    Tenant { sections: [lists, plan, agreement, format!("    role{number}: agreement{number}\n")] }
}

/// Places all over a text: behind a cost policy, behind the keys of credit plans and agreements.
pub fn places(text: &str) -> Vec<Place> {
    let place = |(line, content): (usize, &str)| {
        let is_value = content.starts_with("      costpolicy: ");
        let is_key = ["      credits:", "      algorithm:", "      creditplan:"]
            .iter()
            .any(|key| content.starts_with(key));
        let column = if is_value { content.len() } else { content.find(':')? };
        let place = || Some(Place { line: line.try_into().ok()?, column: column.try_into().ok()?, is_value });
        (is_value || is_key).then(place).flatten()
    };
    text.lines().enumerate().filter_map(place).collect()
}

/// Writes the workspace: small policies, each of a directory of its own.
pub fn write_workspace(directory: &Path) -> Result<(), String> {
    for number in 0..FILES {
        let folder = directory.join(format!("group{}/policy{number}", number % 40));
        let unwritable = |error: std::io::Error| format!("cannot write `{}`: {error}", folder.display());
        std::fs::create_dir_all(&folder).map_err(unwritable)?;
        std::fs::write(folder.join("policy.aquarium.yaml"), small_policy(number)).map_err(unwritable)?;
    }
    Ok(())
}

fn small_policy(number: usize) -> String {
    format!(
        "aquariumpolicy:\n  name: policy{number}\n  resources:\n    - name: vmtime\n      unit: hr\n      \
         costpolicy: onoff\n    - name: traffic\n      unit: MB\n      costpolicy: discrete\n  algorithms:\n    \
         - name: usual\n      vmtime: price * volume\n      traffic: price * volume\n  pricelists:\n    \
         - name: day\n      vmtime: 0.0{}\n      traffic: 0.01\n    - name: night{number}\n      extends: day\n      \
         effective:\n        repeat:\n          - start: \"00 22 * * *\"\n            end: \"00 06 * * *\"\n      \
         vmtime: 0.02\n  creditplans:\n    - name: monthly\n      credits: 100\n      at: \"00 00 1 * *\"\n  \
         agreements:\n    - name: usual\n      algorithm: usual\n      pricelist: night{number}\n      \
         creditplan: monthly\n  roles:\n    \"*\": usual\n",
        number % 9 + 1
    )
}
