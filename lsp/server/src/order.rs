//! Messages take effect in the order in which they arrive.
//!
//! The protocol library runs handlers at the same time, in no certain order: an edit could overtake the
//! one before it, and a cancellation could wait behind the very request that it cancels. This layer in
//! front of it starts every handler when its message arrives, inside [`Service::call`], and lets it run up
//! to the first point at which it waits. Hence two rules for handlers:
//!
//! - a notification never waits: edits, and `$/cancelRequest`, are done with when the next message is read;
//! - a request takes what it needs of the state before it waits, and so sees the documents as they were
//!   when it was sent.
//!
//! A handler that panics answers its request with an error; the server lives on.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use tower::Service;
use tower_lsp::jsonrpc::{Error, Id, Request, Response};

use crate::framing;

/// The layer; `S` is the service that it stands before.
#[derive(Debug)]
pub struct InOrder<S> {
    inner: S,
    shutdown_seen: Arc<AtomicBool>,
}

impl<S> InOrder<S> {
    /// Stands before a service.
    pub fn new(inner: S) -> Self {
        Self { inner, shutdown_seen: Arc::default() }
    }

    /// Becomes true with a `shutdown` request.
    pub fn ended_well(&self) -> Arc<AtomicBool> {
        self.shutdown_seen.clone()
    }
}

impl<S> Service<Request> for InOrder<S>
where
    S: Service<Request, Response = Option<Response>>,
    S::Future: Unpin,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Started<S::Future, S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if request.method() == "shutdown" {
            self.shutdown_seen.store(true, Ordering::SeqCst);
        }
        if let Some(error) = framing::error_of(&request) {
            return Started::Ended(Some(Ok(Some(Response::from_error(Id::Null, error)))));
        }
        let id = request.id().cloned();
        match catch_unwind(AssertUnwindSafe(|| self.inner.call(request))) {
            Ok(future) => Started::start(future, id),
            Err(panic) => Started::Ended(Some(Ok(answer_to_panic(id, panic.as_ref())))),
        }
    }
}

/// A handler that has been started.
#[derive(Debug)]
pub enum Started<F, E> {
    /// It waits for something.
    Waiting {
        /// What is left of it.
        future: F,
        /// The request that it answers.
        id: Option<Id>,
    },
    /// It is done; the answer is taken once.
    Ended(Option<Result<Option<Response>, E>>),
}

impl<F, E> Started<F, E>
where
    F: Future<Output = Result<Option<Response>, E>> + Unpin,
{
    /// Runs a handler up to the first point at which it waits.
    fn start(mut future: F, id: Option<Id>) -> Self {
        // Whoever gets what is left polls it again, with a waker that wakes.
        match poll_shielded(&mut future, &id, &mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => Self::Ended(Some(answer)),
            Poll::Pending => Self::Waiting { future, id },
        }
    }
}

// An answer is moved out, never pinned.
impl<F: Unpin, E> Unpin for Started<F, E> {}

impl<F, E> Future for Started<F, E>
where
    F: Future<Output = Result<Option<Response>, E>> + Unpin,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Waiting { future, id } => poll_shielded(future, id, context),
            Self::Ended(answer) => answer.take().map_or(Poll::Ready(Ok(None)), Poll::Ready),
        }
    }
}

/// Polls a handler; a panic becomes its answer.
fn poll_shielded<F, E>(
    future: &mut F,
    id: &Option<Id>,
    context: &mut Context<'_>,
) -> Poll<Result<Option<Response>, E>>
where
    F: Future<Output = Result<Option<Response>, E>> + Unpin,
{
    catch_unwind(AssertUnwindSafe(|| Pin::new(future).poll(context)))
        .unwrap_or_else(|panic| Poll::Ready(Ok(answer_to_panic(id.clone(), panic.as_ref()))))
}

/// An internal error; notifications have no answer.
fn answer_to_panic(id: Option<Id>, panic: &(dyn Any + Send)) -> Option<Response> {
    let mut error = Error::internal_error();
    error.message = format!("the server failed at this request: {}", panic_text(panic)).into();
    id.map(|id| Response::from_error(id, error))
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no reason given")
}
