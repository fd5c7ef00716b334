//! What is remembered of a store's trouble, beside its files: that it was found to be damaged, and that processes
//! ended while they opened it.
#![expect(clippy::disallowed_methods, reason = "two small files beside those of the store")]

use std::fs;
use std::path::{Path, PathBuf};

use crate::derived::DerivedError;

/// Says what was found to be damaged.
const DAMAGED_FILE: &str = "damaged";
/// Has a byte for each process that began to open the store and did not come to an end with it.
const OPENING_FILE: &str = "opening";
/// Processes that may end while they open a store before it counts as damaged: some lengths, where they are
/// damaged, make it ask for more memory than there is.
const OPENINGS_MAX: usize = 3;

/// Refuses a store that was found to be damaged: what could not be read once is not charged on by chance.
pub fn check(directory: &Path) -> Result<(), DerivedError> {
    match fs::read_to_string(directory.join(DAMAGED_FILE)) {
        Ok(what) => Err(DerivedError::Damaged { directory: directory.to_owned(), what }),
        Err(_) => Ok(()),
    }
}

/// Remembers that something in a store is damaged.
pub fn note_damage(directory: &Path, what: &str) {
    // Where this cannot be written the damage is found again.
    let _ = fs::write(directory.join(DAMAGED_FILE), what);
}

/// The opening of a store, until it is dropped.
pub struct Opening {
    file: PathBuf,
}

impl Opening {
    /// Begins, unless others did and never came to an end.
    pub fn begin(directory: &Path) -> Result<Self, DerivedError> {
        let file = directory.join(OPENING_FILE);
        let begun = fs::read(&file).map_or(0, |bytes| bytes.len());
        if begun >= OPENINGS_MAX {
            let what = format!("{begun} processes ended while they opened it");
            return Err(DerivedError::Damaged { directory: directory.to_owned(), what });
        }
        let failed = |error: std::io::Error| DerivedError::Failed {
            directory: directory.to_owned(),
            what: error.to_string(),
        };
        fs::create_dir_all(directory).map_err(failed)?;
        fs::write(&file, vec![b'.'; begun.saturating_add(1)]).map_err(failed)?;
        Ok(Self { file })
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        // One that stays counts as an attempt.
        let _ = fs::remove_file(&self.file);
    }
}
