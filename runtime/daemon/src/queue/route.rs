//! Routes: which queue is fed by which messages.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Bytes of a name, at most: AMQP 0-9-1 writes their number as one byte.
const NAME_BYTES_MAX: usize = 255;

/// `exchange:routing.key:queue`; without an exchange (`::queue`) the queue is used as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The exchange that messages are published to.
    pub exchange: String,
    /// The key that they are published under, or the pattern of such keys.
    pub routing_key: String,
    /// The queue that they wait in; none where others bind theirs.
    pub queue: Option<String>,
}

/// Why a text is no route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RouteError {
    /// Not the right number of parts.
    #[error("write it as `exchange:routing.key:queue`")]
    Parts,
    /// A part is missing that is needed.
    #[error("the exchange, or the queue, has no name")]
    Unnamed,
    /// A part is too long.
    #[error("a name has more than {NAME_BYTES_MAX} bytes")]
    Long,
}

impl FromStr for Route {
    type Err = RouteError;

    fn from_str(text: &str) -> Result<Self, RouteError> {
        let parts: Vec<&str> = text.split(':').map(str::trim).collect();
        let (exchange, routing_key, queue) = match *parts.as_slice() {
            [exchange, routing_key] => (exchange, routing_key, None),
            [exchange, routing_key, queue] => (exchange, routing_key, Some(queue)),
            _ => return Err(RouteError::Parts),
        };
        if parts.iter().any(|part| part.len() > NAME_BYTES_MAX) {
            return Err(RouteError::Long);
        }
        let bound_to_nothing = exchange.is_empty() && (queue.is_none() || !routing_key.is_empty());
        if queue.is_some_and(str::is_empty) || bound_to_nothing {
            return Err(RouteError::Unnamed);
        }
        Ok(Self {
            exchange: exchange.to_owned(),
            routing_key: routing_key.to_owned(),
            queue: queue.map(str::to_owned),
        })
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.exchange, self.routing_key)?;
        self.queue.as_ref().map_or(Ok(()), |queue| write!(f, ":{queue}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_read_as_they_are_written() {
        for text in ["exchange:routing.key:queue", "e:#:q", "e::q", "::q", "e:key"] {
            assert_eq!(text.parse::<Route>().unwrap().to_string(), text);
        }
        assert_eq!(" e : k : q ".parse::<Route>().unwrap().to_string(), "e:k:q");
        let long = format!("e:k:{}", "q".repeat(256));
        for (text, expected) in [
            ("", RouteError::Parts),
            ("queue", RouteError::Parts),
            ("a:b:c:d", RouteError::Parts),
            ("e:k:", RouteError::Unnamed),
            (":k:q", RouteError::Unnamed),
            (":k", RouteError::Unnamed),
            (&long, RouteError::Long),
        ] {
            assert_eq!(text.parse::<Route>(), Err(expected), "{text}");
        }
    }
}
