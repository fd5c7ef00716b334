//! How the compiler grows with what it is given: policies of a hundred to ten thousand items, checked and compiled
//! by the program as it is released, as a table and as a plot.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::plot::{Plot, Series};
use super::policies;
use crate::command::{Outcome, cargo, program, run, text};

/// Items of the policies.
const SIZES: [usize; 5] = [100, 300, 1_000, 3_000, 10_000];
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

/// Measures, prints the table, and writes it with the plot below a directory.
pub fn report(directory: &Path) -> Outcome {
    run(cargo(&["build", "--quiet", "--release", "--workspace", "--bin", "aquariumc"]))?;
    let unwritable = |error: std::io::Error| format!("cannot write below `{}`: {error}", directory.display());
    std::fs::create_dir_all(directory).map_err(unwritable)?;
    let own = empty(directory)?;
    let measured =
        SIZES.iter().map(|items| measure(directory, *items)).collect::<Result<Vec<Measured>, _>>()?;
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let table = format!(
        "{}\nThe program itself takes {:.1} MB, for a policy without items: *beyond* is what is taken beside that.\n\nload {load}",
        table(&measured, own),
        own as f64 / 1e6
    );
    print!("\n{table}");
    let page = format!("# The compiler, by the size of a policy\n\n{table}\n![plot](compiler.svg)\n");
    std::fs::write(directory.join("compiler.md"), page).map_err(unwritable)?;
    std::fs::write(directory.join("compiler.svg"), plot(&measured).to_string()).map_err(unwritable)?;
    println!("\nwritten: {} with its plot", text(&directory.join("compiler.md")));
    Ok(())
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
    let mut command = program(crate::root().join("target/release/aquariumc"), arguments);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().map_err(|error| format!("`aquariumc` does not start: {error}"))
}

fn ended(mut child: Child) -> Outcome {
    let status = child.wait().map_err(|error| error.to_string())?;
    if status.success() { Ok(()) } else { Err(format!("`aquariumc` failed: {status}")) }
}

/// Growth is the time of a row by that of the row before, over the same of the items: 1 is linear.
fn table(measured: &[Measured], own: usize) -> String {
    let heads =
        ["items", "lines", "check", "growth", "memory", "beyond", "compile", "growth", "memory", "beyond"];
    let mut table = format!("| {} |\n{}|\n", heads.join(" | "), "|---:".repeat(heads.len()));
    let mut before: Option<&Measured> = None;
    for row in measured {
        let growth = |seconds: fn(&Measured) -> f64| {
            before.map_or_else(String::new, |before| {
                let items = row.items as f64 / before.items as f64;
                format!("{:.2}", seconds(row) / seconds(before) / items)
            })
        };
        table.push_str(&format!("| {} | {} ", row.items, row.lines));
        for (cost, growth) in
            [(&row.check, growth(|it| it.check.seconds)), (&row.compile, growth(|it| it.compile.seconds))]
        {
            let times = |bytes: usize| bytes as f64 / row.bytes as f64;
            let (all, beyond) = (times(cost.bytes), times(cost.bytes.saturating_sub(own)));
            let (millis, megabytes) = (cost.seconds * 1000.0, cost.bytes as f64 / 1e6);
            table.push_str(&format!(
                "| {millis:.0} ms | {growth} | {megabytes:.1} MB = {all:.0} x source | {beyond:.1} x "
            ));
        }
        table.push_str("|\n");
        before = Some(row);
    }
    table
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
