//! Marks: how far an event file was taken in, so that the next attempt goes on there.
//!
//! A mark is written after what it stands for is durable, and never before; one that is lost or does not fit
//! the file or the log any more only means that events are offered again, which changes nothing.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use aquarium_store::Position;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Bytes at the beginning of a file, and before the mark, by which it is known again.
const SAMPLE_BYTES: u64 = 4 << 10;

/// The marks of a data directory.
pub struct Marks {
    directory: PathBuf,
}

/// The mark of a file.
#[derive(Debug, Serialize, Deserialize)]
struct Mark {
    /// The file, for people.
    file: String,
    /// Bytes that are taken in.
    bytes: u64,
    /// A digest of some of them.
    sample: String,
    /// The end of the log by then: a log that is shorter is another one.
    records: u64,
}

impl Marks {
    /// The marks in a directory, which is made when the first one is written.
    pub fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// How many bytes of a file need not be taken in again.
    pub fn taken_in(&self, path: &Path, file: &File, end: Position) -> u64 {
        let mark = fs::read(self.place(path)).ok();
        let mark = mark.and_then(|text| serde_json::from_slice::<Mark>(&text).ok());
        let fits = |mark: &Mark| {
            mark.records <= end.0 && sample(file, mark.bytes).is_ok_and(|sample| sample == mark.sample)
        };
        mark.filter(fits).map_or(0, |mark| mark.bytes)
    }

    /// Notes that the first bytes of a file are in the log, which ends at a place.
    pub fn note(&self, path: &Path, file: &File, bytes: u64, end: Position) -> io::Result<()> {
        let mark =
            Mark { file: path.display().to_string(), bytes, sample: sample(file, bytes)?, records: end.0 };
        fs::create_dir_all(&self.directory)?;
        let (place, new) = (self.place(path), self.place(path).with_extension("new"));
        fs::write(&new, serde_json::to_vec(&mark)?)?;
        fs::rename(new, place)
    }

    /// Forgets a file: all of it is taken in.
    pub fn clear(&self, path: &Path) -> io::Result<()> {
        match fs::remove_file(self.place(path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn place(&self, path: &Path) -> PathBuf {
        // A path that cannot be made absolute is a name all the same.
        let absolute = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let name = hexadecimal(&Sha256::digest(absolute.as_os_str().as_encoded_bytes()));
        self.directory.join(format!("{name}.json"))
    }
}

/// A digest of the beginning of a file and of the bytes before a place in it.
fn sample(file: &File, bytes: u64) -> io::Result<String> {
    let length = bytes.min(SAMPLE_BYTES);
    let mut hasher = Sha256::new();
    for start in [0, bytes.saturating_sub(length)] {
        let mut part = vec![0; usize::try_from(length).unwrap_or_default()];
        file.read_exact_at(&mut part, start)?;
        hasher.update(part);
    }
    Ok(hexadecimal(&hasher.finalize()))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_holds_for_the_same_beginning_and_the_same_log_only() {
        let directory = tempfile::tempdir().unwrap();
        let (path, marks) = (directory.path().join("events"), Marks::new(directory.path().join("marks")));
        let taken_in = |end| marks.taken_in(&path, &File::open(&path).unwrap(), Position(end));
        fs::write(&path, "a\nb\nc\n").unwrap();
        assert_eq!(taken_in(9), 0);
        marks.note(&path, &File::open(&path).unwrap(), 4, Position(5)).unwrap();
        assert_eq!((taken_in(9), taken_in(5), taken_in(4)), (4, 4, 0));
        fs::write(&path, "a\nb\nc, grown\nd\n").unwrap();
        assert_eq!(taken_in(9), 4);
        for other in ["a\nB\nc\n", "a\nb", ""] {
            fs::write(&path, other).unwrap();
            assert_eq!(taken_in(9), 0, "{other}");
        }
        fs::write(&path, "a\nb\nc\n").unwrap();
        marks.clear(&path).unwrap();
        marks.clear(&path).unwrap();
        assert_eq!(taken_in(9), 0);
    }
}
