//! The server over its real protocol, in this process: what a client sends and what it gets.

#![allow(clippy::disallowed_methods, reason = "the workspaces of the tests are files")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod bad_input;
mod client;
mod documents;
mod editing;
mod features;
mod findings;
mod order;
mod workspace;
