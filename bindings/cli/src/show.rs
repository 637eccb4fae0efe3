//! Tables, descriptions and errors, for people.

use std::fmt::Write as _;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, presets};
use netberth::Error;
use serde_json::Value;

/// How much of an id is shown: as many digits as Docker shows.
const SHORT: usize = 12;

/// The members that a description begins with.
const FIRST: [&str; 8] =
    ["name", "container_id", "id", "type", "network", "key", "subnet", "addresses"];

/// Columns under upper-case words, without lines.
pub(crate) struct Table {
    table: comfy_table::Table,
}

impl Table {
    pub(crate) fn new(columns: &[&str]) -> Self {
        let mut table = comfy_table::Table::new();
        table.load_preset(presets::NOTHING);
        // A column is as wide as it must be: what follows in a pipe splits at blanks.
        table.set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(columns.to_vec());
        Table { table }
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        let dash = |cell: String| if cell.is_empty() { "-".to_owned() } else { cell };
        self.table.add_row(cells.into_iter().map(dash));
    }

    /// The lines, the first in bold where that can be seen.
    pub(crate) fn text(mut self, colored: bool) -> String {
        for column in self.table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        let mut text = String::new();
        for (index, line) in self.table.to_string().lines().enumerate() {
            let line = line.trim_end();
            let bold = Style::new().bold();
            if index == 0 && colored {
                let _ = writeln!(text, "{bold}{line}{bold:#}");
            } else {
                let _ = writeln!(text, "{line}");
            }
        }
        text
    }
}

/// The first digits of an id, or all.
pub(crate) fn id(text: &str, whole: bool) -> String {
    if whole { text.to_owned() } else { text.chars().take(SHORT).collect() }
}

/// A document as lines, each member on its own, those of members further in.
pub(crate) fn described(value: &Value) -> String {
    let mut text = String::new();
    describe(value, 0, &mut text);
    text
}

fn describe(value: &Value, depth: usize, text: &mut String) {
    let Some(members) = value.as_object() else {
        let _ = writeln!(text, "{:depth$}{}", "", scalar(value), depth = depth * 2);
        return;
    };
    let width = members.keys().map(|key| key.chars().count()).max().unwrap_or_default() + 1;
    let mut ordered: Vec<(&String, &Value)> = members.iter().collect();
    // What identifies it comes first.
    ordered
        .sort_by_key(|(key, _)| FIRST.iter().position(|first| first == key).unwrap_or(FIRST.len()));
    for (key, value) in ordered {
        let label = format!("{key}:");
        let indent = depth * 2;
        match value {
            Value::Object(inner) if !inner.is_empty() => {
                let _ = writeln!(text, "{:indent$}{label}", "");
                describe(value, depth + 1, text);
            }
            Value::Array(list) if list.iter().any(Value::is_object) => {
                let _ = writeln!(text, "{:indent$}{label}", "");
                for one in list {
                    let mut inner = String::new();
                    describe(one, depth + 2, &mut inner);
                    // The first line of each has a dash in front.
                    let at = indent + 2;
                    let _ = write!(text, "{:at$}- {}", "", inner.trim_start());
                }
            }
            other => {
                let _ = writeln!(text, "{:indent$}{label:width$} {}", "", scalar(other));
            }
        }
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(list) if list.is_empty() => "-".to_owned(),
        Value::Object(members) if members.is_empty() => "-".to_owned(),
        Value::Array(list) => list.iter().map(scalar).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// An error on standard error: words for people, the document for programs.
///
/// # Errors
/// Those of writing.
pub(crate) fn error(out: &mut impl Write, error: &Error, json: bool) -> io::Result<()> {
    if json {
        return writeln!(out, "{}", error.to_json());
    }
    let red = if anstyle_is_wanted() { AnsiColor::Red.on_default().bold() } else { Style::new() };
    writeln!(out, "{red}error:{red:#} {error}")
}

fn anstyle_is_wanted() -> bool {
    use std::io::IsTerminal;
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) && io::stderr().is_terminal()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_table_has_no_lines_and_no_blanks_at_the_end() {
        let mut table = Table::new(&["NAME", "ID"]);
        table.row(vec!["a".into(), String::new()]);
        table.row(vec!["longer".into(), "0123".into()]);
        assert_eq!(table.text(false), "NAME    ID\na       -\nlonger  0123\n");
    }

    #[test]
    fn only_the_header_is_bold() {
        let mut table = Table::new(&["NAME"]);
        table.row(vec!["a".into()]);
        assert_eq!(table.text(true), "\u{1b}[1mNAME\u{1b}[0m\na\n");
    }

    #[test]
    fn a_description_is_a_tree() {
        let value = json!({"name": "web", "endpoints": [{"id": "1", "name": "a"}, {"id": "2", "name": "b"}],
            "labels": {}, "options": {"mtu": 1500, "subnets": [{"subnet": "10.0.0.0/8"}]}, "list": ["x", "y"]});
        let expected = "\
name:      web
endpoints:
  - name: a
    id:   1
  - name: b
    id:   2
labels:    -
list:      x, y
options:
  mtu:     1500
  subnets:
    - subnet: 10.0.0.0/8
";
        assert_eq!(described(&value), expected);
    }
}
