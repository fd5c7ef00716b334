//! What every request passes: the check of `Host`, the time limit, and a net for panics.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Api;
use super::fault::Fault;

/// Refuses requests for a name that is not ours: a page in a browser could otherwise reach the daemon under a name of
/// its own.
pub async fn host(State(api): State<Api>, request: Request, next: Next) -> Response {
    let given = request.headers().get(HOST).and_then(|value| value.to_str().ok());
    let name = given.or_else(|| request.uri().authority().map(Authority::as_str));
    if name.is_some_and(|name| is_ours(name, &api.daemon.configuration.http.hosts)) {
        return next.run(request).await;
    }
    Fault::bad_request("the `Host` header names neither an address, `localhost`, nor one of `http.hosts`")
        .into_response()
}

fn is_ours(given: &str, hosts: &[String]) -> bool {
    let Ok(authority) = given.parse::<Authority>() else { return false };
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    name.parse::<IpAddr>().is_ok()
        || name.eq_ignore_ascii_case("localhost")
        || hosts.iter().any(|host| host.eq_ignore_ascii_case(name))
}

/// Ends requests that take too long.
pub async fn time_limit(State(api): State<Api>, request: Request, next: Next) -> Response {
    let limit = Duration::from_millis(api.daemon.configuration.http.request_millis_max);
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Fault::timeout().into_response(),
    }
}

/// Answers with a fault where a handler panics.
pub async fn panics(request: Request, next: Next) -> Response {
    match CatchUnwind(Box::pin(next.run(request))).await {
        Some(response) => response,
        None => Fault::internal("the daemon made a mistake; its log says more").into_response(),
    }
}

/// A future that gives `None` where the one within panics.
struct CatchUnwind<F>(std::pin::Pin<Box<F>>);

impl<F: Future> Future for CatchUnwind<F> {
    type Output = Option<F::Output>;

    fn poll(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        match std::panic::catch_unwind(AssertUnwindSafe(|| self.0.as_mut().poll(context))) {
            Ok(poll) => poll.map(Some),
            Err(_) => std::task::Poll::Ready(None),
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
