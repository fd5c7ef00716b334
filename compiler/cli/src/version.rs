//! From a path to a policy version that charges: source is compiled first, a module is taken as it is.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use aquarium_charging::Version;
use aquarium_compiler::{Analysis, EmitOptions, Severity, emit};
use aquarium_engine::{Engine, EngineOptions};

use crate::arguments::Format;
use crate::failure::{FINDINGS, Failure};
use crate::{inputs, report};

/// Loads policies into one engine.
pub struct Loader {
    engine: Engine,
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
        if path.extension().is_some_and(|extension| extension == "wasm") {
            let bytes = std::fs::read(path).map_err(|error| Failure::unreadable(path, error))?;
            return self.version(&bytes).map(Ok).map_err(|reason| Failure::unreadable(path, reason));
        }
        let inputs = inputs::read(&[path.to_owned()])?;
        let mut analysis = aquarium_compiler::analyze(inputs.files);
        keep_errors(&mut analysis);
        report::write(&analysis, &inputs.directory, Format::Human)?;
        let Some(policy) = analysis.policy else { return Ok(Err(ExitCode::from(FINDINGS))) };
        let module =
            emit(&policy, EmitOptions::default()).map_err(|error| Failure::Defect(error.to_string()))?;
        self.version(&module).map(Ok).map_err(Failure::Defect)
    }

    fn version(&self, module: &[u8]) -> Result<Version, String> {
        let module = self.engine.load(module).map_err(|error| error.to_string())?;
        let (policy, hash) = (Arc::clone(module.policy()), module.hash().to_owned());
        Ok(Version::new(policy, &hash, Arc::new(module)))
    }
}

/// Whoever runs a policy sees only what keeps it from running.
fn keep_errors(analysis: &mut Analysis) {
    analysis.diagnostics.retain(|found| found.severity == Severity::Error);
}
