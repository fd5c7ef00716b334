//! Which directives count at a place: found without asking each of them, since a file may hold hundreds of thousands and
//! as many findings.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::{Directive, Level};
use crate::diagnostic::{Code, Diagnostic, FileId, FileSpan, Severity};

/// What all directives say, by lint.
#[derive(Debug, Default)]
pub(super) struct Scopes(BTreeMap<Code, Lint>);

/// What they say about one lint.
#[derive(Debug, Default)]
struct Lint {
    /// For the whole policy.
    everywhere: Option<Scope>,
    /// By where they begin, each scope once.
    inside: Vec<Scope>,
    /// An interval tree over `inside`: the middle of each part knows how far the part reaches.
    reach: Vec<Place>,
}

type Place = (FileId, u32);

/// Where a directive counts, and what it says there.
#[derive(Debug)]
struct Scope {
    start: Place,
    end: Place,
    level: Level,
    used: bool,
}

impl Scopes {
    /// Of several directives with one scope the last counts.
    pub fn of(directives: &[Directive]) -> Self {
        let mut levels: BTreeMap<(Code, Option<FileSpan>), Level> = BTreeMap::new();
        for directive in directives {
            levels.insert((directive.code, directive.scope), directive.level);
        }
        let mut scopes = Self::default();
        for ((code, scope), level) in levels {
            scopes.0.entry(code).or_default().add(scope, level);
        }
        scopes.0.values_mut().for_each(Lint::finish);
        scopes
    }

    /// The finding at the level that the narrowest directive says; `None` where it is allowed.
    pub fn level(&mut self, mut finding: Diagnostic) -> Option<Diagnostic> {
        let Some(lint) = self.0.get_mut(&finding.code) else { return Some(finding) };
        match lint.level(&finding) {
            Some(Level::Allow) => return None,
            Some(Level::Warn) => finding.severity = Severity::Warning,
            Some(Level::Deny) => finding.severity = Severity::Error,
            None => {}
        }
        Some(finding)
    }

    /// Whether a finding was where the directive counts.
    pub fn has_used(&self, directive: &Directive) -> bool {
        self.0.get(&directive.code).is_some_and(|lint| lint.has_used(directive.scope))
    }
}

impl Lint {
    fn add(&mut self, span: Option<FileSpan>, level: Level) {
        let Some(span) = span else {
            let start = (FileId(0), 0);
            self.everywhere = Some(Scope { start, end: start, level, used: false });
            return;
        };
        let (start, end) = ((span.file, span.start), (span.file, span.end));
        self.inside.push(Scope { start, end, level, used: false });
    }

    fn finish(&mut self) {
        self.inside.sort_by_key(|scope| (scope.start, Reverse(scope.end)));
        self.reach = self.inside.iter().map(|scope| scope.end).collect();
        self.grow(0, self.inside.len());
    }

    /// Works out how far a part of the tree reaches.
    fn grow(&mut self, from: usize, to: usize) -> Option<Place> {
        if from >= to {
            return None;
        }
        let middle = usize::midpoint(from, to);
        let parts = self.grow(from, middle).max(self.grow(middle + 1, to));
        let reach = self.reach.get_mut(middle)?;
        *reach = parts.map_or(*reach, |parts| parts.max(*reach));
        Some(*reach)
    }

    fn level(&mut self, finding: &Diagnostic) -> Option<Level> {
        let mut found = Vec::new();
        for label in finding.secondary.iter().chain([&finding.primary]) {
            self.find(0, self.inside.len(), (label.span.file, label.span.start), &mut found);
        }
        let mut narrowest: Option<(u32, Level)> = None;
        for index in found {
            let Some(scope) = self.inside.get_mut(index) else { continue };
            scope.used = true;
            let width = scope.end.1.saturating_sub(scope.start.1);
            if narrowest.is_none_or(|(least, _)| width <= least) {
                narrowest = Some((width, scope.level));
            }
        }
        let everywhere = self.everywhere.as_mut().map(|scope| {
            scope.used = true;
            scope.level
        });
        narrowest.map(|(_, level)| level).or(everywhere)
    }

    /// The scopes that a place is in, of a part of the tree.
    fn find(&self, from: usize, to: usize, place: Place, found: &mut Vec<usize>) {
        let middle = usize::midpoint(from, to);
        let (Some(scope), Some(reach)) = (self.inside.get(middle), self.reach.get(middle)) else { return };
        if from >= to || *reach < place {
            return;
        }
        self.find(from, middle, place, found);
        if scope.start <= place {
            if place <= scope.end {
                found.push(middle);
            }
            self.find(middle + 1, to, place, found);
        }
    }

    fn has_used(&self, span: Option<FileSpan>) -> bool {
        let Some(span) = span else { return self.everywhere.as_ref().is_some_and(|scope| scope.used) };
        let key = ((span.file, span.start), Reverse((span.file, span.end)));
        let place = self.inside.binary_search_by_key(&key, |scope| (scope.start, Reverse(scope.end)));
        place.ok().and_then(|place| self.inside.get(place)).is_some_and(|scope| scope.used)
    }
}
