//! Texts of others, instants and amounts, as pages show them.

use aquarium_ir::time::Zone;
use aquarium_ir::{Credits, Millis};
use maud::{Markup, html};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What is written as it is in a value of a query.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Whether a character has no shape of its own, or changes the direction of what follows.
fn is_odd(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{3164}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

fn code(character: char) -> String {
    format!("U+{:04X}", u32::from(character))
}

/// A text that somebody else wrote: kept apart from the direction of what is around it, and characters that could
/// not be seen are named.
pub fn shown(text: &str) -> Markup {
    html! {
        @if text.is_empty() {
            span .nothing { "(empty)" }
        } @else {
            bdi {
                @for run in runs(text) {
                    @match run {
                        Run::Plain(text) => (text),
                        Run::Odd(character) => span .odd { (code(character)) },
                    }
                }
            }
        }
    }
}

/// A text of several lines: where they end it stays as it is.
pub fn block(text: &str) -> Markup {
    html! {
        @for line in text.split_inclusive('\n') {
            @match line.strip_suffix('\n') {
                Some("") => "\n",
                Some(line) => { (shown(line)) "\n" },
                None => (shown(line)),
            }
        }
    }
}

/// The same where there can be no markup: titles, and labels of pictures.
pub fn plain(text: &str) -> String {
    let part = |run: Run<'_>| match run {
        Run::Plain(text) => text.to_owned(),
        Run::Odd(character) => format!("[{}]", code(character)),
    };
    runs(text).into_iter().map(part).collect()
}

enum Run<'a> {
    Plain(&'a str),
    Odd(char),
}

/// Splits a text before and after each odd character.
fn runs(text: &str) -> Vec<Run<'_>> {
    let parts = text.split_inclusive(is_odd);
    let mut runs = Vec::new();
    for part in parts {
        let last = part.chars().next_back().filter(|last| is_odd(*last));
        let plain = last.map_or(part, |last| part.strip_suffix(last).unwrap_or(part));
        if !plain.is_empty() {
            runs.push(Run::Plain(plain));
        }
        runs.extend(last.map(Run::Odd));
    }
    runs
}

/// A path with a query: values may be any text.
pub fn address(path: &str, query: &[(&str, &str)]) -> String {
    let given = query.iter().filter(|(_, value)| !value.is_empty());
    let parts: Vec<String> =
        given.map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, VALUE))).collect();
    if parts.is_empty() { path.to_owned() } else { format!("{path}?{}", parts.join("&")) }
}

/// A user's id as a segment of a path of REST.
pub fn segment(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// Whether an instant can be told as a date.
fn has_date(at: Millis) -> bool {
    at > Millis::EPOCH && at < Millis::LIMIT
}

/// An instant on the clock of a zone, and in UTC.
pub fn instant(zone: &Zone, at: Millis) -> Markup {
    if !has_date(at) {
        return html! { span .instant { (at) " ms" } };
    }
    let utc = Zone::utc().format(at);
    html! {
        time .instant datetime=(utc) {
            span .local { (local(zone, at)) }
            " "
            span .utc { (utc) }
        }
    }
}

/// The date and time that the clock of a zone shows.
pub fn local(zone: &Zone, at: Millis) -> String {
    if has_date(at) { zone.format(at).replacen('T', " ", 1) } else { format!("{at} ms") }
}

/// The day that the clock of a zone shows.
pub fn day(zone: &Zone, at: Millis) -> String {
    zone.local(at).date().to_string()
}

/// An amount of credits.
pub fn credits(amount: Credits) -> Markup {
    html! { data .credits .below[amount.is_negative()] value=(amount) { (amount) } }
}

/// A length of time, in its two largest units.
pub fn duration(millis: i64) -> String {
    let parts = [("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000), ("ms", 1)];
    let mut rest = millis.max(0);
    let mut words = Vec::new();
    for (name, length) in parts {
        let count = rest / length;
        rest %= length;
        if count > 0 {
            words.push(format!("{count} {name}"));
        }
        if words.len() == 2 || (!words.is_empty() && count == 0) {
            break;
        }
    }
    if words.is_empty() { "0 ms".to_owned() } else { words.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_named_and_markup_is_text() {
        let page = shown("a\u{202e}<b>\u{0}\u{e0041}").into_string();
        assert_eq!(
            page,
            "<bdi>a<span class=\"odd\">U+202E</span>&lt;b&gt;<span class=\"odd\">U+0000</span>\
             <span class=\"odd\">U+E0041</span></bdi>"
        );
        assert_eq!(plain("\u{200f}x\r\n"), "[U+200F]x[U+000D][U+000A]");
        assert_eq!(shown("عربي ünïcode 日本").into_string(), "<bdi>عربي ünïcode 日本</bdi>");
    }

    #[test]
    fn addresses_hold_any_text() {
        assert_eq!(address("/u", &[("id", "a&b=c/../ü"), ("at", "")]), "/u?id=a%26b%3Dc%2F..%2F%C3%BC");
        assert_eq!(address("/u", &[]), "/u");
        assert_eq!(segment(".."), "%2E%2E");
    }

    #[test]
    fn lengths_of_time_are_told_in_two_units() {
        for (millis, told) in
            [(0, "0 ms"), (-5, "0 ms"), (61_000, "1 min 1 s"), (3_600_001, "1 h"), (90_061_001, "1 d 1 h")]
        {
            assert_eq!(duration(millis), told);
        }
    }

    #[test]
    fn instants_out_of_range_have_no_date() {
        for at in [Millis::MIN, Millis::MAX, Millis(-1), Millis::LIMIT] {
            assert!(instant(&Zone::utc(), at).into_string().contains(&format!("{at} ms")));
        }
    }
}
