//! From paths on the command line to the files of a policy.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use aquarium_compiler::SourceFile;
use aquarium_compiler::policy_test::is_test_name;

use crate::failure::Failure;
use crate::files;

/// The endings of policy files within a directory.
const ENDINGS: [&str; 3] = [".aquarium", ".aquarium.yaml", ".aquarium.yml"];
/// What standard input is called in reports and in the module.
const STANDARD_INPUT: &str = "<stdin>";

/// The files of one policy.
pub struct Inputs {
    /// The files; their paths are relative to `directory`.
    pub files: Vec<SourceFile>,
    /// The nearest common directory of the paths given, as the user would write it.
    pub directory: PathBuf,
    paths: BTreeMap<String, PathBuf>,
}

impl Inputs {
    /// The path of a file as it was given: what is shown of it may have lost letters that are no text.
    pub fn path_of<'a>(&'a self, file: &'a SourceFile) -> &'a Path {
        self.paths.get(&file.path).map_or(Path::new(&file.path), PathBuf::as_path)
    }
}

/// Reads the policy that the paths name.
pub fn read(paths: &[PathBuf]) -> Result<Inputs, Failure> {
    read_those(paths, is_policy_name)
}

/// Reads the same files, and the policy tests of directories too.
pub fn read_with_tests(paths: &[PathBuf]) -> Result<Inputs, Failure> {
    read_those(paths, has_policy_ending)
}

fn read_those(paths: &[PathBuf], is_wanted: fn(&OsStr) -> bool) -> Result<Inputs, Failure> {
    let mut named = Vec::new();
    for path in paths {
        expand(path, is_wanted, &mut named)?;
    }
    named.sort();
    named.dedup();
    let directory = common_directory(&named);
    let files: Vec<SourceFile> =
        named.iter().map(|path| read_file(path, &directory)).collect::<Result<_, _>>()?;
    let paths = files.iter().map(|file| file.path.clone()).zip(named).collect();
    Ok(Inputs { files, directory, paths })
}

/// A file stands for itself, a directory for its own policy files.
fn expand(path: &Path, is_wanted: fn(&OsStr) -> bool, named: &mut Vec<PathBuf>) -> Result<(), Failure> {
    if !path.is_dir() {
        named.push(path.to_owned());
        return Ok(());
    }
    let entries = path.read_dir().map_err(|error| Failure::unreadable(path, error))?;
    let before = named.len();
    for entry in entries {
        let entry = entry.map_err(|error| Failure::unreadable(path, error))?;
        if is_wanted(&entry.file_name()) && !entry.path().is_dir() {
            named.push(entry.path());
        }
    }
    if named.len() == before {
        let endings = ENDINGS.map(|ending| format!("`*{ending}`")).join(", ");
        return Err(Failure::Use(format!(
            "`{}` holds no policy: none of {endings} is there",
            path.display()
        )));
    }
    Ok(())
}

fn is_policy_name(name: &OsStr) -> bool {
    has_policy_ending(name) && !is_test_name(&name.to_string_lossy())
}

fn has_policy_ending(name: &OsStr) -> bool {
    ENDINGS.iter().any(|ending| name.to_string_lossy().ends_with(ending))
}

/// The nearest directory that holds all files.
fn common_directory(files: &[PathBuf]) -> PathBuf {
    let directories = files.iter().filter(|file| !is_standard_input(file)).filter_map(|file| file.parent());
    let common =
        directories.map(|directory| directory.components().collect::<Vec<_>>()).reduce(|common, other| {
            let same = common.iter().zip(&other).take_while(|(left, right)| left == right).count();
            common.into_iter().take(same).collect::<Vec<Component<'_>>>()
        });
    common.unwrap_or_default().into_iter().collect()
}

fn read_file(path: &Path, directory: &Path) -> Result<SourceFile, Failure> {
    if is_standard_input(path) {
        let bytes = files::read_within_limits(std::io::stdin().lock())
            .map_err(|error| Failure::unreadable(STANDARD_INPUT, error))?;
        return Ok(SourceFile { path: STANDARD_INPUT.to_owned(), bytes });
    }
    let bytes = files::read_policy(path)?;
    let relative = path.strip_prefix(directory).unwrap_or(path);
    let words: Vec<_> = relative.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    Ok(SourceFile { path: words.join("/"), bytes })
}

/// Whether a path stands for standard input.
pub fn is_standard_input(path: &Path) -> bool {
    path == Path::new("-")
}

/// The path of a file as the user would write it.
pub fn shown(directory: &Path, file: &SourceFile) -> String {
    if file.path == STANDARD_INPUT {
        return file.path.clone();
    }
    directory.join(&file.path).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_common_directory_is_the_nearest_one() {
        let common = |paths: &[&str]| common_directory(&paths.iter().map(PathBuf::from).collect::<Vec<_>>());
        assert_eq!(common(&["a/b/x.aquarium", "a/c/y.aquarium"]), PathBuf::from("a"));
        assert_eq!(common(&["a/b/x.aquarium"]), PathBuf::from("a/b"));
        assert_eq!(common(&["x.aquarium", "a/y.aquarium"]), PathBuf::from(""));
        assert_eq!(common(&["/x/p.aquarium", "-"]), PathBuf::from("/x"));
    }

    #[test]
    fn a_directory_stands_for_its_policy_files_without_tests() {
        for (name, is_policy) in [
            ("p.aquarium", true),
            ("p.aquarium.yaml", true),
            ("p.aquarium.yml", true),
            ("p.test.aquarium.yaml", false),
            ("p.yaml", false),
            ("events.ndjson", false),
        ] {
            assert_eq!(is_policy_name(OsStr::new(name)), is_policy, "{name}");
        }
    }
}
