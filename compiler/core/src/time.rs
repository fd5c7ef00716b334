//! Instants, cron patterns and time frames as authors write them.

pub mod cron;
pub mod effective;
