//! Standard error: what people are told beside the data. That nobody listens is no failure.

use std::fmt::Display;
use std::io::Write;

/// Writes a text as it is.
pub fn write(text: &str) {
    // Where standard error is closed or full there is nobody to tell, and the exit code still says how it went.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Writes a line.
pub fn say(line: impl Display) {
    write(&format!("{line}\n"));
}
