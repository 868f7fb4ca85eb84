//! Exceptions as Python prints them: chain, traceback, class and text; groups drawn as trees.
//!
//! Source of the drawing and its limits: `TracebackException.format` of CPython 3.11's `traceback.py`.

use super::thread::Thread;
use super::traceback::{format_trail, is_library};
use crate::object::Value;
use crate::object::class::Class;
use crate::object::exception::Exception;
use crate::object::name;
use std::fmt::Write;

const CAUSE: &str = "\nThe above exception was the direct cause of the following exception:\n\n";
const CONTEXT: &str = "\nDuring handling of the above exception, another exception occurred:\n\n";
/// A longer chain is cut at its old end.
const MAX_CHAIN: usize = 100;
/// Members that a drawn group shows, and how deep groups are drawn.
const MAX_WIDTH: usize = 15;
const MAX_DEPTH: usize = 10;

/// The text so far, and where in a tree of groups it stands.
#[derive(Default)]
struct Drawing {
    out: String,
    depth: usize,
    need_close: bool,
}

impl Drawing {
    fn emit(&mut self, text: &str) {
        self.emit_with(text, '|');
    }

    fn emit_with(&mut self, text: &str, margin: char) {
        if self.depth == 0 {
            self.out += text;
            return;
        }
        let indent = "  ".repeat(self.depth);
        for line in text.split_inclusive('\n') {
            let _ = write!(self.out, "{indent}{margin} {line}");
        }
    }
}

impl Thread {
    /// An uncaught exception as Python prints it: traceback, chain, class and text.
    pub fn format_exception(&mut self, e: &Value) -> String {
        let mut drawing = Drawing::default();
        self.draw(e, &mut drawing, &mut Vec::new());
        drawing.out
    }

    fn draw(&mut self, e: &Value, d: &mut Drawing, seen: &mut Vec<usize>) {
        let mut chain: Vec<(&str, Value)> = Vec::new();
        let mut next = Some(e.clone());
        while let Some(Value::Obj(r)) = next.take() {
            let (cause, context, hide) =
                r.with::<Exception, _>(&self.held, |x| (x.cause.clone(), x.context.clone(), x.suppress_context));
            seen.push(r.address());
            let known = |v: &Value| match v {
                Value::Obj(r) => seen.contains(&r.address()) || seen.len() > MAX_CHAIN,
                _ => true,
            };
            let before = if !known(&cause) {
                next = Some(cause);
                CAUSE
            } else if cause.is_none() && !hide && !known(&context) {
                next = Some(context);
                CONTEXT
            } else {
                ""
            };
            chain.push((before, r.into()));
        }
        for (before, e) in chain.iter().rev() {
            if !before.is_empty() {
                d.emit(before);
            }
            match self.group_members(e) {
                None => self.draw_plain(e, d, "Traceback (most recent call last):\n", '|'),
                Some(_) if d.depth > MAX_DEPTH => d.emit(&format!("... (max_group_depth is {MAX_DEPTH})\n")),
                Some(members) => self.draw_group(e, &members, d, seen),
            }
        }
    }

    fn draw_plain(&mut self, e: &Value, d: &mut Drawing, head: &str, margin: char) {
        let trail = match e {
            Value::Obj(r) => r.with::<Exception, _>(&self.held, |x| x.trail.clone()),
            _ => Vec::new(),
        };
        if trail.iter().any(|t| !is_library(&t.code.file.name)) {
            d.emit_with(head, margin);
            d.emit(&format_trail(&trail));
        }
        let last = self.format_last(e);
        d.emit(&last);
    }

    fn draw_group(&mut self, e: &Value, members: &[Value], d: &mut Drawing, seen: &mut Vec<usize>) {
        let outermost = d.depth == 0;
        if outermost {
            d.depth = 1;
        }
        let margin = if outermost { '+' } else { '|' };
        self.draw_plain(e, d, "Exception Group Traceback (most recent call last):\n", margin);
        let shown = members.len().min(MAX_WIDTH + 1);
        d.need_close = false;
        for (at, member) in members.iter().take(shown).enumerate() {
            let last = at + 1 == shown;
            if last {
                d.need_close = true;
            }
            let title = if at < MAX_WIDTH { (at + 1).to_string() } else { "...".to_string() };
            let (indent, branch) = ("  ".repeat(d.depth), if at == 0 { "+-" } else { "  " });
            let _ = writeln!(d.out, "{indent}{branch}+---------------- {title} ----------------");
            d.depth += 1;
            if at < MAX_WIDTH {
                self.draw(member, d, seen);
            } else {
                let more = members.len() - MAX_WIDTH;
                d.emit(&format!("and {more} more exception{}\n", if more > 1 { "s" } else { "" }));
            }
            if last && d.need_close {
                let _ = writeln!(d.out, "{}+------------------------------------", "  ".repeat(d.depth));
                d.need_close = false;
            }
            d.depth -= 1;
        }
        if outermost {
            d.depth = 0;
        }
    }

    /// The last lines: class, text, notes.
    pub fn format_last(&mut self, e: &Value) -> String {
        let class = self.type_of(e);
        let (n, module) = class.with::<Class, _>(&self.held, |c| (c.qualname.clone(), c.module));
        let shown =
            if module == name::MAIN || module == name::BUILTINS { n.to_string() } else { format!("{module}.{n}") };
        let text = match self.str_text(e) {
            Ok(t) => t,
            Err(_) => {
                drop(self.take_raised());
                "<exception str() failed>".into()
            }
        };
        let mut out = if text.is_empty() { format!("{shown}\n") } else { format!("{shown}: {text}\n") };
        let notes = match e {
            Value::Obj(r) => r.with::<Exception, _>(&self.held, |x| x.notes.clone()),
            _ => Value::None,
        };
        if !notes.is_none()
            && let Ok(items) = self.collect(&notes)
        {
            for n in items {
                if let Ok(t) = self.str_text(&n) {
                    let _ = writeln!(out, "{t}");
                }
            }
        }
        out
    }
}
