//! Records as bytes.

use std::borrow::Cow;

use crate::packed::{Packed, Reader, Writer, packed_fields};
use crate::record::{Body, Handling, Record, Usage, UserEvent};

type Owned = Record<'static>;
type OwnedUsage = Usage<'static>;
type OwnedUserEvent = UserEvent<'static>;
type OwnedHandling = Handling<'static>;

packed_fields! {
    Owned { id, client, user, occurred, received, body }
    OwnedUsage { resource, instance, value }
    OwnedUserEvent { is_active, suspended, role }
    OwnedHandling { event, reason, author }
}

impl Packed for Cow<'static, str> {
    fn put<'a>(&'a self, to: &mut Writer<'a>) {
        to.text(self);
    }
    fn take(from: &mut Reader<'_>) -> Option<Self> {
        from.text().map(|text| Cow::Owned(text.to_string()))
    }
}

impl Packed for Body<'static> {
    fn put<'a>(&'a self, to: &mut Writer<'a>) {
        match self {
            Body::Resource(usage) => tagged(to, 0, usage),
            Body::User(event) => tagged(to, 1, event),
            Body::Grant { credits, reason, author } => {
                tagged(to, 2, credits);
                reason.put(to);
                author.put(to);
            }
            Body::Threshold(value) => tagged(to, 3, value),
            Body::Assign(agreement) => tagged(to, 4, agreement),
            Body::Deployment { module, from, to: until } => {
                tagged(to, 5, module);
                from.put(to);
                until.put(to);
            }
            Body::Tick { partition, instant } => {
                tagged(to, 6, partition);
                instant.put(to);
            }
            Body::Redrive(handling) => tagged(to, 7, handling),
            Body::Discard(handling) => tagged(to, 8, handling),
        }
    }

    fn take(from: &mut Reader<'_>) -> Option<Self> {
        Some(match from.byte()? {
            0 => Body::Resource(Packed::take(from)?),
            1 => Body::User(Packed::take(from)?),
            2 => Body::Grant {
                credits: Packed::take(from)?,
                reason: Packed::take(from)?,
                author: Packed::take(from)?,
            },
            3 => Body::Threshold(Packed::take(from)?),
            4 => Body::Assign(Packed::take(from)?),
            5 => Body::Deployment {
                module: Packed::take(from)?,
                from: Packed::take(from)?,
                to: Packed::take(from)?,
            },
            6 => Body::Tick { partition: Packed::take(from)?, instant: Packed::take(from)? },
            7 => Body::Redrive(Packed::take(from)?),
            8 => Body::Discard(Packed::take(from)?),
            _ => return None,
        })
    }
}

/// What says which it is, and what it holds.
pub(super) fn tagged<'a>(to: &mut Writer<'a>, tag: u8, value: &'a impl Packed) {
    to.byte(tag);
    value.put(to);
}
