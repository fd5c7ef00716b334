//! `aquariumc init`: a policy to begin with, a test of it, and events to try it with.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use crate::failure::Failure;
use crate::{files, messages};

/// `aquariumc init`
#[derive(Args)]
pub struct Init {
    /// The directory; made if it is not there.
    #[arg(default_value = ".", value_name = "DIRECTORY")]
    pub directory: PathBuf,
}

/// What is written.
const FILES: [(&str, &str); 3] = [
    ("policy.aquarium.yaml", include_str!("../templates/policy.aquarium.yaml")),
    ("policy.test.aquarium.yaml", include_str!("../templates/policy.test.aquarium.yaml")),
    ("events.ndjson", include_str!("../templates/events.ndjson")),
];

/// Writes the files; none of them if one is there already.
pub fn run(arguments: &Init) -> Result<ExitCode, Failure> {
    let directory = &arguments.directory;
    let taken: Vec<String> = FILES
        .iter()
        .map(|(name, _)| directory.join(name))
        .filter(|path| path.symlink_metadata().is_ok())
        .map(|path| format!("`{}`", path.display()))
        .collect();
    if !taken.is_empty() {
        return Err(Failure::Use(format!("{} is there already: nothing was written", taken.join(", "))));
    }
    std::fs::create_dir_all(directory).map_err(|error| Failure::unwritable(directory, error))?;
    for (name, text) in FILES {
        files::write(&directory.join(name), text.as_bytes())?;
    }
    messages::write(&next(directory));
    Ok(ExitCode::SUCCESS)
}

/// What to do with them.
fn next(directory: &Path) -> String {
    let names = FILES.map(|(name, _)| format!("`{}`", directory.join(name).display())).join(", ");
    let at = |name: &str| directory.join(name).display().to_string();
    let (policy, tests, events) =
        (at("policy.aquarium.yaml"), at("policy.test.aquarium.yaml"), at("events.ndjson"));
    format!(
        "wrote {names}\nnext:\n  aquariumc check {policy}\n  aquariumc test {tests}\n  aquariumc simulate {policy} {events}\n"
    )
}
