//! `kit dis --where`: the source with the lines marked at which a thread can lose the lock.
//!
//! Two tables say where: the instruction table (`bytecode/isa.rs`: which instructions are safe points) and the
//! natives (`waits` rows give the lock up of themselves, `quick` rows have no safe point after them). Which native
//! a call means is known only where the script imports it by name; a method's call is taken for a safe point.

use crate::bytecode::{Code, Const};
use crate::stdlib;
use crate::vm::native::{NativeFn, NativeRow};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// How a line can lose the lock.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Way {
    /// A native that waits or works without it, in words.
    Waits(String),
    Entry(String),
    Loop,
    Call(String),
    Other(&'static str),
}

/// The annotated source of a module.
pub fn annotated(code: &Code) -> String {
    let names = Names::of(&code.file.text);
    let mut ways: BTreeMap<u32, BTreeSet<Way>> = BTreeMap::new();
    collect(code, &names, true, &mut ways);
    let text: Vec<&str> = code.file.text.lines().collect();
    let source = text.iter().map(|l| l.trim_end().chars().count()).max().unwrap_or(0).min(60);
    let mut out = String::new();
    for (line, shown) in (1..).zip(&text) {
        let shown = shown.trim_end();
        let Some(ways) = ways.get(&line) else {
            let _ = writeln!(out, "{}", format!("    {line:>4}  {shown}").trim_end());
            continue;
        };
        let sign = if ways.iter().any(|w| matches!(w, Way::Waits(_))) { 'w' } else { '*' };
        let says: Vec<String> = ways.iter().map(Way::words).collect();
        let _ = writeln!(out, "  {sign} {line:>4}  {shown:<source$}  # {}", says.join(", "));
    }
    let marked = ways.len();
    let _ = writeln!(
        out,
        "\n{marked} of {} lines can lose the lock: * when another thread has asked for it, w without being asked.",
        text.len()
    );
    out
}

impl Way {
    fn words(&self) -> String {
        match self {
            Way::Waits(says) => says.clone(),
            Way::Entry(name) => format!("entry of {name}()"),
            Way::Loop => "end of a turn of the loop".to_string(),
            Way::Call(name) if name.is_empty() => "after a call".to_string(),
            Way::Call(name) => format!("after {name}()"),
            Way::Other(what) => (*what).to_string(),
        }
    }
}

fn collect(code: &Code, names: &Names, module: bool, ways: &mut BTreeMap<u32, BTreeSet<Way>>) {
    let mut add = |line: u32, way: Way| {
        ways.entry(line).or_default().insert(way);
    };
    if !module && !code.name.starts_with('<') {
        add(code.first_line, Way::Entry(code.name.to_string()));
    }
    for (at, instr) in code.instrs.iter().enumerate().filter(|(_, i)| i.row().checks) {
        let name = instr.row().name;
        let way = if name.starts_with("Loop") || matches!(name, "JumpBack" | "ForLoop") {
            Way::Loop
        } else if name.starts_with("Call") {
            match names.callee(code, at) {
                Callee::Quick => continue,
                Callee::Waits(full) => Way::Waits(full),
                Callee::Unknown(text) => Way::Call(text),
            }
        } else {
            Way::Other(match name {
                "Yield" | "YieldFrom" => "where the generator goes on",
                "WithEnter" => "after __enter__()",
                "WithExit" | "WithExitExc" => "after __exit__()",
                "Import" => "after the import",
                "BuildClass" => "after the class's body",
                "Check" => "a safe point after every instruction",
                _ => "a safe point",
            })
        };
        add(code.line(at), way);
    }
    for inner in &code.consts {
        if let Const::Code(inner) = inner {
            collect(inner, names, false, ways);
        }
    }
}

enum Callee {
    /// No safe point follows.
    Quick,
    Waits(String),
    Unknown(String),
}

/// What the script's names mean, as far as its import statements say so.
struct Names {
    natives: BTreeMap<String, &'static NativeRow>,
    /// The script's own definitions hide builtins.
    text: String,
}

impl Names {
    fn of(text: &str) -> Names {
        let mut natives = BTreeMap::new();
        for row in stdlib::natives().iter().filter(|r| !r.method) {
            if row.module == "builtins" {
                natives.insert(row.name.to_string(), *row);
            }
            natives.insert(format!("{}.{}", row.module, row.name), *row);
        }
        for line in text.lines() {
            let Some((module, list)) = line.trim().strip_prefix("from ").and_then(|l| l.split_once(" import ")) else {
                continue;
            };
            for item in list.split(',') {
                let mut words = item.split_whitespace();
                let Some(name) = words.next() else { continue };
                let bound = if words.next() == Some("as") { words.next().unwrap_or(name) } else { name };
                if let Some(row) = natives.get(&format!("{}.{name}", module.trim())) {
                    natives.insert(bound.to_string(), *row);
                }
            }
        }
        Names { natives, text: text.to_string() }
    }

    fn callee(&self, code: &Code, at: usize) -> Callee {
        let span = code.spans.get(at).and_then(|s| code.file.text.get(s.lo as usize..s.hi as usize));
        let callee = span.and_then(|s| s.split('(').next()).unwrap_or("").trim();
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
        if callee.is_empty() || callee.len() > 40 || !callee.chars().all(plain) {
            return Callee::Unknown(String::new());
        }
        let own = self.text.contains(&format!("def {callee}(")) || self.text.contains(&format!("class {callee}"));
        match self.natives.get(callee).filter(|_| !own).map(|row| (row, row.run)) {
            Some((_, NativeFn::Quick(_))) => Callee::Quick,
            Some((row, NativeFn::Waits(_))) => Callee::Waits(format!("{} gives it up while it waits", row.full_name())),
            Some((row, NativeFn::Computes(_))) => {
                Callee::Waits(format!("{} may give it up while it works", row.full_name()))
            }
            _ => Callee::Unknown(callee.to_string()),
        }
    }
}
