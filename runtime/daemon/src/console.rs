//! The console: pages for people who look after users. It reads and changes nothing.
//!
//! Pages are made of what [`crate::views`] publish, so that a figure is the same here as over REST. They know
//! nothing of HTTP ([`crate::http`] asks the questions and adds the headers) and hold no script and no style of their own:
//! a policy of content that forbids both in the page is the second line of defence behind escaping, which the
//! templates do. What a sender wrote is shown by [`words::shown`], also where it has no shape or the wrong direction.

pub mod assets;
pub mod bill;
pub mod changes;
pub mod charge;
mod chart;
pub mod components;
pub mod frame;
pub mod month;
mod parts;
pub mod policies;
pub mod quarantine;
pub mod trace;
pub mod user;
pub mod users;
pub mod wallet;
mod week;
mod words;

pub use frame::{Frame, Section};
pub use maud::Markup;
