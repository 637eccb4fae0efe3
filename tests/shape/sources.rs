//! The files of the repository.

use std::fs;
use std::path::{Path, PathBuf};

use super::lexer::mask;

/// A text file.
pub(super) struct File {
    /// From the top of the repository, with `/`.
    pub(super) path: String,
    pub(super) text: String,
}

impl File {
    pub(super) fn new(path: &str, text: &str) -> Self {
        File { path: path.to_owned(), text: text.to_owned() }
    }

    /// The text without comments and literals.
    pub(super) fn code(&self) -> String {
        mask(&self.text)
    }
}

pub(super) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// One file that must be there.
pub(super) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every Rust file whose path begins with one of these.
pub(super) fn rust(folders: &[&str]) -> Vec<File> {
    let mut files = all();
    files.retain(|file| {
        let rust = Path::new(&file.path).extension().is_some_and(|end| end == "rs");
        rust && folders.iter().any(|top| file.path.starts_with(top))
    });
    assert!(!files.is_empty(), "no Rust file below {folders:?}");
    files
}

/// Every text file that is not made by a tool.
pub(super) fn all() -> Vec<File> {
    let (mut files, top) = (Vec::new(), root());
    let mut folders = vec![top.clone()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
        for entry in entries.map(Result::unwrap) {
            let (path, name) = (entry.path(), entry.file_name());
            let kind = entry.file_type().unwrap();
            let made = [".git", "target", "build", "__pycache__", "node_modules", ".venv"];
            if made.iter().any(|made| name == *made) || kind.is_symlink() {
                continue;
            }
            if kind.is_dir() {
                folders.push(path);
            } else if let Ok(text) = fs::read_to_string(&path) {
                let path = path.strip_prefix(&top).unwrap().to_str().unwrap().to_owned();
                files.push(File { path, text });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}
