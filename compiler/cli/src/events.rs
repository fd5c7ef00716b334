//! Event files on the command line, and instants in its options.

use std::io::Read;
use std::path::Path;

use aquarium_charging::simulate::Line;
use aquarium_ir::Millis;
use aquarium_ir::time::{Month, WrittenInstant, Zone};

use crate::failure::Failure;

/// An event file in memory.
pub struct EventFile {
    name: String,
    bytes: Vec<u8>,
}

impl EventFile {
    /// Reads a file; `-` is standard input.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let mut bytes = Vec::new();
        let read = if path == Path::new("-") {
            std::io::stdin().read_to_end(&mut bytes).map(|_| ())
        } else {
            std::fs::read(path).map(|content| bytes = content)
        };
        read.map_err(|error| Failure::unreadable(path, error))?;
        Ok(Self { name: path.to_string_lossy().into_owned(), bytes })
    }

    /// Events that stand in no file.
    pub fn of(name: &str, lines: String) -> Self {
        Self { name: name.to_owned(), bytes: lines.into_bytes() }
    }

    /// Its lines, numbered from 1.
    pub fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        let lines = self.bytes.split(|byte| *byte == b'\n');
        lines.zip(1..).map(|(bytes, number)| Line { file: &self.name, number, bytes })
    }
}

/// The instant that an option names, in the policy's zone where it names none itself.
pub fn instant(option: &str, text: Option<&str>, zone: &Zone) -> Result<Option<Millis>, Failure> {
    let read = |text| {
        let written = WrittenInstant::read(text, zone);
        written.map(|written| written.instant).map_err(|error| Failure::Use(format!("`{option}`: {error}")))
    };
    text.map(read).transpose()
}

/// `YYYY-MM`
pub fn month(text: &str) -> Option<Month> {
    let (year, month) = text.split_once('-').filter(|(year, month)| year.len() == 4 && month.len() == 2)?;
    let month = Month { year: year.parse().ok()?, month: month.parse().ok()? };
    (1..=12).contains(&month.month).then_some(month)
}
