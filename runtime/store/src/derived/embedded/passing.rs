//! What the tree has written, held until it has forgotten it: it lets go of that while it holds up all who read.
//!
//! The last one who holds a table in memory, of tens of megabytes, frees each of its rows; the last one who holds files that
//! were merged takes them away. On a busy machine that is some hundred milliseconds, and the tree does it under the lock that
//! every look into it takes. So somebody else is the last: whoever writes, when nothing is locked.

use std::any::Any;
use std::collections::VecDeque;
use std::sync::Arc;

use fjall::{AbstractTree as _, Keyspace};

/// What is held; it may be of some megabytes, in memory or on the disk.
pub(super) type Held = Arc<dyn Any + Send + Sync>;

/// What a tree consists of, and did until it was forgotten.
#[derive(Default)]
pub(super) struct Passing {
    /// Tables in memory.
    tables: Vec<(u64, Held)>,
    /// Sets of files, the latest last.
    files: VecDeque<(u64, Held)>,
}

impl Passing {
    /// Holds what the tree consists of now. Gives back what it has forgotten, to be dropped where nobody waits for it.
    pub(super) fn look(&mut self, rows: &Keyspace) -> Vec<(u64, Held)> {
        let (files, table) = (rows.tree.current_version(), rows.tree.active_memtable());
        if self.latest_table() != Some(table.id()) {
            self.tables.push((table.id(), table));
        }
        if self.files.back().is_none_or(|(last, _)| *last != files.id()) {
            self.files.push_back((files.id(), Arc::new(files)));
        }
        let remembered = rows.tree.version_free_list_len().saturating_add(1);
        let forgotten = self.files.len().saturating_sub(remembered);
        let forgotten = self.files.drain(..forgotten);
        forgotten.chain(self.tables.extract_if(.., |(_, table)| Arc::strong_count(table) == 1)).collect()
    }

    fn latest_table(&self) -> Option<u64> {
        self.tables.last().map(|(number, _)| *number)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{DerivedOptions, EmbeddedDerived};
    use crate::derived::{Batch, Derived as _, UserWrite};

    #[test]
    fn what_the_tree_has_forgotten_is_let_go() {
        const ROUNDS_MAX: u32 = 20_000;
        let directory = tempfile::tempdir().unwrap();
        let options = DerivedOptions { fresh_bytes: 64 << 10, ..DerivedOptions::default() };
        let derived = EmbeddedDerived::open(directory.path(), options).unwrap();
        let mut first = None;
        for round in 0..ROUNDS_MAX {
            let image = round.to_be_bytes().repeat(4_096);
            let user = UserWrite { user: "u".to_owned(), image, ..UserWrite::default() };
            derived.write(&Batch { users: vec![user], ..Batch::default() }).unwrap();
            let passing = derived.passing.lock().unwrap();
            let latest = passing.latest_table().unwrap();
            let seen = latest - *first.get_or_insert(latest);
            if seen >= 20 && passing.tables.len() <= 5 && passing.files.len() <= 5 {
                return;
            }
        }
        panic!("what was forgotten is still held");
    }
}
