//! The OpenAPI document of a listener: what the handlers say of themselves.

use std::sync::Arc;

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;
use utoipa_axum::router::OpenApiRouter;

use super::Api;
use super::fault::Fault;

/// The text of a document.
#[derive(Clone)]
pub struct Text(Arc<str>);

#[derive(OpenApi)]
#[openapi(info(
    title = "Aquarium",
    description = "Amounts are plain decimal strings. Instants are milliseconds since 1970; in queries also dates and \
                   date-times. What is no answer is a fault: `{\"itemNotFound\": {\"code\": 404, \"message\": \"...\"}}`."
))]
struct Public;

#[derive(OpenApi)]
#[openapi(info(
    title = "Aquarium, for administrators",
    description = "All that the public port answers, and what changes wallets, policies, quarantine and the clock."
))]
struct Admin;

/// What is said before the paths of the public port.
pub fn public() -> Document {
    Public::openapi()
}

/// What is said before the paths of administrators.
pub fn admin() -> Document {
    Admin::openapi()
}

/// A router that also answers with its own document.
pub fn served(routes: OpenApiRouter<Api>) -> Router<Api> {
    let (router, document) = routes.split_for_parts();
    // A document that was made by the compiler is always JSON.
    let text = document.to_json().unwrap_or_default();
    router.layer(Extension(Text(text.into())))
}

/// This document.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "operation",
    responses((status = 200, description = "An OpenAPI 3.1 document.", body = serde_json::Value)),
)]
pub async fn get(Extension(Text(text)): Extension<Text>) -> Result<Response, Fault> {
    Ok(([(CONTENT_TYPE, "application/json")], text.to_string()).into_response())
}
