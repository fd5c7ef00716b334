//! Opening an embedded store again after its disk was full.
#![expect(clippy::disallowed_methods, reason = "a file is written to see whether there is room")]

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::PathBuf;

use super::{DerivedOptions, EmbeddedDerived};
use crate::derived::{Derived, DerivedError, Opener};

/// Bytes that there must be room for: opening replays the journal, and may write a table of the latest rows.
const ROOM_BYTES: usize = 1 << 20;

/// How an embedded store is opened again.
pub struct EmbeddedOpener {
    /// Its directory.
    pub directory: PathBuf,
    /// What was chosen about it.
    pub options: DerivedOptions,
}

impl Opener for EmbeddedOpener {
    fn open(&self) -> Result<Box<dyn Derived>, DerivedError> {
        Ok(Box::new(EmbeddedDerived::open(&self.directory, self.options)?))
    }

    fn has_room(&self) -> io::Result<()> {
        let path = self.directory.with_extension("room");
        let written = File::create(&path).and_then(|mut file| {
            file.write_all(&vec![0; ROOM_BYTES])?;
            file.sync_data()
        });
        // Where it was not even made there is nothing to remove.
        let _ = fs::remove_file(&path);
        written
    }

    fn missing(&self) -> DerivedError {
        let what = "it was closed for want of room and is not open again yet".to_owned();
        DerivedError::Failed { directory: self.directory.clone(), what }
    }
}
