//! Lines and columns of byte offsets.

/// Where the lines of a text begin, and how many characters lie before them.
///
/// Findings can be many and a line as long as the file, so that counting begins near the place that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineIndex {
    starts: Vec<u32>,
    /// At least one; of a text of ASCII alone just the first, since each of its bytes is a character.
    marks: Vec<Mark>,
    is_ascii: bool,
}

/// So many bytes of a text are so many characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Mark {
    bytes: u32,
    characters: u32,
}

/// How many bytes lie between two marks, about: what is counted for one answer.
const MARK_EVERY: usize = 1024;

impl LineIndex {
    /// The index of a text; lines end with `\n` (a `\r` before it belongs to the line).
    #[must_use]
    pub fn new(text: &[u8]) -> Self {
        let after_breaks = text.iter().zip(1_u32..).filter(|(byte, _)| **byte == b'\n').map(|(_, next)| next);
        let is_ascii = text.is_ascii();
        let marks = if is_ascii { vec![Mark::default()] } else { marks(text) };
        Self { starts: std::iter::once(0).chain(after_breaks).collect(), marks, is_ascii }
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
        let start = self.start(line).unwrap_or(0);
        let offset = offset.min(u32::try_from(text.len()).unwrap_or(u32::MAX));
        let column = self.characters(text, offset).saturating_sub(self.characters(text, start));
        (line + 1, column + 1)
    }

    /// How many characters of the text lie before a byte offset.
    fn characters(&self, text: &[u8], offset: u32) -> usize {
        if self.is_ascii {
            return offset as usize;
        }
        let place = self.marks.partition_point(|mark| mark.bytes <= offset).saturating_sub(1);
        let mark = self.marks.get(place).copied().unwrap_or_default();
        let between = text.get(mark.bytes as usize..offset as usize).unwrap_or_default();
        let counts = between.utf8_chunks().map(|chunk| chunk.valid().chars().count() + chunk.invalid().len());
        mark.characters as usize + counts.sum::<usize>()
    }
}

/// Marks where characters begin, in order.
fn marks(text: &[u8]) -> Vec<Mark> {
    let mut marks = vec![Mark::default()];
    let (mut here, mut next) = (Mark::default(), MARK_EVERY);
    let mut advance = |bytes: usize, characters: usize| {
        here.bytes = here.bytes.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
        here.characters = here.characters.saturating_add(u32::try_from(characters).unwrap_or(u32::MAX));
        if here.bytes as usize >= next {
            next = here.bytes as usize + MARK_EVERY;
            marks.push(here);
        }
    };
    for chunk in text.utf8_chunks() {
        let mut rest = chunk.valid();
        while let Some((piece, behind)) = rest.split_at_checked(rest.floor_char_boundary(MARK_EVERY))
            && !piece.is_empty()
        {
            advance(piece.len(), piece.chars().count());
            rest = behind;
        }
        advance(chunk.invalid().len(), chunk.invalid().len());
    }
    marks
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

    /// The column as the documentation has it, counted from the line's beginning.
    fn naive(text: &[u8], offset: usize) -> usize {
        let start = text[..offset].iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        let ill_formed = |chunk: std::str::Utf8Chunk<'_>| chunk.invalid().len();
        let chunks = text[start..offset].utf8_chunks();
        chunks.map(|chunk| chunk.valid().chars().count() + ill_formed(chunk)).sum::<usize>() + 1
    }

    #[test]
    fn columns_far_in_a_line_count_its_characters_too() {
        let pieces: [&[u8]; 6] =
            [b"plain ", "\u{e9}\u{1F41F}".as_bytes(), b"\xff\xfe", b"\xe2\x82", b"\n", "\u{20AC}".as_bytes()];
        let mut text = Vec::new();
        for piece in 0..3_000_usize {
            // Line breaks are rare, so that lines hold several marks.
            let chosen = if piece % 1_000 == 999 { 4 } else { [0, 1, 5, 2, 3][piece * 7 % 11 % 5] };
            text.extend_from_slice(pieces[chosen]);
        }
        let index = LineIndex::new(&text);
        let begins = |offset: &usize| text.get(*offset).is_none_or(|byte| byte & 0xc0 != 0x80);
        for offset in (0..=text.len()).filter(begins) {
            let (_, column) = index.line_column(&text, u32::try_from(offset).unwrap());
            assert_eq!(column, naive(&text, offset), "at byte {offset}");
        }
    }
}
