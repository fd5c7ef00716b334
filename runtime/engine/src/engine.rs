//! The engine that all modules of a process share.

#![allow(clippy::disallowed_methods, reason = "the guard of calls that do not end counts wall time")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aquarium_ir::module::{ModuleFile, content_hash};
use wasmtime::{Config, OptLevel};

use crate::cache::NativeCache;
use crate::module::{LoadError, LoadedModule};
use crate::validate::validate;

/// How often the guard against calls that do not end looks.
const TICK: Duration = Duration::from_millis(100);

/// After how many ticks a call is stopped. A batch takes milliseconds; three seconds are a defect, and whoever waits
/// behind it has waited long enough.
pub(crate) const TICKS_MAX: u64 = 30;

/// What an engine is to be like.
#[derive(Debug, Clone, Default)]
pub struct EngineOptions {
    /// Where to keep native code, by module and engine version. The directory is made private to its owner;
    /// whoever can write to it can run code in this process. `None`: native code is not kept.
    pub native_cache: Option<PathBuf>,
}

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The machine cannot run modules.
    #[error("cannot set up the WebAssembly engine: {0}")]
    Setup(String),
    /// The directory for native code cannot be used.
    #[error("cannot keep native code in `{}`: {reason}", .directory.display())]
    Cache {
        /// The directory.
        directory: PathBuf,
        /// Why not.
        reason: String,
    },
}

/// Loads modules. Cheap to clone; clones are the same engine.
#[derive(Debug, Clone)]
pub struct Engine {
    native: wasmtime::Engine,
    cache: Option<Arc<NativeCache>>,
}

impl Engine {
    /// An engine, and the thread that guards its calls; the thread ends when the last clone is dropped.
    ///
    /// # Errors
    /// Where the machine cannot run modules, or the directory for native code cannot be made private.
    pub fn new(options: &EngineOptions) -> Result<Self, EngineError> {
        let mut config = Config::new();
        config.wasm_wide_arithmetic(true);
        config.wasm_relaxed_simd(false);
        config.wasm_simd(false);
        config.epoch_interruption(true);
        config.cranelift_opt_level(OptLevel::Speed);
        let native = wasmtime::Engine::new(&config).map_err(|error| EngineError::Setup(error.to_string()))?;
        let cache = options.native_cache.as_ref().map(|directory| {
            NativeCache::open(directory, &native).map(Arc::new).map_err(|reason| EngineError::Cache {
                directory: directory.clone(),
                reason: reason.to_string(),
            })
        });
        let cache = cache.transpose()?;
        guard(&native).map_err(|error| EngineError::Setup(error.to_string()))?;
        Ok(Self { native, cache })
    }

    /// Checks a module and makes it ready to charge.
    ///
    /// # Errors
    /// Where the bytes are not a compiled policy of this format, or hold anything that the compiler does not
    /// write.
    pub fn load(&self, bytes: &[u8]) -> Result<LoadedModule, LoadError> {
        let policy = ModuleFile::read(bytes)?.policy()?;
        validate(bytes)?;
        let hash = content_hash(bytes);
        let kept = self.cache.as_ref().and_then(|cache| cache.load(&self.native, &hash));
        let module = match kept {
            Some(module) => module,
            None => {
                let compiled = wasmtime::Module::new(&self.native, bytes);
                let module = compiled.map_err(|error| LoadError::Engine(format!("{error:#}")))?;
                if let Some(cache) = &self.cache {
                    cache.store(&module, &hash);
                }
                module
            }
        };
        LoadedModule::new(module, policy, hash)
    }
}

/// Counts ticks while the engine lives, so that a call that does not end is stopped.
fn guard(engine: &wasmtime::Engine) -> std::io::Result<()> {
    let engine = engine.weak();
    std::thread::Builder::new().name("aquarium-engine-guard".into()).spawn(move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(TICK);
        }
    })?;
    Ok(())
}
