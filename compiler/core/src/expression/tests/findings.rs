//! What is said of expressions that cannot be right.

use super::*;

/// The errors and lints, one a line: the text pointed at, the message, the help, the text after the fix.
fn told(setting: &Setting, text: &str) -> String {
    let (syntax, mut findings) = read(text);
    let checked = setting.check(&syntax);
    findings.extend(checked.errors.iter().cloned());
    findings.extend(flow_diagnostics(&syntax, [&checked]));
    findings.iter().map(|finding| line(text, finding)).collect::<Vec<_>>().join("\n")
}

fn line(text: &str, finding: &Diagnostic) -> String {
    let at = |span: FileSpan| span.start as usize..span.end as usize;
    let primary = text.get(at(finding.primary.span)).unwrap();
    let mut line = format!("{} [{primary}] {}", finding.code.entry().id, finding.message);
    for label in &finding.secondary {
        line += &format!(" [{}: {}]", text.get(at(label.span)).unwrap(), label.message);
    }
    if let Some(help) = &finding.help {
        line += &format!(" | {help}");
    }
    if let Some(fix) = &finding.fix {
        let mut fixed = text.to_owned();
        for edit in fix.edits.iter().rev() {
            fixed.replace_range(at(edit.span), &edit.text);
        }
        line += &format!(" -> {fixed}");
    }
    line
}

#[test]
fn errors_speak_the_authors_words() {
    let (discrete, onoff, continuous) = (Setting::discrete(), Setting::onoff(), Setting::continuous());
    for (setting, text, expected) in [
        (
            &discrete,
            "{price} * 0.7",
            "AQ0513 [{price} * 0.7] this is credits per MB, a charge must be credits: multiply by {volume} \
             -> {price} * 0.7 * {volume}",
        ),
        (
            &discrete,
            "if volume gt 15 then price + price else volume end",
            "AQ0513 [price + price] this is credits per MB, a charge must be credits: multiply by {volume} \
             -> if volume gt 15 then (price + price) * volume else volume end\n\
             AQ0513 [volume] this is MB, a charge must be credits: multiply by {price} \
             -> if volume gt 15 then price + price else volume * price end",
        ),
        (
            &continuous,
            "price * amount",
            "AQ0513 [price * amount] this is credits per hr, a charge must be credits: multiply by {duration} \
             -> price * amount * duration",
        ),
        (
            &discrete,
            "volume > 3",
            "AQ0513 [volume > 3] this is a condition, a charge must be credits \
             | choose with `if ... then ... else ... end`",
        ),
        (
            &discrete,
            "volume / 1 MB",
            "AQ0513 [volume / 1 MB] this is a plain number, a charge must be credits",
        ),
        (
            &discrete,
            "price * duration",
            "AQ0510 [duration] `duration` does not exist for `usage`, which is discrete \
             | its variables are price, volume, total, value",
        ),
        (
            &onoff,
            "price * amount",
            "AQ0510 [amount] `amount` does not exist for `usage`, which is onoff \
             | its variables are price, volume, total, duration",
        ),
        (
            &discrete,
            "price * volum",
            "AQ0509 [volum] nothing is called `volum` | is `volume` meant? -> price * volume",
        ),
        (
            &continuous,
            "price * 10 GB * hr",
            "AQ0509 [hr] nothing is called `hr` | a unit stands after a number: write `1 hr` -> price * 10 GB * 1 hr",
        ),
        (
            &discrete,
            "price * zone",
            "AQ0509 [zone] nothing is called `zone` \
             | the names here are price, volume, total, value, fee, free, quota, rate",
        ),
        (
            &continuous,
            "if volume > 10 GB then 0 else price * volume end",
            "AQ0511 [10 GB] GB*hr cannot be compared with GB [volume: GB*hr] \
             | `volume` and `total` are GB*hr (amount times time), `amount` is GB, `duration` is hr",
        ),
        (
            &discrete,
            "price + volume",
            "AQ0511 [volume] credits per MB and MB cannot be added [price: credits per MB]",
        ),
        (
            &discrete,
            "price * volume - 3 hr",
            "AQ0511 [3 hr] hr cannot be subtracted from credits [price * volume: credits]",
        ),
        (&discrete, "price * (volume mod 3 hr)", "AQ0511 [3 hr] MB has no remainder by hr [volume: MB]"),
        (
            &discrete,
            "min(price * volume, volume)",
            "AQ0511 [volume] `min` wants equal units, these are credits and MB [price * volume: credits]",
        ),
        (
            &discrete,
            "price * (if volume > 1 then volume else price end)",
            "AQ0511 [price] one branch is MB, the other is credits per MB [volume: MB]",
        ),
        (
            &discrete,
            "price * (volume > 3)",
            "AQ0512 [(volume > 3)] this is a condition, a value is wanted | choose with `if ... then 1 else 0 end`",
        ),
        (
            &discrete,
            "volume ? 1 : 2",
            "AQ0512 [volume] this is MB, a condition is wanted | compare it with something, for example `volume > 0`",
        ),
        (
            &discrete,
            "not 3 ? 1 : 2",
            "AQ0512 [3] this is a number, a condition is wanted | compare it with something, for example `volume > 0`",
        ),
        (
            &discrete,
            "round(price * volume, value)",
            "AQ0512 [value] the places of `round` are a constant from 0 to 12",
        ),
        (
            &discrete,
            "round(price * volume, 0.5)",
            "AQ0512 [0.5] the places of `round` are a constant from 0 to 12",
        ),
        (
            &discrete,
            "price * 10 gb",
            "AQ0501 [gb] `gb` can mean bytes or bits | write `GB` for bytes or `Gb` for bits",
        ),
        (
            &discrete,
            "price * 2 free",
            "AQ0508 [free] an operator is missing between `2` and `free` \
             | write `*` or `times` to multiply -> price * 2 * free",
        ),
        (&discrete, "1e20", "AQ0504 [1e20] a number has at most 18 digits before and 12 after the point"),
        (&discrete, "price * volume / 0", "AQ0601 [0] this divisor is zero"),
        (
            &discrete,
            "price * volume * (volume / total)",
            "AQ0601 [total] this divisor can be zero | divide only where it is not: `if total ne 0 then ... else 0 end` \
             -> if total ne 0 then price * volume * (volume / total) else 0 end",
        ),
        (
            &discrete,
            "() => { const free = 2; return price * volume * free }",
            "AQ0508 [free] `free` is a constant of the policy | give this value another name",
        ),
        (
            &discrete,
            "() => { const a = 1e17 * 1e17; const b = a * a; const c = b * b; const d = c * c; const e = d * d; \
             const f = e * e; const g = f * f; return g }",
            "AQ0602 [f * f] this multiplies more than 64 values",
        ),
        (&discrete, "price * volume *", "AQ0508 [*] a value is missing after `*`"),
    ] {
        assert_eq!(told(setting, text), expected, "{text}");
    }
}

#[test]
fn tiered_prices_stand_in_products_with_volume() {
    let setting = Setting::discrete().tiered();
    let help = "write `{price} times {volume}`, with any other factors beside it";
    for (text, expected) in [
        ("price * 3", "AQ0514 [price * 3] a tiered price needs `{volume}` as another factor of this product"),
        (
            "price * volume * volume",
            "AQ0514 [price * volume * volume] a tiered price needs exactly one `{volume}` in its product",
        ),
        ("price * price * volume", "AQ0514 [price * price * volume] a tiered price stands once in a product"),
        ("volume / price", "AQ0514 [volume / price] nothing can be divided by a tiered price"),
        (
            "if price > 2 then 1 else 2 end",
            "AQ0514 [price] a tiered price has no value of its own: it stands only in a product with `{volume}`",
        ),
        (
            "price * (volume - 2)",
            "AQ0514 [price * (volume - 2)] a tiered price needs `{volume}` as another factor of this product",
        ),
    ] {
        assert_eq!(told(&setting, text), format!("{expected} | {help}"), "{text}");
    }
}

#[test]
fn flow_checks_find_what_was_not_meant() {
    let (discrete, onoff, continuous) = (Setting::discrete(), Setting::onoff(), Setting::continuous());
    let per_slot = |text: &str| {
        format!(
            "AQ0608 [{text}] this charge depends on how usage is cut into slots: it is not linear in `volume` \
             | use tiers for the price, or decide by `total`, the month's volume so far"
        )
    };
    for (setting, text, expected) in [
        (
            &discrete,
            "if total gt 15 then price * volume elsif total gt 15 and total lt 30 then 2 * price * volume else 0 end",
            "AQ0603 [total gt 15 and total lt 30] this condition never holds here [2 * price * volume: this is never taken]".to_owned(),
        ),
        (
            &discrete,
            "if total ge 0 then price * volume else 2 end",
            "AQ0603 [total ge 0] this condition always holds here [2: this is never taken]".to_owned(),
        ),
        (
            &discrete,
            "if total ge 0 and total gt 3 then price * volume else 0 end",
            "AQ0604 [total ge 0] this always holds here".to_owned(),
        ),
        (
            &discrete,
            "price * volume + 1 - 5 + total * 0 * price",
            "AQ0605 [price * volume + 1 - 5 + total * 0 * price] this charge can be negative: it would be paid out \
             | limit it from below with `max(0, ...)`".to_owned(),
        ),
        (
            &discrete,
            "1e-12 * 1e-12 * price * volume",
            "AQ0606 [1e-12 * 1e-12 * price * volume] this charge always rounds to zero \
             | check the unit that the price is per, or raise `precision`".to_owned(),
        ),
        (
            &discrete,
            "1e-12",
            "AQ0606 [1e-12] this charge always rounds to zero \
             | check the unit that the price is per, or raise `precision`".to_owned(),
        ),
        (&discrete, "() => { const two = 2; return price * volume; }", "AQ0607 [two] `two` is never used | use it or remove it".to_owned()),
        (&discrete, "() => { return price * volume; return 1; }", "AQ0603 [return] this is never reached: every path before it has returned".to_owned()),
        (&discrete, "if volume gt 15 then price * volume * 1.4 else price * volume end", per_slot("if volume gt 15 then price * volume * 1.4 else price * volume end")),
        (&onoff, "price * volume + 1", per_slot("price * volume + 1")),
        (&onoff, "price * ceil(duration)", per_slot("price * ceil(duration)")),
        (&continuous, "if amount > 10 then price * volume * 2 else price * volume end", String::new()),
        (&continuous, "() => { const v = volume; return price * v / 2 }", String::new()),
        (&discrete, "5", String::new()),
        (&discrete, "0", String::new()),
        (&discrete, "max(0, price * (total + volume - 100)) - max(0, price * (total - 100))", String::new()),
    ] {
        let found = told(setting, text);
        let negative = found.lines().filter(|line| !line.starts_with("AQ0605") || expected.starts_with("AQ0605"));
        assert_eq!(negative.collect::<Vec<_>>().join("\n"), expected, "{text}");
    }
}

#[test]
fn a_branch_that_one_price_takes_is_no_finding() {
    let mut setting = Setting::discrete();
    let (syntax, _) = read("if price > 1 then price * volume * 0.5 else price * volume end");
    let cheap = setting.check(&syntax);
    assert_eq!(flow_diagnostics(&syntax, [&cheap]).len(), 1);
    setting.price = Price::Flat(number("2"));
    let dear = setting.check(&syntax);
    assert_eq!(flow_diagnostics(&syntax, [&cheap, &dear]), Vec::new());
}

#[test]
fn mixed_multiples_are_one_finding() {
    let (syntax, _) = read("price * max(1 GB, volume - 10 GiB)");
    let finding = mixed_prefixes(&syntax.prefixes()).unwrap();
    assert_eq!((finding.code, finding.primary.span.start), (Code::MixedPrefixes, 30));
    assert!(mixed_prefixes(&read("1 GB + 1 MB").0.prefixes()).is_none());
}
