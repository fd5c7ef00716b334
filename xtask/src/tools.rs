//! What tests and lints need beyond Rust: installed below `target/tools`, or by the system's package manager.

use std::path::{Path, PathBuf};

use crate::command::{Outcome, cargo, is_installed, program, run, steps, text};

/// The version of cargo-deny that checks licences and sources.
const CARGO_DENY: &str = "cargo-deny@0.20.2";
/// The version of typos that checks spelling (from PyPI).
const TYPOS: &str = "typos==1.52.0";
/// The version of check-jsonschema (from PyPI) that validates what we write, with the schemas of GitHub and GitLab.
const CHECK_JSONSCHEMA: &str = "check-jsonschema==0.39.0";
/// The version of schemathesis that asks the daemon whatever its OpenAPI document allows (from PyPI).
const SCHEMATHESIS: &str = "schemathesis==4.32.5";
/// The version of pika by which the examples speak with a message broker (from PyPI).
const PIKA: &str = "pika==1.3.2";

/// Installs everything that is missing.
pub fn install_all() -> Outcome {
    steps(&[
        ("components", &components),
        ("system packages", &system_packages),
        ("RabbitMQ", &rabbitmq),
        ("PostgreSQL", &postgresql),
        ("typos", &typos),
        ("check-jsonschema", &check_jsonschema),
        ("schemathesis", &schemathesis),
        ("pika", &pika),
        ("cargo-deny", &cargo_deny),
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

/// The tester of interfaces.
pub fn schemathesis_path() -> PathBuf {
    directory().join("python").join("bin").join("schemathesis")
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
    ("nvim", &["neovim"]),
    ("emacs", &["emacs-nox", "elpa-eglot"]),
];

fn system_packages() -> Outcome {
    let missing: Vec<&str> = SYSTEM_PROGRAMS
        .iter()
        .filter(|(name, _)| !is_installed(name))
        .flat_map(|(_, packages)| packages.iter().copied())
        .collect();
    if missing.is_empty() { Ok(()) } else { install(&missing) }
}

fn install(packages: &[&str]) -> Outcome {
    run(program("apt-get", &["update", "-q"]))?;
    let mut install = program("apt-get", &["install", "-q", "-y", "--no-install-recommends"]);
    install.args(packages).env("DEBIAN_FRONTEND", "noninteractive");
    // Without systemd packages start their services in other runlevels than this one; tests start their own.
    install.env("RUNLEVEL", "1");
    run(install)
}

/// The broker that tests start themselves, as the package keeps it.
const RABBITMQ: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";
/// There where systemd runs the machine.
const SYSTEMD: &str = "/run/systemd/system";

/// Where the versions of the database are that tests start themselves.
const POSTGRESQL: &str = "/usr/lib/postgresql";

fn rabbitmq() -> Outcome {
    if Path::new(RABBITMQ).is_file() { Ok(()) } else { install_server("rabbitmq-server", "rabbitmq-server") }
}

fn postgresql() -> Outcome {
    let versions = std::fs::read_dir(POSTGRESQL).into_iter().flatten().flatten();
    let mut programs = versions.map(|version| version.path().join("bin/postgres"));
    if programs.any(|program| program.is_file()) {
        Ok(())
    } else {
        install_server("postgresql", "postgresql")
    }
}

/// Installs a server without letting one run for the whole machine.
fn install_server(package: &str, service: &str) -> Outcome {
    install(&[package])?;
    if !Path::new(SYSTEMD).is_dir() {
        return Ok(());
    }
    run(program("systemctl", &["disable", "--now", service]))
}

fn typos() -> Outcome {
    python_package("typos", TYPOS)
}

fn check_jsonschema() -> Outcome {
    python_package("check-jsonschema", CHECK_JSONSCHEMA)
}

fn schemathesis() -> Outcome {
    python_package("schemathesis", SCHEMATHESIS)
}

/// A library: it brings no program by which one could see whether it is there, but pip sees that at once.
fn pika() -> Outcome {
    python_install(PIKA)
}

/// Installs a package that brings a program of that name, in an environment of our own.
fn python_package(name: &str, package: &str) -> Outcome {
    if directory().join("python/bin").join(name).is_file() {
        return Ok(());
    }
    python_install(package)
}

fn python_install(package: &str) -> Outcome {
    let binaries = directory().join("python/bin");
    if !binaries.join("pip").is_file() {
        python_environment()?;
    }
    run(program(binaries.join("pip"), &["install", "--quiet", package]))
}

fn python_environment() -> Outcome {
    let environment = text(&directory().join("python"));
    if run(program("python3", &["-m", "venv", &environment])).is_ok() {
        return Ok(());
    }
    run(program("apt-get", &["install", "-q", "-y", "python3-venv"]))?;
    run(program("python3", &["-m", "venv", &environment]))
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
