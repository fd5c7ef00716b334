//! Who extends whom: parents by name, circles, and the chain from an item to its last ancestor.

use std::collections::BTreeMap;

use aquarium_ir::time::FrameId;

use crate::diagnostic::{Code, Diagnostic};
use crate::findings::Findings;
use crate::items::{Agreement, Class, Effective, List, Text};

/// An item that can extend another of its class.
pub trait Extend {
    /// Its name.
    fn name(&self) -> &Text;
    /// The name of what it extends.
    fn extends(&self) -> Option<&Text>;
    /// When it holds, where it says so itself.
    fn effective(&self) -> Option<&Effective>;
}

impl Extend for List {
    fn name(&self) -> &Text {
        &self.name
    }
    fn extends(&self) -> Option<&Text> {
        self.extends.as_ref()
    }
    fn effective(&self) -> Option<&Effective> {
        self.effective.as_ref()
    }
}

impl Extend for Agreement {
    fn name(&self) -> &Text {
        &self.name
    }
    fn extends(&self) -> Option<&Text> {
        self.extends.as_ref()
    }
    fn effective(&self) -> Option<&Effective> {
        self.effective.as_ref()
    }
}

/// What an item extends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Parent {
    None,
    Item(usize),
    /// Nothing of that name, or the way leads round in a circle.
    Broken,
}

/// All items of a class with their parents. An item is known by its place in the order of names.
#[derive(Debug)]
pub struct Lineage<'a, T> {
    items: Vec<&'a T>,
    places: BTreeMap<&'a str, usize>,
    parents: Vec<Parent>,
    frames: Vec<Option<FrameId>>,
    sound: Vec<bool>,
}

impl<'a, T: Extend> Lineage<'a, T> {
    /// Finds the parents of all items; reports names that nothing has, and circles.
    pub fn new(items: &'a BTreeMap<String, T>, class: Class, findings: &mut Findings) -> Self {
        let places = items.keys().enumerate().map(|(place, name)| (name.as_str(), place)).collect();
        let items: Vec<&T> = items.values().collect();
        let mut lineage = Self { parents: Vec::new(), frames: Vec::new(), sound: Vec::new(), items, places };
        lineage.parents =
            lineage.items.iter().map(|item| lineage.find_parent(*item, class, findings)).collect();
        lineage.break_circles(class, findings);
        let order = lineage.parents_first();
        lineage.break_long_chains(&order, class, findings);
        lineage.inherit(&order);
        lineage
    }

    /// The place of the item of that name.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }

    /// The item at that place.
    pub fn item(&self, place: usize) -> Option<&'a T> {
        self.items.get(place).copied()
    }

    /// The places of all items.
    pub fn all(&self) -> std::ops::Range<usize> {
        0..self.items.len()
    }

    /// The item at that place, then what it extends, and so on.
    pub fn chain(&self, place: usize) -> impl Iterator<Item = (usize, &'a T)> + '_ {
        std::iter::successors(Some(place), |place| self.parent(*place))
            .filter_map(|place| Some((place, self.item(place)?)))
    }

    /// The place of what the item extends.
    pub fn parent(&self, place: usize) -> Option<usize> {
        match self.parents.get(place)? {
            Parent::Item(parent) => Some(*parent),
            Parent::None | Parent::Broken => None,
        }
    }

    /// When the item holds: its own frame, else that of the nearest ancestor that gives one.
    pub fn frame(&self, place: usize) -> Option<FrameId> {
        self.frames.get(place).copied().flatten()
    }

    /// Whether every `extends` of the chain leads to an item.
    pub fn is_sound(&self, place: usize) -> bool {
        self.sound.get(place).copied().unwrap_or(false)
    }

    /// All places, each behind that of its parent.
    fn parents_first(&self) -> Vec<usize> {
        let mut order = Vec::with_capacity(self.items.len());
        let mut seen = vec![false; self.items.len()];
        for start in self.all() {
            let is_new =
                |place: &usize| seen.get_mut(*place).is_some_and(|seen| !std::mem::replace(seen, true));
            let chain = std::iter::successors(Some(start), |place| self.parent(*place));
            let from = order.len();
            order.extend(chain.take_while(is_new));
            order.get_mut(from..).unwrap_or_default().reverse();
        }
        order
    }

    /// Cuts chains that are too long: each item has a layer for everything that it extends.
    fn break_long_chains(&mut self, order: &[usize], class: Class, findings: &mut Findings) {
        let mut depths = vec![0; self.items.len()];
        for place in order {
            let above = self.parent(*place).and_then(|parent| depths.get(parent)).copied();
            let depth = above.map_or(0, |above: usize| above + 1);
            if let Some(slot) = depths.get_mut(*place) {
                *slot = depth;
            }
            if depth == EXTENDS_MAX + 1 {
                findings.extend(self.items.get(*place).and_then(|item| too_deep(*item, class)));
            }
            // Behind the first cut the rest is cut in pieces, and not told of.
            if depth > 0
                && depth.is_multiple_of(EXTENDS_MAX + 1)
                && let Some(parent) = self.parents.get_mut(*place)
            {
                *parent = Parent::Broken;
            }
        }
    }

    /// Frames and soundness, from parents to children.
    fn inherit(&mut self, order: &[usize]) {
        self.frames = vec![None; self.items.len()];
        self.sound = vec![true; self.items.len()];
        for place in order {
            let parent = self.parent(*place);
            let inherited = || self.frame(parent?);
            let own = self.items.get(*place).and_then(|item| item.effective());
            let frame = own.map_or_else(inherited, |own| own.frame);
            let is_broken = self.parents.get(*place) == Some(&Parent::Broken);
            let is_sound = !is_broken && parent.is_none_or(|parent| self.is_sound(parent));
            if let (Some(frames), Some(sound)) = (self.frames.get_mut(*place), self.sound.get_mut(*place)) {
                (*frames, *sound) = (frame, is_sound);
            }
        }
    }

    fn find_parent(&self, item: &T, class: Class, findings: &mut Findings) -> Parent {
        let Some(extends) = item.extends() else { return Parent::None };
        match self.place(&extends.value) {
            Some(parent) => Parent::Item(parent),
            None => {
                report_unknown(extends, class, self.places.keys().copied(), findings);
                Parent::Broken
            }
        }
    }

    /// Walks from every item; who is met again on the same walk closes a circle.
    fn break_circles(&mut self, class: Class, findings: &mut Findings) {
        let mut walk_of = vec![usize::MAX; self.items.len()];
        for start in self.all() {
            let mut place = Some(start);
            while let Some(current) = place {
                let Some(walk) = walk_of.get_mut(current) else { break };
                match *walk {
                    usize::MAX => *walk = start,
                    walk if walk == start => {
                        self.break_circle(current, class, findings);
                        break;
                    }
                    _ => break,
                }
                place = self.parent(current);
            }
        }
    }

    fn break_circle(&mut self, start: usize, class: Class, findings: &mut Findings) {
        let mut circle = vec![start];
        let mut place = self.parent(start);
        while let Some(current) = place.filter(|place| *place != start) {
            circle.push(current);
            place = self.parent(current);
        }
        findings.extend(self.report_circle(&circle, class));
        for place in circle {
            if let Some(parent) = self.parents.get_mut(place) {
                *parent = Parent::Broken;
            }
        }
    }

    /// Shows every edge; begins at the item whose name sorts first, wherever the walk began.
    fn report_circle(&self, circle: &[usize], class: Class) -> Option<Diagnostic> {
        let first = circle.iter().enumerate().min_by_key(|(_, place)| **place)?.0;
        let places = circle.iter().cycle().skip(first).take(circle.len());
        let items: Vec<&T> = places.filter_map(|place| self.item(*place)).collect();
        let head = items.first()?;
        let message = match items.as_slice() {
            [_] => format!("{} `{}` extends itself", class.noun(), head.name().value),
            _ => format!("{}s extend each other in a circle: {}", class.noun(), route(&items)),
        };
        let mut edges = items.iter().filter_map(|item| Some((item.name(), item.extends()?)));
        let (name, extends) = edges.next()?;
        let say = |name: &Text, extends: &Text| format!("`{}` extends `{}`", name.value, extends.value);
        let mut finding = Diagnostic::new(Code::ExtendsCycle, extends.span, message).at(say(name, extends));
        for (name, extends) in edges {
            finding = finding.label(extends.span, say(name, extends));
        }
        Some(finding.help("remove one of these `extends`"))
    }
}

fn route<T: Extend>(items: &[&T]) -> String {
    let names = items.iter().chain(items.first()).map(|item| format!("`{}`", item.name().value));
    names.collect::<Vec<_>>().join(" -> ")
}

/// How many items may stand between an item and the end of its chain of `extends`. People extend a handful;
/// an agreement has a layer, and a module a name, for each.
pub const EXTENDS_MAX: usize = 100;

fn too_deep<T: Extend>(item: &T, class: Class) -> Option<Diagnostic> {
    let extends = item.extends()?;
    let message = format!(
        "{} `{}` extends more than {EXTENDS_MAX} others, one through the other",
        class.noun(),
        item.name().value
    );
    let finding = Diagnostic::new(Code::OverLimit, extends.span, message);
    Some(finding.help("extend one that is nearer to the end of the chain"))
}

/// Reports a name that no item of the class has.
pub fn report_unknown<'n>(
    name: &Text,
    class: Class,
    known: impl Iterator<Item = &'n str>,
    findings: &mut Findings,
) {
    let message = format!("there is no {} `{}`", class.noun(), name.value);
    let finding = Diagnostic::new(Code::UnknownName, name.span, message);
    let near = findings.nearest(&name.value, known);
    findings.push(match near {
        Some(near) => {
            finding.help(format!("did you mean `{near}`?")).fix(format!("write `{near}`"), name.span, near)
        }
        None => finding.help(format!("define it under `{}`, or correct the name", class.section())),
    });
}
