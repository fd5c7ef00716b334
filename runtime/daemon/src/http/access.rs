//! Who may ask: bearer tokens, where there are any.

use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::fault::Fault;
use crate::clients::Clients;
use crate::config::Token;

/// What tells whether anybody is there needs no token.
const OPEN_TO_ALL: [&str; 3] = ["/ping", "/healthz", "/readyz"];

/// What a listener asks of those who come.
#[derive(Clone)]
pub struct Door {
    tokens: Arc<[Token]>,
    admin: bool,
}

impl Door {
    /// The door of the public listener.
    pub fn public(tokens: &[Token]) -> Self {
        Self { tokens: tokens.into(), admin: false }
    }

    /// The door of the administrators' port.
    pub fn admin(tokens: &[Token]) -> Self {
        Self { tokens: tokens.into(), admin: true }
    }

    /// The door of a socket: whoever may open the file may come in.
    pub fn open() -> Self {
        Self { tokens: Arc::default(), admin: false }
    }

    /// As whom a request may pass.
    pub fn pass(&self, path: &str, headers: &HeaderMap) -> Result<Clients, Fault> {
        if self.tokens.is_empty() || OPEN_TO_ALL.contains(&path) {
            return Ok(Clients::default());
        }
        let given = token(path, headers)?;
        let digest = digest(given.trim());
        let token = self.tokens.iter().find(|token| token.sha256.eq_ignore_ascii_case(&digest));
        let token = token.ok_or_else(|| unauthorized(path, "this token is not known"))?;
        if self.admin && !token.admin {
            return Err(Fault::forbidden("this token is not an administrator's"));
        }
        Ok(Clients::bound_to(token.clients.as_deref()))
    }
}

/// The token of a request: a bearer's; where people look, the password that their browser asked for.
fn token(path: &str, headers: &HeaderMap) -> Result<String, Fault> {
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.split_once(' '));
    let is = |scheme: &str, wanted: &str| scheme.eq_ignore_ascii_case(wanted);
    let token = given.and_then(|(scheme, given)| match scheme {
        scheme if is(scheme, "bearer") => Some(given.to_owned()),
        scheme if is(scheme, "basic") && is_for_people(path) => password(given),
        _ => None,
    });
    token.ok_or_else(|| unauthorized(path, "send `Authorization: Bearer TOKEN`"))
}

/// Whether a path is the console's. It changes nothing, so a browser that sends a password by itself does no harm there.
fn is_for_people(path: &str) -> bool {
    path == "/console" || path.starts_with("/console/")
}

/// The password of what browsers send as `Basic`: name, colon, password, in base 64.
fn password(given: &str) -> Option<String> {
    let text = String::from_utf8(STANDARD.decode(given.trim()).ok()?).ok()?;
    text.split_once(':').map(|(_, password)| password.to_owned())
}

fn unauthorized(path: &str, message: &str) -> Fault {
    let fault = Fault::unauthorized(message);
    if is_for_people(path) { fault.asking_people() } else { fault }
}

/// The SHA-256 of a token. Who can measure how long its comparison takes learns nothing about the token.
fn digest(token: &str) -> String {
    Sha256::digest(token.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass(door: &Door, path: &str, authorization: &str) -> Result<Clients, Fault> {
        let mut headers = HeaderMap::new();
        if !authorization.is_empty() {
            headers.insert(AUTHORIZATION, authorization.parse().unwrap());
        }
        door.pass(path, &headers)
    }

    #[test]
    fn tokens_open_what_they_are_for() {
        let token = |text: &str, clients: Option<&str>, admin| Token {
            sha256: digest(text),
            clients: clients.map(|client| vec![client.to_owned()]),
            admin,
        };
        let tokens =
            [token("all", None, false), token("one", Some("cyclades"), false), token("root", None, true)];
        let public = Door::public(&tokens);
        assert!(pass(&public, "/ping", "").is_ok());
        for refused in ["", "Bearer", "Bearer wrong", "Basic all", "all"] {
            assert!(pass(&public, "/users", refused).is_err(), "{refused}");
        }
        assert!(pass(&public, "/users", "bearer all").unwrap().may_send("pithos"));
        let one = pass(&public, "/events", "Bearer one").unwrap();
        assert!(one.may_send("cyclades") && !one.may_send("pithos"));
        let basic = format!("Basic {}", STANDARD.encode("anybody:all"));
        for (path, allowed) in
            [("/console", true), ("/console/user", true), ("/users", false), ("/consoles", false)]
        {
            assert_eq!(pass(&public, path, &basic).is_ok(), allowed, "{path}");
        }
        for refused in ["Basic", "Basic !", "Basic YWxs", &format!("Basic {}", STANDARD.encode("all:wrong"))]
        {
            assert!(pass(&public, "/console", refused).is_err(), "{refused}");
        }
        let admin = Door::admin(&tokens);
        assert!(pass(&admin, "/clock", "Bearer all").is_err());
        assert!(pass(&admin, "/clock", "Bearer root").is_ok());
        assert!(pass(&Door::open(), "/clock", "").is_ok());
    }
}
