//! Values from one interpreter to another: snapshots as `fork` makes them, and frames that are none.
//!
//! A case is a script with a function `target` and a tuple `args`. The snapshot of both goes to a second,
//! fresh interpreter, which has not run the script; there `target(*args)` gives what it gives here.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // tests reach outside themselves

use kit::engine::{self, Config, Script};
use kit::gil::{self, GilConfig};
use kit::object::{Name, TypeId, Value, name};
use kit::process;
use kit::vm::{Res, Thread};

/// Runs a script in a fresh interpreter, then `f`.
fn with_script<R: Send>(script: &str, f: impl FnOnce(&mut Thread) -> R + Send) -> R {
    let config = Config {
        script: Script::Text { name: "case.kit".into(), bytes: script.as_bytes().to_vec() },
        argv: vec![String::new()],
        params: vec![],
        gil: GilConfig::default(),
        every_safe_point: false,
        stats: false,
        trace: None,
        counts: None,
        sim_fs: kit::world::disk::Writes::Overlay,
        colour: false,
    };
    let code = engine::compile(&config.script, false).map_err(|e| e.render(false)).expect("the script compiles");
    gil::run(config.gil.clone(), |held| {
        let mut th = engine::begin(held, &config, engine::options(&config));
        let main = th.new_module(name::MAIN);
        let ran = th.run_module(&code, &main);
        must(&mut th, ran);
        let out = f(&mut th);
        drop(th.finish());
        out
    })
    .expect("the lock starts")
}

/// The result, or a panic with the traceback.
fn must<T>(th: &mut Thread, r: Res<T>) -> T {
    match r {
        Ok(v) => v,
        Err(_) => panic!("{}", error(th)),
    }
}

/// The exception in flight as it would be printed.
fn error(th: &mut Thread) -> String {
    let e = th.take_raised();
    th.format_exception(&e)
}

fn global(th: &mut Thread, name: &str) -> Value {
    let main = th.import("__main__", true);
    let main = must(th, main);
    let v = th.get_attr(&main, Name::of(name));
    must(th, v)
}

/// `repr(target(*args))`, or `raised` and the last line of its error.
fn outcome(th: &mut Thread, target: &Value, args: &Value) -> String {
    let args = th.collect(args);
    let args = must(th, args);
    let r = th.call(target, &args).and_then(|v| th.repr(&v));
    match r {
        Ok(text) => text,
        Err(_) => format!("raised {}", error(th).trim_end().lines().last().unwrap_or_default()),
    }
}

/// The snapshot of `target` and `args`, and what `target(*args)` gives where it was taken.
fn snapshot(script: &str) -> (Vec<u8>, String) {
    with_script(script, |th| {
        let (target, args) = (global(th, "target"), global(th, "args"));
        let bytes = process::snapshot(th, &[target.clone(), args.clone()]);
        let bytes = must(th, bytes);
        let expected = outcome(th, &target, &args);
        (bytes, expected)
    })
}

fn in_child(bytes: &[u8]) -> String {
    with_script("", |th| {
        let roots = process::decode(th, bytes);
        let roots = must(th, roots);
        outcome(th, &roots[0], &roots[1])
    })
}

/// (what travels, script).
const CASES: &[(&str, &str)] = &[
    (
        "plain data of all types",
        "def target(*a):\n    return [type(x).__name__ for x in a], a\n\
         args = (None, True, -1, 1 << 70, 1.5, 'ä', b'x', bytearray(b'y'), [1], (2,), {3: 4}, {5}, frozenset([6]), range(1, 9, 2), slice(1, None), ..., int, len)",
    ),
    (
        "a closure over a list that two functions share",
        "def make():\n    items = []\n    def add(x): items.append(x)\n    def all(): return items\n    return add, all\n\
         args = make()\n\
         def target(add, all):\n    add(1)\n    add(2)\n    return all(), [c() for c in [all, all]]",
    ),
    (
        "shared identity and cycles",
        "shared = {'a': 1}\nring = [shared, shared]\nring.append(ring)\n\
         args = (ring, shared)\n\
         def target(r, s):\n    r[0]['b'] = 2\n    return s, r[0] is r[1], r[0] is s, r[2] is r, ring is r, shared is s",
    ),
    (
        "instances with a cycle, and their class with property, class and static methods, defaults and super",
        "class Base:\n    def __init__(self, n): self.n = n; self.me = self\n    def hello(self): return 'base %d' % self.n\n\
         class Deep(Base):\n    count = 7\n    @property\n    def double(self): return self.n * 2\n    @double.setter\n    def double(self, v): self.n = v // 2\n    @classmethod\n    def make(cls, n=5): return cls(n)\n    @staticmethod\n    def plain(x, *, k=3): return x * k\n    def hello(self): return 'deep ' + super().hello()\n    def __eq__(self, o): return self.n == o.n\n    def __hash__(self): return hash(self.n)\n\
         args = (Deep(4), Deep(5).hello)\n\
         def target(d, m):\n    d.double = 20\n    return d.n, d.double, d.me is d, Deep.make().n, d.plain(2), d.hello(), m(), d in {Deep(10): 1}, isinstance(d, Base), Deep.count, type(d) is Deep, Deep.__qualname__, Deep.__module__",
    ),
    (
        "functions with defaults, attributes, annotations, recursion, lambdas and globals that change",
        "calls = 0\n\
         def fact(n: int, acc=1, *, base=1) -> int:\n    'doc of fact'\n    global calls\n    calls += 1\n    return base if n == 0 else n * fact(n - 1)\n\
         fact.tag = [1]\n\
         twice = lambda f, *a: f(f(*a))\n\
         def even(n): return n == 0 or odd(n - 1)\n\
         def odd(n): return n != 0 and even(n - 1)\n\
         args = (lambda x, y=10: x + y, fact, [lambda: 1, lambda: 2])\n\
         def target(f, g, both):\n    return f(1), g(5), calls, twice(f, 1), even(10), fact.__doc__, fact.tag, fact.__annotations__, g is fact, [b() for b in both], fact.__name__",
    ),
    (
        "a recursive closure, a generator function, nested classes, partial",
        "from functools import partial, reduce\nimport math as m\n\
         def outer(k):\n    def walk(n): return [] if n == 0 else [n * k] + walk(n - 1)\n    class In:\n        def get(self): return walk(2), __name__\n    def gen():\n        for i in range(k): yield i\n    return walk, In, gen\n\
         args = (*outer(3), partial(pow, 2))\n\
         def target(walk, In, gen, p):\n    return walk(3), In().get(), list(gen()), p(5), reduce(lambda a, b: a + b, [1, 2, 3]), m.sqrt(16), In.__qualname__",
    ),
    (
        "exceptions with arguments, attributes, notes and a chain",
        "class Oops(Exception):\n    def __init__(self, a, b): super().__init__(a, b); self.b = b\n\
         def fail():\n    try:\n        1 / 0\n    except ZeroDivisionError as e:\n        raise Oops('x', [1]) from e\n\
         try: fail()\nexcept Oops as e: kept = e\n\
         kept.add_note('noted') if hasattr(kept, 'add_note') else None\n\
         args = (kept, KeyError('k'), StopIteration(3), SystemExit(4))\n\
         def target(e, k, s, x):\n    try: raise e\n    except Oops as again: return again is e, again.args, again.b, repr(again.__cause__), repr(k), s.value, x.code, str(k)",
    ),
    (
        "subclasses of builtin types, states and reductions",
        "from collections import OrderedDict, Counter, defaultdict, deque, namedtuple\n\
         class Stack(list):\n    def __init__(self, *a): super().__init__(a); self.top = len(a)\n\
         class State:\n    def __init__(self): self.kept, self.lost = 1, (i for i in [])\n    def __getstate__(self): return {'kept': self.kept}\n    def __setstate__(self, s): self.kept = s['kept'] + helper()\n\
         class Red:\n    def __init__(self, *a): self.a = a\n    def __reduce__(self): return Red, (1, 2), {'z': 3}\n\
         def helper(): return 100\n\
         Pt = namedtuple('Pt', 'x y')\n\
         args = (Stack(1, 2), OrderedDict(a=1), Counter('aab'), defaultdict(list, {1: [2]}), deque([1, 2], 3), Pt(1, 2))\n\
         extra = [State(), Red()]\n\
         def target(s, *rest):\n    d = rest[2]; d[9].append(1)\n    return s, s.top, type(s) is Stack, rest, hasattr(extra[0], 'lost') or extra[0].kept - 100 >= 0, rest[4].x",
    ),
    (
        "decorated functions, and a class made later from what arrived",
        "import functools\n\
         def logged(f):\n    @functools.wraps(f)\n    def inner(*a):\n        log.append(f.__name__)\n        return f(*a)\n    return inner\n\
         log = []\n\
         @logged\ndef work(x): return x + 1\n\
         class A:\n    @logged\n    def run(self): return 'ran'\n\
         args = ()\n\
         def target(): return work(1), A().run(), log, work.__name__, work.__wrapped__(5)",
    ),
    (
        "a cache, whose lock is its own",
        "import functools\n@functools.lru_cache(maxsize=None)\ndef fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)\n\
         fib(10)\nargs = ()\ndef target(): return fib(30), fib.cache_info().currsize",
    ),
    (
        "the module's own facts",
        "__file__ = 'case.kit'\nargs = ()\ndef target(): return __name__, __file__, globals()['__name__']",
    ),
];

#[test]
fn snapshots_travel_to_a_fresh_interpreter() {
    for (what, script) in CASES {
        let (bytes, expected) = snapshot(script);
        assert!(!expected.starts_with("raised"), "{what}: the case itself fails: {expected}");
        assert_eq!(in_child(&bytes), expected, "{what}");
    }
}

#[test]
fn what_cannot_travel_among_globals_says_so_when_it_is_used() {
    let script = "import threading\nlock = threading.Lock()\nbox = {'deep': [lock]}\nopen = (i for i in [])\nfine = [1]\n\
                  class Holder:\n    inner = lock\n    def size(self): return len(fine)\n\
                  def use(): return lock\n\
                  def target(which):\n    if which == 0: return fine\n    if which == 1: return box\n    if which == 2: return open\n    if which == 3: return Holder().size()\n    return use()\n\
                  args = (0,)";
    let (bytes, _) = snapshot(script);
    with_script("", |th| {
        let roots = process::decode(th, &bytes);
        let roots = must(th, roots);
        let mut given = |which: i64| {
            let args = th.tuple(vec![Value::Int(which)]);
            outcome(th, &roots[0], &args)
        };
        let lost = |n: &str, t: &str| {
            format!(
                "raised RuntimeError: global variable '{n}' did not travel to this process: cannot pickle '{t}' object"
            )
        };
        assert_eq!(given(0), "[1]");
        assert_eq!(given(1), lost("box", "_thread.lock"));
        assert_eq!(given(2), lost("open", "generator"), "not the builtin of this name");
        assert_eq!(given(3), lost("Holder", "_thread.lock"));
        assert_eq!(given(4), lost("lock", "_thread.lock"));
    });
}

#[test]
fn what_cannot_travel_among_arguments_is_refused_at_once() {
    let script = "import threading\nargs = [threading.Lock(), (i for i in []), iter([]), {}.keys(), threading.Event()]";
    with_script(script, |th| {
        let args = global(th, "args");
        let items = th.collect(&args);
        let texts: Vec<String> = must(th, items)
            .into_iter()
            .map(|v| match process::snapshot(th, &[Value::None, v]) {
                Ok(_) => "travelled".to_string(),
                Err(_) => error(th).trim_end().to_string(),
            })
            .collect();
        let refused = ["_thread.lock", "generator", "list_iterator", "dict_keys", "_thread.lock"];
        assert_eq!(texts, refused.map(|t| format!("TypeError: cannot pickle '{t}' object")));
    });
}

#[test]
fn by_name_finds_the_thing_itself_and_code_is_not_made_twice() {
    let script = "def f(): pass\ndef g(): return lambda: 1\nclass C: pass\nargs = [f, C, len, int, C(), g(), g()]";
    with_script(script, |th| {
        let args = global(th, "args");
        let items = th.collect(&args);
        let items = must(th, items);
        let bytes = process::encode(th, &items[..5]);
        let bytes = must(th, bytes);
        let back = process::decode(th, &bytes);
        let back = must(th, back);
        assert!((0..4).all(|i| back[i].same(&items[i])));
        let programs = th.interp.programs.with(&th.held, |p| p.len());
        let bytes = process::snapshot(th, &items[5..]);
        let bytes = must(th, bytes);
        let back = process::decode(th, &bytes);
        let back = must(th, back);
        let code = |th: &mut Thread, f: &Value| th.get_attr(f, name::CODE).expect("code");
        assert!(code(th, &back[0]).same(&code(th, &back[1])) && code(th, &back[0]).same(&code(th, &items[5])));
        assert_eq!(th.interp.programs.with(&th.held, |p| p.len()), programs);
    });
}

#[test]
fn a_traceback_travels_as_text() {
    let script = "def fail(): {}['gone']\ntry: fail()\nexcept KeyError as e: args = (e,)\ndef target(e): return e";
    let (bytes, _) = snapshot(script);
    with_script("", |th| {
        let roots = process::decode(th, &bytes);
        let roots = must(th, roots);
        let e = th.get_item(&roots[1], &Value::Int(0));
        let e = must(th, e);
        let text = th.get_attr(&e, Name::of(process::wire::REMOTE_TRACEBACK)).and_then(|t| th.str_text(&t));
        let text = must(th, text);
        assert!(text.contains("line 1, in fail") && text.ends_with("KeyError: 'gone'\n"), "{text}");
    });
}

/// A plain generator of numbers, so that a failure repeats.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % n.max(1)
    }
}

fn mutate(frame: &[u8], other: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut f = frame.to_vec();
    for _ in 0..=dice.below(3) {
        let at = dice.below(f.len());
        match dice.below(6) {
            0 => f.truncate(at),
            1 => {
                let (from, n) = (dice.below(other.len()), dice.below(40));
                let part = other[from..(from + n).min(other.len())].to_vec();
                f.splice(at..(at + dice.below(40)).min(f.len()), part);
            }
            2 if !f.is_empty() => f[at] = dice.below(256) as u8,
            3 if !f.is_empty() => f[at] = dice.below(48) as u8,
            4 => f.insert(at, [0, 1, 0x7f, 0x80, 0xff][dice.below(5)]),
            _ if !f.is_empty() => f[at] ^= 1 << dice.below(8),
            _ => {}
        }
    }
    f
}

#[test]
fn no_frame_makes_the_decoder_panic() {
    let frames: Vec<Vec<u8>> = CASES.iter().map(|(_, script)| snapshot(script).0).collect();
    with_script("", |th| {
        let mut dice = Dice(7);
        let (mut accepted, mut refused) = (0, 0);
        for round in 0..4000 {
            let frame = &frames[round % frames.len()];
            let other = &frames[dice.below(frames.len())];
            match process::decode(th, &mutate(frame, other, &mut dice)) {
                Ok(roots) => {
                    accepted += 1;
                    // What was made can be looked at.
                    for v in roots {
                        if th.repr(&v).is_err() {
                            drop(th.take_raised());
                        }
                    }
                }
                Err(_) => {
                    refused += 1;
                    drop(th.take_raised());
                }
            }
        }
        assert!(accepted > 50 && refused > 1000, "{accepted} accepted, {refused} refused");
    });
}

#[test]
fn a_frame_is_not_believed_about_depth_and_size() {
    with_script("", |th| {
        let head = [0x80, b'K', process::wire::VERSION, 0, 1];
        let frame = |body: &[u8]| head.iter().chain(body).copied().collect::<Vec<u8>>();
        let tag = |t: process::wire::Tag| t as u8;
        let deep = [tag(process::wire::Tag::List), 1].repeat(100_000);
        let huge = [tag(process::wire::Tag::List), 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
        let small_big = [tag(process::wire::Tag::BigInt), 1, 5];
        let text = [tag(process::wire::Tag::Str), 2, 0xff, 0xff];
        let cases: [(&[u8], TypeId, &str); 4] = [
            (&deep, TypeId::RecursionError, "maximum recursion depth exceeded while unpickling an object"),
            (&huge, TypeId::Exception, "pickle data was truncated"),
            (&small_big, TypeId::Exception, "a small int written as a large one"),
            (&text, TypeId::Exception, "text that is not UTF-8"),
        ];
        for (body, class, text) in cases {
            assert!(process::decode(th, &frame(body)).is_err());
            assert!(th.raised_is(class));
            let got = error(th);
            assert!(got.contains(text), "{got}");
        }
    });
}
