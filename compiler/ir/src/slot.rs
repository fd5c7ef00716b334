//! Charge slots: what one call of a compiled charge works on.

use ethnum::I256;

use crate::policy::ChargeId;

/// Decimal places of an event's value: raw values and amounts count 10⁻⁹.
pub const VALUE_PLACES: u8 = 9;

/// The input of one charge, in raw integers.
///
/// | cost policy | raw volume and total | amount | duration |
/// |---|---|---|---|
/// | `discrete` | 10⁻⁹ of the unit | the value, 10⁻⁹ | 0 |
/// | `onoff` | ms | 0 | ms |
/// | `continuous` | 10⁻⁹ of the amount's unit × ms | 10⁻⁹ | ms |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// What to evaluate.
    pub charge: ChargeId,
    /// The raw volume.
    pub volume: I256,
    /// The raw total of the month before this slot.
    pub total: I256,
    /// The raw amount (`continuous`) or value (`discrete`).
    pub amount: I256,
    /// The length in milliseconds.
    pub duration_millis: i64,
}
