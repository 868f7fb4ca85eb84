//! Tracebacks as Python prints them, and where a thread stands.

use super::anchors::anchors;
use super::thread::Thread;
use crate::bytecode::Code;
use crate::object::exception::TraceEntry;
use crate::object::{TypeId, Value, name};
use crate::world::Place;
use std::fmt::Write;
use std::sync::Arc;

/// Files of the embedded library are named so; their frames are not shown to users.
pub fn is_library(file: &str) -> bool {
    file.starts_with("<kit:")
}

/// The variable of an assignment of which this much stands before the value: `b` of `a, b = f(), `.
fn target(before: &str) -> Option<&str> {
    let statement = before.rsplit(';').next()?;
    let (left, right) = statement.rsplit_once('=')?;
    let earlier = right.matches(',').count();
    if !right.trim().is_empty() && !right.trim_end().ends_with(',') {
        return None;
    }
    let name = match left.rsplit_once('(') {
        // A keyword argument.
        Some((_, arguments)) if earlier == 0 => arguments.rsplit(',').next()?,
        Some(_) => return None,
        None if earlier == 0 && !left.contains(',') => left,
        None => left.split(',').nth(earlier)?,
    };
    let name = name.trim();
    let part = |c: char| c.is_alphanumeric() || "_.[]".contains(c);
    (!name.is_empty() && name.chars().all(part)).then_some(name)
}

/// A longer text before the parenthesis of a call is not shown.
const CALLEE_BYTES_MAX: usize = 60;

impl Thread {
    /// Code and instruction of the innermost frame that is not the library's.
    fn script_frame(&self) -> Option<(Arc<Code>, u32)> {
        self.frames.iter().rev().find_map(|f| {
            let func = self.function_at(f.func_at())?;
            let code = func.with::<crate::object::function::Function, _>(&self.held, |f| f.code.clone());
            let code = &code.frozen::<crate::object::code::CodeObj>().code;
            (!is_library(&code.file.name)).then(|| (code.clone(), f.pc))
        })
    }

    /// Code and instruction of each frame that is not the library's, outermost first.
    pub fn script_stack(&self) -> Vec<TraceEntry> {
        let entry = |f: &super::frame::Frame| {
            let func = self.function_at(f.func_at())?;
            let code = func.with::<crate::object::function::Function, _>(&self.held, |f| f.code.clone());
            let code = &code.frozen::<crate::object::code::CodeObj>().code;
            (!is_library(&code.file.name)).then(|| TraceEntry { code: code.clone(), pc: f.pc })
        };
        self.frames.iter().filter_map(entry).collect()
    }

    /// The script line that runs.
    pub fn place(&self) -> Place {
        match self.script_frame() {
            Some((code, pc)) => {
                Place { file: code.file.name.clone(), line: code.line(pc as usize), function: Arc::from(&*code.name) }
            }
            None => Place { file: Arc::from("<start>"), line: 0, function: Arc::from("") },
        }
    }

    /// Tells the trace where the thread stands and, at a call, what it calls.
    pub fn trace_here(&self) {
        let place = self.place();
        let callee = self.script_frame().and_then(|(code, pc)| {
            let pc = pc as usize;
            code.instrs.get(pc)?.row().name.starts_with("Call").then_some(())?;
            let span = code.spans.get(pc)?;
            let text = code.file.text.get(span.lo as usize..span.hi as usize)?;
            let callee = text.split('(').next()?.trim();
            (!callee.is_empty() && callee.len() <= CALLEE_BYTES_MAX && !callee.contains('\n'))
                .then(|| callee.to_string())
        });
        self.held.trace_at(&place, callee.as_deref());
    }

    /// File, line and source text of the script line that runs, for warnings.
    pub fn line_here(&self) -> (Arc<str>, u32, String) {
        match self.script_frame() {
            Some((code, pc)) => {
                let line = code.line(pc as usize);
                (code.file.name.clone(), line, code.file.line_text(line).trim().to_string())
            }
            None => (Arc::from("sys"), 1, String::new()),
        }
    }

    /// What the running expression is assigned to, as the script's line says: `self.fork` in
    /// `self.fork = Lock()`. For names in reports.
    pub fn assigned_here(&self) -> Option<String> {
        let (code, pc) = self.script_frame()?;
        let span = code.spans.get(pc as usize)?;
        let line = code.file.line(span.lo);
        let before = (span.lo - code.file.line_span(line).lo) as usize;
        target(code.file.line_text(line).get(..before)?).map(str::to_string)
    }

    /// The exit code that an uncaught exception means, and what to print on standard error.
    pub fn exit_code(&mut self, e: &Value) -> (i32, String) {
        if self.is_a(e, TypeId::SystemExit) {
            let code = self.get_attr(e, name::CODE_ATTR).unwrap_or(Value::None);
            return match code {
                Value::None => (0, String::new()),
                Value::Int(i) => (i as i32, String::new()),
                Value::Bool(b) => (b as i32, String::new()),
                other => {
                    let text = self.str_text(&other).unwrap_or_default();
                    (1, format!("{text}\n"))
                }
            };
        }
        let text = self.format_exception(e);
        if self.is_a(e, TypeId::KeyboardInterrupt) { (130, text) } else { (1, text) }
    }
}

/// Lines of a traceback, outermost first; a run of equal lines is told once with its number.
pub fn format_trail(trail: &[TraceEntry]) -> String {
    let mut out = String::new();
    let mut last: Option<(usize, u32)> = None;
    let mut same = 0;
    let told = |out: &mut String, same: usize| {
        if same > 3 {
            let s = if same == 4 { "" } else { "s" };
            let _ = writeln!(out, "  [Previous line repeated {} more time{s}]", same - 3);
        }
    };
    for t in trail.iter().rev().filter(|t| !is_library(&t.code.file.name)) {
        let line = t.code.line(t.pc as usize);
        let key = (Arc::as_ptr(&t.code) as usize, line);
        if last == Some(key) {
            same += 1;
        } else {
            told(&mut out, same);
            last = Some(key);
            same = 1;
        }
        if same <= 3 {
            entry(&mut out, t, line);
        }
    }
    told(&mut out, same);
    out
}

/// One frame: file and line, the source line, and a mark under the part that ran if it is not all of it.
fn entry(out: &mut String, t: &TraceEntry, line: u32) {
    let code = &t.code;
    let _ = writeln!(out, "  File \"{}\", line {line}, in {}", code.file.name, code.name);
    let text = code.file.line_text(line);
    let shown = text.trim();
    if shown.is_empty() {
        return;
    }
    let _ = writeln!(out, "    {shown}");
    let Some(span) = code.spans.get(t.pc as usize) else {
        return;
    };
    let begin = code.file.line_span(line).lo + (text.len() - text.trim_start().len()) as u32;
    let end = begin + shown.len() as u32;
    let (lo, hi) = (span.lo.max(begin), span.hi.min(end));
    if span.lo < begin || hi <= lo || code.file.line(span.lo) != line {
        return;
    }
    let base = code.file.line_span(line).lo;
    let part = |a: u32, b: u32| text.get((a - base) as usize..(b - base) as usize).unwrap_or("");
    // An expression of several lines is marked to the end of its first.
    let marked = if span.hi <= end { anchors(part(lo, hi)) } else { None };
    if (lo, hi) == (begin, end) && marked.is_none() {
        return;
    }
    let (before, width) = (part(begin, lo).chars().count(), part(lo, hi).chars().count().max(1));
    let marks = match marked {
        None => "^".repeat(width),
        Some((from, to)) => "~".repeat(from) + &"^".repeat(to - from) + &"~".repeat(width.saturating_sub(to)),
    };
    let _ = writeln!(out, "    {}{marks}", " ".repeat(before));
}

#[cfg(test)]
mod tests {
    use super::target;

    #[test]
    fn variables_of_assignments() {
        for (before, name) in [
            ("fork = ", Some("fork")),
            ("  self.lock = ", Some("self.lock")),
            ("a, b = ", Some("a")),
            ("a, b = f(), ", Some("b")),
            ("x = 1; y = ", Some("y")),
            ("Table(seats=3, lock=", Some("lock")),
            ("if a == ", None),
            ("locks = [", None),
            ("f(", None),
            ("a += ", None),
        ] {
            assert_eq!(target(before), name, "{before}");
        }
    }
}
