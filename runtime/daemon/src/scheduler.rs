//! The scheduler: tells every partition, at least once a minute, how far time has come.

use std::fmt::Write as _;
use std::sync::Arc;

use aquarium_ir::Millis;

use crate::daemon::Daemon;
use crate::ingest::IngestError;

/// Ticks are for whole minutes: plans and months begin at no other instants.
const MINUTE_MILLIS: i64 = 60_000;

/// Ticks until the daemon stops.
pub async fn run(daemon: Arc<Daemon>) {
    loop {
        let now = daemon.clock.now();
        let minute = Millis(now.0.saturating_sub(now.0.rem_euclid(MINUTE_MILLIS)));
        match daemon.write(ticks(minute, daemon.log.partitions())).await {
            Ok(_) => {}
            Err(IngestError::Stopping) => return,
            Err(error) => tracing::error!(%error, "the ticks of a minute were not stored"),
        }
        tokio::select! {
            () = daemon.clock.minute_after(minute) => {}
            () = daemon.stopped() => return,
        }
    }
}

/// One record for each partition; told twice they are the same records.
fn ticks(instant: Millis, partitions: u16) -> String {
    let mut lines = String::new();
    for partition in 0..partitions {
        // Writing to a string does not fail.
        let _ = writeln!(
            lines,
            r#"{{"recordType":"tick","id":"tick-{partition}-{instant}","clientID":"aquarium","partition":{partition},"instant":{instant}}}"#
        );
    }
    lines
}

#[cfg(test)]
mod tests {
    use aquarium_charging::input::{Source, read};

    use super::*;

    #[test]
    fn ticks_are_records() {
        let source =
            Source { received: Millis(9), keeps_received: false, writes_records: true, plausible: None };
        let lines = ticks(Millis(120_000), 2);
        let read = lines.lines().map(|line| read(line.as_bytes(), &source).unwrap().record.occurred);
        assert_eq!(read.collect::<Vec<_>>(), [Millis(120_000); 2]);
    }
}
