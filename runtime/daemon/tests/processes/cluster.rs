//! Several daemons on one PostgreSQL, and what happens when one of them is killed, frozen, or cut off.

mod broker;
mod faults;
mod load;
mod mixed;
mod nodes;
mod private;
mod questions;
mod speed;
mod standby;
