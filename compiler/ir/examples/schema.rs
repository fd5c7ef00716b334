//! Prints the JSON Schema of compiled policies: `cargo xtask generate` keeps it in `docs/schemas/compiled.schema.json`.

use std::io::Write;

fn main() -> std::io::Result<()> {
    std::io::stdout().lock().write_all(aquarium_ir::schema::policy()?.as_bytes())
}
