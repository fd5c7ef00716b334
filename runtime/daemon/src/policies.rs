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
    /// The store that all nodes share cannot be used.
    #[error("the policy module {name} cannot be had: {why}")]
    Shared {
        /// Its hash.
        name: String,
        /// Why.
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

/// Where all nodes have their modules.
pub trait Library: Send + Sync {
    /// Keeps a module for the others.
    ///
    /// # Errors
    /// Why it cannot.
    fn keep(&self, hash: &str, module: &[u8]) -> Result<(), String>;

    /// A module that another node has kept.
    ///
    /// # Errors
    /// Why it cannot be had.
    fn find(&self, hash: &str) -> Result<Option<Vec<u8>>, String>;
}

/// The modules of a data directory, and those of other nodes.
pub struct Policies {
    library: Option<Arc<dyn Library>>,
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
        let zone = RwLock::new(Zone::utc());
        Ok(Self { library: None, directory, engine, loaded: Mutex::default(), zone })
    }

    /// The same, and what is deployed is for other nodes too.
    pub fn shared(self, library: Arc<dyn Library>) -> Self {
        Self { library: Some(library), ..self }
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
        self.publish(&hash, module)?;
        self.write(&hash, module)?;
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner).insert(hash, version);
        Ok(())
    }

    fn write(&self, hash: &str, module: &[u8]) -> Result<(), PolicyError> {
        let path = self.path(hash);
        if path.exists() {
            return Ok(());
        }
        write_durably(&self.directory, &path, module).map_err(|source| PolicyError::Io { path, source })
    }

    /// The bytes of a module that was taken in, here or by another node.
    pub fn module(&self, hash: &str) -> Result<Vec<u8>, PolicyError> {
        let path = self.path(hash);
        if !is_hash(hash) {
            return Err(unusable(hash, "this is no hash of a module"));
        }
        match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => match self.find(hash)? {
                Some(module) => Ok(module),
                None => Err(PolicyError::Io { path, source: error }),
            },
            read => read.map_err(|source| PolicyError::Io { path, source }),
        }
    }

    /// Fetches a module that another node has kept.
    fn find(&self, hash: &str) -> Result<Option<Vec<u8>>, PolicyError> {
        let Some(library) = &self.library else { return Ok(None) };
        let found = library.find(hash).map_err(|why| PolicyError::Shared { name: hash.to_owned(), why })?;
        let Some(module) = found else { return Ok(None) };
        if *self.load(hash, &module)?.module != *hash {
            return Err(unusable(hash, "under its hash there is another module in the store"));
        }
        self.write(hash, &module)?;
        Ok(Some(module))
    }

    /// Lets other nodes have a module.
    fn publish(&self, hash: &str, module: &[u8]) -> Result<(), PolicyError> {
        let Some(library) = &self.library else { return Ok(()) };
        library.keep(hash, module).map_err(|why| PolicyError::Shared { name: hash.to_owned(), why })
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
        let module = self.module(hash)?;
        let version = self.load(hash, &module)?;
        if *version.module == *hash {
            // It may have been deployed before there were others.
            self.publish(hash, &module)?;
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
