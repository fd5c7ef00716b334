//! Running the program as its users do.

#![allow(dead_code, reason = "each test file uses some of it")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The folder of the repository, from which the program is run.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Runs the program on a terminal of so many columns, without colour.
pub fn run_in(directory: &Path, width: usize, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aquariumc"));
    command.args(arguments).current_dir(directory).env("NO_COLOR", "1").env("COLUMNS", width.to_string());
    command.output().unwrap()
}

/// Exit code, standard output and standard error as one text.
pub fn told(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let code = output.status.code().unwrap();
    let (out, error) = (text(&output.stdout), text(&output.stderr));
    let error = if error.is_empty() { error } else { format!("--- standard error\n{error}") };
    format!("{out}{error}--- exit code {code}\n")
}

/// A directory with these files.
pub fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(directory.path().join(name), text).unwrap();
    }
    directory
}

/// A policy in Athens whose price changes at the weekend, at half past eight, and overrides and inline parts.
pub const ATHENS: &str = "aquariumpolicy:
  timezone: Europe/Athens
  resources:
    - {name: vmtime, unit: hr, costpolicy: onoff, complex: true}
    - {name: traffic, unit: MB, costpolicy: discrete}
  algorithms:
    - name: default
      '*': price * volume
    - name: capped
      extends: default
      traffic: 'volume > 100 ? price * volume * 0.9 : price * volume'
  pricelists:
    - name: default
      vmtime: 0.06
      traffic:
        tiers:
          - {upto: 10, price: 0}
          - {upto: 100, price: 0.05}
          - {price: 0.02}
    - name: night
      extends: default
      vmtime: 0.02
      effective:
        from: 2011-01-01
        repeat:
          - every: {start: '30 20 * * *', end: '30 8 * * *'}
  agreements:
    - name: default
      algorithm: default
      pricelist: night
    - name: flat
      extends: default
      algorithm: capped
      pricelist:
        traffic: 0.01
    - name: summer
      extends: flat
      effective: {from: 2011-06-01, to: 2011-09-01}
      pricelist: night
        vmtime: 0.01
";
