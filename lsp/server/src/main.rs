//! The language server over standard input and output.

fn main() -> std::io::Result<std::process::ExitCode> {
    aquarium_lsp::serve_stdio()
}
