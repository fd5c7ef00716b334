//! Prices and expressions at an instant, against a resolver that walks the items directly.
//!
//! The naive resolver below asks at one instant: which item of the chain is effective, and what does
//! the nearest ancestor give? It knows no timelines, layers or calendars, and reads the generated model,
//! not the policy's text.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests say what went wrong by panicking"
)]
use std::fmt::Write;

use aquarium_compiler::{Code, Diagnostic, Severity, SourceFile, analyze};
use aquarium_ir::Millis;
use aquarium_ir::policy::{Policy, Price};
use aquarium_ir::time::{Body, Calendar, Timeline, Zone};
use proptest::prelude::*;

const RESOURCES: [&str; 2] = ["disk", "cpu"];
const DAY: i64 = 86_400_000;
/// Frames are made of these instants, so that many of them touch or coincide.
const DAYS: i64 = 8;

/// A frame: `[from, to)` in days, less one day, and only some hours of each day.
#[derive(Debug, Clone)]
struct Frame {
    from: Option<i64>,
    to: Option<i64>,
    except: Option<i64>,
    hours: Option<(u8, u8)>,
}

/// What an item gives by resource; the last is `"*"`.
type Given = [Option<u32>; 3];

#[derive(Debug, Clone)]
struct List {
    parent: Option<usize>,
    frame: Option<Frame>,
    given: Given,
}

#[derive(Debug, Clone)]
struct Part {
    base: Option<usize>,
    frame: Option<Frame>,
    given: Given,
}

#[derive(Debug, Clone)]
struct Agreement {
    parent: Option<usize>,
    frame: Option<Frame>,
    pricelist: Option<Part>,
    algorithm: Option<Part>,
    threshold: Option<i32>,
}

#[derive(Debug, Clone)]
struct Model {
    pricelists: Vec<List>,
    algorithms: Vec<List>,
    agreements: Vec<Agreement>,
}

impl Frame {
    fn has(&self, millis: i64) -> bool {
        let day = millis.div_euclid(DAY);
        let hour = millis.rem_euclid(DAY) / 3_600_000;
        let in_hours = |(start, end): (u8, u8)| {
            let (start, end) = (i64::from(start), i64::from(end));
            if start < end { (start..end).contains(&hour) } else { hour >= start || hour < end }
        };
        self.from.is_none_or(|from| day >= from)
            && self.to.is_none_or(|to| day < to)
            && self.except != Some(day)
            && self.hours.is_none_or(in_hours)
    }
}

fn has(frame: Option<&Frame>, millis: i64) -> bool {
    frame.is_none_or(|frame| frame.has(millis))
}

/// The item and its ancestors.
fn chain<T>(items: &[T], parent: impl Fn(&T) -> Option<usize>, first: usize) -> Vec<&T> {
    let places = std::iter::successors(Some(first), |place| parent(&items[*place]));
    places.map(|place| &items[place]).collect()
}

fn list_gives(lists: &[List], first: usize, resource: usize, millis: i64) -> Option<u32> {
    let chain = chain(lists, |list| list.parent, first);
    for place in 0..chain.len() {
        let frame = chain[place..].iter().find_map(|list| list.frame.as_ref());
        if has(frame, millis) {
            return chain[place..].iter().find_map(|list| list.given[resource]);
        }
    }
    None
}

/// A part's field: its own while it holds, else what it is laid over.
fn part_gives(parts: &[&Part], lists: &[List], resource: usize, millis: i64) -> Option<u32> {
    let (part, rest) = parts.split_first()?;
    if let Some(given) = part.given[resource]
        && has(part.frame.as_ref(), millis)
    {
        return Some(given);
    }
    match part.base {
        Some(base) => list_gives(lists, base, resource, millis),
        None => part_gives(rest, lists, resource, millis),
    }
}

impl Model {
    /// The chain from the first effective agreement on.
    fn effective(&self, agreement: usize, millis: i64) -> Option<Vec<&Agreement>> {
        let chain = chain(&self.agreements, |agreement| agreement.parent, agreement);
        let first = (0..chain.len()).find(|place| {
            has(chain[*place..].iter().find_map(|agreement| agreement.frame.as_ref()), millis)
        })?;
        Some(chain[first..].to_vec())
    }

    fn price(&self, agreement: usize, resource: usize, millis: i64) -> Option<u32> {
        let chain = self.effective(agreement, millis)?;
        let parts: Vec<&Part> = chain.iter().filter_map(|agreement| agreement.pricelist.as_ref()).collect();
        part_gives(&parts, &self.pricelists, resource, millis)
    }

    fn expression(&self, agreement: usize, resource: usize, millis: i64) -> Option<u32> {
        let chain = self.effective(agreement, millis)?;
        let parts: Vec<&Part> = chain.iter().filter_map(|agreement| agreement.algorithm.as_ref()).collect();
        let own = part_gives(&parts, &self.algorithms, resource, millis);
        own.or_else(|| part_gives(&parts, &self.algorithms, 2, millis))
    }

    fn threshold(&self, agreement: usize, millis: i64) -> i32 {
        let chain = self.effective(agreement, millis);
        chain.and_then(|chain| chain.iter().find_map(|agreement| agreement.threshold)).unwrap_or(0)
    }

    /// The policy as text.
    fn text(&self) -> String {
        let mut text = String::from(
            "# aquarium: allow(coverage-gap, coverage-edge, override-outlives-item, per-slot, nobody-else)\naquariumpolicy:\n  resources:\n",
        );
        for resource in RESOURCES {
            let _ = writeln!(text, "    - name: {resource}\n      unit: page\n      costpolicy: discrete");
        }
        write_lists(&mut text, "pricelist", &self.pricelists);
        write_lists(&mut text, "algorithm", &self.algorithms);
        text.push_str("  agreements:\n");
        for (place, agreement) in self.agreements.iter().enumerate() {
            let _ = writeln!(text, "    - name: agreement{place}");
            write_parent(&mut text, "agreement", agreement.parent);
            write_frame(&mut text, 6, agreement.frame.as_ref());
            if let Some(threshold) = agreement.threshold {
                let _ = writeln!(text, "      threshold: {threshold}");
            }
            write_part(&mut text, "pricelist", agreement.pricelist.as_ref());
            write_part(&mut text, "algorithm", agreement.algorithm.as_ref());
        }
        text
    }
}

fn write_parent(text: &mut String, class: &str, parent: Option<usize>) {
    if let Some(parent) = parent {
        let _ = writeln!(text, "      extends: {class}{parent}");
    }
}

fn write_lists(text: &mut String, class: &str, lists: &[List]) {
    let _ = writeln!(text, "  {class}s:");
    for (place, list) in lists.iter().enumerate() {
        let _ = writeln!(text, "    - name: {class}{place}");
        write_parent(text, class, list.parent);
        write_frame(text, 6, list.frame.as_ref());
        write_given(text, 6, class, &list.given);
    }
}

fn write_part(text: &mut String, class: &str, part: Option<&Part>) {
    let Some(part) = part else { return };
    let base = part.base.map_or_else(String::new, |base| format!("{class}{base}"));
    if part.base.is_none() && part.frame.is_none() && part.given.iter().all(Option::is_none) {
        return;
    }
    let _ = writeln!(text, "      {class}: {base}");
    write_frame(text, 8, part.frame.as_ref());
    write_given(text, 8, class, &part.given);
}

fn write_given(text: &mut String, indent: usize, class: &str, given: &Given) {
    for (resource, value) in RESOURCES.into_iter().chain(["\"*\""]).zip(given) {
        let Some(value) = value else { continue };
        let value =
            if class == "algorithm" { format!("price * volume * {value}") } else { value.to_string() };
        let _ = writeln!(text, "{:indent$}{resource}: {value}", "");
    }
}

fn write_frame(text: &mut String, indent: usize, frame: Option<&Frame>) {
    let Some(frame) = frame else { return };
    let _ = writeln!(text, "{:indent$}effective:", "");
    let inner = indent + 2;
    let millis = |day: i64| day * DAY;
    if let Some(from) = frame.from {
        let _ = writeln!(text, "{:inner$}from: {}", "", millis(from));
    }
    if let Some(to) = frame.to {
        let _ = writeln!(text, "{:inner$}to: {}", "", millis(to));
    }
    if let Some((start, end)) = frame.hours {
        let _ = writeln!(
            text,
            "{:inner$}repeat:\n{:inner$}  - every:\n{:inner$}      start: \"0 {start} * * *\"\n{:inner$}      end: \"0 {end} * * *\"",
            "", "", "", ""
        );
    }
    if let Some(except) = frame.except {
        let (from, to) = (millis(except), millis(except + 1));
        let _ = writeln!(text, "{:inner$}except:\n{:inner$}  - {{from: {from}, to: {to}}}", "", "");
    }
}

fn frame() -> impl Strategy<Value = Option<Frame>> {
    let bounds = (prop::option::of(0..DAYS - 1), prop::option::of(1..=DAYS));
    let hours = prop::option::weighted(
        0.3,
        (0_u8..24, 1_u8..24).prop_map(|(start, length)| (start, (start + length) % 24)),
    );
    let made =
        (bounds, prop::option::weighted(0.2, 0..DAYS), hours).prop_map(|((from, to), except, hours)| {
            let to = to.filter(|to| from.is_none_or(|from| from < *to));
            Frame { from, to, except, hours }
        });
    let says_something = made.prop_filter("a frame says something", |frame| {
        frame.from.or(frame.to).or(frame.except).is_some() || frame.hours.is_some()
    });
    prop::option::of(says_something)
}

fn given(star: Option<f64>) -> impl Strategy<Value = Given> {
    let own = || prop::option::weighted(0.6, 1_u32..50);
    (own(), own(), star_strategy(star)).prop_map(|(disk, cpu, star)| [disk, cpu, star])
}

/// A parent with a smaller number, so that no circle comes about.
fn parent(place: usize) -> BoxedStrategy<Option<usize>> {
    if place == 0 { Just(None).boxed() } else { prop::option::weighted(0.8, 0..place).boxed() }
}

fn lists(star: Option<f64>) -> impl Strategy<Value = Vec<List>> {
    let list = move |place| {
        (parent(place), frame(), given(star)).prop_map(|(parent, frame, given)| List { parent, frame, given })
    };
    (0..4_usize).map(list).collect::<Vec<_>>()
}

fn part(star: Option<f64>) -> impl Strategy<Value = Option<Part>> {
    let plain = (0..4_usize).prop_map(|base| Part { base: Some(base), frame: None, given: [None; 3] });
    let laid_over = (prop::option::of(0..4_usize), frame(), given(star))
        .prop_filter_map("overrides give something", |(base, frame, given)| {
            given.iter().any(Option::is_some).then_some(Part { base, frame, given })
        });
    prop::option::weighted(0.7, prop_oneof![plain, laid_over])
}

fn agreements() -> impl Strategy<Value = Vec<Agreement>> {
    let agreement = |place| {
        (parent(place), frame(), part(None), part(Some(0.3)), prop::option::of(-20..=0)).prop_map(
            |(parent, frame, pricelist, algorithm, threshold)| Agreement {
                parent,
                frame,
                pricelist,
                algorithm,
                threshold,
            },
        )
    };
    (0..4_usize).map(agreement).collect::<Vec<_>>()
}

/// Tails of the policy that price everything, so that nothing is missing for good.
fn complete(mut model: Model) -> Model {
    let whole = [Some(100), Some(101), None];
    model.pricelists[0].given = whole;
    model.algorithms[0].given = [None, Some(7), Some(8)];
    for agreement in model.agreements.iter_mut().filter(|agreement| agreement.parent.is_none()) {
        let fallback = || Part { base: Some(0), frame: None, given: [None; 3] };
        agreement.pricelist.get_or_insert_with(fallback);
        agreement.algorithm.get_or_insert_with(fallback);
    }
    model
}

fn model() -> impl Strategy<Value = Model> {
    (lists(None), lists(Some(0.3)), agreements())
        .prop_map(|(pricelists, algorithms, agreements)| Model { pricelists, algorithms, agreements })
        .prop_map(complete)
}

fn at<'t, T>(timeline: &'t Timeline<T>, calendar: &mut Calendar, instant: Millis) -> Option<&'t T> {
    let decides = |layer: &&aquarium_ir::time::Layer<T>| {
        layer.frame.is_none_or(|frame| calendar.membership(frame, instant).inside)
    };
    match &timeline.0.iter().find(decides)?.body {
        Body::Value(value) => Some(value),
        Body::Timeline(inner) => at(inner, calendar, instant),
    }
}

fn price_of(
    policy: &Policy,
    agreement: usize,
    resource: usize,
    calendar: &mut Calendar,
    instant: Millis,
) -> Option<u32> {
    let (_, agreement) = policy.agreement(&format!("agreement{agreement}")).unwrap();
    let (id, _) = policy.resource(RESOURCES[resource]).unwrap();
    let given = at(&agreement.prices[id.index()], calendar, instant)?;
    match &policy.prices[given.value.index()] {
        Price::Flat(number) => Some(number.to_string().parse().unwrap()),
        Price::Tiers(_) => panic!("no tiers were written"),
    }
}

fn factor_of(
    policy: &Policy,
    agreement: usize,
    resource: usize,
    calendar: &mut Calendar,
    instant: Millis,
) -> Option<u32> {
    let (_, agreement) = policy.agreement(&format!("agreement{agreement}")).unwrap();
    let (id, _) = policy.resource(RESOURCES[resource]).unwrap();
    let given = at(&agreement.expressions[id.index()], calendar, instant)?;
    let text = &policy.expressions[given.value.index()].text;
    Some(text.rsplit(' ').next().unwrap().parse().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn timelines_give_what_a_walk_over_the_items_gives(model in model()) {
        let text = model.text();
        let file = SourceFile { path: "policy.aquarium".to_owned(), bytes: text.clone().into_bytes() };
        let analysis = analyze(vec![file]);
        let errors: Vec<_> = analysis.diagnostics.iter().filter(|it| it.severity == Severity::Error).collect();
        // Nothing may be wrong but what is never covered.
        let missing = errors.iter().all(|it| it.code == Code::NotCovered);
        prop_assert!(missing, "{text}\n{errors:#?}");
        prop_assume!(errors.is_empty());
        let policy = analysis.into_policy().unwrap();
        let mut calendar = Calendar::of(&policy);
        for hour in 0..(DAYS + 1) * 24 {
            for millis in [hour * 3_600_000 - 1, hour * 3_600_000] {
                let instant = Millis(millis);
                for agreement in 0..model.agreements.len() {
                    for resource in 0..RESOURCES.len() {
                        let price = price_of(&policy, agreement, resource, &mut calendar, instant);
                        prop_assert_eq!(price, model.price(agreement, resource, millis), "price at {}\n{}", millis, text);
                        let factor = factor_of(&policy, agreement, resource, &mut calendar, instant);
                        prop_assert_eq!(factor, model.expression(agreement, resource, millis), "expression at {}\n{}", millis, text);
                    }
                    let (_, resolved) = policy.agreement(&format!("agreement{agreement}")).unwrap();
                    let threshold = at(&resolved.threshold, &mut calendar, instant).map_or("0".to_owned(), ToString::to_string);
                    prop_assert_eq!(threshold, model.threshold(agreement, millis).to_string(), "threshold\n{}", text);
                }
            }
        }
    }
}

/// What an item gives for every other resource; price lists have nothing of that kind.
fn star_strategy(weight: Option<f64>) -> BoxedStrategy<Option<u32>> {
    match weight {
        Some(weight) => prop::option::weighted(weight, 50_u32..99).boxed(),
        None => Just(None).boxed(),
    }
}

/// What the naive walk says about a resource under an agreement, in hours since the epoch.
#[derive(Debug, PartialEq, Eq)]
struct NaiveCoverage {
    /// The first covered hour.
    first: Option<i64>,
    /// The first gap between covered hours.
    gap: Option<(i64, i64)>,
    /// Where nothing is covered for good.
    ends: Option<i64>,
}

fn naive_coverage(model: &Model, agreement: usize, resource: usize) -> NaiveCoverage {
    let covered = |hour: &i64| {
        let millis = hour * 3_600_000;
        model.price(agreement, resource, millis).is_some()
            && model.expression(agreement, resource, millis).is_some()
    };
    // Nothing is named beyond `DAYS`: what holds then at some hour of a day does so for good.
    let covered: Vec<i64> = (0..(DAYS + 3) * 24).filter(covered).collect();
    let (first, last) = (covered.first().copied(), covered.last().copied());
    let gap = covered.windows(2).find(|pair| pair[1] > pair[0] + 1).map(|pair| (pair[0] + 1, pair[1]));
    NaiveCoverage { first, gap, ends: last.filter(|last| *last < DAYS * 24).map(|last| last + 1) }
}

/// When the finding says that the time is missing.
fn told_times(coverage: &NaiveCoverage) -> Option<String> {
    let instant = |hour: i64| Zone::utc().format(Millis(hour * 3_600_000));
    if let Some((from, to)) = coverage.gap {
        return Some(format!("not covered from {} to {}", instant(from), instant(to)));
    }
    let late = coverage.first.filter(|first| *first > 0).map(|first| format!("before {}", instant(first)));
    let ends = coverage.ends.map(|ends| format!("from {} on", instant(ends)));
    let times: Vec<String> = late.into_iter().chain(ends).collect();
    (!times.is_empty()).then(|| format!("not covered {}", times.join(" and ")))
}

/// The agreement's own price and expression at every hour: an heir with the same has no finding of its own.
fn is_inherited(model: &Model, agreement: usize, resource: usize) -> bool {
    let Some(parent) = model.agreements[agreement].parent else { return false };
    let same = |hour: i64| {
        let millis = hour * 3_600_000;
        model.price(agreement, resource, millis) == model.price(parent, resource, millis)
            && model.expression(agreement, resource, millis) == model.expression(parent, resource, millis)
    };
    (0..(DAYS + 3) * 24).all(same)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn coverage_findings_are_those_of_a_walk_over_hours(model in model()) {
        let text = model.text().replace("coverage-gap, ", "").replace("coverage-edge, ", "");
        let file = SourceFile { path: "policy.aquarium".to_owned(), bytes: text.clone().into_bytes() };
        let analysis = analyze(vec![file]);
        let told = |code: &[Code], agreement: usize, resource: &str| {
            let is_it = |it: &&Diagnostic| {
                code.contains(&it.code)
                    && it.message.contains(&format!("agreement `agreement{agreement}`"))
                    && it.message.contains(&format!("`{resource}`"))
            };
            analysis.diagnostics.iter().find(is_it).map(|it| it.message.clone())
        };
        for agreement in 0..model.agreements.len() {
            for (place, resource) in RESOURCES.into_iter().enumerate() {
                let coverage = naive_coverage(&model, agreement, place);
                let never = told(&[Code::NotCovered], agreement, resource);
                let partly = told(&[Code::CoverageGap, Code::CoverageEdge], agreement, resource);
                if is_inherited(&model, agreement, place) && never.is_none() && partly.is_none() {
                    continue;
                }
                prop_assert_eq!(never.is_some(), coverage.first.is_none(), "{} under {}\n{}", resource, agreement, text);
                let times = told_times(&coverage).filter(|_| coverage.first.is_some());
                let said = partly.map(|message| message[message.find("not covered").unwrap()..].to_owned());
                prop_assert_eq!(said, times, "{} under {}\n{}", resource, agreement, text);
            }
        }
    }
}
