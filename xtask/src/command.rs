//! Runs other programs and says what failed.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// What a task gives: nothing, or one line on what went wrong.
pub type Outcome = Result<(), String>;

/// A program in the repository's root.
pub fn program(name: impl AsRef<OsStr>, arguments: &[&str]) -> Command {
    let mut command = Command::new(name);
    command.args(arguments).current_dir(crate::root());
    command
}

/// Cargo, the one that runs this task.
pub fn cargo(arguments: &[&str]) -> Command {
    program(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), arguments)
}

/// Runs a command to its end, its output passed through; fails unless it exits with 0.
pub fn run(mut command: Command) -> Outcome {
    let shown = show(&command);
    println!("$ {shown}");
    let start = Instant::now();
    let status = command.status().map_err(|error| format!("`{shown}` does not start: {error}"))?;
    println!("  ({:.1} s)", start.elapsed().as_secs_f64());
    if status.success() { Ok(()) } else { Err(format!("`{shown}` failed: {status}")) }
}

/// Whether a program of that name is on the path.
pub fn is_installed(name: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|directory| directory.join(name).is_file())
}

/// A part of a task: its title and what it does.
pub type Step<'a> = (&'static str, &'a dyn Fn() -> Outcome);

/// Runs steps in order; the first failure ends the run.
pub fn steps(steps: &[Step<'_>]) -> Outcome {
    for (title, step) in steps {
        println!("\n== {title}");
        step().map_err(|message| format!("{title}: {message}"))?;
    }
    Ok(())
}

/// A path as text for a command line.
pub fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn show(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
