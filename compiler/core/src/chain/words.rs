//! The way to a price in words, a line a link.

use aquarium_ir::Millis;
use aquarium_ir::time::Zone;

use super::{Link, Standing, Step};
use crate::items::Items;

impl Link {
    /// What the link says, in a line without its place.
    #[must_use]
    pub fn words(&self, items: &Items, zone: &Zone, at: Millis) -> String {
        let when = |standing: &Standing| standing.words(items, zone, at);
        match &self.step {
            Step::Agreement { name, standing } => {
                format!("agreement {name}{}{}", when(standing), stands_in(*standing))
            }
            Step::List { class, name, standing } => {
                format!("{} {name}{}{}", class.noun(), when(standing), stands_in(*standing))
            }
            Step::Names { agreement, class, name } => {
                format!("agreement {agreement} names {} {name}", class.noun())
            }
            Step::LaidOver { agreement, class, base: Some(base), standing } => {
                let over = format!("agreement {agreement} lays over {} {base}", class.noun());
                format!("{over}{}", when(standing))
            }
            Step::LaidOver { agreement, class, base: None, standing } => {
                format!("agreement {agreement} has {} of its own{}", class.with_article(), when(standing))
            }
            Step::Inherits { class, from } => {
                format!("it inherits from {} {from}", class.noun())
            }
            Step::EveryResource => "no algorithm has the resource: `\"*\"` is asked for".to_owned(),
            Step::Gives(entry) => match items.entry(*entry) {
                Some(entry) => format!("gives {}", entry.key.value),
                None => String::new(),
            },
            Step::Nothing => "nothing gives it".to_owned(),
        }
    }
}

/// What follows from an item that does not hold.
fn stands_in(standing: Standing) -> &'static str {
    if standing.holds { "" } else { "; what it extends stands in" }
}

impl Standing {
    /// `, holds from ... until ...`; nothing where it always holds.
    #[must_use]
    pub fn words(&self, items: &Items, zone: &Zone, at: Millis) -> String {
        if self.frame.is_none() {
            return String::new();
        }
        let verb = if self.holds { "holds" } else { "does not hold" };
        let until = (self.until != Millis::MAX).then(|| zone.format(self.until));
        match (self.since(items, zone, at).map(|since| zone.format(since)), until) {
            (Some(since), Some(until)) => format!(", {verb} from {since} until {until}"),
            (Some(since), None) => format!(", {verb} from {since} on"),
            (None, Some(until)) => format!(", {verb} until {until}"),
            (None, None) => format!(", {verb}"),
        }
    }
}
