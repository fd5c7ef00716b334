//! The modules that were ever deployed: files named by their hash, charging once they are loaded.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use aquarium_charging::Version;
use aquarium_ir::time::Zone;
use sha2::{Digest, Sha256};
use thiserror::Error;

/// Why a module cannot be used.
#[derive(Debug, Error)]
pub enum PolicyError {
    /// It is no compiled policy, or one that this program cannot run.
    #[error("the policy module {name} cannot be used: {why}")]
    Unusable {
        /// Its file or hash.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// Its file cannot be read or written.
    #[error("the policy module `{}`: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The modules of a data directory.
pub struct Policies {
    directory: PathBuf,
    loaded: Mutex<BTreeMap<String, Version>>,
    zone: RwLock<Zone>,
}

impl Policies {
    /// The modules in a directory, which is made where it is not there.
    pub fn open(directory: PathBuf) -> Result<Self, PolicyError> {
        fs::create_dir_all(&directory)
            .map_err(|source| PolicyError::Io { path: directory.clone(), source })?;
        Ok(Self { directory, loaded: Mutex::default(), zone: RwLock::new(Zone::utc()) })
    }

    /// The zone of the policy that was deployed last: that of local times in questions.
    pub fn zone(&self) -> Zone {
        self.zone.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes a module in, durably; gives its hash.
    pub fn add(&self, module: &[u8]) -> Result<String, PolicyError> {
        let hash = hash_of(module);
        let version = load(&hash, module)?;
        let path = self.path(&hash);
        if !path.exists() {
            write_durably(&self.directory, &path, module)
                .map_err(|source| PolicyError::Io { path: path.clone(), source })?;
        }
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner).insert(hash.clone(), version);
        Ok(hash)
    }

    /// A policy that was taken in, ready to charge.
    pub fn version(&self, hash: &str) -> Result<Version, PolicyError> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let version = match loaded.get(hash) {
            Some(version) => version.clone(),
            None => self.read(hash)?,
        };
        loaded.insert(hash.to_owned(), version.clone());
        *self.zone.write().unwrap_or_else(PoisonError::into_inner) = version.policy.zone.clone();
        Ok(version)
    }

    fn read(&self, hash: &str) -> Result<Version, PolicyError> {
        let path = self.path(hash);
        let unusable = |why: &str| PolicyError::Unusable { name: hash.to_owned(), why: why.to_owned() };
        if !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(unusable("this is no hash of a module"));
        }
        let module = fs::read(&path).map_err(|source| PolicyError::Io { path, source })?;
        if hash_of(&module) != hash {
            return Err(unusable("its file is damaged: it has another hash"));
        }
        load(hash, &module)
    }

    fn path(&self, hash: &str) -> PathBuf {
        self.directory.join(format!("{hash}.wasm"))
    }
}

/// The hash under which a module is known.
pub fn hash_of(module: &[u8]) -> String {
    Sha256::digest(module).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Under its name the file is there whole or not at all.
fn write_durably(directory: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = path.with_extension("new");
    let mut file = fs::File::create(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    fs::File::open(directory)?.sync_all()
}

fn load(hash: &str, module: &[u8]) -> Result<Version, PolicyError> {
    let policy: aquarium_ir::Policy = serde_json::from_slice(module)
        .map_err(|error| PolicyError::Unusable { name: hash.to_owned(), why: error.to_string() })?;
    let policy = Arc::new(policy);
    Ok(Version::new(policy.clone(), hash, Arc::new(aquarium_charging::Interpreter(policy))))
}
