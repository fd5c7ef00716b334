//! One user: its ledger, kept up with the log, and what is yet to be written of it.

use std::time::SystemTime;

use aquarium_charging::announcements::{Announcements, CreditEvent};
use aquarium_charging::ledger::{Changes, WalletLine};
use aquarium_charging::packed::Unreadable;
use aquarium_charging::{Deployments, Ledger, Record};
use aquarium_ir::Millis;
use aquarium_store::Position;
use aquarium_store::derived::{Announcement, PartWrite, UserWrite};

use crate::trace;

/// The first byte of the image of a user that is well: what was announced follows, its length before it, then the
/// head of a ledger.
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
    /// What was announced.
    announcements: Announcements,
    /// What is to be announced: it is, once it is written.
    news: Vec<CreditEvent>,
}

/// How a user is kept.
#[derive(Debug)]
pub struct Kept {
    pub place: Place,
    /// Whether there is something to write.
    pub changed: bool,
    /// Whether it was used since it was last looked for users that can go.
    pub used: bool,
    /// What it weighed when that was last looked at.
    pub weight: usize,
    /// The batch with what was last packed of it: until that is written the store has less.
    pub batch: u64,
}

impl User {
    /// A user without records, of whom this was announced.
    pub fn new(name: &str, announcements: Announcements) -> Self {
        Self {
            ledger: Ledger::new(name),
            position: Position::START,
            lines: Vec::new(),
            afresh: false,
            announcements,
            news: Vec::new(),
        }
    }

    /// A user without records, of whom everything that is stored is wrong but for what was announced.
    pub fn afresh(name: &str, announcements: Announcements) -> Self {
        Self { afresh: true, ..Self::new(name, announcements) }
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
        let began = SystemTime::now();
        let (changes, news) = self.announcements.fold(&mut self.ledger, deployments, now);
        self.note(changes, news, began)
    }

    /// As [`User::fold`], and posts month ends and refills up to now.
    pub fn sweep(&mut self, deployments: &mut Deployments, now: Millis) -> bool {
        let began = SystemTime::now();
        let (changes, news) = self.announcements.sweep(&mut self.ledger, deployments, now);
        self.note(changes, news, began)
    }

    fn note(&mut self, changes: Changes, news: Vec<CreditEvent>, began: SystemTime) -> bool {
        let Changes { lines, refolded } = changes;
        trace::posted(self.ledger.user(), &lines, began);
        let changed = refolded || !lines.is_empty() || !news.is_empty();
        self.lines.extend(lines);
        self.news.extend(news);
        changed
    }

    /// When to look again though no record has come: where the threshold may be crossed, or the month ends, since it was last
    /// folded. That may be in the past: time has gone on since.
    pub fn due(&mut self, deployments: &mut Deployments) -> Option<Millis> {
        let crossing = self.announcements.due(&mut self.ledger, deployments);
        let month_end = self.announcements.examined().map(|examined| deployments.month(examined).end);
        crossing.into_iter().chain(month_end).min()
    }

    /// Lines of the wallet that are not written.
    pub fn unwritten(&self) -> usize {
        self.lines.len()
    }

    /// What was announced and what is to be, for a user that is folded anew.
    pub fn announced(&self) -> (Announcements, Vec<CreditEvent>) {
        (self.announcements.clone(), self.news.clone())
    }

    /// Takes over what was announced of the same user, and what is to be.
    pub fn with_announced(self, (announcements, news): (Announcements, Vec<CreditEvent>)) -> Self {
        Self { announcements, news, ..self }
    }

    /// What is to be written; it counts as written then.
    fn write(&mut self) -> UserWrite {
        let saved = self.ledger.save(self.position.0);
        let lines = std::mem::take(&mut self.lines);
        let first = self.ledger.lines().saturating_sub(lines.len() as u64);
        let parts = saved.parts.into_iter();
        UserWrite {
            afresh: std::mem::take(&mut self.afresh),
            image: image(&self.announcements, &saved.head),
            first_part: saved.first_part,
            parts_before: saved.parts_before,
            parts: parts.map(|part| PartWrite { bytes: part.bytes, findings: part.findings }).collect(),
            lines: (!lines.is_empty()).then(|| (first, WalletLine::pack(&lines))),
            announcements: std::mem::take(&mut self.news).iter().map(announcement).collect(),
            ..UserWrite::default()
        }
    }
}

impl Place {
    /// Lines of the wallet that are not written.
    pub fn unwritten(&self) -> usize {
        match self {
            Self::Well(known) => known.unwritten(),
            Self::Aside(_) => 0,
        }
    }

    /// Bytes that it takes in memory, or so.
    pub fn weight(&self) -> usize {
        match self {
            Self::Well(known) => size_of::<Kept>() + size_of::<User>() + known.ledger.weight(),
            Self::Aside(why) => size_of::<Kept>() + why.len(),
        }
    }

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
            Some((&WELL, rest)) => {
                let (announcements, head) = read_announced(rest)?;
                let (ledger, position) = Ledger::restore(user, head)?;
                let known = User { ledger, position: Position(position), ..User::new(user, announcements) };
                Ok(Self::Well(Box::new(known)))
            }
            Some((&ASIDE, why)) => Ok(Self::Aside(String::from_utf8_lossy(why).into_owned())),
            _ => Err(Unreadable::Damaged),
        }
    }
}

fn announcement(news: &CreditEvent) -> Announcement {
    // Texts, numbers and amounts are always written.
    Announcement { sequence: news.sequence, body: serde_json::to_vec(news).unwrap_or_default() }
}

fn image(announcements: &Announcements, head: &[u8]) -> Vec<u8> {
    let announced = serde_json::to_vec(announcements).unwrap_or_default();
    let length = u32::try_from(announced.len()).unwrap_or(u32::MAX).to_le_bytes();
    [&[WELL], length.as_slice(), &announced, head].concat()
}

/// What was announced, and the head of the ledger after it.
fn read_announced(image: &[u8]) -> Result<(Announcements, &[u8]), Unreadable> {
    let (length, rest) = image.split_first_chunk().ok_or(Unreadable::Damaged)?;
    let length = u32::from_le_bytes(*length) as usize;
    let (announced, head) = rest.split_at_checked(length).ok_or(Unreadable::Damaged)?;
    Ok((serde_json::from_slice(announced).map_err(|_| Unreadable::Damaged)?, head))
}
