//! Compiled modules to charges: WebAssembly behind the trait that charging takes.
//!
//! A module is looked at before it is run: format and digest, then every instruction against a short list of
//! what the compiler writes ([`validate()`]). This crate knows slots and modules, not what is charged for.

mod cache;
mod engine;
mod instance;
mod module;
pub mod validate;

pub use cache::NativeCache;
pub use engine::{Engine, EngineError, EngineOptions};
pub use module::{LoadError, LoadedModule};
pub use validate::{Refusal, validate};

/// The engine that runs modules: native code of another version is compiled anew.
pub const ENGINE: &str = "wasmtime 48";

#[cfg(test)]
mod tests {
    #[test]
    fn the_engine_is_the_one_that_is_built_in() {
        let lock = include_str!("../../../Cargo.lock");
        let entry = format!("name = \"wasmtime\"\nversion = \"{}.", super::ENGINE.replace("wasmtime ", ""));
        assert!(lock.contains(&entry), "{entry}");
    }
}
