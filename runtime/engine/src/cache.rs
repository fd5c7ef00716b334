//! Native code of modules, kept in a private directory.
//!
//! Native code is run as it is found, so the directory belongs to the user of the process and nobody else
//! may write to it; a digest before the code finds files that were cut short. Whatever cannot be read or
//! written is compiled anew: the cache is never an error.

#![allow(clippy::disallowed_methods, reason = "native code is kept in files")]

use std::fs::{self, DirBuilder, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use wasmtime::{Engine, Module};

const DIGEST_BYTES: usize = 32;

/// A directory of native code.
#[derive(Debug)]
pub struct NativeCache {
    directory: PathBuf,
    /// Engine, its version and its settings.
    engine: u64,
}

impl NativeCache {
    /// Opens a directory, creating it where it is missing.
    ///
    /// # Errors
    /// Where it cannot be created or written, belongs to somebody else, or is open to others.
    pub fn open(directory: &Path, engine: &Engine) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let metadata = fs::symlink_metadata(directory)?;
        if !metadata.is_dir() || metadata.mode() & 0o077 != 0 {
            return Err(io::Error::other("it is open to others: its mode must be 0700"));
        }
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        let cache = Self { directory: directory.to_owned(), engine: hasher.finish() };
        let probe = cache.temporary();
        let owner = cache.write(&probe, &[]).and_then(|()| fs::metadata(&probe));
        let _ = fs::remove_file(&probe);
        if owner?.uid() != metadata.uid() {
            return Err(io::Error::other("it belongs to another user"));
        }
        Ok(cache)
    }

    /// The native code of a module, where it is there and whole.
    pub(crate) fn load(&self, engine: &Engine, hash: &str) -> Option<Module> {
        let bytes = fs::read(self.file(hash)).ok()?;
        let (digest, code) = bytes.split_at_checked(DIGEST_BYTES)?;
        if Sha256::digest(code).as_slice() != digest {
            return None;
        }
        #[expect(
            unsafe_code,
            reason = "the code was written by this user into a directory that is closed to others"
        )]
        let module = unsafe { Module::deserialize(engine, code) };
        module.ok()
    }

    /// Keeps the native code of a module.
    pub(crate) fn store(&self, module: &Module, hash: &str) {
        let Ok(code) = module.serialize() else { return };
        let mut bytes = Sha256::digest(&code).to_vec();
        bytes.extend_from_slice(&code);
        let temporary = self.temporary();
        let written = self.write(&temporary, &bytes).and_then(|()| fs::rename(&temporary, self.file(hash)));
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(bytes)
    }

    fn file(&self, hash: &str) -> PathBuf {
        self.directory.join(format!("{hash}-{:016x}.native", self.engine))
    }

    /// A name that no other process or thread uses.
    fn temporary(&self) -> PathBuf {
        use std::sync::atomic::{AtomicU64, Ordering};
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        self.directory.join(format!(".{}-{next}.new", std::process::id()))
    }
}
