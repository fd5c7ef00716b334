//! How the compiler grows with what it is given: policies of a hundred to ten thousand items, checked and compiled
//! by the program as it is released, as a table and as a plot.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::plot::{Plot, Series};
use super::policies;
use super::released;
use super::report::{Section, Table};
use crate::command::{Outcome, program, text};

/// Items of the policies.
const SIZES: [usize; 5] = [100, 300, 1_000, 3_000, 10_000];
const SIZES_QUICK: usize = 2;
/// Runs of each command; the median counts.
const RUNS: usize = 5;
/// How often a program is asked for its memory.
const LOOK: Duration = Duration::from_micros(500);

/// A policy, and what came of it.
struct Measured {
    items: usize,
    lines: usize,
    bytes: usize,
    check: Cost,
    compile: Cost,
}

/// What a command takes.
struct Cost {
    seconds: f64,
    /// Memory at its most.
    bytes: usize,
}

/// Measures policies of all sizes.
pub fn section(directory: &Path, quick: bool) -> Result<Section, String> {
    let own = empty(directory)?;
    let sizes = SIZES.iter().take(if quick { SIZES_QUICK } else { SIZES.len() });
    let measured = sizes.map(|items| measure(directory, *items)).collect::<Result<Vec<Measured>, _>>()?;
    let mut section = Section::new("compiler", "the compiler by the size of a policy");
    section.tables.push(table(&measured, own));
    section.notes.push(format!(
        "The program itself takes {:.1} MB, for a policy without items: *beyond* is what is taken beside that.",
        own as f64 / 1e6
    ));
    section.plots.push(("compiler".to_owned(), plot(&measured)));
    Ok(section)
}

/// What the check of a policy takes that says nothing: the program's own code and tables.
fn empty(directory: &Path) -> Result<usize, String> {
    let file = directory.join("empty.aquarium");
    std::fs::write(&file, "aquariumpolicy:\n  name: empty\n")
        .map_err(|error| format!("cannot write `{}`: {error}", file.display()))?;
    memory(&["check", &text(&file), "--format", "short"])
}

fn measure(directory: &Path, items: usize) -> Result<Measured, String> {
    let policy = policies::generated(items);
    let file = directory.join(format!("items{items}.aquarium"));
    std::fs::write(&file, &policy).map_err(|error| format!("cannot write `{}`: {error}", file.display()))?;
    let (file, module) = (text(&file), text(&directory.join("items.wasm")));
    Ok(Measured {
        items,
        lines: policy.lines().count(),
        bytes: policy.len(),
        check: cost(&["check", &file, "--format", "short"])?,
        compile: cost(&["compile", &file, "--format", "short", "-o", &module])?,
    })
}

fn cost(arguments: &[&str]) -> Result<Cost, String> {
    let mut seconds = (0..RUNS).map(|_| timed(arguments)).collect::<Result<Vec<f64>, _>>()?;
    seconds.sort_by(f64::total_cmp);
    let median = seconds.get(RUNS / 2).copied().unwrap_or_default();
    Ok(Cost { seconds: median, bytes: memory(arguments)? })
}

fn timed(arguments: &[&str]) -> Result<f64, String> {
    let begun = Instant::now();
    ended(start(arguments)?)?;
    Ok(begun.elapsed().as_secs_f64())
}

/// Looks at a run of its own, which looking makes slower.
fn memory(arguments: &[&str]) -> Result<usize, String> {
    let mut child = start(arguments)?;
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut most = 0;
    while child.try_wait().map_err(|error| error.to_string())?.is_none() {
        let status = std::fs::read_to_string(&status).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<usize>().ok());
        most = most.max(kilobytes.unwrap_or_default() * 1024);
        std::thread::sleep(LOOK);
    }
    ended(child)?;
    Ok(most)
}

fn start(arguments: &[&str]) -> Result<Child, String> {
    let mut command = program(released("aquariumc"), arguments);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().map_err(|error| format!("`aquariumc` does not start: {error}"))
}

fn ended(mut child: Child) -> Outcome {
    let status = child.wait().map_err(|error| error.to_string())?;
    if status.success() { Ok(()) } else { Err(format!("`aquariumc` failed: {status}")) }
}

/// Growth is the time of a row by that of the row before, over the same of the items: 1 is linear.
fn table(measured: &[Measured], own: usize) -> Table {
    let heads =
        ["items", "lines", "check", "growth", "memory", "beyond", "compile", "growth", "memory", "beyond"];
    let before = std::iter::once(None).chain(measured.iter().map(Some));
    let rows = measured.iter().zip(before).map(|(row, before)| {
        let cells = |of: fn(&Measured) -> &Cost| cost_cells(row, before, of, own);
        [vec![row.items.to_string(), row.lines.to_string()], cells(|it| &it.check), cells(|it| &it.compile)]
            .concat()
    });
    Table { heads: heads.map(str::to_owned).to_vec(), rows: rows.collect() }
}

fn cost_cells(
    row: &Measured,
    before: Option<&Measured>,
    of: fn(&Measured) -> &Cost,
    own: usize,
) -> Vec<String> {
    let cost = of(row);
    let growth = before.map_or_else(String::new, |before| {
        let items = row.items as f64 / before.items as f64;
        format!("{:.2}", cost.seconds / of(before).seconds / items)
    });
    let times = |bytes: usize| bytes as f64 / row.bytes as f64;
    vec![
        format!("{:.0} ms", cost.seconds * 1000.0),
        growth,
        format!("{:.1} MB = {:.0} x source", cost.bytes as f64 / 1e6, times(cost.bytes)),
        format!("{:.1} x", times(cost.bytes.saturating_sub(own))),
    ]
}

fn plot(measured: &[Measured]) -> Plot {
    let series = |name, seconds: fn(&Measured) -> f64| Series {
        name,
        points: measured.iter().map(|row| (row.items as f64, seconds(row) * 1000.0)).collect(),
    };
    Plot {
        title: "Time of the whole program by the size of the policy",
        across: "items",
        up: "ms",
        series: vec![series("check", |it| it.check.seconds), series("compile", |it| it.compile.seconds)],
    }
}
