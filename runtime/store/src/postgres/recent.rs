//! What was appended here of late, kept as pages: whoever follows the log need not ask the server for what this program has
//! just written there.
//!
//! A page is kept once it is committed, and dropped when others take its room. Whoever is further behind reads from the
//! server, as for everything that others have appended.

use std::collections::VecDeque;

use crate::log::Page;
use crate::record::Position;

/// Bytes that are kept: some group commits, which those who keep up have read long before others take their place.
const BYTES_MAX: usize = 16 << 20;

/// Pages of records that were appended here, in the order of the log.
#[derive(Default)]
pub struct Recent {
    pages: VecDeque<Page>,
    bytes: usize,
}

impl Recent {
    /// Keeps a page, unless one beyond it is kept already.
    pub fn keep(&mut self, page: Page) {
        if self.pages.back().is_some_and(|last| page.first() < last.next()) {
            return;
        }
        self.bytes = self.bytes.saturating_add(page.byte_length());
        self.pages.push_back(page);
        while self.bytes > BYTES_MAX {
            let Some(oldest) = self.pages.pop_front() else { return };
            self.bytes = self.bytes.saturating_sub(oldest.byte_length());
        }
    }

    /// The records from a place on that are kept; none where the one at this place is not.
    pub fn page(&self, from: Position) -> Option<Page> {
        let page = self.pages.get(self.first_beyond(from))?;
        (page.first() <= from).then(|| page.clone().skip_to(from))
    }

    /// Where the first page begins that is kept and ends beyond a place.
    pub fn next(&self, from: Position) -> Option<Position> {
        self.pages.get(self.first_beyond(from)).map(Page::first)
    }

    fn first_beyond(&self, from: Position) -> usize {
        self.pages.partition_point(|page| page.next() <= from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page of so many records from a place on, whose bytes nobody reads.
    fn page(first: u64, count: u32, bytes: usize) -> Page {
        Page::new(Position(first), count, vec![0; bytes])
    }

    #[test]
    fn what_is_kept_is_found_and_what_others_have_appended_between_is_not() {
        let mut recent = Recent::default();
        recent.keep(page(3, 2, 0));
        recent.keep(page(7, 1, 0));
        let next = |from| recent.next(Position(from)).map(|place| place.0);
        assert_eq!([0, 3, 4, 5, 7, 8].map(next), [Some(3), Some(3), Some(3), Some(7), Some(7), None]);
        let found = |from| recent.page(Position(from)).map(|page| (page.first().0, page.next().0));
        assert_eq!(
            [2, 3, 4, 5, 6, 7, 8].map(found),
            [None, Some((3, 5)), Some((4, 5)), None, None, Some((7, 8)), None]
        );
    }

    #[test]
    fn the_oldest_pages_leave_room_for_others() {
        let mut recent = Recent::default();
        (0..5).for_each(|number| recent.keep(page(number, 1, BYTES_MAX / 3)));
        assert!(recent.page(Position(1)).is_none());
        assert!((2..5).all(|kept| recent.page(Position(kept)).is_some()));
        recent.keep(page(5, 1, BYTES_MAX + 1));
        assert_eq!(recent.next(Position(0)), None);
    }
}
