//! What is wrong with a broker, in the operator's words, and how to mend it.

use std::fmt;
use std::io;

use lapin::ErrorKind;
use lapin::protocol::{AMQPError, AMQPErrorKind, AMQPHardError, AMQPSoftError};

/// Why a source or a publisher does not get on with its broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong.
    what: String,
    /// What to do about it; nothing where it is known to pass.
    remedy: Option<String>,
}

/// What was tried.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// Where: `host:port`.
    pub place: &'a str,
    /// As whom.
    pub user: &'a str,
    /// In which virtual host.
    pub virtual_host: &'a str,
    /// By TLS.
    pub encrypted: bool,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        self.remedy.as_ref().map_or(Ok(()), |remedy| write!(f, "; {remedy}"))
    }
}

impl Fault {
    /// Something that passes by itself.
    pub fn passing(what: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: None }
    }

    /// Something that somebody has to mend.
    pub fn lasting(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: Some(remedy.into()) }
    }

    /// A connection was not made.
    pub fn connecting(error: &lapin::Error, attempt: Attempt<'_>) -> Self {
        let Attempt { place, user, virtual_host, .. } = attempt;
        match error.kind() {
            ErrorKind::IOError(error) => Self::reaching(error, attempt),
            ErrorKind::ProtocolError(refusal) => match refusal.kind() {
                AMQPErrorKind::Hard(AMQPHardError::NOTALLOWED) => Self::lasting(
                    format!(
                        "{place} does not let `{user}` into the virtual host `{virtual_host}`: {}",
                        said(refusal)
                    ),
                    format!(
                        "make it by `rabbitmqctl add_vhost '{virtual_host}'`, open it by `rabbitmqctl set_permissions \
                         -p '{virtual_host}' '{user}' '.*' '.*' '.*'`, or name another after the slash of the URL"
                    ),
                ),
                AMQPErrorKind::Soft(AMQPSoftError::ACCESSREFUSED) => Self::refused_user(attempt),
                _ => Self::passing(format!("{place} ended the connection: {}", said(refusal))),
            },
            ErrorKind::InvalidProtocolVersion(_) | ErrorKind::ParsingError(_) => Self::not_amqp(place),
            _ => Self::passing(format!("{place}: {error}")),
        }
    }

    fn reaching(error: &io::Error, attempt: Attempt<'_>) -> Self {
        let Attempt { place, encrypted, .. } = attempt;
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::lasting(
                format!("nobody listens at {place}"),
                "start the broker, or name another place in `urls`",
            ),
            // Before it knows who is there a broker ends the connection without a word.
            io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::UnexpectedEof
                if !encrypted =>
            {
                Self::lasting(
                    format!("{place} ended the connection before it was open"),
                    "see whether it speaks AMQP 0-9-1 without TLS (else write `amqps://`), and its own log",
                )
            }
            io::ErrorKind::InvalidData if encrypted => Self::lasting(
                format!("{place} is not trusted, or speaks no TLS: {error}"),
                "name the PEM file of its authority by `authorities`; its certificate must be for the host in the URL",
            ),
            _ => Self::lasting(format!("{place} cannot be reached: {error}"), "see `urls`, and the network"),
        }
    }

    /// The broker does not know the user, or the password is another.
    fn refused_user(attempt: Attempt<'_>) -> Self {
        let Attempt { place, user, .. } = attempt;
        let guest =
            if user == "guest" { " (`guest` may come from the broker's own machine only)" } else { "" };
        Self::lasting(
            format!("{place} does not accept `{user}` with this password{guest}"),
            "set `user` and `password_file` or `password_variable`, or change it by `rabbitmqctl change_password`",
        )
    }

    /// Whoever is there speaks something else.
    pub fn not_amqp(place: &str) -> Self {
        Self::lasting(
            format!("{place} does not speak AMQP 0-9-1"),
            "use RabbitMQ from version 3.8 on, and its AMQP port: 5672, or 5671 for `amqps`",
        )
    }

    /// Something went wrong with a connection that was open.
    pub fn working(error: &lapin::Error, what: &str) -> Self {
        let ErrorKind::ProtocolError(refusal) = error.kind() else {
            return match error.kind() {
                ErrorKind::MissingHeartbeatError => Self::passing("the broker does not answer any more"),
                _ => Self::passing(format!("the connection broke: {error}")),
            };
        };
        match refusal.kind() {
            AMQPErrorKind::Soft(AMQPSoftError::ACCESSREFUSED) => Self::lasting(
                format!("the broker does not allow it: {}", said(refusal)),
                format!(
                    "give the user the right to configure, write and read {what} by `rabbitmqctl set_permissions`"
                ),
            ),
            AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED) => Self::lasting(
                said(refusal),
                format!("remove {what}, which is of another kind, or name another one"),
            ),
            AMQPErrorKind::Soft(AMQPSoftError::RESOURCELOCKED) => Self::lasting(
                said(refusal),
                format!("end the client that has {what} for itself, or name another one"),
            ),
            AMQPErrorKind::Soft(_) | AMQPErrorKind::Hard(_) => Self::passing(said(refusal)),
        }
    }

    /// Whether something is not there.
    pub fn is_missing(error: &lapin::Error) -> bool {
        matches!(error.kind(), ErrorKind::ProtocolError(refusal)
            if matches!(refusal.kind(), AMQPErrorKind::Soft(AMQPSoftError::NOTFOUND)))
    }
}

/// What the broker said, without its word for the kind of error.
fn said(refusal: &AMQPError) -> String {
    let text = refusal.get_message().as_str();
    let (kind, rest) = text.split_once(" - ").unwrap_or(("", text));
    let kind_alone = kind.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    if kind_alone { rest.to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ATTEMPT: Attempt<'_> =
        Attempt { place: "rabbit:5672", user: "meter", virtual_host: "billing", encrypted: false };

    fn refusal(kind: impl Into<AMQPErrorKind>, text: &str) -> lapin::Error {
        ErrorKind::ProtocolError(AMQPError::new(kind.into(), text.into())).into()
    }

    #[test]
    fn what_is_wrong_is_said_with_what_to_do() {
        let connecting = |error: lapin::Error| Fault::connecting(&error, ATTEMPT).to_string();
        let missing = connecting(refusal(AMQPHardError::NOTALLOWED, "NOT_ALLOWED - vhost billing not found"));
        assert!(
            missing.contains("add_vhost 'billing'") && missing.contains(": vhost billing not found;"),
            "{missing}"
        );
        let password =
            connecting(refusal(AMQPSoftError::ACCESSREFUSED, "ACCESS_REFUSED - Login was refused"));
        assert!(password.contains("`meter`") && password.contains("password_file"), "{password}");
        let closed = connecting(io::Error::from(io::ErrorKind::ConnectionRefused).into());
        assert!(closed.starts_with("nobody listens at rabbit:5672; start"), "{closed}");
        let working = |error: lapin::Error| Fault::working(&error, "`q`").to_string();
        let rights =
            working(refusal(AMQPSoftError::ACCESSREFUSED, "ACCESS_REFUSED - access to queue 'q' refused"));
        assert!(rights.contains("set_permissions"), "{rights}");
        let kind = working(refusal(AMQPSoftError::PRECONDITIONFAILED, "inequivalent arg 'durable'"));
        assert!(kind.starts_with("inequivalent arg 'durable'; remove `q`"), "{kind}");
    }
}
