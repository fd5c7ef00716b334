//! Reading: see [`crate::packed`].

use std::sync::Arc;

use aquarium_ir::instant::Millis;
use ethnum::I256;

use super::Packed;

/// Items for which room is made at once: lengths are not believed.
const ROOM_MAX: usize = 1_024;

/// What is being read.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    texts: Vec<Arc<str>>,
    instant: i64,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, texts: Vec::new(), instant: 0 }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// A byte.
    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*byte)
    }

    /// A number.
    pub(crate) fn number(&mut self) -> Option<u128> {
        let mut number: u128 = 0;
        for shift in (0..u128::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u128::from(byte & 0x7f);
            if bits.checked_shl(shift)? >> shift != bits {
                return None;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// A number that may be below zero.
    pub(crate) fn signed(&mut self) -> Option<i128> {
        let number = self.number()?;
        Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    /// A length of a list or text.
    pub(crate) fn length(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok()
    }

    /// A wide number.
    pub(crate) fn wide(&mut self) -> Option<I256> {
        let length = self.length()?;
        let bytes = self.bytes(length)?;
        let filler = if bytes.last().is_some_and(|last| last & 0x80 != 0) { 0xff } else { 0 };
        let mut whole = [filler; 32];
        whole.get_mut(..length)?.copy_from_slice(bytes);
        Some(I256::from_le_bytes(whole))
    }

    /// An instant.
    pub(crate) fn instant(&mut self) -> Option<Millis> {
        let instant = i128::from(self.instant).checked_add(self.signed()?)?;
        self.instant = i64::try_from(instant).ok()?;
        Some(Millis(self.instant))
    }

    /// A text; one that occurred before is shared with it.
    pub(crate) fn text(&mut self) -> Option<Arc<str>> {
        match self.length()? {
            0 => {
                let length = self.length()?;
                let text: Arc<str> = Arc::from(str::from_utf8(self.bytes(length)?).ok()?);
                self.texts.push(Arc::clone(&text));
                Some(text)
            }
            place => self.texts.get(place.checked_sub(1)?).cloned(),
        }
    }

    /// A list.
    pub(crate) fn list<T: Packed>(&mut self) -> Option<Vec<T>> {
        let length = self.length()?;
        // Every item takes a byte or more.
        if length > self.rest.len() {
            return None;
        }
        let mut items = Vec::with_capacity(length.min(ROOM_MAX));
        for _ in 0..length {
            items.push(T::take(self)?);
        }
        Some(items)
    }

    fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(bytes)
    }
}
