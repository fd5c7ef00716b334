//! What a part of an expression is: its unit, or that it is a condition, for each resource that it is used for.
//!
//! This is read from the compiled policy, so that it is what is charged by; while a policy has errors, nothing is said.

use std::collections::BTreeMap;

use aquarium_compiler::{FileId, FileSpan};
use aquarium_ir::policy::{Policy, Span};
use aquarium_ir::{Expression, Node};

use super::Hover;
use crate::{Snapshot, expressions};

/// How many resources are told apart.
const RESOURCES_MAX: usize = 8;

/// The smallest part around a place, and what it is.
pub(super) fn hover(snapshot: &Snapshot, file: FileId, offset: u32) -> Option<Hover> {
    expressions::at(snapshot, file, offset)?;
    let policy = snapshot.analysis().policy()?;
    let mut found: Option<FileSpan> = None;
    let mut kinds: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (resource, body) in bodies(policy) {
        let Some((span, kind)) = smallest(snapshot, body, file, offset) else { continue };
        if found.is_some_and(|found| found != span) {
            continue;
        }
        found = Some(span);
        let resources = kinds.entry(kind).or_default();
        if !resources.contains(&resource) {
            resources.push(resource);
        }
    }
    let span = found?;
    Some(Hover { span, markdown: said(snapshot.slice(span), &kinds) })
}

/// Every expression that is charged by, and for what.
fn bodies(policy: &Policy) -> impl Iterator<Item = (&str, &Expression)> {
    policy.charges.iter().filter_map(|charge| {
        let resource = policy.resources.get(charge.resource.index())?;
        let body = policy.bodies.get(charge.body.index())?;
        Some((resource.name.as_str(), &body.expression))
    })
}

/// The smallest part of an expression around a place.
fn smallest(snapshot: &Snapshot, body: &Expression, file: FileId, offset: u32) -> Option<(FileSpan, String)> {
    let nodes = body.nodes.iter().zip(&body.origins);
    let places = nodes.filter_map(|(node, origin)| Some((place(snapshot, &origin.span)?, node, origin)));
    let around = places.filter(|(span, ..)| span.file == file && expressions::touches(*span, offset));
    let (span, node, origin) = around.min_by_key(|(span, ..)| (span.end - span.start, span.start))?;
    let is_condition = matches!(node, Node::Compare { .. } | Node::And(..) | Node::Or(..) | Node::Not(..));
    let kind = match origin.unit.as_str() {
        _ if is_condition => "a condition".to_owned(),
        "" => "a number without unit".to_owned(),
        unit => format!("in `{unit}`"),
    };
    Some((span, kind))
}

/// A place of the compiled policy in the files that it was compiled from.
fn place(snapshot: &Snapshot, span: &Span) -> Option<FileSpan> {
    let index = u32::try_from(span.source.index()).ok()?;
    let file = FileId(index);
    snapshot.text(file).map(|_| FileSpan { file, start: span.start, end: span.end })
}

fn said(text: &str, kinds: &BTreeMap<String, Vec<&str>>) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut markdown = format!("`{text}`");
    for (number, (kind, resources)) in kinds.iter().enumerate() {
        markdown.push_str(if number == 0 { ": " } else { "; " });
        markdown.push_str(kind);
        if kinds.len() > 1 {
            let shown = resources.iter().take(RESOURCES_MAX).map(|name| format!("`{name}`"));
            markdown.push_str(&format!(" for {}", shown.collect::<Vec<_>>().join(", ")));
            if resources.len() > RESOURCES_MAX {
                markdown.push_str(" and others");
            }
        }
    }
    markdown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at_cursor;

    fn check(expression: &str, expected: Option<&str>) {
        let source = format!(
            "aquariumpolicy:\n  resources:\n    - {{name: vmtime, unit: hr, costpolicy: onoff}}\n    - {{name: disk, unit: GB, costpolicy: \
             discrete}}\n  algorithms:\n    - name: all\n      '*': {expression}\n  pricelists:\n    - {{name: base, vmtime: 1, disk: \
             2}}\n  agreements:\n    - {{name: default, algorithm: all, pricelist: base}}\n  roles: {{'*': default}}\n"
        );
        let (snapshot, file, offset) = at_cursor(&source);
        let findings = &snapshot.analysis().diagnostics;
        let found = hover(&snapshot, file, offset).map(|hover| hover.markdown);
        assert_eq!(found.as_deref(), expected, "{findings:#?}");
    }

    #[test]
    fn each_part_has_its_unit_for_each_resource() {
        check("price $0* volume", Some("`price * volume`: in `credit`"));
        check(
            "price * max(volume, 2 * vol$0ume)",
            Some("`volume`: in `GB` for `disk`; in `hr` for `vmtime`"),
        );
        check("price * volume * 0.$05", Some("`0.5`: a number without unit"));
        check(
            "if total $0gt 10 then price * volume else price * volume end",
            Some("`total gt 10`: a condition"),
        );
    }

    #[test]
    fn nothing_is_said_of_what_is_not_charged_by() {
        check("price * volume +$0", None);
        let (snapshot, file, offset) = at_cursor("aquariumpolicy:\n  timezone: U$0TC\n");
        assert_eq!(hover(&snapshot, file, offset), None);
    }
}
