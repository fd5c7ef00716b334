//! What the product is measured against: charges by native code and by interpreters, the fold without WebAssembly, what
//! this machine can do at most with the lines of a workload, a handler that does nothing.
//!
//! `cargo xtask bench` runs it; a figure is a line of JSON. A yardstick is tuned as hard as the product.

mod append;
mod chargers;
mod charges;
mod fold;
mod handler;
mod measure;
mod parse;
mod policy;

use std::error::Error;
use std::path::Path;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a part fails with.
pub type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["charges", rounds] => charges::measure(rounds.parse()?),
        ["fold", rounds] => fold::measure(rounds.parse()?),
        ["path", file, directory] => {
            let text = std::fs::read_to_string(file)?;
            parse::measure(&text)?;
            append::measure(&text, Path::new(directory))
        }
        ["handler"] => handler::serve(),
        _ => Err("charges ROUNDS, fold ROUNDS, path FILE DIRECTORY, handler".into()),
    }
}
