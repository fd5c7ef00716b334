//! The language server of Aquarium policies: the protocol, and nothing else.
//!
//! In the order in which a message goes:
//!
//! - `framing` lets nothing but sound messages through;
//! - [`order`] starts the handler of each message when it arrives, so that edits keep their order;
//! - `backend` has one short handler for each request and notification;
//! - `workspace` holds the open documents, the files on disk and the policies that they form;
//! - `index` knows the policies of the workspace's folders that nobody has opened;
//! - `analysis` runs the compiler beside the protocol, and publishes what it finds;
//! - `convert` turns the plain data of `aquarium-ide` into the types of the protocol.

pub mod order;

mod analysis;
mod backend;
mod capabilities;
mod clock;
mod convert;
mod disk;
mod document;
mod framing;
mod index;
mod requests;
mod workspace;

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tower_lsp::{LspService, Server};

/// How many requests may wait at once. Requests that wait cost little (the work itself is limited by
/// `analysis`), and a reader that is never held up sees cancellations at once.
const WAITING_REQUESTS_MAX: usize = 4096;

/// Bytes of messages on their way from `framing`.
const PIPE_BYTES: usize = 64 * 1024;

/// How long work that nobody waits for any more may hold up the end of the process.
const LAST_WORK_MAX: Duration = Duration::from_millis(200);

/// Serves one client over any pair of streams until it says `exit` or the input ends.
///
/// Returns whether the client asked for `shutdown` before: the process's exit code should tell it.
pub async fn run(input: impl AsyncRead + Unpin, output: impl AsyncWrite) -> bool {
    let (service, socket) = LspService::build(backend::Backend::new)
        .custom_method("aquarium/documentText", backend::Backend::document_text)
        .custom_method("aquarium/explain", backend::Backend::explain)
        .custom_method("aquarium/week", backend::Backend::week)
        .custom_method("aquarium/simulate", backend::Backend::simulate)
        .custom_method("aquarium/tests", backend::Backend::tests)
        .finish();
    let service = order::InOrder::new(service);
    let ended_well = service.ended_well();
    let (messages, sound) = tokio::io::duplex(PIPE_BYTES);
    let server = Server::new(sound, output, socket).concurrency_level(WAITING_REQUESTS_MAX);
    let reading = async {
        // An input that cannot be read has ended; the server sees that and ends itself.
        let _ = framing::pass(input, messages).await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = server.serve(service) => {}
        () = reading => {}
    }
    ended_well.load(std::sync::atomic::Ordering::SeqCst)
}

/// Serves one client over standard input and output, and gives the exit code of the process.
///
/// # Errors
///
/// When the system refuses the threads to run on.
pub fn serve_stdio() -> std::io::Result<std::process::ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let ended_well = runtime.block_on(run(tokio::io::stdin(), tokio::io::stdout()));
    // The thread that reads standard input cannot be stopped, only left.
    runtime.shutdown_timeout(LAST_WORK_MAX);
    Ok(if ended_well { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE })
}
