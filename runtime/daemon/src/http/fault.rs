//! Faults: what an answer says that is no answer, in the form of OpenStack's interfaces.

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

/// A fault: `{"NAME": {"code": CODE, "message": MESSAGE}}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    status: StatusCode,
    name: &'static str,
    message: String,
    retry_after_seconds: Option<u16>,
}

impl Fault {
    fn new(status: StatusCode, name: &'static str, message: impl Into<String>) -> Self {
        Self { status, name, message: message.into(), retry_after_seconds: None }
    }

    /// The request cannot be understood.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "badRequest", message)
    }

    /// There is no such thing.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "itemNotFound", message)
    }

    /// The path has no such method.
    pub fn bad_method() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "badMethod", "this path does not have this method")
    }

    /// The state of things does not allow it.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflictingRequest", message)
    }

    /// The body is too large.
    pub fn too_large(limit: usize) -> Self {
        let message = format!("the body is larger than {limit} bytes; send it in parts");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "overLimit", message)
    }

    /// The body is of a type that is not taken.
    pub fn bad_media_type(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "badMediaType", message)
    }

    /// Too much at once.
    pub fn busy(message: impl Into<String>) -> Self {
        let fault = Self::new(StatusCode::TOO_MANY_REQUESTS, "overLimit", message);
        Self { retry_after_seconds: Some(1), ..fault }
    }

    /// Something that is needed does not work now.
    pub fn unavailable(message: impl Into<String>) -> Self {
        let fault = Self::new(StatusCode::SERVICE_UNAVAILABLE, "serviceUnavailable", message);
        Self { retry_after_seconds: Some(5), ..fault }
    }

    /// It took too long.
    pub fn timeout() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "timeout", "the request took too long")
    }

    /// A defect of the daemon.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internalServerError", message)
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let content = json!({ "code": self.status.as_u16(), "message": self.message });
        let body = Value::Object(Map::from_iter([(self.name.to_owned(), content)]));
        let mut response = (self.status, axum::Json(body)).into_response();
        if let Some(seconds) = self.retry_after_seconds {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
