//! Lines and columns of byte offsets.

/// Where the lines of a text begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineIndex {
    starts: Vec<u32>,
    text: Characters,
}

/// What bytes are characters. Findings can be many and lines long, so that counting has to be quick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Characters {
    /// Each byte is one.
    Ascii,
    /// As UTF-8 has it.
    Unicode,
    /// There are ill-formed bytes.
    Broken,
}

impl Characters {
    fn of(text: &[u8]) -> Self {
        match (text.is_ascii(), std::str::from_utf8(text)) {
            (true, _) => Self::Ascii,
            (false, Ok(_)) => Self::Unicode,
            (false, Err(_)) => Self::Broken,
        }
    }

    fn count(self, bytes: &[u8]) -> usize {
        match self {
            Self::Ascii => bytes.len(),
            // All bytes of a character but its first are 10xxxxxx.
            Self::Unicode => bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count(),
            Self::Broken => String::from_utf8_lossy(bytes).chars().count(),
        }
    }
}

impl LineIndex {
    /// The index of a text; lines end with `\n` (a `\r` before it belongs to the line).
    #[must_use]
    pub fn new(text: &[u8]) -> Self {
        let after_breaks = text.iter().zip(1_u32..).filter(|(byte, _)| **byte == b'\n').map(|(_, next)| next);
        Self { starts: std::iter::once(0).chain(after_breaks).collect(), text: Characters::of(text) }
    }

    /// The line of a byte offset, from 0.
    #[must_use]
    pub fn line(&self, offset: u32) -> usize {
        self.starts.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    /// The byte offset at which a line begins; `None` past the last line.
    #[must_use]
    pub fn start(&self, line: usize) -> Option<u32> {
        self.starts.get(line).copied()
    }

    /// How many lines there are; a text that ends with a line break has an empty last line.
    #[must_use]
    pub fn lines(&self) -> usize {
        self.starts.len()
    }

    /// Line and column for people, both from 1, columns in characters (an ill-formed byte counts as one).
    #[must_use]
    pub fn line_column(&self, text: &[u8], offset: u32) -> (usize, usize) {
        let line = self.line(offset);
        let start = self.start(line).unwrap_or(0) as usize;
        let before = text.get(start..(offset as usize).min(text.len())).unwrap_or_default();
        (line + 1, self.text.count(before) + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_count_from_one() {
        let text = "a: ä\r\nbé: 1\n".as_bytes();
        let index = LineIndex::new(text);
        assert_eq!(index.line_column(text, 0), (1, 1));
        assert_eq!(index.line_column(text, 5), (1, 5));
        assert_eq!(index.line_column(text, 10), (2, 3));
        assert_eq!(index.line_column(text, 99), (3, 1));
        assert_eq!(index.lines(), 3);
    }
}
