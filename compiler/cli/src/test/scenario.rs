//! From a test's users and events to the lines of an event file, as the fold reads them.

use std::collections::BTreeMap;

use aquarium_compiler::items::Text;
use aquarium_compiler::policy_test::{Event, Happening, PolicyTest, User};
use aquarium_ir::Millis;
use aquarium_ir::time::{WrittenInstant, Zone};
use serde_json::json;

use super::suite::Problem;

/// What happens in a test.
pub struct Scenario {
    /// Messages, an event each.
    pub lines: Vec<String>,
    /// The instant of the test; `None`: that of the last event.
    pub at: Option<Millis>,
}

/// The client that tests speak as.
const CLIENT: &str = "test";

impl Scenario {
    /// The scenario of a test whose file has `shared` users.
    pub fn of(shared: &[User], test: &PolicyTest, zone: &Zone) -> Result<Self, Problem> {
        let users = users(shared, &test.users);
        let mut script = Script { zone, users: &users, lines: Vec::new() };
        let at = test.at.as_ref().map(|at| script.instant(at)).transpose()?;
        let mut events = Vec::new();
        for event in &test.events {
            events.push((script.instant(&event.at)?, event));
        }
        let first = events.iter().map(|(instant, _)| *instant).chain(at).min();
        for user in users.values() {
            script.register(user, first)?;
        }
        // What a user was before an event is what an earlier one made of them, in whichever order they stand.
        events.sort_by_key(|(instant, _)| *instant);
        let mut roles: BTreeMap<&str, (String, bool)> =
            users.values().map(|user| (user.id.value.as_str(), (role_of(user), true))).collect();
        for (number, (instant, event)) in events.into_iter().enumerate() {
            script.event(number, instant, event, &mut roles)?;
        }
        Ok(Self { lines: script.lines, at })
    }
}

/// The users of a test: its own lie over those of the file.
fn users<'t>(shared: &'t [User], own: &'t [User]) -> BTreeMap<&'t str, &'t User> {
    shared.iter().chain(own).map(|user| (user.id.value.as_str(), user)).collect()
}

fn role_of(user: &User) -> String {
    user.role.as_ref().map(|role| role.value.clone()).unwrap_or_default()
}

struct Script<'s> {
    zone: &'s Zone,
    users: &'s BTreeMap<&'s str, &'s User>,
    lines: Vec<String>,
}

impl<'s> Script<'s> {
    fn instant(&self, text: &Text) -> Result<Millis, Problem> {
        let written = WrittenInstant::read(&text.value, self.zone);
        written.map(|written| written.instant).map_err(|error| Problem::new(text.span, error.to_string()))
    }

    fn register(&mut self, user: &User, first: Option<Millis>) -> Result<(), Problem> {
        let id = user.id.value.as_str();
        let since = user.since.as_ref().map(|since| self.instant(since)).transpose()?;
        let unknown = "this user has no `since`, and the test names no other instant: give `at`";
        let since = since.or(first).ok_or_else(|| Problem::new(user.id.span, unknown))?;
        self.user_event(&format!("user-{id}"), id, since, &role_of(user), true);
        if let Some(agreement) = &user.agreement {
            self.record("assign", "agreement", id, since, json!(agreement.value).to_string());
        }
        if let Some(credits) = &user.credits {
            self.record("grant", "credits", id, since, credits.value.to_string());
        }
        if let Some(threshold) = &user.threshold {
            self.record("threshold", "value", id, since, threshold.value.to_string());
        }
        Ok(())
    }

    fn event(
        &mut self,
        number: usize,
        at: Millis,
        event: &'s Event,
        roles: &mut BTreeMap<&'s str, (String, bool)>,
    ) -> Result<(), Problem> {
        let user = self.user_of(event)?;
        let id = event.id.as_ref().map_or_else(|| format!("event-{number}"), |id| id.value.clone());
        match &event.what {
            Happening::Usage { resource, instance, value } => {
                let instance = instance.as_ref().map_or("1", |instance| instance.value.as_str());
                self.lines.push(format!(
                    r#"{{"id":{},"occurredMillis":{at},"clientID":"{CLIENT}","userID":{},"resource":{},"instanceID":{},"value":{},"eventVersion":"1.0","details":{{}}}}"#,
                    json!(id), json!(user), json!(resource.value), json!(instance), value.value,
                ));
            }
            Happening::Registration { role, active } => {
                let known = roles.entry(user).or_insert_with(|| (String::new(), true));
                if let Some(role) = role {
                    known.0.clone_from(&role.value);
                }
                known.1 = active.unwrap_or(known.1);
                let (role, active) = known.clone();
                self.user_event(&id, user, at, &role, active);
            }
            Happening::Grant(credits) => self.record("grant", "credits", user, at, credits.value.to_string()),
            Happening::Threshold(value) => {
                self.record("threshold", "value", user, at, value.value.to_string());
            }
            Happening::Assign(agreement) => {
                self.record("assign", "agreement", user, at, json!(agreement.value).to_string());
            }
        }
        Ok(())
    }

    fn user_of(&self, event: &'s Event) -> Result<&'s str, Problem> {
        if let Some(user) = &event.user {
            return Ok(&user.value);
        }
        let mut users = self.users.keys();
        match (users.next(), users.next()) {
            (Some(only), None) => Ok(only),
            (None, _) => Err(Problem::new(event.span, "this event names no user, and the test has none")),
            _ => Err(Problem::new(event.span, "this event names no user, and the test has several")),
        }
    }

    fn user_event(&mut self, id: &str, user: &str, at: Millis, role: &str, active: bool) {
        let line = json!({
            "id": id, "occurredMillis": at, "clientID": CLIENT, "userID": user, "isActive": active, "role": role,
            "eventType": if active { "ACTIVE" } else { "SUSPENDED" }, "eventVersion": "1", "details": {},
        });
        self.lines.push(line.to_string());
    }

    /// One of the runtime's own records; `value` is JSON.
    fn record(&mut self, kind: &str, key: &str, user: &str, at: Millis, value: String) {
        let id = json!(format!("record-{}", self.lines.len()));
        self.lines.push(format!(
            r#"{{"recordType":"{kind}","id":{id},"clientID":"aquarium","userID":{},"occurredMillis":{at},"{key}":{value}}}"#,
            json!(user),
        ));
    }
}
