//! The modules that were ever deployed: files named by their hash, charging once they are loaded.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use aquarium_charging::Version;
use aquarium_engine::{Engine, EngineError, EngineOptions};
use aquarium_ir::module::ModuleFile;
use aquarium_ir::time::Zone;
use serde::Deserialize;
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
    /// No module can be run at all.
    #[error(transparent)]
    Engine(#[from] EngineError),
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
    engine: Engine,
    loaded: Mutex<BTreeMap<String, Version>>,
    zone: RwLock<Zone>,
}

impl Policies {
    /// The modules in a directory, which is made where it is not there; native code is kept in another.
    pub fn open(directory: PathBuf, native_code: PathBuf) -> Result<Self, PolicyError> {
        fs::create_dir_all(&directory)
            .map_err(|source| PolicyError::Io { path: directory.clone(), source })?;
        let engine = Engine::new(&EngineOptions { native_cache: Some(native_code) })?;
        Ok(Self { directory, engine, loaded: Mutex::default(), zone: RwLock::new(Zone::utc()) })
    }

    /// The zone of the policy that was deployed last: that of local times in questions.
    pub fn zone(&self) -> Zone {
        self.zone.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The policy of a module that is not taken in, ready to charge.
    pub fn inspect(&self, module: &[u8]) -> Result<Version, PolicyError> {
        self.load("given", module)
    }

    /// Takes a module in, durably.
    pub fn keep(&self, module: &[u8]) -> Result<(), PolicyError> {
        let version = self.load("given", module)?;
        let hash = version.module.to_string();
        let path = self.path(&hash);
        if !path.exists() {
            write_durably(&self.directory, &path, module)
                .map_err(|source| PolicyError::Io { path: path.clone(), source })?;
        }
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner).insert(hash, version);
        Ok(())
    }

    /// The bytes of a module that was taken in.
    pub fn module(&self, hash: &str) -> Result<Vec<u8>, PolicyError> {
        let path = self.path(hash);
        if !is_hash(hash) {
            return Err(unusable(hash, "this is no hash of a module"));
        }
        fs::read(&path).map_err(|source| PolicyError::Io { path, source })
    }

    /// The text of a file that a module was compiled from; `None`: it does not have it.
    pub fn source(&self, hash: &str, path: &str) -> Result<Option<String>, PolicyError> {
        let module = self.module(hash)?;
        let file = ModuleFile::read(&module).map_err(|error| unusable(hash, &error.to_string()))?;
        let section: SourceSection =
            serde_json::from_slice(file.source).map_err(|error| unusable(hash, &error.to_string()))?;
        Ok(section.sources.into_iter().find(|source| source.path == path).and_then(|source| source.text))
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
        let version = self.load(hash, &self.module(hash)?)?;
        if *version.module == *hash {
            Ok(version)
        } else {
            Err(unusable(hash, "its file holds another module"))
        }
    }

    fn load(&self, name: &str, module: &[u8]) -> Result<Version, PolicyError> {
        let loaded = self.engine.load(module);
        let loaded = loaded.map_err(|error| unusable(name, &error.to_string()))?;
        let (policy, hash) = (loaded.policy().clone(), loaded.hash().to_owned());
        Ok(Version::new(policy, &hash, Arc::new(loaded)))
    }

    fn path(&self, hash: &str) -> PathBuf {
        self.directory.join(format!("{hash}.wasm"))
    }
}

/// What is read here of a module's section of sources.
#[derive(Deserialize)]
struct SourceSection {
    sources: Vec<SourceText>,
}

#[derive(Deserialize)]
struct SourceText {
    path: String,
    #[serde(default)]
    text: Option<String>,
}

/// A hash names a file; nothing else may.
fn is_hash(text: &str) -> bool {
    text.len() == HASH_DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Hexadecimal digits of a SHA-256.
const HASH_DIGITS: usize = 64;

fn unusable(name: &str, why: &str) -> PolicyError {
    PolicyError::Unusable { name: name.to_owned(), why: why.to_owned() }
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
