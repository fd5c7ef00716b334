//! Opening the embedded store of derived state, and beginning it again where it is of no use.

use std::path::{Path, PathBuf};

use aquarium_store::derived::{EmbeddedOpener, Reopening, restart};
use aquarium_store::{Derived, DerivedError, DerivedOptions, EmbeddedDerived, Position};

use crate::config::Configuration;

/// The directory of derived state within the data directory.
pub fn directory(configuration: &Configuration) -> PathBuf {
    configuration.data.join("derived")
}

/// The directory of a copy of it, which a backup takes away.
pub fn copy_directory(configuration: &Configuration) -> PathBuf {
    directory(configuration).with_extension("copy")
}

/// Opens the store, which is opened again by itself after its disk was full.
pub fn open(directory: &Path, partitions: u16, end: Position) -> Result<Reopening, DerivedError> {
    let derived = open_or_begin_again(directory, partitions, end)?;
    let opener = EmbeddedOpener { directory: directory.to_owned(), options: DerivedOptions::default() };
    Ok(Reopening::new(Box::new(derived), Box::new(opener)))
}

/// Opens the store. One that is damaged, or that stands for more than the log holds, is named, put aside and begun
/// again: everything in it is folded anew.
fn open_or_begin_again(
    directory: &Path,
    partitions: u16,
    end: Position,
) -> Result<EmbeddedDerived, DerivedError> {
    match EmbeddedDerived::open(directory, DerivedOptions::default()) {
        Ok(derived) => match ahead_of(&derived, partitions, end) {
            Ok(None) => Ok(derived),
            Ok(Some(folded)) => {
                drop(derived);
                let why = format!("it stands for {folded} records, the log has {end}");
                begin_again(directory, &why)
            }
            Err(error @ DerivedError::Damaged { .. }) => {
                drop(derived);
                begin_again(directory, &error.to_string())
            }
            Err(error) => Err(error),
        },
        Err(error @ DerivedError::Damaged { .. }) => begin_again(directory, &error.to_string()),
        Err(error) => Err(error),
    }
}

/// A place that a partition is folded to although the log does not reach it: the log is another one.
pub fn ahead_of(
    derived: &dyn Derived,
    partitions: u16,
    end: Position,
) -> Result<Option<Position>, DerivedError> {
    for partition in 0..partitions {
        let folded = derived.folded(partition)?;
        if folded > end {
            return Ok(Some(folded));
        }
    }
    Ok(None)
}

fn begin_again(directory: &Path, why: &str) -> Result<EmbeddedDerived, DerivedError> {
    tracing::error!(why, "derived state is rebuilt from the log");
    let (kept, aside) = restart(directory, DerivedOptions::default())?;
    tracing::warn!(announcements = kept.announcements, "announcements were kept");
    if let (Some(lost), Some(aside)) = (kept.lost, aside) {
        let aside = aside.display().to_string();
        tracing::error!(lost, aside, "announcements could not all be kept; what there was is put aside");
    }
    EmbeddedDerived::open(directory, DerivedOptions::default())
}
