//! Listings of code, for `kit dis` and the golden tests.

use super::code::{Code, Const};
use std::fmt::Write;

/// Lists code and all code nested in it. Safe points carry a `*`.
pub fn disassemble(code: &Code) -> String {
    let mut out = String::new();
    one(code, &mut out);
    out
}

fn one(code: &Code, out: &mut String) {
    let p = &code.params;
    let _ = writeln!(
        out,
        "{} ({}:{}), {} parameters, {} registers",
        code.qualname,
        code.file.name,
        code.first_line,
        p.names.len(),
        code.registers
    );
    let mut line = 0;
    for (at, i) in code.instrs.iter().enumerate() {
        let now = code.line(at);
        let shown = if now == line { String::new() } else { now.to_string() };
        if now != line && at > 0 {
            out.push('\n');
        }
        line = now;
        let mark = if i.row().checks { '*' } else { ' ' };
        let text = format!("{shown:>5} {mark} {at:>5}  {:<14} {}", i.row().name, i.operands(code, at));
        let _ = writeln!(out, "{}", text.trim_end());
    }
    for h in &code.handlers {
        let _ = writeln!(out, "      {}..{} on exception -> {} in r{}", h.from, h.to, h.target, h.exc);
    }
    for c in &code.consts {
        if let Const::Code(inner) = c {
            out.push('\n');
            one(inner, out);
        }
    }
}
