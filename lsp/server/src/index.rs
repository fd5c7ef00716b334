//! The policies in the folders of the workspace, whether a document of them is open or not.
//!
//! Only what requests about the whole workspace want of a policy is kept: its items and its findings, a
//! few hundred bytes each. A directory is read again when the names, sizes or times of its files change.

#![expect(clippy::disallowed_methods, reason = "this module walks the folders of the workspace")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use aquarium_ide::files::is_policy_name;
use tower_lsp::ls_types::{Diagnostic, Uri, WorkspaceSymbol};

use crate::workspace::Policy;

/// How many directories are walked through: far more than a workspace has, and an end for a mistake.
const DIRECTORIES_MAX: usize = 50_000;

/// Directories that hold what others wrote, or what was built.
const PASSED_OVER: [&str; 2] = ["node_modules", "target"];

/// A file as it was when it was read.
type Stamp = (String, u64, Option<SystemTime>);

/// What is known of the workspace.
#[derive(Debug, Default)]
pub(crate) struct Index {
    directories: BTreeMap<PathBuf, Known>,
}

/// What is known of the policy of a directory.
#[derive(Debug)]
struct Known {
    stamps: Vec<Stamp>,
    summary: Summary,
}

/// What requests about the whole workspace want of a policy.
#[derive(Debug, Clone, Default)]
pub(crate) struct Summary {
    /// Its items.
    pub(crate) symbols: Vec<WorkspaceSymbol>,
    /// Its files and their findings.
    pub(crate) findings: Vec<(Uri, Vec<Diagnostic>)>,
}

impl Index {
    /// The policies of these folders, those in `open` apart; reads what changed since the last time.
    pub(crate) fn refresh(
        &mut self,
        folders: &[PathBuf],
        open: &[PathBuf],
        summarize: impl Fn(&Policy) -> Summary,
    ) -> Vec<&Summary> {
        let found = policy_directories(folders);
        self.directories.retain(|path, _| found.contains_key(path) && !open.contains(path));
        for (path, stamps) in found {
            let is_known = self.directories.get(&path).is_some_and(|known| known.stamps == stamps);
            if !is_known && !open.contains(&path) {
                let summary = summarize(&Policy::on_disk(path.clone()));
                self.directories.insert(path, Known { stamps, summary });
            }
        }
        self.directories.values().map(|known| &known.summary).collect()
    }
}

/// The directories below some folders that hold policy files, with these files' stamps.
fn policy_directories(folders: &[PathBuf]) -> BTreeMap<PathBuf, Vec<Stamp>> {
    let mut found = BTreeMap::new();
    let mut open: Vec<PathBuf> = folders.to_vec();
    let mut walked = 0;
    while let Some(path) = open.pop().filter(|_| walked < DIRECTORIES_MAX) {
        walked += 1;
        let (directories, stamps) = entries(&path);
        open.extend(directories);
        if !stamps.is_empty() {
            found.insert(path, stamps);
        }
    }
    found
}

/// The directories in a directory, and its policy files. Links are not followed: they may lead in circles.
fn entries(path: &Path) -> (Vec<PathBuf>, Vec<Stamp>) {
    let (mut directories, mut stamps) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(path).into_iter().flatten().filter_map(Result::ok) {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() && !name.starts_with('.') && !PASSED_OVER.contains(&name.as_str()) {
            directories.push(entry.path());
        } else if kind.is_file() && is_policy_name(&name) {
            let metadata = entry.metadata().ok();
            let length = metadata.as_ref().map_or(0, std::fs::Metadata::len);
            stamps.push((name, length, metadata.and_then(|metadata| metadata.modified().ok())));
        }
    }
    stamps.sort();
    (directories, stamps)
}
