//! What every request passes before it comes to a handler: a net for panics, the time limit, the check of `Host`, the
//! tokens, and the question whether another node answers.
//!
//! All of it is one layer: the router makes a copy of everything below a layer for each request.

use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::access::Door;
use super::fault::Fault;
use super::{Api, peers};

/// What stands before the handlers of a listener.
#[derive(Clone)]
pub struct Guard {
    /// What handlers share.
    pub api: Api,
    /// Who may come in.
    pub door: Door,
}

/// Lets a request through to its handler, for as long as it may take; answers with a fault where it panics.
pub async fn pass(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let limit = Duration::from_millis(guard.api.daemon.configuration.http.request_millis_max);
    let answered = tokio::time::timeout(limit, guard.admit(request, next));
    let answer = match CatchUnwind(pin!(answered)).await {
        Some(Ok(answer)) => answer,
        Some(Err(_)) => Err(Fault::timeout()),
        None => Err(Fault::internal("the daemon made a mistake; its log says more")),
    };
    answer.unwrap_or_else(IntoResponse::into_response)
}

impl Guard {
    async fn admit(&self, mut request: Request, next: Next) -> Result<Response, Fault> {
        self.check_host(&request)?;
        let clients = self.door.pass(request.uri().path(), request.headers())?;
        // What may be sent by whoever asks goes with the request.
        request.extensions_mut().insert(clients);
        Ok(peers::pass_on(&self.api, request, next).await)
    }

    /// Refuses requests for a name that is not ours: a page in a browser could otherwise reach the daemon under a name of
    /// its own.
    fn check_host(&self, request: &Request) -> Result<(), Fault> {
        let given = request.headers().get(HOST).and_then(|value| value.to_str().ok());
        let name = given.or_else(|| request.uri().authority().map(Authority::as_str));
        if name.is_some_and(|name| is_ours(name, &self.api.daemon.configuration.http.hosts)) {
            return Ok(());
        }
        Err(Fault::bad_request(
            "the `Host` header names neither an address, `localhost`, nor one of `http.hosts`",
        ))
    }
}

fn is_ours(given: &str, hosts: &[String]) -> bool {
    let Ok(authority) = given.parse::<Authority>() else { return false };
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    name.parse::<IpAddr>().is_ok()
        || name.eq_ignore_ascii_case("localhost")
        || hosts.iter().any(|host| host.eq_ignore_ascii_case(name))
}

/// A future that gives `None` where the one within panics.
struct CatchUnwind<'a, F>(Pin<&'a mut F>);

impl<F: Future> Future for CatchUnwind<'_, F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match catch_unwind(AssertUnwindSafe(|| self.0.as_mut().poll(context))) {
            Ok(poll) => poll.map(Some),
            Err(_) => Poll::Ready(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_localhost_and_configured_names_are_ours() {
        let hosts = ["billing.example.org".to_owned()];
        for ours in [
            "127.0.0.1",
            "127.0.0.1:8888",
            "[::1]:8888",
            "localhost:1",
            "LocalHost",
            "Billing.Example.org:80",
        ] {
            assert!(is_ours(ours, &hosts), "{ours}");
        }
        for foreign in
            ["", "evil.example.org", "localhost.evil.org", "a b", "127.0.0.1.evil.org", "@", "\u{1}"]
        {
            assert!(!is_ours(foreign, &hosts), "{foreign}");
        }
    }
}
