//! One user: its ledger, kept up with the log, and what is yet to be written of it.

use aquarium_charging::ledger::{Changes, WalletLine};
use aquarium_charging::packed::Unreadable;
use aquarium_charging::{Deployments, Ledger, Record};
use aquarium_ir::Millis;
use aquarium_store::Position;
use aquarium_store::derived::{PartWrite, UserWrite};

/// The first byte of the image of a user that is well: the head of a ledger follows.
const WELL: u8 = 0;
/// The first byte of the image of a user that is set aside: the reason follows.
const ASIDE: u8 = 1;

/// What there is of a user.
#[derive(Debug)]
pub enum Place {
    /// Its ledger.
    Well(Box<User>),
    /// Folding failed, for this reason; the records are in the log.
    Aside(String),
}

/// A user.
#[derive(Debug)]
pub struct User {
    pub ledger: Ledger,
    /// Everything before this place of the log is folded, as far as it is this user's.
    pub position: Position,
    /// What was added to the wallet since it was last written.
    lines: Vec<WalletLine>,
    /// Whether whatever is stored of the user is to be replaced.
    afresh: bool,
}

/// How a user is kept.
#[derive(Debug)]
pub struct Kept {
    pub place: Place,
    /// Whether there is something to write.
    pub changed: bool,
    /// In which round of writing it was last used.
    pub used: u64,
}

impl User {
    /// A user without records.
    pub fn new(name: &str) -> Self {
        Self { ledger: Ledger::new(name), position: Position::START, lines: Vec::new(), afresh: false }
    }

    /// A user without records, of whom everything that is stored is wrong.
    pub fn afresh(name: &str) -> Self {
        Self { afresh: true, ..Self::new(name) }
    }

    /// Takes records in that the log holds before a place.
    pub fn take(&mut self, records: Vec<Record<'static>>, before: Position) {
        for record in records {
            self.ledger.append(record);
        }
        self.position = before;
    }

    /// Folds what has happened up to now; what lies ahead waits. Says whether anything changed.
    pub fn fold(&mut self, deployments: &mut Deployments, now: Millis) -> bool {
        let Changes { lines, refolded } = self.ledger.fold(deployments, now);
        let changed = refolded || !lines.is_empty();
        self.lines.extend(lines);
        changed
    }

    /// What is to be written; it counts as written then.
    fn write(&mut self) -> UserWrite {
        let saved = self.ledger.save(self.position.0);
        let lines = std::mem::take(&mut self.lines);
        let first = self.ledger.lines().saturating_sub(lines.len() as u64);
        let parts = saved.parts.into_iter();
        UserWrite {
            afresh: std::mem::take(&mut self.afresh),
            image: [&[WELL], saved.head.as_slice()].concat(),
            first_part: saved.first_part,
            parts_before: saved.parts_before,
            parts: parts.map(|part| PartWrite { bytes: part.bytes, findings: part.findings }).collect(),
            lines: (!lines.is_empty()).then(|| (first, WalletLine::pack(&lines))),
            ..UserWrite::default()
        }
    }
}

impl Place {
    /// What is to be written of a user; it counts as written then, and what need not be in memory is let go.
    pub fn write(&mut self, partition: u16, user: &str) -> UserWrite {
        let write = match self {
            Self::Well(known) => {
                let write = known.write();
                known.ledger.shed();
                write
            }
            Self::Aside(why) => {
                let image = [&[ASIDE], why.as_bytes()].concat();
                UserWrite { afresh: true, image, ..UserWrite::default() }
            }
        };
        UserWrite { partition, user: user.to_owned(), ..write }
    }

    /// The user of an image.
    pub fn read(user: &str, image: &[u8]) -> Result<Self, Unreadable> {
        match image.split_first() {
            Some((&WELL, head)) => {
                let (ledger, position) = Ledger::restore(user, head)?;
                let known = User { ledger, position: Position(position), lines: Vec::new(), afresh: false };
                Ok(Self::Well(Box::new(known)))
            }
            Some((&ASIDE, why)) => Ok(Self::Aside(String::from_utf8_lossy(why).into_owned())),
            _ => Err(Unreadable::Damaged),
        }
    }
}
