//! Beginning derived state again: what the log yields is dropped, what was told to others is kept.
#![expect(clippy::disallowed_methods, reason = "directories of derived state are moved here")]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::embedded::{DerivedOptions, EmbeddedDerived};
use super::keys::{KEPT, Table};
use super::{Derived, DerivedError};

/// What a fresh store took over from the one before.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kept {
    /// Announcements in the outbox.
    pub announcements: u64,
    /// Why some, or all, could not be read; `None`: all of them were.
    pub lost: Option<String>,
}

/// Replaces the derived state of a directory by one in which nothing is folded yet. No process may have it open.
///
/// The outbox, last announcements, publishers' cursors and epochs go over into the fresh one. The directory
/// before is gone if all of that could be read, else it stays under another name, which is given.
///
/// # Errors
/// Where the fresh one cannot be made; then the one before is as it was.
pub fn restart(directory: &Path, options: DerivedOptions) -> Result<(Kept, Option<PathBuf>), DerivedError> {
    let failed =
        |error: io::Error| DerivedError::Failed { directory: directory.to_owned(), what: error.to_string() };
    let fresh = sibling(directory, "fresh");
    remove(&fresh).map_err(failed)?;
    let kept = copy(directory, &fresh, options)?;
    let aside = free_name(directory);
    if directory.exists() {
        fs::rename(directory, &aside).map_err(failed)?;
    }
    fs::rename(&fresh, directory).map_err(failed)?;
    sync_parent(directory).map_err(failed)?;
    if kept.lost.is_some() {
        return Ok((kept, Some(aside).filter(|aside| aside.exists())));
    }
    remove(&aside).map_err(failed)?;
    Ok((kept, None))
}

/// Makes a fresh store with what is kept of the one before.
fn copy(directory: &Path, fresh: &Path, options: DerivedOptions) -> Result<Kept, DerivedError> {
    let to = EmbeddedDerived::open(fresh, options)?;
    let mut kept = Kept::default();
    if directory.exists() {
        match EmbeddedDerived::open_damaged(directory, options) {
            Ok(from) => {
                for table in KEPT {
                    copy_table(&from, table, &to, &mut kept);
                }
            }
            Err(error @ (DerivedError::Damaged { .. } | DerivedError::Failed { .. })) => {
                kept.lost = Some(error.to_string());
            }
            Err(error) => return Err(error),
        }
    }
    to.sync()?;
    Ok(kept)
}

fn copy_table(from: &EmbeddedDerived, table: Table, to: &EmbeddedDerived, kept: &mut Kept) {
    match from.copy_table(table, to) {
        Ok(rows) if table == Table::Outbox => kept.announcements = rows,
        Ok(_) => {}
        Err(error) => kept.lost = Some(error.to_string()),
    }
}

fn sibling(directory: &Path, extension: &str) -> PathBuf {
    directory.with_extension(extension)
}

/// A name beside the directory that nothing has.
fn free_name(directory: &Path) -> PathBuf {
    let names = (1_u32..).map(|number| sibling(directory, &format!("aside-{number}")));
    names.into_iter().find(|name| !name.exists()).unwrap_or_else(|| sibling(directory, "aside"))
}

fn remove(directory: &Path) -> io::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

fn sync_parent(directory: &Path) -> io::Result<()> {
    let parent = directory.parent().filter(|parent| !parent.as_os_str().is_empty());
    fs::File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}
