//! The lines of a text: what [`Step::Lines`](super::Step::Lines) does to each file.

use memchr::memmem;

/// The text with whole lines removed, then added at the end where they are missing.
///
/// A hosts file has a line for each of its network's containers, and every one of them is edited when
/// one more comes: the plain search spares nearly all of the comparing.
pub(crate) fn with_lines(text: &str, add: &[String], remove: &[String]) -> String {
    let mut after = without_lines(text, remove);
    for line in add {
        if has(&after, line) && after.lines().any(|there| there == line) {
            continue;
        }
        if !after.is_empty() && !after.ends_with('\n') {
            after.push('\n');
        }
        after.push_str(line);
        after.push('\n');
    }
    after
}

fn has(text: &str, line: &str) -> bool {
    memmem::find(text.as_bytes(), line.as_bytes()).is_some()
}

fn without_lines(text: &str, remove: &[String]) -> String {
    let mut present: Vec<&str> =
        remove.iter().map(String::as_str).filter(|line| has(text, line)).collect();
    if present.is_empty() {
        return text.to_owned();
    }
    present.sort_unstable();
    let kept = |line: &&str| {
        let line = line.strip_suffix('\n').unwrap_or(line);
        present.binary_search(&line).is_err()
    };
    text.split_inclusive('\n').filter(kept).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(lines: &[&str]) -> Vec<String> {
        lines.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn lines_are_whole_and_added_once() {
        let text = "10.0.0.1 web\n10.0.0.1 web2\nlast";
        let after = with_lines(text, &lines(&["last", "new"]), &lines(&["10.0.0.1 web"]));
        assert_eq!(after, "10.0.0.1 web2\nlast\nnew\n");
    }

    proptest! {
        #[test]
        fn removing_what_was_added_restores(text in "([a-c]{0,2}\n){0,5}", line in "[d-f]{1,3}") {
            let line = [line];
            let added = with_lines(&text, &line, &[]);
            prop_assert_eq!(with_lines(&added, &line, &[]), added.clone());
            prop_assert_eq!(with_lines(&added, &[], &line), text);
        }
    }
}
