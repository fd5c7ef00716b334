//! Checks of items and parts as wholes, beside those of single values.

use aquarium_ir::Millis;
use aquarium_ir::time::Frame;

use crate::diagnostic::{Code, Diagnostic, FileSpan};
use crate::expression::mixed_prefixes;
use crate::findings::Findings;
use crate::items::{Class, EntryId, EntryValue, Items, List, Part};
use crate::resolve::Resolution;
use crate::unit::PrefixFamily;

/// Checks every item and part.
pub fn check(items: &Items, resolution: &Resolution, findings: &mut Findings) {
    for class in [Class::Algorithm, Class::Pricelist, Class::Creditplan] {
        for list in items.lists(class).values() {
            findings.extend(prefixes(items, list.entries.values()));
            if class == Class::Creditplan {
                findings.extend(incomplete_plan(items, list));
            }
        }
    }
    for (name, agreement) in &items.agreements {
        for (class, part) in &agreement.parts {
            findings.extend(prefixes(items, part.entries.values()));
            findings.extend(outlives(items, *class, part));
        }
        let is_sound = resolution.agreements.get(name).is_some_and(|resolved| resolved.sound);
        if is_sound {
            findings.extend(incomplete_agreement(items, resolution, name));
        }
    }
}

/// Multiples of 1000 beside multiples of 1024 in one item.
fn prefixes<'a>(items: &Items, entries: impl Iterator<Item = &'a EntryId>) -> Option<Diagnostic> {
    let of = |id: &EntryId| match &items.entry(*id)?.value {
        EntryValue::Price(price) => Some(price.prefixes()),
        EntryValue::Expression(expression) => Some(expression.prefixes()),
        _ => None,
    };
    let mut found: Vec<(FileSpan, PrefixFamily)> = entries.filter_map(of).flatten().collect();
    found.sort_by_key(|(span, _)| *span);
    mixed_prefixes(&found)
}

/// The list, then what it extends, and so on, as far as names lead.
fn chain<'a>(items: &'a Items, class: Class, first: &'a List) -> impl Iterator<Item = &'a List> {
    let parent = move |list: &&'a List| items.lists(class).get(&list.extends.as_ref()?.value);
    std::iter::successors(Some(first), parent).take(items.lists(class).len())
}

/// A credit plan needs to say how much and when.
fn incomplete_plan(items: &Items, plan: &List) -> Vec<Diagnostic> {
    let ends = chain(items, Class::Creditplan, plan).last().is_none_or(|last| last.extends.is_none());
    let gives =
        |key: &&str| chain(items, Class::Creditplan, plan).any(|plan| plan.entries.contains_key(*key));
    let missing = ["credits", "at"].into_iter().filter(|key| ends && !gives(key));
    let report = |key| {
        let message = format!("credit plan `{}` needs `{key}`", plan.name.value);
        Diagnostic::new(Code::MissingKey, plan.name.span, message)
    };
    missing.map(report).collect()
}

/// Overrides that hold also when the item that they are laid over does not.
fn outlives(items: &Items, class: Class, part: &Part) -> Option<Diagnostic> {
    let base = part.base.as_ref()?;
    if part.entries.is_empty() || part.effective.is_some() {
        return None;
    }
    let list = items.lists(class).get(&base.value)?;
    let effective = chain(items, class, list).find_map(|list| list.effective.as_ref())?;
    if items.frames.get(effective.frame?.0 as usize).is_none_or(holds_from_the_epoch_on) {
        return None;
    }
    let first = part.entries.values().filter_map(|id| items.entry(*id)).min_by_key(|entry| entry.span)?;
    let message =
        format!("these overrides of {} `{}` hold always, the item does not", class.noun(), base.value);
    let finding = Diagnostic::new(Code::OverrideOutlivesItem, first.key.span, message);
    Some(
        finding
            .label(effective.key, "the item holds only then")
            .help("give the overrides an `effective` of their own"),
    )
}

/// No event is earlier than the epoch.
fn holds_from_the_epoch_on(frame: &Frame) -> bool {
    frame.from <= Millis::EPOCH
        && frame.to == Millis::MAX
        && frame.repeat.is_empty()
        && frame.except.is_empty()
}

/// An agreement needs a price list and an algorithm, and an inline plan needs to be whole.
fn incomplete_agreement(items: &Items, resolution: &Resolution, name: &str) -> Vec<Diagnostic> {
    let (Some(item), Some(resolved)) = (items.agreements.get(name), resolution.agreements.get(name)) else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    let mut chain = resolved.ancestors.iter().filter_map(|name| items.agreements.get(name)).chain([item]);
    if resolved.ancestors.is_empty() {
        for class in [Class::Pricelist, Class::Algorithm] {
            if !item.parts.contains_key(&class) {
                let message = format!("agreement `{name}` needs `{}`", class.key());
                findings.push(Diagnostic::new(Code::MissingKey, item.name.span, message));
            }
        }
    }
    let gives = |key: &str| resolved.plan.get(key).is_some_and(|timeline| !timeline.0.is_empty());
    let Some(part) = item.parts.get(&Class::Creditplan).filter(|part| part.base.is_none()) else {
        return findings;
    };
    let is_broken =
        chain.any(|item| item.parts.get(&Class::Creditplan).is_some_and(|part| part.base.is_some()));
    for key in ["credits", "at"].into_iter().filter(|key| !is_broken && !gives(key)) {
        let message = format!("the credit plan of agreement `{name}` needs `{key}`");
        findings.push(Diagnostic::new(Code::MissingKey, part.key, message));
    }
    findings
}
