//! Listings of what small scripts compile to, and the errors that only the compiler finds.
//!
//! A file `tests/golden/code/NAME.kit` has its listing beside it; INSTA_UPDATE=always rewrites them.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // tests reach outside themselves

use kit::bytecode::disassemble::disassemble;
use kit::bytecode::{Code, Const, Handler, Instr, Reg};
use kit::compile::{Options, compile_module};
use kit::source::{Diagnostic, SourceFile};
use kit::syntax;
use std::path::Path;
use std::sync::Arc;

fn compiled(name: &str, text: &str, every_safe_point: bool) -> Result<Arc<Code>, Diagnostic> {
    let file = SourceFile::new(name, text)?;
    let ast = syntax::parse(&file)?;
    compile_module(&ast, Options { every_safe_point, ..Options::default() })
}

fn scripts() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/code");
    let mut found: Vec<(String, String)> = std::fs::read_dir(folder)
        .expect("the folder of listings")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "kit"))
        .map(|path| {
            let name = path.file_stem().expect("a name").to_string_lossy().into();
            (name, std::fs::read_to_string(&path).expect("a script"))
        })
        .collect();
    found.sort();
    found
}

#[test]
fn listings() {
    let scripts = scripts();
    assert!(scripts.len() >= 25);
    for (name, text) in scripts {
        let code = compiled(&format!("{name}.kit"), &text, false).expect(&name);
        insta::with_settings!({
            snapshot_path => "golden/code",
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!(name, disassemble(&code));
        });
    }
}

/// Every way through the code leaves the handlers that it entered, innermost first, and no exception
/// leaves the code from inside one.
#[test]
fn handlers_nest_on_every_way() {
    for (name, text) in scripts() {
        for every in [false, true] {
            let code = compiled(&name, &text, every).expect(&name);
            walk_code(&code, &mut |code| handlers_nest(code));
        }
    }
}

fn walk_code(code: &Code, visit: &mut impl FnMut(&Code)) {
    visit(code);
    for c in &code.consts {
        if let Const::Code(inner) = c {
            walk_code(inner, visit);
        }
    }
}

fn handlers_nest(code: &Code) {
    let mut known: Vec<Option<Vec<Reg>>> = vec![None; code.instrs.len()];
    let mut ways = vec![(0, Vec::new())];
    while let Some((at, mut entered)) = ways.pop() {
        if let Some(before) = &known[at] {
            assert_eq!(before, &entered, "{} at {at}", code.qualname);
            continue;
        }
        known[at] = Some(entered.clone());
        let instr = code.instrs[at];
        let quiet = matches!(
            instr,
            Instr::Unset { .. }
                | Instr::Move { .. }
                | Instr::LoadInt { .. }
                | Instr::LoadNone { .. }
                | Instr::StoreCell { .. }
                | Instr::Jump { .. }
                | Instr::EnterHandler { .. }
                | Instr::ExitHandler { .. }
        );
        let covered = |h: &&Handler| (h.from..h.to).contains(&(at as u32));
        match code.handlers.iter().find(covered) {
            Some(h) if !quiet => ways.push((h.target as usize, entered.clone())),
            None if !quiet => assert!(entered.is_empty(), "{} at {at}", code.qualname),
            _ => {}
        }
        match instr {
            Instr::EnterHandler { saved, .. } => entered.push(saved),
            Instr::ExitHandler { saved } => {
                assert_eq!(entered.pop(), Some(saved), "{} at {at}", code.qualname);
            }
            _ => {}
        }
        let shown = instr.operands(code, at);
        let target = shown.rsplit_once("-> ").map(|(_, to)| to.parse());
        if let Some(Ok(to)) = target {
            ways.push((to, entered.clone()));
        }
        let ends = ["Return", "ReturnNone", "Raise", "RaiseFrom", "RaiseBare"];
        let jumps = ["Reraise", "AssertFail", "Jump", "JumpBack"];
        if !ends.iter().chain(&jumps).any(|end| *end == instr.row().name) {
            ways.push((at + 1, entered));
        }
    }
}

#[test]
fn a_check_follows_each_instruction_if_asked() {
    for (name, text) in scripts() {
        let code = compiled(&name, &text, true).expect(&name);
        let checks = disassemble(&code).matches(" Check\n").count();
        assert!(checks > 0, "{name}");
    }
}

macro_rules! refused {
    ($($name:ident { $($text:literal => $line:literal $message:literal)* })*) => { $(
        #[test]
        fn $name() {
            $({
                let error = compiled("x", $text, false).err().expect($text);
                assert_eq!((error.line_col().line, &*error.message), ($line, $message), "{}", $text);
            })*
        }
    )* };
}

refused! {
    statements_out_of_place {
        "x = 1\nreturn x\n" => 2 "'return' outside function"
        "class C:\n    return\n" => 2 "'return' outside function"
        "break\n" => 1 "'break' outside loop"
        "def f():\n    continue\n" => 2 "'continue' not properly in loop"
        "while 1:\n    def f():\n        break\n" => 3 "'break' outside loop"
        "class C:\n    await x\n" => 2 "'await' outside function"
        "def f():\n    await x\n" => 2 "'await' outside async function"
        "yield 1\n" => 1 "'yield' outside function"
        "class C:\n    x = yield\n" => 2 "'yield' outside function"
        "def f():\n    [(yield) for x in y]\n" => 2 "'yield' inside list comprehension"
        "def f():\n    ((yield) for x in y)\n" => 2 "'yield' inside generator expression"
        "def f():\n    from a import *\n" => 2 "import * only allowed at module level"
        "x = 1\nfrom __future__ import annotations\n" => 2 "from __future__ imports must occur at the beginning of the file"
        "from __future__ import braces\n" => 1 "future feature braces is not defined"
    }
    declarations {
        "def f(a, a): pass\n" => 1 "duplicate argument 'a' in function definition"
        "lambda x, *x: 0\n" => 1 "duplicate argument 'x' in function definition"
        "nonlocal x\n" => 1 "nonlocal declaration not allowed at module level"
        "def f():\n    nonlocal x\n" => 2 "no binding for nonlocal 'x' found"
        "def f():\n    print(x)\n    global x\n" => 3 "name 'x' is used prior to global declaration"
        "def f():\n    x = 1\n    global x\n" => 3 "name 'x' is assigned to before global declaration"
        "def f(x):\n    global x\n" => 2 "name 'x' is parameter and global"
        "def f(x):\n    nonlocal x\n" => 2 "name 'x' is parameter and nonlocal"
        "def g():\n    x = 1\n    def f():\n        x = 2\n        nonlocal x\n" => 5 "name 'x' is assigned to before nonlocal declaration"
        "def g():\n    x = 1\n    def f():\n        global x\n        nonlocal x\n" => 5 "name 'x' is nonlocal and global"
        "def f():\n    x: int = 1\n    global x\n" => 3 "annotated name 'x' can't be global"
        "def f():\n    global x\n    x: int = 1\n" => 3 "annotated name 'x' can't be global"
    }
    walrus {
        "[i := 0 for i in range(5)]\n" => 1 "assignment expression cannot rebind comprehension iteration variable 'i'"
        "[i for i in (j := [1])]\n" => 1 "assignment expression cannot be used in a comprehension iterable expression"
        "class C:\n    x = [(y := i) for i in a]\n" => 2 "assignment expression within a comprehension cannot be used in a class body"
        "[[(i := 0) for j in b] for i in a]\n" => 1 "assignment expression cannot rebind comprehension iteration variable 'i'"
        "[[(j := 0) for i in a] for j in b]\n" => 1 "assignment expression cannot rebind comprehension iteration variable 'j'"
        "[i for i in a if (j := 0) for j in b]\n" => 1 "comprehension inner loop cannot rebind assignment expression target 'j'"
    }
    expressions {
        "f(a=1, a=2)\n" => 1 "keyword argument repeated: a"
        "*a, *b = c\n" => 1 "multiple starred expressions in assignment"
    }
}

/// Twenty open statements are CPython's bound.
#[test]
fn statements_nest_twenty_deep() {
    let nested = |depth: usize| {
        let lines = (0..depth).map(|at| format!("{}while x:\n", " ".repeat(at)));
        lines.collect::<String>() + &" ".repeat(depth) + "pass\n"
    };
    assert!(compiled("x", &nested(20), false).is_ok());
    let error = compiled("x", &nested(21), false).expect_err("too deep");
    assert_eq!(error.message, "too many statically nested blocks");
}

/// Jumps over more than 32,767 instructions take their long form; so do loops.
#[test]
fn far_jumps_are_spelled_out() {
    let body = "        f()\n".repeat(12_000);
    for head in [
        "    while a < b:\n",
        "    while a:\n",
        "    for x in a:\n",
        "    if a:\n",
        "    if a is None:\n",
        "    if 1 < a < 3:\n",
        "    with a:\n",
        "    while not a:\n",
    ] {
        let text = format!("def g(a, b):\n{head}{body}    return 1\n");
        for every in [false, true] {
            assert!(compiled("x", &text, every).is_ok(), "{head}");
        }
    }
}

#[test]
fn too_large_is_refused() {
    let text: String = (0..61_000).map(|i| format!("x{i} = 1\n")).collect();
    let error = compiled("x", &text, false).expect_err("too many names");
    assert!(error.message.starts_with("too large"), "{error}");
    let text: String = (0..61_000).map(|i| format!("    x{i} = 1\n")).collect();
    let error = compiled("x", &format!("def f():\n{text}"), false).expect_err("too many locals");
    assert!(error.message.starts_with("too large"), "{error}");
}

/// The deepest expressions that parse compile on a thread's ordinary stack.
#[test]
fn deep_expressions_compile() {
    let deep = |open: &str, middle: &str, close: &str, n: usize| {
        format!("x = {}{middle}{}\n", open.repeat(n), close.repeat(n))
    };
    for text in [
        deep("f(", "1", ")", 190),
        deep("[x for x in [", "1", "]]", 90),
        deep("[", "1", " for x in y]", 180),
        deep("a.", "b", "", 950),
        deep("", "f", "(1)", 950),
        deep("lambda: ", "1", "", 950),
        deep("not ", "x", "", 950),
        deep("1 if x else ", "y", "", 950),
        deep("x + ", "y", "", 950),
        deep("x ** ", "y", "", 950),
    ] {
        // As much stack as a program's main thread has.
        let test = move || assert!(compiled("x", &text, false).is_ok(), "{text}");
        std::thread::Builder::new().stack_size(8 << 20).spawn(test).unwrap().join().unwrap();
    }
}
