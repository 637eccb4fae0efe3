//! Who may use whom. What is not in the table is not legal, hence there are no cycles.

use std::collections::{BTreeMap, BTreeSet};

use super::lexer::{line, words};
use super::sources::{self, File};
use super::{bites, hold};

/// Module, and the modules it may use beside itself.
const LAW: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("model", &["error"]),
    ("plan", &["model", "error"]),
    ("ipam", &["model", "error"]),
    ("drivers", &["plan", "model", "error"]),
    ("services", &["plan", "model", "error"]),
    ("kernel", &["plan", "model", "error"]),
    ("store", &["plan", "model", "error"]),
    ("control", &["error", "model", "plan", "ipam", "drivers", "services", "kernel", "store"]),
    ("ffi", &["control", "model", "error"]),
];

/// A path from the crate's root, and the line where it is used.
struct Use {
    line: usize,
    path: Vec<String>,
}

/// `src/kernel/nft/batch.rs` is `["kernel", "nft", "batch"]`.
fn module(path: &str) -> Vec<String> {
    let path = path.trim_start_matches("src/").trim_end_matches(".rs");
    let mut parts: Vec<String> = path.split('/').map(str::to_owned).collect();
    if parts.last().is_some_and(|last| last == "mod" || last == "lib") {
        parts.pop();
    }
    parts
}

/// Every path that begins with `crate`, `self` or `super`, as seen from the root.
fn uses(file: &File) -> Vec<Use> {
    let code = file.code();
    let own = module(&file.path);
    let inner = inner_modules(&code);
    let mut found = Vec::new();
    for word in words(&code) {
        let mut prefix = own.clone();
        prefix.extend(
            inner.iter().filter(|m| m.from < word.at && word.at < m.to).map(|m| m.name.clone()),
        );
        match word.text {
            "crate" => prefix.clear(),
            "super" => drop(prefix.pop()),
            "self" => {}
            _ => continue,
        }
        let rest = code[word.end()..].trim_start();
        if code[..word.at].trim_end().ends_with("::") || !rest.starts_with("::") {
            continue;
        }
        let mut paths = Vec::new();
        tree(&mut &rest[2..], prefix, &mut paths);
        let line = line(&code, word.at);
        found.extend(paths.into_iter().map(|path| Use { line, path }));
    }
    found
}

/// A `mod name { ... }` within a file.
struct Inner {
    name: String,
    from: usize,
    to: usize,
}

fn inner_modules(code: &str) -> Vec<Inner> {
    let words = words(code);
    let inner = words.windows(2).filter(|pair| pair[0].text == "mod").filter_map(|pair| {
        let open = pair[1].end() + code[pair[1].end()..].find(|c: char| !c.is_whitespace())?;
        let to = (code.as_bytes()[open] == b'{').then(|| super::lexer::closing(code, open))??;
        Some(Inner { name: pair[1].text.to_owned(), from: open, to })
    });
    inner.collect()
}

/// The leaves of a path or of a tree of paths: `a::{b, c::*}` has `a::b` and `a::c::*`.
fn tree(rest: &mut &str, mut prefix: Vec<String>, out: &mut Vec<Vec<String>>) {
    loop {
        *rest = rest.trim_start();
        if let Some(group) = rest.strip_prefix('{') {
            *rest = group;
            while !rest.trim_start().starts_with('}') && !rest.is_empty() {
                tree(rest, prefix.clone(), out);
                // Past `as name`, to the next branch.
                let end = rest.find([',', '}']).unwrap_or(rest.len());
                *rest = rest[end..].strip_prefix(',').unwrap_or(&rest[end..]);
            }
            *rest = rest.trim_start().strip_prefix('}').unwrap_or("");
            return;
        }
        let length = rest.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(rest.len());
        let (word, after) = rest.split_at(length);
        *rest = after;
        match word {
            "" if rest.starts_with('*') => prefix.push("*".to_owned()),
            "" | "self" => {}
            "super" => drop(prefix.pop()),
            name => prefix.push(name.to_owned()),
        }
        match rest.trim_start().strip_prefix("::") {
            Some(more) if !word.is_empty() => *rest = more,
            _ => break,
        }
    }
    out.push(prefix);
}

/// What lib.rs shows under a shorter name: `Error` is of `error`.
fn shown_by(lib: &File) -> BTreeMap<String, String> {
    let code = lib.code();
    let mut shown = BTreeMap::new();
    for at in code.match_indices("pub use ").map(|(at, found)| at + found.len()) {
        let mut paths = Vec::new();
        tree(&mut code[at..].trim_start_matches("crate::"), Vec::new(), &mut paths);
        for path in paths.into_iter().filter(|path| path.len() > 1) {
            shown.insert(path[path.len() - 1].clone(), path[0].clone());
        }
    }
    shown
}

fn breaches(files: &[File]) -> Vec<String> {
    let lib = files.iter().find(|file| file.path == "src/lib.rs");
    let shown = lib.map(shown_by).unwrap_or_default();
    let modules: BTreeSet<String> =
        files.iter().filter_map(|file| module(&file.path).into_iter().next()).collect();
    let mut breaches = Vec::new();
    for file in files {
        let Some(own) = module(&file.path).into_iter().next() else { continue };
        let Some((_, allowed)) = LAW.iter().find(|(name, _)| *name == own) else {
            breaches.push(format!("{}: `{own}` is in no row of the table", file.path));
            continue;
        };
        for used in uses(file) {
            let Some(first) = used.path.first() else { continue };
            let target = if modules.contains(first) { Some(first) } else { shown.get(first) };
            let wrong = match target {
                Some(target) if *target == own || allowed.contains(&target.as_str()) => continue,
                Some(target) => format!("`{own}` may not use `{target}`"),
                None => format!("`{first}` is in no module"),
            };
            let path = used.path.join("::");
            breaches.push(format!("{}:{}: {wrong}: crate::{path}", file.path, used.line));
        }
    }
    breaches
}

#[test]
fn imports_go_downwards_only() {
    hold("who may use whom is the table above:", &breaches(&sources::rust(&["src/"])));
}

#[test]
fn the_table_itself_has_no_cycle() {
    let mut below = BTreeSet::new();
    for (module, allowed) in LAW {
        assert!(allowed.iter().all(|name| below.contains(name)), "{module} reaches up");
        below.insert(module);
    }
}

#[test]
fn a_use_that_reaches_up_is_seen() {
    let lib =
        File::new("src/lib.rs", "pub mod error;\npub use control::{Netberth, network::Spec as S};");
    let control = File::new("src/control/mod.rs", "use crate::{plan::Step, error::{self, Kind}};");
    let plan = File::new("src/plan/mod.rs", "use crate::error::Error; use super::model::Id;");
    let model =
        File::new("src/model/mod.rs", "// crate::control\nconst A: &str = \"crate::control\";");
    let error = File::new(
        "src/error/kind.rs",
        "use super::super::{plan::Plan, error as e};\n\
         mod tests { use super::*; fn a() { super::super::kind::b(); crate::Netberth::new::<u8>() } }\n\
         use crate::{\n  Spec,\n};\n\
         use crate::nothing;\n\
         use crate::*;",
    );
    let other = File::new("src/other.rs", "");
    let files = [lib, control, plan, model, error, other];
    bites(
        &breaches(&files),
        &[
            "error/kind.rs:1: `error` may not use `plan`: crate::plan::Plan",
            "error/kind.rs:2: `error` may not use `control`: crate::Netberth::new",
            "error/kind.rs:3: `error` may not use `control`: crate::Spec",
            "error/kind.rs:6: `nothing` is in no module",
            "error/kind.rs:7: `*` is in no module",
            "other.rs: `other` is in no row",
        ],
    );
}
