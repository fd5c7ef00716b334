//! Ledgers as bytes: compact, checked, and of a format that says its version.
//!
//! Numbers take as many bytes as they need, instants are told by their distance from the one before, and a text
//! that occurs again is told by its place. What was read is what was written, or there is an error: bytes that
//! are not whole, or that a newer program wrote, are never half understood.

mod postings;
mod reader;
mod records;
mod writer;

use std::sync::Arc;

use aquarium_ir::credits::Credits;
use aquarium_ir::instant::Millis;
use ethnum::I256;

pub(crate) use reader::Reader;
pub(crate) use writer::Writer;

/// The version of the format. A program reads no greater one than its own.
pub const FORMAT: u8 = 1;
/// Bytes of the checksum at the end.
const CHECKSUM_LENGTH: usize = 4;

/// Why bytes are no ledger, or no part of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// They are not what was written.
    #[error("its checksum does not hold, or it holds what was never written")]
    Damaged,
    /// A newer program wrote them.
    #[error("it has format {0}, this program knows formats up to {FORMAT}")]
    Newer(u8),
}

/// What can be written as bytes and read again.
pub(crate) trait Packed: Sized {
    /// Adds it to what is written.
    fn put<'a>(&'a self, to: &mut Writer<'a>);
    /// Reads it; `None`: the bytes hold something else.
    fn take(from: &mut Reader<'_>) -> Option<Self>;
}

/// The whole of some bytes: the version of the format, what `put` writes, the checksum.
pub(crate) fn seal<'a>(put: impl FnOnce(&mut Writer<'a>)) -> Vec<u8> {
    let mut writer = Writer::new(FORMAT);
    put(&mut writer);
    let mut bytes = writer.finish();
    let checksum = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

/// What `take` reads of bytes that were sealed; it must read all of them.
pub(crate) fn open<T>(
    bytes: &[u8],
    take: impl FnOnce(&mut Reader<'_>) -> Option<T>,
) -> Result<T, Unreadable> {
    let (checked, checksum) = bytes.split_last_chunk::<CHECKSUM_LENGTH>().ok_or(Unreadable::Damaged)?;
    if crc32fast::hash(checked) != u32::from_le_bytes(*checksum) {
        return Err(Unreadable::Damaged);
    }
    let (format, rest) = checked.split_first().ok_or(Unreadable::Damaged)?;
    if *format > FORMAT {
        return Err(Unreadable::Newer(*format));
    }
    let mut reader = Reader::new(rest);
    let value = take(&mut reader).ok_or(Unreadable::Damaged)?;
    if reader.is_at_end() { Ok(value) } else { Err(Unreadable::Damaged) }
}

/// A structure is its fields, in the order in which they are named here.
macro_rules! packed_fields {
    ($($name:ident { $($field:ident),* $(,)? })*) => {$(
        impl Packed for $name {
            fn put<'a>(&'a self, to: &mut Writer<'a>) {
                $(self.$field.put(to);)*
            }
            fn take(from: &mut Reader<'_>) -> Option<Self> {
                Some(Self { $($field: Packed::take(from)?),* })
            }
        }
    )*};
}
pub(crate) use packed_fields;

impl Packed for bool {
    fn put<'a>(&'a self, to: &mut Writer<'a>) {
        to.byte(u8::from(*self));
    }
    fn take(from: &mut Reader<'_>) -> Option<Self> {
        match from.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Packed for u8 {
    fn put<'a>(&'a self, to: &mut Writer<'a>) {
        to.byte(*self);
    }
    fn take(from: &mut Reader<'_>) -> Option<Self> {
        from.byte()
    }
}

impl Packed for u32 {
    fn put<'a>(&'a self, to: &mut Writer<'a>) {
        to.number(u128::from(*self));
    }
    fn take(from: &mut Reader<'_>) -> Option<Self> {
        Self::try_from(from.number()?).ok()
    }
}

impl Packed for u64 {
    fn put<'a>(&'a self, to: &mut Writer<'a>) {
        to.number(u128::from(*self));
    }
    fn take(from: &mut Reader<'_>) -> Option<Self> {
        Self::try_from(from.number()?).ok()
    }
}

impl Packed for i32 {
    fn put<'a>(&'a self, to: &mut Writer<'a>) {
        to.signed(i128::from(*self));
    }
    fn take(from: &mut Reader<'_>) -> Option<Self> {
        Self::try_from(from.signed()?).ok()
    }
}

impl Packed for i128 {
    fn put<'a>(&'a self, to: &mut Writer<'a>) {
        to.signed(*self);
    }
    fn take(from: &mut Reader<'_>) -> Option<Self> {
        from.signed()
    }
}

impl Packed for I256 {
    fn put<'a>(&'a self, to: &mut Writer<'a>) {
        to.wide(*self);
    }
    fn take(from: &mut Reader<'_>) -> Option<Self> {
        from.wide()
    }
}

impl Packed for Credits {
    fn put<'a>(&'a self, to: &mut Writer<'a>) {
        to.wide(self.0);
    }
    fn take(from: &mut Reader<'_>) -> Option<Self> {
        from.wide().map(Self)
    }
}

impl Packed for Millis {
    fn put<'a>(&'a self, to: &mut Writer<'a>) {
        to.instant(*self);
    }
    fn take(from: &mut Reader<'_>) -> Option<Self> {
        from.instant()
    }
}

impl Packed for Arc<str> {
    fn put<'a>(&'a self, to: &mut Writer<'a>) {
        to.text(self);
    }
    fn take(from: &mut Reader<'_>) -> Option<Self> {
        from.text()
    }
}

impl Packed for String {
    fn put<'a>(&'a self, to: &mut Writer<'a>) {
        to.text(self);
    }
    fn take(from: &mut Reader<'_>) -> Option<Self> {
        from.text().map(|text| text.to_string())
    }
}

impl<T: Packed> Packed for Option<T> {
    fn put<'a>(&'a self, to: &mut Writer<'a>) {
        to.byte(u8::from(self.is_some()));
        if let Some(value) = self {
            value.put(to);
        }
    }
    fn take(from: &mut Reader<'_>) -> Option<Self> {
        match from.byte()? {
            0 => Some(None),
            1 => T::take(from).map(Some),
            _ => None,
        }
    }
}

impl<T: Packed> Packed for Vec<T> {
    fn put<'a>(&'a self, to: &mut Writer<'a>) {
        to.list(self);
    }
    fn take(from: &mut Reader<'_>) -> Option<Self> {
        from.list()
    }
}

impl<A: Packed, B: Packed> Packed for (A, B) {
    fn put<'a>(&'a self, to: &mut Writer<'a>) {
        self.0.put(to);
        self.1.put(to);
    }
    fn take(from: &mut Reader<'_>) -> Option<Self> {
        Some((A::take(from)?, B::take(from)?))
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn again<T: Packed>(value: &T) -> Result<T, Unreadable> {
        open(&seal(|to| value.put(to)), T::take)
    }

    proptest! {
        #[test]
        fn numbers_instants_and_texts_are_read_as_they_were_written(
            numbers in vec(any::<(u64, i128)>(), 0..9),
            halves in vec((any::<i128>(), any::<i128>(), 0_u32..256), 0..9),
            instants in vec(any::<i64>(), 0..9),
            texts in vec("[ab]{0,2}", 0..20),
        ) {
            prop_assert_eq!(again(&numbers), Ok(numbers));
            let wide: Vec<I256> = halves.iter().map(|(high, low, by)| I256::from_words(*high, *low) >> *by).collect();
            prop_assert_eq!(again(&wide), Ok(wide));
            let instants: Vec<Millis> = instants.into_iter().map(Millis).collect();
            prop_assert_eq!(again(&instants), Ok(instants));
            prop_assert_eq!(again(&texts), Ok(texts));
        }

        #[test]
        fn bytes_that_were_changed_are_not_read(
            texts in vec("[a-z]{0,9}", 1..20),
            place in any::<prop::sample::Index>(),
            change in 1_u8..,
        ) {
            let mut bytes = seal(|to| texts.put(to));
            let place = place.index(bytes.len());
            bytes[place] ^= change;
            prop_assert_eq!(open(&bytes, Vec::<String>::take), Err(Unreadable::Damaged));
        }

        #[test]
        fn no_bytes_make_it_panic_or_take_much_memory(bytes in vec(any::<u8>(), 0..200)) {
            let mut reader = Reader::new(&bytes);
            let _ = Vec::<(Option<String>, (I256, Millis))>::take(&mut reader);
        }
    }

    #[test]
    fn bytes_of_a_newer_program_are_refused() {
        let mut bytes = vec![FORMAT + 1, 7, 7];
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        assert_eq!(open(&bytes, |_| Some(())), Err(Unreadable::Newer(FORMAT + 1)));
        assert_eq!(open(&[], |_| Some(())), Err(Unreadable::Damaged));
    }
}
