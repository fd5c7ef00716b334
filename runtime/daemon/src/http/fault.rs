//! Faults: what an answer says that is no answer, in the form of OpenStack's interfaces.

use std::collections::BTreeMap;

use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

/// A fault: `{"NAME": {"code": CODE, "message": MESSAGE}}`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    status: StatusCode,
    name: &'static str,
    message: String,
    retry_after_seconds: Option<u16>,
    /// How whoever asks may say who it is.
    scheme: &'static str,
}

/// A fault, by its name.
#[derive(Debug, Serialize, ToSchema)]
pub struct FaultBody(BTreeMap<&'static str, FaultContent>);

/// What a fault says.
#[derive(Debug, Serialize, ToSchema)]
pub struct FaultContent {
    /// The status.
    code: u16,
    /// What is wrong, and what to do.
    message: String,
}

/// The faults of a request whose parameters are wrong.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "for the document alone")]
pub enum OfParameters {
    /// A parameter is wrong.
    #[response(status = 400)]
    Wrong(FaultBody),
}

/// The faults of a request with a body.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "for the document alone")]
pub enum WithBody {
    /// The body is too large.
    #[response(status = 413)]
    TooLarge(FaultBody),
    /// Another content type.
    #[response(status = 415)]
    OtherType(FaultBody),
}

/// The faults of a question that is answered by charging.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "for the document alone")]
pub enum OfCharging {
    /// It took too long, or a defect.
    #[response(status = 500)]
    Failed(FaultBody),
    /// Nothing can be charged now.
    #[response(status = 503)]
    Unavailable(FaultBody),
}

/// The faults of a request that is stored.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "for the document alone")]
pub enum OfStoring {
    /// The log takes nothing.
    #[response(status = 503)]
    Unavailable(FaultBody),
}

impl Fault {
    fn new(status: StatusCode, name: &'static str, message: impl Into<String>) -> Self {
        Self { status, name, message: message.into(), retry_after_seconds: None, scheme: "Bearer" }
    }

    /// The request cannot be understood.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "badRequest", message)
    }

    /// Nobody in particular asks.
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    }

    /// A browser then asks its user for a name and a password.
    pub fn asking_people(self) -> Self {
        Self { scheme: "Basic realm=\"Aquarium: the password is a token\", charset=\"UTF-8\"", ..self }
    }

    /// Whoever asks may not.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
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

    /// Another node is about to be able to answer.
    pub fn moving(message: impl Into<String>) -> Self {
        Self { retry_after_seconds: Some(1), ..Self::unavailable(message) }
    }

    /// It took too long.
    pub fn timeout() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "timeout", "the request took too long")
    }

    /// A defect of the daemon.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internalServerError", message)
    }

    /// The status of an answer that says so.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The fault as the last line of a stream.
    pub fn line(self) -> Bytes {
        // Names, numbers and texts are always JSON.
        let mut line = serde_json::to_vec(&self.body()).unwrap_or_default();
        line.push(b'\n');
        Bytes::from(line)
    }

    fn body(self) -> FaultBody {
        let content = FaultContent { code: self.status.as_u16(), message: self.message };
        FaultBody(BTreeMap::from([(self.name, content)]))
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let (status, retry_after, scheme) = (self.status, self.retry_after_seconds, self.scheme);
        let mut response = (status, axum::Json(self.clone().body())).into_response();
        // Where people look a page is made of it.
        response.extensions_mut().insert(self);
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(scheme));
        }
        response
    }
}
