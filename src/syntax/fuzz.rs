//! Thousands of bad inputs: the front end answers each with a tree or an error, and never panics.

use crate::source::SourceFile;

use super::ast::MAX_DEPTH;
use super::token::Tok;
use super::{dump_tokens, dump_tree, parse, parse_expression};

/// Knuth's MMIX generator: the same inputs on every machine.
struct Lcg(u64);

impl Lcg {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

const SAMPLES: &[&str] = &[
    include_str!("../../tests/golden/tree/statements.kit"),
    include_str!("../../tests/golden/tree/functions.kit"),
    include_str!("../../tests/golden/tree/expressions.kit"),
    include_str!("../../tests/golden/tree/strings.kit"),
    include_str!("../../tests/golden/tree/with.kit"),
    include_str!("../../tests/golden/tokens/layout.kit"),
    include_str!("../../tests/golden/tokens/strings.kit"),
];

/// Parses, and looks at all that comes out.
fn survives(bytes: &[u8]) -> bool {
    let file = match SourceFile::from_bytes("fuzz.kit", bytes) {
        Ok(file) => file,
        Err(error) => return !error.short().is_empty() && !error.render(false).is_empty(),
    };
    dump_tokens(&file);
    let _ = parse_expression(&file).map_err(|error| error.render(true));
    match parse(&file) {
        Ok(ast) => {
            ast.check_spans().unwrap();
            dump_tree(&ast, true);
            true
        }
        Err(error) => {
            assert!(error.span.hi as usize <= file.text.len(), "{error:?}");
            assert!(file.text.get(error.span.range()).is_some(), "{error:?}");
            !error.short().is_empty() && !error.render(false).is_empty()
        }
    }
}

#[test]
fn token_soup() {
    let extra = ["\n", "\n", "\n    ", "\n  ", "\n\t", "x", "y", "1", "2.5", "'s'", "b'b'", "f'", "{", "}", "f'{x}'"];
    let more =
        ["'", "\"", "'''", "f'''{", "!r", ":", "\\", "\\\n", "# c", "ä", "€", "0x", "1_", "print", "match", "case"];
    let mut words: Vec<&str> = Tok::FIXED.iter().map(|&(_, text)| text).collect();
    for _ in 0..3 {
        words.extend(extra);
    }
    words.extend(more);
    let mut random = Lcg(1);
    for _ in 0..4000 {
        let mut text = String::new();
        for _ in 0..random.below(40) {
            text += random.pick(&words);
            text += random.pick(&["", " ", " ", " "]);
        }
        assert!(survives(text.as_bytes()), "{text}");
    }
}

#[test]
fn mutated_scripts() {
    let mut random = Lcg(2);
    for round in 0..2000 {
        let sample = SAMPLES[round % SAMPLES.len()].as_bytes();
        // A piece is enough, and quicker.
        let lo = random.below(sample.len());
        let mut bytes = sample[lo..(lo + 400).min(sample.len())].to_vec();
        for _ in 0..=random.below(4) {
            let at = random.below(bytes.len());
            match random.below(4) {
                0 => bytes[at] = random.pick(b"()[]{}:=,.'\"\\\n\t #f\x00\xff*!@1a"),
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, random.pick(b"()[]{}:=,.'\"\\\n\t #f!@1a")),
                _ => bytes.truncate(at + 1),
            }
            if bytes.is_empty() {
                bytes.push(b' ');
            }
        }
        assert!(survives(&bytes), "{}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn long_and_deep_inputs_end_in_a_tree_or_an_error() {
    let n = 100_000;
    let refused = |text: String| {
        let file = SourceFile::new("deep.kit", &text).unwrap();
        let error = parse(&file).err().expect("beyond a limit");
        assert!(error.short().len() < 1000 && error.render(false).len() < 2000);
        error.message
    };
    for open in ["(", "[", "{", "f(", "x["] {
        assert_eq!(refused(open.repeat(n)), "too many nested parentheses");
    }
    assert_eq!(refused("f'{".repeat(n)), "too many nested f-strings");
    let deep = format!("too many nested expressions (Kit's limit is {MAX_DEPTH})");
    let chains = [("-", "1"), ("not ", "1"), ("lambda:", "1"), ("1 if 1 else ", "1"), ("2**", "2"), ("1+", "1")];
    for (link, end) in chains {
        assert_eq!(refused(link.repeat(n) + end), deep, "{link}");
    }
    for link in [".a", "()", "[1]"] {
        assert_eq!(refused("x".to_owned() + &link.repeat(n)), deep, "{link}");
    }
    let indent: String = (0..200).map(|i| " ".repeat(i) + "if x:\n").collect();
    assert_eq!(refused(indent), "too many levels of indentation");
    let flat = [
        format!("x = [{}]", "1,".repeat(n)),
        format!("x = {}1", "1 < ".repeat(n)),
        format!("x = {}1", "1 and ".repeat(n)),
        format!("x = {}", "'a' ".repeat(n)),
        "x = ".repeat(n) + "1",
        "if x: pass\n".to_owned() + &"elif x: pass\n".repeat(n),
        format!("with ({}): pass", "a as b, ".repeat(n)),
        format!("x = '{}'", "a".repeat(10 * n)),
    ];
    for text in flat {
        assert!(parse(&SourceFile::new("flat.kit", &text).unwrap()).is_ok());
    }
}
