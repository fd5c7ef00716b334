//! What expressions charge.

use super::*;

#[test]
fn charges_are_exact() {
    let (discrete, onoff, continuous) = (Setting::discrete(), Setting::onoff(), Setting::continuous());
    for (setting, text, volume, expected) in [
        (&discrete, "{price} times {volume}", "7", "1.75"),
        (&discrete, "price * value", "7", "1.75"),
        (&onoff, "price * volume", "1.5", "0.375"),
        (&onoff, "price * duration", "1.5", "0.375"),
        (&continuous, "price * volume", "3", "0.75"),
        (&continuous, "price * amount * duration", "3", "0.75"),
        // A bare number takes the other side's unit, as a factor it has none, as the whole it is credits.
        (&discrete, "price * (volume - 2)", "7", "1.25"),
        (&discrete, "price * volume * 1.4", "10", "3.5"),
        (&discrete, "5", "7", "5"),
        (&discrete, "2 * 3 + 1", "7", "7"),
        (&discrete, "if volume gt 5 then 1 else price * volume end", "7", "1"),
        (&discrete, "if volume gt 15 then 1 else price * volume end", "7", "1.75"),
        (&discrete, "price * volume * (if volume > 5 then 0.5 else 1 end)", "8", "1"),
        (&discrete, "price * (volume + (volume > 5 ? 1 : 2))", "7", "2"),
        (&discrete, "() => { const off = 2; const k = off; return price * (volume - k) * off; }", "7", "2.5"),
        (&discrete, "() => { const big = volume > 5; return big ? 1 : 2; }", "7", "1"),
        (&discrete, "() => { const v = max(volume, 1); return price * v; }", "7", "1.75"),
        // Literals are converted within their dimension.
        (&discrete, "price * min(volume, 1 GB)", "2000", "250"),
        (&discrete, "price * (volume + 1 KB)", "1", "0.25025"),
        (&discrete, "price * 8 Mbit", "1", "0.25"),
        (&onoff, "price * max(duration, 90 min)", "1", "0.375"),
        (&continuous, "price * amount * 1 day", "1", "6"),
        // Constants.
        (&discrete, "price * (volume - free)", "30", "5"),
        (&discrete, "price * max(0, volume - quota)", "3000", "250"),
        (&discrete, "rate * volume + fee", "4000", "5"),
        // Rounding works in the unit as written.
        (&discrete, "price * ceil(volume)", "1.2", "0.5"),
        (&discrete, "price * ceil(0.5 GB)", "1", "250"),
        (&discrete, "price * floor(volume + 1 GB)", "0.5", "250"),
        (&discrete, "price * floor(1 GB + volume)", "0.5", "250"),
        (&discrete, "round(price * volume)", "2", "1"),
        (&discrete, "round(price * -volume)", "2", "-1"),
        (&discrete, "round(price * volume, 1)", "0.6", "0.2"),
        (&discrete, "floor(price * 10 GB)", "1", "2500"),
        (&onoff, "price * ceil(duration)", "1.5", "0.5"),
        (&discrete, "price * (volume mod 3)", "7", "0.25"),
        (&discrete, "price * (-volume % 3)", "7", "-0.25"),
        (&discrete, "price * clamp(volume, 2, 5)", "7", "1.25"),
        (&discrete, "abs(price * (volume - 10))", "7", "0.75"),
        // Quotients.
        (&discrete, "price * volume / 3", "1", "1/12"),
        (&discrete, "price * volume divided by (2 * 4)", "16", "0.5"),
        (
            &discrete,
            "if total gt 0 then price * volume * (volume / total) else 0 end",
            "1",
            "0.08333333333325",
        ),
        (&discrete, "volume / (1 MB) * 1 credit", "7", "7"),
        (&continuous, "10 MB / 1 hr * duration * rate", "1", "0.005"),
        (&discrete, "price * (volume / price * rate)", "7", "0.0035"),
    ] {
        assert_eq!(charge(setting, text, volume, "3"), expected, "{text}");
    }
}

#[test]
fn tiers_are_an_integral_from_the_months_total() {
    let setting = Setting::discrete().tiered();
    for (text, total, expected) in [
        ("price * volume", "0", "5"),
        ("price * volume", "95", "6.25"),
        ("2 * (price * volume) / 4", "0", "2.5"),
        ("volume times 2 times price", "0", "10"),
        ("volume * (2 * price)", "0", "10"),
        ("-(price * volume) + volume * 1 credit / 1 MB", "0", "15"),
        ("if volume > 5 then price * volume * 0.5 else 0 end", "0", "2.5"),
        ("price * volume + price * volume", "0", "10"),
        ("5", "0", "5"),
    ] {
        assert_eq!(charge(&setting, text, "20", total), expected, "{text}");
    }
}
