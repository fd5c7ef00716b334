//! `aquariumc lsp`: the language server, so that server and compiler are always of one version.

use std::process::ExitCode;

use crate::failure::Failure;

/// Serves until the client ends the session.
pub fn run() -> Result<ExitCode, Failure> {
    aquarium_lsp::serve_stdio().map_err(|error| Failure::Use(format!("cannot serve: {error}")))
}
