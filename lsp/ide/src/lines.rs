//! Lines and columns of a text, in the encodings that editors count in.
//!
//! A line ends at `\n`, `\r\n` or a lone `\r`. Every question has an answer: what lies behind the end of
//! a line is its end, what lies behind the last line is the end of the text, and an offset inside a
//! character is where the character begins.

use std::ops::Range;

/// What a column counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Bytes.
    Utf8,
    /// Code units of UTF-16.
    Utf16,
    /// Characters (Unicode scalar values).
    Utf32,
}

/// A place in a text, both counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column, in some [`Encoding`].
    pub column: u32,
}

/// Where the lines of a text begin. It goes with exactly one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineIndex {
    /// The offset of each line's first byte; the first is 0.
    starts: Vec<usize>,
}

impl LineIndex {
    /// The lines of a text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut starts = vec![0];
        starts.extend(line_starts(text.as_bytes(), 0..text.len()));
        Self { starts }
    }

    /// How many lines there are: at least one.
    #[must_use]
    pub fn count(&self) -> usize {
        self.starts.len()
    }

    /// The bytes of a line without its end; empty at the end of the text for a line that is not there.
    #[must_use]
    pub fn line(&self, text: &str, line: u32) -> Range<usize> {
        let index = usize::try_from(line).unwrap_or(usize::MAX);
        let Some(&start) = self.starts.get(index) else { return text.len()..text.len() };
        let next = self.starts.get(index.saturating_add(1)).copied().unwrap_or(text.len());
        let whole = text.get(start..next).unwrap_or("");
        start..start + whole.trim_end_matches(['\n', '\r']).len()
    }

    /// The offset of a position.
    #[must_use]
    pub fn offset(&self, text: &str, position: Position, encoding: Encoding) -> usize {
        let line = self.line(text, position.line);
        let content = text.get(line.clone()).unwrap_or("");
        line.start + bytes_of_columns(content, position.column, encoding)
    }

    /// The position of an offset.
    #[must_use]
    pub fn position(&self, text: &str, offset: usize, encoding: Encoding) -> Position {
        let offset = text.floor_char_boundary(offset);
        let line = self.starts.partition_point(|&start| start <= offset).saturating_sub(1);
        let start = self.starts.get(line).copied().unwrap_or(0);
        let before = text.get(start..offset).unwrap_or("");
        Position { line: to_u32(line), column: columns_of(before, encoding) }
    }

    /// Follows a replacement of `replaced` in a text that is now `text`, `inserted` being the new bytes' number.
    ///
    /// Only the lines that the replacement touches are read again.
    pub fn follow(&mut self, text: &str, replaced: Range<usize>, inserted: usize) {
        // A `\r` before and a `\n` behind the replacement may have come together or apart.
        let first = self.starts.partition_point(|&start| start < replaced.start).saturating_sub(1);
        let kept = self.starts.partition_point(|&start| start <= replaced.end.saturating_add(1));
        let from = self.starts.get(first).copied().unwrap_or(0);
        let behind = self.starts.get(kept).copied();
        let moved = |start: usize| (start + inserted).saturating_sub(replaced.len());
        let to = behind.map_or(text.len(), moved);
        let fresh: Vec<usize> =
            line_starts(text.as_bytes(), from..to).filter(|&start| behind.is_none() || start < to).collect();
        for start in self.starts.iter_mut().skip(kept) {
            *start = moved(*start);
        }
        self.starts.splice(first + 1..kept.max(first + 1), fresh);
    }
}

/// The first bytes of the lines that begin inside a range or at its end, the range's first byte apart.
fn line_starts(bytes: &[u8], range: Range<usize>) -> impl Iterator<Item = usize> + '_ {
    range.filter_map(move |at| match bytes.get(at) {
        Some(b'\n') => Some(at + 1),
        Some(b'\r') if bytes.get(at + 1) != Some(&b'\n') => Some(at + 1),
        _ => None,
    })
}

/// How many columns a text takes.
fn columns_of(text: &str, encoding: Encoding) -> u32 {
    to_u32(match encoding {
        Encoding::Utf8 => text.len(),
        Encoding::Utf16 => text.chars().map(char::len_utf16).sum(),
        Encoding::Utf32 => text.chars().count(),
    })
}

/// The bytes of as many whole characters as fit into some columns.
fn bytes_of_columns(text: &str, columns: u32, encoding: Encoding) -> usize {
    let columns = usize::try_from(columns).unwrap_or(usize::MAX);
    let width = |character: char| match encoding {
        Encoding::Utf8 => character.len_utf8(),
        Encoding::Utf16 => character.len_utf16(),
        Encoding::Utf32 => 1,
    };
    let fits = |column: &mut usize, (at, character): (usize, char)| {
        *column += width(character);
        (*column <= columns).then_some(at + character.len_utf8())
    };
    text.char_indices().scan(0, fits).last().unwrap_or(0)
}

/// A count as editors take it.
fn to_u32(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(line: u32, column: u32) -> Position {
        Position { line, column }
    }

    #[test]
    fn columns_count_what_the_encoding_says() {
        let text = "a\nprix: é🐟x\n";
        let lines = LineIndex::new(text);
        let x = text.rfind('x').unwrap();
        assert_eq!(lines.position(text, x, Encoding::Utf8), at(1, 12));
        assert_eq!(lines.position(text, x, Encoding::Utf16), at(1, 9));
        assert_eq!(lines.position(text, x, Encoding::Utf32), at(1, 8));
        assert_eq!(lines.offset(text, at(1, 9), Encoding::Utf16), x);
        assert_eq!(lines.offset(text, at(1, 8), Encoding::Utf16), x - 4, "inside a pair of surrogates");
    }

    #[test]
    fn what_lies_outside_is_the_nearest_end() {
        let text = "ab\r\ncd";
        let lines = LineIndex::new(text);
        assert_eq!(lines.offset(text, at(0, 99), Encoding::Utf16), 2);
        assert_eq!(lines.offset(text, at(9, 9), Encoding::Utf16), 6);
        assert_eq!(lines.position(text, 99, Encoding::Utf16), at(1, 2));
    }

    fn any_text() -> impl Strategy<Value = String> {
        proptest::collection::vec(prop::sample::select(vec!["\r", "\n", "a", "é", "🐟"]), 0..12)
            .prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn following_an_edit_equals_reading_all_again(text in any_text(), new in any_text(), a in 0usize..40, b in 0usize..40) {
            let (a, b) = (text.floor_char_boundary(a), text.floor_char_boundary(b));
            let replaced = a.min(b)..a.max(b);
            let mut lines = LineIndex::new(&text);
            let mut edited = text;
            edited.replace_range(replaced.clone(), &new);
            lines.follow(&edited, replaced, new.len());
            prop_assert_eq!(lines, LineIndex::new(&edited));
        }

        #[test]
        fn positions_and_offsets_are_inverse(text in any_text(), offset in 0usize..40) {
            let lines = LineIndex::new(&text);
            let offset = text.floor_char_boundary(offset);
            for encoding in [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32] {
                let position = lines.position(&text, offset, encoding);
                let line = lines.line(&text, position.line);
                prop_assert_eq!(lines.offset(&text, position, encoding), offset.min(line.end));
            }
        }
    }
}
