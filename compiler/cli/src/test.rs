//! `aquariumc test`: runs policy tests, shows what does not hold where it is written, and measures what the
//! tests reach.

mod compare;
mod coverage;
mod json;
mod junit;
mod lcov;
mod recorder;
mod run;
mod scenario;
mod suite;
mod text;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::failure::{FINDINGS, Failure};
use suite::Suite;

/// `aquariumc test`
#[derive(Args)]
pub struct Test {
    /// Test files, or directories (their own `*.test.aquarium.yaml` files).
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Only tests whose name has this text.
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    /// Also show which prices, tiers, expressions, branches and time frames no test reaches.
    #[arg(long)]
    pub coverage: bool,
    /// Also show how every charge came about, step by step.
    #[arg(long)]
    pub explain: bool,
    /// Write the coverage to this file, in the format of LCOV.
    #[arg(long, value_name = "FILE")]
    pub lcov: Option<PathBuf>,
    /// How the results are written.
    #[arg(long, value_enum, default_value_t = TestFormat::Human)]
    pub format: TestFormat,
}

/// How the results are written.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TestFormat {
    /// A line a test, and reports of what does not hold.
    Human,
    /// One JSON object, coverage included.
    Json,
    /// JUnit's XML, as CI systems read it.
    Junit,
}

/// Runs the tests.
pub fn run(arguments: &Test) -> Result<ExitCode, Failure> {
    let mut suite = Suite::read(&arguments.paths)?;
    suite.run(arguments.filter.as_deref(), arguments.explain)?;
    if let Some(filter) =
        arguments.filter.as_deref().filter(|_| suite.counts().tests() == 0 && !suite.is_broken())
    {
        return Err(Failure::Use(format!("no test has `{filter}` in its name")));
    }
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    match arguments.format {
        TestFormat::Human => text::write(&mut out, &suite, arguments.coverage)?,
        TestFormat::Json => {
            serde_json::to_writer_pretty(&mut out, &json::render(&suite)).map_err(std::io::Error::from)?;
            writeln!(out)?;
        }
        TestFormat::Junit => out.write_all(junit::render(&suite).as_bytes())?,
    }
    out.flush()?;
    if let Some(path) = &arguments.lcov {
        write_lcov(path, &suite)?;
    }
    Ok(ExitCode::from(if suite.passed() { 0 } else { FINDINGS }))
}

fn write_lcov(path: &Path, suite: &Suite) -> Result<(), Failure> {
    let unwritable =
        |error: std::io::Error| Failure::Unwritable { path: path.to_owned(), reason: error.to_string() };
    std::fs::write(path, lcov::render(suite)).map_err(unwritable)
}
