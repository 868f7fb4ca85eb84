//! Bad and good inputs through lexer, parser, compiler and verifier: each ends in verified code or in an error, never
//! in a panic or a fault of the compiler ("internal: …").
//!
//! Half of the inputs are scripts of `tests/` with a few bytes changed, half are their tokens shuffled, spliced and
//! replaced. 20,000 run in `cargo test`; `KIT_FUZZ=1000000 cargo test --test front -- --nocapture` runs a million and
//! prints the share that was accepted. Beside it: `src/syntax/fuzz.rs`, which looks closer at tree and error.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // tests reach outside themselves

use kit::compile::{Options, compile_module};
use kit::source::SourceFile;
use kit::syntax::parse;
use std::path::Path;

/// Knuth's MMIX generator: the same inputs on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n
    }
}

fn collect(folder: &Path, all: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder of scripts") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, all);
        } else if path.extension().is_some_and(|e| e == "kit") {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            // Expectations are only comments.
            all.push(text.lines().filter(|l| !l.starts_with("# expect")).map(|l| format!("{l}\n")).collect());
        }
    }
}

/// Some neighbouring lines of a script, from one that is not indented.
fn piece<'a>(random: &mut Random, text: &'a str) -> &'a str {
    let starts: Vec<usize> = text
        .match_indices('\n')
        .map(|(at, _)| at + 1)
        .filter(|&at| !text[at..].starts_with([' ', '\n', '#']) && at < text.len())
        .collect();
    if starts.is_empty() {
        return text;
    }
    let first = random.below(starts.len());
    let last = first + 1 + random.below(8);
    &text[starts[first]..starts.get(last).copied().unwrap_or(text.len())]
}

fn mutated(random: &mut Random, text: &str) -> Vec<u8> {
    const BYTES: &[u8] = b"()[]{}:=,.'\"\\\n\t #f\xff*!@1a-+%<x_";
    let mut bytes = piece(random, text).as_bytes().to_vec();
    for _ in 0..=random.below(3) {
        if bytes.is_empty() {
            bytes.push(b'x');
        }
        let at = random.below(bytes.len());
        let other = random.below(bytes.len());
        match random.below(6) {
            0 => bytes[at] = BYTES[random.below(BYTES.len())],
            1 => drop(bytes.remove(at)),
            2 => bytes.insert(at, BYTES[random.below(BYTES.len())]),
            3 => bytes.swap(at, other),
            4 => bytes[at] = bytes[other],
            _ => drop(bytes.drain(at.min(other)..at.min(other) + random.below(4).min(bytes.len() - at.max(other)))),
        }
    }
    bytes
}

/// Tokens, roughly: names, numbers, strings, white space, and one character each of all else.
fn words(text: &str) -> Vec<&str> {
    let mut all = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let same = |f: fn(char) -> bool| rest.find(|c| !f(c)).unwrap_or(rest.len());
        let n = match c {
            '\'' | '"' => rest[1..].find(c).map_or(rest.len(), |at| at + 2),
            ' ' => same(|c| c == ' '),
            c if c.is_alphanumeric() || c == '_' => same(|c| c.is_alphanumeric() || c == '_'),
            c => c.len_utf8(),
        };
        all.push(&rest[..n]);
        rest = &rest[n..];
    }
    all
}

fn shuffled(random: &mut Random, text: &str, other: &str) -> Vec<u8> {
    const EXTRA: &[&str] = &[
        "yield ",
        "await ",
        "return ",
        "nonlocal x",
        "global x",
        "del ",
        "lambda: ",
        "*",
        "**",
        ":=",
        "=",
        "for x in y",
        "if x else y",
        "not ",
        "in ",
        "is ",
        "and ",
        "or ",
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        ",",
        ":",
        "\n",
        "\n    ",
        "x",
        "1",
        "'s'",
        "f'{x}'",
        "...",
        "try",
        "except",
        "finally",
        "break",
        "continue",
        "class ",
        "def f(",
        "async ",
        "with ",
        "as x",
        "import x",
        "from x import y",
        "@x\n",
        "->",
        "+=",
        "raise ",
    ];
    let mut row = words(piece(random, text));
    let spare = words(piece(random, other));
    for _ in 0..=random.below(2) {
        if row.is_empty() {
            row.push("x");
        }
        let (at, to) = (random.below(row.len()), random.below(row.len()));
        match random.below(6) {
            0 => row[at] = EXTRA[random.below(EXTRA.len())],
            1 => row.insert(at, EXTRA[random.below(EXTRA.len())]),
            2 => drop(row.remove(at)),
            3 => row.swap(at, to),
            4 if !spare.is_empty() => row[at] = spare[random.below(spare.len())],
            _ => {
                let n = random.below(6).min(spare.len());
                row.splice(at..at, spare[..n].iter().copied());
            }
        }
    }
    row.concat().into_bytes()
}

/// Was it accepted?
fn front(bytes: &[u8], every: bool) -> bool {
    let Ok(file) = SourceFile::from_bytes("fuzz.kit", bytes) else { return false };
    let Ok(ast) = parse(&file) else { return false };
    match compile_module(&ast, Options { every_safe_point: every, ..Options::default() }) {
        Ok(_) => true,
        Err(error) => {
            assert!(!error.message.contains("internal"), "{}\n{}", error.message, String::from_utf8_lossy(bytes));
            assert!(!error.render(false).is_empty());
            false
        }
    }
}

#[test]
fn lexer_parser_compiler_and_verifier_survive() {
    let total: u64 = std::env::var("KIT_FUZZ").ok().and_then(|v| v.parse().ok()).unwrap_or(20_000);
    let mut scripts = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"), &mut scripts);
    let (mut random, mut accepted) = (Random(7), [0u64; 2]);
    for round in 0..total {
        let text = &scripts[random.below(scripts.len())];
        let bytes = if round % 2 == 0 {
            mutated(&mut random, text)
        } else {
            let other = random.below(scripts.len());
            shuffled(&mut random, text, &scripts[other])
        };
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        let done = std::panic::catch_unwind(|| front(&bytes, round % 8 == 0));
        let ok = done.unwrap_or_else(|_| panic!("input {round} is not survived:\n{shown}"));
        accepted[(round % 2) as usize] += u64::from(ok);
    }
    let share = |n: u64| 200.0 * n as f64 / total as f64;
    println!(
        "{total} inputs; accepted: {:.1} % of the mutated scripts, {:.1} % of the shuffled tokens",
        share(accepted[0]),
        share(accepted[1])
    );
    assert!(accepted.iter().all(|&n| share(n) > 5.0), "inputs are too wild to reach the compiler");
}
