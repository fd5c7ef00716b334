//! From a path to a policy version that charges: source is compiled first, a module is taken as it is.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use aquarium_charging::Version;
use aquarium_compiler::{Analysis, EmitOptions, emit};
use aquarium_engine::{Engine, EngineOptions};
use aquarium_ir::Policy;
use aquarium_ir::module::ModuleFile;

use crate::failure::{FINDINGS, Failure};
use crate::{inputs, report};

/// Loads policies into one engine.
pub struct Loader {
    engine: Engine,
}

/// What a path's policy says, without what charges by it; or the exit code after its errors were reported.
pub fn policy(path: &Path) -> Result<Result<Policy, ExitCode>, Failure> {
    if is_module(path) {
        let bytes = read_module(path)?;
        let policy = ModuleFile::read(&bytes).and_then(|module| module.policy());
        return policy.map(Ok).map_err(|error| Failure::unreadable(path, error));
    }
    Ok(analysis(path)?.into_policy().ok_or(ExitCode::from(FINDINGS)))
}

/// What is known of the policy whose source is at a path, after its errors were reported.
fn analysis(path: &Path) -> Result<Analysis, Failure> {
    let inputs = inputs::read(&[path.to_owned()])?;
    let mut analysis = aquarium_compiler::analyze(inputs.files);
    report::write_errors(&mut analysis, &inputs.directory)?;
    Ok(analysis)
}

fn is_module(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "wasm")
}

fn read_module(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::unreadable(path, error))
}

/// A version, or the exit code after its errors were reported.
pub type Loaded = Result<Version, ExitCode>;

impl Loader {
    /// A loader without a cache of native code.
    pub fn new() -> Result<Self, Failure> {
        let engine =
            Engine::new(&EngineOptions::default()).map_err(|error| Failure::Defect(error.to_string()))?;
        Ok(Self { engine })
    }

    /// The policy at a path: a module, a policy file or a directory.
    pub fn load(&self, path: &Path) -> Result<Loaded, Failure> {
        if is_module(path) {
            return self
                .version(&read_module(path)?)
                .map(Ok)
                .map_err(|reason| Failure::unreadable(path, reason));
        }
        let analysis = analysis(path)?;
        let Some(policy) = analysis.policy() else { return Ok(Err(ExitCode::from(FINDINGS))) };
        // The same bytes as `compile` writes: charges name their module.
        let options = EmitOptions { sources: &analysis.files, ..EmitOptions::default() };
        let module = emit(policy, options).map_err(|error| Failure::Defect(error.to_string()))?;
        self.version(&module).map(Ok).map_err(Failure::Defect)
    }

    fn version(&self, module: &[u8]) -> Result<Version, String> {
        let module = self.engine.load(module).map_err(|error| error.to_string())?;
        let (policy, hash) = (Arc::clone(module.policy()), module.hash().to_owned());
        Ok(Version::new(policy, &hash, Arc::new(module)))
    }
}
