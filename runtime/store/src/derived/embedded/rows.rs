//! The rows that the store writes itself: announcements, alone and in the outbox.

use crate::derived::{Announcement, OutboxItem, OutboxPlace, Owner};

/// An announcement: its sequence, eight bytes; what is told.
pub fn announcement(announcement: &Announcement) -> Vec<u8> {
    let mut row = Vec::with_capacity(announcement.body.len() + 8);
    row.extend_from_slice(&announcement.sequence.to_be_bytes());
    row.extend_from_slice(&announcement.body);
    row
}

/// The announcement of a row.
pub fn read_announcement(row: &[u8]) -> Option<Announcement> {
    let (sequence, body) = row.split_first_chunk()?;
    Some(Announcement { sequence: u64::from_be_bytes(*sequence), body: body.to_vec() })
}

/// An announcement of the outbox: the partition, two bytes; the length of the user's id, four bytes; the id; the
/// announcement.
pub fn outbox_item(owner: Owner<'_>, told: &Announcement) -> Vec<u8> {
    let user = owner.user.as_bytes();
    let mut row = Vec::with_capacity(told.body.len() + user.len() + 14);
    row.extend_from_slice(&owner.partition.to_be_bytes());
    row.extend_from_slice(&u32::try_from(user.len()).unwrap_or(u32::MAX).to_be_bytes());
    row.extend_from_slice(user);
    row.extend_from_slice(&announcement(told));
    row
}

/// The announcement of a row of the outbox.
pub fn read_outbox_item(place: OutboxPlace, row: &[u8]) -> Option<OutboxItem> {
    let (partition, rest) = row.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let (user, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    let user = String::from_utf8(user.to_vec()).ok()?;
    let announcement = read_announcement(rest)?;
    Some(OutboxItem { place, partition: u16::from_be_bytes(*partition), user, announcement })
}
