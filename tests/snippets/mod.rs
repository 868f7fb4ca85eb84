//! Generated snippets: bodies of functions over ints, floats, strings, lists, dicts, sets, bytes, control flow,
//! nested functions, classes and exceptions. The same number gives the same snippet everywhere.
//!
//! Templates say what they need: `{i}` an int expression, `{f}` float, `{s}` str, `{l}` list of ints, `{d}` dict from
//! str to int, `{q}` set of ints, `{b}` bytes, `{p}` a bool, `{n}` a small int, `{x}` anything.

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

const KINDS: &str = "ifsldqbp";

/// Leaves of each kind: literals and the variables that every snippet begins with.
fn leaves(kind: char) -> &'static [&'static str] {
    match kind {
        'i' => &[
            "0",
            "1",
            "-1",
            "2",
            "7",
            "-13",
            "255",
            "(10**20)",
            "(-2**63)",
            "(2**64 + 1)",
            "i",
            "j",
            "i",
            "j",
            "True",
            "len(s)",
        ],
        'f' => &[
            "0.0",
            "1.5",
            "-2.25",
            "0.1",
            "1e16",
            "1e-7",
            "3.0",
            "1e300",
            "-0.0",
            "x",
            "y",
            "x",
            "float('inf')",
            "float('nan')",
        ],
        's' => &[
            "''",
            "'a'",
            "'abc'",
            "'Hello World'",
            "' x y '",
            "'12'",
            "'ä€'",
            "'a,b,,c'",
            "s",
            "t",
            "s",
            "'\\n\\t'",
            "'x=%s'",
        ],
        'l' => &["[]", "[1]", "[3, 1, 2]", "[5, 5, 5]", "l", "m", "l", "list(range(6))", "[-1, 10**18]"],
        'd' => &["{}", "{'a': 1}", "{'b': 2, 'a': 1}", "d", "e", "d"],
        'q' => &["set()", "{1}", "{1, 2, 3}", "{5, 9, 17}", "q", "{0, 8, 16, -1}"],
        'b' => &["b''", "b'abc'", "b'\\x00\\xff'", "b'a b'", "b"],
        'n' => &["0", "1", "2", "3", "4", "-1", "-2", "5"],
        _ => &["True", "False", "p"],
    }
}

/// Expressions of each kind that are made of others.
fn templates(kind: char) -> &'static [&'static str] {
    match kind {
        'i' => &[
            "({i} + {i})",
            "({i} - {i})",
            "({i} * {i})",
            "({i} // {i})",
            "({i} % {i})",
            "-{i}",
            "~{i}",
            "abs({i})",
            "({i} ** {n})",
            "({i} & {i})",
            "({i} | {i})",
            "({i} ^ {i})",
            "({i} << {n})",
            "({i} >> {n})",
            "len({s})",
            "len({l})",
            "len({d})",
            "sum({l})",
            "max({l})",
            "min({l})",
            "{l}[{n}]",
            "{d}[{s}]",
            "{d}.get({s}, {i})",
            "int({f})",
            "int({s})",
            "round({f})",
            "{s}.find({s})",
            "{s}.count({s})",
            "{s}.index({s})",
            "{l}.index({i})",
            "{l}.count({i})",
            "ord({s})",
            "({i} if {p} else {i})",
            "divmod({i}, {i})[0]",
            "pow({i}, abs({n}), {i})",
            "pow({i}, {n}, 97)",
            "{i}.bit_length()",
            "hash({i})",
            "int({p})",
            "{b}[{n}]",
            "(lambda v: v + {i})({i})",
            "int({s}, 16)",
            "({i}).__add__({i})",
            "sum({l}, {i})",
            "round({i}, {n})",
            "{b}.find({b})",
            "int.from_bytes({b}, 'big')",
            "len({b})",
            "len({q})",
            "{s}.rfind({s}, {n})",
            "next(iter({l}))",
            "next(iter({l}), {i})",
            "[{i}, {i}][{p}]",
            "range({n}, {i} % 50).stop",
            "len(range({n}, {n}, {n}))",
        ],
        'f' => &[
            "({f} + {f})",
            "({f} - {i})",
            "({f} * {f})",
            "({f} / {f})",
            "({i} / {i})",
            "({f} // {f})",
            "({f} % {f})",
            "-{f}",
            "abs({f})",
            "(abs({f}) ** {n})",
            "float({i})",
            "float({s})",
            "round({f}, {n})",
            "max({f}, {i})",
            "min({f}, {f})",
            "sum([{f}, {f}])",
            "divmod({f}, {f})[1]",
            "({f}).__radd__({i})",
            "float(repr({f}))",
            "({f} if {p} else {f})",
            "float.fromhex(({f}).hex())",
        ],
        's' => &[
            "({s} + {s})",
            "({s} * {n})",
            "({n} * {s})",
            "{s}.upper()",
            "{s}.lower()",
            "{s}.title()",
            "{s}.capitalize()",
            "{s}.swapcase()",
            "{s}.strip()",
            "{s}.lstrip({s})",
            "{s}.rstrip({s})",
            "{s}.replace({s}, {s})",
            "{s}.replace({s}, {s}, {n})",
            "{s}.center({i}%20)",
            "{s}.ljust({n}, {s})",
            "{s}.rjust(9, '*')",
            "{s}.zfill({n})",
            "{s}[{n}]",
            "{s}[{n}:]",
            "{s}[:{n}]",
            "{s}[{n}:{n}]",
            "{s}[::{n}]",
            "{s}[{n}:{n}:{n}]",
            "str({x})",
            "repr({x})",
            "ascii({s})",
            "'{} {}'.format({x}, {x})",
            "'{0!r:>8}|{1:<6}'.format({s}, {i})",
            "f'{ {i}:,}|{ {f}:.3f}'",
            "f'{ {s}:>{ {n} } }'",
            "f'{ {i}:{ {n} }d}'",
            "'%s %r' % ({x}, {x})",
            "'%d|%5d|%-5d|%05d' % ({i}, {i}, {i}, {i})",
            "'%.2f|%e|%g' % ({f}, {f}, {f})",
            "'%x %o %c' % ({i}, {i}, {i}%100+32)",
            "({s} % {i})",
            "({s} % ({x},))",
            "{s}.join([{s}, {s}])",
            "'-'.join(map(str, {l}))",
            "{s}.join({s})",
            "format({i}, {spec})",
            "format({f}, {spec})",
            "format({s}, {spec})",
            "chr({i})",
            "hex({i})",
            "bin({i})",
            "oct({i})",
            "{s}.partition({s})[2]",
            "({s} if {p} else {s})",
            "''.join(sorted({s}))",
            "''.join(reversed({s}))",
            "{s}.removeprefix({s})",
            "{s}.removesuffix({s})",
            "{s}.expandtabs({n})",
            "{s}.casefold()",
            "{b}.decode()",
            "{b}.hex()",
            "({f}).hex()",
            "max({s}, key=ord)",
            "{s}.translate({ord('a'): {s}, 98: None})",
            "str({b}, 'latin-1')",
            "{s}.split({s})[{n}]",
            "{s}.format({x}, {x})",
            "{s}.format_map({d})",
            "next(iter({d}))",
            "repr({f})",
            "'{:{}}'.format({i}, {n})",
            "f'{ {x}!r:.10}'",
            "f'{ {x}=}'",
        ],
        'l' => &[
            "({l} + {l})",
            "({l} * {n})",
            "sorted({l})",
            "sorted({l}, reverse=True)",
            "sorted({l}, key=lambda v: (v % 3, v))",
            "list(reversed({l}))",
            "{l}[{n}:]",
            "{l}[:{n}]",
            "{l}[::{n}]",
            "{l}[{n}:{n}]",
            "[v * 2 for v in {l}]",
            "[v for v in {l} if v % 2]",
            "[v + w for v in {l} for w in {l}][:9]",
            "list(map(abs, {l}))",
            "list(filter(None, {l}))",
            "[a + b for a, b in zip({l}, {l})]",
            "[i * v for i, v in enumerate({l})]",
            "list(range({n}, {n}))",
            "list(range({n}, 20, {n}))",
            "list({d}.values())",
            "list({q})",
            "sorted({q})",
            "{l}.copy()",
            "list({b})",
            "({l} if {p} else {l})",
            "[ord(c) for c in {s}]",
            "list({l}.__iter__())",
            "[len(w) for w in {s}.split()]",
            "[x for x in ({i}, {i}, {i}) if x > {i}]",
            "list(dict.fromkeys({l}))",
        ],
        'd' => &[
            "({d} | {d})",
            "{ {s}: {i}, {s}: {i} }",
            "dict(a={i}, b={i})",
            "{k: v + 1 for k, v in {d}.items()}",
            "{c: {i} for c in {s}}",
            "dict(zip({s}, {l}))",
            "{d}.copy()",
            "dict({d}, z={i})",
            "dict(sorted({d}.items()))",
            "{**{d}, **{d}}",
            "dict.fromkeys({s}, {i})",
            "dict([({s}, {i})])",
            "({d} or {d})",
            "dict(reversed({d}.items()))",
        ],
        'q' => &[
            "({q} | {q})",
            "({q} & {q})",
            "({q} - {q})",
            "({q} ^ {q})",
            "set({l})",
            "{v % 5 for v in {l}}",
            "{q}.union({l})",
            "{q}.intersection({l})",
            "{q}.difference({l}, {q})",
            "{q}.symmetric_difference({l})",
            "frozenset({q})",
            "{q}.copy()",
            "set({d}.values())",
            "set({b})",
            "({q} | frozenset({l}))",
        ],
        'b' => &[
            "({b} + {b})",
            "({b} * {n})",
            "{b}[{n}:]",
            "{b}.upper()",
            "{s}.encode()",
            "bytes({l})",
            "bytes({n})",
            "{b}.replace({b}, {b})",
            "{b}.strip()",
            "bytearray({b})",
            "{b}.join([{b}, {b}])",
            "{b}.split()[{n}]",
            "bytes.fromhex('0aff')",
            "({i}).to_bytes({n}, 'little')",
            "({i}).to_bytes(9, 'big', signed=True)",
            "b'%d %s' % ({i}, {b})",
            "{b}.center(9)",
            "{b}.title()",
            "{b}[::{n}]",
        ],
        'n' => &["({i} % 5)", "({n} - 1)", "len({l}) % 4"],
        _ => &[
            "({i} < {i})",
            "({i} == {i})",
            "({i} != {f})",
            "({f} <= {f})",
            "({s} < {s})",
            "({s} in {s})",
            "({i} in {l})",
            "({s} in {d})",
            "({i} in {q})",
            "(not {p})",
            "({p} and {p})",
            "({p} or {p})",
            "({l} == {l})",
            "({l} < {l})",
            "({q} <= {q})",
            "({d} == {d})",
            "({i} < {i} < {i})",
            "any({l})",
            "all({l})",
            "isinstance({x}, {t})",
            "{s}.startswith({s})",
            "{s}.endswith(({s}, {s}))",
            "{s}.isdigit()",
            "{s}.isalpha()",
            "{s}.isspace()",
            "{s}.isupper()",
            "{s}.istitle()",
            "bool({x})",
            "({x} == {x})",
            "{q}.isdisjoint({l})",
            "({b} == {b})",
            "({b} < {b})",
            "{s}.isidentifier()",
            "callable({x})",
            "hasattr({x}, 'append')",
            "({i} in range({n}, {i} % 50))",
        ],
    }
}

const SPECS: &[&str] = &[
    "''",
    "'5'",
    "'<8'",
    "'>8'",
    "'^9'",
    "'*^9'",
    "'05'",
    "'+'",
    "','",
    "'_'",
    "'d'",
    "'x'",
    "'#x'",
    "'b'",
    "'#010b'",
    "'o'",
    "'X'",
    "'c'",
    "'e'",
    "'.3e'",
    "'f'",
    "'.1f'",
    "'.0f'",
    "'g'",
    "'.3g'",
    "'%'",
    "'.1%'",
    "'+.2f'",
    "'010.3f'",
    "',.2f'",
    "'_x'",
    "'=8'",
    "'.2'",
    "'s'",
    "'.1s'",
    "'10s'",
    "' d'",
    "'n'",
    "'z.1f'",
    "'#g'",
    "'#.0f'",
    "'E'",
    "'G'",
    "'F'",
    "'08,d'",
    "'+08_d'",
    "'\u{e4}^7'",
    "'!'",
    "'5.'",
    "'dd'",
    "',_'",
    "',s'",
];
const TYPES: &[&str] =
    &["int", "float", "str", "(int, str)", "list", "dict", "bool", "object", "bytes", "set", "type(None)", "5"];

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

const SIMPLE: &[&str] = &[
    "i = {i}",
    "j = {i}",
    "x = {f}",
    "s = {s}",
    "t = {s}",
    "l = {l}",
    "m = {l}",
    "d = {d}",
    "q = {q}",
    "b = {b}",
    "p = {p}",
    "k = {n}",
    "i += {i}",
    "i -= {n}",
    "j *= {n}",
    "i //= {i}",
    "x /= {f}",
    "s += {s}",
    "x += {i}",
    "l += {l}",
    "l.append({i})",
    "l.extend({l})",
    "l.insert({n}, {i})",
    "l.pop()",
    "l.pop({n})",
    "l.remove({i})",
    "l.sort()",
    "l.reverse()",
    "l[{n}] = {i}",
    "l[{n}:{n}] = {l}",
    "del l[{n}]",
    "del l[{n}:]",
    "l[::2] = {l}",
    "l *= {n}",
    "m.sort(key=lambda v: -v)",
    "l.clear()",
    "d[{s}] = {i}",
    "del d[{s}]",
    "d.update({d})",
    "d.pop({s})",
    "d.pop({s}, {i})",
    "d.setdefault({s}, {i})",
    "d.popitem()",
    "d |= {d}",
    "d.clear()",
    "q.add({i})",
    "q.discard({i})",
    "q.remove({i})",
    "q |= {q}",
    "q -= {q}",
    "q.update({l})",
    "q &= {q}",
    "log.append({x})",
    "log.append({x})",
    "log.append({i})",
    "log.append({s})",
    "log.append({f})",
    "i, j = j, i",
    "i, *l = {l}",
    "i, j = {l}",
    "a, b2, *c = {s}; log.append((a, b2, c))",
    "assert {p}, {s}",
    "raise {s}",
    "raise ValueError({x})",
    "raise KeyError({s}, {i})",
    "log.append(i)",
    "if {p}: return {x}",
    "(i := {i})",
    "log.append({s}.split({s}))",
    "log.append({s}.rsplit({s}, {n}))",
    "log.append({s}.splitlines())",
    "log.append({s}.partition({s}))",
    "log.append(divmod({i}, {i}))",
    "log.append(divmod({f}, {f}))",
    "log.append(slice({n}, {n}, {n}).indices({i} % 9))",
    "log.append(sorted({d}.items()))",
    "log.append({d}.keys() & {d}.keys() == {q})",
    "log.append(list(zip({l}, {s})))",
    "log.append(str.maketrans({s}, {s}))",
    "log.append(({f}).as_integer_ratio())",
    "log.append({x} + {x})",
    "log.append({x} * {x} if {p} else 0)",
    "log.append({x} < {x})",
    "log.append({x}[{n}])",
    "log.append(len({x}))",
    "log.append(undefined)",
    "log.append({x}.nothing)",
    "log.append({x}({i}))",
    "log.append(-{x})",
    "log.append(iter({x}) is not None)",
    "log.append(int({x}))",
    "log.append(float({x}))",
    "log.append(list({x}))",
    "log.append(sorted({x}))",
    "log.append(max({x}))",
    "log.append(tuple({x}))",
    "log.append(bytes({x}) if {p} else 1)",
    "log.append(round({x}, {n}))",
    "log.append(abs({x}))",
    "log.append(sum({x}))",
    "log.append(dict({x}))",
    "log.append(isinstance({x}, {t}))",
    "log.append({x} in {x})",
    "log.append({x} % {x})",
    "log.append({x} & {x})",
    "log.append({x} - {x})",
    "log.append({x} // {n})",
    "log.append(set({l}) == {q})",
];

const METHODS: &[&str] = &[
    "def __add__(self, o): return C(self.v + (o.v if isinstance(o, C) else o))",
    "def __eq__(self, o): return self.v == getattr(o, 'v', o)",
    "def __lt__(self, o): return self.v < o.v",
    "def __len__(self): return self.v",
    "def __bool__(self): return self.v > 0",
    "def __getitem__(self, k): return self.v[k]",
    "def __iter__(self): return iter(range(self.v % 5))",
    "def __contains__(self, k): return k == self.v",
    "def __call__(self, *a): return (self.v, a)",
    "def __hash__(self): return hash(self.v) % 8",
    "def __index__(self): return self.v",
    "def __getattr__(self, n): return n * 2",
    "def __radd__(self, o): return (o, self.v)",
    "def __format__(self, spec): return '<' + spec + '>'",
    "@property\ndef w(self): return self.v + 1",
    "@staticmethod\ndef w(): return 5",
    "@classmethod\ndef w(cls): return cls.__name__",
    "def __enter__(self): return self.v\ndef __exit__(self, *a): log.append(a[0] and a[0].__name__); return {p}",
    "def __str__(self): return 1",
    "def __neg__(self): return C(-self.v)",
];

const USES: &[&str] = &[
    "log.append(C({i}) + C({i}))",
    "log.append(C({i}) + {i})",
    "log.append({i} + C({i}))",
    "log.append(C({i}) == C({i}))",
    "log.append(C({i}) != {i})",
    "log.append(sorted([C({i}), C({i}), C({i})]))",
    "log.append(len(C({i})))",
    "log.append(bool(C({i})))",
    "log.append(C({l})[{n}])",
    "log.append(list(C({n})))",
    "log.append({i} in C({i}))",
    "log.append(C({i})({i}, {s}))",
    "log.append({C({n}), C({n}), C({n})} != 0)",
    "log.append({l}[C({n})])",
    "log.append(type(C({i}).w).__name__)",
    "log.append(C({i}).w())",
    "log.append(f'{C(1):abc}')",
    "log.append(str(C({i})))",
    "with C({i}) as v: log.append({i} // {n})",
    "log.append(-C({i}))",
    "log.append(C({i}).z + C.z)",
    "C({i}, {i})",
    "C.z.q = 1",
    "c = C({i}); c.u = {i}; del c.u; log.append(vars(c)); c.u",
    "log.append(range(C({n}).v))",
    "log.append([C({i})] == [C({i})])",
    "log.append(C({i}) < C({i}))",
    "log.append(C({i}) <= C({i}))",
    "log.append(max(C({i}), C({i})))",
    "log.append(C({i}) * 2)",
    "log.append(isinstance(C(1), C) and issubclass(C, {t}))",
    "c = C({i}); log.append(hash(c) == hash(c))",
    "log.append(next(C({i})))",
    "for v in C({n}): log.append(v)",
    "log.append(dict({C(1): 2}))",
    "a, b = C({n})",
];

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
