//! `aquariumd backup` and `aquariumd restore`: a copy of the data that is whole, also while a daemon serves it.
//!
//! Derived state is copied before the log, and the log before the modules: so the log of a backup reaches at least as
//! far as what was folded of it, and every module that it names is there.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use aquarium_ir::module::content_hash;
use aquarium_store::embedded::{Verified, copy};
use clap::Args;
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::site::{JSON, Site, on_data};
use super::{Data, Failure};
use crate::config::Configuration;
use crate::derived::copy_directory;
use crate::stores::log_directory;

/// The version of what a backup is.
const FORMAT: u32 = 1;
/// The file that says what is in a backup.
const CONTENTS_FILE: &str = "backup.json";
/// Where modules are, in a data directory and in a backup.
const POLICIES: &str = "policies";
/// Where the log is.
const LOG: &str = "log";
/// Where derived state is.
const DERIVED: &str = "derived";

/// Copy log, modules and derived state to a directory, also while a daemon serves them.
#[derive(Debug, Args)]
pub struct Backup {
    /// The directory, which is made.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    #[command(flatten)]
    data: Data,
}

/// Make a data directory of a backup.
#[derive(Debug, Args)]
pub struct Restore {
    /// The backup.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    #[command(flatten)]
    data: Data,
}

/// What a backup says about itself.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Contents {
    format: u32,
    records: u64,
    chain: String,
}

impl Contents {
    fn of(log: &Verified) -> Self {
        let chain = log.chain.iter().map(|byte| format!("{byte:02x}")).collect();
        Self { format: FORMAT, records: log.records, chain }
    }
}

impl Backup {
    /// Copies everything.
    pub async fn run(self, configuration: Configuration) -> Result<(), Failure> {
        let configuration = self.data.over(configuration);
        super::refuse_server(&configuration)?;
        super::check_log(&configuration)?;
        let making = Making::begin(&self.directory)?;
        let snapshot =
            async |site: &Site| site.order(Method::POST, "/admin/snapshot", JSON, None, Vec::new()).await;
        on_data(configuration.clone(), snapshot).await?;
        move_directory(&copy_directory(&configuration), &making.path(DERIVED))?;
        let log = copy(&log_directory(&configuration), &making.path(LOG))?;
        copy_files(&configuration.data.join(POLICIES), &making.path(POLICIES))?;
        let contents = serde_json::to_vec(&Contents::of(&log))?;
        write_durably(&making.path(CONTENTS_FILE), &contents)?;
        making.finish()?;
        Ok(writeln!(io::stdout(), "backed up: {} records", log.records)?)
    }
}

impl Restore {
    /// Checks the backup and copies it.
    pub fn run(self, configuration: &Configuration) -> Result<(), Failure> {
        super::refuse_server(configuration)?;
        let data = self.data.over(configuration.clone()).data;
        if fs::read_dir(&data).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(
                format!("`{}` is not empty: a backup is not restored over data", data.display()).into()
            );
        }
        let contents = self.contents()?;
        check_modules(&self.directory.join(POLICIES))?;
        // An empty directory makes way; where there is none, so much the better.
        let _ = fs::remove_dir(&data);
        let making = Making::begin(&data)?;
        let log = copy(&self.directory.join(LOG), &making.path(LOG))?;
        if Contents::of(&log) != contents {
            return Err(format!("`{}` is not whole: its log is another one", self.directory.display()).into());
        }
        copy_files(&self.directory.join(POLICIES), &making.path(POLICIES))?;
        copy_files(&self.directory.join(DERIVED), &making.path(DERIVED))?;
        making.finish()?;
        Ok(writeln!(io::stdout(), "restored: {} records", log.records)?)
    }

    fn contents(&self) -> Result<Contents, Failure> {
        let path = self.directory.join(CONTENTS_FILE);
        let missing = |error: io::Error| format!("`{}` is no backup: {error}", self.directory.display());
        let contents: Contents = serde_json::from_slice(&fs::read(&path).map_err(missing)?)
            .map_err(|error| format!("`{}`: {error}", path.display()))?;
        if contents.format > FORMAT {
            let (found, path) = (contents.format, path.display());
            return Err(
                format!("`{path}` has format {found}, this program knows formats up to {FORMAT}").into()
            );
        }
        Ok(contents)
    }
}

/// A directory that is there whole, in the end, or not at all.
struct Making {
    directory: PathBuf,
    unfinished: PathBuf,
}

impl Making {
    fn begin(directory: &Path) -> Result<Self, Failure> {
        if directory.exists() {
            return Err(format!("`{}` exists already", directory.display()).into());
        }
        let mut unfinished = directory.as_os_str().to_owned();
        unfinished.push(".unfinished");
        let unfinished = PathBuf::from(unfinished);
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished).map_err(|error| named(&unfinished, &error))?;
        }
        fs::create_dir_all(&unfinished).map_err(|error| named(&unfinished, &error))?;
        Ok(Self { directory: directory.to_owned(), unfinished })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.unfinished.join(name)
    }

    fn finish(self) -> Result<(), Failure> {
        sync_directory(&self.unfinished)?;
        fs::rename(&self.unfinished, &self.directory).map_err(|error| named(&self.directory, &error))?;
        let parent = self.directory.parent().filter(|parent| !parent.as_os_str().is_empty());
        sync_directory(parent.unwrap_or(Path::new(".")))
    }
}

fn named(path: &Path, error: &io::Error) -> String {
    format!("`{}`: {error}", path.display())
}

/// Every module is what its name says.
fn check_modules(directory: &Path) -> Result<(), Failure> {
    for path in files_in(directory)? {
        let bytes = fs::read(&path).map_err(|error| named(&path, &error))?;
        let hash = path.file_stem().unwrap_or_default().to_string_lossy();
        if path.extension().is_some_and(|extension| extension == "wasm") && content_hash(&bytes) != *hash {
            return Err(format!("`{}` is damaged: it holds another module", path.display()).into());
        }
    }
    Ok(())
}

/// The files of a directory, and of those in it; none where there is no directory.
fn files_in(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|error| named(directory, &error))?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| named(directory, &error))?.path();
        if path.is_dir() { files.extend(files_in(&path)?) } else { files.push(path) }
    }
    Ok(files)
}

fn move_directory(from: &Path, to: &Path) -> Result<(), Failure> {
    if fs::rename(from, to).is_ok() {
        return Ok(());
    }
    // Another disk.
    copy_files(from, to)?;
    Ok(fs::remove_dir_all(from).map_err(|error| named(from, &error))?)
}

fn copy_files(from: &Path, to: &Path) -> Result<(), Failure> {
    fs::create_dir_all(to).map_err(|error| named(to, &error))?;
    for path in files_in(from)? {
        let Ok(relative) = path.strip_prefix(from) else { continue };
        let target = to.join(relative);
        let parent = target.parent().unwrap_or(to);
        fs::create_dir_all(parent).map_err(|error| named(parent, &error))?;
        fs::copy(&path, &target).map_err(|error| named(&path, &error))?;
        File::open(&target).and_then(|file| file.sync_all()).map_err(|error| named(&target, &error))?;
        sync_directory(parent)?;
    }
    sync_directory(to)
}

fn sync_directory(directory: &Path) -> Result<(), Failure> {
    let synced = File::open(directory).and_then(|directory| directory.sync_all());
    Ok(synced.map_err(|error| named(directory, &error))?)
}

fn write_durably(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let written = File::create(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    Ok(written.map_err(|error| named(path, &error))?)
}
