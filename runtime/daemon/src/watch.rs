//! The watched directory: a compiled policy that is put there is deployed.
//!
//! A module is deployed once, whatever its file is called and however often the daemon is started: one that
//! was deployed before is left alone. To go back to it, deploy it by hand.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::daemon::Daemon;
use crate::deployment::{DeployError, NewDeployment};

/// How often the directory is looked at. A file is read once it is the same in two looks: then it is whole.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How compiled policies are named.
const EXTENSION: &str = "wasm";
/// Who deploys, as records say.
const AUTHOR: &str = "watched directory";

/// What tells one state of a file from another.
type Look = (SystemTime, u64);

/// What is known of the files.
#[derive(Debug, Default)]
struct Watched {
    seen: BTreeMap<PathBuf, Look>,
    taken: BTreeMap<PathBuf, Look>,
}

/// Watches a directory until the daemon stops.
pub async fn run(daemon: Arc<Daemon>, directory: PathBuf) {
    let mut watched = Watched::default();
    loop {
        match look(&directory) {
            Ok(files) => {
                for path in watched.whole(files) {
                    take(&daemon, &path).await;
                }
            }
            Err(error) => tracing::error!(directory = %directory.display(), %error, "it cannot be watched"),
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = daemon.stopped() => return,
        }
    }
}

impl Watched {
    /// Files that are the same as when they were last looked at, and were not taken as they are.
    fn whole(&mut self, files: BTreeMap<PathBuf, Look>) -> Vec<PathBuf> {
        let whole = |path: &PathBuf, look: &Look| {
            self.seen.get(path) == Some(look) && self.taken.get(path) != Some(look)
        };
        let ready: BTreeMap<PathBuf, Look> = files
            .iter()
            .filter(|(path, look)| whole(path, look))
            .map(|(path, look)| (path.clone(), *look))
            .collect();
        self.seen = files;
        self.taken.extend(ready.clone());
        self.taken.retain(|path, _| self.seen.contains_key(path));
        ready.into_keys().collect()
    }
}

/// The modules in a directory.
fn look(directory: &Path) -> std::io::Result<BTreeMap<PathBuf, Look>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != EXTENSION) {
            continue;
        }
        // A file that is gone by now is none.
        let Ok(metadata) = fs::metadata(&path) else { continue };
        if metadata.is_file() {
            files.insert(path, (metadata.modified()?, metadata.len()));
        }
    }
    Ok(files)
}

async fn take(daemon: &Daemon, path: &Path) {
    let file = path.display();
    match deploy(daemon, path).await {
        Ok(Some(id)) => tracing::info!(%file, id, "deployed a policy from the watched directory"),
        Ok(None) => tracing::debug!(%file, "this policy was deployed before"),
        Err(error) => tracing::error!(%file, %error, "a policy in the watched directory is left alone"),
    }
}

async fn deploy(daemon: &Daemon, path: &Path) -> Result<Option<String>, String> {
    let module = fs::read(path).map_err(|error| error.to_string())?;
    let words = |error: DeployError| error.to_string();
    let hash = daemon.policies.inspect(&module).map_err(|error| error.to_string())?.module;
    let known = daemon.deployments().await.map_err(words)?;
    if known.iter().any(|listed| *listed.deployment.module == *hash) {
        return Ok(None);
    }
    let name = path.file_stem().map(|name| name.to_string_lossy().into_owned());
    let order = NewDeployment { module, name, author: Some(AUTHOR.to_owned()), ..Default::default() };
    daemon.deploy(&order).await.map(|deployed| Some(deployed.id)).map_err(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_taken_once_it_no_longer_changes_and_again_when_it_changed() {
        let path = PathBuf::from("p.wasm");
        let look = |length| BTreeMap::from([(path.clone(), (SystemTime::UNIX_EPOCH, length))]);
        let mut watched = Watched::default();
        let taken = [1, 2, 2, 2, 3, 3].map(|length| watched.whole(look(length)).len());
        assert_eq!(taken, [0, 0, 1, 0, 0, 1]);
        assert_eq!(watched.whole(BTreeMap::new()), Vec::<PathBuf>::new());
        assert_eq!([3, 3].map(|length| watched.whole(look(length)).len()), [0, 1]);
    }
}
