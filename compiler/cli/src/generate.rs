//! `aquariumc generate`: files of the repository that follow from what this program is: completions, man pages, the
//! index of findings, the schema for editors. `cargo xtask generate` runs it, and a test compares.

mod index;
mod schema;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use clap_complete::Shell;
use clap_mangen::Man;

use crate::arguments::Arguments;
use crate::completions;
use crate::failure::Failure;
use crate::files;

/// `aquariumc generate`
#[derive(Args)]
pub struct Generate {
    /// The root of the repository.
    pub root: PathBuf,
}

/// Where each kind of file stands in the repository.
const COMPLETIONS: &str = "compiler/cli/completions";
const MAN_PAGES: &str = "compiler/cli/man";
const INDEX: &str = "docs/diagnostics.md";
const SCHEMA: &str = "docs/schemas/policy.schema.json";

const SHELLS: [(Shell, &str); 5] = [
    (Shell::Bash, "aquariumc.bash"),
    (Shell::Zsh, "_aquariumc"),
    (Shell::Fish, "aquariumc.fish"),
    (Shell::PowerShell, "_aquariumc.ps1"),
    (Shell::Elvish, "aquariumc.elv"),
];

/// Writes every file.
pub fn run(arguments: &Generate) -> Result<ExitCode, Failure> {
    for (shell, name) in SHELLS {
        write(arguments, &Path::new(COMPLETIONS).join(name), &completions::of(shell))?;
    }
    for (name, page) in man_pages()? {
        write(arguments, &Path::new(MAN_PAGES).join(name), &page)?;
    }
    write(arguments, Path::new(INDEX), index::render().as_bytes())?;
    write(arguments, Path::new(SCHEMA), schema::render().as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn write(arguments: &Generate, path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let path = arguments.root.join(path);
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory).map_err(|error| Failure::unwritable(directory, error))?;
    }
    files::write(&path, bytes)
}

/// A page for the program and one for each verb, with their file names.
fn man_pages() -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let mut program = Arguments::shown();
    program.build();
    let verbs = program.get_subcommands().filter(|verb| verb.get_name() != "help");
    let verbs: Vec<clap::Command> = verbs.cloned().collect();
    let mut pages = vec![("aquariumc.1".to_owned(), page(program)?)];
    for verb in verbs {
        let name = format!("aquariumc-{}", verb.get_name());
        pages.push((format!("{name}.1"), page(verb)?));
    }
    Ok(pages)
}

fn page(command: clap::Command) -> Result<Vec<u8>, Failure> {
    let mut page = Vec::new();
    Man::new(command).render(&mut page).map_err(|error| Failure::Defect(error.to_string()))?;
    Ok(page)
}
