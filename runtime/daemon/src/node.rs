//! Who this daemon is among those that share a store: a name that it keeps, and that no other process has meanwhile.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

/// The file within the data directory.
const FILE: &str = "node";
/// Bytes of a name, at most.
const NAME_BYTES_MAX: u64 = 200;

/// A name, as long as this lives.
pub struct Node {
    name: String,
    _lock: File,
}

/// Why there is no name.
#[derive(Debug, Error)]
pub enum NodeError {
    /// The file cannot be used.
    #[error("`{}`: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another process has it.
    #[error("the data directory `{}` is in use by another process", .0.display())]
    InUse(PathBuf),
}

impl Node {
    /// The node of a data directory: the name in its file, which is made where there is none.
    pub fn of(data: &Path) -> Result<Self, NodeError> {
        let path = data.join(FILE);
        let failed = |source| NodeError::File { path: path.clone(), source };
        std::fs::create_dir_all(data).map_err(failed)?;
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = open.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(NodeError::InUse(data.to_owned())),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let name = name_in(&mut file).map_err(failed)?;
        Ok(Self { name, _lock: file })
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

fn name_in(file: &mut File) -> io::Result<String> {
    let mut name = String::new();
    file.take(NAME_BYTES_MAX).read_to_string(&mut name)?;
    if !name.trim().is_empty() {
        return Ok(name.trim().to_owned());
    }
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let name = format!("{host}-{:08x}", fastrand::u32(..));
    file.rewind()?;
    writeln!(file, "{name}")?;
    file.sync_all()?;
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_keeps_its_name_and_has_it_alone() {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        let node = Node::of(&data).unwrap();
        assert!(matches!(Node::of(&data), Err(NodeError::InUse(_))));
        let name = node.name().to_owned();
        drop(node);
        assert_eq!(Node::of(&data).unwrap().name(), name);
        assert_ne!(Node::of(&directory.path().join("other")).unwrap().name(), name);
    }
}
