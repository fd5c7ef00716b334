//! The open documents, the files on disk, and the policies that they form together.
//!
//! A directory with a policy file in it stands for one policy: its own policy files, open documents laid
//! over those on disk. Any other document that is a policy (a plain `.yaml` file, a text without a file)
//! is one by itself, as it is for the compiler when it is named on the command line. Policies without an
//! open document are not looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, Weak};

use aquarium_compiler::{FileId, SourceFile};
use aquarium_ide::{Encoding, Snapshot, files};
use tower_lsp::ls_types::{SemanticToken, TextDocumentContentChangeEvent, Uri};

use crate::disk::Directory;
use crate::document::Document;

/// The language that editors know policies by.
const LANGUAGE: &str = "aquarium";

/// What a policy is known by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PolicyKey {
    /// The policy files of a directory.
    Directory(PathBuf),
    /// One document.
    Alone(Uri),
    /// A document with tests of a policy.
    Tests(Uri),
}

/// Everything that the server remembers.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    documents: BTreeMap<Uri, Open>,
    policies: BTreeMap<PolicyKey, State>,
    /// How often words of documents were given out, which is what an answer is known by.
    answers: u64,
    /// The folders of the workspace.
    folders: Vec<PathBuf>,
    /// What nobody needs any more: to take a long policy apart takes time, which the protocol does not have.
    old: Vec<Arc<Policy>>,
}

/// An open document and the policy that it belongs to, if any.
#[derive(Debug)]
struct Open {
    document: Document,
    key: Option<PolicyKey>,
    /// The words that were given out last, and what that answer is known by.
    tokens: Option<(String, Vec<SemanticToken>)>,
}

/// What is known of a policy.
#[derive(Debug, Default)]
struct State {
    /// Its files on disk; `None`: to be read again.
    directory: Option<Arc<Directory>>,
    /// The policy as it is now; `None`: to be put together.
    current: Option<Arc<Policy>>,
    /// The last policy before this one whose analysis has ended.
    before: Option<Arc<Policy>>,
    /// Whether it changed after the analysis that was begun last.
    changed: bool,
    /// Whether somebody analyses it and will see `changed`.
    watched: bool,
    /// The files that have findings in the editor's eyes.
    published: BTreeSet<Uri>,
}

impl Workspace {
    /// Takes a document as the editor has it. Each of these gives back the policies to analyse again.
    pub(crate) fn open(&mut self, uri: Uri, document: Document) -> Vec<PolicyKey> {
        let key = policy_of(&uri, &document);
        let before = self.documents.insert(uri, Open { document, key: key.clone(), tokens: None });
        self.touch(before.and_then(|open| open.key).into_iter().chain(key), true)
    }

    /// Follows an edit. A document that was never opened has none.
    pub(crate) fn change(
        &mut self,
        uri: &Uri,
        version: i32,
        changes: Vec<TextDocumentContentChangeEvent>,
        encoding: Encoding,
    ) -> Vec<PolicyKey> {
        let Some(open) = self.documents.get_mut(uri) else { return Vec::new() };
        open.document.apply(version, changes, encoding);
        let key = policy_of(uri, &open.document);
        let before = std::mem::replace(&mut open.key, key.clone());
        self.touch(before.into_iter().chain(key), false)
    }

    /// From now on the file on disk counts.
    pub(crate) fn close(&mut self, uri: &Uri) -> Vec<PolicyKey> {
        let before = self.documents.remove(uri);
        self.touch(before.and_then(|open| open.key), true)
    }

    /// Files came, went or changed on disk.
    pub(crate) fn disk_changed<'a>(&mut self, uris: impl IntoIterator<Item = &'a Uri>) -> Vec<PolicyKey> {
        let directories = uris.into_iter().filter_map(|uri| Some(file_path(uri)?.parent()?.to_path_buf()));
        let keys: BTreeSet<_> = directories.map(PolicyKey::Directory).collect();
        let known: Vec<_> = keys.into_iter().filter(|key| self.policies.contains_key(key)).collect();
        self.touch(known, true)
    }

    fn touch(&mut self, keys: impl IntoIterator<Item = PolicyKey>, disk: bool) -> Vec<PolicyKey> {
        let keys: BTreeSet<_> = keys.into_iter().collect();
        for key in &keys {
            let state = self.policies.entry(key.clone()).or_default();
            if let Some(current) = state.current.take() {
                let is_known = current.analyzed.get().is_some();
                let old = if is_known { state.before.replace(current) } else { Some(current) };
                self.old.extend(old);
            }
            state.changed = true;
            if disk {
                state.directory = None;
            }
        }
        keys.into_iter().collect()
    }

    /// An open document.
    pub(crate) fn document(&self, uri: &Uri) -> Option<&Document> {
        self.documents.get(uri).map(|open| &open.document)
    }

    /// Folders came to the workspace or left it.
    pub(crate) fn change_folders<'a>(
        &mut self,
        added: impl IntoIterator<Item = &'a Uri>,
        removed: impl IntoIterator<Item = &'a Uri>,
    ) {
        let removed: BTreeSet<_> = removed.into_iter().filter_map(file_path).collect();
        self.folders.retain(|folder| !removed.contains(folder));
        self.folders.extend(added.into_iter().filter_map(file_path));
        self.folders.sort();
        self.folders.dedup();
    }

    /// The folders of the workspace.
    pub(crate) fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    /// The policies that have an open document, as they are now.
    pub(crate) fn open_policies(&mut self) -> Vec<Arc<Policy>> {
        let keys: BTreeSet<_> = self.documents.values().filter_map(|open| open.key.clone()).collect();
        keys.iter().map(|key| self.current(key)).collect()
    }

    /// Keeps the words of a document that are given out; gives what the answer is known by.
    pub(crate) fn remember_tokens(&mut self, uri: &Uri, tokens: Vec<SemanticToken>) -> String {
        self.answers += 1;
        let id = self.answers.to_string();
        if let Some(open) = self.documents.get_mut(uri) {
            open.tokens = Some((id.clone(), tokens));
        }
        id
    }

    /// The words of an earlier answer, if it was the last one.
    pub(crate) fn tokens(&self, uri: &Uri, id: &str) -> Option<Vec<SemanticToken>> {
        let (last, tokens) = self.documents.get(uri)?.tokens.as_ref()?;
        (last == id).then(|| tokens.clone())
    }

    /// The policy of an open document as it is now.
    pub(crate) fn policy(&mut self, uri: &Uri) -> Option<Arc<Policy>> {
        let key = self.documents.get(uri)?.key.clone()?;
        Some(self.current(&key))
    }

    fn current(&mut self, key: &PolicyKey) -> Arc<Policy> {
        let state = self.policies.entry(key.clone()).or_default();
        if let Some(policy) = &state.current {
            return policy.clone();
        }
        let directory = match key {
            PolicyKey::Directory(path) => {
                Some(state.directory.get_or_insert_with(|| Arc::new(Directory::new(path.clone()))).clone())
            }
            PolicyKey::Alone(_) | PolicyKey::Tests(_) => None,
        };
        let belongs = |open: &&(&Uri, &Open)| open.1.key.as_ref() == Some(key);
        let named = |(uri, open): (&Uri, &Open)| (file_name(uri), (uri.clone(), open.document.clone()));
        let open = self.documents.iter().filter(|open| belongs(&open)).map(named).collect();
        let is_tests = matches!(key, PolicyKey::Tests(_));
        let before = state.before.as_ref().map(Arc::downgrade).unwrap_or_default();
        let policy = Arc::new(Policy { open, directory, is_tests, before, analyzed: OnceLock::new() });
        state.current = Some(policy.clone());
        policy
    }

    /// The policy of an open document as it was analysed last: perhaps an edit ago. `None` before the first time.
    pub(crate) fn last_analyzed(&self, uri: &Uri) -> Option<Arc<Policy>> {
        let state = self.policies.get(self.documents.get(uri)?.key.as_ref()?)?;
        let known = state.current.iter().chain(&state.before).find(|policy| policy.analyzed.get().is_some());
        known.cloned()
    }

    /// What can be taken apart, by somebody who has the time.
    pub(crate) fn take_old(&mut self) -> Vec<Arc<Policy>> {
        std::mem::take(&mut self.old)
    }

    /// Whether the caller has to begin analysing this policy, because nobody does.
    pub(crate) fn watch(&mut self, key: &PolicyKey) -> bool {
        let state = self.policies.get_mut(key);
        state.is_some_and(|state| !std::mem::replace(&mut state.watched, true))
    }

    /// The policy to analyse; `None` when it has not changed, which ends the caller's watch.
    pub(crate) fn begin(&mut self, key: &PolicyKey) -> Option<Arc<Policy>> {
        let state = self.policies.get_mut(key)?;
        if std::mem::take(&mut state.changed) {
            return Some(self.current(key));
        }
        state.watched = false;
        if !self.documents.values().any(|open| open.key.as_ref() == Some(key)) {
            self.policies.remove(key);
        }
        None
    }

    /// Whether nothing has changed since this policy was put together.
    pub(crate) fn is_current(&self, key: &PolicyKey, policy: &Arc<Policy>) -> bool {
        let current = self.policies.get(key).and_then(|state| state.current.as_ref());
        current.is_some_and(|current| Arc::ptr_eq(current, policy))
    }

    /// Remembers which files have findings now, and gives those that had some before.
    pub(crate) fn publish(&mut self, key: &PolicyKey, files: BTreeSet<Uri>) -> BTreeSet<Uri> {
        self.policies
            .get_mut(key)
            .map(|state| std::mem::replace(&mut state.published, files))
            .unwrap_or_default()
    }
}

/// A policy at one moment.
#[derive(Debug)]
pub(crate) struct Policy {
    /// The open documents by the name of their file.
    open: BTreeMap<String, (Uri, Document)>,
    directory: Option<Arc<Directory>>,
    /// Whether it is no policy, but a file of tests.
    is_tests: bool,
    /// The policy as it was analysed last: files that are still the same are not read again.
    before: Weak<Policy>,
    analyzed: OnceLock<Analyzed>,
}

/// What the compiler says about a policy, and the editor's names of its files.
#[derive(Debug)]
pub(crate) struct Analyzed {
    pub(crate) snapshot: Snapshot,
    /// In the order of the snapshot's files.
    origins: Vec<Origin>,
}

/// The editor's name of a file, and its version there if it is open.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) uri: Uri,
    pub(crate) version: Option<i32>,
}

impl Policy {
    /// The policy of a directory that has no open document.
    pub(crate) fn on_disk(path: PathBuf) -> Self {
        Self {
            open: BTreeMap::new(),
            directory: Some(Arc::new(Directory::new(path))),
            is_tests: false,
            before: Weak::new(),
            analyzed: OnceLock::new(),
        }
    }

    /// Its directory, if it is not one document alone.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        self.directory.as_ref().map(|directory| directory.path().to_path_buf())
    }

    /// Analyses it the first time: not for a thread that must not wait.
    pub(crate) fn analyzed(&self) -> &Analyzed {
        self.analyzed.get_or_init(|| self.analyze())
    }

    /// Whether it has an open document.
    pub(crate) fn is_open(&self) -> bool {
        !self.open.is_empty()
    }

    fn analyze(&self) -> Analyzed {
        let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        for (name, bytes) in self.directory.iter().flat_map(|directory| directory.files()) {
            files.insert(name.clone(), bytes.as_ref().clone());
        }
        for (name, (_, document)) in &self.open {
            files.insert(name.clone(), document.text().as_bytes().to_vec());
        }
        let mut files = files.into_iter().map(|(path, bytes)| SourceFile { path, bytes });
        let tests = if self.is_tests { files.next() } else { None };
        let before = self.before.upgrade();
        let before = before.as_ref().and_then(|policy| policy.analyzed.get());
        let before = before.map(|analyzed| &analyzed.snapshot);
        let snapshot = match tests {
            Some(tests) => Snapshot::of_tests(tests),
            None => Snapshot::analyze_after(before, files.collect()),
        };
        let origins = snapshot.files().filter_map(|(_, file)| self.origin(&file.path)).collect();
        Analyzed { snapshot, origins }
    }

    fn origin(&self, name: &str) -> Option<Origin> {
        if let Some((uri, document)) = self.open.get(name) {
            return Some(Origin { uri: uri.clone(), version: Some(document.version) });
        }
        let uri = Uri::from_file_path(self.directory.as_ref()?.path().join(name))?;
        Some(Origin { uri, version: None })
    }
}

impl Analyzed {
    /// The editor's name of a file.
    pub(crate) fn origin(&self, file: FileId) -> Option<&Origin> {
        self.origins.get(usize::try_from(file.0).ok()?)
    }

    /// The file that the editor knows by that name.
    pub(crate) fn file(&self, uri: &Uri) -> Option<FileId> {
        let index = self.origins.iter().position(|origin| origin.uri == *uri)?;
        u32::try_from(index).ok().map(FileId)
    }
}

/// The policy that a document belongs to.
fn policy_of(uri: &Uri, document: &Document) -> Option<PolicyKey> {
    let path = file_path(uri);
    let name = file_name(uri);
    if files::is_test_name(&name) {
        return Some(PolicyKey::Tests(uri.clone()));
    }
    match path.as_deref().and_then(Path::parent) {
        Some(parent) if files::is_policy_name(&name) => Some(PolicyKey::Directory(parent.to_path_buf())),
        _ if document.language == LANGUAGE || files::begins_as_policy(document.text()) => {
            Some(PolicyKey::Alone(uri.clone()))
        }
        _ => None,
    }
}

/// The path of a file on disk.
fn file_path(uri: &Uri) -> Option<PathBuf> {
    let is_file = uri.scheme().as_str().eq_ignore_ascii_case("file");
    is_file.then(|| uri.to_file_path()).flatten().map(|path| path.into_owned())
}

/// The last part of a document's path.
fn file_name(uri: &Uri) -> String {
    let path = uri.path().decode().to_string_lossy().into_owned();
    path.rsplit('/').next().unwrap_or("").to_owned()
}
