//! What a program that links to netberth sees: the same functions in src/ffi, in the header and in
//! the list that the built library is compared with; each of them documented, and fenced.

use std::collections::BTreeSet;

use super::lexer::{closing, functions, line, mask, words};
use super::sources::{self, File};
use super::{bites, hold};

/// A function that C can call.
struct Export {
    name: String,
    breaches: Vec<String>,
}

fn exports(files: &[File]) -> Vec<Export> {
    let mut found = Vec::new();
    for file in files {
        let code = file.code();
        let all = functions(&code);
        for word in words(&code) {
            let at = line(&code, word.at);
            let place = format!("{}:{at}", file.path);
            let function = all.iter().find(|function| function.at > word.at);
            let (name, breaches) = match (word.text, function) {
                ("no_mangle", Some(function)) => {
                    let signature = &code[word.at..function.at];
                    let body = &code[function.open + 1..function.close];
                    let documented = documented(&file.text, at, line(&code, function.at));
                    (function.name, faults(&file.path, function.name, signature, body, documented))
                }
                ("no_mangle" | "export_name", _) => ("", vec!["is not a function of that name"]),
                _ => continue,
            };
            let breaches =
                breaches.into_iter().map(|fault| format!("{place}: {name} {fault}")).collect();
            found.push(Export { name: name.to_owned(), breaches });
        }
    }
    found
}

fn faults(
    path: &str,
    name: &str,
    signature: &str,
    body: &str,
    documented: bool,
) -> Vec<&'static str> {
    let checks = [
        (path.starts_with("src/ffi/"), "is not in src/ffi"),
        (name.starts_with("netberth_"), "is not called netberth_..."),
        (signature.contains("pub") && signature.contains("extern \""), "is not pub extern \"C\""),
        (fenced(body), "has a body that is not one call of the fence"),
        (documented, "is not documented"),
    ];
    checks.into_iter().filter(|(holds, _)| !holds).map(|(_, fault)| fault).collect()
}

/// Whether a body is `fence::name(...)` and nothing else.
fn fenced(body: &str) -> bool {
    let body = body.trim().trim_end_matches(';');
    let call = body.starts_with("fence::").then(|| body.find('(')).flatten();
    call.is_some_and(|open| {
        let path = |c: char| c.is_alphanumeric() || "_:<>*', ".contains(c);
        body[..open].chars().all(path) && closing(body, open) == Some(body.len() - 1)
    })
}

/// Whether a `///` stands with the attributes above the function, or between them.
fn documented(text: &str, attribute: usize, function: usize) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let above = lines[..attribute].iter().rev().skip(1);
    let above = above.take_while(|line| !(line.is_empty() || line.ends_with(['}', ';'])));
    let mut near = above.chain(&lines[attribute - 1..function]);
    near.any(|line| line.starts_with("///"))
}

/// The functions that a C header declares.
fn declared(header: &str) -> BTreeSet<String> {
    let code = mask(header);
    let words = words(&code);
    let functions = words.iter().filter(|word| {
        word.text.starts_with("netberth_") && code[word.end()..].trim_start().starts_with('(')
    });
    functions.map(|word| word.text.to_owned()).collect()
}

/// The functions that a header's comments speak of, as `netberth_name()`.
fn spoken_of(header: &str) -> BTreeSet<String> {
    let words = words(header);
    let functions = words.iter().filter(|word| {
        word.text.starts_with("netberth_") && header[word.end()..].starts_with("()")
    });
    functions.map(|word| word.text.to_owned()).collect()
}

fn differences(left: (&str, &BTreeSet<String>), right: (&str, &BTreeSet<String>)) -> Vec<String> {
    let only = |here: (&str, &BTreeSet<String>), there: (&str, &BTreeSet<String>)| {
        let names = here.1.difference(there.1);
        names.map(|name| format!("{name} is in {} and not in {}", here.0, there.0)).collect()
    };
    let mut found: Vec<String> = only(left, right);
    found.append(&mut only(right, left));
    found
}

fn names(exports: &[Export]) -> BTreeSet<String> {
    exports.iter().map(|export| export.name.clone()).collect()
}

#[test]
fn exports_are_fenced_and_documented() {
    let exports = exports(&sources::rust(&["src/"]));
    let breaches: Vec<String> = exports.into_iter().flat_map(|export| export.breaches).collect();
    hold("an export is one call of the fence, and documented:", &breaches);
}

#[test]
fn sources_header_and_symbols_agree() {
    let exports = names(&exports(&sources::rust(&["src/"])));
    let header = declared(&sources::read("include/netberth.h"));
    let symbols = sources::read("tests/abi/symbols.txt");
    let listed: BTreeSet<String> = symbols.lines().map(str::to_owned).collect();
    let mut breaches = differences(("src/ffi", &exports), ("include/netberth.h", &header));
    breaches.extend(differences(("src/ffi", &exports), ("tests/abi/symbols.txt", &listed)));
    hold("run `make header symbols`:", &breaches);
    assert!(symbols.lines().is_sorted(), "tests/abi/symbols.txt is not sorted: `make symbols`");
}

#[test]
fn the_header_speaks_of_functions_that_exist() {
    let header = sources::read("include/netberth.h");
    let declared = declared(&header);
    // Before the first function there is nothing to speak of but intentions.
    if !declared.is_empty() {
        let missing: Vec<_> = spoken_of(&header).difference(&declared).cloned().collect();
        hold("mend the rules in cbindgen.toml, or the comment in src/ffi:", &missing);
    }
}

#[test]
fn a_bad_export_is_seen() {
    let good = "/// Opens.\n#[unsafe(no_mangle)]\npub unsafe extern \"C\" fn netberth_a(b: u8) -> i32 {\n    \
                fence::with::<u8, _>(b, |c| { d(c); Ok(()) })\n}\n\n";
    let bad = "#[unsafe(no_mangle)]\npub extern \"C\" fn netberth_b() { fence::a(); fence::b() }\n\
               /// Bare.\n#[unsafe(no_mangle)]\nfn open() { fence::a() }\n\
               #[unsafe(export_name = \"netberth_d\")]\npub extern \"C\" fn e() {}\n";
    let found = exports(&[File::new("src/ffi/a.rs", &format!("{good}{bad}"))]);
    let breaches: Vec<String> = found.into_iter().flat_map(|export| export.breaches).collect();
    let expected = [
        "a.rs:7: netberth_b has a body",
        "a.rs:7: netberth_b is not documented",
        "a.rs:10: open is not called netberth_",
        "a.rs:10: open is not pub",
        "a.rs:12:  is not a function",
    ];
    bites(&breaches, &expected);
    let found = exports(&[File::new("src/control/a.rs", good)]);
    bites(&found[0].breaches, &["src/control/a.rs:2: netberth_a is not in src/ffi"]);
}

#[test]
fn only_one_call_of_the_fence_is_a_fence() {
    for good in ["fence::a()", " fence::b(c, |d| e(d)) ", "fence::f::<G<'_>>();", "fence::a(\n)"] {
        assert!(fenced(good), "{good}");
    }
    for bad in
        ["", "a()", "fence::a() + 1", "a; fence::b()", "fence::a()?", "fence::A", "fence::a(b"]
    {
        assert!(!fenced(bad), "{bad}");
    }
}

#[test]
fn a_header_that_differs_is_seen() {
    let header = "/* netberth_old(void) */\ntypedef void (*netberth_log_fn)(int);\n\
                  int netberth_a (netberth *nb); // netberth_b()\nchar *netberth_c(void);";
    assert_eq!(spoken_of(header), BTreeSet::from(["netberth_b".to_owned()]));
    let sources = BTreeSet::from(["netberth_a".to_owned(), "netberth_d".to_owned()]);
    let found = differences(("src", &sources), ("header", &declared(header)));
    bites(&found, &["netberth_d is in src and not", "netberth_c is in header and not"]);
}
