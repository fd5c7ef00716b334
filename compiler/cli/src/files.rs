//! Files: read within the limits of the language, and written whole or not at all.

use std::fs::{File, Metadata};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use aquarium_grammar::Limits;

use crate::failure::Failure;

/// The bytes of a policy file. No more than the parser looks at, and one to tell that there are more: a device that
/// never ends is a large file.
pub fn read_policy(path: &Path) -> Result<Vec<u8>, Failure> {
    let file = File::open(path).map_err(|error| Failure::unreadable(path, error))?;
    read_within_limits(file).map_err(|error| Failure::unreadable(path, error))
}

/// The same of any reader.
pub fn read_within_limits(reader: impl Read) -> std::io::Result<Vec<u8>> {
    let most = u64::try_from(Limits::default().file_bytes_max).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    reader.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    // Kept while all else is worked out.
    bytes.shrink_to_fit();
    Ok(bytes)
}

/// Writes a file whole or not at all; see [`write_by`].
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    write_by(path, |mut file| file.write_all(bytes))
}

/// Lets `content` write beside the target and renames: an interrupted write leaves the old file. Links are followed,
/// permissions stay, and what is no plain file (`/dev/stdout`, a named pipe) is written to as it is.
pub fn write_by(path: &Path, content: impl FnOnce(&File) -> std::io::Result<()>) -> Result<(), Failure> {
    let target = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    match target.metadata() {
        Ok(old) if !old.is_file() => File::create(&target).and_then(|file| content(&file)),
        old => replace(&target, content, old.ok().as_ref()),
    }
    .map_err(|error| Failure::unwritable(path, error))
}

fn replace(
    target: &Path,
    content: impl FnOnce(&File) -> std::io::Result<()>,
    old: Option<&Metadata>,
) -> std::io::Result<()> {
    let beside = beside(target)?;
    let written = write_beside(&beside, content, old).and_then(|()| std::fs::rename(&beside, target));
    if written.is_err() {
        // The first error is the one to report; the temporary file may not even exist.
        let _ = std::fs::remove_file(&beside);
    }
    written
}

fn write_beside(
    beside: &Path,
    content: impl FnOnce(&File) -> std::io::Result<()>,
    old: Option<&Metadata>,
) -> std::io::Result<()> {
    let file = File::create(beside)?;
    if let Some(old) = old {
        file.set_permissions(old.permissions())?;
    }
    content(&file)?;
    file.sync_all()
}

fn beside(target: &Path) -> std::io::Result<PathBuf> {
    let name = target
        .file_name()
        .ok_or_else(|| std::io::Error::new(std::io::ErrorKind::InvalidInput, "this is no file name"))?;
    Ok(target.with_file_name(format!(".{}.{}", name.to_string_lossy(), std::process::id())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_stays_a_link_and_permissions_stay() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("file"), directory.path().join("link"));
        std::fs::write(&file, "old").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write(&link, b"new").unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(std::fs::read(&file).unwrap(), b"new");
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 2);
    }

    #[test]
    fn devices_are_written_to_and_stay_devices() {
        write(Path::new("/dev/null"), b"nothing").unwrap();
        assert!(!Path::new("/dev/null").metadata().unwrap().is_file());
    }

    #[test]
    fn an_endless_device_is_a_large_file() {
        let bytes = read_policy(Path::new("/dev/zero")).unwrap();
        assert_eq!(bytes.len(), Limits::default().file_bytes_max + 1);
    }

    #[test]
    fn what_cannot_be_written_is_named() {
        for path in ["/no/such/directory/file", "/", "/proc/version/file"] {
            let error = write(Path::new(path), b"x").unwrap_err().to_string();
            assert!(error.contains(&format!("`{path}`")), "{error}");
        }
    }
}
