//! Files of policy tests: keys, their values and their places.

use aquarium_grammar::document::{Entry, Item, Value, items as items_of};
use aquarium_grammar::{Limits, parse_bytes};
use aquarium_ir::time::{WrittenInstant, Zone};

use super::Reader;
use super::keys::{Keys, Known, key};
use crate::diagnostic::{Code, Diagnostic};
use crate::findings::{Findings, told};
use crate::items::{Items, Spanned, Text};
use crate::policy_test::{
    Event, Expect, Expected, ExpectedBill, ExpectedFinding, ExpectedUser, Field, Fields, Happening, Kind,
    PolicyTest, PolicyTests, TEST_FILE, User, cannot_fail,
};
use crate::time::effective::Frames;

const ROOT: &[Known] = &[key("policytests")];
const FILE: &[Known] = &[key("policy"), key("users"), key("tests")];
const TEST: &[Known] =
    &[key("name"), key("policy"), key("at"), key("users"), key("events"), key("eventfiles"), key("expect")];
const USER: &[Known] = &[key("role"), key("since"), key("agreement"), key("credits"), key("threshold")];
const EVENT: &[Known] = &[
    key("at"),
    key("user"),
    key("id"),
    key("resource"),
    key("instance"),
    key("value"),
    key("role"),
    key("active"),
    key("grant"),
    key("threshold"),
    key("agreement"),
];
const EXPECT: &[Known] = &[key("users"), key("findings"), key("quarantined")];
const EXPECTED_USER: &[Known] =
    &[key("balance"), key("charged"), key("accrued"), key("refilled"), key("entries"), key("bill")];
const BILL: &[Known] = &[key("month"), key("opening"), key("closing"), key("open"), key("lines")];
const FINDING: &[Known] = &[key("code"), key("line"), key("message")];
const ENTRY: &[Known] = &[
    key("resource"),
    key("instance"),
    key("from"),
    key("to"),
    key("amount"),
    key("volume"),
    key("price"),
    key("totalBefore"),
    key("agreement"),
    key("item"),
    key("algorithm"),
    key("credits"),
    key("uncovered"),
    key("reason"),
];
const LINE: &[Known] = &[
    key("resource"),
    key("instance"),
    key("agreement"),
    key("price"),
    key("volume"),
    key("credits"),
    key("entries"),
    key("open"),
];
const QUARANTINED: &[Known] = &[key("reason"), key("stage"), key("message")];

/// What the values of a field of an expectation are.
fn kind(key: &str) -> Kind {
    match key {
        "from" | "to" => Kind::Instant,
        "uncovered" | "open" => Kind::Truth,
        "resource" | "instance" | "agreement" | "item" | "algorithm" | "reason" | "stage" | "message" => {
            Kind::Text
        }
        _ => Kind::Number,
    }
}

/// Reads a file of tests, and says what is wrong with it.
#[must_use]
pub fn read(bytes: &[u8]) -> (PolicyTests, Vec<Diagnostic>) {
    let parse = parse_bytes(bytes, Limits::default());
    let mut findings = Findings::default();
    findings.extend(crate::syntax::findings(parse.reading(), TEST_FILE));
    let (mut frames, mut items) = (Frames::new(Zone::utc()), Items::default());
    let mut reader = Reader::new(TEST_FILE, parse.text(), &mut findings, &mut frames, &mut items);
    let tests = reader.policy_tests(&parse.document().root);
    let (findings, left_out) = findings.into_parts();
    (tests, told(findings, &left_out))
}

impl Reader<'_> {
    fn policy_tests(&mut self, root: &Value) -> PolicyTests {
        let start = self.span(aquarium_grammar::Span::empty(0));
        let nothing = || {
            Diagnostic::new(Code::MissingKey, start, "the file holds no tests")
                .help("write them as a list below `policytests:` and `tests:`")
        };
        let Value::Mapping(mapping) = root else {
            if !matches!(root, Value::Broken(_)) {
                self.findings.push(nothing());
            }
            return PolicyTests::default();
        };
        let mut keys = self.keys(mapping.entries.iter(), ROOT);
        self.unknown_keys(&mut keys, ROOT, "a file of policy tests");
        let Some(entry) = keys.get("policytests") else {
            if keys.others.is_empty() {
                self.findings.push(nothing());
            }
            return PolicyTests::default();
        };
        let Some(inner) = entry.value.as_mapping() else {
            self.wrong_form(&entry.value, "`tests`, and what they have in common,");
            return PolicyTests::default();
        };
        let mut keys = self.keys(inner.entries.iter(), FILE);
        self.unknown_keys(&mut keys, FILE, "a file of policy tests");
        let items = keys.get("tests").map(|tests| items_of(&tests.value, "test")).unwrap_or_default();
        if items.is_empty() {
            self.findings.push(nothing());
        }
        let tests = PolicyTests {
            policy: self.texts(keys.get("policy")),
            users: self.users(keys.get("users")),
            tests: items.into_iter().filter_map(|item| self.policy_test(item)).collect(),
        };
        self.names_once(&tests.tests);
        tests
    }

    fn names_once(&mut self, tests: &[PolicyTest]) {
        for (place, test) in tests.iter().enumerate() {
            let before = tests.iter().take(place).find(|before| before.name.value == test.name.value);
            if let Some(before) = before {
                let message = format!("two tests have the name `{}`", test.name.value);
                let finding = Diagnostic::new(Code::DuplicateItem, test.name.span, message);
                self.findings.push(finding.label(before.name.span, "first given here"));
            }
        }
    }

    fn policy_test(&mut self, item: Item<'_>) -> Option<PolicyTest> {
        if let Some(other) = item.instead_of_keys() {
            self.wrong_form(other, "a test with its keys");
            return None;
        }
        let mut keys = self.keys(item.entries(), TEST);
        self.unknown_keys(&mut keys, TEST, "a test");
        let span = self.span(item.span());
        let name = match keys.get("name") {
            Some(entry) => self.text_of(entry)?,
            None => {
                self.findings.push(Diagnostic::new(Code::MissingKey, span, "a test needs a `name`"));
                return None;
            }
        };
        let expect = keys.get("expect").map(|entry| self.expect(entry));
        if expect.as_ref().is_none_or(|(_, expects)| !expects) {
            self.findings.push(cannot_fail(name.span, &format!("test `{}`", name.value)));
        }
        Some(PolicyTest {
            span,
            policy: self.texts(keys.get("policy")),
            at: keys.get("at").and_then(|entry| self.instant_of(entry)),
            users: self.users(keys.get("users")),
            events: keys.get("events").map(|entry| self.events(entry)).unwrap_or_default(),
            event_files: self.texts(keys.get("eventfiles")),
            expect: expect.map(|(expect, _)| expect).unwrap_or_default(),
            name,
        })
    }

    /// One text, or a list of texts.
    fn texts(&mut self, entry: Option<&Entry>) -> Vec<Text> {
        let values = match entry.map(|entry| &entry.value) {
            None => return Vec::new(),
            Some(Value::Sequence(sequence)) => sequence.items.iter().collect(),
            Some(single) => vec![single],
        };
        values.into_iter().filter_map(|value| self.text_in(value, "a path")).collect()
    }

    fn text_in(&mut self, value: &Value, wanted: &str) -> Option<Text> {
        match value {
            Value::Scalar(scalar) => Some(self.text(scalar)),
            other => {
                self.wrong_form(other, wanted);
                None
            }
        }
    }

    /// `id: role`, or the id with keys below it.
    fn users(&mut self, entry: Option<&Entry>) -> Vec<User> {
        let Some(entry) = entry else { return Vec::new() };
        let Some(mapping) = entry.value.as_mapping() else {
            self.wrong_form(&entry.value, "users by their ids");
            return Vec::new();
        };
        mapping.entries.iter().map(|entry| self.user(entry)).collect()
    }

    fn user(&mut self, entry: &Entry) -> User {
        let (role, below) = match &entry.value {
            Value::Scalar(role) => (Some(self.text(role)), None),
            Value::Named(named) => (Some(self.text(&named.name)), Some(&named.overrides)),
            Value::Mapping(mapping) => (None, Some(mapping)),
            Value::Missing(_) => (None, None),
            other => {
                self.wrong_form(other, "a role, or keys of a user");
                (None, None)
            }
        };
        let entries = below.map(|mapping| mapping.entries.as_slice()).unwrap_or_default();
        let mut keys = self.keys(entries.iter(), USER);
        self.unknown_keys(&mut keys, USER, "a user");
        User {
            id: self.text(&entry.key),
            role: keys.get("role").and_then(|entry| self.text_of(entry)).or(role),
            since: keys.get("since").and_then(|entry| self.instant_of(entry)),
            agreement: keys.get("agreement").and_then(|entry| self.text_of(entry)),
            credits: keys.get("credits").and_then(|entry| self.any_number(entry)),
            threshold: keys.get("threshold").and_then(|entry| self.any_number(entry)),
        }
    }

    fn any_number(&mut self, entry: &Entry) -> Option<Spanned<aquarium_ir::Rational>> {
        self.number_of(entry, "a number", |_| true)
    }

    /// An instant that can be read; a local one is understood by whoever knows the policy's zone.
    fn instant_of(&mut self, entry: &Entry) -> Option<Text> {
        let text = self.text_of(entry)?;
        self.check_instant(&text).then_some(text)
    }

    fn check_instant(&mut self, text: &Text) -> bool {
        let error = WrittenInstant::read(&text.value, &Zone::utc()).err();
        if let Some(error) = &error {
            self.findings.push(Diagnostic::new(Code::BadInstant, text.span, error.to_string()));
        }
        error.is_none()
    }

    fn events(&mut self, entry: &Entry) -> Vec<Event> {
        items_of(&entry.value, "event").into_iter().filter_map(|item| self.event(item)).collect()
    }

    fn event(&mut self, item: Item<'_>) -> Option<Event> {
        if let Some(other) = item.instead_of_keys() {
            self.wrong_form(other, "an event with its keys");
            return None;
        }
        let mut keys = self.keys(item.entries(), EVENT);
        self.unknown_keys(&mut keys, EVENT, "an event");
        let span = self.span(item.span());
        let Some(at) = keys.get("at") else {
            self.findings.push(Diagnostic::new(Code::MissingKey, span, "an event needs `at`, its instant"));
            return None;
        };
        let at = self.instant_of(at);
        let what = self.happening(&keys, span);
        Some(Event {
            span,
            at: at?,
            user: keys.get("user").and_then(|entry| self.text_of(entry)),
            id: keys.get("id").and_then(|entry| self.text_of(entry)),
            what: what?,
        })
    }

    fn happening(&mut self, keys: &Keys<'_>, span: crate::FileSpan) -> Option<Happening> {
        const KINDS: [&str; 6] = ["resource", "role", "active", "grant", "threshold", "agreement"];
        let given: Vec<&str> = KINDS.into_iter().filter(|key| keys.get(key).is_some()).collect();
        match given.as_slice() {
            ["resource"] => self.usage(keys, span),
            ["role" | "active"] | ["role", "active"] => Some(Happening::Registration {
                role: keys.get("role").and_then(|entry| self.text_of(entry)),
                active: keys.get("active").and_then(|entry| self.bool_of(entry)),
            }),
            ["grant"] => self.any_number(keys.get("grant")?).map(Happening::Grant),
            ["threshold"] => self.any_number(keys.get("threshold")?).map(Happening::Threshold),
            ["agreement"] => self.text_of(keys.get("agreement")?).map(Happening::Assign),
            [] => {
                let finding = Diagnostic::new(Code::MissingKey, span, "nothing happens in this event");
                self.findings.push(finding.help(
                    "give `resource` and `value`, `role`, `active`, `grant`, `threshold` or `agreement`",
                ));
                None
            }
            several => {
                let keys: Vec<String> = several.iter().map(|key| format!("`{key}`")).collect();
                let message = format!("{} cannot stand in one event", keys.join(" and "));
                self.findings
                    .push(Diagnostic::new(Code::UnknownKey, span, message).help("write an event each"));
                None
            }
        }
    }

    fn usage(&mut self, keys: &Keys<'_>, span: crate::FileSpan) -> Option<Happening> {
        let resource = self.text_of(keys.get("resource")?)?;
        let Some(value) = keys.get("value") else {
            self.findings.push(Diagnostic::new(
                Code::MissingKey,
                span,
                "the use of a resource needs a `value`",
            ));
            return None;
        };
        let value = self.any_number(value)?;
        Some(Happening::Usage {
            resource,
            instance: keys.get("instance").and_then(|entry| self.text_of(entry)),
            value,
        })
    }

    /// What is expected, and whether anything is.
    fn expect(&mut self, entry: &Entry) -> (Expect, bool) {
        let Some(mapping) = entry.value.as_mapping() else {
            self.wrong_form(&entry.value, "what must come of the test: `users`, `findings`, `quarantined`");
            return (Expect::default(), true);
        };
        let mut keys = self.keys(mapping.entries.iter(), EXPECT);
        self.unknown_keys(&mut keys, EXPECT, "an expectation");
        let users = keys.get("users").map(|entry| self.expected_users(entry)).unwrap_or_default();
        let expect = Expect {
            users,
            findings: keys.get("findings").map(|entry| self.expected_findings(entry)),
            quarantined: keys
                .get("quarantined")
                .map(|entry| self.field_list(entry, QUARANTINED, "a message")),
        };
        let expects_of_user = |user: &ExpectedUser| {
            !user.figures.fields.is_empty() || user.entries.is_some() || user.bill.is_some()
        };
        let expects = expect.findings.is_some()
            || expect.quarantined.is_some()
            || expect.users.iter().any(expects_of_user);
        (expect, expects || !keys.others.is_empty())
    }

    fn expected_users(&mut self, entry: &Entry) -> Vec<ExpectedUser> {
        let Some(mapping) = entry.value.as_mapping() else {
            self.wrong_form(&entry.value, "users by their ids");
            return Vec::new();
        };
        mapping.entries.iter().filter_map(|entry| self.expected_user(entry)).collect()
    }

    fn expected_user(&mut self, entry: &Entry) -> Option<ExpectedUser> {
        let Some(mapping) = entry.value.as_mapping() else {
            self.wrong_form(&entry.value, "what must come of the user");
            return None;
        };
        let mut keys = self.keys(mapping.entries.iter(), EXPECTED_USER);
        self.unknown_keys(&mut keys, EXPECTED_USER, "what is expected of a user");
        Some(ExpectedUser {
            id: self.text(&entry.key),
            figures: self.fields(&keys, EXPECTED_USER, self.span(entry.key.span)),
            entries: keys.get("entries").map(|entry| self.field_list(entry, ENTRY, "an entry")),
            bill: keys.get("bill").and_then(|entry| self.expected_bill(entry)),
        })
    }

    fn expected_bill(&mut self, entry: &Entry) -> Option<ExpectedBill> {
        let Some(mapping) = entry.value.as_mapping() else {
            self.wrong_form(&entry.value, "the month of a bill and what it must say");
            return None;
        };
        let mut keys = self.keys(mapping.entries.iter(), BILL);
        self.unknown_keys(&mut keys, BILL, "a bill");
        let key = self.span(entry.key.span);
        let Some(month) = keys.get("month") else {
            self.findings.push(Diagnostic::new(
                Code::MissingKey,
                key,
                "a bill needs its `month`, as `YYYY-MM`",
            ));
            return None;
        };
        Some(ExpectedBill {
            key,
            month: self.text_of(month)?,
            figures: self.fields(&keys, BILL, key),
            lines: keys.get("lines").map(|entry| self.field_list(entry, LINE, "a line of a bill")),
        })
    }

    fn field_list(&mut self, entry: &Entry, known: &[Known], what: &str) -> Expected<Fields> {
        let items = match &entry.value {
            Value::Sequence(sequence) => sequence.items.iter().collect(),
            single => vec![single],
        };
        let items = items.into_iter().filter_map(|value| {
            let Some(mapping) = value.as_mapping() else {
                self.wrong_form(value, &format!("{what} with its fields"));
                return None;
            };
            let mut keys = self.keys(mapping.entries.iter(), known);
            self.unknown_keys(&mut keys, known, what);
            Some(self.fields(&keys, known, self.span(mapping.span)))
        });
        Expected { items: items.collect(), key: self.span(entry.key.span) }
    }

    /// The fields that are given as texts; lists and mappings among the keys are read elsewhere.
    fn fields(&mut self, keys: &Keys<'_>, known: &[Known], span: crate::FileSpan) -> Fields {
        let mut fields = Vec::new();
        for Known { key, .. } in known {
            let Some(entry) =
                keys.get(key).filter(|_| !matches!(*key, "entries" | "bill" | "lines" | "month"))
            else {
                continue;
            };
            let Some(value) = self.text_of(entry) else { continue };
            let kind = kind(key);
            if self.fits(entry, kind, &value) {
                fields.push(Field { key, kind, value });
            }
        }
        fields.sort_by_key(|field| field.value.span);
        Fields { span, fields }
    }

    fn fits(&mut self, entry: &Entry, kind: Kind, value: &Text) -> bool {
        match kind {
            Kind::Text => true,
            Kind::Truth => self.bool_of(entry).is_some(),
            Kind::Instant => self.check_instant(value),
            Kind::Number => self.any_number(entry).is_some(),
        }
    }

    fn expected_findings(&mut self, entry: &Entry) -> Expected<ExpectedFinding> {
        let items = match &entry.value {
            Value::Sequence(sequence) => sequence.items.iter().collect(),
            Value::Missing(_) => Vec::new(),
            single => vec![single],
        };
        let items = items.into_iter().filter_map(|value| self.expected_finding(value)).collect();
        Expected { items, key: self.span(entry.key.span) }
    }

    /// `AQ0401`, `coverage-gap`, or `{code: ..., line: ..., message: ...}`.
    fn expected_finding(&mut self, value: &Value) -> Option<ExpectedFinding> {
        let span = self.span(value.span());
        if let Value::Scalar(scalar) = value {
            let text = self.text(scalar);
            return Some(ExpectedFinding { span, code: self.code(&text)?, line: None, message: None });
        }
        let Some(mapping) = value.as_mapping() else {
            self.wrong_form(value, "the code of a finding, or its fields");
            return None;
        };
        let mut keys = self.keys(mapping.entries.iter(), FINDING);
        self.unknown_keys(&mut keys, FINDING, "a finding");
        let Some(code) = keys.get("code") else {
            self.findings.push(Diagnostic::new(Code::MissingKey, span, "a finding needs its `code`"));
            return None;
        };
        let code = self.text_of(code)?;
        Some(ExpectedFinding {
            span,
            code: self.code(&code)?,
            line: keys.get("line").and_then(|entry| self.any_number(entry)),
            message: keys.get("message").and_then(|entry| self.text_of(entry)),
        })
    }

    fn code(&mut self, text: &Text) -> Option<Spanned<Code>> {
        let code = Code::find(&text.value);
        if code.is_none() {
            let message = format!("there is no code or lint `{}`", text.value);
            let finding = Diagnostic::new(Code::UnknownName, text.span, message);
            self.findings.push(finding.help("`aquariumc explain` lists them all"));
        }
        code.map(|value| Spanned { value, span: text.span })
    }
}
