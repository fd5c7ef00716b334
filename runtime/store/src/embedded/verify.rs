//! Looking at a log without touching it.

use std::path::Path;

use super::files::{Files, RealFiles};
use super::scan::{self, EachRecord, Scan, Unfinished};
use crate::log::OpenError;
use crate::record::{Position, Record};

/// What a sound log holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Its records.
    pub records: u64,
    /// Its blocks.
    pub blocks: u64,
    /// Its segment files.
    pub segments: u64,
    /// Bytes of its segments.
    pub bytes: u64,
    /// The hash chain's last link.
    pub chain: [u8; 32],
    /// The rest of a write that was interrupted, or that is going on.
    pub unfinished: Option<Unfinished>,
}

/// Reads everything, checks every checksum, the hash chain, and that nothing acknowledged is missing.
///
/// # Errors
///
/// The first damage, with its file, its place and the first record that is affected.
pub fn verify(directory: &Path) -> Result<Verified, OpenError> {
    read_all(directory, &mut |_| ())
}

/// As [`verify`], and gives every record to `visit`. Another process may write to the log meanwhile.
///
/// # Errors
///
/// As [`verify`].
pub fn read_all(directory: &Path, visit: &mut dyn FnMut(Record<'_>)) -> Result<Verified, OpenError> {
    let files = RealFiles;
    if scan::segment_paths(&files, directory).map_or(true, |paths| paths.is_empty()) {
        return Err(OpenError::Missing(directory.to_owned()));
    }
    Ok(Verified::of(scan::scan(&files, directory, &|path| files.open(path), &mut EachRecord(visit))?))
}

impl Verified {
    /// What was found by reading everything.
    pub(super) fn of(scan: Scan) -> Self {
        let Position(records) = scan.end;
        Self {
            records,
            blocks: scan.segments.iter().map(|segment| segment.blocks.len() as u64).sum(),
            segments: scan.segments.len() as u64,
            bytes: scan.segments.iter().map(|segment| segment.bytes).sum(),
            chain: scan.chain,
            unfinished: scan.unfinished,
        }
    }
}
