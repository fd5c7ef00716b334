//! What tests and lints need beyond Rust: installed below `target/tools`, or by the system's package manager.

use std::path::PathBuf;

use crate::command::{Outcome, cargo, is_installed, program, run, steps, text};

/// The version of cargo-deny that checks licences and sources.
const CARGO_DENY: &str = "cargo-deny@0.20.2";
/// The version of typos that checks spelling (from PyPI).
const TYPOS: &str = "typos==1.52.0";

/// Installs everything that is missing.
pub fn install_all() -> Outcome {
    steps(&[
        ("components", components),
        ("system packages", system_packages),
        ("typos", typos),
        ("cargo-deny", cargo_deny),
    ])
}

/// Where tools are installed.
pub fn directory() -> PathBuf {
    crate::root().join("target").join("tools")
}

/// The spelling checker.
pub fn typos_path() -> PathBuf {
    directory().join("python").join("bin").join("typos")
}

/// The dependency checker.
pub fn cargo_deny_path() -> PathBuf {
    directory().join("bin").join("cargo-deny")
}

fn components() -> Outcome {
    if is_installed("rustfmt") && is_installed("cargo-clippy") {
        return Ok(());
    }
    run(program("rustup", &["component", "add", "rustfmt", "clippy"]))
}

/// Programs that tests start, and the Debian packages that hold them.
const SYSTEM_PROGRAMS: &[(&str, &[&str])] = &[
    ("npm", &["nodejs", "npm"]),
    ("chromium", &["chromium"]),
    ("python3", &["python3", "python3-venv"]),
    ("curl", &["curl"]),
];

fn system_packages() -> Outcome {
    let missing: Vec<&str> = SYSTEM_PROGRAMS
        .iter()
        .filter(|(name, _)| !is_installed(name))
        .flat_map(|(_, packages)| packages.iter().copied())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    run(program("apt-get", &["update", "-q"]))?;
    let mut install = program("apt-get", &["install", "-q", "-y", "--no-install-recommends"]);
    install.args(missing).env("DEBIAN_FRONTEND", "noninteractive");
    run(install)
}

fn typos() -> Outcome {
    if typos_path().is_file() {
        return Ok(());
    }
    let environment = text(&directory().join("python"));
    if run(program("python3", &["-m", "venv", &environment])).is_err() {
        run(program("apt-get", &["install", "-q", "-y", "python3-venv"]))?;
        run(program("python3", &["-m", "venv", &environment]))?;
    }
    run(program(directory().join("python/bin/pip"), &["install", "--quiet", TYPOS]))
}

fn cargo_deny() -> Outcome {
    if cargo_deny_path().is_file() {
        return Ok(());
    }
    let root = text(&directory());
    run(cargo(&[
        "install",
        "--quiet",
        "--locked",
        "--debug",
        "--no-default-features",
        "--root",
        &root,
        CARGO_DENY,
    ]))
}
