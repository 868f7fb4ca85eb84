//! Which part of a line's marked expression failed: the operator of `a + b`, the brackets of `a[b]`.
//!
//! Read from the text of the expression, as CPython 3.11 does; a parenthesised left operand ends before its
//! parenthesis there, which then counts as part of the operator. Source: CPython's `Lib/traceback.py`.

/// Binary operators, longest first, and how strongly they bind.
const OPERATORS: &[(&str, u8)] = &[
    ("**", 9),
    ("//", 6),
    ("<<", 4),
    (">>", 4),
    ("*", 6),
    ("/", 6),
    ("%", 6),
    ("@", 6),
    ("+", 5),
    ("-", 5),
    ("&", 3),
    ("^", 2),
    ("|", 1),
];

/// What stands in an expression beside operators and operands: then it is none of the two kinds.
const OTHER_WORDS: &[&str] =
    &["and", "or", "not", "in", "is", "if", "else", "lambda", "await", "yield", "raise", "assert", "for", "del"];

/// What is found at the top level of an expression.
#[derive(Default)]
struct Found {
    /// Of the operator that is done last: where it begins, how strongly it binds.
    root: Option<(usize, u8)>,
    /// Begins with `-`, `+` or `~`.
    unary: bool,
    /// The brackets that end the expression.
    brackets: Option<(usize, usize)>,
}

/// The marked part of the expression, from and to in characters; `None`: all of it.
pub(super) fn anchors(text: &str) -> Option<(usize, usize)> {
    let s: Vec<char> = text.chars().collect();
    let found = scan(&s)?;
    match found.root {
        Some((_, 9)) if found.unary => None,
        Some((at, _)) => {
            let from = left_end(&s, at);
            let two = s.get(from + 1).is_some_and(|c| !c.is_whitespace()) && (from < at || is_double(&s, at));
            Some((from, from + 1 + usize::from(two)))
        }
        None if found.unary => None,
        None => found.brackets.filter(|(_, end)| *end == s.len()),
    }
}

fn is_double(s: &[char], at: usize) -> bool {
    let two: String = s[at..].iter().take(2).collect();
    OPERATORS.iter().any(|(op, _)| op.len() == 2 && *op == two)
}

/// The end of a text literal that begins at `i`.
fn past_text(s: &[char], i: usize) -> usize {
    let quote = s[i];
    let long = s.get(i + 1) == Some(&quote) && s.get(i + 2) == Some(&quote);
    let (mut at, close) = if long { (i + 3, 3) } else { (i + 1, 1) };
    while at < s.len() {
        if s[at] == '\\' {
            at += 2;
        } else if s[at..].iter().take(close).filter(|c| **c == quote).count() == close {
            return at + close;
        } else {
            at += 1;
        }
    }
    s.len()
}

/// The index after the bracket that closes the one at `i`.
fn past_bracket(s: &[char], i: usize) -> Option<usize> {
    let (mut depth, mut at) = (0, i);
    while at < s.len() {
        match s[at] {
            '"' | '\'' => at = past_text(s, at) - 1,
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// Reads the top level; `None`: it is some other expression, or a statement.
fn scan(s: &[char]) -> Option<Found> {
    let mut found = Found::default();
    // Whether an operand has just ended, so that what follows can be a binary operator.
    let (mut i, mut operand) = (0, false);
    while i < s.len() {
        let c = s[i];
        match c {
            _ if c.is_whitespace() => i += 1,
            '"' | '\'' => (i, operand) = (past_text(s, i), true),
            '(' | '[' | '{' => {
                let end = past_bracket(s, i)?;
                found.brackets = (c == '[' && operand).then_some((i, end));
                (i, operand) = (end, true);
            }
            '.' if operand => {
                found.brackets = None;
                i += 1;
            }
            _ if c.is_alphanumeric() || c == '_' || c == '.' => {
                let end =
                    (i..s.len()).find(|&e| !(s[e].is_alphanumeric() || s[e] == '_')).unwrap_or(s.len()).max(i + 1);
                let word: String = s[i..end].iter().collect();
                if OTHER_WORDS.contains(&&*word) {
                    return None;
                }
                found.brackets = None;
                // A prefix of a text literal is no operand of its own.
                operand = !matches!(s.get(end), Some('"' | '\''));
                i = end;
            }
            _ => {
                let rest: String = s[i..].iter().take(2).collect();
                let (op, strength) = *OPERATORS.iter().find(|(op, _)| rest.starts_with(op))?;
                if s.get(i + op.len()) == Some(&'=') {
                    return None;
                }
                if operand {
                    // The last of those that bind least; `**` goes from right to left.
                    let later = found.root.is_none_or(|(_, least)| strength < least || strength == least && least != 9);
                    if later {
                        found.root = Some((i, strength));
                    }
                } else if i == 0 {
                    found.unary = true;
                }
                (i, operand) = (i + op.len(), false);
            }
        }
    }
    Some(found)
}

/// Where the operator's mark begins: at the parenthesis after a left operand that stands in parentheses.
fn left_end(s: &[char], at: usize) -> usize {
    let mut left: &[char] = &s[..at];
    let trim = |mut t: &[char]| {
        while t.last().is_some_and(|c| c.is_whitespace()) {
            t = &t[..t.len() - 1];
        }
        t.len()
    };
    let mut begin = 0;
    let mut mark = at;
    loop {
        left = &left[..trim(left)];
        while left.get(begin).is_some_and(|c| c.is_whitespace()) {
            begin += 1;
        }
        if left.get(begin) != Some(&'(') || past_bracket(left, begin) != Some(left.len()) {
            return mark;
        }
        mark = left.len() - 1;
        left = &left[..mark];
        begin += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::anchors;

    #[test]
    fn as_cpython() {
        for (text, want) in [
            ("1/0", Some((1, 2))),
            ("1 + 'a'", Some((2, 3))),
            ("a // b", Some((2, 4))),
            ("a*b + c*d", Some((4, 5))),
            ("a - b - c", Some((6, 7))),
            ("a ** b ** c", Some((2, 4))),
            ("(a+b)*c", Some((4, 6))),
            ("x + (a) + b", Some((8, 9))),
            ("x[5]", Some((1, 4))),
            ("y['k']['z']", Some((6, 11))),
            ("f(1)[2].x", None),
            ("f(1 + 2)", None),
            ("-a", None),
            ("-a ** b", None),
            ("-a * b", Some((3, 4))),
            ("a < b", None),
            ("a and b + c", None),
            ("raise ValueError", None),
            ("[1,2,3][10]", Some((7, 11))),
            ("[1,2,3]", None),
            ("f'{a}' + b", Some((7, 8))),
            ("a += 'x'", None),
        ] {
            assert_eq!(anchors(text), want, "{text}");
        }
    }
}
