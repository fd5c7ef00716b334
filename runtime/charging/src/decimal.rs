//! Exact decimals from the text of JSON numbers. No floating-point number stands between an event's
//! text and its value.

/// How many digits a number may have once its exponent is applied and idle zeros are dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digits {
    /// Before the point.
    pub whole: i32,
    /// After the point; also the scale of the result.
    pub places: i32,
}

impl Digits {
    /// An event's `value`: eighteen digits before the point, nine after it.
    pub const VALUE: Self = Self { whole: 18, places: 9 };
    /// An amount of credits: eighteen digits before the point, twelve after it.
    pub const CREDITS: Self = Self { whole: 18, places: 12 };
}

/// The number as a count of ten to the power of minus `digits.places`; `None` where the text is no
/// number or has more digits than `digits` allows. Idle zeros (`1.50`, `0e400`) do not count as digits.
#[must_use]
pub fn scaled(text: &str, digits: Digits) -> Option<i128> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Exponent::read(exponent)?),
        None => (unsigned, Exponent(0)),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() || mantissa.ends_with('.') {
        return None;
    }
    let number = Significant::read(whole, fraction)?;
    let magnitude = number.scaled(exponent, digits)?;
    Some(if negative { -magnitude } else { magnitude })
}

/// A power of ten; far beyond what any digit limit allows it stays where it is.
struct Exponent(i64);

impl Exponent {
    const FAR: i64 = 1_000_000_000_000;

    fn read(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let far = |value: i64, byte: u8| (value * 10 + i64::from(byte - b'0')).min(Self::FAR);
        let magnitude = digits.bytes().fold(0, far);
        Some(Self(if negative { -magnitude } else { magnitude }))
    }
}

/// The digits from the first to the last that is not zero, and the power of ten of the last one.
struct Significant {
    digits: i128,
    count: i64,
    power: i64,
}

impl Significant {
    /// More significant digits than this fit no limit.
    const COUNT_MAX: i64 = 36;

    fn read(whole: &str, fraction: &str) -> Option<Self> {
        let mut number = Self { digits: 0, count: 0, power: 0 };
        let mut zeros = 0_i64;
        for byte in whole.bytes().chain(fraction.bytes()) {
            match byte {
                b'0' => zeros += 1,
                b'1'..=b'9' => {
                    number.push(zeros, byte - b'0')?;
                    zeros = 0;
                }
                _ => return None,
            }
        }
        number.power = zeros - i64::try_from(fraction.len()).ok()?;
        Some(number)
    }

    fn push(&mut self, zeros_before: i64, digit: u8) -> Option<()> {
        let shift = if self.count == 0 { 1 } else { zeros_before + 1 };
        self.count += shift;
        if self.count > Self::COUNT_MAX {
            return None;
        }
        self.digits = self.digits * power_of_ten(shift)? + i128::from(digit);
        Some(())
    }

    fn scaled(&self, exponent: Exponent, limit: Digits) -> Option<i128> {
        if self.digits == 0 {
            return Some(0);
        }
        let power = self.power + exponent.0;
        let fits = power >= -i64::from(limit.places) && power + self.count <= i64::from(limit.whole);
        fits.then(|| self.digits.checked_mul(power_of_ten(power + i64::from(limit.places))?)).flatten()
    }
}

fn power_of_ten(exponent: i64) -> Option<i128> {
    10_i128.checked_pow(u32::try_from(exponent).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Option<i128> {
        scaled(text, Digits::VALUE)
    }

    #[test]
    fn decimals_and_exponents_are_read_exactly() {
        for (text, expected) in [
            ("0.3", 300_000_000),
            ("1", 1_000_000_000),
            ("-0", 0),
            ("-0.0e5", 0),
            ("0e400", 0),
            ("1e3", 1_000_000_000_000),
            ("1.50", 1_500_000_000),
            ("1.0000000000000", 1_000_000_000),
            ("0.000000001", 1),
            ("0.0000000001e1", 1),
            ("1e-9", 1),
            ("1E+2", 100_000_000_000),
            ("999999999999999999.999999999", 999_999_999_999_999_999_999_999_999),
            ("-12.000000005", -12_000_000_005),
            ("1000e-3", 1_000_000_000),
        ] {
            assert_eq!(value(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_has_too_many_digits_or_is_no_number_is_refused() {
        for text in [
            "1e400",
            "1e-400",
            "1e99999999999999999999999",
            "1000000000000000000",
            "0.0000000001",
            "123456789012345678901234567890",
            "0.123456789012345678901234567891",
            "",
            "-",
            ".5",
            "1.",
            "1e",
            "NaN",
            "+1",
            "0x10",
            "1e1.5",
        ] {
            assert_eq!(value(text), None, "{text}");
        }
    }
}
