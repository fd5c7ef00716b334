//! The keys of derived rows. Their order as bytes is the order of what they stand for.
//!
//! A key begins with the letter of its table. A user's id is followed by two zero bytes, and a zero byte within it
//! by 255: ids sort by their own bytes, and no id's rows stand among those of another.

use super::{OutboxPlace, Owner};
use crate::record::Position;

/// A table: the rows whose keys begin with a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Table {
    /// The format's version.
    Format = b'!',
    /// Last announcement of each user.
    Announced = b'a',
    /// Epochs of leases, by partition.
    Epoch = b'e',
    /// Parts with findings.
    Findings = b'f',
    /// How far partitions are folded.
    Folded = b'g',
    /// Parts of users' histories.
    Part = b'h',
    /// Users' images.
    Image = b'i',
    /// Wallet lines.
    Line = b'l',
    /// The outbox.
    Outbox = b'o',
    /// Publishers' cursors.
    Published = b'p',
    /// Records that concern everybody.
    Shared = b's',
}

/// The tables that a rebuild keeps: nothing yields their rows again.
pub const KEPT: [Table; 5] = [Table::Format, Table::Announced, Table::Epoch, Table::Outbox, Table::Published];

/// The first byte of the pair that ends a user's id.
const END: [u8; 2] = [0, 0];
/// What follows a zero byte within an id.
const ESCAPED: u8 = 255;

/// The key of a table's only row.
pub fn only(table: Table) -> Vec<u8> {
    vec![table as u8]
}

/// The key of a partition's row.
pub fn of_partition(table: Table, partition: u16) -> Vec<u8> {
    let mut key = only(table);
    key.extend_from_slice(&partition.to_be_bytes());
    key
}

/// The key of a user's row, or what the keys of all its rows begin with.
pub fn of_user(table: Table, owner: Owner<'_>) -> Vec<u8> {
    let mut key = Vec::with_capacity(owner.user.len() + 16);
    key.push(table as u8);
    key.extend_from_slice(&owner.partition.to_be_bytes());
    for byte in owner.user.bytes() {
        key.push(byte);
        if byte == 0 {
            key.push(ESCAPED);
        }
    }
    key.extend_from_slice(&END);
    key
}

/// The key of a part.
pub fn part(table: Table, owner: Owner<'_>, number: u32) -> Vec<u8> {
    let mut key = of_user(table, owner);
    key.extend_from_slice(&number.to_be_bytes());
    key
}

/// The key of a block of wallet lines.
pub fn lines(owner: Owner<'_>, first: u64) -> Vec<u8> {
    let mut key = of_user(Table::Line, owner);
    key.extend_from_slice(&first.to_be_bytes());
    key
}

/// The key of an announcement in the outbox.
pub fn outbox(place: OutboxPlace) -> Vec<u8> {
    numbered(Table::Outbox, place.0)
}

/// The key of a record that concerns everybody.
pub fn shared(position: Position) -> Vec<u8> {
    numbered(Table::Shared, position.0)
}

/// The key of a publisher's cursor.
pub fn published(publisher: &str) -> Vec<u8> {
    let mut key = only(Table::Published);
    key.extend_from_slice(publisher.as_bytes());
    key
}

fn numbered(table: Table, number: u64) -> Vec<u8> {
    let mut key = only(table);
    key.extend_from_slice(&number.to_be_bytes());
    key
}

/// The user of a row of a partition, and what its key says after the user.
pub fn user_of(key: &[u8]) -> Option<(String, &[u8])> {
    let mut rest = key.get(3..)?;
    let mut user = Vec::with_capacity(rest.len());
    loop {
        let (byte, after) = rest.split_first()?;
        rest = after;
        if *byte != 0 {
            user.push(*byte);
            continue;
        }
        let (mark, after) = rest.split_first()?;
        rest = after;
        match *mark {
            ESCAPED => user.push(0),
            _ => return Some((String::from_utf8(user).ok()?, rest)),
        }
    }
}

/// The number at the end of a key.
pub fn number_u64(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(*bytes.last_chunk()?))
}

/// The number of a part at the end of its key.
pub fn number_u32(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.last_chunk()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn owner(user: &str) -> Owner<'_> {
        Owner { partition: 7, user }
    }

    proptest! {
        #[test]
        fn users_sort_by_their_bytes_and_are_read_back(
            one in "[a\0\u{1}\u{ff}é]{1,6}",
            other in "[a\0\u{1}\u{ff}é]{1,6}",
            number in any::<u32>(),
        ) {
            let key = |user: &str, number| part(Table::Part, owner(user), number);
            let by_bytes = one.as_bytes().cmp(other.as_bytes()).then(number.cmp(&7));
            prop_assert_eq!(key(&one, number).cmp(&key(&other, 7)), by_bytes);
            let key = key(&one, number);
            let (user, rest) = user_of(&key).unwrap();
            prop_assert_eq!((user, number_u32(rest)), (one, Some(number)));
        }
    }
}
