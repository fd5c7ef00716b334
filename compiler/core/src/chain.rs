//! How an agreement comes to what it gives at an instant: every item, part and override that was asked on
//! the way, and why it gave the answer or did not.
//!
//! [`resolve`](mod@crate::resolve) puts the same rules together for all instants at once and keeps no trace of the
//! way; here one instant is asked, and the way is the answer. The two agree at every instant (a property).

mod standing;
mod words;

use aquarium_ir::Millis;
use aquarium_ir::time::{Calendar, FrameId, Zone};

use crate::diagnostic::FileSpan;
use crate::items::{Agreement, Class, Effective, EntryId, Items, List, Part};
use crate::resolve::{EVERY_RESOURCE, Extend};

pub use standing::Standing;

/// The way from an agreement to an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// What was asked, in order; the last link gives the entry or says that there is none.
    pub links: Vec<Link>,
    /// The entry that gives it; `None`: nothing does.
    pub entry: Option<EntryId>,
    /// The first later instant at which the way may be another; [`Millis::MAX`]: never.
    pub until: Millis,
}

/// One thing that was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Where it is written.
    pub span: FileSpan,
    /// What it says.
    pub step: Step,
}

/// What a link says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// An agreement; where it does not hold, what it extends stands in.
    Agreement {
        /// Its name.
        name: String,
        /// Whether it holds.
        standing: Standing,
    },
    /// A part of an agreement names an item.
    Names {
        /// The agreement.
        agreement: String,
        /// The class of the item.
        class: Class,
        /// The name of the item.
        name: String,
    },
    /// A part has the key itself: an override, or an inline part.
    LaidOver {
        /// The agreement.
        agreement: String,
        /// The class of the part.
        class: Class,
        /// The item that it is laid over, where the part names one.
        base: Option<String>,
        /// Whether it holds.
        standing: Standing,
    },
    /// An algorithm, price list or credit plan; where it does not hold, what it extends stands in.
    List {
        /// Its class.
        class: Class,
        /// Its name.
        name: String,
        /// Whether it holds.
        standing: Standing,
    },
    /// The item that holds does not have the key itself: it is that of an ancestor.
    Inherits {
        /// The class of both.
        class: Class,
        /// The ancestor.
        from: String,
    },
    /// No expression of the resource's own: that of `"*"` is asked for.
    EveryResource,
    /// The entry that gives it.
    Gives(EntryId),
    /// Nothing gives it.
    Nothing,
}

/// Asks a policy's items; remembers what it expanded of their time frames.
#[derive(Debug)]
pub struct Tracer<'a> {
    items: &'a Items,
    calendar: Calendar,
}

impl<'a> Tracer<'a> {
    /// A tracer of these items, whose instants are in that zone.
    #[must_use]
    pub fn new(items: &'a Items, zone: &Zone) -> Self {
        Self { items, calendar: Calendar::new(zone.clone(), &items.frames) }
    }

    /// How the agreement comes to its price of a resource.
    pub fn price(&mut self, agreement: &str, resource: &str, at: Millis) -> Chain {
        self.trace(agreement, Class::Pricelist, resource, at)
    }

    /// How the agreement comes to its expression of a resource.
    pub fn expression(&mut self, agreement: &str, resource: &str, at: Millis) -> Chain {
        self.trace(agreement, Class::Algorithm, resource, at)
    }

    /// How the agreement comes to a key of its credit plan.
    pub fn plan(&mut self, agreement: &str, key: &str, at: Millis) -> Chain {
        self.trace(agreement, Class::Creditplan, key, at)
    }

    fn trace(&mut self, agreement: &str, class: Class, key: &str, at: Millis) -> Chain {
        let mut walk = Walk { tracer: self, class, at, links: Vec::new(), until: Millis::MAX };
        let entry = walk.agreement(agreement, key);
        let Walk { links, until, .. } = walk;
        Chain { links, entry, until }
    }
}

/// One question on its way.
struct Walk<'w, 'a> {
    tracer: &'w mut Tracer<'a>,
    class: Class,
    at: Millis,
    links: Vec<Link>,
    until: Millis,
}

impl<'a> Walk<'_, 'a> {
    /// The first agreement of the chain that holds decides, and decides alone.
    fn agreement(&mut self, name: &str, key: &str) -> Option<EntryId> {
        let chain = chain(&self.tracer.items.agreements, name);
        let mut last = None;
        for (place, agreement) in chain.iter().enumerate() {
            let rest = chain.get(place..).unwrap_or_default();
            let standing = self.standing(effective_of(rest));
            let holds = standing.holds;
            let step = Step::Agreement { name: agreement.name.value.clone(), standing };
            self.say(agreement.name.span, step);
            if holds {
                return self.parts(rest, key).or_else(|| self.nothing(agreement.name.span));
            }
            last = Some(agreement.name.span);
        }
        last.and_then(|span| self.nothing(span))
    }

    /// A resource without an expression of its own has that of every resource.
    fn parts(&mut self, chain: &[&'a Agreement], key: &str) -> Option<EntryId> {
        let own = self.part(chain, key);
        if own.is_some() || self.class != Class::Algorithm {
            return own;
        }
        let before = self.links.len();
        if let Some(agreement) = chain.first() {
            self.say(agreement.name.span, Step::EveryResource);
        }
        let every = self.part(chain, EVERY_RESOURCE);
        if every.is_none() {
            self.links.truncate(before);
        }
        every
    }

    /// What is laid over the part, then what the part names, else the same part of the agreement's parent.
    fn part(&mut self, chain: &[&'a Agreement], key: &str) -> Option<EntryId> {
        for agreement in chain {
            let Some(part) = agreement.parts.get(&self.class) else { continue };
            if let Some(entry) = self.laid_over(agreement, part, key) {
                return Some(entry);
            }
            if let Some(base) = &part.base {
                let name = base.value.clone();
                let agreement = agreement.name.value.clone();
                self.say(base.span, Step::Names { agreement, class: self.class, name });
                return self.list(&base.value, key);
            }
        }
        None
    }

    fn laid_over(&mut self, agreement: &Agreement, part: &Part, key: &str) -> Option<EntryId> {
        let entry = *part.entries.get(key)?;
        let standing = self.standing(part.effective.as_ref());
        let holds = standing.holds;
        let step = Step::LaidOver {
            agreement: agreement.name.value.clone(),
            class: self.class,
            base: part.base.as_ref().map(|base| base.value.clone()),
            standing,
        };
        self.say(part.key, step);
        holds.then(|| self.gives(entry))
    }

    /// The first item of the chain that holds decides; its field is that of the nearest that gives it.
    fn list(&mut self, name: &str, key: &str) -> Option<EntryId> {
        let chain: Vec<&List> = chain(self.tracer.items.lists(self.class), name);
        for (place, list) in chain.iter().enumerate() {
            let rest = chain.get(place..).unwrap_or_default();
            let standing = self.standing(effective_of(rest));
            let holds = standing.holds;
            let step = Step::List { class: self.class, name: list.name.value.clone(), standing };
            self.say(list.name.span, step);
            if holds {
                return self.field(list, rest, key);
            }
        }
        None
    }

    fn field(&mut self, list: &List, chain: &[&List], key: &str) -> Option<EntryId> {
        let (giver, entry) = chain.iter().find_map(|item| Some((*item, *item.entries.get(key)?)))?;
        if !std::ptr::eq(giver, list) {
            let from = giver.name.value.clone();
            self.say(giver.name.span, Step::Inherits { class: self.class, from });
        }
        Some(self.gives(entry))
    }

    fn gives(&mut self, entry: EntryId) -> EntryId {
        if let Some(span) = self.tracer.items.entry(entry).map(|entry| entry.span) {
            self.say(span, Step::Gives(entry));
        }
        entry
    }

    fn nothing(&mut self, span: FileSpan) -> Option<EntryId> {
        self.say(span, Step::Nothing);
        None
    }

    fn say(&mut self, span: FileSpan, step: Step) {
        self.links.push(Link { span, step });
    }

    fn standing(&mut self, effective: Option<&Effective>) -> Standing {
        let frame = effective.and_then(|effective| effective.frame);
        let Some((effective, frame)) = effective.zip(frame) else { return Standing::ALWAYS };
        let membership = self.tracer.calendar.membership(frame, self.at);
        self.until = self.until.min(membership.until);
        Standing { holds: membership.inside, frame: Some((frame, effective.span)), until: membership.until }
    }
}

/// The item of that name, then what it extends, and so on; a circle ends where it would close.
fn chain<'a, T: Extend>(items: &'a std::collections::BTreeMap<String, T>, name: &str) -> Vec<&'a T> {
    let mut chain: Vec<&'a T> = Vec::new();
    let mut next = items.get(name);
    while let Some(item) = next.filter(|_| chain.len() < items.len()) {
        chain.push(item);
        next = item.extends().and_then(|extends| items.get(&extends.value));
    }
    chain
}

/// The time frame of the first item: its own, else that of the nearest ancestor that has one.
fn effective_of<'a, T: Extend>(chain: &[&'a T]) -> Option<&'a Effective> {
    chain.iter().find_map(|item| item.effective())
}

/// The frame of a [`Standing`] and where it is written.
pub type WrittenFrame = (FrameId, FileSpan);
