//! From paths on the command line to the files of a policy.

use std::ffi::OsStr;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use aquarium_compiler::SourceFile;

use crate::failure::Failure;

/// The endings of policy files within a directory.
const ENDINGS: [&str; 3] = [".aquarium", ".aquarium.yaml", ".aquarium.yml"];
/// The endings of policy tests, which are not part of the policy.
const TEST_ENDINGS: [&str; 2] = [".test.aquarium.yaml", ".test.aquarium.yml"];
/// What standard input is called in reports and in the module.
const STANDARD_INPUT: &str = "<stdin>";

/// The files of one policy.
pub struct Inputs {
    /// The files; their paths are relative to `directory`.
    pub files: Vec<SourceFile>,
    /// The nearest common directory of the paths given, as the user would write it.
    pub directory: PathBuf,
}

/// Reads the policy that the paths name.
pub fn read(paths: &[PathBuf]) -> Result<Inputs, Failure> {
    let mut named = Vec::new();
    for path in paths {
        expand(path, &mut named)?;
    }
    named.sort();
    named.dedup();
    let directory = common_directory(&named);
    let files = named.iter().map(|path| read_file(path, &directory)).collect::<Result<_, _>>()?;
    Ok(Inputs { files, directory })
}

/// A file stands for itself, a directory for its own policy files.
fn expand(path: &Path, named: &mut Vec<PathBuf>) -> Result<(), Failure> {
    if !path.is_dir() {
        named.push(path.to_owned());
        return Ok(());
    }
    let entries = path.read_dir().map_err(|error| Failure::unreadable(path, error))?;
    let before = named.len();
    for entry in entries {
        let entry = entry.map_err(|error| Failure::unreadable(path, error))?;
        if is_policy_name(&entry.file_name()) && !entry.path().is_dir() {
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
    let name = name.to_string_lossy();
    ENDINGS.iter().any(|ending| name.ends_with(ending))
        && !TEST_ENDINGS.iter().any(|ending| name.ends_with(ending))
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
        let mut bytes = Vec::new();
        std::io::stdin()
            .read_to_end(&mut bytes)
            .map_err(|error| Failure::unreadable(STANDARD_INPUT, error))?;
        return Ok(SourceFile { path: STANDARD_INPUT.to_owned(), bytes });
    }
    let bytes = std::fs::read(path).map_err(|error| Failure::unreadable(path, error))?;
    let relative = path.strip_prefix(directory).unwrap_or(path);
    let words: Vec<_> = relative.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    Ok(SourceFile { path: words.join("/"), bytes })
}

fn is_standard_input(path: &Path) -> bool {
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
