//! Generated snippets: bodies of functions over ints, floats, strings, lists, dicts, sets, bytes, control flow,
//! nested functions, classes and exceptions. The same number gives the same snippet everywhere.
//!
//! Templates say what they need: `{i}` an int expression, `{f}` float, `{s}` str, `{l}` list of ints, `{d}` dict from
//! str to int, `{q}` set of ints, `{b}` bytes, `{p}` a bool, `{n}` a small int, `{x}` anything.

mod expressions;
mod statements;

use expressions::{KINDS, SPECS, TYPES, leaves, templates};
use statements::{METHODS, SIMPLE, USES};

/// Knuth's MMIX generator.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n
    }
    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

struct Gen {
    random: Random,
}

impl Gen {
    fn expr(&mut self, kind: char, depth: usize) -> String {
        let kind = match kind {
            'x' => self.kind(),
            'n' => 'n',
            k if self.random.below(40) == 0 => {
                let _ = k;
                self.kind()
            }
            k => k,
        };
        if depth == 0 || self.random.below(5) < 2 {
            let all = leaves(kind);
            return self.random.pick(all).to_string();
        }
        let all = templates(kind);
        let template = self.random.pick(all);
        self.fill(template, depth - 1)
    }

    fn kind(&mut self) -> char {
        KINDS.as_bytes()[self.random.below(KINDS.len())] as char
    }

    /// Replaces the holes of a template.
    fn fill(&mut self, template: &str, depth: usize) -> String {
        let mut out = String::new();
        let mut rest = template;
        while let Some(at) = rest.find('{') {
            out.push_str(&rest[..at]);
            let inner = &rest[at + 1..];
            let Some(end) = inner.find('}') else { break };
            let hole = &inner[..end];
            let text = match hole {
                "spec" => self.random.pick(SPECS).to_string(),
                "t" => self.random.pick(TYPES).to_string(),
                "i" | "f" | "s" | "l" | "d" | "q" | "b" | "p" | "n" | "x" => {
                    // Inside an f-string quotes would end it.
                    let kind = hole.chars().next().unwrap_or('i');
                    let quoted = template.starts_with("f'");
                    if quoted { self.name(kind).to_string() } else { self.expr(kind, depth) }
                }
                _ => {
                    out.push('{');
                    rest = inner;
                    continue;
                }
            };
            rest = &inner[end + 1..];
            // `-1.real` and `1.real` are not what is meant.
            if rest.starts_with(['.', '[', '(']) {
                out.push_str(&format!("({text})"));
            } else {
                out.push_str(&text);
            }
        }
        out.push_str(rest);
        out
    }

    /// A variable of a kind.
    fn name(&mut self, kind: char) -> &'static str {
        match kind {
            'i' | 'n' => self.random.pick(&["i", "j", "k"]),
            'f' => self.random.pick(&["x", "y"]),
            's' => self.random.pick(&["s", "t"]),
            'l' => self.random.pick(&["l", "m"]),
            'd' => self.random.pick(&["d", "e"]),
            'q' => "q",
            'b' => "b",
            'p' => "p",
            _ => self.random.pick(&["i", "x", "s", "l", "d", "p", "None"]),
        }
    }

    fn line(&mut self, out: &mut String, indent: usize, template: &str) {
        let text = self.fill(template, 2);
        for part in text.split('\n') {
            out.push_str(&"    ".repeat(indent));
            out.push_str(part);
            out.push('\n');
        }
    }

    fn statements(&mut self, out: &mut String, indent: usize, depth: usize) {
        for _ in 0..1 + self.random.below(3) {
            self.statement(out, indent, depth);
        }
    }

    fn statement(&mut self, out: &mut String, indent: usize, depth: usize) {
        let compound = depth > 0 && self.random.below(3) == 0;
        if !compound {
            let simple = self.random.pick(SIMPLE);
            return self.line(out, indent, simple);
        }
        match self.random.below(8) {
            0 => {
                self.line(out, indent, "if {p}:");
                self.statements(out, indent + 1, depth - 1);
                self.line(out, indent, "else:");
                self.statements(out, indent + 1, depth - 1);
            }
            1 => {
                let head = self.random.pick(&[
                    "for i in {l}[:4]:",
                    "for j, k in enumerate({l}[:3]):",
                    "for c in {s}[:4]:",
                    "for c, v in {d}.items():",
                    "for v in {q}:",
                ]);
                self.line(out, indent, head);
                self.statements(out, indent + 1, depth - 1);
                let end = self.random.pick(&["if {p}: break", "if {p}: continue", "pass"]);
                self.line(out, indent + 1, end);
            }
            2 => {
                self.line(out, indent, "for n in range(3):\n    while not {p}: break");
                self.statements(out, indent + 1, depth - 1);
            }
            3 | 4 => {
                self.line(out, indent, "try:");
                self.statements(out, indent + 1, depth - 1);
                let head = self.random.pick(&[
                    "except (TypeError, ValueError) as err:",
                    "except LookupError as err:",
                    "except ArithmeticError as err:",
                    "except Exception as err:",
                ]);
                self.line(out, indent, head);
                let body = self.random.pick(&[
                    "log.append((type(err).__name__, str(err)))",
                    "raise RuntimeError('again') from err",
                    "return repr(err)",
                    "log.append(err.args)",
                ]);
                self.line(out, indent + 1, body);
                if self.random.below(2) == 0 {
                    self.line(out, indent, "finally:");
                    self.line(out, indent + 1, "log.append({n})");
                }
            }
            5 => {
                let head = self.random.pick(&[
                    "def g(v, w={i}, *rest, k={n}, **more):",
                    "def g(v, /, w=2):",
                    "def g(v, *, w={i}):",
                    "def g(*v):",
                ]);
                self.line(out, indent, head);
                self.line(out, indent + 1, "return (v, {x})");
                let call = self.random.pick(&[
                    "log.append(g({i}))",
                    "log.append(g({i}, {i}))",
                    "log.append(g({i}, w={i}))",
                    "log.append(g(*{l}))",
                    "log.append(g({i}, {i}, {i}, k=1, z=2))",
                    "log.append(g(v={i}))",
                    "log.append(g())",
                    "log.append(g(**{d}))",
                ]);
                self.line(out, indent, call);
            }
            6 => {
                self.line(out, indent, "class C:\n    z = {i}\n    def __init__(self, v): self.v = v\n    def __repr__(self): return f'C({self.v})'");
                let method = self.random.pick(METHODS);
                self.line(out, indent + 1, method);
                let usage = self.random.pick(USES);
                self.line(out, indent, usage);
            }
            _ => {
                self.line(out, indent, "def gen(n):\n    for i in range(min(n, 5)):\n        got = yield i * {n}\n        if got: log.append(got)\n    return {i}");
                let usage = self.random.pick(&[
                    "log.append(list(gen({n})))",
                    "log.append(sum(gen(4)))",
                    "it = gen(2); log.append((next(it), next(it), next(it, None)))",
                    "it = gen(3); next(it); log.append(it.send({x}))",
                    "a1, *b1 = gen({n}); log.append((a1, b1))",
                    "log.append(max(gen({n}), default=None))",
                ]);
                self.line(out, indent, usage);
            }
        }
    }
}

/// The body of function number `n`, indented by four.
pub fn snippet(n: u64) -> String {
    let mut g = Gen { random: Random(n.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678) };
    for _ in 0..4 {
        g.random.below(2);
    }
    let mut out = String::from(
        "    log = []\n    i, j, k, x, y, s, t, p = 3, -4, 2, 2.5, -0.75, 'spam', 'a b', True\n    l, m, d, e, q, b = [1, 2, 3], [4, -1], {'a': 1, 'b': 2}, {'c': 3}, {1, 4, 2}, b'xyz'\n",
    );
    if g.random.below(3) == 0 {
        let kind = g.kind();
        let e = g.expr(kind, 4);
        out.push_str(&format!("    return {e}\n"));
        return out;
    }
    g.statements(&mut out, 1, 2);
    g.statements(&mut out, 1, 2);
    out.push_str("    return log, i, j, x, s, l, d, q\n");
    out
}
