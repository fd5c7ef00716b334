//! How long to wait before a broker is tried again.

use std::time::Duration;

/// The longest wait before a second attempt; it doubles up to [`WAIT_MAX`].
const WAIT_FIRST: Duration = Duration::from_millis(250);
/// The longest wait.
const WAIT_MAX: Duration = Duration::from_secs(15);

/// Failures one after the other.
#[derive(Debug, Default)]
pub struct BackOff {
    failures: u32,
}

impl BackOff {
    /// It worked: the next failure is a first one.
    pub fn worked(&mut self) {
        self.failures = 0;
    }

    /// It failed; gives how long to wait. Half of the wait is spread by `chance`, in [0, 1), so that not all who
    /// lost a broker together come back together.
    pub fn failed(&mut self, chance: f64) -> Duration {
        let doubled = 1_u32.checked_shl(self.failures).unwrap_or(u32::MAX);
        self.failures = self.failures.saturating_add(1);
        let longest = WAIT_FIRST.saturating_mul(doubled).min(WAIT_MAX);
        longest.div_f64(2.0) + longest.mul_f64(chance / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_limit_are_spread_and_begin_anew() {
        let mut back_off = BackOff::default();
        let waits: Vec<u128> = (0..9).map(|_| back_off.failed(0.0).as_millis()).collect();
        assert_eq!(waits, [125, 250, 500, 1000, 2000, 4000, 7500, 7500, 7500]);
        assert!(back_off.failed(0.999) > Duration::from_millis(14_900));
        back_off.worked();
        assert_eq!(back_off.failed(0.5), Duration::from_micros(187_500));
    }
}
