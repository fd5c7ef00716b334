//! The policy files of a directory on disk.

#![allow(clippy::disallowed_methods, reason = "this module is where the server reads files")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// How many policy files of a directory are read: far more than a policy has, and an end for a mistake.
const FILES_MAX: usize = 10_000;

/// How many bytes of a file are read: one more than the compiler takes, so that it says that this is too long.
const BYTES_MAX: u64 = 16 * 1024 * 1024 + 1;

/// A directory as it was when its files were first asked for.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    files: OnceLock<BTreeMap<String, Arc<Vec<u8>>>>,
}

impl Directory {
    /// Reads nothing yet.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, files: OnceLock::new() }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Its policy files by name. Reads them the first time: not for a thread that must not wait.
    pub(crate) fn files(&self) -> &BTreeMap<String, Arc<Vec<u8>>> {
        self.files.get_or_init(|| read(&self.path))
    }
}

/// What cannot be read is not there: it may be gone by now.
fn read(directory: &Path) -> BTreeMap<String, Arc<Vec<u8>>> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok);
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let policies: BTreeSet<_> = names.filter(|name| aquarium_ide::files::is_policy_name(name)).collect();
    let with_bytes = |name: String| read_file(&directory.join(&name)).map(|bytes| (name, Arc::new(bytes)));
    policies.into_iter().take(FILES_MAX).filter_map(with_bytes).collect()
}

fn read_file(path: &Path) -> Option<Vec<u8>> {
    // A pipe or a device of that name would never end.
    let is_file = path.metadata().is_ok_and(|metadata| metadata.is_file());
    let mut bytes = Vec::new();
    let file = is_file.then(|| File::open(path).ok()).flatten()?;
    file.take(BYTES_MAX).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}
