//! Just enough of Rust's lexical rules to tell code from text.

/// A word of the code and where it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word<'a> {
    pub(super) at: usize,
    pub(super) text: &'a str,
}

impl Word<'_> {
    pub(super) fn end(self) -> usize {
        self.at + self.text.len()
    }
}

/// The same text with comments and the insides of literals blanked: same length, same lines, and
/// whatever is left is code. Bytes outside ASCII are blanked too.
pub(super) fn mask(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let (code, blank) = token(text, at);
        for &byte in &bytes[at..at + code + blank] {
            let kept = out.len() < at + code && byte.is_ascii() || byte == b'\n';
            out.push(if kept { char::from(byte) } else { ' ' });
        }
        at += code + blank;
    }
    out
}

/// How many bytes from `at` on are code, and how many after them are not.
fn token(text: &str, at: usize) -> (usize, usize) {
    let rest = &text[at..];
    let first = rest.as_bytes()[0];
    if rest.starts_with("//") {
        return (0, rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return (0, block_comment(rest));
    }
    if first == b'"' {
        return (1, quoted(&rest[1..], b'"'));
    }
    if first == b'\'' {
        return (1, character(&rest[1..]));
    }
    if is_word(first) {
        let word = rest.bytes().take_while(|&byte| is_word(byte)).count();
        let hashes = rest[word..].bytes().take_while(|&byte| byte == b'#').count();
        let raw = matches!(&rest[..word], "r" | "br" | "cr");
        if raw && rest.as_bytes().get(word + hashes) == Some(&b'"') {
            let body = word + hashes + 1;
            let close = format!("\"{}", "#".repeat(hashes));
            let length = rest[body..].find(&close).map_or(rest.len() - body, |n| n + close.len());
            return (body, length);
        }
        return (word, 0);
    }
    if first.is_ascii() { (1, 0) } else { (0, rest.chars().next().map_or(1, char::len_utf8)) }
}

/// Block comments nest.
fn block_comment(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0, 0);
    while at < bytes.len() {
        let step = match &bytes[at..bytes.len().min(at + 2)] {
            b"/*" => (depth += 1, 2).1,
            b"*/" => (depth -= 1, 2).1,
            _ => 1,
        };
        at += step;
        if depth == 0 {
            break;
        }
    }
    at.min(bytes.len())
}

/// The length up to and including the closing quote.
fn quoted(text: &str, quote: u8) -> usize {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// A character literal's length after its first quote, or 0 for a lifetime.
fn character(text: &str) -> usize {
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some('\\'), _) => quoted(text, b'\''),
        (Some(first), Some('\'')) => first.len_utf8() + 1,
        _ => 0,
    }
}

fn is_word(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric()
}

/// The words of masked code, in order.
pub(super) fn words(code: &str) -> Vec<Word<'_>> {
    let bytes = code.as_bytes();
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let length = bytes[at..].iter().take_while(|&&byte| is_word(byte)).count();
        if length > 0 {
            out.push(Word { at, text: &code[at..at + length] });
        }
        at += length.max(1);
    }
    out
}

/// Where the bracket that is opened at `open` is closed, in masked code.
pub(super) fn closing(code: &str, open: usize) -> Option<usize> {
    let mut depth = 0_i32;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// The line of a byte, from 1.
pub(super) fn line(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// A function that has a body: its name, where its `fn` stands, and its braces.
pub(super) struct Function<'a> {
    pub(super) name: &'a str,
    pub(super) at: usize,
    pub(super) open: usize,
    pub(super) close: usize,
}

/// The functions of masked code that have a body, nested ones included.
pub(super) fn functions(code: &str) -> Vec<Function<'_>> {
    let words = words(code);
    let named = words.windows(2).filter(|pair| {
        // `fn(u8) -> u8` is a type: no name follows it.
        pair[0].text == "fn" && code[pair[0].end()..pair[1].at].trim().is_empty()
    });
    named
        .filter_map(|pair| {
            let open = body(code, pair[1].end())?;
            let close = closing(code, open)?;
            Some(Function { name: pair[1].text, at: pair[0].at, open, close })
        })
        .collect()
}

/// The brace that opens the body of the function whose signature goes on at `at`.
fn body(code: &str, mut at: usize) -> Option<usize> {
    loop {
        at += code[at..].find(['(', '[', '{', ';'])?;
        match code.as_bytes()[at] {
            b'{' => return Some(at),
            b';' => return None,
            _ => at = closing(code, at)? + 1,
        }
    }
}

#[test]
fn code_and_text_are_told_apart() {
    let text = r##"a /* { /* " */ } */ b // }
"}\"" 'x' '\'' '}' <'a> b"}" r#"}"}"# r#fn é '{'"##;
    let expected = concat!(
        "a                   b     \n",
        r##""     '   '    '   <'a> b"   r#"      r#fn    '  "##
    );
    assert_eq!(mask(text), expected);
    assert_eq!(mask(text).len(), text.len());
}

#[test]
fn unfinished_text_is_no_trouble() {
    for text in ["\"", "'", "'\\", "\"\\", "/*", "/* /", "r#\"", "é", "r", "'é", "/"] {
        assert_eq!(mask(text).len(), text.len(), "{text}");
    }
}

#[test]
fn a_body_is_found_behind_any_signature() {
    let code = "fn a(f: fn(u8) -> [u8; 2]) -> [u8; { 3 }] where T: X<{ 4 }> { g(); }\nfn b();";
    let found = functions(code);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].name, "a");
}
