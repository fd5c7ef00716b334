//! Writing: see [`crate::packed`].

use std::collections::HashMap;

use aquarium_ir::instant::Millis;
use ethnum::I256;
use foldhash::fast::FixedState;

use super::Packed;

/// What is being written.
pub(crate) struct Writer<'a> {
    bytes: Vec<u8>,
    /// The texts that were written, by their places.
    texts: HashMap<&'a str, usize, FixedState>,
    instant: i64,
}

impl<'a> Writer<'a> {
    pub(super) fn new(format: u8) -> Self {
        Self { bytes: vec![format], texts: HashMap::default(), instant: 0 }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.bytes
    }

    /// A byte.
    pub(crate) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// A number: seven bits a byte, the low ones first, the highest bit of a byte says that more follow.
    pub(crate) fn number(&mut self, mut number: u128) {
        while number >= 0x80 {
            self.bytes.push(low_byte(number) | 0x80);
            number >>= 7;
        }
        self.bytes.push(low_byte(number));
    }

    /// A number that may be below zero: its sign becomes the lowest bit.
    pub(crate) fn signed(&mut self, number: i128) {
        self.number(((number << 1) ^ (number >> 127)).cast_unsigned());
    }

    /// A length of a list or text.
    pub(crate) fn length(&mut self, length: usize) {
        self.number(length as u128);
    }

    /// A wide number: its bytes in two's complement, the low ones first, without what the last one's sign tells.
    pub(crate) fn wide(&mut self, number: I256) {
        let bytes = number.to_le_bytes();
        let filler = if number < I256::ZERO { 0xff } else { 0 };
        let mut kept = bytes.as_slice();
        while let Some((last, rest)) = kept.split_last()
            && *last == filler
            && rest.last().is_none_or(|next| (next & 0x80 != 0) == (filler != 0))
            && (filler == 0 || !rest.is_empty())
        {
            kept = rest;
        }
        self.length(kept.len());
        self.bytes.extend_from_slice(kept);
    }

    /// An instant: how far it is from the one before.
    pub(crate) fn instant(&mut self, instant: Millis) {
        let distance = i128::from(instant.0) - i128::from(self.instant);
        self.instant = instant.0;
        self.signed(distance);
    }

    /// A text: the place of the same one before, from 1 on; or 0, its length and its bytes.
    pub(crate) fn text(&mut self, text: &'a str) {
        let places = self.texts.len();
        match self.texts.entry(text) {
            std::collections::hash_map::Entry::Occupied(place) => {
                let place = *place.get();
                self.length(place);
            }
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(places.saturating_add(1));
                self.byte(0);
                self.length(text.len());
                self.bytes.extend_from_slice(text.as_bytes());
            }
        }
    }

    /// A list: its length and its items.
    pub(crate) fn list<T: Packed>(&mut self, items: &'a [T]) {
        self.length(items.len());
        items.iter().for_each(|item| item.put(self));
    }
}

fn low_byte(number: u128) -> u8 {
    let [low, ..] = number.to_le_bytes();
    low & 0x7f
}
