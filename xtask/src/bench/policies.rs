//! Policies of any size, with all that makes work: inheritance in both senses, time frames, overrides in a frame of
//! their own, three cost policies.

use std::fmt::Write;

/// How many resources every policy has.
const RESOURCES: usize = 8;
/// Every so many algorithms and price lists, one extends nothing; those behind it extend it.
const FAMILY: usize = 10;

/// A policy of so many items and nine times as many lines: a quarter algorithms, a quarter price lists, half of them
/// agreements that bring the two together.
pub fn generated(items: usize) -> String {
    let mut text = "aquariumpolicy:\n  timezone: Europe/Athens\n  resources:\n".to_owned();
    for resource in 0..RESOURCES {
        let (unit, cost_policy) = match resource % 3 {
            0 => ("MB", "discrete"),
            1 => ("hr", "onoff"),
            _ => ("GB*hr", "continuous"),
        };
        _ = writeln!(text, "    - name: r{resource}\n      unit: {unit}\n      costpolicy: {cost_policy}");
    }
    let lists = (items / 4).max(1);
    text.push_str("  algorithms:\n");
    (0..lists).for_each(|number| algorithm(&mut text, number));
    text.push_str("  pricelists:\n");
    (0..lists).for_each(|number| price_list(&mut text, number));
    text.push_str("  creditplans:\n    - name: monthly\n      credits: 100\n      at: \"00 00 1 * *\"\n");
    text.push_str("  agreements:\n");
    (0..items / 2).for_each(|number| agreement(&mut text, number, lists));
    text.push_str("  roles:\n    \"*\": agreement0\n");
    text
}

/// The head of an item that extends the first of its family, and which resources it gives something for.
fn head(text: &mut String, kind: &str, number: usize) -> impl Iterator<Item = usize> + use<> {
    _ = writeln!(text, "    - name: {kind}{number}");
    let is_first = number.is_multiple_of(FAMILY);
    if !is_first {
        _ = writeln!(text, "      extends: {kind}{}", number - number % FAMILY);
    }
    (0..RESOURCES).filter(move |resource| is_first || !(number + resource).is_multiple_of(5))
}

fn algorithm(text: &mut String, number: usize) {
    for resource in head(text, "algorithm", number) {
        let factor = 1 + (number * 7 + resource) % 6;
        let expression = match (number + resource) % 4 {
            0 => format!("{{price}} times {{volume}} times {factor}"),
            1 => format!("price * volume * 1.{factor:03}"),
            2 => format!("if $total gt {factor} then $volume times $price else 0 end"),
            _ => format!("total > {factor} ? volume * price : max(0, total + volume - {factor}) * price"),
        };
        _ = writeln!(text, "      r{resource}: {expression}");
    }
}

fn price_list(text: &mut String, number: usize) {
    let resources = head(text, "prices", number);
    if number % 5 == 1 {
        let (day, start, end) = (1 + number % 28, 8 + number % 4, 12 + number % 8);
        _ = write!(
            text,
            "      effective:\n        from: 2011-01-{day:02}\n        repeat:\n          - every:\n              \
             start: \"00 {start:02} * * Mon\"\n              end: \"00 {end} * * Fri\"\n"
        );
    }
    for resource in resources {
        _ = writeln!(text, "      r{resource}: 0.{:04}", 1 + (number * 7_919 + resource * 31) % 9_999);
    }
}

fn agreement(text: &mut String, number: usize, lists: usize) {
    let (algorithm, prices) = (number * 37 % lists, number * 53 % lists);
    _ = write!(
        text,
        "    - name: agreement{number}\n      algorithm: algorithm{algorithm}\n      pricelist: prices{prices}\n        \
         r0: 0.{:03}\n        effective:\n          from: 2012-01-01\n          to: 2013-01-01\n      \
         creditplan: monthly\n      threshold: -{number}\n",
        1 + number % 999
    );
}
