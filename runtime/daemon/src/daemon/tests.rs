use aquarium_store::NewRecord;

use super::*;

/// Longer than anything takes that ends.
const PATIENCE: Duration = Duration::from_secs(60);

fn configuration(directory: &tempfile::TempDir) -> Configuration {
    Configuration { data: directory.path().join("data"), ..Configuration::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_stopped_as_soon_as_it_has_started_ends() {
    for _ in 0..5 {
        let directory = tempfile::tempdir().unwrap();
        let daemon = Daemon::start(configuration(&directory), Clock::system()).await.unwrap();
        daemon.start_services(Vec::new(), Links::default()).await;
        tokio::time::timeout(PATIENCE, daemon.stop()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_scheduler_ends_with_the_daemon_though_the_log_was_not_looked_at_to_its_end() {
    let directory = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(configuration(&directory), Clock::system()).await.unwrap();
    daemon.stop().await;
    let refused = NewRecord::quarantined(Reason::NotJson, "", b"{", 1);
    daemon.log.append(&[refused]).unwrap();
    tokio::time::timeout(PATIENCE, scheduler::run(daemon)).await.unwrap();
}
