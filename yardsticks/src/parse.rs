//! JSON parsing alone: every line of a workload to borrowed fields, with the number as exact digits. UTF-8 is validated
//! once for the whole text.

use std::hint::black_box;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::Failure;
use crate::measure::{Figure, processor_rounds};

const ROUNDS: usize = 5;

/// An event whose texts have no escapes, as those of the workloads.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event<'a> {
    pub id: &'a str,
    pub occurred_millis: i64,
    #[serde(rename = "clientID")]
    pub client: &'a str,
    #[serde(rename = "userID")]
    pub user: &'a str,
    pub resource: &'a str,
    #[serde(rename = "instanceID")]
    pub instance: &'a str,
    pub event_version: &'a str,
    #[serde(borrow)]
    pub value: &'a RawValue,
    #[serde(borrow)]
    pub details: &'a RawValue,
}

pub fn measure(text: &str) -> Result<(), Failure> {
    let lines = text.lines().count() as f64;
    let mut refused = 0;
    let seconds = processor_rounds(ROUNDS, || {
        for line in text.lines() {
            match serde_json::from_str::<Event<'_>>(line) {
                Ok(event) => {
                    black_box((
                        nano(event.value.get()),
                        event.id,
                        event.occurred_millis,
                        event.client,
                        event.user,
                    ));
                    black_box((event.resource, event.instance, event.event_version, event.details));
                }
                Err(_) => refused += 1,
            }
        }
    });
    if refused > 0 {
        return Err(format!("{refused} lines cannot be read").into());
    }
    let rates = seconds.iter().map(|seconds| lines / seconds).collect();
    Figure::new("JSON parsing alone, with exact numbers", "events/s/core", rates).tell()?;
    Ok(())
}

/// The number in 10⁻⁹; nothing for an exponent or more places.
fn nano(text: &str) -> Option<i64> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let places = u32::try_from(fraction.len()).ok().filter(|places| *places <= 9)?;
    let fraction = if fraction.is_empty() { 0 } else { fraction.parse::<i64>().ok()? };
    let whole = whole.parse::<i64>().ok()?.checked_mul(1_000_000_000)?;
    whole.checked_add(fraction * 10_i64.pow(9 - places)).map(|nano| sign * nano)
}
