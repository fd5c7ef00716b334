//! Copying a log, also while another process writes to it.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::files::{Files, LogFile, RealFiles};
use super::format::Mark;
use super::scan::{self, EachRecord, MARK_FILE, Scan, Segment};
use super::verify::Verified;
use crate::log::OpenError;

/// Bytes that are copied at once.
const CHUNK_BYTES: usize = 1 << 20;

/// Why a log was not copied.
#[derive(Debug, Error)]
pub enum CopyError {
    /// It cannot be read, or is damaged: damage is not copied.
    #[error(transparent)]
    Log(#[from] OpenError),
    /// The copy cannot be written.
    #[error("`{}` cannot be written: {source}", path.display())]
    Write {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Copies a log, as far as it reaches now, to a directory where there is none. Everything is checked while it is read;
/// the copy ends with a whole block, has a mark of its own, and is durable.
///
/// # Errors
/// Where the log is damaged, and where the copy cannot be written; what there is of it then is of no use.
pub fn copy(from: &Path, to: &Path) -> Result<Verified, CopyError> {
    let files = RealFiles;
    if scan::segment_paths(&files, from).map_or(true, |paths| paths.is_empty()) {
        return Err(OpenError::Missing(from.to_owned()).into());
    }
    let scan = scan::scan(&files, from, &|path| files.open(path), &mut EachRecord(&mut |_| ()))?;
    let unwritable = |path: &Path, source: io::Error| CopyError::Write { path: path.to_owned(), source };
    files.create_directory(to).map_err(|error| unwritable(to, error))?;
    for segment in &scan.segments {
        let path = to.join(&*segment.name);
        copy_segment(&files, segment, &path).map_err(|error| unwritable(&path, error))?;
    }
    let mark = to.join(MARK_FILE);
    write_mark(&files, &scan, &mark).map_err(|error| unwritable(&mark, error))?;
    files.sync_directory(to).map_err(|error| unwritable(to, error))?;
    Ok(Verified::of(scan))
}

fn copy_segment(files: &dyn Files, segment: &Segment, to: &Path) -> io::Result<()> {
    let copy = files.open_to_write(to)?;
    copy.set_length(0)?;
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut offset = 0;
    while offset < segment.bytes {
        let length = usize::try_from(segment.bytes - offset).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
        buffer.truncate(length);
        segment.file.read_exact_at(&mut buffer, offset)?;
        copy.write_all_at(&buffer, offset)?;
        offset += length as u64;
    }
    copy.sync_data()
}

fn write_mark(files: &dyn Files, scan: &Scan, path: &Path) -> io::Result<()> {
    let file: Box<dyn LogFile> = files.open_to_write(path)?;
    file.write_all_at(&Mark { end: scan.end, chain: scan.chain }.encode(), 0)?;
    file.sync_data()
}
