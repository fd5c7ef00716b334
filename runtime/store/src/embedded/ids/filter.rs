//! A filter of keys: what it does not know is not there.
//!
//! Bits in blocks of 64 bytes, the last four of which are the checksum of the others. A key's block follows from its
//! first bytes, so that blocks come in the order of the keys.

use crate::record::Digest;

/// Bytes of a block.
pub const BLOCK_BYTES: usize = 64;
/// Bytes of a block that hold bits.
const BIT_BYTES: usize = BLOCK_BYTES - 4;
/// Keys of a block, on average: twelve bits each let one key of some hundreds pass that is not there.
const KEYS_PER_BLOCK: u64 = 40;
/// Bits of a key.
const BITS_PER_KEY: u32 = 7;

/// A block.
pub type Block = [u8; BLOCK_BYTES];

/// Blocks for a number of keys.
pub fn blocks_for(keys: u64) -> u64 {
    keys.div_ceil(KEYS_PER_BLOCK).max(1)
}

/// The block of a key.
pub fn block_of(key: &Digest, blocks: u64) -> u64 {
    let product = u128::from(leading(key)) * u128::from(blocks);
    u64::try_from(product >> 64).unwrap_or_default()
}

/// The first bytes of a key, in the order of keys.
pub fn leading(key: &Digest) -> u64 {
    key.0.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

/// Adds a key to its block.
pub fn add(block: &mut Block, key: &Digest) {
    for bit in bits(key) {
        if let Some(byte) = block.get_mut(bit / 8) {
            *byte |= 1 << (bit % 8);
        }
    }
}

/// Adds the checksum to a block that has all its keys.
pub fn finish(block: &mut Block) {
    let Some((bits, checksum)) = block.split_last_chunk_mut::<4>() else { return };
    *checksum = crc32fast::hash(bits).to_le_bytes();
}

/// Whether a block is what was written.
pub fn holds(block: &Block) -> bool {
    block
        .split_last_chunk::<4>()
        .is_some_and(|(bits, checksum)| crc32fast::hash(bits) == u32::from_le_bytes(*checksum))
}

/// Whether a block may have a key.
pub fn may_have(block: &Block, key: &Digest) -> bool {
    bits(key).all(|bit| block.get(bit / 8).is_some_and(|byte| byte & (1 << (bit % 8)) != 0))
}

/// The bits of a key within its block, from the bytes that do not choose it.
fn bits(key: &Digest) -> impl Iterator<Item = usize> {
    let seed = key.0.last_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    (0..BITS_PER_KEY).scan(seed, |state, _| {
        *state = state.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        let bit = (*state >> 32) * (BIT_BYTES as u64 * 8);
        usize::try_from(bit >> 32).ok()
    })
}
