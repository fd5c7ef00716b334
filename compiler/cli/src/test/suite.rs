//! Test files and the policies that they are about: found, read, run, counted.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aquarium_charging::explain::Derivation;
use aquarium_compiler::items::Text;
use aquarium_compiler::policy_test::{self, PolicyTest, PolicyTests, is_test_name};
use aquarium_compiler::{Analysis, Diagnostic, FileSpan, LineIndex, Severity};
use aquarium_ir::Policy;
use aquarium_ir::time::Zone;

use super::compare::Mismatch;
use super::coverage::Coverage;
use super::run::{Context, run_test};
use crate::failure::Failure;
use crate::{files, inputs};

/// All test files of a run.
#[derive(Default)]
pub struct Suite {
    /// The files, by path.
    pub files: Vec<TestFile>,
    /// The policies that their tests are about, by the paths that name them.
    pub policies: BTreeMap<Vec<PathBuf>, Tested>,
}

/// A test file.
pub struct TestFile {
    /// Its path as the user would write it.
    pub path: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Where its lines begin.
    pub lines: LineIndex,
    /// What is wrong with the file itself; nothing of it is run then.
    pub findings: Vec<Diagnostic>,
    /// What its tests came to, in order.
    pub outcomes: Vec<TestOutcome>,
    tests: PolicyTests,
    directory: PathBuf,
}

/// What a test came to.
pub struct TestOutcome {
    /// Its name and place.
    pub name: Text,
    /// How it ended.
    pub verdict: Verdict,
    /// How its charges came about, where that was asked for.
    pub explained: Option<Explained>,
}

/// How the charges of a test came about.
pub struct Explained {
    /// By user, in order of time.
    pub derivations: Vec<Derivation>,
    /// The policy's zone.
    pub zone: Zone,
}

/// How a test ended.
pub enum Verdict {
    /// Everything is as expected.
    Passed,
    /// Something is not.
    Failed(Vec<Mismatch>),
    /// It could not be run: where, and why.
    Broken(Problem),
}

/// Why a test cannot be run.
pub struct Problem {
    /// The place in the test file.
    pub span: FileSpan,
    /// What is wrong.
    pub reason: String,
}

impl Problem {
    /// A problem at a place.
    pub fn new(span: FileSpan, reason: impl Into<String>) -> Self {
        Self { span, reason: reason.into() }
    }
}

/// A policy under test.
pub struct Tested {
    /// What is known about it.
    pub analysis: Analysis,
    /// The directory to which its paths are relative.
    pub directory: PathBuf,
    /// The compiled policy; `None` where it has errors.
    pub policy: Option<Arc<Policy>>,
    /// What the tests reach of it.
    pub coverage: Coverage,
    /// Whether a test failed because of its errors.
    pub is_reported: bool,
}

/// How many tests ended how.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// As expected.
    pub passed: usize,
    /// Not as expected.
    pub failed: usize,
    /// Not run.
    pub broken: usize,
}

impl Counts {
    /// All of them.
    pub fn tests(self) -> usize {
        self.passed + self.failed + self.broken
    }
}

impl Suite {
    /// Finds and reads the test files that the paths name.
    pub fn read(paths: &[PathBuf]) -> Result<Self, Failure> {
        let mut named = Vec::new();
        for path in paths {
            expand(path, &mut named)?;
        }
        named.sort();
        named.dedup();
        let files = named.iter().map(|path| TestFile::read(path)).collect::<Result<_, _>>()?;
        Ok(Self { files, policies: BTreeMap::new() })
    }

    /// Runs every test whose name has the text.
    pub fn run(&mut self, filter: Option<&str>, explain: bool) -> Result<(), Failure> {
        for file in &mut self.files {
            if !file.is_sound() {
                continue;
            }
            let tests = std::mem::take(&mut file.tests);
            let wanted = |test: &&PolicyTest| filter.is_none_or(|filter| test.name.value.contains(filter));
            for test in tests.tests.iter().filter(wanted) {
                let context = Context { users: &tests.users, test, directory: &file.directory, explain };
                let (verdict, explained) = run_one(&mut self.policies, &tests.policy, &context)?;
                file.outcomes.push(TestOutcome { name: test.name.clone(), verdict, explained });
            }
        }
        Ok(())
    }

    /// How many tests ended how.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for outcome in self.files.iter().flat_map(|file| &file.outcomes) {
            match outcome.verdict {
                Verdict::Passed => counts.passed += 1,
                Verdict::Failed(_) => counts.failed += 1,
                Verdict::Broken(_) => counts.broken += 1,
            }
        }
        counts
    }

    /// Whether a file could not be read as tests.
    pub fn is_broken(&self) -> bool {
        self.files.iter().any(|file| !file.is_sound())
    }

    /// Whether everything is as expected.
    pub fn passed(&self) -> bool {
        let counts = self.counts();
        !self.is_broken() && counts.failed == 0 && counts.broken == 0
    }
}

fn run_one(
    policies: &mut BTreeMap<Vec<PathBuf>, Tested>,
    of_file: &[Text],
    context: &Context<'_>,
) -> Result<(Verdict, Option<Explained>), Failure> {
    let Context { test, directory, .. } = context;
    let named = if test.policy.is_empty() { of_file } else { &test.policy };
    let paths: Vec<PathBuf> = if named.is_empty() {
        vec![directory.to_path_buf()]
    } else {
        named.iter().map(|path| directory.join(&path.value)).collect()
    };
    if !policies.contains_key(&paths) {
        match Tested::read(&paths) {
            Ok(tested) => _ = policies.insert(paths.clone(), tested),
            Err(failure @ (Failure::Unreadable { .. } | Failure::Use(_))) => {
                let place = named.first().map_or(test.name.span, |path| path.span);
                return Ok((Verdict::Broken(Problem::new(place, failure.to_string())), None));
            }
            Err(failure) => return Err(failure),
        }
    }
    let Some(tested) = policies.get_mut(&paths) else {
        return Ok((Verdict::Broken(Problem::new(test.name.span, "it has no policy")), None));
    };
    Ok(run_test(context, tested))
}

impl TestFile {
    fn read(path: &Path) -> Result<Self, Failure> {
        let bytes = files::read_policy(path)?;
        let (tests, findings) = policy_test::read(&bytes);
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        Ok(Self {
            path: path.to_string_lossy().into_owned(),
            lines: LineIndex::new(&bytes),
            bytes,
            findings,
            outcomes: Vec::new(),
            tests,
            directory: directory.unwrap_or(Path::new(".")).to_owned(),
        })
    }

    /// Whether nothing is wrong with the file itself.
    pub fn is_sound(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity != Severity::Error)
    }

    /// Line and column of a place, from 1.
    pub fn line_column(&self, offset: u32) -> (usize, usize) {
        self.lines.line_column(&self.bytes, offset)
    }
}

impl Tested {
    fn read(paths: &[PathBuf]) -> Result<Self, Failure> {
        let inputs = inputs::read(paths)?;
        let analysis = aquarium_compiler::analyze(inputs.files);
        let policy = analysis.policy().cloned().map(Arc::new);
        let coverage = policy.as_ref().map(|policy| Coverage::of(&analysis, policy)).unwrap_or_default();
        Ok(Self { analysis, directory: inputs.directory, policy, coverage, is_reported: false })
    }
}

/// A file stands for itself, a directory for its own test files.
fn expand(path: &Path, named: &mut Vec<PathBuf>) -> Result<(), Failure> {
    if !path.is_dir() {
        named.push(path.to_owned());
        return Ok(());
    }
    let before = named.len();
    for entry in path.read_dir().map_err(|error| Failure::unreadable(path, error))? {
        let entry = entry.map_err(|error| Failure::unreadable(path, error))?;
        if is_test_name(&entry.file_name().to_string_lossy()) && !entry.path().is_dir() {
            named.push(entry.path());
        }
    }
    if named.len() == before {
        let message = format!("`{}` holds no tests: no `*.test.aquarium.yaml` is there", path.display());
        return Err(Failure::Use(message));
    }
    Ok(())
}
