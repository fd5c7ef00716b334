//! The scheduler: tells every partition how far time has come.
//!
//! Ticks fall on every occurrence of any credit plan, on month ends, and at least on every whole minute. After
//! a time in which nobody ticked the occurrences and month ends of that time are told late, in their order.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use aquarium_charging::Deployments;
use aquarium_ir::Millis;
use aquarium_ir::time::Calendar;

use crate::daemon::Daemon;
use crate::ingest::IngestError;

/// At least so often time is told.
const MINUTE_MILLIS: i64 = 60_000;
/// Instants that are told late after a long time, at most: the latest. What time brought about at those before
/// follows from them.
const LATE_MAX: usize = 1_000;
/// How far back occurrences of plans are told late: about three months.
const LATE_MILLIS_MAX: i64 = 92 * 86_400_000;
/// Instants of which the ticks are stored together.
const TOGETHER: usize = 64;
/// The wait before ticks that the log did not take are stored again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The partition whose holder tells the time to all of them.
const TELLER: u16 = 0;

/// Ticks until the daemon stops, as long as no other node does.
pub async fn run(daemon: Arc<Daemon>) {
    loop {
        tokio::select! {
            () = daemon.tenure.taken(TELLER) => {}
            () = refused(&daemon) => {
                try_the_log(&daemon).await;
                continue;
            }
            () = daemon.stopped() => return,
        }
        tokio::select! {
            // Told twice, while one node does not know of the other, ticks are the same records.
            () = daemon.tenure.gone(TELLER) => {}
            () = tell_all(&daemon) => return,
        }
    }
}

/// Ticks until the daemon stops.
async fn tell_all(daemon: &Daemon) {
    // Who ends before everything was looked at never gets there.
    tokio::select! {
        () = daemon.registry_is_current() => {}
        () = daemon.stopped() => return,
    }
    let mut told = daemon.registry.known().ticked;
    loop {
        let now = daemon.clock.now();
        match tell(daemon, told, now).await {
            Ok(last) => told = told.max(last),
            Err(IngestError::Stopping) => return,
            Err(error) => {
                tracing::error!(%error, "ticks were not stored");
                tokio::select! {
                    () = tokio::time::sleep(RETRY_AFTER) => {}
                    () = daemon.stopped() => return,
                }
                continue;
            }
        }
        let next = Millis(told.unwrap_or(now).max(now).0.saturating_add(1));
        let due = due(&mut daemon.versions(), next);
        tokio::select! {
            () = daemon.clock.reached(due) => {}
            () = refused(daemon) => try_the_log(daemon).await,
            () = daemon.stopped() => return,
        }
    }
}

/// Waits until the log has taken nothing for a while.
async fn refused(daemon: &Daemon) {
    loop {
        tokio::time::sleep(RETRY_AFTER).await;
        if !daemon.ingest.is_taking() {
            return;
        }
    }
}

/// Finds out, by telling the time, whether a log that took nothing takes records again: whoever watches readiness
/// sends none before it does.
async fn try_the_log(daemon: &Daemon) {
    let ticks = ticks(&[daemon.clock.now()], daemon.log.partitions());
    if daemon.write(ticks).await.is_ok() {
        tracing::info!("the log takes records again");
    }
}

/// Tells what is due after the last instant that was told, up to now; gives the last one.
async fn tell(daemon: &Daemon, told: Option<Millis>, now: Millis) -> Result<Option<Millis>, IngestError> {
    let minute = Millis(now.0.saturating_sub(now.0.rem_euclid(MINUTE_MILLIS)));
    let since = told.unwrap_or(minute);
    let mut instants = landmarks(&mut daemon.versions(), since, now);
    instants.extend((told < Some(minute)).then_some(minute));
    let instants: Vec<Millis> = instants.into_iter().rev().take(LATE_MAX).rev().collect();
    for together in instants.chunks(TOGETHER) {
        daemon.write(ticks(together, daemon.log.partitions())).await?;
    }
    Ok(instants.last().copied())
}

/// The first instant from one on of which every partition is to be told.
fn due(deployments: &mut Deployments, from: Millis) -> Millis {
    let minute = from.0.saturating_add(MINUTE_MILLIS - 1);
    let minute = Millis(minute.saturating_sub(minute.rem_euclid(MINUTE_MILLIS)));
    let before = Millis(from.0.saturating_sub(1));
    landmarks(deployments, before, minute).into_iter().next().unwrap_or(minute)
}

/// The occurrences of credit plans and the month ends in `(after, to]`.
fn landmarks(deployments: &mut Deployments, after: Millis, to: Millis) -> BTreeSet<Millis> {
    let mut instants = BTreeSet::new();
    let (from, end) = (Millis(after.0.saturating_add(1)), Millis(to.0.saturating_add(1)));
    if from >= end {
        return instants;
    }
    let mut month_end = deployments.month(after).end;
    while month_end <= to {
        instants.insert(month_end);
        month_end = deployments.month(month_end).end;
    }
    let from = from.max(Millis(to.0.saturating_sub(LATE_MILLIS_MAX)));
    for (version, _) in deployments.versions() {
        let mut calendar = Calendar::of(&version.policy);
        for agreement in &version.policy.agreements {
            for segment in agreement.plan.at.segments(&mut calendar, from, end) {
                let Some(cron) = segment.value else { continue };
                instants.extend(cron.occurrences(&version.policy.zone, segment.from, segment.to));
            }
        }
    }
    instants
}

/// One record for each instant and partition; told twice they are the same records.
fn ticks(instants: &[Millis], partitions: u16) -> String {
    let mut lines = String::new();
    for instant in instants {
        for partition in 0..partitions {
            // Writing to a string does not fail.
            let _ = writeln!(
                lines,
                r#"{{"recordType":"tick","id":"tick-{partition}-{instant}","clientID":"aquarium","partition":{partition},"instant":{instant}}}"#
            );
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use aquarium_charging::input::{Source, read};
    use aquarium_charging::{Interpreter, Version};
    use aquarium_compiler::{SourceFile, analyze};
    use aquarium_ir::time::WrittenInstant;

    use super::*;

    /// Two plans in a zone whose clocks change, one of them for a time.
    const POLICY: &str = "\
aquariumpolicy:
  timezone: Europe/Athens
  resources:
    - resource: { name: traffic, unit: MB, costpolicy: discrete }
  algorithms:
    - algorithm: { name: default, traffic: '{price} times {volume}' }
  pricelists:
    - pricelist: { name: default, traffic: 1 }
  creditplans:
    - creditplan: { name: weekly, credits: 1, at: \"30 6 * * Mon\" }
    - creditplan: { name: default, credits: 1, at: \"0 0 1 * *\" }
  agreements:
    - agreement: { name: weekly, algorithm: default, pricelist: default, creditplan: weekly }
    - agreement: { name: default, algorithm: default, pricelist: default, creditplan: default }
";

    fn deployments() -> Deployments {
        let file = SourceFile { path: "policy.aquarium.yaml".to_owned(), bytes: POLICY.as_bytes().to_vec() };
        let analysis = analyze(vec![file]);
        let policy =
            Arc::new(analysis.policy().cloned().unwrap_or_else(|| panic!("{:?}", analysis.diagnostics)));
        Deployments::single(Version::new(policy.clone(), "hash", Arc::new(Interpreter(policy))))
    }

    fn instant(text: &str) -> Millis {
        let athens = deployments().versions().next().unwrap().0.policy.zone.clone();
        WrittenInstant::read(text, &athens).unwrap().instant
    }

    #[test]
    fn ticks_are_records() {
        let source =
            Source { received: Millis(9), keeps_received: false, writes_records: true, plausible: None };
        let lines = ticks(&[Millis(120_000), Millis(180_000)], 2);
        let read = lines.lines().map(|line| read(line.as_bytes(), &source).unwrap().record.occurred);
        assert_eq!(read.collect::<Vec<_>>(), [120_000, 120_000, 180_000, 180_000].map(Millis));
    }

    #[test]
    fn plans_and_month_ends_are_told_of_in_the_policys_zone() {
        let mut deployments = deployments();
        let told = landmarks(&mut deployments, instant("2026-03-20T12:00"), instant("2026-04-06T06:30"));
        let expected =
            ["2026-03-23T06:30", "2026-03-30T06:30", "2026-04-01T00:00", "2026-04-06T06:30"].map(instant);
        assert_eq!(told.into_iter().collect::<Vec<_>>(), expected);
        assert_eq!(landmarks(&mut deployments, Millis(5), Millis(5)), BTreeSet::new());
    }

    #[test]
    fn time_is_told_at_least_every_minute() {
        let mut deployments = deployments();
        let from = instant("2026-03-20T12:00:30");
        assert_eq!(due(&mut deployments, from), instant("2026-03-20T12:01"));
        assert_eq!(due(&mut deployments, instant("2026-03-20T12:01")), instant("2026-03-20T12:01"));
        assert_eq!(due(&mut Deployments::new(), Millis(60_001)), Millis(120_000));
    }
}
