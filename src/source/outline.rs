//! A text without the bodies of its functions, for library modules: most of what a script imports it never
//! calls, so bodies are parsed when their function is first called (`vm/late.rs`).
//!
//! The outline has the length and the line breaks of the text, so positions in it are positions of the file.
//! Functions within functions go with the body they stand in. Only the text of Kit's own library comes here:
//! it has no block body that a line of lower indentation continues, and a test compiles all of it both ways.

/// A function whose body the outline lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Where the outline has a bare `raise` instead of the body.
    pub marker: u32,
    /// From the beginning of the line with `def` to the end of the body.
    pub from: u32,
    pub to: u32,
    /// The column of `def`.
    pub indent: u32,
    /// The body speaks of `super` or `__class__`: it may need the cell of its class.
    pub names_class: bool,
}

/// Stands for a body; it raises, should it ever run.
const MARKER: &[u8] = b"raise";

/// Shorter bodies are cheaper to parse at once.
const SHORT: usize = 64;

/// The outline of a text, and what it lacks, in order.
pub fn outline(text: &str) -> (String, Vec<Part>) {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut parts = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let end = line_end(bytes, at);
        let indent = blanks(&bytes[at..end]);
        let line = &bytes[at + indent..end];
        if let Some(quote) = open_quote(line) {
            at = find(bytes, at + indent + quote, b"\"\"\"").map_or(bytes.len(), |close| line_end(bytes, close) + 1);
            continue;
        }
        let body = match line.starts_with(b"def ") || line.starts_with(b"async def ") {
            true => header_end(bytes, at + indent).map(|from| (from, body_end(bytes, from, indent))),
            false => None,
        };
        match body {
            Some((from, to)) => {
                let named = Part {
                    marker: first_word(bytes, from) as u32,
                    from: at as u32,
                    to: to as u32,
                    indent: indent as u32,
                    names_class: names_class(&text[from..to]),
                };
                if erase(&mut out, from, to, named.marker as usize) {
                    parts.push(named);
                }
                at = to + 1;
            }
            None => at = end + 1,
        }
    }
    // Whole lines were replaced by ASCII; should that ever fail, the text goes unabridged.
    match String::from_utf8(out) {
        Ok(out) => (out, parts),
        Err(_) => (text.into(), Vec::new()),
    }
}

/// Is there `super()`, or `__class__` that is no attribute?
fn names_class(body: &str) -> bool {
    let own = |at: usize| !body[..at].ends_with(['.', '"', '\'']);
    ["super(", "__class__"].iter().any(|w| body.match_indices(w).any(|(at, _)| own(at)))
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|&b| b == b'\n').map_or(bytes.len(), |n| at + n)
}

fn blanks(line: &[u8]) -> usize {
    line.iter().take_while(|&&b| b == b' ').count()
}

fn find(bytes: &[u8], from: usize, what: &[u8]) -> Option<usize> {
    bytes.get(from..)?.windows(what.len()).position(|w| w == what).map(|n| from + n)
}

/// Where text in triple quotes begins that the line does not end.
fn open_quote(line: &[u8]) -> Option<usize> {
    let mut open = None;
    let mut at = 0;
    while let Some(quote) = find(line, at, b"\"\"\"") {
        at = quote + 3;
        open = if open.is_none() { Some(at) } else { None };
    }
    open
}

/// Where the line after the colon of a `def` begins, if its body stands on lines of its own.
fn header_end(bytes: &[u8], def: usize) -> Option<usize> {
    let mut depth = 0;
    let mut quote = None;
    let mut at = def;
    while let Some(&b) = bytes.get(at) {
        match (quote, b) {
            (Some(_), b'\\') => at += 1,
            (Some(q), _) if b == q => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(b),
            (None, b'(' | b'[' | b'{') => depth += 1,
            (None, b')' | b']' | b'}') => depth -= 1,
            (None, b'#') => at = line_end(bytes, at),
            (None, b':') if depth == 0 => {
                let end = line_end(bytes, at);
                let rest = &bytes[at + 1..end];
                let empty = matches!(rest.iter().find(|&&b| b != b' '), None | Some(b'#'));
                return (empty && end < bytes.len()).then_some(end + 1);
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// The end of the last line that is indented by more than `indent`.
fn body_end(bytes: &[u8], from: usize, indent: usize) -> usize {
    let (mut at, mut last) = (from, from);
    while at < bytes.len() {
        let end = line_end(bytes, at);
        let n = blanks(&bytes[at..end]);
        if n < end - at {
            if n <= indent {
                break;
            }
            last = end;
        }
        at = end + 1;
    }
    last
}

fn first_word(bytes: &[u8], from: usize) -> usize {
    bytes[from..].iter().position(|&b| b != b' ' && b != b'\n').map_or(bytes.len(), |n| from + n)
}

/// Blanks a body out, but for the marker; leaves a short one.
fn erase(out: &mut [u8], from: usize, to: usize, marker: usize) -> bool {
    if to - from < SHORT || line_end(out, marker) - marker < MARKER.len() {
        return false;
    }
    for b in &mut out[from..to] {
        if *b != b'\n' {
            *b = b' ';
        }
    }
    out[marker..marker + MARKER.len()].copy_from_slice(MARKER);
    true
}
